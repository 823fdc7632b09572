//! Rate over the last second.

use domain::{Bitrate, Timestamp};
use std::time::Duration;

const BUCKETS: usize = 10;
const BUCKET: Duration = Duration::from_millis(100);

/// Bytes in steps of 100 ms, over the last second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RateMeter {
    bytes: [u64; BUCKETS],
    bucket: u64,
    began: Option<Timestamp>,
}

impl RateMeter {
    pub(crate) fn add(&mut self, now: Timestamp, bytes: u64) {
        self.began.get_or_insert(now);
        self.advance(now);
        let index = self.bucket as usize % BUCKETS;
        self.bytes[index] = self.bytes[index].saturating_add(bytes);
    }

    /// Over the last second, or since the beginning when that is shorter (at least one step).
    pub(crate) fn rate(&self, now: Timestamp) -> Bitrate {
        let mut meter = *self;
        meter.advance(now);
        let bytes = meter.bytes.iter().fold(0u64, |sum, &bytes| sum.saturating_add(bytes));
        let lived = self.began.map_or(Duration::ZERO, |began| now.saturating_since(began));
        // The newest step is under way, so the window is between nine and ten steps long.
        let into_step = Duration::from_micros(now.as_micros() % BUCKET.as_micros() as u64);
        let window = (BUCKET * (BUCKETS as u32 - 1) + into_step).min(lived).max(BUCKET);
        Bitrate::of(bytes, window)
    }

    fn advance(&mut self, now: Timestamp) {
        let bucket = now.as_micros() / BUCKET.as_micros() as u64;
        let steps = bucket.saturating_sub(self.bucket).min(BUCKETS as u64);
        for step in 0..steps {
            self.bytes[(bucket - step) as usize % BUCKETS] = 0;
        }
        self.bucket = self.bucket.max(bucket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_reads_as_its_rate_from_the_first_moments_on() {
        let mut meter = RateMeter::default();
        for ms in 0..5_000 {
            meter.add(Timestamp::from_millis(ms), 125);
            if ms > 200 {
                let kbps = meter.rate(Timestamp::from_millis(ms + 1)).as_kbps();
                assert!((985..=1_015).contains(&kbps), "{kbps} at {ms} ms");
            }
        }
        assert_eq!(meter.rate(Timestamp::from_millis(6_100)), Bitrate::ZERO);
    }
}
