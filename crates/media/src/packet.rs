//! One media packet as it is kept for repair and replay, shared by every receiver.

use crate::FrameInfo;
use bytes::Bytes;
use domain::Timestamp;

/// One packet of one layer, stored once per worker; the payload memory is shared by reference count.
#[derive(Debug, Clone)]
pub struct StoredPacket {
    /// Which run of the stream this belongs to. It changes when the publisher restarts (new SSRC, new
    /// numbering, perhaps a new codec); numbers of different generations have nothing to do with each other.
    pub generation: u32,
    /// Sequence number extended to 64 bits; consecutive packets of one generation differ by 1.
    pub ext_seq: u64,
    /// RTP timestamp as the publisher wrote it, in the codec's clock.
    pub timestamp: u32,
    /// Last packet of a frame (video) or first of a talk spurt (audio).
    pub marker: bool,
    /// Codec payload without RTP header, padding, RTX or RED wrapping. Empty for padding-only packets.
    pub payload: Bytes,
    /// When it reached the relay.
    pub arrival: Timestamp,
    /// What the payload carries.
    pub frame: FrameInfo,
}
