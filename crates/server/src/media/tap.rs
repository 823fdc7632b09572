//! Packets of a lesson for whoever builds something else of them than WebRTC: segments, later a recording.
//!
//! A tap costs the lesson one queue push for each packet that comes in, and nothing for those that leave.

use super::{handle::MediaHandle, inbox::Command, worker::Worker};
use domain::{Layer, LessonId, MediaKind, Slot, Timestamp};
use media::{ClockReading, StoredPacket};
use tokio::sync::mpsc;

/// What may wait for whoever taps: two seconds of a full lesson.
const WAITING_MAX: usize = 4_096;

/// What a tap brings.
#[derive(Debug, Clone)]
pub enum Tapped {
    /// A packet of the host's after repair; late ones come late.
    Packet {
        /// Its slot.
        slot: Slot,
        /// Its layer.
        layer: Layer,
        /// The packet.
        packet: StoredPacket,
    },
    /// The host's clocks for a layer.
    Clock {
        /// Its slot.
        slot: Slot,
        /// Its layer.
        layer: Layer,
        /// What they showed.
        reading: ClockReading,
    },
}

impl MediaHandle {
    /// Brings everything published into a lesson from its latest keyframes on, until the receiver is dropped. A lesson has one tap; a new
    /// one takes the place of the one before.
    pub fn tap(&self, lesson: LessonId) -> mpsc::Receiver<Tapped> {
        // full: the packet is lost to the tap, whose pictures go on at the next keyframe; the lesson itself waits for nobody.
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        for inbox in &self.shared.inboxes {
            // Cannot be refused: only demands, fragments and streams are.
            let _ = inbox.command(Command::Tap { lesson, sender: sender.clone() });
        }
        receiver
    }

    /// Somebody outside the workers needs a keyframe; the host is asked no more often than for all others together.
    pub fn wish(&self, lesson: LessonId, slot: Slot, layer: Layer) {
        if let Some(inbox) = self.shared.inboxes.first() {
            // full: whoever waits wishes again.
            let _ = inbox.command(Command::Wish { lesson, slot, layer });
        }
    }
}

impl Worker {
    /// Begins a tap with what this worker's own publishers have sent since their last keyframes.
    pub(super) fn on_tap(&mut self, lesson: LessonId, sender: mpsc::Sender<Tapped>) {
        if let Some(known) = self.lessons.get(&lesson) {
            // A clock says where on the timeline pictures belong, but is for a stream that has begun: so it follows its first picture.
            let mut clocks = Vec::new();
            known.recent(
                self.index,
                |slot, layer, reading| clocks.push(Tapped::Clock { slot, layer, reading }),
                |slot, layer, packet| {
                    let _ = sender.try_send(Tapped::Packet { slot, layer, packet: packet.clone() });
                },
            );
            for clock in clocks {
                let _ = sender.try_send(clock);
            }
        }
        self.taps.insert(lesson, sender);
    }

    /// Hands something to the lesson's tap, if there is one.
    pub(super) fn tapped(&mut self, lesson: LessonId, make: impl FnOnce() -> Tapped) {
        if self.taps.is_empty() {
            return;
        }
        let Some(tap) = self.taps.get(&lesson) else { return };
        match tap.try_send(make()) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.counts.tap_full += 1,
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.taps.remove(&lesson);
            }
        }
    }

    /// Somebody outside needs a keyframe.
    pub(super) fn on_wish(&mut self, now: Timestamp, lesson: LessonId, slot: Slot, layer: Layer) {
        if slot.kind() == MediaKind::Video {
            self.wish(now, lesson, slot, layer);
        }
    }
}
