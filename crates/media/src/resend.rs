//! Answering a receiver's NACK from the shared ring, with limits that bound what an asker can cost.

use crate::{Outgoing, StoredPacket, segments::Segment};
use domain::{Layer, Timestamp};
use std::time::Duration;

/// Why a packet asked for by NACK is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendRefusal {
    /// A number never given out, or too long ago to know.
    Unknown,
    /// Sent again a moment ago: the last copy may still be under way.
    TooSoon,
    /// Sent again five times already.
    TooOften,
}

/// Where a packet asked for by NACK lies in the shared ring, and the numbers it had on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// Layer whose buffer holds it.
    pub layer: Layer,
    /// Number in that buffer.
    pub ext_seq: u64,
    pub(crate) segment: Segment,
    pub(crate) useful_since: Timestamp,
}

impl Resend {
    /// Older packets are not sent again: with the longest playout a classroom uses they are past their time.
    pub const AGE_MAX: Duration = Duration::from_secs(3);

    /// The packet exactly as it was first sent, to be written with [`Outgoing::write_rtx`].
    ///
    /// `None` when `stored` is not the packet asked for (the publisher restarted) or is too old.
    pub fn outgoing(&self, stored: &StoredPacket) -> Option<Outgoing> {
        let same = stored.ext_seq == self.ext_seq && stored.generation == self.segment.generation;
        (same && stored.arrival >= self.useful_since).then(|| self.segment.rewrite(stored))
    }
}

/// What is remembered about each of the latest outgoing numbers: was it sent, how often and when again.
///
/// Two bytes a packet: bit 15 sent, bits 12–14 times sent again, bits 0–11 when last (8 ms units, modulo 33 s).
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    entries: Box<[u16]>,
}

const SENT: u16 = 0x8000;
const TRIES_SHIFT: u32 = 12;
const TRIES_MAX: u16 = 5;
const TIME_MASK: u16 = 0x0fff;
const TIME_UNIT_US: u64 = 8_192;
/// A near receiver may ask again after twice the round trip, but for this long at most.
const WAIT_NEAR: Duration = Duration::from_millis(100);
/// A round trip is not believed to be longer than this: a receiver gives up after about a second.
const WAIT_FAR: Duration = Duration::from_millis(400);

impl Ledger {
    /// For the latest `window` numbers, a power of two.
    pub(crate) fn new(window: usize) -> Self {
        Self { entries: vec![0; window.next_power_of_two()].into() }
    }

    /// How many of the latest numbers are remembered.
    pub(crate) fn window(&self) -> u64 {
        self.entries.len() as u64
    }

    fn slot(&self, out: u64) -> usize {
        out as usize & (self.entries.len() - 1)
    }

    /// The number is newly given out: nothing has been sent with it.
    pub(crate) fn clear(&mut self, out: u64) {
        let slot = self.slot(out);
        self.entries[slot] = 0;
    }

    /// The number has been sent. `false` when it had been already.
    pub(crate) fn mark_sent(&mut self, out: u64) -> bool {
        let slot = self.slot(out);
        let fresh = self.entries[slot] & SENT == 0;
        self.entries[slot] |= SENT;
        fresh
    }

    /// Counts one more sending of the number, if the limits let it. A number that is reserved but was never
    /// sent may be asked for too: its packet may have been repaired upstream meanwhile.
    pub(crate) fn resend(&mut self, out: u64, now: Timestamp, rtt: Duration) -> Result<(), ResendRefusal> {
        let slot = self.slot(out);
        let entry = self.entries[slot];
        let (tries, now_units) = (entry >> TRIES_SHIFT & 7, (now.as_micros() / TIME_UNIT_US) as u16);
        if tries >= TRIES_MAX {
            return Err(ResendRefusal::TooOften);
        }
        let passed_us = u64::from(now_units.wrapping_sub(entry) & TIME_MASK) * TIME_UNIT_US;
        // Chromium asks each 100 ms whatever the distance: over a far link five copies had left before the first arrived.
        let wait = WAIT_NEAR.min(rtt * 2).max(rtt.min(WAIT_FAR));
        if tries > 0 && u128::from(passed_us) < wait.as_micros() {
            return Err(ResendRefusal::TooSoon);
        }
        self.entries[slot] = SENT | (tries + 1) << TRIES_SHIFT | now_units & TIME_MASK;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(200);

    #[test]
    fn a_receiver_that_asks_all_the_time_gets_a_packet_five_times_at_most() {
        let mut ledger = Ledger::new(64);
        assert!(ledger.mark_sent(7));
        let answered =
            (0..10_000).filter(|&ms| ledger.resend(7, Timestamp::from_millis(ms), RTT).is_ok()).count();
        assert_eq!(answered, 5);
    }

    #[test]
    fn the_same_packet_does_not_leave_again_while_the_last_copy_is_under_way() {
        let mut ledger = Ledger::new(64);
        ledger.mark_sent(7);
        let at = |ms: u64| Timestamp::from_millis(1_000_000 + ms);
        assert_eq!(ledger.resend(7, at(0), RTT), Ok(()));
        assert_eq!(ledger.resend(7, at(80), RTT), Err(ResendRefusal::TooSoon));
        assert_eq!(ledger.resend(7, at(190), RTT), Err(ResendRefusal::TooSoon));
        assert_eq!(ledger.resend(7, at(210), RTT), Ok(()));
        let near = Duration::from_millis(5);
        assert_eq!(ledger.resend(7, at(212), near), Err(ResendRefusal::TooSoon));
        assert_eq!(ledger.resend(7, at(230), near), Ok(()), "a near receiver may ask sooner");
        let stuck = Duration::from_secs(5);
        assert_eq!(ledger.resend(7, at(600), stuck), Err(ResendRefusal::TooSoon));
        assert_eq!(ledger.resend(7, at(640), stuck), Ok(()), "a round trip of seconds is a queue");
    }

    #[test]
    fn a_reused_entry_has_forgotten_its_old_number() {
        let mut ledger = Ledger::new(64);
        ledger.mark_sent(7);
        for ms in 0..1_000 {
            let _ = ledger.resend(7, Timestamp::from_millis(ms), RTT);
        }
        ledger.clear(7 + 64);
        assert_eq!(ledger.resend(7 + 64, Timestamp::ZERO, RTT), Ok(()));
        assert!(!ledger.mark_sent(7 + 64), "a repair counts as sent");
        ledger.clear(7 + 128);
        assert!(ledger.mark_sent(7 + 128));
    }
}
