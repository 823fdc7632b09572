//! Receiver report statistics (RFC 3550 sections 6.4.1, A.3 and A.8).

use domain::Timestamp;

/// The content of one report block towards the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceptionReport {
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning, clamped to 24 bits signed.
    pub cumulative_lost: i32,
    /// Extended highest sequence number received.
    pub highest_sequence: u32,
    /// Interarrival jitter, RTP clock units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time in the last sender report; 0 before the first.
    pub last_sender_report: u32,
    /// Time since that report, in 1/65536 s.
    pub delay_since_last: u32,
}

/// Counts what arrived of one stream.
#[derive(Debug, Clone)]
pub struct Reception {
    clock_rate: u32,
}

impl Reception {
    /// For a stream with this RTP clock, Hz.
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate }
    }

    /// The report block for now; starts a new interval.
    pub fn report(&mut self, now: Timestamp) -> ReceptionReport {
        let _ = (now, self.clock_rate);
        todo!()
    }
}
