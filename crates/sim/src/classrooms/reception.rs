//! How one RTP stream arrives at a classroom: what is missing, what to ask for again, what to report.

use domain::Timestamp;
use std::{collections::BTreeMap, time::Duration};
use transport::feedback::{ReportBlock, SenderInfo};

/// A missing packet is asked for when this much time has passed, or two later ones have come: reordering is not loss.
const ASK_AFTER: Duration = Duration::from_millis(20);
/// It is asked for again after this long.
const ASK_AGAIN: Duration = Duration::from_millis(60);
/// Then it is given up: a player has long shown what comes after it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);
/// Sequence numbers of one NACK.
const ASK_FOR_AT_MOST: usize = 64;
/// A gap wider than this is a stream that began anew, not loss.
const GAP_MAX: u64 = 1_000;

/// What came of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The next, or one after a gap.
    New,
    /// It had been missing.
    Repaired,
    /// It was there already, or had been given up.
    Useless,
}

/// What happened on a stream since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets that came at their first attempt.
    pub packets: u64,
    /// Bytes of all packets.
    pub bytes: u64,
    /// Packets that were missing long enough to be asked for.
    pub lost: u64,
    /// Of those, how many came after all.
    pub repaired: u64,
    /// Of those, how many were given up.
    pub unrecovered: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.repaired += other.repaired;
        self.unrecovered += other.unrecovered;
    }
}

#[derive(Debug)]
struct Missing {
    since: Timestamp,
    asked_at: Option<Timestamp>,
}

/// One SSRC at the receiver.
#[derive(Debug)]
pub struct Reception {
    ssrc: u32,
    clock_rate: u32,
    first: Option<u64>,
    highest: u64,
    missing: BTreeMap<u64, Missing>,
    counts: Counts,
    received: u64,
    /// Transit time of the packet before, RTP ticks, and the jitter of RFC 3550 section 6.4.1 times 16.
    transit: Option<i64>,
    jitter_q4: i64,
    /// At the report before: expected and received.
    reported: (u64, u64),
    sender_report: Option<(u32, Timestamp)>,
}

impl Reception {
    /// Waits for the first packet of `ssrc`, whose RTP clock has `clock_rate` Hz.
    pub fn new(ssrc: u32, clock_rate: u32) -> Self {
        Self {
            ssrc,
            clock_rate,
            first: None,
            highest: 0,
            missing: BTreeMap::new(),
            counts: Counts::default(),
            received: 0,
            transit: None,
            jitter_q4: 0,
            reported: (0, 0),
            sender_report: None,
        }
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The stream's SSRC.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Whether any packet has come.
    pub fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    /// A packet came with this extended sequence number.
    pub fn media(&mut self, now: Timestamp, sequence: u64, rtp_timestamp: u32, bytes: usize) -> Outcome {
        self.counts.bytes += bytes as u64;
        if self.first.is_none() {
            self.first = Some(sequence);
            self.highest = sequence;
            return self.came_in_time(now, rtp_timestamp);
        }
        if sequence <= self.highest {
            return self.filled(sequence);
        }
        if sequence - self.highest > GAP_MAX {
            self.missing.clear();
        } else {
            for gap in self.highest + 1..sequence {
                self.missing.insert(gap, Missing { since: now, asked_at: None });
            }
        }
        self.highest = sequence;
        self.came_in_time(now, rtp_timestamp)
    }

    /// A retransmission of the packet with this 16-bit sequence number came, `bytes` long. Gives its extended number too.
    pub fn repair(&mut self, original: u16, bytes: usize) -> (u64, Outcome) {
        self.counts.bytes += bytes as u64;
        let distance = (self.highest as u16).wrapping_sub(original);
        let sequence = self.highest.wrapping_sub(u64::from(distance));
        (sequence, self.filled(sequence))
    }

    fn came_in_time(&mut self, now: Timestamp, rtp_timestamp: u32) -> Outcome {
        self.counts.packets += 1;
        self.received += 1;
        let arrival = now.as_micros().cast_signed().wrapping_mul(i64::from(self.clock_rate)) / 1_000_000;
        let transit = i64::from((arrival as u32).wrapping_sub(rtp_timestamp).cast_signed());
        if let Some(before) = self.transit.replace(transit) {
            self.jitter_q4 += (transit - before).abs() - ((self.jitter_q4 + 8) >> 4);
        }
        Outcome::New
    }

    fn filled(&mut self, sequence: u64) -> Outcome {
        match self.missing.remove(&sequence) {
            Some(missing) => {
                self.received += 1;
                if missing.asked_at.is_some() {
                    self.counts.repaired += 1;
                } else {
                    self.counts.packets += 1;
                }
                Outcome::Repaired
            }
            None => Outcome::Useless,
        }
    }

    /// The sequence numbers to ask for now, ascending; and how many had to be given up.
    ///
    /// With `nack` false the stream has no repair: what is missing is counted and given up.
    pub fn poll_nack(&mut self, now: Timestamp, nack: bool) -> (Vec<u16>, u64) {
        let mut ask = Vec::new();
        let mut given_up = 0;
        let (highest, counts) = (self.highest, &mut self.counts);
        self.missing.retain(|&sequence, missing| {
            let age = now.saturating_since(missing.since);
            if age >= GIVE_UP_AFTER {
                counts.unrecovered += 1;
                given_up += 1;
                return false;
            }
            let due = match missing.asked_at {
                None => age >= ASK_AFTER || highest - sequence > 2,
                Some(asked_at) => now.saturating_since(asked_at) >= ASK_AGAIN,
            };
            if due && ask.len() < ASK_FOR_AT_MOST {
                if missing.asked_at.is_none() {
                    counts.lost += 1;
                }
                missing.asked_at = Some(now);
                if nack {
                    ask.push(sequence as u16);
                }
            }
            true
        });
        (ask, given_up)
    }

    /// Whether anything is missing, so that [`poll_nack`](Self::poll_nack) has work.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    /// Notes the sender's clocks, for the report's round trip fields.
    pub fn sender_report(&mut self, now: Timestamp, info: &SenderInfo) {
        self.sender_report = Some(((info.ntp >> 16) as u32, now));
    }

    /// The report block since the last one (RFC 3550 section 6.4.1); `None` before the first packet.
    pub fn report(&mut self, now: Timestamp) -> Option<ReportBlock> {
        let first = self.first?;
        let expected = self.highest - first + 1;
        let (expected_before, received_before) =
            std::mem::replace(&mut self.reported, (expected, self.received));
        let expected_since = expected - expected_before;
        let lost_since = expected_since.saturating_sub(self.received - received_before);
        let (last_sender_report, delay) = match self.sender_report {
            Some((ntp, at)) => (ntp, (now.saturating_since(at).as_micros() * 65_536 / 1_000_000) as u32),
            None => (0, 0),
        };
        Some(ReportBlock {
            reporter: 0,
            ssrc: self.ssrc,
            fraction_lost: (lost_since * 256).checked_div(expected_since).unwrap_or(0).min(255) as u8,
            cumulative_lost: (expected.cast_signed() - self.received.cast_signed())
                .clamp(-(1 << 23), (1 << 23) - 1) as i32,
            highest_sequence: self.highest as u32,
            jitter: (self.jitter_q4 >> 4) as u32,
            last_sender_report,
            delay_since_last_sender_report: delay,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn receive(stream: &mut Reception, sequences: impl IntoIterator<Item = u64>) {
        for (n, sequence) in sequences.into_iter().enumerate() {
            stream.media(ms(n as u64), sequence, 0, 100);
        }
    }

    #[test]
    fn packets_that_change_places_are_not_lost() {
        let mut stream = Reception::new(1, 90_000);
        receive(&mut stream, [10, 12, 11, 13]);
        assert_eq!(stream.poll_nack(ms(5), true), (vec![], 0));
        assert_eq!(stream.counts(), Counts { packets: 4, bytes: 400, ..Counts::default() });
    }

    #[test]
    fn a_missing_packet_is_asked_for_again_until_it_comes() {
        let mut stream = Reception::new(1, 90_000);
        receive(&mut stream, [65_534, 65_537]);
        assert_eq!(stream.poll_nack(ms(30), true).0, [65_535, 0]);
        assert_eq!(stream.poll_nack(ms(31), true).0, [0u16; 0]);
        assert_eq!(stream.repair(65_535, 50), (65_535, Outcome::Repaired));
        assert_eq!(stream.poll_nack(ms(95), true).0, [0]);
        assert_eq!(stream.repair(0, 50), (65_536, Outcome::Repaired));
        assert_eq!(stream.repair(0, 50).1, Outcome::Useless);
        assert_eq!(stream.counts(), Counts { packets: 2, bytes: 350, lost: 2, repaired: 2, unrecovered: 0 });
    }

    #[test]
    fn what_never_comes_is_given_up_after_a_second() {
        let mut stream = Reception::new(1, 90_000);
        receive(&mut stream, [1, 3]);
        stream.poll_nack(ms(100), true);
        assert_eq!(stream.poll_nack(ms(1_100), true), (vec![], 1));
        assert!(stream.is_whole());
        assert_eq!(stream.counts().unrecovered, 1);
    }

    #[test]
    fn a_report_tells_the_loss_since_the_one_before() {
        let mut stream = Reception::new(7, 90_000);
        receive(&mut stream, [1, 2, 4, 5]);
        let report = stream.report(ms(10)).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost, report.highest_sequence), (51, 1, 5));
        receive(&mut stream, [6, 7, 8]);
        let report = stream.report(ms(20)).unwrap();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 1));
    }
}
