//! What a class sees of one picture slot: which frames can be decoded, and when the picture stands.

use crate::classrooms::begins_keyframe;
use domain::{Codec, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// A picture that has not moved for this long stands still.
const STANDS_AFTER: Duration = Duration::from_millis(600);
/// What cannot be decoded is waited for so long before a keyframe is asked for.
const PATIENCE: Duration = Duration::from_millis(600);
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Packets kept at most.
const KEPT: usize = 2_000;

#[derive(Debug, Clone, Copy)]
struct Part {
    timestamp: u32,
    marker: bool,
    starts_keyframe: bool,
}

/// See the module's description.
#[derive(Debug, Clone, Default)]
pub struct Eye {
    /// Packets that are not decoded yet, by extended sequence number.
    parts: BTreeMap<u64, Part>,
    /// The next packet the decoder needs; `None`: it needs a keyframe.
    needed: Option<u64>,
    waits_since: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    moved_at: Option<Timestamp>,
    /// When the first picture could be shown.
    pub seen_at: Option<Timestamp>,
    /// Frames that could be shown.
    pub frames: u64,
    pub(super) standing: Duration,
    pub(super) longest_standing: Duration,
    stood_from: Option<Timestamp>,
}

impl Eye {
    /// A packet (media or repair) arrived.
    pub fn arrived(&mut self, now: Timestamp, sequence: u64, timestamp: u32, marker: bool, payload: &[u8]) {
        if self.needed.is_some_and(|needed| sequence < needed) {
            return;
        }
        let starts_keyframe = begins_keyframe(Codec::Vp8, payload);
        // Padding fills a number and shows nothing.
        let marker = marker || payload.is_empty();
        self.parts.insert(sequence, Part { timestamp, marker, starts_keyframe });
        if self.parts.len() > KEPT {
            self.parts.pop_first();
        }
        self.decode(now);
    }

    fn decode(&mut self, now: Timestamp) {
        loop {
            if let Some(end) = self.needed.and_then(|needed| self.whole_frame(needed)) {
                self.show(now, end);
                continue;
            }
            // A later keyframe that is whole makes everything before it unnecessary.
            let start = self
                .parts
                .iter()
                .rev()
                .find(|(number, part)| part.starts_keyframe && Some(**number) != self.needed)
                .map(|(number, _)| *number);
            match start.and_then(|start| self.whole_frame(start)) {
                Some(end) => self.show(now, end),
                None => break,
            }
        }
        let is_waiting = self.parts.last_key_value().is_some();
        if is_waiting {
            self.waits_since.get_or_insert(now);
        } else {
            self.waits_since = None;
        }
    }

    /// The last packet of the frame that begins with packet `first`, when all of it is here.
    fn whole_frame(&self, first: u64) -> Option<u64> {
        let timestamp = self.parts.get(&first)?.timestamp;
        for number in first.. {
            let part = self.parts.get(&number)?;
            if part.timestamp != timestamp {
                return None;
            }
            if part.marker {
                return Some(number);
            }
        }
        None
    }

    fn show(&mut self, now: Timestamp, end: u64) {
        self.parts = self.parts.split_off(&(end + 1));
        self.needed = Some(end + 1);
        self.waits_since = None;
        self.frames += 1;
        self.seen_at.get_or_insert(now);
        self.end_standing(now);
        self.moved_at = Some(now);
    }

    fn end_standing(&mut self, now: Timestamp) {
        let since = self.moved_at.max(self.stood_from);
        if let Some(since) = since {
            let stood = now.saturating_since(since);
            if stood > STANDS_AFTER {
                self.standing += stood;
                self.longest_standing = self.longest_standing.max(stood);
            }
        }
    }

    /// The relay sends nothing for this slot now: a picture that is not sent does not stand.
    pub fn put_away(&mut self) {
        self.moved_at = None;
        self.stood_from = None;
    }

    /// Whether a keyframe should be asked for now.
    pub(super) fn asks(&mut self, now: Timestamp) -> bool {
        let waits = self.waits_since.is_some_and(|since| now.saturating_since(since) > PATIENCE);
        let again = self.asked_at.is_none_or(|at| now.saturating_since(at) > ASK_AGAIN);
        if waits && again {
            self.asked_at = Some(now);
        }
        waits && again
    }

    /// Total and longest standing time so far, the one under way included.
    pub fn stood(&self, now: Timestamp) -> (Duration, Duration) {
        let mut until_now = self.clone();
        until_now.end_standing(now);
        (until_now.standing, until_now.longest_standing)
    }

    pub(super) fn look_from_here(&mut self, now: Timestamp) {
        self.frames = 0;
        (self.standing, self.longest_standing) = (Duration::ZERO, Duration::ZERO);
        self.stood_from = self.moved_at.map(|_| now);
    }
}
