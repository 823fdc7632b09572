//! What a receiver and we agreed on, in the words of forwarding.

use domain::{Bitrate, Codec, Layer, PeerId, Slot};
use media::StreamStart;
use std::time::Duration;

/// One receiver's agreement.
#[derive(Debug, Clone)]
pub struct ReceiverSpec {
    /// Who it is.
    pub peer: PeerId,
    /// Id of the transport-wide sequence number's header extension, when agreed.
    pub transport_id: Option<u8>,
    /// What its link is believed to carry at the beginning (`adaptive::Link::new`).
    pub start: Bitrate,
    /// How soon its handshake was answered (`adaptive::Protector::new`), where that was seen.
    pub answered: Option<Duration>,
    /// What it receives; each slot at most once.
    pub slots: Vec<SlotSpec>,
}

/// One slot of a receiver.
#[derive(Debug, Clone, Copy)]
pub struct SlotSpec {
    /// Which.
    pub slot: Slot,
    /// SSRC of the media.
    pub ssrc: u32,
    /// SSRC of retransmissions, when agreed.
    pub repair_ssrc: Option<u32>,
    /// Payload types of media and retransmission by [`codec_index`]; `None`: the codec was not agreed on.
    pub payload_types: [Option<(u8, Option<u8>)>; 3],
    /// Payload type of RED (RFC 2198) around this slot's voice, when agreed.
    pub red: Option<u8>,
    /// Its packets carry the transport-wide sequence number.
    pub counts_transport: bool,
    /// It may send generic NACK (RFC 4585 section 6.2.1).
    pub nack: bool,
    /// Largest layer of use; `None`: not wanted.
    pub wanted: Option<Layer>,
    /// First numbers of the media stream; random.
    pub start: StreamStart,
    /// First number of the repair stream; random, below 2^14.
    pub repair_start: u16,
}

/// Position of a codec in tables by codec.
pub fn codec_index(codec: Codec) -> usize {
    match codec {
        Codec::Opus => 0,
        Codec::Vp8 => 1,
        Codec::H264 => 2,
    }
}
