//! Carrying the host's wall clock through to the receivers (RFC 3550 section 6.4.1).

use domain::Timestamp;
use std::time::Duration;

/// NTP time, 32.32 fixed point seconds (RFC 3550 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The middle 32 bits, as LSR and DLSR use them (units of 1/65536 s).
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// One sender report of the publisher for one layer: two clocks read at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Generation of the stream it belongs to ([`crate::StoredPacket::generation`]).
    pub generation: u32,
    /// The publisher's wall clock.
    pub ntp: NtpTime,
    /// The stream's RTP clock at that moment.
    pub rtp: u32,
    /// When the report reached the relay.
    pub arrival: Timestamp,
}

/// The content of a sender report towards a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownReport {
    /// The host's wall clock, carried on to now.
    pub ntp: NtpTime,
    /// The outgoing stream's RTP clock at that moment.
    pub rtp: u32,
    /// Packets sent so far, modulo 2^32.
    pub packets: u32,
    /// Payload octets sent so far, modulo 2^32.
    pub octets: u32,
}

/// Remembers when the last reports to a receiver left, so that its LSR/DLSR give a round-trip time.
///
/// The NTP time in our reports is the host's, so the usual subtraction from our own clock cannot be used.
#[derive(Debug, Clone, Default)]
pub struct SentReports {
    sent: [Option<(u32, Timestamp)>; 8],
    next: u8,
}

impl SentReports {
    /// Notes that a report carrying `ntp` left at `now`.
    pub fn on_sent(&mut self, ntp: NtpTime, now: Timestamp) {
        self.sent[usize::from(self.next) % 8] = Some((ntp.middle(), now));
        self.next = self.next.wrapping_add(1);
    }

    /// Round-trip time from a report block's LSR and DLSR (RFC 3550 section 6.4.1).
    ///
    /// `None` when LSR names no report we sent lately, or DLSR is longer than the time passed.
    pub fn rtt(&self, lsr: u32, dlsr: u32, now: Timestamp) -> Option<Duration> {
        let _ = (lsr, dlsr, now);
        todo!()
    }
}
