//! Token buckets for codes and links, in bounded memory.

use crate::{Refusal, Timestamp};
use std::{collections::BTreeMap, mem, time::Duration};

/// How often something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many tries may come at once, at least 1.
    pub burst: u32,
    /// How long one try takes to come back, more than zero.
    pub refill: Duration,
}

/// One bucket, stored as the time at which it will be full again (the generic cell rate algorithm): one
/// number instead of a level and a date, exact, and nothing to refill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenBucket {
    full_at: Timestamp,
}

impl TokenBucket {
    /// Takes one try.
    ///
    /// # Errors
    /// How long until the next one, when none is left; nothing is taken then.
    pub fn take(&mut self, now: Timestamp, limit: RateLimit) -> Result<(), Duration> {
        self.check(now, limit)?;
        self.full_at = self.full_at.max(now) + limit.refill;
        Ok(())
    }

    /// Whether one try is left, without taking it.
    ///
    /// # Errors
    /// How long until the next one, when none is left.
    pub fn check(&self, now: Timestamp, limit: RateLimit) -> Result<(), Duration> {
        let filling = self.full_at.saturating_since(now);
        let room = limit.refill.saturating_mul(limit.burst.max(1) - 1);
        if filling <= room { Ok(()) } else { Err(filling.saturating_sub(room)) }
    }
}

/// A bucket for every key (an address, an invitation), in bounded memory.
///
/// full: keys live in two generations of half the capacity each; when the young one is full, the old one
/// is forgotten and the young one becomes old. A forgotten key starts again with a full bucket. Somebody
/// who commands more addresses than the capacity gains nothing by that: each address has its own burst
/// anyway. Refusing newcomers instead would let him lock out every school.
#[derive(Debug)]
pub struct RateLimiter<K> {
    limit: RateLimit,
    generation_len_max: usize,
    young: BTreeMap<K, TokenBucket>,
    old: BTreeMap<K, TokenBucket>,
}

impl<K: Ord> RateLimiter<K> {
    /// Remembers at most `capacity` keys (at least 2).
    pub fn new(limit: RateLimit, capacity: usize) -> Self {
        let generation_len_max = (capacity / 2).max(1);
        Self { limit, generation_len_max, young: BTreeMap::new(), old: BTreeMap::new() }
    }

    /// Takes one try of `key`.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`] when none is left.
    pub fn take(&mut self, now: Timestamp, key: K) -> Result<(), Refusal> {
        let mut bucket = self.bucket(&key);
        let taken = bucket.take(now, self.limit);
        self.remember(key, bucket);
        taken.map_err(|retry_after| Refusal::RateLimited { retry_after })
    }

    /// Whether `key` has a try left, without taking it: for limits that count only failures, so that a
    /// whole district behind one carrier address is not held up by its own success.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`] when none is left.
    pub fn check(&self, now: Timestamp, key: &K) -> Result<(), Refusal> {
        self.bucket(key).check(now, self.limit).map_err(|retry_after| Refusal::RateLimited { retry_after })
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn bucket(&self, key: &K) -> TokenBucket {
        self.young.get(key).or_else(|| self.old.get(key)).copied().unwrap_or_default()
    }

    fn remember(&mut self, key: K, bucket: TokenBucket) {
        self.old.remove(&key);
        if self.young.len() >= self.generation_len_max && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, bucket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: RateLimit = RateLimit { burst: 3, refill: Duration::from_secs(10) };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn three_wrong_codes_then_a_wait_of_ten_seconds() {
        let mut limiter = RateLimiter::new(LIMIT, 100);
        for _ in 0..3 {
            assert_eq!(limiter.take(at(0), "school"), Ok(()));
        }
        let refused = Err(Refusal::RateLimited { retry_after: Duration::from_secs(10) });
        assert_eq!(limiter.take(at(0), "school"), refused);
        assert_eq!(limiter.check(at(0), &"school"), refused);
        assert_eq!(limiter.take(at(10), "school"), Ok(()));
        assert!(limiter.take(at(10), "school").is_err());
    }

    #[test]
    fn one_address_does_not_use_up_anothers_tries() {
        let mut limiter = RateLimiter::new(LIMIT, 100);
        for _ in 0..10 {
            let _ = limiter.take(at(0), "noisy");
        }
        assert_eq!(limiter.take(at(0), "quiet"), Ok(()));
    }

    #[test]
    fn asking_takes_nothing() {
        let mut limiter = RateLimiter::new(RateLimit { burst: 1, ..LIMIT }, 100);
        for _ in 0..10 {
            assert_eq!(limiter.check(at(0), &1), Ok(()));
        }
        assert_eq!(limiter.take(at(0), 1), Ok(()));
        assert!(limiter.check(at(0), &1).is_err());
    }

    #[test]
    fn a_refused_try_does_not_lengthen_the_wait() {
        let mut limiter = RateLimiter::new(LIMIT, 100);
        for _ in 0..1_000 {
            let _ = limiter.take(at(0), 1);
        }
        assert_eq!(limiter.take(at(10), 1), Ok(()));
    }

    #[test]
    fn a_busy_key_is_not_forgotten_while_strangers_pass_by() {
        let mut limiter = RateLimiter::new(LIMIT, 100);
        for stranger in 0..10_000 {
            let _ = limiter.take(at(0), stranger);
            let _ = limiter.take(at(0), u32::MAX);
        }
        assert!(limiter.check(at(0), &u32::MAX).is_err());
    }

    proptest! {
        #[test]
        fn memory_stays_bounded_and_no_key_exceeds_its_rate(
            tries in prop::collection::vec((0..40u8, 0..3_000u64), 1..2_000),
        ) {
            let mut limiter = RateLimiter::new(LIMIT, 100);
            let (mut now, mut allowed) = (0, BTreeMap::<u8, u64>::new());
            for (key, pause_ms) in tries {
                now += pause_ms;
                if limiter.take(Timestamp::from_millis(now), key).is_ok() {
                    *allowed.entry(key).or_default() += 1;
                }
                prop_assert!(limiter.len() <= 100);
            }
            let most = u64::from(LIMIT.burst) + now / LIMIT.refill.as_millis() as u64;
            prop_assert!(allowed.values().all(|&count| count <= most), "{allowed:?} > {most}");
        }

        #[test]
        fn any_flood_of_new_keys_stays_within_capacity(keys in prop::collection::vec(any::<u64>(), 0..500)) {
            let mut limiter = RateLimiter::new(LIMIT, 16);
            for key in keys {
                let _ = limiter.take(Timestamp::ZERO, key);
                prop_assert!(limiter.len() <= 16);
            }
        }
    }
}
