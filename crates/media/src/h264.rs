//! What an H.264 payload carries (RFC 6184 section 5): enough to find where a decoder may start.

/// Kinds of NAL unit found in one RTP payload, whole or begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Content {
    /// A sequence parameter set (type 7).
    pub sps: bool,
    /// An IDR slice (type 5), whole or its first fragment.
    pub idr: bool,
}

impl Content {
    /// Whether a decoder may start at this packet, judged by this packet alone.
    pub fn starts_keyframe(self) -> bool {
        self.sps || self.idr
    }

    fn note(&mut self, nal_header: u8) {
        match nal_header & 0x1f {
            5 => self.idr = true,
            7 => self.sps = true,
            _ => {}
        }
    }
}

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Reads a payload: a single NAL unit, a STAP-A, or a fragment (FU-A). Unreadable bytes carry nothing.
pub fn read(payload: &[u8]) -> Content {
    let mut content = Content::default();
    match payload {
        [header, units @ ..] if header & 0x1f == STAP_A => {
            let mut rest = units;
            while let Some((len, after)) = rest.split_first_chunk::<2>() {
                let len = usize::from(u16::from_be_bytes(*len));
                let Some((unit, next)) = after.split_at_checked(len) else { break };
                if let Some(&nal_header) = unit.first() {
                    content.note(nal_header);
                }
                rest = next;
            }
        }
        // Only the first fragment (S bit) begins the unit.
        [header, fu_header, ..] if header & 0x1f == FU_A => {
            if fu_header & 0x80 != 0 {
                content.note(*fu_header);
            }
        }
        [header, ..] => content.note(*header),
        [] => {}
    }
    content
}

/// Finds the one packet of a keyframe where a decoder may start.
///
/// An encoder may put parameter sets, and several IDR slices, into packets of their own, so one packet does not
/// tell. A keyframe starts at its parameter sets; only a frame known to have none starts at its first IDR slice
/// (an encoder that sends the sets once, or out of band).
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyframeFinder {
    frame: Option<Frame>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    timestamp: u32,
    last_ext_seq: u64,
    /// Every packet since the frame's beginning has come in order.
    whole: bool,
    started: bool,
}

impl KeyframeFinder {
    /// Whether a decoder may start at this packet, seeing those before it.
    pub(crate) fn starts_keyframe(&mut self, ext_seq: u64, timestamp: u32, content: Content) -> bool {
        let Some(frame) = self.frame.as_mut() else {
            // The beginning of the stream: nothing is known to be missing.
            let started = content.starts_keyframe();
            self.frame = Some(Frame { timestamp, last_ext_seq: ext_seq, whole: true, started });
            return started;
        };
        if ext_seq <= frame.last_ext_seq {
            // Late. Parameter sets start their frame even so; slices behind them have no say any more.
            return content.sps;
        }
        let follows = ext_seq == frame.last_ext_seq + 1;
        if frame.timestamp != timestamp {
            *frame = Frame { timestamp, last_ext_seq: ext_seq, whole: follows, started: false };
        }
        frame.whole &= follows;
        frame.last_ext_seq = ext_seq;
        let starts = !frame.started && (content.sps || (content.idr && frame.whole));
        frame.started |= starts;
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPS: &[u8] = &[0x67, 1];
    const PPS: &[u8] = &[0x68, 1];
    const IDR: &[u8] = &[0x65, 1];
    const SLICE: &[u8] = &[0x41, 1];
    const STAP_SPS_PPS: &[u8] = &[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1];
    const STAP_SEI_IDR: &[u8] = &[0x78, 0, 2, 0x06, 1, 0, 2, 0x65, 1];
    const FU_IDR_FIRST: &[u8] = &[0x7c, 0x85, 1];
    const FU_IDR_NEXT: &[u8] = &[0x7c, 0x05, 1];
    const FU_SLICE_FIRST: &[u8] = &[0x5c, 0x81, 1];

    #[test]
    fn payloads_of_every_shape_show_what_they_carry() {
        let rows: [(&[u8], bool, bool); 11] = [
            (SPS, true, false),
            (PPS, false, false),
            (IDR, false, true),
            (SLICE, false, false),
            (STAP_SPS_PPS, true, false),
            (STAP_SEI_IDR, false, true),
            (FU_IDR_FIRST, false, true),
            (FU_IDR_NEXT, false, false),
            (FU_SLICE_FIRST, false, false),
            (&[0x78, 0, 9, 0x67], false, false), // a unit that is cut off
            (&[], false, false),
        ];
        for (payload, sps, idr) in rows {
            assert_eq!(read(payload), Content { sps, idr }, "{payload:?}");
        }
    }

    /// Feeds (number, timestamp, payload) and tells at which numbers a decoder may start.
    #[track_caller]
    fn check(packets: &[(u64, u32, &[u8])], expected: &[u64]) {
        let mut finder = KeyframeFinder::default();
        let starts: Vec<u64> = packets
            .iter()
            .filter(|(ext_seq, timestamp, payload)| {
                finder.starts_keyframe(*ext_seq, *timestamp, read(payload))
            })
            .map(|(ext_seq, _, _)| *ext_seq)
            .collect();
        assert_eq!(starts, expected);
    }

    #[test]
    fn a_chromium_keyframe_starts_at_its_parameter_sets_only() {
        check(&[(1, 9, SLICE), (2, 10, STAP_SPS_PPS), (3, 10, FU_IDR_FIRST), (4, 10, FU_IDR_NEXT)], &[2]);
    }

    #[test]
    fn an_encoder_with_several_slices_a_picture_starts_it_once() {
        check(&[(1, 9, SLICE), (2, 10, SPS), (3, 10, PPS), (4, 10, IDR), (5, 10, IDR), (6, 11, SLICE)], &[2]);
    }

    #[test]
    fn a_frame_without_parameter_sets_starts_at_its_first_slice() {
        check(&[(1, 9, SLICE), (2, 10, IDR), (3, 10, IDR), (4, 11, SLICE), (5, 12, IDR)], &[2, 5]);
    }

    #[test]
    fn nothing_starts_behind_parameter_sets_that_are_lost_until_they_are_repaired() {
        check(&[(1, 9, SLICE), (3, 10, FU_IDR_FIRST), (4, 10, FU_IDR_NEXT), (2, 10, STAP_SPS_PPS)], &[2]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes);
        }
    }
}
