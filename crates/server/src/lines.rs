//! The lines to all open pages: one for each WebSocket that has said who it is.

use axum::extract::ws::Utf8Bytes;
use domain::{ConnectionId, HelperId, Identity, PlaceId};
use signalling::{ClosingReason, ServerMessage};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Notify, mpsc};

/// Messages that may wait for one page. A page is sent a few a second at most.
const WAITING_MAX: usize = 64;

/// Why a page is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server says why and closes.
    Closing(ClosingReason),
    /// It reads too slowly.
    Slow,
}

/// Speaks to one page; never waits for it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    messages: mpsc::Sender<Utf8Bytes>,
    end: Arc<End>,
}

/// The WebSocket's half of a [`Line`].
#[derive(Debug)]
pub(crate) struct LineEnd {
    /// What to send, already written as JSON.
    messages: mpsc::Receiver<Utf8Bytes>,
    end: Arc<End>,
}

#[derive(Debug, Default)]
struct End {
    cut: OnceLock<Cut>,
    happened: Notify,
}

impl Line {
    /// A line and its end.
    pub(crate) fn new() -> (Self, LineEnd) {
        // full: the page reads too slowly; it is cut off and connects again when it can.
        let (sender, messages) = mpsc::channel(WAITING_MAX);
        let end = Arc::<End>::default();
        (Self { messages: sender, end: Arc::clone(&end) }, LineEnd { messages, end })
    }

    /// Sends a message.
    pub(crate) fn send(&self, message: &ServerMessage) {
        self.send_text(&message.to_json().into());
    }

    /// Sends a message that many pages get, written as JSON once.
    pub(crate) fn send_text(&self, text: &Utf8Bytes) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.messages.try_send(text.clone()) {
            self.cut(Cut::Slow);
        }
    }

    /// Cuts the page off; the first reason counts.
    pub(crate) fn cut(&self, why: Cut) {
        if self.end.cut.set(why).is_ok() {
            self.end.happened.notify_one();
        }
    }
}

impl LineEnd {
    /// The next message for the page, or why it is cut off; that comes before messages still waiting.
    pub(crate) async fn next(&mut self) -> Result<Utf8Bytes, Cut> {
        loop {
            if let Some(why) = self.end.cut.get() {
                return Err(*why);
            }
            tokio::select! {
                // `self` holds no sender, but the page's own connection does: the channel never ends.
                Some(text) = self.messages.recv() => return Ok(text),
                () = self.end.happened.notified() => {}
            }
        }
    }

    /// A message that waits already.
    pub(crate) fn waiting(&mut self) -> Option<Utf8Bytes> {
        self.messages.try_recv().ok()
    }
}

/// Every page that has said who it is.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    next: AtomicU64,
    open: Mutex<BTreeMap<ConnectionId, (Identity, Line)>>,
}

/// A page's entry among the [`Lines`]; it leaves when this is dropped.
pub(crate) struct OnLine<'a> {
    /// Its number.
    pub(crate) connection: ConnectionId,
    lines: &'a Lines,
}

impl Lines {
    /// Adds a page; `None` when its link holds `most` already.
    pub(crate) fn add(&self, who: Identity, line: Line, most: usize) -> Option<OnLine<'_>> {
        let mut open = self.lock();
        if open.values().filter(|(other, _)| *other == who).count() >= most {
            return None;
        }
        let connection = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        open.insert(connection, (who, line));
        metrics::gauge!("nhipcau_pages", "role" => who.role().as_str()).increment(1.0);
        Some(OnLine { connection, lines: self })
    }

    /// Cuts off the pages of those whom `which` names.
    pub(crate) fn cut(&self, why: Cut, which: impl Fn(Identity) -> bool) {
        for (who, line) in self.lock().values() {
            if which(*who) {
                line.cut(why);
            }
        }
    }

    /// Places with a screen's page open.
    pub(crate) fn places(&self) -> BTreeSet<PlaceId> {
        let screen = |who: Identity| match who {
            Identity::Place { place } => Some(place),
            _ => None,
        };
        self.lock().values().filter_map(|(who, _)| screen(*who)).collect()
    }

    /// Helpers' phones with a page open.
    pub(crate) fn helpers(&self) -> BTreeSet<HelperId> {
        self.lock().values().filter_map(|(who, _)| who.helper()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, (Identity, Line)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnLine<'_> {
    fn drop(&mut self) {
        if let Some((who, _)) = self.lines.lock().remove(&self.connection) {
            metrics::gauge!("nhipcau_pages", "role" => who.role().as_str()).decrement(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_that_does_not_read_is_cut_off_and_nobody_waits_for_it() {
        let (line, mut end) = Line::new();
        let message = ServerMessage::Lesson { lesson: None };
        for _ in 0..WAITING_MAX {
            line.send(&message);
        }
        assert_eq!(line.end.cut.get(), None);
        line.send(&message);
        assert_eq!(end.next().await, Err(Cut::Slow));
    }

    #[tokio::test]
    async fn revoking_reaches_exactly_the_pages_of_that_link() {
        let lines = Lines::default();
        let place = |id| Identity::Place { place: PlaceId(id) };
        let ((one, mut one_end), (other, other_end)) = (Line::new(), Line::new());
        let first = lines.add(place(1), one, 1).expect("the first page");
        let second = lines.add(place(2), other, 1).expect("the first page of another place");
        assert!(lines.add(place(1), Line::new().0, 1).is_none(), "one page for each was allowed");
        assert_ne!(first.connection, second.connection);
        lines.cut(Cut::Closing(ClosingReason::Revoked), |who| who == place(1));
        assert_eq!(one_end.next().await, Err(Cut::Closing(ClosingReason::Revoked)));
        assert_eq!(other_end.end.cut.get(), None);
        drop(first);
        assert_eq!(lines.places(), BTreeSet::from([PlaceId(2)]));
    }
}
