//! What one published track is sending right now, layer by layer: clocks, activity, rate.

use crate::{ClockReading, StoredPacket};
use domain::{Bitrate, Layer, Timestamp};
use std::time::Duration;

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
    rate: RateMeter,
}

/// A layer without a frame for so long, while another has frames, is taken for stopped. The lowest picture layer
/// has 5 to 7 frames/s, so only seconds mean something; a starved top layer stays away for 20 s and more.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// When no layer has frames there is nothing to go to: slides may stand still, the uplink may hang. Receivers keep
/// what they have for so long, and need no keyframe when it goes on.
const ABSENT_AFTER: Duration = Duration::from_secs(10);

/// Bytes per quarter of a second, over the last second.
#[derive(Debug, Clone, Copy, Default)]
struct RateMeter {
    bytes: [u32; Self::BUCKETS],
    bucket: u64,
}

impl RateMeter {
    const BUCKETS: usize = 5;
    const BUCKET_US: u64 = 250_000;

    fn advance(&mut self, now: Timestamp) {
        let bucket = now.as_micros() / Self::BUCKET_US;
        let steps = bucket.saturating_sub(self.bucket).min(Self::BUCKETS as u64);
        for step in 0..steps {
            self.bytes[((bucket - step) % Self::BUCKETS as u64) as usize] = 0;
        }
        self.bucket = self.bucket.max(bucket);
    }

    fn add(&mut self, now: Timestamp, bytes: usize) {
        self.advance(now);
        let current = &mut self.bytes[(self.bucket % Self::BUCKETS as u64) as usize];
        *current = current.saturating_add(bytes as u32);
    }

    /// Over the finished buckets: the current one would make the rate saw.
    fn rate(mut self, now: Timestamp) -> Bitrate {
        self.advance(now);
        let current = (self.bucket % Self::BUCKETS as u64) as usize;
        let finished = self.bytes.iter().enumerate().filter(|(index, _)| *index != current);
        let bytes: u64 = finished.map(|(_, &bytes)| u64::from(bytes)).sum();
        Bitrate::of(bytes, Duration::from_micros(Self::BUCKET_US * (Self::BUCKETS as u64 - 1)))
    }
}

impl Layers {
    /// Notes one stored packet of `layer`.
    pub fn on_packet(&mut self, layer: Layer, packet: &StoredPacket) {
        let state = &mut self.state[layer.index()];
        if !packet.payload.is_empty() {
            state.heard_at = state.heard_at.max(Some(packet.arrival));
            state.rate.add(packet.arrival, packet.payload.len());
        }
    }

    /// Notes the publisher's sender report for `layer`.
    pub fn on_sender_report(&mut self, layer: Layer, reading: ClockReading) {
        self.state[layer.index()].clock = Some(reading);
    }

    /// The latest clock reading of `layer`, if it belongs to `generation`.
    pub fn clock(&self, layer: Layer, generation: u32) -> Option<ClockReading> {
        self.state[layer.index()].clock.filter(|reading| reading.generation == generation)
    }

    /// Whether `layer` is being sent: no other layer has outlived it by 2 s, and it is heard of within 10 s.
    pub fn is_active(&self, layer: Layer, now: Timestamp) -> bool {
        let newest = self.state.iter().filter_map(|state| state.heard_at).max();
        let (Some(newest), Some(at)) = (newest, self.state[layer.index()].heard_at) else { return false };
        newest.saturating_since(at) < SILENT_AFTER && now.saturating_since(at) < ABSENT_AFTER
    }

    /// The layer to send to somebody who wants `wanted`: the highest active one not above it, else the
    /// lowest active one. `None` when nothing is active.
    pub fn best(&self, wanted: Layer, now: Timestamp) -> Option<Layer> {
        let active = |layer: &Layer| self.is_active(*layer, now);
        let below = Layer::ALL.into_iter().rev().filter(|&layer| layer <= wanted).find(active);
        below.or_else(|| Layer::ALL.into_iter().filter(|&layer| layer > wanted).find(active))
    }

    /// Measured payload rate of `layer` over about the last second; zero when it is silent.
    pub fn bitrate(&self, layer: Layer, now: Timestamp) -> Bitrate {
        self.state[layer.index()].rate.rate(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameInfo;
    use bytes::Bytes;
    use domain::Codec;

    fn packet(arrival_ms: u64, len: usize) -> StoredPacket {
        let payload = Bytes::from(vec![0; len]);
        StoredPacket {
            generation: 1,
            ext_seq: arrival_ms,
            timestamp: 0,
            marker: true,
            frame: FrameInfo::read(Codec::H264, &payload),
            payload,
            arrival: Timestamp::from_millis(arrival_ms),
        }
    }

    #[test]
    fn a_starved_top_layer_gives_way_to_the_middle_one_and_comes_back() {
        let mut layers = Layers::default();
        let mut best_each_second = Vec::new();
        for ms in (0..10_000).step_by(20) {
            layers.on_packet(Layer::Mid, &packet(ms, 100));
            if !(2_000..6_500).contains(&ms) {
                layers.on_packet(Layer::High, &packet(ms, 500));
            }
            if ms % 1_000 == 0 {
                best_each_second.push(layers.best(Layer::High, Timestamp::from_millis(ms)));
            }
        }
        let (high, mid) = (Some(Layer::High), Some(Layer::Mid));
        assert_eq!(best_each_second, [high, high, high, high, mid, mid, mid, high, high, high]);
    }

    #[test]
    fn a_tv_that_wants_a_small_picture_gets_the_only_one_there_is() {
        let mut layers = Layers::default();
        assert_eq!(layers.best(Layer::Low, Timestamp::ZERO), None);
        layers.on_packet(Layer::High, &packet(0, 100));
        assert_eq!(layers.best(Layer::Low, Timestamp::ZERO), Some(Layer::High));
    }

    #[test]
    fn slides_that_stand_still_are_not_given_up() {
        let mut layers = Layers::default();
        layers.on_packet(Layer::Low, &packet(0, 100));
        layers.on_packet(Layer::High, &packet(500, 100));
        let best = |ms| layers.best(Layer::High, Timestamp::from_millis(ms));
        assert_eq!([best(600), best(8_000), best(9_999)], [Some(Layer::High); 3]);
        assert_eq!(best(10_500), None, "the publisher has gone");
    }

    #[test]
    fn the_measured_rate_follows_the_stream_and_its_silence() {
        let mut layers = Layers::default();
        for ms in (0..5_000).step_by(10) {
            layers.on_packet(Layer::Low, &packet(ms, 125));
        }
        assert_eq!(layers.bitrate(Layer::Low, Timestamp::from_millis(5_000)), Bitrate::from_kbps(100));
        assert_eq!(layers.bitrate(Layer::Low, Timestamp::from_millis(5_500)), Bitrate::from_kbps(50));
        assert_eq!(layers.bitrate(Layer::Low, Timestamp::from_millis(7_000)), Bitrate::ZERO);
    }
}
