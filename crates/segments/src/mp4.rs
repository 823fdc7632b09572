//! Fragmented MP4 (ISO/IEC 14496-12 section 8.8, 14496-15 for H.264, "Encapsulation of Opus in ISO Base Media File Format").

use crate::h264::ParameterSets;
use bytes::Bytes;
use std::sync::Arc;

/// What a track holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// H.264 pictures of this size.
    H264 { sets: Arc<ParameterSets>, width: u16, height: u16 },
    /// Opus, stereo.
    Opus,
}

/// Ticks per second of picture tracks.
pub(crate) const VIDEO_RATE: u32 = 90_000;
/// And of sound tracks.
pub(crate) const AUDIO_RATE: u32 = 48_000;

impl Kind {
    fn rate(&self) -> u32 {
        match self {
            Kind::H264 { .. } => VIDEO_RATE,
            Kind::Opus => AUDIO_RATE,
        }
    }
}

/// One frame of a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Ticks.
    pub(crate) duration: u32,
    pub(crate) is_key: bool,
    pub(crate) data: Bytes,
}

/// A track's part of a fragment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// From 1, in the order of the initialisation segment.
    pub(crate) track: u32,
    /// Ticks at which it begins.
    pub(crate) begin: u64,
    pub(crate) samples: &'a [Sample],
}

/// Writes boxes; each is opened, filled and closed.
#[derive(Default)]
struct Boxes(Vec<u8>);

impl Boxes {
    fn within(&mut self, kind: [u8; 4], fill: impl FnOnce(&mut Self)) {
        let at = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        self.0.extend_from_slice(&kind);
        fill(self);
        let len = (self.0.len() - at) as u32;
        if let Some(place) = self.0.get_mut(at..at + 4) {
            place.copy_from_slice(&len.to_be_bytes());
        }
    }

    fn full(&mut self, kind: [u8; 4], version: u8, flags: u32, fill: impl FnOnce(&mut Self)) {
        self.within(kind, |b| {
            b.u32(u32::from(version) << 24 | flags);
            fill(b);
        });
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// The unity matrix of `tkhd` and `mvhd`.
    fn matrix(&mut self) {
        for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
            self.u32(value);
        }
    }
}

/// The initialisation segment of these tracks, numbered from 1.
pub(crate) fn init(tracks: &[Kind]) -> Vec<u8> {
    let mut boxes = Boxes::default();
    boxes.within(*b"ftyp", |b| {
        b.bytes(b"iso6");
        b.u32(0);
        b.bytes(b"iso6cmfcmp41");
    });
    boxes.within(*b"moov", |b| {
        b.full(*b"mvhd", 0, 0, |b| {
            b.bytes(&[0; 8]);
            b.u32(1_000);
            b.u32(0);
            b.u32(0x1_0000);
            b.u16(0x0100);
            b.bytes(&[0; 10]);
            b.matrix();
            b.bytes(&[0; 24]);
            b.u32(tracks.len() as u32 + 1);
        });
        for (number, kind) in (1..).zip(tracks) {
            track(b, number, kind);
        }
        b.within(*b"mvex", |b| {
            for (number, _) in (1..).zip(tracks) {
                b.full(*b"trex", 0, 0, |b| {
                    b.u32(number);
                    b.u32(1);
                    b.bytes(&[0; 12]);
                });
            }
        });
    });
    boxes.0
}

fn track(b: &mut Boxes, number: u32, kind: &Kind) {
    let (is_sound, width, height) = match kind {
        Kind::H264 { width, height, .. } => (false, *width, *height),
        Kind::Opus => (true, 0, 0),
    };
    b.within(*b"trak", |b| {
        b.full(*b"tkhd", 0, 3, |b| {
            b.bytes(&[0; 8]);
            b.u32(number);
            b.bytes(&[0; 8]);
            b.bytes(&[0; 8]);
            b.u32(0);
            b.u16(if is_sound { 0x0100 } else { 0 });
            b.u16(0);
            b.matrix();
            b.u32(u32::from(width) << 16);
            b.u32(u32::from(height) << 16);
        });
        b.within(*b"mdia", |b| {
            b.full(*b"mdhd", 0, 0, |b| {
                b.bytes(&[0; 8]);
                b.u32(kind.rate());
                b.u32(0);
                // "und", ISO 639-2 in three times five bits.
                b.u16(0x55c4);
                b.u16(0);
            });
            b.full(*b"hdlr", 0, 0, |b| {
                b.u32(0);
                b.bytes(if is_sound { b"soun" } else { b"vide" });
                b.bytes(&[0; 12]);
                b.bytes(b"Nhip Cau\0");
            });
            b.within(*b"minf", |b| {
                if is_sound {
                    b.full(*b"smhd", 0, 0, |b| b.u32(0));
                } else {
                    b.full(*b"vmhd", 0, 1, |b| b.bytes(&[0; 8]));
                }
                b.within(*b"dinf", |b| {
                    b.full(*b"dref", 0, 0, |b| {
                        b.u32(1);
                        b.full(*b"url ", 0, 1, |_| {});
                    });
                });
                b.within(*b"stbl", |b| {
                    b.full(*b"stsd", 0, 0, |b| {
                        b.u32(1);
                        entry(b, kind);
                    });
                    b.full(*b"stts", 0, 0, |b| b.u32(0));
                    b.full(*b"stsc", 0, 0, |b| b.u32(0));
                    b.full(*b"stsz", 0, 0, |b| b.u64(0));
                    b.full(*b"stco", 0, 0, |b| b.u32(0));
                });
            });
        });
    });
}

fn entry(b: &mut Boxes, kind: &Kind) {
    match kind {
        Kind::H264 { sets, width, height } => b.within(*b"avc1", |b| {
            b.bytes(&[0; 6]);
            b.u16(1);
            b.bytes(&[0; 16]);
            b.u16(*width);
            b.u16(*height);
            b.u32(0x48_0000);
            b.u32(0x48_0000);
            b.u32(0);
            b.u16(1);
            b.bytes(&[0; 32]);
            b.u16(24);
            b.u16(0xffff);
            b.within(*b"avcC", |b| avc_configuration(b, sets));
        }),
        Kind::Opus => b.within(*b"Opus", |b| {
            b.bytes(&[0; 6]);
            b.u16(1);
            b.bytes(&[0; 8]);
            b.u16(2);
            b.u16(16);
            b.u32(0);
            b.u32(AUDIO_RATE << 16);
            // Version 0, two channels, no pre-skip (the stream is joined anywhere), 48 kHz, no gain, mapping family 0.
            b.within(*b"dOps", |b| {
                b.bytes(&[0, 2, 0, 0]);
                b.u32(AUDIO_RATE);
                b.bytes(&[0, 0, 0]);
            });
        }),
    }
}

/// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 section 5.3.3.1).
fn avc_configuration(b: &mut Boxes, sets: &ParameterSets) {
    b.u8(1);
    b.bytes(sets.sps.get(1..4).unwrap_or(&[0x42, 0xc0, 0x1f]));
    // Lengths have four bytes; one SPS.
    b.u8(0xff);
    b.u8(0xe1);
    b.u16(sets.sps.len() as u16);
    b.bytes(&sets.sps);
    b.u8(sets.pps.len() as u8);
    for pps in &sets.pps {
        b.u16(pps.len() as u16);
        b.bytes(pps);
    }
    if matches!(sets.sps.get(1), Some(100 | 110 | 122 | 144)) {
        // 4:2:0, eight bits, no extensions.
        b.bytes(&[0xfd, 0xf8, 0xf8, 0]);
    }
}

/// Sample flags (ISO/IEC 14496-12 section 8.8.3.1): depends on nothing, or on others and no place to begin.
const KEY: u32 = 0x0200_0000;
const DELTA: u32 = 0x0101_0000;

/// One fragment: `moof` and `mdat`.
pub(crate) fn fragment(sequence: u32, runs: &[Run<'_>]) -> Vec<u8> {
    let mut boxes = Boxes::default();
    let mut offsets = Vec::with_capacity(runs.len());
    boxes.within(*b"moof", |b| {
        b.full(*b"mfhd", 0, 0, |b| b.u32(sequence));
        for run in runs {
            b.within(*b"traf", |b| {
                // Offsets count from the moof.
                b.full(*b"tfhd", 0, 0x02_0000, |b| b.u32(run.track));
                b.full(*b"tfdt", 1, 0, |b| b.u64(run.begin));
                // Offset, then duration, size and flags of every sample.
                b.full(*b"trun", 0, 0x0000_0701, |b| {
                    b.u32(run.samples.len() as u32);
                    offsets.push(b.0.len());
                    b.u32(0);
                    for sample in run.samples {
                        b.u32(sample.duration);
                        b.u32(sample.data.len() as u32);
                        b.u32(if sample.is_key { KEY } else { DELTA });
                    }
                });
            });
        }
    });
    let mut offset = boxes.0.len() + 8;
    for (place, run) in offsets.into_iter().zip(runs) {
        if let Some(place) = boxes.0.get_mut(place..place + 4) {
            place.copy_from_slice(&(offset as u32).to_be_bytes());
        }
        offset += run.samples.iter().map(|sample| sample.data.len()).sum::<usize>();
    }
    boxes.within(*b"mdat", |b| {
        for sample in runs.iter().flat_map(|run| run.samples) {
            b.bytes(&sample.data);
        }
    });
    boxes.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every box of a file, as `path/kind` and its content; containers are walked into.
    fn walk<'a>(bytes: &'a [u8], path: &str, found: &mut Vec<(String, &'a [u8])>) {
        let mut rest = bytes;
        while let Some((len, _)) = rest.split_first_chunk::<4>() {
            let len = u32::from_be_bytes(*len) as usize;
            let (this, next) = rest.split_at(len);
            let kind = std::str::from_utf8(&this[4..8]).expect("a four-letter kind");
            let name = format!("{path}/{kind}");
            if matches!(kind, "moov" | "trak" | "mdia" | "minf" | "stbl" | "dinf" | "mvex" | "moof" | "traf")
            {
                walk(&this[8..], &name, found);
            }
            found.push((name, &this[8..]));
            rest = next;
        }
        assert!(rest.is_empty(), "{path} ends inside a box");
    }

    fn boxes(bytes: &[u8]) -> Vec<(String, &[u8])> {
        let mut found = Vec::new();
        walk(bytes, "", &mut found);
        found
    }

    #[test]
    fn an_initialisation_segment_has_every_box_a_player_asks_for() {
        let sets = Arc::new(ParameterSets { sps: vec![0x67, 0x42, 0xc0, 0x1e, 9], pps: vec![vec![0x68, 7]] });
        let bytes = init(&[Kind::H264 { sets, width: 640, height: 360 }, Kind::Opus]);
        let found = boxes(&bytes);
        for name in [
            "/ftyp",
            "/moov/mvhd",
            "/moov/trak/tkhd",
            "/moov/trak/mdia/mdhd",
            "/moov/trak/mdia/minf/stbl/stsd",
            "/moov/mvex/trex",
        ] {
            assert!(found.iter().any(|(known, _)| known == name), "{name} is missing");
        }
        assert_eq!(found.iter().filter(|(name, _)| name == "/moov/trak/tkhd").count(), 2);
        let avcc = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 5, 0x67, 0x42, 0xc0, 0x1e, 9, 1, 0, 2, 0x68, 7];
        assert!(bytes.windows(avcc.len()).any(|window| window == avcc));
        let dops = [b'd', b'O', b'p', b's', 0, 2, 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0];
        assert!(bytes.windows(dops.len()).any(|window| window == dops));
    }

    #[test]
    fn a_fragment_says_where_each_tracks_bytes_begin() {
        let sample =
            |duration, is_key, data: &[u8]| Sample { duration, is_key, data: Bytes::copy_from_slice(data) };
        let video = [sample(3_000, true, b"KEYFRAME"), sample(3_000, false, b"delta")];
        let audio = [sample(960, true, b"opus")];
        let runs = [
            Run { track: 1, begin: 90_000, samples: &video },
            Run { track: 2, begin: 48_000, samples: &audio },
        ];
        let bytes = fragment(7, &runs);
        let found = boxes(&bytes);
        let offsets: Vec<usize> = found
            .iter()
            .filter(|(name, _)| name == "/moof/traf/trun")
            .map(|(_, content)| u32::from_be_bytes(content[8..12].try_into().expect("four bytes")) as usize)
            .collect();
        assert_eq!(&bytes[offsets[0]..offsets[0] + 13], b"KEYFRAMEdelta");
        assert_eq!(&bytes[offsets[1]..], b"opus");
        let decode_times: Vec<_> = found
            .iter()
            .filter(|(name, _)| name == "/moof/traf/tfdt")
            .map(|(_, content)| content[4..].to_vec())
            .collect();
        assert_eq!(decode_times, [90_000u64.to_be_bytes(), 48_000u64.to_be_bytes()]);
    }
}
