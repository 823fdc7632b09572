//! When pictures may leave towards one receiver, so that they wait here rather than before the voice in its modem.

use adaptive::Bitrate;
use domain::Timestamp;
use std::time::Duration;

/// Pictures may leave at once as far as they would have left within so much time: a pause is not made up for by a burst.
const BURST: Duration = Duration::from_millis(20);
/// Bytes of voice that pictures make up for at most.
const OWED_MOST: i64 = 3_000;

/// A leaky bucket of bytes. Voice goes out unasked and is owed by the pictures after it.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Bytes that may leave now; negative after a burst.
    credit: i64,
    /// Bytes beyond it by which the link is being tried: what waits goes out on them first.
    tried: u64,
    at: Timestamp,
}

impl Pacer {
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { credit: 0, tried: 0, at: now }
    }

    /// Whether a picture's packet may leave. It does so whole on any credit: with more than [`BURST`] saved up, two packets would
    /// stand in the modem of a thin link before the pace is felt at all.
    pub(crate) const fn may_send(&self) -> bool {
        self.credit > 0 || self.tried > 0
    }

    pub(crate) const fn on_sent(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.credit = self.credit.saturating_sub_unsigned(bytes.saturating_sub(self.tried));
        self.tried = self.tried.saturating_sub(bytes);
    }

    /// Time has passed in which `pace` applied; a try of the link's rate asks for `tried` bytes more just now.
    pub(crate) fn refill(&mut self, now: Timestamp, pace: Bitrate, tried: u64) {
        self.tried = tried;
        let more = pace.bytes_in(now.saturating_since(self.at));
        let most = pace.bytes_in(BURST).cast_signed().max(1);
        self.at = now;
        self.credit = self.credit.saturating_add_unsigned(more).clamp(-most.max(OWED_MOST), most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: usize = 1_200;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// When packets of pictures left that had all been there since second one, milliseconds.
    fn leave(pace: Bitrate, until: u64) -> Vec<u64> {
        let mut pacer = Pacer::new(at(0));
        let mut left = Vec::new();
        for now in (1_000..until).step_by(5) {
            pacer.refill(at(now), pace, 0);
            while pacer.may_send() {
                pacer.on_sent(PACKET);
                left.push(now);
            }
        }
        left
    }

    #[test]
    fn after_a_pause_a_thin_link_is_sent_one_packet_and_no_second_before_it_has_come_out() {
        let left = leave(Bitrate::from_kbps(100), 2_000);
        assert_eq!(left[0], 1_000);
        let gaps: Vec<u64> = left.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap >= 75), "a packet is 96 ms of this link: {gaps:?}");
    }

    #[test]
    fn a_good_link_is_sent_what_it_carries_in_twenty_milliseconds_at_once() {
        let left = leave(Bitrate::from_kbps(4_800), 1_001);
        assert_eq!(left.len() * PACKET, 12_000, "{left:?}");
    }

    #[test]
    fn voice_is_owed_by_the_pictures_after_it_but_not_for_ever() {
        let mut pacer = Pacer::new(at(0));
        pacer.refill(at(1_000), Bitrate::from_kbps(100), 0);
        pacer.on_sent(60_000);
        pacer.refill(at(1_005), Bitrate::from_kbps(100), 0);
        pacer.refill(at(1_235), Bitrate::from_kbps(100), 0);
        assert!(!pacer.may_send());
        pacer.refill(at(1_250), Bitrate::from_kbps(100), 0);
        assert!(pacer.may_send(), "3,000 bytes are 240 ms of this link");
    }

    #[test]
    fn a_try_of_the_links_rate_carries_what_waits_and_does_not_make_it_wait() {
        let mut pacer = Pacer::new(at(0));
        pacer.refill(at(1_000), Bitrate::from_kbps(100), 0);
        pacer.on_sent(PACKET);
        assert!(!pacer.may_send());
        pacer.refill(at(1_005), Bitrate::from_kbps(100), 2_000);
        assert!(pacer.may_send(), "a picture that waits is worth more than one that is repeated");
        let before = pacer.credit;
        pacer.on_sent(PACKET);
        pacer.on_sent(800);
        assert_eq!(pacer.credit, before, "what is tried is not owed by the pictures after it");
        assert!(!pacer.may_send());
        pacer.refill(at(1_010), Bitrate::from_kbps(100), 2_000);
        pacer.refill(at(1_015), Bitrate::from_kbps(100), 0);
        assert!(!pacer.may_send(), "and is not saved up");
    }
}
