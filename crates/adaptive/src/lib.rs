//! Estimate, rungs, probing and pacing for weak links: pure, has never heard of RTP.
