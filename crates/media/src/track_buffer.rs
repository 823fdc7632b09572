//! The shared ring of a layer: repair and keyframe replay read from it, receivers store nothing.

use crate::StoredPacket;
use std::{ops::RangeInclusive, time::Duration};

/// How much may be replayed to a late joiner in one burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Packets at most.
    pub packets: usize,
    /// Payload bytes at most.
    pub bytes: usize,
    /// Age of the keyframe at most.
    pub span: Duration,
}

impl Default for ReplayLimits {
    /// 512 packets, 512 KiB, 6 s: Chromium catches up with 5 s of VP8 in 240 ms.
    fn default() -> Self {
        Self { packets: 512, bytes: 512 * 1024, span: Duration::from_secs(6) }
    }
}

/// Ring of the latest packets of one layer, one per worker, track and layer.
#[derive(Debug)]
pub struct TrackBuffer {
    ring: Box<[Option<StoredPacket>]>,
    generation: Option<u32>,
    newest: Option<u64>,
    keyframe: Option<u64>,
}

impl TrackBuffer {
    /// Packets kept of a video layer.
    pub const VIDEO_PACKETS: usize = 1024;
    /// Packets kept of an audio stream (5 s of 20 ms packets).
    pub const AUDIO_PACKETS: usize = 256;

    /// An empty ring; `capacity` is rounded up to a power of two.
    pub fn new(capacity: usize) -> Self {
        let ring = vec![None; capacity.max(1).next_power_of_two()].into();
        Self { ring, generation: None, newest: None, keyframe: None }
    }

    fn slot(&self, ext_seq: u64) -> usize {
        ext_seq as usize & (self.ring.len() - 1)
    }

    /// Stores a packet. A packet older than the ring, or already there, is ignored (`false`); one of a
    /// later generation empties the ring first, one of an earlier generation is ignored.
    pub fn push(&mut self, packet: StoredPacket) -> bool {
        if self.generation != Some(packet.generation) {
            if self.generation.is_some_and(|mine| packet.generation.wrapping_sub(mine).cast_signed() < 0) {
                return false;
            }
            self.ring.fill(None);
            (self.generation, self.newest, self.keyframe) = (Some(packet.generation), None, None);
        }
        if self.newest.is_some_and(|newest| packet.ext_seq + self.ring.len() as u64 <= newest)
            || self.get(packet.ext_seq).is_some()
        {
            return false;
        }
        if packet.frame.starts_keyframe && self.is_better_start(&packet) {
            self.keyframe = Some(packet.ext_seq);
        }
        self.newest = self.newest.max(Some(packet.ext_seq));
        let slot = self.slot(packet.ext_seq);
        self.ring[slot] = Some(packet);
        true
    }

    /// A later keyframe, or an earlier packet of the same one (parameter sets that came late).
    fn is_better_start(&self, packet: &StoredPacket) -> bool {
        match self.keyframe.and_then(|ext_seq| self.get(ext_seq)) {
            Some(known) if known.timestamp == packet.timestamp => packet.ext_seq < known.ext_seq,
            Some(known) => packet.ext_seq > known.ext_seq,
            None => true,
        }
    }

    /// The packet with this number, if it is still (or already) here.
    pub fn get(&self, ext_seq: u64) -> Option<&StoredPacket> {
        self.ring[self.slot(ext_seq)].as_ref().filter(|packet| packet.ext_seq == ext_seq)
    }

    /// Highest number stored.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Generation of the packets here.
    pub fn generation(&self) -> Option<u32> {
        self.generation
    }

    /// Numbers from the latest keyframe's first packet to the newest, when that fits the limits.
    pub fn replay_from_keyframe(&self, limits: ReplayLimits) -> Option<RangeInclusive<u64>> {
        let (start, newest) = (self.keyframe?, self.newest?);
        if newest - start >= limits.packets as u64 {
            return None;
        }
        let keyframe_arrival = self.get(start)?.arrival;
        let newest_arrival = self.get(newest)?.arrival;
        let bytes: usize = self.packets(start..=newest).map(|packet| packet.payload.len()).sum();
        let fits = bytes <= limits.bytes && newest_arrival.saturating_since(keyframe_arrival) <= limits.span;
        fits.then_some(start..=newest)
    }

    /// The packets that are here out of `range`, in order. Ask for ranges this buffer gave out.
    pub fn packets(&self, range: RangeInclusive<u64>) -> impl Iterator<Item = &StoredPacket> {
        range.filter_map(|ext_seq| self.get(ext_seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameInfo;
    use bytes::Bytes;
    use domain::{Codec, Timestamp};

    const KEY: &[u8] = &[0x10, 0x00];
    const DELTA: &[u8] = &[0x10, 0x01];

    fn packet(ext_seq: u64, payload: &'static [u8]) -> StoredPacket {
        StoredPacket {
            generation: 1,
            ext_seq,
            timestamp: ext_seq as u32 * 3_000,
            marker: true,
            payload: Bytes::from_static(payload),
            arrival: Timestamp::from_millis(ext_seq * 33),
            frame: FrameInfo::read(Codec::Vp8, payload),
        }
    }

    fn filled(capacity: usize, packets: impl IntoIterator<Item = StoredPacket>) -> TrackBuffer {
        let mut buffer = TrackBuffer::new(capacity);
        for packet in packets {
            buffer.push(packet);
        }
        buffer
    }

    #[test]
    fn the_ring_holds_exactly_its_capacity() {
        let buffer = filled(8, (0..20).map(|n| packet(n, DELTA)));
        let held: Vec<u64> = (0..30).filter(|&n| buffer.get(n).is_some()).collect();
        assert_eq!(held, (12..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_very_late_packet_does_not_push_out_a_newer_one() {
        let mut buffer = filled(8, (10..20).map(|n| packet(n, DELTA)));
        assert!(!buffer.push(packet(11, DELTA)));
        assert!(buffer.get(19).is_some());
        assert!(!buffer.push(packet(15, DELTA)), "a duplicate");
    }

    #[test]
    fn a_late_joiner_is_given_everything_since_the_last_keyframe() {
        let key_at = |n| if n == 4 || n == 9 { KEY } else { DELTA };
        let buffer = filled(16, (0..14).map(|n| packet(n, key_at(n))));
        assert_eq!(buffer.replay_from_keyframe(ReplayLimits::default()), Some(9..=13));
        let count = buffer.packets(9..=13).count();
        assert_eq!(count, 5);
    }

    #[test]
    fn a_replay_that_is_too_long_is_not_given_at_all() {
        let buffer = filled(64, (0..31).map(|n| packet(n, if n == 0 { KEY } else { DELTA })));
        let limits = ReplayLimits { packets: 31, bytes: 62, span: Duration::from_millis(990) };
        let rows = [
            (limits, true),
            (ReplayLimits { packets: 30, ..limits }, false),
            (ReplayLimits { bytes: 61, ..limits }, false),
            (ReplayLimits { span: Duration::from_millis(989), ..limits }, false),
        ];
        for (limits, given) in rows {
            assert_eq!(buffer.replay_from_keyframe(limits).is_some(), given, "{limits:?}");
        }
    }

    #[test]
    fn a_keyframe_that_has_left_the_ring_starts_nothing() {
        let buffer = filled(8, (0..9).map(|n| packet(n, if n == 0 { KEY } else { DELTA })));
        assert_eq!(buffer.replay_from_keyframe(ReplayLimits::default()), None);
    }

    #[test]
    fn parameter_sets_that_come_late_move_the_start_to_them() {
        let idr = StoredPacket { timestamp: 7, ..packet(5, KEY) };
        let sps = StoredPacket { timestamp: 7, ..packet(4, KEY) };
        let old_key = packet(1, KEY);
        let buffer = filled(8, [idr, sps, old_key]);
        assert_eq!(buffer.replay_from_keyframe(ReplayLimits::default()), Some(4..=5));
    }

    #[test]
    fn a_restarted_publisher_empties_the_ring_and_the_old_one_cannot_come_back() {
        let mut buffer = filled(8, (0..5).map(|n| packet(n, KEY)));
        assert!(buffer.push(StoredPacket { generation: 2, ..packet(2, DELTA) }));
        assert_eq!((buffer.newest(), buffer.generation()), (Some(2), Some(2)));
        assert!(buffer.get(4).is_none());
        assert_eq!(buffer.replay_from_keyframe(ReplayLimits::default()), None);
        assert!(!buffer.push(packet(6, KEY)));
    }
}
