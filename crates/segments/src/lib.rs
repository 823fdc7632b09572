//! A lesson as media segments, for players that have no WebRTC or whose network lets none through: pure, packets in and segments out.
//!
//! The way of a packet: the [`Segmenter`] puts frames together after repair, places them on one timeline for all tracks and writes
//! them as fMP4 (H.264) or `WebM` (VP8, Opus) chunks into the [`Lane`] of their layer. Nothing is transcoded. Each [`Viewer`] is a
//! position in those lanes: it says what to send next and skips to a keyframe when its link does not keep up.

mod clock;
mod frames;
mod h264;
mod hls;
mod lane;
mod mp4;
mod opus;
mod segmenter;
mod track;
mod ts;
mod viewer;
mod webm;

pub use clock::MediaTime;
pub use hls::{Format, Hls};
pub use lane::{Chunk, Init, Lane};
pub use segmenter::Segmenter;
pub use viewer::{Send, Viewer};
