//! Which packet indices have been used: one sliding bitmap, for sealing (never twice) and for opening (no replays).

/// How far behind the highest index an index may still be used for the first time.
pub(crate) const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;

/// Why an index may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was used before.
    Used,
    /// It is so old that nobody knows any more.
    TooOld,
}

/// Remembers the last [`WINDOW`] indices below the highest. 136 bytes.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// One more than the highest index used; 0 before the first.
    next: u64,
    /// Index i is the bit `i % WINDOW`.
    used: [u64; WORDS],
}

impl Window {
    pub(crate) fn new() -> Self {
        Self { next: 0, used: [0; WORDS] }
    }

    /// One more than the highest index used; 0 before the first.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Whether `index` is free, without taking it.
    pub(crate) fn check(&self, index: u64) -> Result<(), Refused> {
        if index >= self.next {
            Ok(())
        } else if self.next - index > WINDOW {
            Err(Refused::TooOld)
        } else if self.used[word(index)] & bit(index) != 0 {
            Err(Refused::Used)
        } else {
            Ok(())
        }
    }

    /// Takes `index`.
    pub(crate) fn take(&mut self, index: u64) -> Result<(), Refused> {
        self.check(index)?;
        if index >= self.next {
            if index - self.next >= WINDOW {
                self.used = [0; WORDS];
            } else {
                for skipped in self.next..index {
                    self.used[word(skipped)] &= !bit(skipped);
                }
            }
            self.next = index.saturating_add(1);
        }
        self.used[word(index)] |= bit(index);
        Ok(())
    }
}

fn word(index: u64) -> usize {
    ((index % WINDOW) / 64) as usize
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn a_late_packet_is_used_once_and_a_very_late_one_never() {
        let mut window = Window::new();
        for index in [5000, 5002, 5001] {
            assert_eq!(window.take(index), Ok(()), "{index}");
        }
        assert_eq!(window.take(5001), Err(Refused::Used));
        assert_eq!(window.take(5002 - 1023), Ok(()));
        assert_eq!(window.take(5002 - 1024), Err(Refused::TooOld));
    }

    proptest! {
        /// Whatever the order of requests, no index is ever granted twice, and a recent unused one is granted.
        #[test]
        fn no_index_is_granted_twice(steps in prop::collection::vec((-1500i64..1500, prop::bool::ANY), 1..2000)) {
            let mut window = Window::new();
            let mut granted = HashSet::new();
            let mut at = 10_000i64;
            for (step, stay) in steps {
                let index = (at + step).max(0);
                if !stay { at = index; }
                let index = index as u64;
                let recent = index + WINDOW >= window.next();
                match window.take(index) {
                    Ok(()) => prop_assert!(granted.insert(index)),
                    Err(Refused::Used) => prop_assert!(granted.contains(&index)),
                    Err(Refused::TooOld) => prop_assert!(!recent),
                }
            }
        }
    }
}
