//! A lesson's playlists: made while somebody fetches them, forgotten a while after.

use super::aac::Encoder;
use bytes::Bytes;
use domain::{Codec, Layer, Slot, Timestamp};
use segments::{Format, Hls, Segmenter};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A playlist nobody has fetched for so long is no longer made. Players fetch every two seconds.
const IDLE_AFTER: Duration = Duration::from_secs(20);

struct Entry {
    slot: Slot,
    format: Format,
    hls: Hls,
    used_at: Timestamp,
}

/// All playlists of one lesson. Six at most: three pictures in two formats.
#[derive(Default)]
pub(super) struct Playlists {
    entries: Vec<Entry>,
    /// Makes AAC of the voice while a playlist needs it.
    aac: Option<Encoder>,
    ffmpeg: Option<Arc<PathBuf>>,
}

/// What a player may find.
pub(crate) enum Found<T> {
    /// It.
    Here(T),
    /// Nothing yet: the lesson has brought too little.
    NotYet,
    /// The lesson is published in something no playlist can hold.
    Unplayable(Codec),
}

impl Playlists {
    pub(super) fn new(ffmpeg: Option<Arc<PathBuf>>) -> Self {
        Self { ffmpeg, ..Self::default() }
    }

    /// Whether the lesson's frames must be kept.
    pub(super) fn is_used(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Takes what the lesson has brought; the keyframes that are needed.
    pub(super) fn take(&mut self, now: Timestamp, lesson: &Segmenter) -> Vec<(Slot, Layer)> {
        self.entries.retain(|entry| now.saturating_since(entry.used_at) < IDLE_AFTER);
        let needs_aac = self.entries.iter().any(|entry| entry.format == Format::Ts);
        match (&mut self.aac, &self.ffmpeg) {
            (None, Some(ffmpeg)) if needs_aac => self.aac = Some(Encoder::new(Arc::clone(ffmpeg))),
            (Some(_), _) if !needs_aac => self.aac = None,
            _ => {}
        }
        if let Some(aac) = &mut self.aac {
            aac.feed(now, lesson);
            let encoded = aac.take();
            for entry in self.entries.iter_mut().filter(|entry| entry.format == Format::Ts) {
                for (from, frames) in &encoded {
                    entry.hls.push_aac(*from, frames.iter().cloned());
                }
            }
        }
        self.entries.iter_mut().filter_map(|entry| entry.hls.take(now, lesson)).collect()
    }

    /// A picture's playlist; from now on it is made.
    pub(super) fn playlist(
        &mut self,
        now: Timestamp,
        slot: Slot,
        format: Format,
        lesson: &Segmenter,
    ) -> Found<String> {
        let entry = self.entry(now, slot, format);
        if let Some(codec) = entry.hls.unplayable(now, lesson) {
            return Found::Unplayable(codec);
        }
        entry.hls.playlist(super::slot_name(slot)).map_or(Found::NotYet, Found::Here)
    }

    pub(super) fn segment(
        &mut self,
        now: Timestamp,
        slot: Slot,
        format: Format,
        number: u64,
    ) -> Option<Bytes> {
        self.entry(now, slot, format).hls.segment(number)
    }

    pub(super) fn init(&mut self, now: Timestamp, slot: Slot, format: Format, number: u32) -> Option<Bytes> {
        self.entry(now, slot, format).hls.init(number)
    }

    fn entry(&mut self, now: Timestamp, slot: Slot, format: Format) -> &mut Entry {
        let at = self.entries.iter().position(|entry| entry.slot == slot && entry.format == format);
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry { slot, format, hls: Hls::new(slot, format), used_at: now });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[at];
        entry.used_at = now;
        entry
    }
}
