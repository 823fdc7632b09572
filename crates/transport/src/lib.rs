//! One peer: ICE-lite, DTLS, SDP, SRTCP and sealing RTP: sans-IO.
