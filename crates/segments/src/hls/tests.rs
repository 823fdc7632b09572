//! A lesson in H.264 as a playlist, listed and fetched as a player does.

use super::*;
use media::{FrameInfo, StoredPacket};

/// A host that films at 20 frames/s in H.264, sends a keyframe when asked, and speaks.
struct Host {
    lesson: Segmenter,
    now: Timestamp,
    n: u64,
    ask: bool,
}

/// From `OpenH264` in Chromium, 640x360.
const SPS: &[u8] =
    &[0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f, 0x08, 0x84, 0x6a];

impl Host {
    fn new() -> Self {
        let mut lesson = Segmenter::default();
        lesson.set_logging(true);
        Self { lesson, now: Timestamp::from_millis(50_000), n: 0, ask: true }
    }

    fn packet(codec: Codec, number: u64, rtp: u32, payload: Vec<u8>, now: Timestamp) -> StoredPacket {
        let payload = Bytes::from(payload);
        let frame = FrameInfo::read(codec, &payload);
        StoredPacket {
            generation: 1,
            ext_seq: number,
            timestamp: rtp,
            marker: true,
            payload,
            arrival: now,
            frame,
        }
    }

    fn play(&mut self, hls: &mut Hls, ms: u64) {
        for _ in 0..ms / 50 {
            self.now += Duration::from_millis(50);
            let mut payload = vec![0x41, 9, 9];
            if std::mem::take(&mut self.ask) {
                payload = vec![0x78, 0, SPS.len() as u8];
                payload.extend(SPS);
                payload.extend([0, 3, 0x68, 1, 2, 0, 4, 0x65, 7, 7, 7]);
            }
            let picture = Self::packet(Codec::H264, self.n, self.n as u32 * 4_500, payload, self.now);
            self.lesson.handle_packet(Slot::ProgramVideo, Layer::High, &picture);
            for half in 0..5 {
                // 20 ms of voice, five for two pictures.
                let number = self.n / 2 * 5 + half;
                if self.n.is_multiple_of(2) {
                    let voice =
                        Self::packet(Codec::Opus, number, number as u32 * 960, vec![0x78, 1, 2], self.now);
                    self.lesson.handle_packet(Slot::ProgramAudio, Layer::High, &voice);
                }
            }
            self.n += 1;
            self.lesson.handle_timeout(self.now);
            self.ask |= hls.take(self.now, &self.lesson).is_some();
        }
    }
}

fn lines<'a>(playlist: &'a str, tag: &str) -> Vec<&'a str> {
    playlist.lines().filter_map(|line| line.strip_prefix(tag)).collect()
}

#[test]
fn a_player_finds_segments_of_about_two_seconds_that_begin_with_keyframes() {
    let mut host = Host::new();
    let mut hls = Hls::new(Slot::ProgramVideo, Format::Mp4);
    assert_eq!(hls.playlist("program_video"), None);
    host.play(&mut hls, 20_000);
    let playlist = hls.playlist("program_video").expect("something to play");
    let lengths: Vec<f64> = lines(&playlist, "#EXTINF:")
        .iter()
        .map(|length| length.trim_end_matches(',').parse().expect("a number"))
        .collect();
    assert_eq!(lengths.len(), LISTED, "{playlist}");
    assert!(lengths.iter().all(|length| (1.7..2.3).contains(length)), "{lengths:?}");
    assert_eq!(lines(&playlist, "#EXT-X-MAP:URI=").len(), 1);
    let number: u64 = lines(&playlist, "#EXT-X-MEDIA-SEQUENCE:")[0].parse().expect("a number");
    let segment = hls.segment(number).expect("it is listed");
    assert!(segment.windows(7).any(|window| window == [0, 0, 0, 4, 0x65, 7, 7]), "it has its keyframe");
    assert!(hls.init(0).is_some_and(|init| init.windows(4).any(|window| window == b"dOps")));
    let behind = host
        .lesson
        .track(Slot::ProgramVideo, Layer::High)
        .and_then(|track| track.logged_from(0).last().map(|last| last.time));
    let behind = behind.expect("frames").saturating_since(hls.newest_end().expect("segments"));
    assert!(behind < Duration::from_millis(2_500), "{behind:?}");
}

#[test]
fn the_playlist_moves_on_and_forgets_while_a_slow_player_still_finds_the_last_few() {
    let mut host = Host::new();
    let mut hls = Hls::new(Slot::ProgramVideo, Format::Mp4);
    host.play(&mut hls, 60_000);
    let playlist = hls.playlist("program_video").expect("something to play");
    let first: u64 = lines(&playlist, "#EXT-X-MEDIA-SEQUENCE:")[0].parse().expect("a number");
    assert!(first > 15, "{playlist}");
    assert!(hls.segment(first - 3).is_some() && hls.segment(first - 10).is_none());
    assert!(hls.segments.len() <= KEPT && hls.pictures.len() < 100 && hls.sounds.len() < 300);
}

#[test]
fn with_aac_the_segments_are_transport_streams_in_step() {
    let mut host = Host::new();
    let mut hls = Hls::new(Slot::ProgramVideo, Format::Ts);
    let from = MediaTime(50_050_000);
    for step in 0..100 {
        // Ten seconds of AAC, half a second behind.
        let frames = if step < 5 { 0 } else { 5 };
        hls.push_aac(
            from,
            (0..frames).map(|_| Bytes::from_static(&[0xff, 0xf1, 0x4c, 0x80, 1, 0x1f, 0xfc, 0])),
        );
        host.play(&mut hls, 100);
    }
    let playlist = hls.playlist("program_video").expect("something to play");
    assert!(
        playlist.contains("#EXT-X-VERSION:3") && playlist.contains(".ts") && !playlist.contains("EXT-X-MAP"),
        "{playlist}"
    );
    let number: u64 = lines(&playlist, "#EXT-X-MEDIA-SEQUENCE:")[0].parse().expect("a number");
    let segment = hls.segment(number).expect("it is listed");
    assert!(segment.len().is_multiple_of(188) && segment[0] == 0x47);
    assert!(segment.windows(4).any(|window| window == [0xff, 0xf1, 0x4c, 0x80]), "it has sound");
}

#[test]
fn a_lesson_in_vp8_is_no_playlist_and_that_is_said() {
    let mut lesson = Segmenter::default();
    let packet =
        Host::packet(Codec::Vp8, 0, 0, vec![0x10, 0, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0], Timestamp::ZERO);
    lesson.handle_packet(Slot::ProgramVideo, Layer::High, &packet);
    let hls = Hls::new(Slot::ProgramVideo, Format::Mp4);
    assert_eq!(hls.unplayable(Timestamp::ZERO, &lesson), Some(Codec::Vp8));
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(date_time(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(date_time(951_782_400_123), "2000-02-29T00:00:00.123Z");
    assert_eq!(date_time(1_796_083_199_999), "2026-11-30T23:59:59.999Z");
}
