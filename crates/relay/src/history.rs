//! Transport-wide sequence numbers towards one receiver, and when each left.

use adaptive::Seen;
use domain::Timestamp;

/// Packets remembered: 2 s of the fastest stream a classroom gets. Older feedback says nothing useful.
const PACKETS: usize = 1_024;
/// Top bit of a stored size: feedback has been used once already.
const REPORTED: u16 = 1 << 15;

/// When a packet left (microseconds, low 32 bits) and how long it was.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    at: u32,
    size: u16,
}

/// Ring of the packets sent lately. Full: the oldest is forgotten, feedback about it is ignored.
#[derive(Debug)]
pub(crate) struct SendHistory {
    ring: Box<[Left; PACKETS]>,
    next: u64,
    /// The newest number any report has spoken of.
    reported_up_to: u64,
}

impl SendHistory {
    pub(crate) fn new() -> Self {
        Self { ring: Box::new([Left::default(); PACKETS]), next: 1, reported_up_to: 0 }
    }

    /// Number the next packet will carry.
    pub(crate) fn next(&self) -> u16 {
        self.next as u16
    }

    /// The packet with number [`SendHistory::next`] leaves now.
    pub(crate) fn record(&mut self, now: Timestamp, size: usize) {
        self.ring[self.next as usize % PACKETS] =
            Left { at: now.as_micros() as u32, size: (size as u16) & !REPORTED };
        self.next += 1;
    }

    /// Appends what a report says about packets that were sent and not reported as arrived before: `arrivals` of the numbers from
    /// `base_sequence` on, in the receiver's clock. Numbers never sent or long forgotten, which only a broken or lying receiver
    /// names, are ignored.
    ///
    /// Returns the bytes of packets no report speaks of, because theirs was lost on its way: between what was reported before and this.
    pub(crate) fn resolve(
        &mut self,
        now: Timestamp,
        base_sequence: u16,
        arrivals: &[Option<Timestamp>],
        seen: &mut Vec<Seen>,
    ) -> u64 {
        let newest = self.next - 1;
        let behind = (newest as u16).wrapping_sub(base_sequence);
        let Some(base) = newest.checked_sub(u64::from(behind)).filter(|_| behind < u16::MAX / 2) else {
            return 0;
        };
        let unheard = self.skipped(base);
        let last = (base + arrivals.len() as u64).saturating_sub(1).min(newest);
        self.reported_up_to = self.reported_up_to.max(last);
        for (sequence, &received) in (base..).zip(arrivals) {
            if sequence == 0 || sequence > newest || newest - sequence >= PACKETS as u64 {
                continue;
            }
            let left = &mut self.ring[sequence as usize % PACKETS];
            if left.size & REPORTED != 0 {
                continue;
            }
            let age = (now.as_micros() as u32).wrapping_sub(left.at);
            seen.push(Seen {
                sent: Timestamp::from_micros(now.as_micros().saturating_sub(u64::from(age))),
                received,
                size: u32::from(left.size),
            });
            if received.is_some() {
                left.size |= REPORTED;
            }
        }
        unheard
    }

    fn skipped(&self, base: u64) -> u64 {
        // Before the first report there is nothing it could have followed.
        let from = if self.reported_up_to == 0 { base } else { self.reported_up_to + 1 };
        let remembered = self.next.saturating_sub(PACKETS as u64);
        let sizes = (from.max(remembered)..base).map(|sequence| self.ring[sequence as usize % PACKETS].size);
        sizes.map(|size| u64::from(size & !REPORTED)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(
        history: &mut SendHistory,
        now: u64,
        base: u16,
        arrivals: &[Option<u64>],
    ) -> Vec<(u64, bool, u32)> {
        let arrivals: Vec<_> = arrivals.iter().map(|at| at.map(Timestamp::from_millis)).collect();
        let mut seen = Vec::new();
        history.resolve(Timestamp::from_millis(now), base, &arrivals, &mut seen);
        seen.iter().map(|seen| (seen.sent.as_micros() / 1000, seen.received.is_some(), seen.size)).collect()
    }

    #[test]
    fn feedback_finds_when_its_packets_left_also_past_the_wrap() {
        let mut history = SendHistory::new();
        for packet in 1..=65_540u64 {
            assert_eq!(history.next(), packet as u16);
            history.record(Timestamp::from_millis(packet), 1_200);
        }
        let found = resolved(&mut history, 65_600, 65_535, &[Some(1), None, Some(2)]);
        assert_eq!(found, [(65_535, true, 1_200), (65_536, false, 1_200), (65_537, true, 1_200)]);
    }

    #[test]
    fn an_arrival_counts_once_and_a_gap_may_still_arrive() {
        let mut history = SendHistory::new();
        history.record(Timestamp::from_millis(1), 100);
        history.record(Timestamp::from_millis(2), 200);
        assert_eq!(resolved(&mut history, 9, 1, &[Some(5), None]).len(), 2);
        assert_eq!(resolved(&mut history, 9, 1, &[Some(5), Some(6)]), [(2, true, 200)]);
    }

    #[test]
    fn packets_whose_report_was_lost_are_told_from_packets_that_were_lost() {
        let mut history = SendHistory::new();
        for packet in 1..=20u64 {
            history.record(Timestamp::from_millis(packet), 100);
        }
        let arrived = [Some(Timestamp::from_millis(5)); 3];
        let mut unheard = |base, arrivals: &[Option<Timestamp>]| {
            history.resolve(Timestamp::from_millis(30), base, arrivals, &mut Vec::new())
        };
        assert_eq!(unheard(3, &arrived), 0, "nothing was reported before");
        assert_eq!(unheard(6, &[None; 3]), 0, "they were spoken of: as lost");
        assert_eq!(unheard(12, &arrived), 300, "9, 10 and 11");
        assert_eq!(unheard(9, &arrived), 0, "late, and nothing is skipped by it");
        assert_eq!(unheard(40_000, &arrived), 0, "never sent");
    }

    #[test]
    fn packets_never_sent_are_ignored() {
        let mut history = SendHistory::new();
        history.record(Timestamp::from_millis(1), 100);
        assert_eq!(resolved(&mut history, 9, 2, &[Some(5)]), []);
        assert_eq!(resolved(&mut history, 9, 40_000, &[Some(5)]), []);
        assert_eq!(resolved(&mut history, 9, 65_535, &[Some(5), Some(5), Some(5)]), []);
        assert_eq!(resolved(&mut history, 9, 0, &[Some(5), Some(5)]), [(1, true, 100)]);
    }
}
