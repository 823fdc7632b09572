//! Redundant audio (RFC 2198): every packet carries its predecessors once more.

/// One block of a RED payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Payload type inside RED.
    pub payload_type: u8,
    /// How much earlier than the packet's own timestamp, RTP clock units (0 to 16 383).
    pub timestamp_offset: u16,
    /// Codec payload.
    pub payload: &'a [u8],
}
