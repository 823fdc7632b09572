//! Limits how often the host's encoder is asked for a keyframe.

use domain::{Layer, Timestamp};
use std::time::Duration;

/// Limits how often we ask the host's encoder for a keyframe.
///
/// Every classroom that joins or switches layer wants a keyframe at once; one keyframe serves them
/// all, and a burst of PLI (RFC 4585 section 6.3.1) would only make the encoder spike. One throttle serves all
/// layers of a source, because simulcast layers share the encoder.
#[derive(Debug, Clone)]
pub struct KeyframeThrottle {
    interval: Duration,
    requested_at: Option<Timestamp>,
    wishes: [Option<Timestamp>; Layer::COUNT],
}

impl KeyframeThrottle {
    /// Half a second: at most two requests a second reach the host.
    pub const INTERVAL: Duration = Duration::from_millis(500);

    /// Requests leave at least `interval` apart.
    pub fn new(interval: Duration) -> Self {
        Self { interval, requested_at: None, wishes: [None; Layer::COUNT] }
    }

    /// Somebody wants a keyframe of `layer`. `Some(layer)`: send one request for that layer now. Otherwise the
    /// wish is kept until [`KeyframeThrottle::poll`] may serve it.
    pub fn request(&mut self, layer: Layer, now: Timestamp) -> Option<Layer> {
        let _ = (layer, now);
        todo!()
    }

    /// The oldest kept wish, when it may leave now.
    pub fn poll(&mut self, now: Timestamp) -> Option<Layer> {
        let _ = (now, self.interval, self.requested_at, self.wishes);
        todo!()
    }

    /// When [`KeyframeThrottle::poll`] has something; `None` without a wish.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        todo!()
    }

    /// A keyframe of `layer` came: its wish is fulfilled.
    pub fn keyframe_arrived(&mut self, layer: Layer) {
        let _ = layer;
        todo!()
    }
}

/// What one place may ask of the host: a few keyframes quickly (joining, switching), then one each 3 s.
///
/// A place that loses packets all the time must not cost the others their picture quality.
#[derive(Debug, Clone, Default)]
pub struct PlaceQuota {
    /// Requests let through so far.
    pub allowed: u64,
    /// Requests refused so far.
    pub refused: u64,
}

impl PlaceQuota {
    /// Whether a request of this place may go to the [`KeyframeThrottle`] now.
    pub fn allow(&mut self, now: Timestamp) -> bool {
        let _ = now;
        todo!()
    }
}
