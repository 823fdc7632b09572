//! What all workers and the handle have in common.

use super::{
    api::{MediaConfig, MediaEvent, PeerRole, PeerStats},
    inbox::Inbox,
    registry::Registry,
};
use domain::{LessonId, PeerId, Slot, Timestamp};
use relay::CaptureClock;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::sync::mpsc;
use transport::Endpoint;

/// One worker's peers in numbers, renewed every second.
pub(super) type StatsTable = HashMap<PeerId, (LessonId, PeerRole, PeerStats)>;
/// When what one worker's viewers see was captured, renewed with the numbers.
pub(super) type ClockTable = HashMap<PeerId, [Option<CaptureClock>; Slot::COUNT]>;

pub(super) struct Shared {
    pub(super) config: MediaConfig,
    pub(super) local_addr: SocketAddr,
    pub(super) endpoint: Endpoint,
    pub(super) epoch: Instant,
    pub(super) inboxes: Vec<Inbox>,
    // full: the worker keeps state changes and tries again, reports are dropped (see `Outbox`).
    pub(super) events: mpsc::Sender<MediaEvent>,
    registry: Mutex<Registry>,
    stats: Vec<Mutex<StatsTable>>,
    clocks: Vec<Mutex<ClockTable>>,
    generation: AtomicU32,
    /// Counts the peers that began over TCP.
    streams: AtomicUsize,
}

impl Shared {
    pub(super) fn new(
        config: MediaConfig,
        local_addr: SocketAddr,
        endpoint: Endpoint,
        epoch: Instant,
        inboxes: Vec<Inbox>,
        events: mpsc::Sender<MediaEvent>,
    ) -> Self {
        let stats = inboxes.iter().map(|_| Mutex::default()).collect();
        let clocks = inboxes.iter().map(|_| Mutex::default()).collect();
        Self {
            config,
            local_addr,
            endpoint,
            epoch,
            inboxes,
            events,
            registry: Mutex::default(),
            stats,
            clocks,
            generation: AtomicU32::new(1),
            streams: AtomicUsize::new(0),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.epoch.elapsed()
    }

    pub(super) fn registry(&self) -> MutexGuard<'_, Registry> {
        // A worker that panicked while holding the lock left consistent maps behind: every change is one insert or remove.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of one worker's peers.
    pub(super) fn stats(&self, worker: usize) -> MutexGuard<'_, StatsTable> {
        self.stats[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The capture clocks of one worker's viewers.
    pub(super) fn clocks(&self, worker: usize) -> MutexGuard<'_, ClockTable> {
        self.clocks[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker whose turn it is to get a peer that begins over TCP: no kernel spreads those.
    pub(super) fn next_worker(&self) -> usize {
        self.streams.fetch_add(1, Ordering::Relaxed) % self.inboxes.len().max(1)
    }

    /// A number for a new run of a stream; later ones are higher.
    pub(super) fn next_generation(&self) -> u32 {
        self.generation.fetch_add(1, Ordering::Relaxed)
    }
}
