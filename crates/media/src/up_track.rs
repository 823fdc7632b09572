//! One SSRC of a published stream: numbers, duplicates, repair, statistics, what each packet carries.

use crate::{ClockReading, NtpTime, ReceptionReport, StoredPacket};
use bytes::Bytes;
use domain::{Codec, Timestamp};
use std::time::Duration;

/// How the payload of an incoming packet is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// Plain codec payload on the stream's own SSRC.
    Plain,
    /// RFC 2198 redundancy around Opus.
    Red,
    /// Came by RTX; the caller has put the original sequence number in place ([`crate::rtp::rtx_original`]).
    Repair,
}

/// One decrypted packet of the stream.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Sequence number on the wire (RTX: the original one).
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Payload without padding (RTX: without the original sequence number).
    pub payload: Bytes,
    /// How it is wrapped.
    pub wrapping: Wrapping,
}

/// What became of an incoming packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// New; it (and what RED brought back) was handed out.
    Accepted,
    /// Seen already.
    Duplicate,
    /// Too old to matter, or an impossible jump.
    OutOfWindow,
    /// RED that cannot be read.
    Malformed,
}

/// What an [`UpTrack`] is told about its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpTrackConfig {
    /// Codec of the (unwrapped) payload.
    pub codec: Codec,
    /// Copied into [`StoredPacket::generation`]; use a new number for every new SSRC that feeds a slot and layer.
    pub generation: u32,
    /// Whether the publisher agreed to answer NACK.
    pub nack: bool,
}

/// One SSRC (one layer) of a published stream.
#[derive(Debug)]
pub struct UpTrack {
    config: UpTrackConfig,
}

impl UpTrack {
    /// A stream of which nothing has come yet.
    pub fn new(config: UpTrackConfig) -> Self {
        Self { config }
    }

    /// Takes one packet; appends what it yields to `out`: itself, unless it is a duplicate, and lost
    /// predecessors that RED brought back, in order of their numbers.
    pub fn receive(&mut self, now: Timestamp, packet: Incoming, out: &mut Vec<StoredPacket>) -> Arrived {
        let _ = (now, packet, out, self.config);
        todo!()
    }

    /// Takes the publisher's sender report; the reading goes to every worker's [`crate::Layers`].
    pub fn on_sender_report(&mut self, now: Timestamp, ntp: NtpTime, rtp: u32) -> ClockReading {
        let _ = (now, ntp, rtp);
        todo!()
    }

    /// Appends the numbers to NACK now to `out`; call on every tick. `rtt` is the publisher's round trip.
    pub fn nacks_due(&mut self, now: Timestamp, rtt: Duration, out: &mut Vec<u16>) {
        let _ = (now, rtt, out);
        todo!()
    }

    /// The report block for now; starts a new interval. `None` before the first packet.
    pub fn reception_report(&mut self, now: Timestamp) -> Option<ReceptionReport> {
        let _ = now;
        todo!()
    }

    /// Packets given up: neither repair nor redundancy brought them.
    pub fn unrepaired(&self) -> u64 {
        todo!()
    }
}
