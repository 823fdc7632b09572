//! Players of playlists. A player cannot send a token, so it gets an address nobody can guess, good for as long as it fetches.

use super::{Hub, Progress, Watcher, watchers::Standing};
use crate::{lessons::LessonHandle, sessions::SecretHash};
use domain::{Layer, Slot, Timestamp};
use segments::Format;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

/// A player that has fetched nothing for so long is gone.
const IDLE_AFTER: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// One player.
#[derive(Clone)]
pub(crate) struct PlaylistSession {
    /// Its lesson.
    pub(crate) hub: Arc<Hub>,
    /// What it plays.
    pub(crate) format: Format,
    used_at: Arc<Mutex<Instant>>,
    standing: Standing,
}

impl PlaylistSession {
    /// Whether its viewer must not get a picture: a class is not sent its own, nor the camera the observers see.
    pub(crate) fn is_blocked(&self, slot: Slot) -> bool {
        self.standing.blocked()[slot.index()]
    }

    /// It plays: a player that stops asking for its playlist has stopped.
    pub(crate) fn fetched(&self, now: Timestamp) {
        self.standing.note(Progress { at: now, rung: Some(Layer::High) });
    }
}

/// All of them. full: bounded by the lessons' limits of viewers.
#[derive(Clone, Default)]
pub(crate) struct PlaylistSessions(Arc<Mutex<HashMap<SecretHash, PlaylistSession>>>);

impl PlaylistSessions {
    /// Lets a player in until it has stopped fetching, its link is revoked or the lesson leaves the air.
    pub(crate) fn enter(
        &self,
        secret: SecretHash,
        hub: Arc<Hub>,
        format: Format,
        mut watcher: Watcher,
        lesson: LessonHandle,
        stop: CancellationToken,
    ) {
        let used_at = Arc::new(Mutex::new(Instant::now()));
        self.lock().insert(
            secret,
            PlaylistSession { hub, format, used_at: Arc::clone(&used_at), standing: watcher.standing() },
        );
        let sessions = self.clone();
        metrics::gauge!("nhipcau_playlist_viewers").increment(1);
        tokio::spawn(async move {
            let mut turn = interval(LOOK_EVERY);
            loop {
                tokio::select! {
                    _ = watcher.ended() => break,
                    () = stop.cancelled() => break,
                    _ = turn.tick() => {
                        if used_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > IDLE_AFTER {
                            break;
                        }
                    }
                }
            }
            sessions.lock().remove(&secret);
            metrics::gauge!("nhipcau_playlist_viewers").decrement(1);
            lesson.unwatch(watcher.peer).await;
        });
    }

    /// The player of a secret, which is fetching something.
    pub(crate) fn find(&self, secret: &SecretHash) -> Option<PlaylistSession> {
        let found = self.lock().get(secret).cloned()?;
        *found.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Some(found)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SecretHash, PlaylistSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
