//! Receiver report statistics (RFC 3550 sections 6.4.1, A.3 and A.8).

use crate::NtpTime;
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
    /// Time since that report, in 1/65536 s; 0 before the first.
    pub delay_since_last: u32,
}

/// Counts what arrived of one stream. Repairs (RTX, RED) are not counted: the publisher's encoder must see the
/// loss of the link itself, or it puts no FEC into the voice.
#[derive(Debug, Clone)]
pub struct Reception {
    clock_rate: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Expected and received at the last report.
    prior: (u64, u64),
    /// Transit time of the last packet (RFC 3550 section A.8), RTP units modulo 2^32.
    transit: Option<u32>,
    /// Jitter times 16.
    jitter_x16: u32,
    sender_report: Option<(NtpTime, Timestamp)>,
}

impl Reception {
    /// For a stream with this RTP clock, Hz.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            first: None,
            highest: 0,
            received: 0,
            prior: (0, 0),
            transit: None,
            jitter_x16: 0,
            sender_report: None,
        }
    }

    /// One packet came on the stream's own SSRC.
    pub fn on_packet(&mut self, now: Timestamp, ext_seq: u64, timestamp: u32) {
        // A packet from before the first one makes the count start there.
        self.first = Some(self.first.map_or(ext_seq, |first| first.min(ext_seq)));
        self.highest = self.highest.max(ext_seq);
        self.received += 1;
        let arrival = (u128::from(now.as_micros()) * u128::from(self.clock_rate) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.transit {
            let change = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            // A publisher that jumps in time is no jitter; minutes would stay in the average for ever.
            if change < 10 * self.clock_rate {
                self.jitter_x16 = self.jitter_x16 + change - (self.jitter_x16 + 8) / 16;
            }
        }
        self.transit = Some(transit);
    }

    /// The publisher's numbering starts anew: so do the counts.
    pub fn restart(&mut self) {
        *self = Self { sender_report: self.sender_report, ..Self::new(self.clock_rate) };
    }

    /// The publisher's sender report came.
    pub fn on_sender_report(&mut self, now: Timestamp, ntp: NtpTime) {
        self.sender_report = Some((ntp, now));
    }

    /// The report block for now; starts a new interval. `None` before the first packet.
    pub fn report(&mut self, now: Timestamp) -> Option<ReceptionReport> {
        let expected = self.highest - self.first? + 1;
        let (prior_expected, prior_received) = std::mem::replace(&mut self.prior, (expected, self.received));
        let expected_now = expected.saturating_sub(prior_expected);
        let lost_now = expected_now.saturating_sub(self.received - prior_received);
        let lost =
            i64::try_from(expected).unwrap_or(i64::MAX) - i64::try_from(self.received).unwrap_or(i64::MAX);
        let (last_sender_report, delay_since_last) = self.sender_report.map_or((0, 0), |(ntp, at)| {
            (ntp.middle(), (now.saturating_since(at).as_micros() * 65_536 / 1_000_000) as u32)
        });
        Some(ReceptionReport {
            fraction_lost: (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: self.highest as u32,
            jitter: self.jitter_x16 / 16,
            last_sender_report,
            delay_since_last,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(packets: impl IntoIterator<Item = u64>) -> Reception {
        let mut reception = Reception::new(90_000);
        for ext_seq in packets {
            reception.on_packet(Timestamp::from_millis(ext_seq * 10), ext_seq, ext_seq as u32 * 900);
        }
        reception
    }

    #[test]
    fn a_tenth_lost_is_reported_as_a_tenth_and_the_next_interval_starts_clean() {
        let mut reception = received((100..200).filter(|n| n % 10 != 5));
        let report = reception.report(Timestamp::from_millis(2_000)).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost, report.highest_sequence), (25, 10, 199));
        for ext_seq in 200..300 {
            reception.on_packet(Timestamp::from_millis(ext_seq * 10), ext_seq, ext_seq as u32 * 900);
        }
        let report = reception.report(Timestamp::from_millis(3_000)).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 10));
    }

    #[test]
    fn a_steady_stream_has_no_jitter_and_a_shaken_one_has() {
        assert_eq!(received(0..500).report(Timestamp::ZERO).unwrap().jitter, 0);
        let mut shaken = Reception::new(90_000);
        for n in 0..500u64 {
            let late = if n % 2 == 0 { 0 } else { 5 };
            shaken.on_packet(Timestamp::from_millis(n * 20 + late), n, n as u32 * 1_800);
        }
        let jitter = shaken.report(Timestamp::ZERO).unwrap().jitter;
        assert!((440..=460).contains(&jitter), "5 ms are 450 units, got {jitter}");
    }

    #[test]
    fn the_publisher_can_compute_its_round_trip() {
        let mut reception = received(0..10);
        assert_eq!(reception.report(Timestamp::ZERO).unwrap().last_sender_report, 0);
        reception.on_sender_report(Timestamp::from_millis(1_000), NtpTime(0x1111_2222_3333_4444));
        let report = reception.report(Timestamp::from_millis(1_500)).unwrap();
        assert_eq!((report.last_sender_report, report.delay_since_last), (0x2222_3333, 32_768));
    }

    #[test]
    fn nothing_is_reported_before_the_first_packet_and_surplus_is_no_loss() {
        assert_eq!(Reception::new(48_000).report(Timestamp::ZERO), None);
        let mut doubled = received([5, 6, 7, 7, 6, 5]);
        let report = doubled.report(Timestamp::ZERO).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, -3));
    }
}
