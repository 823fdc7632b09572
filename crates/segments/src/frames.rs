//! From packets back to frames: in order, whole, and after a loss not before the next keyframe.

use crate::h264::{FrameBuilder, ParameterSets};
use domain::{Codec, MediaKind, Timestamp};
use media::{StoredPacket, vp8};
use std::{collections::BTreeMap, time::Duration};

/// How long a missing packet of a picture is waited for: its repair takes two or three round trips to the host.
const PATIENCE: Duration = Duration::from_millis(400);
/// Voice is waited for less: a hole is covered by the decoder.
const PATIENCE_VOICE: Duration = Duration::from_millis(200);
/// Packets that wait for one before them. Full: what is missing is given up.
const HELD_MAX: usize = 512;
/// A frame is given up when it grows beyond this.
const FRAME_MAX: usize = 4 * 1024 * 1024;

/// One frame as a decoder takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its RTP timestamp.
    pub(crate) rtp: u32,
    /// When its last packet came.
    pub(crate) arrival: Timestamp,
    /// A decoder may begin here; always for sound.
    pub(crate) is_key: bool,
    /// VP8: the frame. H.264: NAL units behind their lengths. Opus: the packet.
    pub(crate) data: Vec<u8>,
}

/// A frame that has begun.
#[derive(Debug)]
struct Begun {
    rtp: u32,
    arrival: Timestamp,
    is_key: bool,
    data: Vec<u8>,
    h264: FrameBuilder,
}

/// Puts the frames of one stream together.
#[derive(Debug)]
pub(crate) struct Assembler {
    codec: Codec,
    /// The packet that comes next; `None` before the first.
    next: Option<u64>,
    held: BTreeMap<u64, StoredPacket>,
    /// Since when a packet is missing while later ones are here.
    missing_since: Option<Timestamp>,
    begun: Option<Begun>,
    /// Something was lost (or nothing has come yet): what depends on it is left out.
    needs_keyframe: bool,
    sets: ParameterSets,
}

impl Assembler {
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            codec,
            next: None,
            held: BTreeMap::new(),
            missing_since: None,
            begun: None,
            needs_keyframe: codec.kind() == MediaKind::Video,
            sets: ParameterSets::default(),
        }
    }

    /// H.264's parameter sets as they are now.
    pub(crate) fn sets(&self) -> &ParameterSets {
        &self.sets
    }

    /// Whether nothing can go on before a keyframe.
    pub(crate) fn needs_keyframe(&self) -> bool {
        self.needs_keyframe
    }

    /// Takes a packet; frames that are whole now are appended to `out`.
    pub(crate) fn push(&mut self, packet: &StoredPacket, out: &mut Vec<Frame>) {
        let next = *self.next.get_or_insert(packet.ext_seq);
        if packet.ext_seq < next {
            return;
        }
        if packet.ext_seq > next {
            self.held.insert(packet.ext_seq, packet.clone());
            self.missing_since.get_or_insert(packet.arrival);
            if self.held.len() > HELD_MAX {
                // full: what is missing is given up.
                self.give_up(packet.arrival, out);
            }
            return;
        }
        self.take(packet, out);
        self.take_held(packet.arrival, out);
    }

    fn take_held(&mut self, now: Timestamp, out: &mut Vec<Frame>) {
        while let Some(next) = self.next
            && let Some(packet) = self.held.remove(&next)
        {
            self.take(&packet, out);
        }
        self.missing_since = (!self.held.is_empty()).then_some(now);
    }

    /// When [`Assembler::handle_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        let patience = if self.codec.kind() == MediaKind::Audio { PATIENCE_VOICE } else { PATIENCE };
        self.missing_since.map(|since| since + patience)
    }

    /// Gives up what is missing for too long.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Frame>) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.give_up(now, out);
        }
    }

    fn give_up(&mut self, now: Timestamp, out: &mut Vec<Frame>) {
        let Some(first) = self.held.keys().next().copied() else { return };
        self.next = Some(first);
        if self.codec.kind() == MediaKind::Video {
            self.begun = None;
            self.needs_keyframe = true;
        }
        self.take_held(now, out);
    }

    /// The next packet in order.
    fn take(&mut self, packet: &StoredPacket, out: &mut Vec<Frame>) {
        self.next = Some(packet.ext_seq + 1);
        if packet.payload.is_empty() {
            return;
        }
        if self.codec == Codec::Opus {
            let (rtp, arrival) = (packet.timestamp, packet.arrival);
            out.push(Frame { rtp, arrival, is_key: true, data: packet.payload.to_vec() });
            return;
        }
        if self.begun.as_ref().is_some_and(|begun| begun.rtp != packet.timestamp) {
            // An encoder that sets no marker: the next picture's first packet ends the one before.
            self.finish(out);
        }
        let begun = self.begun.get_or_insert_with(|| Begun {
            rtp: packet.timestamp,
            arrival: packet.arrival,
            is_key: false,
            data: Vec::new(),
            h264: FrameBuilder::default(),
        });
        begun.arrival = begun.arrival.max(packet.arrival);
        match self.codec {
            Codec::H264 => begun.h264.push(&packet.payload, &mut self.sets),
            _ => {
                if let Some(descriptor) = vp8::Descriptor::parse(&packet.payload) {
                    begun.is_key |= descriptor.starts_keyframe;
                    begun.data.extend_from_slice(packet.payload.get(descriptor.len..).unwrap_or_default());
                }
            }
        }
        if begun.data.len() + begun.h264.data.len() > FRAME_MAX {
            self.begun = None;
            self.needs_keyframe = true;
        } else if packet.marker {
            self.finish(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Frame>) {
        let Some(mut begun) = self.begun.take() else { return };
        if self.codec == Codec::H264 {
            (begun.data, begun.is_key) = begun.h264.finish();
            // Without parameter sets no decoder begins, IDR or not.
            begun.is_key &= self.sets.is_complete();
        }
        let Begun { rtp, arrival, is_key, data, .. } = begun;
        if data.is_empty() || (self.needs_keyframe && !is_key) {
            return;
        }
        self.needs_keyframe = false;
        out.push(Frame { rtp, arrival, is_key, data });
    }
}

/// Width and height of a VP8 keyframe (RFC 6386 section 9.1).
pub(crate) fn vp8_size(keyframe: &[u8]) -> Option<(u16, u16)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = keyframe.first_chunk::<10>()? else { return None };
    let size = |low: u8, high: u8| u16::from_le_bytes([low, high]) & 0x3fff;
    let (width, height) = (size(*w0, *w1), size(*h0, *h1));
    (width > 0 && height > 0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use media::FrameInfo;
    use proptest::prelude::*;

    fn packet(codec: Codec, ext_seq: u64, rtp: u32, marker: bool, payload: &[u8]) -> StoredPacket {
        StoredPacket {
            generation: 1,
            ext_seq,
            timestamp: rtp,
            marker,
            payload: Bytes::copy_from_slice(payload),
            arrival: Timestamp::from_millis(ext_seq * 10),
            frame: FrameInfo::read(codec, payload),
        }
    }

    /// Packet `n` of a stream of two-packet VP8 pictures, every fifth a keyframe; the picture's number is in both.
    fn vp8(n: u64) -> StoredPacket {
        let picture = n / 2;
        let first = n.is_multiple_of(2);
        let header = u8::from(!picture.is_multiple_of(5));
        let payload = if first { [0x10, header, picture as u8] } else { [0x00, 0xee, picture as u8] };
        packet(Codec::Vp8, 100 + n, picture as u32 * 3_000, !first, &payload)
    }

    fn pictures(frames: &[Frame]) -> Vec<u8> {
        frames.iter().map(|frame| frame.data[1]).collect()
    }

    #[test]
    fn packets_that_overtook_each_other_become_the_same_frames() {
        let mut assembler = Assembler::new(Codec::Vp8);
        let mut out = Vec::new();
        for n in [0, 2, 1, 3, 7, 6, 5, 4, 8, 9] {
            assembler.push(&vp8(n), &mut out);
        }
        assert_eq!(pictures(&out), [0, 1, 2, 3, 4]);
        assert!(out[0].is_key && !out[1].is_key);
        assert_eq!(out[1].data, [1, 1, 0xee, 1], "descriptors are gone, both packets are there");
    }

    #[test]
    fn after_a_loss_the_picture_goes_on_at_the_next_keyframe_and_asks_for_it() {
        let mut assembler = Assembler::new(Codec::Vp8);
        let mut out = Vec::new();
        for n in (0..10).filter(|n| *n != 3) {
            assembler.push(&vp8(n), &mut out);
        }
        assert_eq!(pictures(&out), [0], "the repair may still come");
        let due = assembler.poll_timeout().expect("something is missing");
        assembler.handle_timeout(due, &mut out);
        assert_eq!(pictures(&out), [0]);
        assert!(assembler.needs_keyframe());
        for n in 10..14 {
            assembler.push(&vp8(n), &mut out);
        }
        assert_eq!(pictures(&out), [0, 5, 6]);
        assert_eq!(assembler.poll_timeout(), None);
    }

    #[test]
    fn a_repair_in_time_loses_nothing() {
        let mut assembler = Assembler::new(Codec::Vp8);
        let mut out = Vec::new();
        for n in (0..6).filter(|n| *n != 3) {
            assembler.push(&vp8(n), &mut out);
        }
        assembler.handle_timeout(Timestamp::from_millis(1_100), &mut out);
        assembler.push(&vp8(3), &mut out);
        assert_eq!(pictures(&out), [0, 1, 2]);
    }

    #[test]
    fn h264_begins_only_where_its_parameter_sets_are_known() {
        let mut assembler = Assembler::new(Codec::H264);
        let mut out = Vec::new();
        let rows: [(u32, &[u8]); 4] = [
            (0, &[0x65, 1]),
            (1, &[0x41, 1]),
            (2, &[0x78, 0, 4, 0x67, 1, 1, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 2]),
            (3, &[0x41, 2]),
        ];
        for (n, (rtp, payload)) in rows.into_iter().enumerate() {
            assembler.push(&packet(Codec::H264, n as u64, rtp, true, payload), &mut out);
        }
        let seen: Vec<_> = out.iter().map(|frame| (frame.rtp, frame.is_key)).collect();
        assert_eq!(seen, [(2, true), (3, false)]);
    }

    #[test]
    fn the_size_of_a_vp8_picture_is_in_its_keyframe() {
        assert_eq!(vp8_size(&[0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 0x02, 0x68, 0x41, 9]), Some((640, 360)));
        assert_eq!(vp8_size(&[0x10, 0, 0, 0, 1, 0x2a, 0x80, 0x02, 0x68, 0x01]), None);
        assert_eq!(vp8_size(&[0x10]), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_memory_is_bounded_and_frames_are_in_order(
            packets in prop::collection::vec((0u64..3_000, any::<u32>(), any::<bool>(),
                prop::collection::vec(any::<u8>(), 0..20)), 0..1_500),
            codec in prop::sample::select(vec![Codec::Vp8, Codec::H264, Codec::Opus]),
        ) {
            let mut assembler = Assembler::new(codec);
            let mut out = Vec::new();
            for (ext_seq, rtp, marker, payload) in packets {
                assembler.push(&packet(codec, ext_seq, rtp, marker, &payload), &mut out);
                prop_assert!(assembler.held.len() <= HELD_MAX + 1);
            }
            if codec != Codec::Opus {
                prop_assert!(out.first().is_none_or(|frame| frame.is_key));
            }
        }
    }
}
