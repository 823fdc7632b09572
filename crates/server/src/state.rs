//! What every request handler can reach.

use crate::{
    clock::Clock,
    config::Config,
    lessons::Lessons,
    limits::Limits,
    lines::{Cut, Lines},
    media::{CloseReason, MediaHandle},
    seat::SeatKey,
    seats::Seats,
    segments::{Hubs, PlaylistSessions, Watchers},
    sessions::Sessions,
    timelines::Timelines,
};
use domain::{HelperTickets, Identity, Pairings};
use metrics_exporter_prometheus::PrometheusHandle;
use signalling::ClosingReason;
use std::{
    net::SocketAddr,
    ops::Deref,
    sync::{Arc, Mutex},
};
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Shared by all handlers of one running server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) listen: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) media: MediaHandle,
    pub(crate) lessons: Arc<Lessons>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) lines: Arc<Lines>,
    /// Lessons that are watched as segments, and who watches.
    pub(crate) hubs: Hubs,
    pub(crate) watchers: Watchers,
    pub(crate) playlists: PlaylistSessions,
    pub(crate) limits: Limits,
    pub(crate) pairings: Mutex<Pairings>,
    /// What classrooms' screens show to helpers' phones.
    pub(crate) tickets: Mutex<HelperTickets>,
    pub(crate) seats: SeatKey,
    /// Photos that may be decoded at a time.
    pub(crate) photos: Semaphore,
    /// Sockets of pages that have not said who they are.
    pub(crate) waiting: Seats,
    /// Tasks of the pages' sockets; a stopping server waits for them.
    pub(crate) pages: TaskTracker,
    /// Cancelled when the server begins to shut down.
    pub(crate) drain: CancellationToken,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) timelines: Timelines,
}

impl AppState {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Parts {
    /// Whether the server is shutting down.
    pub(crate) fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Ends everything that lives by the links of those whom `which` names: pages and media.
    pub(crate) fn cut_off(&self, why: ClosingReason, which: impl Fn(Identity) -> bool) {
        let reason = match why {
            ClosingReason::Revoked => CloseReason::Revoked,
            ClosingReason::Draining => CloseReason::Draining,
            ClosingReason::Replaced => CloseReason::Replaced,
            ClosingReason::Removed | ClosingReason::LessonDeleted => CloseReason::Removed,
        };
        self.lines.cut(Cut::Closing(why), &which);
        self.watchers.cut_off(reason, &which);
        for peer in self.sessions.of(|session| which(session.who)) {
            self.media.close(peer, reason);
        }
    }
}
