//! What one published track is sending right now, layer by layer: clocks, activity, rate.

use crate::{ClockReading, HostClock, NtpTime, StoredPacket};
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
    host: HostClock,
    heard_at: Option<Timestamp>,
    rate: RateMeter,
}

/// A layer without a frame for so long, while another has frames, is taken for stopped. The lowest picture layer
/// has 5 to 7 frames/s, so only seconds mean something; a starved top layer stays away for 20 s and more.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// When no layer has frames there is nothing to go to: slides may stand still, the uplink may hang. Receivers keep
/// what they have for so long, and need no keyframe when it goes on.
const ABSENT_AFTER: Duration = Duration::from_secs(10);

/// Bytes and packets per quarter of a second, over the last second, and smoothed over several.
#[derive(Debug, Clone, Copy, Default)]
struct RateMeter {
    bytes: [u32; Self::BUCKETS],
    packets: [u16; Self::BUCKETS],
    bucket: u64,
    steady: Steady,
}

/// Running means of finished buckets. The weight they have gathered makes up for their beginning at nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Steady {
    bytes: f32,
    packets: f32,
    weight: f32,
}

/// What a layer costs over some seconds, as payload and as packets.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LayerRate {
    /// Payload.
    pub payload: Bitrate,
    /// Packets a second.
    pub packets: f32,
}

impl LayerRate {
    /// With `overhead` bytes of headers on every packet.
    pub fn with_headers(&self, overhead: usize) -> Bitrate {
        self.payload + Bitrate::from_bps((self.packets * overhead as f32 * 8.0) as u64)
    }
}

impl RateMeter {
    const BUCKETS: usize = 5;
    const BUCKET_US: u64 = 250_000;
    /// Weight of one bucket in the running means: about five seconds.
    const STEADY: f32 = 0.05;

    fn advance(&mut self, now: Timestamp) {
        let bucket = now.as_micros() / Self::BUCKET_US;
        if bucket > self.bucket {
            self.finish_current();
        }
        let steps = bucket.saturating_sub(self.bucket).min(Self::BUCKETS as u64);
        for step in 0..steps {
            let index = ((bucket - step) % Self::BUCKETS as u64) as usize;
            (self.bytes[index], self.packets[index]) = (0, 0);
            if step > 0 {
                self.steady.add(0.0, 0.0);
            }
        }
        self.bucket = self.bucket.max(bucket);
    }

    /// The current bucket is over: it joins the running means. Buckets before the first packet do not count.
    fn finish_current(&mut self) {
        let index = (self.bucket % Self::BUCKETS as u64) as usize;
        if self.steady.weight > 0.0 || self.packets[index] > 0 {
            self.steady.add(self.bytes[index] as f32, f32::from(self.packets[index]));
        }
    }

    fn add(&mut self, now: Timestamp, bytes: usize) {
        self.advance(now);
        let index = (self.bucket % Self::BUCKETS as u64) as usize;
        self.bytes[index] = self.bytes[index].saturating_add(bytes as u32);
        self.packets[index] = self.packets[index].saturating_add(1);
    }

    fn steady(mut self, now: Timestamp) -> LayerRate {
        self.advance(now);
        let Steady { bytes, packets, weight } = self.steady;
        if weight <= 0.0 {
            return LayerRate::default();
        }
        let a_second = 1e6 / Self::BUCKET_US as f32;
        LayerRate {
            payload: Bitrate::from_bps((bytes / weight * 8.0 * a_second) as u64),
            packets: packets / weight * a_second,
        }
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

impl Steady {
    fn add(&mut self, bytes: f32, packets: f32) {
        if self.weight > 0.0 || packets > 0.0 {
            self.bytes += (bytes - self.bytes) * RateMeter::STEADY;
            self.packets += (packets - self.packets) * RateMeter::STEADY;
            self.weight += (1.0 - self.weight) * RateMeter::STEADY;
        }
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
        let state = &mut self.state[layer.index()];
        state.clock = Some(reading);
        state.host.on_reading(reading);
    }

    /// The moment `ntp` of the publisher's clock on ours, by the reports for `layer`.
    pub fn on_relay(&self, layer: Layer, ntp: NtpTime) -> Option<Timestamp> {
        self.state[layer.index()].host.on_relay(ntp)
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

    /// What `layer` costs over the last seconds: a keyframe or a change of slides hardly moves it.
    pub fn steady_rate(&self, layer: Layer, now: Timestamp) -> LayerRate {
        self.state[layer.index()].rate.steady(now)
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
    fn one_large_picture_hardly_moves_the_steady_rate() {
        let mut layers = Layers::default();
        for ms in (0..20_000).step_by(100) {
            layers.on_packet(Layer::Low, &packet(ms, if ms == 15_000 { 10_000 } else { 1_000 }));
        }
        let steady = |ms| layers.steady_rate(Layer::Low, Timestamp::from_millis(ms));
        let (payload, packets) = (steady(20_000).payload.as_kbps(), steady(20_000).packets);
        assert!((80..=92).contains(&payload), "{payload}");
        assert!((9.5..=10.5).contains(&packets), "{packets}");
        assert_eq!(
            steady(20_000).with_headers(100),
            steady(20_000).payload + Bitrate::from_bps((packets * 800.0) as u64)
        );
    }

    #[test]
    fn a_stream_that_has_just_begun_has_its_rate_from_the_first_quarter_second_on() {
        let mut layers = Layers::default();
        for ms in (7_000..7_500).step_by(10) {
            layers.on_packet(Layer::Low, &packet(ms, 125));
        }
        assert_eq!(
            layers.steady_rate(Layer::Low, Timestamp::from_millis(7_510)).payload,
            Bitrate::from_kbps(100)
        );
        assert_eq!(Layers::default().steady_rate(Layer::Low, Timestamp::ZERO), LayerRate::default());
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
