//! Lessons as media segments, for screens without WebRTC or behind networks that let none through.
//!
//! A lesson that somebody watches this way has one [`Hub`]: a task that taps the media workers and feeds the lesson's
//! `segments::Segmenter`. Whoever watches reads its lanes; nothing is stored for a viewer. The hub ends when nobody has watched for a
//! while.

mod hub;
mod watchers;

pub(crate) use hub::{Hub, Hubs, linger};
pub(crate) use watchers::{Progress, Watcher, Watchers};
