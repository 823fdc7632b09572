//! One task for each lesson that is watched as segments.

use super::playlists::{Found, Playlists};
use crate::media::{MediaHandle, Tapped};
use bytes::Bytes;
use domain::{Layer, LessonId, Slot, Timestamp};
use segments::{Format, Segmenter};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tracing::debug;

/// A hub that nobody holds ends after this long: a page that lost its connection comes back to running muxers.
const LINGER: Duration = Duration::from_secs(20);
/// Packets taken from the tap at once.
const AT_ONCE: usize = 256;

/// A lesson's segments, kept up to date by its task while somebody holds it.
pub(crate) struct Hub {
    lesson: LessonId,
    media: MediaHandle,
    segmenter: RwLock<Segmenter>,
    playlists: Mutex<Playlists>,
    /// Counts changes; viewers wait for the next one.
    changes: watch::Sender<u64>,
}

impl Hub {
    /// The lesson's lanes as they are now. Held for a look only.
    pub(crate) fn look(&self) -> RwLockReadGuard<'_, Segmenter> {
        // Whoever panicked while writing left lanes that may lack a chunk, which is what a lossy network does.
        self.segmenter.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// News of every chunk.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The time its packets are stamped with.
    pub(crate) fn now(&self) -> Timestamp {
        self.media.now()
    }

    /// Somebody waits for a keyframe.
    pub(crate) fn wish(&self, slot: Slot, layer: Layer) {
        self.media.wish(self.lesson, slot, layer);
    }

    /// A picture's playlist, which is made from now on.
    pub(crate) fn playlist(&self, slot: Slot, format: Format) -> Found<String> {
        let lesson = self.look();
        self.playlists().playlist(self.now(), slot, format, &lesson)
    }

    /// A segment of a playlist.
    pub(crate) fn playlist_segment(&self, slot: Slot, format: Format, number: u64) -> Option<Bytes> {
        self.playlists().segment(self.now(), slot, format, number)
    }

    /// An initialisation segment of a playlist.
    pub(crate) fn playlist_init(&self, slot: Slot, format: Format, number: u32) -> Option<Bytes> {
        self.playlists().init(self.now(), slot, format, number)
    }

    /// Locked after the lanes, never before them.
    fn playlists(&self) -> MutexGuard<'_, Playlists> {
        self.playlists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes packets until nobody has held the hub for a while.
    async fn run(hub: Weak<Self>, mut tap: mpsc::Receiver<Tapped>) {
        let mut arrived = Vec::with_capacity(AT_ONCE);
        loop {
            let Some(this) = hub.upgrade() else { return };
            let due = this.look().poll_timeout();
            let due = due.map(|due| Instant::now() + due.saturating_since(this.now()));
            drop(this);
            let timer = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                count = tap.recv_many(&mut arrived, AT_ONCE) => if count == 0 { return },
                () = timer => {}
            }
            let Some(this) = hub.upgrade() else { return };
            this.take(&mut arrived);
        }
    }

    fn take(&self, arrived: &mut Vec<Tapped>) {
        let now = self.now();
        let mut segmenter = self.segmenter.write().unwrap_or_else(PoisonError::into_inner);
        let before = segmenter.chunk_count();
        for tapped in arrived.drain(..) {
            match tapped {
                Tapped::Packet { slot, layer, packet } => segmenter.handle_packet(slot, layer, &packet),
                Tapped::Clock { slot, layer, reading } => segmenter.handle_clock(slot, layer, &reading),
            }
        }
        segmenter.handle_timeout(now);
        let wishes = {
            let mut playlists = self.playlists();
            segmenter.set_logging(playlists.is_used());
            playlists.take(now, &segmenter)
        };
        let changed = segmenter.chunk_count() != before;
        drop(segmenter);
        for (slot, layer) in wishes {
            self.wish(slot, layer);
        }
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }
}

/// The hubs of all lessons.
pub(crate) struct Hubs {
    running: Mutex<HashMap<LessonId, Weak<Hub>>>,
    /// Makes AAC, where the configuration names it.
    ffmpeg: Option<Arc<PathBuf>>,
}

impl Hubs {
    /// None are running. `ffmpeg`: the program that makes AAC; empty: there is none.
    pub(crate) fn new(ffmpeg: &Path) -> Self {
        let ffmpeg = (!ffmpeg.as_os_str().is_empty()).then(|| Arc::new(ffmpeg.to_owned()));
        Self { running: Mutex::default(), ffmpeg }
    }

    /// The lesson's hub; it is started when nobody has one.
    pub(crate) fn of(&self, lesson: LessonId, media: &MediaHandle) -> Arc<Hub> {
        let mut hubs = self.lock();
        hubs.retain(|_, hub| hub.strong_count() > 0);
        if let Some(hub) = hubs.get(&lesson).and_then(Weak::upgrade) {
            return hub;
        }
        let hub = Arc::new(Hub {
            lesson,
            media: media.clone(),
            segmenter: RwLock::default(),
            playlists: Mutex::new(Playlists::new(self.ffmpeg.clone())),
            changes: watch::Sender::new(0),
        });
        hubs.insert(lesson, Arc::downgrade(&hub));
        let tap = media.tap(lesson);
        tokio::spawn(Hub::run(Arc::downgrade(&hub), tap));
        debug!(lesson.id = %lesson, "lesson {lesson} is watched as segments");
        hub
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LessonId, Weak<Hub>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a hub running for a while after its last viewer.
pub(crate) fn linger(hub: Arc<Hub>) {
    tokio::spawn(async move {
        tokio::time::sleep(LINGER).await;
        drop(hub);
    });
}
