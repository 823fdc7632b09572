//! The sample lesson (`tests/fixtures/lesson`), embedded in the program so that a demonstration needs no file.

use bytes::Bytes;
use domain::Codec;
use std::{sync::Arc, time::Duration};

/// Length of one round of the lesson; every stream of it ends on this instant and starts again.
pub const ROUND: Duration = Duration::from_millis(23_040);
/// The number strip on the pictures counts frames at this rate, whatever the layer's own rate is.
pub const NUMBERED_FPS: u32 = 25;

/// One encoded picture, or 20 ms of voice.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When it is shown, counted from the start of the round.
    pub at: Duration,
    /// A decoder can start here. Always true for voice.
    pub keyframe: bool,
    /// VP8 frame, H.264 access unit in Annex B without its delimiter, or Opus packet.
    pub data: Bytes,
}

/// The frames of one stream in order of time, shared by everybody who plays it.
pub type Frames = Arc<[Frame]>;

/// The lesson's camera in three layers, lowest first: 180p at 6.25, 360p at 12.5 and 720p at 25 frames/s.
///
/// # Panics
/// When `codec` is Opus: a camera has no sound.
pub fn camera(codec: Codec) -> [Frames; 3] {
    match codec {
        Codec::Vp8 => [
            ivf(include_bytes!("../../../tests/fixtures/lesson/camera-180.ivf")),
            ivf(include_bytes!("../../../tests/fixtures/lesson/camera-360.ivf")),
            ivf(include_bytes!("../../../tests/fixtures/lesson/camera-720.ivf")),
        ],
        Codec::H264 => [
            annex_b(include_bytes!("../../../tests/fixtures/lesson/camera-180.h264")),
            annex_b(include_bytes!("../../../tests/fixtures/lesson/camera-360.h264")),
            annex_b(include_bytes!("../../../tests/fixtures/lesson/camera-720.h264")),
        ],
        Codec::Opus => panic!("a camera is VP8 or H.264"),
    }
}

/// The lesson's slides, VP8 1280×720 at 25/6 frames/s.
pub fn slides() -> Frames {
    ivf(include_bytes!("../../../tests/fixtures/lesson/slides.ivf"))
}

/// The teacher's voice: 1152 Opus packets of 20 ms.
pub fn voice() -> Frames {
    let packets = opus_packets(include_bytes!("../../../tests/fixtures/lesson/voice.ogg"));
    let per_round = (ROUND.as_millis() / 20) as usize;
    // The encoder's look-ahead adds a packet; the round is what the pictures need.
    spread(packets.into_iter().take(per_round).map(|data| (true, data)).collect())
}

/// Frames evenly over the round: every stream of the fixture has a constant rate.
fn spread(frames: Vec<(bool, Bytes)>) -> Frames {
    let count = frames.len() as u32;
    frames
        .into_iter()
        .enumerate()
        .map(|(n, (keyframe, data))| Frame { at: ROUND * n as u32 / count, keyframe, data })
        .collect()
}

/// Reads an IVF file of VP8 frames. Damage ends the list early; the fixture's tests count the frames.
fn ivf(file: &'static [u8]) -> Frames {
    const FILE_HEADER: usize = 32;
    const FRAME_HEADER: usize = 12;
    let mut frames = Vec::new();
    let mut rest = file.get(FILE_HEADER..).unwrap_or_default();
    while let Some((header, after)) = rest.split_at_checked(FRAME_HEADER) {
        let len = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let Some((data, next)) = after.split_at_checked(len) else { break };
        // RFC 6386 section 9.1: the lowest bit of a frame is 0 in a key frame.
        let keyframe = data.first().is_some_and(|first| first & 1 == 0);
        frames.push((keyframe, Bytes::from_static(data)));
        rest = next;
    }
    spread(frames)
}

/// Splits an Annex B stream at its access unit delimiters, which are dropped (RFC 6184 needs none: the marker bit says it).
fn annex_b(file: &'static [u8]) -> Frames {
    const IDR: u8 = 5;
    const DELIMITER: u8 = 9;
    let mut frames: Vec<(bool, Bytes)> = Vec::new();
    let mut unit_start: Option<usize> = None;
    let mut keyframe = false;
    let mut finish = |start: Option<usize>, end: usize, keyframe: bool| {
        if let Some(start) = start
            && start < end
        {
            frames.push((keyframe, Bytes::from_static(&file[start..end])));
        }
    };
    for (code_at, nal_at) in start_codes(file) {
        match file.get(nal_at).map(|byte| byte & 0x1f) {
            Some(DELIMITER) => {
                finish(unit_start.take(), code_at, keyframe);
                keyframe = false;
            }
            Some(kind) => {
                unit_start.get_or_insert(code_at);
                keyframe |= kind == IDR;
            }
            None => {}
        }
    }
    finish(unit_start, file.len(), keyframe);
    spread(frames)
}

/// The NAL units of an Annex B access unit, without start codes.
pub fn nal_units(access_unit: &Bytes) -> Vec<Bytes> {
    let codes = start_codes(access_unit);
    let ends = codes.iter().skip(1).map(|&(code_at, _)| code_at).chain([access_unit.len()]);
    codes
        .iter()
        .zip(ends)
        .map(|(&(_, from), to)| access_unit.slice(from..to))
        .filter(|nal| !nal.is_empty())
        .collect()
}

/// Every start code as (where the code begins, where the NAL unit begins).
fn start_codes(stream: &[u8]) -> Vec<(usize, usize)> {
    let mut codes = Vec::new();
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            let four_bytes = at > 0 && stream[at - 1] == 0;
            codes.push((at - usize::from(four_bytes), at + 3));
            at += 3;
        } else {
            at += 1;
        }
    }
    codes
}

/// The audio packets of an Ogg Opus file (RFC 7845), without its two header packets.
fn opus_packets(file: &'static [u8]) -> Vec<Bytes> {
    const PAGE_HEADER: usize = 27;
    let mut packets = Vec::new();
    let mut rest = file;
    let mut packet: Vec<u8> = Vec::new();
    while rest.starts_with(b"OggS") {
        let Some((header, after)) = rest.split_at_checked(PAGE_HEADER) else { break };
        let Some((lacing, mut body)) = after.split_at_checked(usize::from(header[26])) else { break };
        for &len in lacing {
            let Some((segment, next)) = body.split_at_checked(usize::from(len)) else { return packets };
            packet.extend_from_slice(segment);
            body = next;
            if len < 255 {
                let done = std::mem::take(&mut packet);
                if !done.starts_with(b"Opus") {
                    packets.push(Bytes::from(done));
                }
            }
        }
        rest = body;
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_of_the_lesson_fills_exactly_one_round() {
        for codec in [Codec::Vp8, Codec::H264] {
            assert_eq!(camera(codec).map(|layer| layer.len()), [144, 288, 576], "{codec:?}");
        }
        assert_eq!(slides().len(), 96);
        assert_eq!(voice().len(), 1152);
        assert_eq!(voice()[1].at, Duration::from_millis(20));
        assert_eq!(camera(Codec::Vp8)[2][1].at, Duration::from_millis(40));
    }

    #[test]
    fn camera_keyframes_fall_on_the_same_instants_in_every_layer() {
        for codec in [Codec::Vp8, Codec::H264] {
            let instants = camera(codec).map(|layer| {
                layer.iter().filter(|frame| frame.keyframe).map(|frame| frame.at).collect::<Vec<_>>()
            });
            let expected: Vec<_> = (0..12).map(|n| Duration::from_millis(1_920) * n).collect();
            assert_eq!(instants, [expected.clone(), expected.clone(), expected], "{codec:?}");
        }
    }

    #[test]
    fn the_lowest_layer_fits_a_link_of_eighty_kilobits() {
        for codec in [Codec::Vp8, Codec::H264] {
            let bytes: usize = camera(codec)[0].iter().map(|frame| frame.data.len()).sum();
            let bps = bytes as f64 * 8.0 / ROUND.as_secs_f64();
            assert!(bps < 80_000.0, "{codec:?} {bps}");
        }
    }

    #[test]
    fn an_h264_keyframe_brings_its_parameter_sets() {
        let first = &camera(Codec::H264)[0][0];
        let kinds: Vec<_> = nal_units(&first.data).iter().map(|nal| nal[0] & 0x1f).collect();
        assert!(kinds.starts_with(&[7, 8]) && kinds.contains(&5), "{kinds:?}");
    }
}
