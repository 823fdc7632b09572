//! Tracks, layers, rewriting, repair, keyframe cache, RED: pure, bytes in and bytes out.
//!
//! The way of a packet: [`RtpHeader`] reads it, [`UpTrack`] numbers it and learns what it carries, the
//! resulting [`StoredPacket`] goes into each worker's [`TrackBuffer`]; every receiver's [`DownTrack`]
//! plans it and [`Outgoing::write`] puts it straight into the send arena. Nothing here knows SDP, a
//! socket or a clock.

mod down_track;
mod frame;
pub mod h264;
mod host_clock;
mod keyframe_throttle;
mod layers;
mod nack;
mod outgoing;
mod packet;
mod reception;
pub mod red;
mod resend;
pub mod rtp;
mod segments;

mod sender_report;
mod sequence;
mod track_buffer;
mod up_track;
pub mod vp8;

pub use down_track::{DownTrack, Leave, StreamStart};
pub use frame::FrameInfo;
pub use host_clock::HostClock;
pub use keyframe_throttle::{KeyframeThrottle, PlaceQuota};
pub use layers::{LayerRate, Layers};
pub use nack::{NackList, NackPolicy};
pub use outgoing::{NoRoom, Outgoing, WireIds, write_padding};
pub use packet::StoredPacket;
pub use reception::{Reception, ReceptionReport};
pub use resend::{Resend, ResendRefusal};
pub use rtp::{ExtensionBlock, RtpError, RtpHeader};
pub use sender_report::{ClockReading, DownReport, NtpTime, SentReports};
pub use sequence::{SeqError, SequenceExtender};
pub use track_buffer::{ReplayLimits, TrackBuffer};
pub use up_track::{Arrived, Incoming, UpTrack, UpTrackConfig, Wrapping};
