//! One layer of one slot, from packets to chunks.

use crate::{
    MediaTime,
    clock::{TrackClock, WallClock},
    frames::{Assembler, Frame, vp8_size},
    h264::ParameterSets,
    lane::{Chunk, Init, Lane},
    mp4, opus, webm,
};
use bytes::Bytes;
use domain::{Codec, Slot, Timestamp};
use media::{ClockReading, NtpTime, StoredPacket};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// Frames are gathered for so long: a player on an old TV feels every append.
const GATHER: Duration = Duration::from_millis(160);
/// The last picture of a chunk waits for the next one to say how long it lasts. A guess that is too short stops Chromium at the hole
/// behind it, one that is too long makes Firefox 140 drop everything up to the next keyframe.
const HOLD: Duration = Duration::from_millis(500);
/// The same for slides, which may stand still.
const HOLD_SLIDE: Duration = Duration::from_millis(1_100);
/// How long the last picture of a chunk lasts at least and at most, when the next one did not come in time: so long it has stood already.
const LAST_PICTURE: (Duration, Duration) = (HOLD, Duration::from_millis(1_500));
/// Slides stand still; their encoder repeats them once a second at least.
const LAST_SLIDE: Duration = Duration::from_millis(1_500);
/// A hole in the voice up to this long is filled with packets that let the decoder make something up.
const FILL_MAX: u64 = 48_000;
/// The voice may be so many samples off its clock before packets are filled in or left out.
const OFF_CLOCK: u64 = 2_000;

/// A frame on the lesson's timeline.
#[derive(Debug)]
struct Timed {
    time: MediaTime,
    is_key: bool,
    data: Bytes,
}

/// A frame as it is kept for playlists, whose segments are longer than chunks.
#[derive(Debug, Clone)]
pub(crate) struct LoggedFrame {
    pub(crate) number: u64,
    pub(crate) time: MediaTime,
    pub(crate) is_key: bool,
    pub(crate) wall_ms: Option<u64>,
    /// The parameter sets it is decoded with; of pictures.
    pub(crate) sets: Option<Arc<ParameterSets>>,
    pub(crate) data: Bytes,
}

/// How long frames are kept for playlists.
const LOG_SPAN: Duration = Duration::from_secs(12);

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Track {
    slot: Slot,
    codec: Codec,
    generation: u32,
    clock: TrackClock,
    assembler: Assembler,
    frames: Vec<Frame>,
    gathered: Vec<Timed>,
    /// When what is gathered must leave.
    due: Option<Timestamp>,
    init: Option<Arc<Init>>,
    inits: u32,
    /// Where the last frame was.
    last: Option<MediaTime>,
    interval: Duration,
    /// Next sample of the voice, at 48 kHz on the timeline.
    next_sample: Option<u64>,
    sequence: u32,
    sets: Option<Arc<ParameterSets>>,
    /// The latest frames, while somebody makes a playlist of them.
    log: Option<VecDeque<LoggedFrame>>,
    logged: u64,
    pub(crate) lane: Lane,
    pub(crate) heard_at: Timestamp,
}

impl Track {
    pub(crate) fn new(slot: Slot, first: &StoredPacket) -> Self {
        let codec = first.frame.codec;
        Self {
            slot,
            codec,
            generation: first.generation,
            clock: TrackClock::new(codec.clock_rate()),
            assembler: Assembler::new(codec),
            frames: Vec::new(),
            gathered: Vec::new(),
            due: None,
            init: None,
            inits: 0,
            last: None,
            interval: Duration::from_millis(66),
            next_sample: None,
            sequence: 0,
            sets: None,
            log: None,
            logged: 0,
            lane: Lane::default(),
            heard_at: first.arrival,
        }
    }

    pub(crate) fn needs_keyframe(&self) -> bool {
        self.assembler.needs_keyframe()
    }

    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    pub(crate) fn handle_packet(&mut self, packet: &StoredPacket, host: &WallClock) {
        if packet.generation != self.generation || packet.frame.codec != self.codec {
            return;
        }
        self.heard_at = self.heard_at.max(packet.arrival);
        let mut frames = std::mem::take(&mut self.frames);
        self.assembler.push(packet, &mut frames);
        self.take(&mut frames, packet.arrival, host);
        self.frames = frames;
    }

    /// A packet of another generation: the publisher began anew, with other numbers, other clocks, perhaps another codec. One of a stream
    /// that is over changes nothing.
    pub(crate) fn begin(&mut self, packet: &StoredPacket) {
        if packet.generation.wrapping_sub(self.generation).cast_signed() <= 0 {
            return;
        }
        let codec = packet.frame.codec;
        self.generation = packet.generation;
        self.clock = TrackClock::new(codec.clock_rate());
        self.assembler = Assembler::new(codec);
        self.gathered.clear();
        self.due = None;
        self.next_sample = None;
        if codec != self.codec {
            self.codec = codec;
            self.init = None;
            self.lane.clear();
        }
    }

    pub(crate) fn on_clock(&mut self, reading: &ClockReading, host: &mut WallClock) {
        if reading.generation == self.generation {
            self.clock.on_reading(reading, host);
        }
    }

    pub(crate) fn placed(&self, ntp: NtpTime, host: &WallClock) -> Option<i64> {
        self.clock.placed(ntp, host)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.due.into_iter().chain(self.assembler.poll_timeout()).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Timestamp, host: &WallClock) {
        let mut frames = std::mem::take(&mut self.frames);
        self.assembler.handle_timeout(now, &mut frames);
        self.take(&mut frames, now, host);
        self.frames = frames;
        if self.due.is_some_and(|due| due <= now) {
            if self.gathered.len() > 1 {
                self.flush_known(now, host);
            } else {
                self.flush(None, host);
            }
        }
    }

    fn take(&mut self, frames: &mut Vec<Frame>, now: Timestamp, host: &WallClock) {
        for frame in frames.drain(..) {
            let time = self.clock.time(frame.rtp, frame.arrival);
            if self.codec == Codec::Opus {
                self.voice(time, frame.data.into(), host);
            } else {
                self.picture(time, frame, host);
            }
            if !self.gathered.is_empty() {
                let patience = self.patience();
                self.due.get_or_insert(now + patience);
            }
        }
        let span =
            self.gathered.first().zip(self.last).map(|(first, last)| last.saturating_since(first.time));
        if span.is_some_and(|span| span >= GATHER) {
            self.flush_known(now, host);
        }
    }

    /// Makes a chunk of everything whose length is known: a packet of voice says it itself, a picture lasts until the next.
    fn flush_known(&mut self, now: Timestamp, host: &WallClock) {
        if self.codec == Codec::Opus {
            return self.flush(None, host);
        }
        let Some(last) = self.gathered.pop() else { return };
        self.flush(Some(last.time), host);
        self.gathered.push(last);
        self.due = Some(now + self.patience());
    }

    /// How long something that is gathered waits for what comes after it.
    fn patience(&self) -> Duration {
        match (self.codec, self.slot) {
            (Codec::Opus, _) => GATHER,
            (_, Slot::SlidesVideo) => HOLD_SLIDE,
            _ => HOLD,
        }
    }

    fn picture(&mut self, time: MediaTime, frame: Frame, host: &WallClock) {
        // Never backwards: a player would throw away what it has.
        let time = self.last.map_or(time, |last| time.max(last.plus(Duration::from_millis(1))));
        if frame.is_key {
            // A chunk that begins with a keyframe is where players begin.
            self.flush(Some(time), host);
            self.renew_init(&frame.data);
        }
        if self.init.is_none() {
            return;
        }
        if let Some(last) = self.last {
            let interval = time.saturating_since(last).min(LAST_PICTURE.1);
            self.interval = (self.interval * 7 + interval) / 8;
        }
        self.last = Some(time);
        let data = Bytes::from(frame.data);
        self.log(time, frame.is_key, &data, host);
        self.gathered.push(Timed { time, is_key: frame.is_key, data });
    }

    /// Keeps frames from now on, or keeps them no more.
    pub(crate) fn set_logging(&mut self, on: bool) {
        if on {
            self.log.get_or_insert_default();
        } else {
            self.log = None;
        }
    }

    /// Frames kept from `number` on.
    pub(crate) fn logged_from(&self, number: u64) -> impl Iterator<Item = &LoggedFrame> {
        self.log.iter().flatten().filter(move |frame| frame.number >= number)
    }

    fn log(&mut self, time: MediaTime, is_key: bool, data: &Bytes, host: &WallClock) {
        let Some(log) = &mut self.log else { return };
        let wall_ms = self.clock.wall_ms(time, host);
        let (number, sets) = (self.logged, self.sets.clone());
        self.logged += 1;
        log.push_back(LoggedFrame { number, time, is_key, wall_ms, sets, data: data.clone() });
        while log.front().is_some_and(|oldest| time.saturating_since(oldest.time) > LOG_SPAN) {
            log.pop_front();
        }
    }

    /// Places one packet of voice behind the one before; a player stops at every hole.
    fn voice(&mut self, time: MediaTime, data: Bytes, host: &WallClock) {
        let Some(length) = opus::samples(&data) else { return };
        if self.init.is_none() {
            self.set_init("audio/webm; codecs=\"opus\"".to_owned(), webm::init(webm::Kind::Opus));
        }
        let wanted = time.ticks(mp4::AUDIO_RATE);
        let mut at = *self.next_sample.get_or_insert(wanted);
        if wanted + OFF_CLOCK < at {
            // Too early by more than two packets: the clock was corrected; one packet less is not heard.
            return;
        }
        if wanted > at + FILL_MAX {
            at = wanted;
        }
        let (filling, step) = opus::concealment(data.first().copied().unwrap_or(0));
        while wanted > at + OFF_CLOCK {
            self.push_voice(at, Bytes::copy_from_slice(&filling), host);
            at += u64::from(step);
        }
        self.push_voice(at, data, host);
        self.next_sample = Some(at + u64::from(length));
    }

    fn push_voice(&mut self, sample: u64, data: Bytes, host: &WallClock) {
        let time = MediaTime(sample * 1_000_000 / u64::from(mp4::AUDIO_RATE));
        self.last = Some(time);
        self.log(time, true, &data, host);
        self.gathered.push(Timed { time, is_key: true, data });
    }

    fn renew_init(&mut self, keyframe: &[u8]) {
        match self.codec {
            Codec::H264 => {
                let sets = Arc::new(self.assembler.sets().clone());
                self.sets = Some(Arc::clone(&sets));
                let (width, height) = sets.size().unwrap_or((1_280, 720));
                let profile = sets
                    .sps
                    .get(1..4)
                    .unwrap_or_default()
                    .iter()
                    .fold(0u32, |all, byte| all << 8 | u32::from(*byte));
                let mime = format!("video/mp4; codecs=\"avc1.{profile:06x}\"");
                self.set_init(mime, mp4::init(&[mp4::Kind::H264 { sets, width, height }]));
            }
            Codec::Vp8 => {
                let Some((width, height)) = vp8_size(keyframe) else { return };
                self.set_init(
                    "video/webm; codecs=\"vp8\"".to_owned(),
                    webm::init(webm::Kind::Vp8 { width, height }),
                );
            }
            Codec::Opus => {}
        }
    }

    fn set_init(&mut self, mime: String, bytes: Vec<u8>) {
        if self.init.as_ref().is_some_and(|known| known.mime == mime && known.bytes == bytes) {
            return;
        }
        self.inits += 1;
        self.init = Some(Arc::new(Init { number: self.inits, mime, bytes: bytes.into() }));
    }

    /// Makes a chunk of what is gathered; `next` is when the picture after it begins, if that is known.
    fn flush(&mut self, next: Option<MediaTime>, host: &WallClock) {
        self.due = None;
        let gathered = std::mem::take(&mut self.gathered);
        let (Some(first), Some(last), Some(init)) = (gathered.first(), gathered.last(), self.init.clone())
        else {
            return;
        };
        let (begin, end) = (first.time, last.time);
        let length =
            next.map_or_else(|| self.guessed_length(), |next| next.saturating_since(end).min(LAST_PICTURE.1));
        let is_start = first.is_key;
        let bytes: Bytes = if self.codec == Codec::H264 {
            self.fragment(&gathered, length)
        } else {
            self.cluster(&gathered, length)
        }
        .into();
        let wall_ms = self.clock.wall_ms(begin, host);
        self.lane.push(Chunk { number: 0, init, is_start, begin, end, wall_ms, bytes });
    }

    /// How long a picture is said to last when nobody knows.
    fn guessed_length(&self) -> Duration {
        match self.slot {
            Slot::SlidesVideo => LAST_SLIDE,
            _ => (self.interval * 2).clamp(LAST_PICTURE.0, LAST_PICTURE.1),
        }
    }

    /// `length`: of the last picture.
    fn fragment(&mut self, gathered: &[Timed], length: Duration) -> Vec<u8> {
        let ticks = |time: MediaTime| time.ticks(mp4::VIDEO_RATE);
        let end = gathered.last().map(|last| ticks(last.time.plus(length)));
        let ends = gathered.iter().skip(1).map(|next| ticks(next.time)).chain(end);
        let samples: Vec<_> = gathered
            .iter()
            .zip(ends)
            .map(|(frame, end)| mp4::Sample {
                duration: end.saturating_sub(ticks(frame.time)) as u32,
                is_key: frame.is_key,
                data: frame.data.clone(),
            })
            .collect();
        self.sequence = self.sequence.wrapping_add(1);
        let begin = gathered.first().map_or(0, |first| ticks(first.time));
        mp4::fragment(self.sequence, &[mp4::Run { track: 1, begin, samples: &samples }])
    }

    /// `length`: of the last picture.
    fn cluster(&self, gathered: &[Timed], length: Duration) -> Vec<u8> {
        let ms = |time: MediaTime| time.ticks(1_000);
        let begin = gathered.first().map_or(0, |first| ms(first.time));
        let last = gathered.len().saturating_sub(1);
        let blocks: Vec<_> = gathered
            .iter()
            .enumerate()
            .map(|(n, frame)| webm::Block {
                at_ms: ms(frame.time).saturating_sub(begin).min(0x7fff) as u16,
                duration_ms: (n == last).then(|| match self.codec {
                    Codec::Opus => (opus::samples(&frame.data).unwrap_or(960) / 48) as u16,
                    _ => (ms(frame.time.plus(length)) - ms(frame.time)) as u16,
                }),
                is_key: frame.is_key,
                data: &frame.data,
            })
            .collect();
        webm::cluster(begin, &blocks)
    }
}
