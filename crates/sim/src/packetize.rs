//! Frames into RTP payloads, cut the way Chrome cuts them: packets of one frame differ by at most one byte, the larger last.
//!
//! The relay sends packets of one length with one system call, so a host that cut differently would flatter or blame it wrongly.

use crate::fixture::nal_units;
use bytes::{BufMut, Bytes, BytesMut};
use domain::Codec;

/// Longest RTP payload we make, bytes; Chrome's usual packets are about this long.
pub const MAX_PAYLOAD: usize = 1_160;

/// Cuts the frames of one stream; keeps what its codec's payload descriptor counts.
#[derive(Debug)]
pub struct Packetizer {
    codec: Codec,
    /// VP8 picture id, 15 bits (RFC 7741 section 4.2).
    picture_id: u16,
    /// VP8 index of the lowest temporal layer: one more with every frame, as all our frames belong to it.
    tl0: u8,
}

impl Packetizer {
    /// Starts a stream; `seed` sets where its counters begin, which receivers must not assume to be zero.
    pub fn new(codec: Codec, seed: u32) -> Self {
        Self { codec, picture_id: (seed as u16) & 0x7fff, tl0: (seed >> 16) as u8 }
    }

    /// The payloads of one frame, in order; the last one takes the marker bit.
    ///
    /// `filler` bytes are added that every decoder skips, so that a small fixture can load a relay like a large stream:
    /// zeros after a VP8 frame's last partition, a filler NAL unit (type 12) in H.264. Opus takes none.
    pub fn packetize(&mut self, frame: &Bytes, filler: usize) -> Vec<Bytes> {
        match self.codec {
            Codec::Opus => vec![frame.clone()],
            Codec::Vp8 => self.vp8(frame, filler),
            Codec::H264 => h264(frame, filler),
        }
    }

    fn vp8(&mut self, frame: &Bytes, filler: usize) -> Vec<Bytes> {
        const DESCRIPTOR: usize = 6;
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(1);
        let padded = pad(frame, filler);
        equal_parts(padded.len(), MAX_PAYLOAD - DESCRIPTOR)
            .into_iter()
            .enumerate()
            .map(|(part, range)| {
                let mut payload = BytesMut::with_capacity(DESCRIPTOR + range.len());
                // X, and S in the first packet; I, L and T; M and picture id; TL0PICIDX; TID 0 with Y (layer sync).
                payload.put_u8(0x80 | if part == 0 { 0x10 } else { 0 });
                payload.put_u8(0xe0);
                payload.put_u16(0x8000 | self.picture_id);
                payload.put_u8(self.tl0);
                payload.put_u8(0x20);
                payload.put_slice(&padded[range]);
                payload.freeze()
            })
            .collect()
    }
}

/// RFC 6184, packetization mode 1: small units together in one STAP-A, large ones in FU-A fragments.
fn h264(access_unit: &Bytes, filler: usize) -> Vec<Bytes> {
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let mut payloads = Vec::new();
    let mut small: Vec<Bytes> = Vec::new();
    let mut units = nal_units(access_unit);
    if filler > 2 {
        // Filler data: 0xff bytes and the stop bit (ITU-T H.264 section 7.3.2.7). It precedes no slice of its own picture.
        let mut unit = BytesMut::with_capacity(filler);
        unit.put_u8(12);
        unit.put_bytes(0xff, filler - 2);
        unit.put_u8(0x80);
        units.push(unit.freeze());
    }
    let flush = |small: &mut Vec<Bytes>, payloads: &mut Vec<Bytes>| match small.as_slice() {
        [] => {}
        [only] => {
            payloads.push(only.clone());
            small.clear();
        }
        several => {
            let importance = several.iter().map(|nal| nal[0] & 0x60).max().unwrap_or(0);
            let mut payload = BytesMut::new();
            payload.put_u8(importance | STAP_A);
            for nal in several {
                payload.put_u16(nal.len() as u16);
                payload.put_slice(nal);
            }
            payloads.push(payload.freeze());
            small.clear();
        }
    };
    for nal in units {
        let waiting: usize = small.iter().map(|nal| nal.len() + 2).sum();
        if nal.len() + 3 + waiting > MAX_PAYLOAD {
            flush(&mut small, &mut payloads);
        }
        if nal.len() <= MAX_PAYLOAD - 3 {
            small.push(nal);
            continue;
        }
        let body = &nal[1..];
        let parts = equal_parts(body.len(), MAX_PAYLOAD - 2);
        let last = parts.len() - 1;
        for (part, range) in parts.into_iter().enumerate() {
            let mut payload = BytesMut::with_capacity(2 + range.len());
            payload.put_u8(nal[0] & 0x60 | FU_A);
            payload.put_u8(
                nal[0] & 0x1f | if part == 0 { 0x80 } else { 0 } | if part == last { 0x40 } else { 0 },
            );
            payload.put_slice(&body[range]);
            payloads.push(payload.freeze());
        }
    }
    flush(&mut small, &mut payloads);
    payloads
}

fn pad(frame: &Bytes, filler: usize) -> Bytes {
    if filler == 0 {
        return frame.clone();
    }
    let mut padded = BytesMut::with_capacity(frame.len() + filler);
    padded.put_slice(frame);
    padded.put_bytes(0, filler);
    padded.freeze()
}

/// Ranges of at most `max` that cover `len`, their lengths at most one apart, the larger last.
fn equal_parts(len: usize, max: usize) -> Vec<std::ops::Range<usize>> {
    let count = len.div_ceil(max).max(1);
    let (short, longer) = (len / count, len % count);
    let mut from = 0;
    (0..count)
        .map(|part| {
            let to = from + short + usize::from(part >= count - longer);
            let range = from..to;
            from = to;
            range
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn packets_of_a_frame_are_equal_but_for_one_byte_and_whole() {
        for (len, max) in [(1, 10), (10, 10), (11, 10), (25, 10), (30_001, 1_154)] {
            let parts = equal_parts(len, max);
            let lens: Vec<_> = parts.iter().map(std::iter::ExactSizeIterator::len).collect();
            assert_eq!(lens.iter().sum::<usize>(), len);
            assert!(
                lens.is_sorted() && lens[lens.len() - 1] - lens[0] <= 1 && lens[lens.len() - 1] <= max,
                "{lens:?}"
            );
        }
    }

    #[test]
    fn a_vp8_frame_comes_back_whole_and_counts_its_picture_once() {
        let frame = fixture::slides()[0].data.clone();
        let mut packetizer = Packetizer::new(Codec::Vp8, 0x7fff);
        let payloads = packetizer.packetize(&frame, 0);
        let joined: Vec<u8> = payloads.iter().flat_map(|payload| payload[6..].to_vec()).collect();
        assert_eq!(joined, frame);
        assert!(
            payloads.iter().all(|payload| payload[2..4] == [0x80, 0]),
            "the id wrapped to 0 once for the whole frame"
        );
        assert_eq!(payloads.iter().filter(|payload| payload[0] & 0x10 != 0).count(), 1);
    }

    #[test]
    fn an_h264_access_unit_comes_back_whole() {
        let unit = fixture::camera(Codec::H264)[2][0].data.clone();
        let mut rebuilt: Vec<Vec<u8>> = Vec::new();
        for payload in Packetizer::new(Codec::H264, 0).packetize(&unit, 0) {
            match payload[0] & 0x1f {
                24 => {
                    let mut rest = &payload[1..];
                    while !rest.is_empty() {
                        let len = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                        rebuilt.push(rest[2..2 + len].to_vec());
                        rest = &rest[2 + len..];
                    }
                }
                28 => {
                    if payload[1] & 0x80 != 0 {
                        rebuilt.push(vec![payload[0] & 0x60 | payload[1] & 0x1f]);
                    }
                    rebuilt.last_mut().unwrap().extend_from_slice(&payload[2..]);
                }
                _ => rebuilt.push(payload.to_vec()),
            }
        }
        assert_eq!(rebuilt, nal_units(&unit));
    }

    #[test]
    fn filler_makes_a_frame_as_large_as_wanted() {
        for codec in [Codec::Vp8, Codec::H264] {
            let frame = &fixture::camera(codec)[2][1].data;
            let bytes = |filler| {
                Packetizer::new(codec, 0).packetize(frame, filler).iter().map(Bytes::len).sum::<usize>()
            };
            let grown = bytes(9_000) - bytes(0);
            assert!((8_990..9_100).contains(&grown), "{codec:?} {grown}");
        }
    }
}
