//! Events on their way to the lessons.

use super::api::MediaEvent;
use std::collections::VecDeque;
use tokio::sync::mpsc::{Sender, error::TrySendError};

/// State changes that wait for room at most: each peer makes a handful.
const WAITING_MAX: usize = 65_536;

/// Sends events without ever waiting. Full: reports are dropped (the next one says more), state changes wait here in
/// their order.
pub(super) struct Outbox {
    sender: Sender<MediaEvent>,
    waiting: VecDeque<MediaEvent>,
    pub(super) dropped: u64,
}

impl Outbox {
    pub(super) fn new(sender: Sender<MediaEvent>) -> Self {
        Self { sender, waiting: VecDeque::new(), dropped: 0 }
    }

    /// A change of state, which must arrive.
    pub(super) fn state(&mut self, event: MediaEvent) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(event);
        } else {
            // Nobody has read an event for minutes: the HTTP side is gone.
            self.dropped += 1;
        }
        self.flush();
    }

    /// A report, which the next one replaces.
    pub(super) fn report(&mut self, event: MediaEvent) {
        if !self.waiting.is_empty() || self.sender.try_send(event).is_err() {
            self.dropped += 1;
        }
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return;
                }
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{LessonId, Slot};

    #[test]
    fn state_changes_wait_in_order_and_reports_give_way() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let mut outbox = Outbox::new(sender);
        let stopped = |slot| MediaEvent::SlotStopped { lesson: LessonId(1), slot };
        outbox.state(stopped(Slot::ProgramAudio));
        outbox.state(stopped(Slot::SlidesVideo));
        outbox.report(stopped(Slot::ExtraVideo));
        assert_eq!((outbox.dropped, outbox.is_waiting()), (1, true));
        assert_eq!(receiver.try_recv(), Ok(stopped(Slot::ProgramAudio)));
        outbox.flush();
        assert_eq!(receiver.try_recv(), Ok(stopped(Slot::SlidesVideo)));
        assert!(!outbox.is_waiting());
    }
}
