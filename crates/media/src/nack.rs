//! Which packets to ask the publisher for again, and when (RFC 4585 section 6.2.1).

use domain::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// Limits of asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NackPolicy {
    /// A gap this young may still be reordering, not loss.
    pub reorder_wait: Duration,
    /// Asked at most this often.
    pub tries_max: u8,
    /// Older gaps are given up: nobody could use the packet any more.
    pub age_max: Duration,
    /// Numbers in one NACK at most.
    pub batch_max: usize,
    /// Numbers remembered at most; beyond it the oldest are given up.
    pub missing_max: usize,
}

impl Default for NackPolicy {
    /// Fits uplinks of 20 to 600 ms round trip; ten tries bring a packet through 20 % loss both ways.
    fn default() -> Self {
        Self {
            reorder_wait: Duration::from_millis(10),
            tries_max: 10,
            age_max: Duration::from_secs(2),
            batch_max: 64,
            missing_max: 512,
        }
    }
}

/// Asking again waits one round trip, but within these bounds.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_millis(400);

#[derive(Debug, Clone, Copy)]
struct Missing {
    ext_seq: u64,
    noticed_at: Timestamp,
    asked_at: Option<Timestamp>,
    tries: u8,
}

/// The packets of one stream that are missing, bounded.
#[derive(Debug)]
pub struct NackList {
    policy: NackPolicy,
    /// In order of number.
    missing: VecDeque<Missing>,
    given_up: u64,
}

impl NackList {
    /// An empty list.
    pub fn new(policy: NackPolicy) -> Self {
        Self { policy, missing: VecDeque::with_capacity(policy.missing_max.min(1024)), given_up: 0 }
    }

    /// The numbers from `from` up to but not including `to` were skipped. Call with growing numbers.
    pub fn on_gap(&mut self, now: Timestamp, from: u64, to: u64) {
        let wanted = to.saturating_sub(from);
        let kept = wanted.min(self.policy.missing_max as u64);
        self.given_up += wanted - kept;
        for ext_seq in to - kept..to {
            // full: the oldest is given up, it is the least useful.
            if self.missing.len() >= self.policy.missing_max {
                self.missing.pop_front();
                self.given_up += 1;
            }
            self.missing.push_back(Missing { ext_seq, noticed_at: now, asked_at: None, tries: 0 });
        }
    }

    /// The packet came, by whatever way.
    pub fn on_arrival(&mut self, ext_seq: u64) {
        if let Ok(index) = self.missing.binary_search_by_key(&ext_seq, |missing| missing.ext_seq) {
            self.missing.remove(index);
        }
    }

    /// Appends the numbers to ask for now to `out`; call on every tick. `rtt` is the publisher's round trip.
    pub fn due(&mut self, now: Timestamp, rtt: Duration, out: &mut Vec<u16>) {
        let policy = self.policy;
        let retry = rtt.clamp(RETRY_MIN, RETRY_MAX);
        let before = self.missing.len();
        self.missing.retain(|missing| {
            let worn_out = missing.tries >= policy.tries_max
                && missing.asked_at.is_some_and(|at| now.saturating_since(at) >= retry);
            !worn_out && now.saturating_since(missing.noticed_at) < policy.age_max
        });
        self.given_up += (before - self.missing.len()) as u64;
        let is_due = |missing: &Missing| match missing.asked_at {
            None => now.saturating_since(missing.noticed_at) >= policy.reorder_wait,
            Some(at) => missing.tries < policy.tries_max && now.saturating_since(at) >= retry,
        };
        for missing in self.missing.iter_mut().filter(|missing| is_due(missing)).take(policy.batch_max) {
            missing.asked_at = Some(now);
            missing.tries += 1;
            out.push(missing.ext_seq as u16);
        }
    }

    /// Packets that were given up so far.
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RTT: Duration = Duration::from_millis(100);

    fn ask(list: &mut NackList, ms: u64) -> Vec<u16> {
        let mut out = Vec::new();
        list.due(Timestamp::from_millis(ms), RTT, &mut out);
        out
    }

    #[test]
    fn packets_that_only_changed_places_are_not_asked_for() {
        let mut list = NackList::new(NackPolicy::default());
        list.on_gap(Timestamp::ZERO, 5, 7);
        assert_eq!(ask(&mut list, 5), []);
        list.on_arrival(5);
        assert_eq!(ask(&mut list, 10), [6]);
        list.on_arrival(6);
        assert!(list.is_empty());
        assert_eq!(ask(&mut list, 500), []);
    }

    #[test]
    fn a_lost_packet_is_asked_for_once_a_round_trip_and_then_given_up() {
        let policy = NackPolicy { age_max: Duration::from_mins(1), ..NackPolicy::default() };
        let mut list = NackList::new(policy);
        list.on_gap(Timestamp::ZERO, 5, 6);
        let asked: Vec<u64> = (0..5_000).filter(|&ms| !ask(&mut list, ms).is_empty()).collect();
        assert_eq!(asked, (0..10).map(|n| 10 + n * 100).collect::<Vec<_>>());
        assert!(list.is_empty());
        assert_eq!(list.given_up(), 1);
    }

    #[test]
    fn a_packet_that_is_too_old_to_be_shown_is_given_up_early() {
        let mut list = NackList::new(NackPolicy::default());
        list.on_gap(Timestamp::ZERO, 5, 6);
        assert_eq!(ask(&mut list, 1_999), [5]);
        assert_eq!(ask(&mut list, 2_100), []);
        assert_eq!(list.given_up(), 1);
    }

    #[test]
    fn a_forged_jump_does_not_make_the_list_grow() {
        let mut list = NackList::new(NackPolicy::default());
        list.on_gap(Timestamp::ZERO, 0, 1_000_000);
        assert_eq!(list.missing.len(), 512);
        assert_eq!(list.given_up(), 1_000_000 - 512);
        assert_eq!(ask(&mut list, 10).len(), 64);
        assert_eq!(ask(&mut list, 11).len(), 64, "the next ones, not the same again");
    }

    proptest! {
        #[test]
        fn whatever_is_lost_no_number_is_asked_for_more_than_ten_times(
            gaps in prop::collection::vec((0u64..50, 1u64..40), 1..50), rtt_ms in 0u64..1_000, tick in 1u64..50,
        ) {
            let mut list = NackList::new(NackPolicy::default());
            let mut counts = std::collections::HashMap::new();
            let (mut now, mut at) = (0, 0);
            let mut out = Vec::new();
            for (wait, gap) in gaps {
                at += 1;
                list.on_gap(Timestamp::from_millis(now), at, at + gap);
                at += gap;
                for _ in 0..wait {
                    now += tick;
                    out.clear();
                    list.due(Timestamp::from_millis(now), Duration::from_millis(rtt_ms), &mut out);
                    prop_assert!(out.len() <= 64);
                    for &seq in &out {
                        *counts.entry(seq).or_insert(0) += 1;
                    }
                }
            }
            prop_assert!(counts.values().all(|&count| count <= 10));
        }
    }
}
