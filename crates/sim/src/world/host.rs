//! The sample lesson on its way into the relay: real frames, a real [`UpTrack`] for each layer, a throttle for keyframes.

use crate::{
    fixture::{self, Frames},
    host::Player,
    packetize::Packetizer,
};
use domain::{Codec, Layer, Slot, Timestamp};
use media::{
    ClockReading, Incoming as Wire, KeyframeThrottle, NtpTime, StoredPacket, UpTrack, UpTrackConfig, Wrapping,
};
use relay::Incoming;
use std::time::Duration;

/// Sender reports of every stream.
const CLOCKS_EVERY: Duration = Duration::from_secs(1);

struct Stream {
    slot: Slot,
    layer: Layer,
    codec: Codec,
    /// How many times larger than the fixture's the frames are.
    swell: f64,
    up: UpTrack,
    packetizer: Packetizer,
    sequence: u16,
    timestamp: u32,
}

/// See the module's description.
pub struct Host {
    player: Player,
    streams: Vec<Stream>,
    /// By picture slot: camera, slides.
    throttles: [KeyframeThrottle; 2],
    requests: u64,
    clocks_at: Timestamp,
    clocks: Vec<(Slot, Layer, ClockReading)>,
}

const CAMERA: usize = 0;
const SLIDES: usize = 1;
const VOICE: usize = 2;
/// Position of the slides among the streams.
const SLIDES_STREAM: usize = 4;

impl Host {
    /// A camera in three layers, a voice, and slides if wanted.
    pub fn new(slides: bool) -> Self {
        let [low, mid, high] = fixture::camera(Codec::Vp8);
        let mut sources: Vec<(usize, Slot, Layer, Codec, Frames)> = vec![
            (CAMERA, Slot::ProgramVideo, Layer::Low, Codec::Vp8, low),
            (CAMERA, Slot::ProgramVideo, Layer::Mid, Codec::Vp8, mid),
            (CAMERA, Slot::ProgramVideo, Layer::High, Codec::Vp8, high),
            (VOICE, Slot::ProgramAudio, Layer::High, Codec::Opus, fixture::voice()),
        ];
        if slides {
            sources.push((SLIDES, Slot::SlidesVideo, Layer::High, Codec::Vp8, fixture::slides()));
        }
        let player = Player::new(sources.iter().map(|source| (source.0, source.4.clone())));
        let streams = sources.into_iter().zip(1u32..).map(|((_, slot, layer, codec, _), n)| Stream {
            slot,
            layer,
            codec,
            swell: match (slot, layer) {
                (Slot::ProgramVideo, Layer::Low) => 1.5,
                (Slot::ProgramVideo, Layer::Mid) => 4.8,
                (Slot::ProgramVideo, Layer::High) => 8.5,
                _ => 1.0,
            },
            up: UpTrack::new(UpTrackConfig { codec, generation: n, nack: false }),
            packetizer: Packetizer::new(codec, n),
            sequence: 1_000 * n as u16,
            timestamp: 90_000 * n,
        });
        Self {
            player,
            streams: streams.collect(),
            throttles: [(); 2].map(|()| KeyframeThrottle::new(KeyframeThrottle::INTERVAL)),
            requests: 0,
            clocks_at: Timestamp::ZERO,
            clocks: Vec::new(),
        }
    }

    /// Plays what is due at `now`.
    pub(super) fn play(&mut self, now: Timestamp, mut store: impl FnMut(Incoming)) {
        let mut out: Vec<StoredPacket> = Vec::new();
        while let Some(due) = self.player.pop_due(now.since_start()) {
            let stream = &mut self.streams[due.stream];
            let timestamp = stream.timestamp.wrapping_add(ticks(due.at, stream.codec));
            let payloads = if stream.codec == Codec::Opus {
                vec![due.frame.data.clone()]
            } else {
                // As large as what a teacher's browser sends (`web/shared/whip-encodings.ts`): bytes a decoder skips.
                let filler = (due.frame.data.len() as f64 * (stream.swell - 1.0)) as usize;
                stream.packetizer.packetize(&due.frame.data, filler)
            };
            let last = payloads.len() - 1;
            for (n, payload) in payloads.into_iter().enumerate() {
                stream.sequence = stream.sequence.wrapping_add(1);
                let packet = Wire {
                    sequence: stream.sequence,
                    timestamp,
                    marker: n == last && stream.codec != Codec::Opus,
                    payload,
                    wrapping: Wrapping::Plain,
                };
                stream.up.receive(now, packet, &mut out);
            }
            let (slot, layer) = (stream.slot, stream.layer);
            for packet in out.drain(..) {
                if packet.frame.starts_keyframe
                    && let Some(throttle) = throttle_of(slot)
                {
                    self.throttles[throttle].keyframe_arrived(layer);
                }
                store(Incoming { slot, layer, source: 0, packet });
            }
        }
        if self.clocks_at <= now {
            self.clocks_at = now + CLOCKS_EVERY;
            for stream in &mut self.streams {
                let timestamp = stream.timestamp.wrapping_add(ticks(now.since_start(), stream.codec));
                // Seconds since 1900 do not matter here, only that all streams share one clock.
                let ntp =
                    NtpTime(u64::try_from((now.since_start().as_micros() << 32) / 1_000_000).unwrap_or(0));
                let reading = stream.up.on_sender_report(now, ntp, timestamp);
                self.clocks.push((stream.slot, stream.layer, reading));
            }
        }
    }

    pub(super) fn take_clocks(&mut self) -> Vec<(Slot, Layer, ClockReading)> {
        std::mem::take(&mut self.clocks)
    }

    /// Somebody needs a keyframe.
    pub(super) fn wish(&mut self, now: Timestamp, slot: Slot, layer: Layer) {
        if let Some(throttle) = throttle_of(slot)
            && self.throttles[throttle].request(layer, now).is_some()
        {
            self.ask(now, throttle);
        }
    }

    /// Wishes that had to wait.
    pub(super) fn poll(&mut self, now: Timestamp) {
        for throttle in [CAMERA, SLIDES] {
            if self.throttles[throttle].poll(now).is_some() {
                self.ask(now, throttle);
            }
        }
    }

    pub(super) fn keyframe_requests(&self) -> u64 {
        self.requests
    }

    fn ask(&mut self, now: Timestamp, group: usize) {
        self.requests += 1;
        let stream = if group == CAMERA { 0 } else { SLIDES_STREAM };
        self.player.request_keyframe(now.since_start(), stream);
    }
}

fn throttle_of(slot: Slot) -> Option<usize> {
    match slot {
        Slot::ProgramVideo => Some(CAMERA),
        Slot::SlidesVideo => Some(SLIDES),
        _ => None,
    }
}

fn ticks(at: Duration, codec: Codec) -> u32 {
    (at.as_micros() * u128::from(codec.clock_rate()) / 1_000_000) as u32
}
