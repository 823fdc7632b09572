//! What one published track is sending right now, layer by layer: clocks, activity, rate.

use crate::{ClockReading, StoredPacket};
use domain::{Bitrate, Layer, Timestamp};

/// Shared knowledge about the layers of one track, one per worker and track.
///
/// Receivers read it when they switch ([`crate::DownTrack::plan`]) and when the server chooses what to offer.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    state: [LayerState; Layer::COUNT],
}

#[derive(Debug, Clone, Copy, Default)]
struct LayerState {
    clock: Option<ClockReading>,
    heard_at: Option<Timestamp>,
}

impl Layers {
    /// Notes one stored packet of `layer`.
    pub fn on_packet(&mut self, layer: Layer, packet: &StoredPacket) {
        let _ = (layer, packet);
        todo!()
    }

    /// Notes the publisher's sender report for `layer`.
    pub fn on_sender_report(&mut self, layer: Layer, reading: ClockReading) {
        self.state[layer.index()].clock = Some(reading);
    }

    /// The latest clock reading of `layer`, if it belongs to `generation`.
    pub fn clock(&self, layer: Layer, generation: u32) -> Option<ClockReading> {
        self.state[layer.index()].clock.filter(|reading| reading.generation == generation)
    }

    /// Whether frames of `layer` have come within the last 2 s.
    pub fn is_active(&self, layer: Layer, now: Timestamp) -> bool {
        let _ = (now, self.state[layer.index()].heard_at);
        todo!()
    }

    /// The layer to send to somebody who wants `wanted`: the highest active one not above it, else the
    /// lowest active one. `None` when nothing is active.
    pub fn best(&self, wanted: Layer, now: Timestamp) -> Option<Layer> {
        let _ = (wanted, now);
        todo!()
    }

    /// Measured payload rate of `layer` over about the last second; zero when it is silent.
    pub fn bitrate(&self, layer: Layer, now: Timestamp) -> Bitrate {
        let _ = (layer, now);
        todo!()
    }
}
