//! What one receiver gets of one slot: layer choice and continuous numbers.

use crate::{DownReport, Layers, Outgoing, ReplayLimits, Resend, ResendRefusal, StoredPacket, TrackBuffer};
use domain::{Layer, MediaKind, Timestamp};
use std::{ops::RangeInclusive, time::Duration};

/// What happens to the layer being left until the new one's keyframe is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Keep sending it: no freeze (up-switches, a smaller window).
    AtKeyframe,
    /// Stop it now: the link cannot carry it (a short freeze instead of a growing queue).
    AtOnce,
}

/// First numbers of an outgoing stream; random, from the caller (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamStart {
    /// First sequence number.
    pub sequence: u16,
    /// First RTP timestamp.
    pub timestamp: u32,
    /// First VP8 picture id; the upper bit is ignored.
    pub picture_id: u16,
}

/// One slot of one receiver: decides forward or drop and keeps sequence, timestamp and picture ids
/// continuous whatever happens upstream.
#[derive(Debug)]
pub struct DownTrack {
    kind: MediaKind,
    start: StreamStart,
    current: Option<Layer>,
    target: Option<Layer>,
}

impl DownTrack {
    /// A slot that sends nothing until [`DownTrack::set_target`].
    pub fn new(kind: MediaKind, start: StreamStart) -> Self {
        Self { kind, start, current: None, target: None }
    }

    /// Chooses what to send from now on; `None` pauses at once. A switch happens at the next keyframe of the
    /// target (audio: at its next packet).
    pub fn set_target(&mut self, target: Option<Layer>, leave: Leave) {
        let _ = (target, leave, self.kind, self.start);
        todo!()
    }

    /// Highest VP8 temporal layer to send, 0 to 3 (3: all). Down at the next frame, up at the next sync point.
    pub fn set_max_temporal(&mut self, temporal: u8) {
        let _ = temporal;
        todo!()
    }

    /// Layer being sent.
    pub fn current(&self) -> Option<Layer> {
        self.current
    }

    /// Layer wanted.
    pub fn target(&self) -> Option<Layer> {
        self.target
    }

    /// The layer whose keyframe this receiver waits for. Feed it to [`crate::KeyframeThrottle`] each tick.
    pub fn wants_keyframe(&self) -> Option<Layer> {
        todo!()
    }

    /// Decides about one packet of `layer`. Every packet of every layer is offered, in order of arrival.
    pub fn plan(&mut self, layer: Layer, packet: &StoredPacket, layers: &Layers) -> Option<Outgoing> {
        let _ = (layer, packet, layers);
        todo!()
    }

    /// What to plan at once for a receiver that waits for a picture: the target layer's packets since its
    /// latest keyframe. `None` when it already gets pictures, or nothing fits the limits; then ask the host.
    pub fn replay(&self, buffer: &TrackBuffer, limits: ReplayLimits) -> Option<RangeInclusive<u64>> {
        let _ = (buffer, limits);
        todo!()
    }

    /// Answers a NACK for outgoing sequence number `sequence`.
    ///
    /// # Errors
    /// [`ResendRefusal`] when it is not sent again.
    pub fn resend(&mut self, sequence: u16, now: Timestamp, rtt: Duration) -> Result<Resend, ResendRefusal> {
        let _ = (sequence, now, rtt);
        todo!()
    }

    /// What a sender report sent at `now` says; `None` until the host's own report for the current layer came.
    pub fn sender_report(&self, now: Timestamp, layers: &Layers) -> Option<DownReport> {
        let _ = (now, layers);
        todo!()
    }
}
