//! A lesson of made-up pictures and voice, and viewers on links of all kinds.

use super::*;
use bytes::Bytes;
use domain::Codec;
use media::{FrameInfo, StoredPacket};

/// A host that films at 25 frames/s in two layers, sends a keyframe when asked, and speaks.
struct Stage {
    lesson: Segmenter,
    now: Timestamp,
    pictures: u32,
    voices: u64,
    ask: [bool; Layer::COUNT],
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self {
            lesson: Segmenter::default(),
            now: Timestamp::from_millis(1_000),
            pictures: 0,
            voices: 0,
            ask: [true; 3],
        };
        stage.play(1_000);
        stage
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

    /// Lets time pass.
    fn play(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.now += Duration::from_millis(20);
            let voice =
                Self::packet(Codec::Opus, self.voices, self.voices as u32 * 960, vec![0x78, 1, 2], self.now);
            self.voices += 1;
            self.lesson.handle_packet(Slot::ProgramAudio, Layer::High, &voice);
            if self.voices.is_multiple_of(2) {
                self.film();
            }
            self.lesson.handle_timeout(self.now);
        }
    }

    fn film(&mut self) {
        self.pictures += 1;
        for (layer, size) in [(Layer::Low, 400), (Layer::Mid, 2_000)] {
            let is_key = std::mem::take(&mut self.ask[layer.index()]);
            let mut payload = vec![0x10, u8::from(!is_key), 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0];
            payload.resize(size, 7);
            let number = u64::from(self.pictures);
            let packet = Self::packet(Codec::Vp8, number, self.pictures * 3_600, payload, self.now);
            self.lesson.handle_packet(Slot::ProgramVideo, layer, &packet);
        }
    }

    /// Everything the viewer takes now.
    fn watch(&mut self, viewer: &mut Viewer, most: usize) -> Vec<Send> {
        let mut sent = Vec::new();
        while sent.len() < most
            && let Some(send) = viewer.poll(self.now, &self.lesson)
        {
            if let Send::Chunk { slot, layer, chunk } = &send {
                viewer.sent(self.now, *slot, *layer, chunk, &self.lesson);
            }
            sent.push(send);
        }
        for (_, layer) in viewer.take_wishes() {
            self.ask[layer.index()] = true;
        }
        sent
    }
}

fn pictures(sent: &[Send]) -> Vec<(Layer, &Chunk)> {
    let of = |send| match send {
        &Send::Chunk { slot: Slot::ProgramVideo, layer, ref chunk } => Some((layer, &**chunk)),
        _ => None,
    };
    sent.iter().filter_map(of).collect()
}

#[test]
fn a_joiner_gets_initialisation_before_chunks_sound_first_and_begins_at_a_keyframe() {
    let mut stage = Stage::new();
    let mut viewer = Viewer::new(stage.now);
    let sent = stage.watch(&mut viewer, 1_000);
    assert!(
        matches!(&sent[0], Send::Init { slot: Slot::ProgramAudio, init, .. } if init.mime.contains("opus"))
    );
    let first = sent.iter().position(|send| matches!(send, Send::Init { slot: Slot::ProgramVideo, .. }));
    let first = first.expect("there are pictures");
    assert!(
        matches!(&sent[first + 1], Send::Chunk { slot: Slot::ProgramVideo, layer: Layer::Mid, chunk } if chunk.is_start)
    );
    stage.play(1_000);
    let sent = stage.watch(&mut viewer, 1_000);
    let numbers: Vec<_> = pictures(&sent).iter().map(|(_, chunk)| chunk.number).collect();
    assert!(numbers.len() >= 5 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert!(!sent.iter().any(|send| matches!(send, Send::Init { .. })), "once is enough");
}

#[test]
fn two_hundred_joiners_cost_one_keyframe() {
    let mut stage = Stage::new();
    stage.play(5_000);
    let mut viewers: Vec<_> = (0..200).map(|_| Viewer::new(stage.now)).collect();
    for viewer in &mut viewers {
        stage.watch(viewer, 1_000);
    }
    assert!(stage.ask[Layer::Mid.index()], "the last keyframe is too old");
    stage.play(400);
    for viewer in &mut viewers {
        assert!(!pictures(&stage.watch(viewer, 1_000)).is_empty());
    }
    assert!(!stage.ask[Layer::Mid.index()], "all began at the same one");
}

#[test]
fn a_jammed_viewer_loses_pictures_to_the_next_keyframe_and_never_shows_a_broken_one() {
    let mut stage = Stage::new();
    let mut viewer = Viewer::new(stage.now);
    stage.watch(&mut viewer, 1_000);
    // Its link takes nothing for four seconds.
    stage.play(4_000);
    let sent = stage.watch(&mut viewer, 1_000);
    assert!(pictures(&sent).is_empty(), "what is late is left out");
    assert!(viewer.skipped == 1 && stage.ask[Layer::Mid.index()]);
    let sounds =
        sent.iter().filter(|send| matches!(send, Send::Chunk { slot: Slot::ProgramAudio, .. })).count();
    assert!((1..=5).contains(&sounds), "sound begins anew near now: {sounds}");
    stage.play(600);
    let again = stage.watch(&mut viewer, 1_000);
    let again = pictures(&again);
    assert!(again.first().is_some_and(|(_, chunk)| chunk.is_start), "{again:?}");
}

#[test]
fn a_slow_link_is_led_down_to_the_small_picture_at_a_keyframe() {
    let mut stage = Stage::new();
    let mut viewer = Viewer::new(stage.now);
    let mut layers = Vec::new();
    for _ in 0..100 {
        stage.play(200);
        // Of five things that come in four tenths of a second, four leave.
        let before = layers.last().copied();
        for (layer, chunk) in pictures(&stage.watch(&mut viewer, 2)) {
            assert!(before == Some(layer) || chunk.is_start, "{layer:?} begins at {chunk:?}");
            layers.push(layer);
        }
    }
    assert!(layers.contains(&Layer::Low) || viewer.rung().is_none(), "{layers:?}");
}

#[test]
fn who_shows_no_pictures_is_sent_none() {
    let mut stage = Stage::new();
    let mut viewer = Viewer::new(stage.now);
    viewer.set_wanted(Slot::ProgramVideo, None);
    stage.play(1_000);
    let sent = stage.watch(&mut viewer, 1_000);
    assert!(pictures(&sent).is_empty() && !sent.is_empty());
}

#[test]
fn a_first_report_that_came_late_does_not_make_every_picture_late() {
    let mut stage = Stage::new();
    let report = |sent_s: u64, delay_ms: u64| media::ClockReading {
        generation: 1,
        ntp: media::NtpTime(0xea00_0000_0000_0000).plus(Duration::from_secs(sent_s)),
        rtp: sent_s as u32 * 90_000,
        arrival: Timestamp::from_millis(sent_s * 1_000 + delay_ms),
    };
    stage.lesson.handle_clock(Slot::ProgramVideo, Layer::Mid, &report(2, 350));
    assert_eq!(stage.lesson.late_us(), 0, "nothing better is known");
    stage.lesson.handle_clock(Slot::ProgramVideo, Layer::Mid, &report(3, 30));
    // To a microsecond: NTP counts in binary fractions.
    assert!((319_999..=320_001).contains(&stage.lesson.late_us()), "{}", stage.lesson.late_us());
}

#[test]
fn every_piece_lasts_until_the_next_one_begins_however_unsteady_the_camera_is() {
    let mut lesson = Segmenter::default();
    let (mut now, mut rtp) = (Timestamp::from_millis(1_000), 0u32);
    let mut pieces = Vec::new();
    let mut seen = 0;
    // Odd intervals, a keyframe now and then, and once nothing for 0.9 s.
    for (n, wait_ms) in
        [66, 67, 160, 20, 250, 33, 90, 40, 900, 66, 480, 71].iter().cycle().take(120).enumerate()
    {
        for _ in 0..*wait_ms {
            now += Duration::from_millis(1);
            lesson.handle_timeout(now);
        }
        rtp += wait_ms * 90;
        let is_key = n % 31 == 0;
        let payload = vec![0x10, u8::from(!is_key), 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0, 7, 7];
        let packet = Stage::packet(Codec::Vp8, n as u64, rtp, payload, now);
        lesson.handle_packet(Slot::ProgramVideo, Layer::Mid, &packet);
        lesson.handle_timeout(now);
        let lane = lesson.lane(Slot::ProgramVideo, Layer::Mid).expect("it is published");
        pieces.extend(
            (seen..lane.next_number())
                .map(|number| crate::webm::tests::span(&lane.get(number).expect("it is new").bytes)),
        );
        seen = lane.next_number();
    }
    assert!(pieces.len() > 60, "{}", pieces.len());
    for pair in pieces.windows(2) {
        let ((_, end), (begin, _)) = (pair[0], pair[1]);
        // Only a picture that stood for more than half a second is cut off by a guess, which must not reach beyond it.
        assert!(end == begin || (begin > end && begin - end <= 500), "{end} then {begin}");
    }
    let exact = pieces.windows(2).filter(|pair| pair[0].1 == pair[1].0).count();
    assert!(exact * 10 >= pieces.len() * 8, "{exact} of {}", pieces.len());
}
