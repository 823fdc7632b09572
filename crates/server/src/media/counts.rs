//! Plain counters of one worker: incremented without atomics, carried into the metrics once a second.

use transport::DropCounts;

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
    /// Packets a tap had no room for.
    pub(super) tap_full: u64,
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
