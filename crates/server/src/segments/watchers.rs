//! Who watches as segments right now, so that a link that is revoked or a lesson that ends takes them off the air, a class does not hear
//! itself, and the board knows how they do.

use crate::media::{CloseReason, SlotSet};
use domain::{Identity, Layer, LessonId, PeerId, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// What the lesson says to one who watches.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    ended: Option<CloseReason>,
    /// Slots it must not get.
    blocked: SlotSet,
}

/// How one who watches does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// When media last left for it.
    pub(crate) at: Timestamp,
    /// The most its link is trusted with; `None`: sound alone.
    pub(crate) rung: Option<Layer>,
}

struct Entry {
    who: Identity,
    lesson: LessonId,
    orders: watch::Sender<Orders>,
    progress: Arc<Mutex<Option<Progress>>>,
}

/// All of them. An entry exists exactly as long as its [`Watcher`].
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<HashMap<PeerId, Entry>>>);

/// One who watches; gone from the books when dropped.
pub(crate) struct Watcher {
    /// Its name in the lesson's books.
    pub(crate) peer: PeerId,
    orders: watch::Receiver<Orders>,
    progress: Arc<Mutex<Option<Progress>>>,
    books: Watchers,
}

/// One who watches, for those that serve it piece by piece.
#[derive(Clone)]
pub(crate) struct Standing {
    orders: watch::Receiver<Orders>,
    progress: Arc<Mutex<Option<Progress>>>,
}

impl Watchers {
    /// Somebody begins to watch.
    pub(crate) fn enter(&self, peer: PeerId, who: Identity, lesson: LessonId) -> Watcher {
        let (sender, orders) = watch::channel(Orders::default());
        let progress = Arc::default();
        self.lock().insert(peer, Entry { who, lesson, orders: sender, progress: Arc::clone(&progress) });
        Watcher { peer, orders, progress, books: self.clone() }
    }

    /// Keeps these slots from one, and gives it the others.
    pub(crate) fn block(&self, peer: PeerId, blocked: SlotSet) {
        if let Some(entry) = self.lock().get(&peer) {
            entry.orders.send_modify(|orders| orders.blocked = blocked);
        }
    }

    /// How one does; `None`: nothing has left for it yet.
    pub(crate) fn progress(&self, peer: PeerId) -> Option<Progress> {
        let progress = Arc::clone(&self.lock().get(&peer)?.progress);
        *progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends one.
    pub(crate) fn close(&self, peer: PeerId, reason: CloseReason) {
        if let Some(entry) = self.lock().get(&peer) {
            entry.end(reason);
        }
    }

    /// Ends all of a lesson.
    pub(crate) fn close_lesson(&self, lesson: LessonId, reason: CloseReason) {
        self.close_where(reason, |entry| entry.lesson == lesson);
    }

    /// Ends those who came by the links of whom `which` names.
    pub(crate) fn cut_off(&self, reason: CloseReason, which: impl Fn(Identity) -> bool) {
        self.close_where(reason, |entry| which(entry.who));
    }

    fn close_where(&self, reason: CloseReason, which: impl Fn(&Entry) -> bool) {
        for entry in self.lock().values().filter(|entry| which(entry)) {
            entry.end(reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn end(&self, reason: CloseReason) {
        self.orders.send_modify(|orders| orders.ended = Some(reason));
    }
}

impl Watcher {
    /// Waits until it has to end.
    pub(crate) async fn ended(&mut self) -> CloseReason {
        match self.orders.wait_for(|orders| orders.ended.is_some()).await {
            Ok(orders) => orders.ended.unwrap_or(CloseReason::Removed),
            // The books are gone: so is the server.
            Err(_) => CloseReason::Draining,
        }
    }

    /// Waits until it has to end, or until other slots are kept from it: then `None`.
    pub(crate) async fn ordered(&mut self) -> Option<CloseReason> {
        match self.orders.changed().await {
            Ok(()) => self.orders.borrow_and_update().ended,
            Err(_) => Some(CloseReason::Draining),
        }
    }

    /// The slots it must not get.
    pub(crate) fn blocked(&self) -> SlotSet {
        self.orders.borrow().blocked
    }

    /// Media left for it.
    pub(crate) fn note(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// What others may ask and tell of it while it watches.
    pub(crate) fn standing(&self) -> Standing {
        Standing { orders: self.orders.clone(), progress: Arc::clone(&self.progress) }
    }
}

impl Standing {
    /// The slots it must not get.
    pub(crate) fn blocked(&self) -> SlotSet {
        self.orders.borrow().blocked
    }

    /// Media left for it.
    pub(crate) fn note(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.books.lock().remove(&self.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::PlaceId;

    #[tokio::test]
    async fn a_revoked_link_and_an_ended_lesson_take_exactly_their_viewers_off_the_air() {
        let watchers = Watchers::default();
        let who = |place| Identity::Place { place: PlaceId(place) };
        let mut first = watchers.enter(PeerId(1), who(1), LessonId(7));
        let mut second = watchers.enter(PeerId(2), who(2), LessonId(7));
        let mut other = watchers.enter(PeerId(3), who(3), LessonId(8));
        watchers.cut_off(CloseReason::Revoked, |identity| identity == who(1));
        assert_eq!(first.ended().await, CloseReason::Revoked);
        watchers.close_lesson(LessonId(7), CloseReason::Removed);
        assert_eq!(second.ended().await, CloseReason::Removed);
        let mut nothing = SlotSet::default();
        nothing[domain::Slot::ExtraAudio.index()] = true;
        watchers.block(PeerId(3), nothing);
        assert_eq!(other.ordered().await, None, "it goes on without one slot");
        assert_eq!(other.blocked(), nothing);
        let still = tokio::time::timeout(std::time::Duration::from_millis(20), other.ended()).await;
        assert!(still.is_err(), "another lesson goes on");
        drop((first, second, other));
        assert!(watchers.lock().is_empty());
    }
}
