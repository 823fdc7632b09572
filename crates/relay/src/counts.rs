//! Plain counters: incremented without atomics, taken by the owner once a second.

use std::time::Duration;

/// What one lesson sent on one worker, and what it chose not to send.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Packets that left.
    pub packets: u64,
    /// Their bytes on the wire, UDP headers not counted.
    pub bytes: u64,
    /// Repairs among them.
    pub repaired: u64,
    /// Repairs that were asked for and not sent.
    pub repair_refused: u64,
    /// The sealer refused: never in a correct program, so it is counted where it would be seen.
    pub seal_refused: u64,
    /// Packets too long for any datagram of ours.
    pub too_long: u64,
    /// Times a receiver's pictures were dropped to the next keyframe.
    pub skipped: u64,
    /// Pictures' packets made longer by padding, each counted once, however many receive it.
    pub padded: u64,
    /// From arrival to departure.
    pub latency: Latency,
}

impl Counts {
    /// Adds another lesson's.
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.repaired += other.repaired;
        self.repair_refused += other.repair_refused;
        self.seal_refused += other.seal_refused;
        self.too_long += other.too_long;
        self.skipped += other.skipped;
        self.padded += other.padded;
        for (sum, count) in self.latency.buckets.iter_mut().zip(other.latency.buckets) {
            *sum += count;
        }
    }
}

/// Upper bounds of the latency buckets, microseconds.
const BOUNDS: [u64; 12] = [250, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 20_000, 50_000];

/// A histogram of time from arrival to departure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Latency {
    buckets: [u64; BOUNDS.len() + 1],
}

impl Latency {
    pub(crate) fn note(&mut self, waited: Duration) {
        let micros = waited.as_micros() as u64;
        let bucket = BOUNDS.partition_point(|&bound| bound < micros);
        self.buckets[bucket] += 1;
    }

    /// (seconds, how often) for each bucket, at its middle; starts anew.
    pub fn take(&mut self) -> impl Iterator<Item = (f64, u64)> + use<> {
        let buckets = std::mem::take(&mut self.buckets);
        buckets.into_iter().enumerate().filter(|(_, count)| *count > 0).map(|(at, count)| {
            let low = at.checked_sub(1).map_or(0, |below| BOUNDS[below]);
            let high = BOUNDS.get(at).copied().unwrap_or(low * 2);
            ((low + high) as f64 / 2e6, count)
        })
    }
}
