//! What a receiver's link can carry, from what it reports.

use domain::{Bitrate, Timestamp};
use std::time::Duration;

/// One receiver report, all streams of the receiver taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossReport {
    /// Share of packets lost since the last report, 0 to 1.
    pub loss: f64,
    /// Round-trip time, where known.
    pub rtt: Option<Duration>,
}

/// One packet as transport-wide feedback saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When it left.
    pub sent: Timestamp,
    /// When it arrived, in the receiver's own clock; `None`: not arrived.
    pub received: Option<Timestamp>,
    /// Bytes on the wire.
    pub size: u32,
}

/// Estimates what one receiver's link can carry.
#[derive(Debug, Clone)]
pub struct LinkEstimator {
    estimate: Bitrate,
}

impl LinkEstimator {
    /// A link of which nothing is known yet.
    pub fn new(start: Bitrate) -> Self {
        Self { estimate: start }
    }

    /// `bytes` left towards the receiver.
    pub fn on_sent(&mut self, now: Timestamp, bytes: usize) {
        let _ = (now, bytes);
        todo!()
    }

    /// A receiver report came.
    pub fn on_loss_report(&mut self, now: Timestamp, report: LossReport) {
        let _ = (now, report);
        todo!()
    }

    /// The receiver's own estimate came (REMB).
    pub fn on_remb(&mut self, now: Timestamp, limit: Bitrate) {
        let _ = (now, limit);
        todo!()
    }

    /// Transport-wide feedback came: packets in the order they were sent.
    pub fn on_feedback(&mut self, now: Timestamp, packets: &[Seen]) {
        let _ = (now, packets);
        todo!()
    }

    /// What the link can carry.
    pub fn estimate(&self) -> Bitrate {
        self.estimate
    }

    /// Share of packets lost lately, 0 to 1, smoothed.
    pub fn loss(&self) -> f64 {
        todo!()
    }

    /// Smoothed round-trip time, where known.
    pub fn rtt(&self) -> Option<Duration> {
        todo!()
    }
}
