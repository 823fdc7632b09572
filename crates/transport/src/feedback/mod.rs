//! RTCP in the relay's words: what came in ([`parse`]), what goes out ([`build`]), and the arrival log of an ingest leg ([`twcc`]).

mod build;
mod parse;
mod twcc;

pub use build::{Compound, ReportBlock, SenderInfo};
pub use parse::{MAX_ITEMS, parse};
pub use twcc::TwccRecorder;

use domain::{Bitrate, Timestamp};

/// One piece of news from a peer's RTCP. SSRCs are not checked: the caller ignores those it does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// How one of our streams arrives (RFC 3550 section 6.4.2), one per report block.
    ReceiverReport(ReportBlock),
    /// The peer's clocks for one of its streams (RFC 3550 section 6.4.1).
    SenderReport(SenderInfo),
    /// Packets of ours that did not arrive (RFC 4585 section 6.2.1), at most [`MAX_ITEMS`] of them.
    Nack {
        /// Our SSRC.
        ssrc: u32,
        /// Sequence numbers, in the order asked for.
        sequences: Vec<u16>,
    },
    /// The decoder needs a keyframe (RFC 4585 section 6.3.1).
    Pli {
        /// Our SSRC.
        ssrc: u32,
    },
    /// The decoder needs a keyframe (RFC 5104 section 4.3.1).
    Fir {
        /// Our SSRC.
        ssrc: u32,
        /// Command counter: the same number again is the same request again.
        command: u8,
    },
    /// What the receiver thinks its link carries (draft-alvestrand-rmcat-remb).
    Remb {
        /// Estimated maximum of all streams together.
        bitrate: Bitrate,
    },
    /// When packets with transport-wide sequence numbers arrived.
    Twcc(TwccReport),
    /// The peer stopped sending these SSRCs (RFC 3550 section 6.6).
    Bye {
        /// The peer's SSRC.
        ssrc: u32,
    },
}

/// Arrival times of a run of packets (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwccReport {
    /// Counts reports, modulo 256: a gap is a lost report.
    pub count: u8,
    /// Transport-wide sequence number of the first entry.
    pub base_sequence: u16,
    /// One entry per sequence number from the base on: when it arrived by the receiver's clock (250 µs steps, unknown zero,
    /// wraps after 12.4 days), or `None` when it has not.
    pub arrivals: Vec<Option<Timestamp>>,
}
