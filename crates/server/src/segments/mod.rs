//! Lessons as media segments, for screens without WebRTC or behind networks that let none through.
//!
//! A lesson that somebody watches this way has one [`Hub`]: a task that taps the media workers and feeds the lesson's
//! `segments::Segmenter`. Whoever watches reads its lanes; nothing is stored for a viewer. The hub ends when nobody has watched for a
//! while.

mod aac;
mod hub;
mod playlists;
mod sessions;
mod watchers;

pub(crate) use hub::{Hub, Hubs, linger};
pub(crate) use playlists::Found;
pub(crate) use sessions::PlaylistSessions;
pub(crate) use watchers::{Progress, Watcher, Watchers};

use domain::Slot;

/// A slot's name in addresses.
pub(crate) fn slot_name(slot: Slot) -> &'static str {
    match slot {
        Slot::ProgramAudio => "program_audio",
        Slot::ExtraAudio => "extra_audio",
        Slot::ProgramVideo => "program_video",
        Slot::SlidesVideo => "slides_video",
        Slot::ExtraVideo => "extra_video",
    }
}
