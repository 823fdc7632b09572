//! When a classroom has its first whole picture: the packets of one key frame, complete.

use domain::Codec;
use std::collections::BTreeSet;

/// Looks for a complete key frame in a stream's packets.
#[derive(Debug, Default)]
pub struct FirstPicture {
    candidate: Option<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    rtp_timestamp: u32,
    first: u64,
    last: Option<u64>,
    have: BTreeSet<u64>,
}

impl FirstPicture {
    /// Takes a packet in any order; true when it completes a key frame.
    pub fn is_completed_by(
        &mut self,
        codec: Codec,
        sequence: u64,
        rtp_timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> bool {
        if begins_keyframe(codec, payload) {
            let known = self.candidate.as_ref().is_some_and(|known| known.rtp_timestamp == rtp_timestamp);
            if !known {
                self.candidate =
                    Some(Candidate { rtp_timestamp, first: sequence, last: None, have: BTreeSet::new() });
            }
        }
        let Some(candidate) = self.candidate.as_mut().filter(|known| known.rtp_timestamp == rtp_timestamp)
        else {
            return false;
        };
        candidate.have.insert(sequence);
        if marker {
            candidate.last = Some(sequence);
        }
        candidate.last.is_some_and(|last| (candidate.first..=last).all(|one| candidate.have.contains(&one)))
    }
}

/// Whether this RTP payload is the beginning of a key frame.
pub fn begins_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus => false,
        Codec::Vp8 => vp8_keyframe(payload).unwrap_or(false),
        Codec::H264 => h264_keyframe(payload),
    }
}

/// RFC 7741 section 4.2: start of partition 0, then the frame's own first bit says that it is a key frame.
fn vp8_keyframe(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let starts = first & 0x17 == 0x10;
    let mut at = 1;
    if first & 0x80 != 0 {
        let extensions = *payload.get(at)?;
        at += 1;
        if extensions & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extensions & 0x40 != 0) + usize::from(extensions & 0x30 != 0);
    }
    Some(starts && payload.get(at)? & 1 == 0)
}

/// RFC 6184: a parameter set or an IDR slice, alone, first in a STAP-A, or at the start of an FU-A.
fn h264_keyframe(payload: &[u8]) -> bool {
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let begins = |nal: Option<&u8>| nal.is_some_and(|nal| matches!(nal & 0x1f, 5 | 7));
    match payload.first().map(|first| first & 0x1f) {
        Some(STAP_A) => begins(payload.get(3)),
        Some(FU_A) => payload.get(1).is_some_and(|second| second & 0x80 != 0 && second & 0x1f == 5),
        _ => begins(payload.first()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture, packetize::Packetizer};

    /// Feeds the packets of `frame` in `order` and says after which one the picture was whole.
    fn whole_after(codec: Codec, frame: usize, reverse: bool) -> Option<usize> {
        let frame = &fixture::camera(codec)[2][frame];
        let payloads = Packetizer::new(codec, 0).packetize(&frame.data, 0);
        let last = payloads.len() - 1;
        let mut numbered: Vec<_> = payloads.iter().enumerate().collect();
        if reverse {
            // All but the beginning arrive the wrong way round.
            numbered[1..].reverse();
        }
        let mut picture = FirstPicture::default();
        numbered
            .iter()
            .position(|&(n, payload)| picture.is_completed_by(codec, 100 + n as u64, 9, n == last, payload))
            .map(|at| last - at)
    }

    #[test]
    fn a_key_frame_is_whole_with_its_last_packet_in_whatever_order() {
        for codec in [Codec::Vp8, Codec::H264] {
            assert_eq!(whole_after(codec, 0, false), Some(0), "{codec:?}");
            assert_eq!(whole_after(codec, 48, true), Some(0), "{codec:?}");
        }
    }

    #[test]
    fn a_delta_frame_is_no_first_picture() {
        for codec in [Codec::Vp8, Codec::H264] {
            assert_eq!(whole_after(codec, 1, false), None, "{codec:?}");
        }
    }
}
