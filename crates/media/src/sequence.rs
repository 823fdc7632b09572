//! Sequence numbers that do not wrap.

/// A sequence number that cannot be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SeqError {
    /// The packet precedes the first one of the stream and the number would be negative.
    #[error("sequence number {0} precedes the first packet of the stream")]
    BeforeFirst(u16),
}

/// Extends 16-bit RTP sequence numbers to 64 bits (RFC 3550 section A.1).
///
/// Tolerates reordering of up to 32 767 packets in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SequenceExtender {
    highest: Option<u64>,
}

impl SequenceExtender {
    /// An extender that has seen nothing; the first number starts roll-over count 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number nearest to the highest seen so far; moves the highest when it is newer.
    ///
    /// # Errors
    /// [`SeqError::BeforeFirst`] when `seq` precedes the first packet of the stream.
    pub fn extend(&mut self, seq: u16) -> Result<u64, SeqError> {
        let extended = self.peek(seq)?;
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
        Ok(extended)
    }

    /// Like [`SequenceExtender::extend`], without remembering anything.
    ///
    /// # Errors
    /// [`SeqError::BeforeFirst`], as above.
    pub fn peek(&self, seq: u16) -> Result<u64, SeqError> {
        match self.highest {
            None => Ok(u64::from(seq)),
            Some(highest) => {
                let step = seq.wrapping_sub(highest as u16).cast_signed();
                highest.checked_add_signed(i64::from(step)).ok_or(SeqError::BeforeFirst(seq))
            }
        }
    }

    /// Goes on from `ext_seq`, whatever came before: the sender has restarted its numbering.
    pub fn restart_at(&mut self, ext_seq: u64) {
        self.highest = Some(ext_seq);
    }

    /// Highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(seqs: &[u16], expected: &[Option<u64>]) {
        let mut extender = SequenceExtender::new();
        let got: Vec<_> = seqs.iter().map(|&seq| extender.extend(seq).ok()).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_stream_that_wraps_keeps_counting() {
        check(&[65_534, 65_535, 0, 1], &[Some(65_534), Some(65_535), Some(65_536), Some(65_537)]);
    }

    #[test]
    fn a_packet_from_before_the_wrap_finds_its_old_number() {
        check(&[65_535, 1, 0, 65_535], &[Some(65_535), Some(65_537), Some(65_536), Some(65_535)]);
    }

    #[test]
    fn a_late_packet_does_not_turn_the_count_back() {
        let mut extender = SequenceExtender::new();
        for seq in [40_000, 10_000, 60_000] {
            extender.extend(seq).unwrap();
        }
        assert_eq!(extender.highest(), Some(60_000), "10,000 was 30,000 late, 60,000 is 20,000 ahead");
    }

    #[test]
    fn a_packet_from_before_the_stream_is_refused() {
        check(&[2, 65_535, 3], &[Some(2), None, Some(3)]);
    }

    proptest! {
        #[test]
        fn any_walk_of_small_steps_is_followed(first in 40_000i64..200_000, steps in prop::collection::vec(-3_000i64..3_000, 1..200)) {
            let mut extender = SequenceExtender::new();
            let base = extender.extend(first as u16).unwrap();
            let (mut at, mut highest) = (first, first);
            for step in steps {
                at = (at + step).clamp(highest - 30_000, highest + 30_000);
                highest = highest.max(at);
                let expected = base.cast_signed() + (at - first);
                let got = extender.extend(at as u16).ok();
                prop_assert_eq!(got, u64::try_from(expected).ok());
            }
        }
    }
}
