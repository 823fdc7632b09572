//! What an offer and our answer agreed on, in the words the media workers use.

use crate::StreamIndex;
use domain::{Codec, Layer, MediaKind, Slot};

/// What the other side wants to do with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It sends (WHIP): we answer `recvonly`.
    Publish {
        /// Slot of the offer's first section of that kind. `ProgramVideo` is the usual; `SlidesVideo` sends pictures to the slides and
        /// sound to `ExtraAudio`.
        first_slot: Slot,
        /// Video codec put first in the answer, which is what a browser then sends. `None` keeps the offer's order.
        prefer: Option<Codec>,
    },
    /// It receives (WHEP): we answer `sendonly`.
    Play,
}

impl Direction {
    /// Publishing into the program's slots with the offer's own codec order.
    pub const PUBLISH: Direction = Direction::Publish { first_slot: Slot::ProgramVideo, prefer: None };
}

/// The outcome of offer and answer. Refused sections are not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Whether the peer sends or receives.
    pub direction: Direction,
    /// One entry per accepted m-line, in the offer's order; at most [`Slot::COUNT`].
    pub sections: Vec<Section>,
    /// SSRC our RTCP speaks with where no media SSRC of ours is meant.
    pub rtcp_ssrc: u32,
    /// CNAME of everything we send.
    pub cname: String,
}

impl Negotiated {
    /// The section that carries `slot`.
    pub fn section(&self, slot: Slot) -> Option<&Section> {
        self.sections.iter().find(|section| section.slot == slot)
    }
}

/// One accepted m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it carries.
    pub slot: Slot,
    /// `a=mid`, when the offer had one.
    pub mid: Option<String>,
    /// Accepted codecs, the preferred first; never empty.
    pub codecs: Vec<NegotiatedCodec>,
    /// Payload type of RED (RFC 2198) for this section's Opus, when both sides have it.
    pub red: Option<u8>,
    /// Header extensions both sides know.
    pub extensions: ExtensionIds,
    /// RTCP feedback both sides know.
    pub feedback: NegotiatedFeedback,
    /// Publish: the SSRCs the offer announced; empty when it announced none (they are then learnt from rid, mid or payload type).
    pub sources: Vec<SourceSsrcs>,
    /// Publish: simulcast layers by rid; empty without simulcast.
    pub rids: Vec<(String, Layer)>,
    /// Play: what we send.
    pub send: Option<SendStreams>,
}

impl Section {
    /// Sound or picture.
    pub fn kind(&self) -> MediaKind {
        self.slot.kind()
    }

    /// The payload types of `codec`, when it was accepted.
    pub fn codec(&self, codec: Codec) -> Option<&NegotiatedCodec> {
        self.codecs.iter().find(|accepted| accepted.codec == codec)
    }
}

/// Payload types of one accepted codec. All 0 to 127.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// Which codec.
    pub codec: Codec,
    /// Payload type of the media.
    pub payload_type: u8,
    /// Payload type of its retransmissions (RFC 4588), when negotiated.
    pub rtx_payload_type: Option<u8>,
}

/// Ids of the RTP header extensions (RFC 8285), 1 to 255, as negotiated for one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionIds {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`
    pub mid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id`
    pub rid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id`
    pub repaired_rid: Option<u8>,
    /// Transport-wide congestion control sequence number (2 bytes).
    pub transport_cc: Option<u8>,
    /// `abs-send-time` (3 bytes, 6.18 fixed point seconds).
    pub abs_send_time: Option<u8>,
    /// `abs-capture-time` (8 or 16 bytes).
    pub abs_capture_time: Option<u8>,
    /// RFC 6464 client-to-mixer audio level (1 byte).
    pub audio_level: Option<u8>,
    /// `playout-delay` (3 bytes).
    pub playout_delay: Option<u8>,
}

/// RTCP feedback negotiated for one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five independent yes-or-no lines of SDP")]
pub struct NegotiatedFeedback {
    /// Generic NACK (RFC 4585 section 6.2.1).
    pub nack: bool,
    /// Picture loss indication (RFC 4585 section 6.3.1).
    pub pli: bool,
    /// Full intra request (RFC 5104 section 4.3.1).
    pub fir: bool,
    /// Transport-wide congestion control feedback.
    pub transport_cc: bool,
    /// Receiver estimated maximum bitrate.
    pub remb: bool,
}

/// A media SSRC an offer announced, and the one that repairs it (`a=ssrc-group:FID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceSsrcs {
    /// SSRC of the media.
    pub media: u32,
    /// SSRC of its retransmissions.
    pub rtx: Option<u32>,
    /// Simulcast layer; [`Layer::High`] without simulcast.
    pub layer: Layer,
}

/// What we send on one section: SSRCs for ever fixed, and their places in the [`Sealer`](crate::Sealer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendStreams {
    /// SSRC of the media.
    pub ssrc: u32,
    /// The media's place in the sealer.
    pub stream: StreamIndex,
    /// SSRC of retransmissions, when RTX was negotiated.
    pub rtx_ssrc: Option<u32>,
    /// The retransmissions' place in the sealer.
    pub rtx_stream: Option<StreamIndex>,
}
