//! STUN for ICE (RFC 8489, RFC 8445).

/// The ufrag of ours that a connectivity check names: the part of its USERNAME before the colon. Nothing is verified.
///
/// For a worker's demux, to find the peer an unknown address wants to talk to. Allocates nothing.
pub fn local_ufrag_of(_datagram: &[u8]) -> Option<&str> {
    todo!()
}
