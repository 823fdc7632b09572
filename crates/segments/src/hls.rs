//! A playlist for a browser's own player (RFC 8216), some seconds behind: the plainest way there is.
//!
//! One picture with its sound, cut at keyframes about every two seconds. With AAC from an encoder beside us the segments are MPEG-2 TS,
//! which every player of the last fifteen years takes; without it they are fMP4 with Opus as it came.

use crate::{MediaTime, Segmenter, h264::ParameterSets, mp4, track::LoggedFrame, ts};
use bytes::Bytes;
use domain::{Codec, Layer, Slot, Timestamp};
use std::{collections::VecDeque, fmt::Write as _, sync::Arc, time::Duration};

/// A segment is cut at the first keyframe after this.
const CUT_AFTER: Duration = Duration::from_millis(1_700);
/// Then a keyframe is wished for; without one it is cut all the same after this.
const CUT_AT_LAST: Duration = Duration::from_secs(4);
const WISH_EVERY: Duration = Duration::from_secs(1);
/// Sound comes later than its picture by up to this, and is then part of the next segment.
const SOUND_PATIENCE: Duration = Duration::from_millis(700);
/// Segments a playlist names, and those behind it that a slow player may still fetch.
const LISTED: usize = 5;
/// Players give up on a list of one, and expect the start they are told to be in it.
const STARTS_WITH: usize = 2;
/// Where players begin: nearer to the end they would wait at every segment.
const START_BEFORE_END: Duration = Duration::from_millis(4_500);
const KEPT: usize = 9;
/// Pictures are not bigger here: who needs HLS has a weak chip.
const MOST: Layer = Layer::Mid;
/// Samples of an AAC frame, and its rate.
const AAC_SAMPLES: u64 = 1_024;
const AAC_RATE: u64 = 48_000;

/// What the segments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// fMP4 with H.264 and Opus.
    Mp4,
    /// MPEG-2 TS with H.264 and AAC, which is handed in ([`Hls::push_aac`]).
    Ts,
}

/// One segment.
#[derive(Debug)]
struct Segment {
    number: u64,
    begin: MediaTime,
    duration: Duration,
    wall_ms: Option<u64>,
    init: u32,
    /// Its initialisation segment differs from the one before.
    breaks: bool,
    bytes: Bytes,
}

/// One picture's playlist.
#[derive(Debug)]
pub struct Hls {
    slot: Slot,
    format: Format,
    layer: Option<Layer>,
    next_picture: u64,
    next_sound: u64,
    pictures: Vec<LoggedFrame>,
    sounds: VecDeque<(MediaTime, Bytes)>,
    /// Where the newest sound ends.
    heard_to: MediaTime,
    /// Since when everything but the sound of the first segment is there.
    complete_at: Option<Timestamp>,
    wished_at: Option<Timestamp>,
    segments: VecDeque<Segment>,
    numbered: u64,
    sequence: u32,
    inits: Vec<(u32, Arc<ParameterSets>, Bytes)>,
    muxer: ts::Muxer,
    aac_from: Option<MediaTime>,
    aac_frames: u64,
}

impl Hls {
    /// A playlist of `slot`, with the teacher's voice.
    pub fn new(slot: Slot, format: Format) -> Self {
        Self {
            slot,
            format,
            layer: None,
            next_picture: 0,
            next_sound: 0,
            pictures: Vec::new(),
            sounds: VecDeque::new(),
            heard_to: MediaTime::default(),
            complete_at: None,
            wished_at: None,
            segments: VecDeque::new(),
            numbered: 0,
            sequence: 0,
            inits: Vec::new(),
            muxer: ts::Muxer::default(),
            aac_from: None,
            aac_frames: 0,
        }
    }

    /// What the lesson is published in, when it is nothing a playlist can hold.
    pub fn unplayable(&self, now: Timestamp, lesson: &Segmenter) -> Option<Codec> {
        let layer = lesson.best(self.slot, MOST, now)?;
        lesson.track(self.slot, layer).map(crate::track::Track::codec).filter(|codec| *codec != Codec::H264)
    }

    /// Takes what the lesson has brought since the last time; it must keep frames ([`Segmenter::set_logging`]). A keyframe that is needed is
    /// handed out.
    pub fn take(&mut self, now: Timestamp, lesson: &Segmenter) -> Option<(Slot, Layer)> {
        self.take_pictures(now, lesson);
        if self.format == Format::Mp4
            && let Some(voice) = lesson.track(Slot::ProgramAudio, Layer::High)
        {
            for frame in voice.logged_from(self.next_sound) {
                self.next_sound = frame.number + 1;
                self.heard_to = frame.time.plus(Duration::from_millis(20));
                self.sounds.push_back((frame.time, frame.data.clone()));
            }
        }
        while self.cut(now, lesson) {}
        let first = self.pictures.first()?;
        let last = self.pictures.last()?;
        let due = last.time.saturating_since(first.time) >= CUT_AFTER;
        let may = self.wished_at.is_none_or(|at| now.saturating_since(at) >= WISH_EVERY);
        (due && may).then(|| {
            self.wished_at = Some(now);
            (self.slot, self.layer.unwrap_or(MOST))
        })
    }

    fn take_pictures(&mut self, now: Timestamp, lesson: &Segmenter) {
        let Some(best) = lesson.best(self.slot, MOST, now) else { return };
        if self.layer != Some(best) {
            // Another layer begins with a keyframe of its own; what was begun is finished as it is.
            self.layer = Some(best);
            self.next_picture = 0;
        }
        let Some(track) = lesson.track(self.slot, best).filter(|track| track.codec() == Codec::H264) else {
            return;
        };
        for frame in track.logged_from(self.next_picture) {
            self.next_picture = frame.number + 1;
            let follows = self.pictures.last().is_none_or(|last| last.time < frame.time);
            let begins = !self.pictures.is_empty() || frame.is_key;
            if follows && begins && frame.sets.is_some() {
                self.pictures.push(frame.clone());
            }
        }
    }

    /// Takes AAC in ADTS frames: `from` is where the sound the encoder was given began.
    pub fn push_aac(&mut self, from: MediaTime, frames: impl IntoIterator<Item = Bytes>) {
        if self.aac_from != Some(from) {
            self.aac_from = Some(from);
            self.aac_frames = 0;
        }
        for frame in frames {
            let at = from.plus(Duration::from_micros(self.aac_frames * AAC_SAMPLES * 1_000_000 / AAC_RATE));
            self.aac_frames += 1;
            self.heard_to = at.plus(Duration::from_micros(AAC_SAMPLES * 1_000_000 / AAC_RATE));
            self.sounds.push_back((at, frame));
        }
    }

    /// Makes one segment of what is there, if it is time.
    fn cut(&mut self, now: Timestamp, lesson: &Segmenter) -> bool {
        let Some(first) = self.pictures.first().map(|first| first.time) else {
            return false;
        };
        let at = self.pictures.iter().position(|frame| {
            let span = frame.time.saturating_since(first);
            (frame.is_key && span >= CUT_AFTER) || span >= CUT_AT_LAST
        });
        let Some(at) = at.filter(|at| *at > 0) else { return false };
        let Some(end) = self.pictures.get(at).map(|next| next.time) else { return false };
        let has_voice = self.format == Format::Ts || lesson.track(Slot::ProgramAudio, Layer::High).is_some();
        let since = *self.complete_at.get_or_insert(now);
        if has_voice && self.heard_to < end && now.saturating_since(since) < SOUND_PATIENCE {
            return false;
        }
        self.complete_at = None;
        let rest = self.pictures.split_off(at);
        let pictures = std::mem::replace(&mut self.pictures, rest);
        let mut sounds = Vec::new();
        while self.sounds.front().is_some_and(|(time, _)| *time < end) {
            sounds.extend(self.sounds.pop_front());
        }
        // Sound from before the picture began belongs to nothing that is shown.
        sounds.retain(|(time, _)| time.plus(Duration::from_millis(20)) > first);
        self.push(&pictures, &sounds, end);
        true
    }

    fn push(&mut self, pictures: &[LoggedFrame], sounds: &[(MediaTime, Bytes)], end: MediaTime) {
        let Some(first) = pictures.first() else { return };
        let Some(sets) = first.sets.clone() else { return };
        let (init, breaks) = self.init_for(&sets);
        let bytes = match self.format {
            Format::Mp4 => self.mp4(pictures, sounds, end),
            Format::Ts => self.ts(pictures, sounds),
        };
        self.segments.push_back(Segment {
            number: self.numbered,
            begin: first.time,
            duration: end.saturating_since(first.time),
            wall_ms: first.wall_ms,
            init,
            breaks,
            bytes: bytes.into(),
        });
        self.numbered += 1;
        while self.segments.len() > KEPT {
            self.segments.pop_front();
        }
        let oldest = self.segments.front().map_or(init, |oldest| oldest.init);
        self.inits.retain(|(number, _, _)| *number >= oldest);
    }

    /// The initialisation segment for these sets, and whether it is another one than before.
    fn init_for(&mut self, sets: &Arc<ParameterSets>) -> (u32, bool) {
        if let Some((number, known, _)) = self.inits.last()
            && known == sets
        {
            return (*number, false);
        }
        let number = self.inits.last().map_or(0, |(number, _, _)| number + 1);
        let (width, height) = sets.size().unwrap_or((640, 360));
        let picture = mp4::Kind::H264 { sets: Arc::clone(sets), width, height };
        let bytes = mp4::init(&[picture, mp4::Kind::Opus]).into();
        self.inits.push((number, Arc::clone(sets), bytes));
        (number, number > 0)
    }

    fn mp4(&mut self, pictures: &[LoggedFrame], sounds: &[(MediaTime, Bytes)], end: MediaTime) -> Vec<u8> {
        let ticks = |time: MediaTime, rate| time.ticks(rate);
        let ends = pictures.iter().skip(1).map(|next| next.time).chain([end]);
        let video: Vec<_> = pictures
            .iter()
            .zip(ends)
            .map(|(frame, end)| mp4::Sample {
                duration: (ticks(end, mp4::VIDEO_RATE) - ticks(frame.time, mp4::VIDEO_RATE)) as u32,
                is_key: frame.is_key,
                data: frame.data.clone(),
            })
            .collect();
        let audio: Vec<_> = sounds
            .iter()
            .map(|(_, data)| mp4::Sample {
                duration: crate::opus::samples(data).unwrap_or(960),
                is_key: true,
                data: data.clone(),
            })
            .collect();
        let mut runs = Vec::new();
        if let Some(first) = pictures.first() {
            runs.push(mp4::Run { track: 1, begin: ticks(first.time, mp4::VIDEO_RATE), samples: &video });
        }
        if let Some((time, _)) = sounds.first() {
            runs.push(mp4::Run { track: 2, begin: ticks(*time, mp4::AUDIO_RATE), samples: &audio });
        }
        self.sequence += 1;
        mp4::fragment(self.sequence, &runs)
    }

    fn ts(&mut self, pictures: &[LoggedFrame], sounds: &[(MediaTime, Bytes)]) -> Vec<u8> {
        self.muxer.tables();
        let mut sounds = sounds.iter().peekable();
        for frame in pictures {
            if let Some(sets) = &frame.sets {
                self.muxer.picture(frame.time, frame.is_key, sets, &frame.data);
            }
            while let Some((time, data)) = sounds.next_if(|(time, _)| *time <= frame.time) {
                self.muxer.sound(*time, data);
            }
        }
        for (time, data) in sounds {
            self.muxer.sound(*time, data);
        }
        self.muxer.take()
    }

    /// The playlist; `None` while there is nothing to play. Addresses are relative to it: `{slot}/{number}.m4s`.
    pub fn playlist(&self, name: &str) -> Option<String> {
        if self.segments.len() < STARTS_WITH {
            return None;
        }
        let skip = self.segments.len().saturating_sub(LISTED);
        let listed = || self.segments.iter().skip(skip);
        let first = listed().next()?;
        let target = listed().map(|segment| segment.duration.as_secs_f64().ceil() as u64).max().unwrap_or(2);
        let total: Duration = listed().map(|segment| segment.duration).sum();
        let start = START_BEFORE_END.min(total).as_secs_f64();
        let breaks_before = self.segments.iter().take(skip).filter(|segment| segment.breaks).count();
        let (version, ending) = if self.format == Format::Mp4 { (7, "m4s") } else { (3, "ts") };
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{breaks_before}\n#EXT-X-START:TIME-OFFSET=-{start:.3},PRECISE=YES\n",
            first.number
        );
        let mut init = None;
        for segment in listed() {
            if segment.breaks {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if self.format == Format::Mp4 && init != Some(segment.init) {
                init = Some(segment.init);
                // Writing into a String does not fail.
                let _ = writeln!(text, "#EXT-X-MAP:URI=\"{name}/init-{}.mp4\"", segment.init);
            }
            if let Some(wall_ms) = segment.wall_ms {
                let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date_time(wall_ms));
            }
            let _ = writeln!(
                text,
                "#EXTINF:{:.3},\n{name}/{}.{ending}",
                segment.duration.as_secs_f64(),
                segment.number
            );
        }
        Some(text)
    }

    /// A segment, while it is kept.
    pub fn segment(&self, number: u64) -> Option<Bytes> {
        self.segments.iter().find(|segment| segment.number == number).map(|segment| segment.bytes.clone())
    }

    /// An initialisation segment, while a segment needs it.
    pub fn init(&self, number: u32) -> Option<Bytes> {
        self.inits.iter().find(|(known, _, _)| *known == number).map(|(_, _, bytes)| bytes.clone())
    }

    /// Where the newest segment ends.
    pub fn newest_end(&self) -> Option<MediaTime> {
        self.segments.back().map(|segment| segment.begin.plus(segment.duration))
    }
}

/// ISO 8601 in UTC with milliseconds, of milliseconds since the Unix epoch.
fn date_time(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    // Days to a date of the proleptic Gregorian calendar, years beginning in March (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

#[cfg(test)]
mod tests;
