//! The chunks of one layer, shared by everybody who watches it: the ring is the queue, nothing is stored for a viewer.

use crate::MediaTime;
use bytes::Bytes;
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// Chunks older than this are of no use to anybody who watches live.
const SPAN: Duration = Duration::from_secs(8);
/// Bytes of one lane at most: 8 s at 4 Mbit/s.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// A keyframe older than this is no place to begin any more: a new one costs the host less than a second of old pictures costs a TV.
const START_AGE: Duration = Duration::from_secs(3);

/// What a player must be given before the first chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// Another number for each.
    pub number: u32,
    /// MIME type with codecs, as `MediaSource.addSourceBuffer` takes it.
    pub mime: String,
    /// The initialisation segment.
    pub bytes: Bytes,
}

/// A piece of a track that can be appended as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Counts the chunks of a lane.
    pub number: u64,
    /// The initialisation segment it belongs to.
    pub init: Arc<Init>,
    /// It begins with a keyframe; always for sound.
    pub is_start: bool,
    /// Where it begins.
    pub begin: MediaTime,
    /// Where it ends, but for the last frame's own length.
    pub end: MediaTime,
    /// The host's wall clock at the beginning, milliseconds since the Unix epoch; `None` until the host has said it.
    pub wall_ms: Option<u64>,
    /// The segment.
    pub bytes: Bytes,
}

/// The latest chunks of one layer.
#[derive(Debug, Default)]
pub struct Lane {
    chunks: VecDeque<Arc<Chunk>>,
    next: u64,
    bytes: usize,
}

impl Lane {
    pub(crate) fn push(&mut self, mut chunk: Chunk) {
        chunk.number = self.next;
        self.next += 1;
        self.bytes += chunk.bytes.len();
        let end = chunk.end;
        self.chunks.push_back(Arc::new(chunk));
        while self.chunks.len() > 1
            && let Some(oldest) = self.chunks.front()
            && (self.bytes > BYTES_MAX || end.saturating_since(oldest.begin) > SPAN)
        {
            self.bytes -= oldest.bytes.len();
            self.chunks.pop_front();
        }
    }

    /// What comes after belongs to another stream: nobody is to begin before it.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.bytes = 0;
    }

    /// The chunk with this number, while it is here.
    pub fn get(&self, number: u64) -> Option<&Arc<Chunk>> {
        let first = self.chunks.front()?.number;
        self.chunks.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The number the next chunk will get.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The newest chunk.
    pub fn newest(&self) -> Option<&Arc<Chunk>> {
        self.chunks.back()
    }

    /// The newest chunk a decoder may begin with, when it is not too old.
    pub fn start(&self) -> Option<&Arc<Chunk>> {
        let end = self.newest()?.end;
        let start = self.chunks.iter().rev().find(|chunk| chunk.is_start)?;
        (end.saturating_since(start.begin) <= START_AGE).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(begin_ms: u64, is_start: bool, len: usize) -> Chunk {
        let init = Arc::new(Init { number: 1, mime: "video/webm".to_owned(), bytes: Bytes::new() });
        let begin = MediaTime(begin_ms * 1_000);
        let end = begin.plus(Duration::from_millis(100));
        Chunk { number: 0, init, is_start, begin, end, wall_ms: None, bytes: vec![0; len].into() }
    }

    #[test]
    fn a_joiner_begins_at_the_newest_keyframe_unless_that_is_long_ago() {
        let mut lane = Lane::default();
        for n in 0..40u64 {
            lane.push(chunk(n * 100, n % 15 == 0, 10));
        }
        assert_eq!(lane.start().map(|start| start.number), Some(30));
        for n in 40..62u64 {
            lane.push(chunk(n * 100, false, 10));
        }
        assert_eq!(lane.start(), None, "3.2 s ago");
        assert!(lane.get(30).is_some(), "who has begun there goes on");
    }

    #[test]
    fn a_lane_is_bounded_in_time_and_bytes_and_forgets_its_oldest() {
        let mut lane = Lane::default();
        for n in 0..1_000u64 {
            lane.push(chunk(n * 100, true, 1_000));
        }
        assert_eq!((lane.get(915), lane.get(920).map(|chunk| chunk.number)), (None, Some(920)));
        for n in 1_000..1_020u64 {
            lane.push(chunk(n * 100, true, BYTES_MAX / 4));
        }
        assert!(lane.bytes <= BYTES_MAX);
        assert_eq!(lane.get(1_019).map(|chunk| chunk.number), Some(1_019));
        assert_eq!(lane.get(1_020), None);
    }
}
