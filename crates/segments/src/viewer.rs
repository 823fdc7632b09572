//! What one viewer is sent next: sound before pictures, in order, and after a jam not before the next keyframe.

use crate::{Chunk, Init, Lane, MediaTime, Segmenter};
use adaptive::LagLadder;
use domain::{Layer, MediaKind, Slot, Timestamp};
use std::{sync::Arc, time::Duration};

/// A picture that is further behind is not worth sending any more.
const PICTURE_LATE: Duration = Duration::from_secs(2);
/// And sound; it begins anew this close to now.
const SOUND_LATE: Duration = Duration::from_secs(3);
const SOUND_AGAIN: Duration = Duration::from_millis(600);
/// A keyframe is wished for this often while one is waited for; the host's own limit is elsewhere.
const WISH_EVERY: Duration = Duration::from_millis(500);

/// One thing to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Send {
    /// A player needs this before the next chunk of the slot.
    Init {
        /// Whose.
        slot: Slot,
        /// Its layer.
        layer: Layer,
        /// The initialisation segment.
        init: Arc<Init>,
    },
    /// A chunk.
    Chunk {
        /// Whose.
        slot: Slot,
        /// Its layer.
        layer: Layer,
        /// The chunk.
        chunk: Arc<Chunk>,
    },
}

/// Where a viewer is in one slot.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    layer: Layer,
    next: u64,
    /// Number of the initialisation segment sent last.
    init: Option<u32>,
    /// Where the last chunk ended.
    position: MediaTime,
    /// Something was left out: nothing is sent before a keyframe.
    waits: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct SlotState {
    /// The most it may have; `None`: not shown.
    wanted: Option<Layer>,
    cursor: Option<Cursor>,
    /// The keyframe wished for last, and when.
    wished: Option<(Layer, Timestamp)>,
}

/// See the module's description.
#[derive(Debug)]
pub struct Viewer {
    slots: [SlotState; Slot::COUNT],
    ladder: LagLadder,
    /// The slot and layer whose keyframes are waited for.
    wishes: Vec<(Slot, Layer)>,
    /// Pictures left out because they were late.
    pub skipped: u64,
}

impl Viewer {
    /// A viewer that wants everything, at a middle size at first.
    pub fn new(now: Timestamp) -> Self {
        let all = SlotState { wanted: Some(Layer::High), ..SlotState::default() };
        Self { slots: [all; Slot::COUNT], ladder: LagLadder::new(now), wishes: Vec::new(), skipped: 0 }
    }

    /// The page shows a slot at this size, or not at all.
    pub fn set_wanted(&mut self, slot: Slot, most: Option<Layer>) {
        let state = &mut self.slots[slot.index()];
        state.wanted = most;
        if most.is_none() {
            state.cursor = None;
        }
    }

    /// The highest layer its link is trusted with; `None`: sound alone.
    pub fn rung(&self) -> Option<Layer> {
        self.ladder.layer()
    }

    /// Keyframes that are waited for, once each in half a second.
    pub fn take_wishes(&mut self) -> Vec<(Slot, Layer)> {
        std::mem::take(&mut self.wishes)
    }

    /// What to send next; `None`: nothing is there yet. Call again when it has been sent.
    pub fn poll(&mut self, now: Timestamp, lesson: &Segmenter) -> Option<Send> {
        for slot in Slot::ALL.into_iter().filter(|slot| slot.kind() == MediaKind::Audio) {
            self.follow_sound(slot, lesson);
        }
        for slot in Slot::ALL.into_iter().filter(|slot| slot.kind() == MediaKind::Video) {
            self.follow_picture(now, slot, lesson);
        }
        let ready = Slot::ALL.into_iter().filter_map(|slot| {
            let cursor = self.slots[slot.index()].cursor.filter(|cursor| !cursor.waits)?;
            let chunk = lesson.lane(slot, cursor.layer)?.get(cursor.next)?;
            Some((slot, Arc::clone(chunk)))
        });
        // Sound first, then whichever picture is oldest: none starves another.
        let (slot, chunk) =
            ready.min_by_key(|(slot, chunk)| (slot.kind() == MediaKind::Video, chunk.begin))?;
        let cursor = self.slots[slot.index()].cursor.as_mut()?;
        let layer = cursor.layer;
        if cursor.init != Some(chunk.init.number) {
            cursor.init = Some(chunk.init.number);
            return Some(Send::Init { slot, layer, init: Arc::clone(&chunk.init) });
        }
        cursor.next = chunk.number + 1;
        cursor.position = chunk.end;
        Some(Send::Chunk { slot, layer, chunk })
    }

    /// A chunk has left: how far behind the lesson its viewer is now.
    pub fn sent(&mut self, now: Timestamp, slot: Slot, layer: Layer, chunk: &Chunk, lesson: &Segmenter) {
        let newest = lesson.lane(slot, layer).and_then(|lane| lane.newest());
        let lag = newest.map_or(Duration::ZERO, |newest| newest.end.saturating_since(chunk.end));
        self.ladder.on_lag(now, lag);
    }

    fn follow_sound(&mut self, slot: Slot, lesson: &Segmenter) {
        let state = &mut self.slots[slot.index()];
        let Some(lane) = lesson.lane(slot, Layer::High).filter(|_| state.wanted.is_some()) else {
            state.cursor = None;
            return;
        };
        let Some(newest) = lane.newest() else { return };
        let is_late = state.cursor.is_some_and(|cursor| match lane.get(cursor.next) {
            Some(chunk) => newest.end.saturating_since(chunk.begin) > SOUND_LATE,
            // Not here yet, or here no more.
            None => cursor.next < newest.number,
        });
        if state.cursor.is_none() || is_late {
            let mut next = newest.number;
            while let Some(before) = next.checked_sub(1).and_then(|before| lane.get(before))
                && newest.end.saturating_since(before.begin) <= SOUND_AGAIN
            {
                next = before.number;
            }
            let init = state.cursor.and_then(|cursor| cursor.init);
            state.cursor =
                Some(Cursor { layer: Layer::High, next, init, position: MediaTime::default(), waits: false });
        }
    }

    fn follow_picture(&mut self, now: Timestamp, slot: Slot, lesson: &Segmenter) {
        let rung = self.ladder.layer();
        let state = &mut self.slots[slot.index()];
        // Slides carry text: where there are pictures at all they are sent whole.
        let most = rung
            .zip(state.wanted)
            .map(|(rung, wanted)| if slot == Slot::SlidesVideo { wanted } else { rung.min(wanted) });
        let Some(best) = most.and_then(|most| lesson.best(slot, most, now)) else {
            state.cursor = None;
            return;
        };
        if let Some(cursor) = &mut state.cursor
            && !cursor.waits
            && is_lost(cursor, lesson.lane(slot, cursor.layer))
        {
            // full: the picture goes on at the next keyframe; what had not been sent is left out.
            self.skipped += 1;
            cursor.waits = true;
            // Pictures that never leave show no lag of their own.
            self.ladder.on_lag(now, PICTURE_LATE);
        }
        if state.cursor.is_some_and(|cursor| !cursor.waits && cursor.layer == best)
            && !lesson.needs_keyframe(slot, best)
        {
            return;
        }
        let start = lesson.lane(slot, best).and_then(|lane| lane.start());
        let start = start.filter(|start| state.cursor.is_none_or(|cursor| cursor.takes_over(best, start)));
        if let Some(start) = start {
            // Another layer has another initialisation segment, whatever its number.
            let kept = state.cursor.filter(|cursor| cursor.layer == best);
            let position = state.cursor.map_or(MediaTime::default(), |cursor| cursor.position);
            state.cursor = Some(Cursor {
                layer: best,
                next: start.number,
                init: kept.and_then(|cursor| cursor.init),
                position,
                waits: false,
            });
            return;
        }
        let waits =
            state.wished.is_some_and(|(layer, at)| layer == best && now.saturating_since(at) < WISH_EVERY);
        if !waits {
            state.wished = Some((best, now));
            self.wishes.push((slot, best));
        }
    }
}

impl Cursor {
    /// Whether a viewer who is here may go on at this keyframe of `layer`: not before what it has seen, or that would be seen twice.
    fn takes_over(&self, layer: Layer, start: &Chunk) -> bool {
        if layer == self.layer {
            self.waits && start.number >= self.next
        } else {
            start.begin >= self.position
        }
    }
}

/// Whether the next chunk is too late, or gone from the lane.
fn is_lost(cursor: &Cursor, lane: Option<&Lane>) -> bool {
    let Some(newest) = lane.and_then(|lane| lane.newest()) else {
        // Emptied: the publisher changed its codec.
        return true;
    };
    match lane.and_then(|lane| lane.get(cursor.next)) {
        Some(chunk) => newest.end.saturating_since(chunk.begin) > PICTURE_LATE,
        None => cursor.next <= newest.number,
    }
}

#[cfg(test)]
mod tests;
