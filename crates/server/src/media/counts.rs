//! Plain counters of one worker: incremented without atomics, carried into the metrics once a second.

use super::{lesson::Due, track::Tracks};
use domain::Timestamp;
use std::time::Duration;
use transport::DropCounts;

/// What a worker sent, and what it chose not to send.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Egress {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) repaired: u64,
    pub(super) repair_refused: u64,
    /// The sealer refused: never in a correct program, so it is counted where it would be seen.
    pub(super) seal_refused: u64,
    /// Packets too long for any datagram of ours.
    pub(super) too_long: u64,
    /// Times a receiver's pictures were dropped to the next keyframe.
    pub(super) skipped: u64,
    pub(super) latency: Latency,
}

impl Egress {
    /// Notes how long the packets that have just left to one receiver had been here.
    pub(super) fn departed(&mut self, due: &[Due], tracks: &Tracks, now: Timestamp) {
        for due in due {
            if let Some(packet) = tracks.packet(due.slot, due.layer, due.number) {
                self.latency.note(now.saturating_since(packet.arrival));
            }
        }
    }
}

/// Upper bounds of the latency buckets, microseconds.
const BOUNDS: [u64; 12] = [250, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 20_000, 50_000];

/// A histogram of time from arrival to departure.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Latency {
    buckets: [u64; BOUNDS.len() + 1],
}

impl Latency {
    pub(super) fn note(&mut self, waited: Duration) {
        let micros = waited.as_micros() as u64;
        let bucket = BOUNDS.partition_point(|&bound| bound < micros);
        self.buckets[bucket] += 1;
    }

    /// (seconds, how often) for each bucket, at its middle.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (f64, u64)> {
        let buckets = std::mem::take(&mut self.buckets);
        buckets.into_iter().enumerate().filter(|(_, count)| *count > 0).map(|(at, count)| {
            let low = at.checked_sub(1).map_or(0, |below| BOUNDS[below]);
            let high = BOUNDS.get(at).copied().unwrap_or(low * 2);
            ((low + high) as f64 / 2e6, count)
        })
    }
}

/// What came in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ingress {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) repaired: u64,
    pub(super) nacked: u64,
    pub(super) keyframe_requests: u64,
    /// Keyframes places wished for.
    pub(super) wishes: u64,
    /// Datagrams from addresses that belong to nobody.
    pub(super) unknown: u64,
    /// Datagrams of a peer that sends more feedback than any receiver needs.
    pub(super) flooded: u64,
    /// Handshake datagrams dropped because too many waited.
    pub(super) handshakes_dropped: u64,
    /// Datagrams handed to the worker that owns the peer.
    pub(super) forwarded: u64,
    /// Packets another worker's queue had no room for.
    pub(super) relay_full: u64,
    /// What peers' transports refused.
    pub(super) refused: DropCounts,
}

impl Ingress {
    /// Adds what a peer's transport has refused since `before`.
    pub(super) fn add_refused(&mut self, now: DropCounts, before: DropCounts) {
        let sum = &mut self.refused;
        sum.stun += now.stun - before.stun;
        sum.unvalidated += now.unvalidated - before.unvalidated;
        sum.dtls += now.dtls - before.dtls;
        sum.srtp += now.srtp - before.srtp;
        sum.unrouted += now.unrouted - before.unrouted;
        sum.unknown += now.unknown - before.unknown;
    }
}
