//! Which packets to ask the publisher for again, and when.

use domain::Timestamp;
use std::time::Duration;

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
}

/// The packets of one stream that are missing, bounded.
#[derive(Debug)]
pub struct NackList {
    policy: NackPolicy,
}

impl NackList {
    /// An empty list.
    pub fn new(policy: NackPolicy) -> Self {
        Self { policy }
    }

    /// Appends the numbers to ask for now to `out`; call on every tick. `rtt` is the publisher's round trip.
    pub fn due(&mut self, now: Timestamp, rtt: Duration, out: &mut Vec<u16>) {
        let _ = (now, rtt, out, self.policy);
        todo!()
    }
}
