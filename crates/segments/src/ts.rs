//! MPEG transport stream (ISO/IEC 13818-1) of one H.264 picture and one AAC sound, for players that take nothing newer in HLS.

use crate::{MediaTime, h264::ParameterSets};

const PACKET: usize = 188;
const PID_PMT: u16 = 0x1000;
const PID_VIDEO: u16 = 0x100;
const PID_AUDIO: u16 = 0x101;
/// Playing begins this long after the clock reference: room for the bytes of a keyframe.
const AHEAD: u64 = 63_000;

/// Continuity counters of a stream; they go on from segment to segment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Muxer {
    counters: [u8; 4],
    out: Vec<u8>,
}

/// CRC-32 of a section (Annex A).
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0xffff_ffff, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    })
}

fn section(table: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let length = content.len() + 9;
    let mut section = vec![table, 0xb0 | (length >> 8) as u8, length as u8];
    section.extend(id.to_be_bytes());
    section.extend([0xc1, 0, 0]);
    section.extend(content);
    section.extend(crc(&section).to_be_bytes());
    section
}

/// 33 bits of a time in five bytes, as PTS is written (section 2.4.3.7).
fn timestamp(prefix: u8, ticks: u64) -> [u8; 5] {
    let part = |shift: u32| ((ticks >> shift) & 0x7fff) as u16;
    let (high, middle, low) = ((ticks >> 30) as u8 & 7, part(15) << 1 | 1, part(0) << 1 | 1);
    let [m0, m1] = middle.to_be_bytes();
    let [l0, l1] = low.to_be_bytes();
    [prefix << 4 | high << 1 | 1, m0, m1, l0, l1]
}

impl Muxer {
    /// The tables a segment begins with.
    pub(crate) fn tables(&mut self) {
        let [p0, p1] = PID_PMT.to_be_bytes();
        let pat = section(0, 1, &[0, 1, 0xe0 | p0, p1]);
        let pid = |pid: u16| [0xe0 | (pid >> 8) as u8, pid as u8];
        let ([v0, v1], [a0, a1]) = (pid(PID_VIDEO), pid(PID_AUDIO));
        // Clock on the picture's packets; H.264 is stream type 0x1b, AAC in ADTS 0x0f.
        let pmt = section(2, 1, &[v0, v1, 0xf0, 0, 0x1b, v0, v1, 0xf0, 0, 0x0f, a0, a1, 0xf0, 0]);
        self.packets(0, 0, None, false, &[&[0], &pat[..]].concat());
        self.packets(PID_PMT, 1, None, false, &[&[0], &pmt[..]].concat());
    }

    /// One picture: NAL units behind their lengths in four bytes.
    pub(crate) fn picture(&mut self, time: MediaTime, is_key: bool, sets: &ParameterSets, units: &[u8]) {
        // An access unit delimiter begins every picture; parameter sets are in front of every keyframe.
        let mut stream = vec![0, 0, 0, 1, 9, 0xf0];
        let mut unit = |bytes: &[u8]| {
            stream.extend([0, 0, 0, 1]);
            stream.extend(bytes);
        };
        if is_key {
            unit(&sets.sps);
            sets.pps.iter().for_each(|pps| unit(pps));
        }
        let mut rest = units;
        while let Some((len, after)) = rest.split_first_chunk::<4>() {
            let Some((bytes, next)) = after.split_at_checked(u32::from_be_bytes(*len) as usize) else {
                break;
            };
            unit(bytes);
            rest = next;
        }
        let ticks = time.ticks(90_000);
        let mut pes = vec![0, 0, 1, 0xe0, 0, 0, 0x84, 0x80, 5];
        pes.extend(timestamp(2, ticks + AHEAD));
        pes.extend(stream);
        self.packets(PID_VIDEO, 2, Some(ticks), is_key, &pes);
    }

    /// ADTS frames that follow each other.
    pub(crate) fn sound(&mut self, time: MediaTime, frames: &[u8]) {
        let length = frames.len() + 8;
        let mut pes = vec![0, 0, 1, 0xc0, (length >> 8) as u8, length as u8, 0x84, 0x80, 5];
        pes.extend(timestamp(2, time.ticks(90_000) + AHEAD));
        pes.extend(frames);
        self.packets(PID_AUDIO, 3, None, false, &pes);
    }

    /// What has been written since the last time.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Cuts a unit into packets. `clock`: the reference the first one carries, 90 kHz.
    fn packets(&mut self, pid: u16, counter: usize, clock: Option<u64>, is_key: bool, unit: &[u8]) {
        let mut rest = unit;
        let mut first = true;
        while first || !rest.is_empty() {
            let mut field = Vec::new();
            if first && (clock.is_some() || is_key) {
                field.push(if is_key { 0x40 } else { 0 } | if clock.is_some() { 0x10 } else { 0 });
                if let Some(clock) = clock {
                    // 33 bits of base, six reserved, nine of extension.
                    field.extend(
                        ((clock & 0x1_ffff_ffff) << 15 | 0x7e00).to_be_bytes().get(2..).unwrap_or_default(),
                    );
                }
            }
            let room = PACKET - 4 - if field.is_empty() { 0 } else { field.len() + 1 };
            let take = rest.len().min(room);
            let mut stuffing = room - take;
            let has_field = !field.is_empty() || stuffing > 0;
            if field.is_empty() && stuffing > 0 {
                // The length byte itself is stuffing; with one byte to fill there is nothing behind it.
                stuffing -= 1;
                if stuffing > 0 {
                    field.push(0);
                    stuffing -= 1;
                }
            }
            field.extend(std::iter::repeat_n(0xff, stuffing));
            let state = self.counters.get_mut(counter).map_or(0, |state| {
                let now = *state;
                *state = (now + 1) & 0x0f;
                now
            });
            self.out.push(0x47);
            self.out.extend(((u16::from(first) << 14) | pid).to_be_bytes());
            self.out.push(if has_field { 0x30 } else { 0x10 } | state);
            if has_field {
                self.out.push(field.len() as u8);
                self.out.extend(field);
            }
            let (now, later) = rest.split_at(take);
            self.out.extend(now);
            rest = later;
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pat_has_the_checksum_every_reader_knows() {
        // The usual PAT of ffmpeg: program 1 in PID 0x1000.
        assert_eq!(
            section(0, 1, &[0, 1, 0xf0, 0]),
            [0, 0xb0, 0x0d, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0, 0x2a, 0xb1, 0x04, 0xb2]
        );
    }

    /// The payloads of a PID put together again, with checks of everything a demultiplexer checks.
    fn reassembled(stream: &[u8], pid: u16) -> Vec<u8> {
        assert_eq!(stream.len() % PACKET, 0, "whole packets");
        let mut payload = Vec::new();
        let mut next = None;
        for packet in stream.chunks(PACKET) {
            assert_eq!(packet[0], 0x47);
            if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) != pid {
                continue;
            }
            let counter = packet[3] & 0x0f;
            assert!(next.is_none_or(|next| next == counter), "continuity");
            next = Some((counter + 1) & 0x0f);
            let begin = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
            payload.extend_from_slice(&packet[begin..]);
        }
        payload
    }

    proptest! {
        #[test]
        fn whatever_its_length_a_picture_comes_out_as_it_went_in(len in 1usize..2_000, is_key: bool, pictures in 1usize..20) {
            let sets = ParameterSets { sps: vec![0x67, 1, 2, 3], pps: vec![vec![0x68, 4]] };
            let mut muxer = Muxer::default();
            muxer.tables();
            let mut expected = Vec::new();
            for n in 0..pictures {
                let unit = vec![0x41 + n as u8; len];
                let units = [&(len as u32).to_be_bytes()[..], &unit].concat();
                muxer.picture(MediaTime(n as u64 * 40_000), is_key, &sets, &units);
                muxer.sound(MediaTime(n as u64 * 40_000), &vec![7; len]);
                let sets: &[u8] = if is_key { &[0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4] } else { &[] };
                expected.push([&[0, 0, 0, 1, 9, 0xf0], sets, &[0, 0, 0, 1], &unit].concat());
            }
            let stream = muxer.take();
            let payload = reassembled(&stream, PID_VIDEO);
            let mut rest = &payload[..];
            for picture in expected {
                prop_assert_eq!(&rest[..9], &[0, 0, 1, 0xe0, 0, 0, 0x84, 0x80, 5]);
                prop_assert_eq!(&rest[14..14 + picture.len()], &picture[..]);
                rest = &rest[14 + picture.len()..];
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(reassembled(&stream, PID_AUDIO).len(), pictures * (len + 14));
        }
    }

    #[test]
    fn times_are_written_in_their_33_bits() {
        assert_eq!(timestamp(2, 0), [0x21, 0, 1, 0, 1]);
        assert_eq!(timestamp(2, 0x1_ffff_ffff), [0x2f, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(timestamp(2, 90_000), [0x21, 0, 5, 0xbf, 0x21]);
    }
}
