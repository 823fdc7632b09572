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

    /// This time, `passed` later.
    #[must_use]
    pub fn plus(self, passed: Duration) -> Self {
        Self(self.0.wrapping_add((passed.as_micros() << 32).wrapping_div(1_000_000) as u64))
    }

    /// RTP clock ticks from `earlier` to this time, modulo 2^32; negative spans wrap.
    pub(crate) fn ticks_since(self, earlier: NtpTime, rate: u32) -> u32 {
        let span = i128::from(self.0.wrapping_sub(earlier.0).cast_signed());
        ((span * i128::from(rate)) >> 32) as u32
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
    /// The same moment on the relay's clock: when what carries `rtp` was captured.
    pub captured: Option<Timestamp>,
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
        let (_, left) = self.sent.iter().flatten().find(|(middle, _)| lsr != 0 && *middle == lsr)?;
        let held = Duration::from_micros(u64::from(dlsr) * 1_000_000 / 65_536);
        now.saturating_since(*left).checked_sub(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_answers_after_a_pause_shows_the_round_trip_without_it() {
        let mut reports = SentReports::default();
        let ntp = NtpTime(0x1234_5678_9abc_def0);
        reports.on_sent(ntp, Timestamp::from_millis(10_000));
        let half_a_second = 32_768;
        let rtt = reports.rtt(0x5678_9abc, half_a_second, Timestamp::from_millis(10_620));
        assert_eq!(rtt, Some(Duration::from_millis(120)));
    }

    #[test]
    fn a_lying_report_block_gives_no_round_trip() {
        let mut reports = SentReports::default();
        reports.on_sent(NtpTime(7 << 16), Timestamp::from_millis(10_000));
        let now = Timestamp::from_millis(10_100);
        assert_eq!(reports.rtt(7, u32::MAX, now), None, "held longer than the time passed");
        assert_eq!(reports.rtt(8, 0, now), None, "a report we never sent");
        assert_eq!(reports.rtt(0, 0, now), None, "no report received yet");
    }

    #[test]
    fn clocks_run_forwards_and_backwards_between_reports() {
        let earlier = NtpTime(5 << 32);
        let later = earlier.plus(Duration::from_millis(1_500));
        assert_eq!(later, NtpTime((6 << 32) + (1 << 31)));
        assert_eq!(later.ticks_since(earlier, 90_000), 135_000);
        assert_eq!(earlier.ticks_since(later, 90_000), 135_000u32.wrapping_neg());
    }
}
