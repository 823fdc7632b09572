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
        Self { ring: vec![None; capacity.next_power_of_two()].into(), newest: None, keyframe: None }
    }

    /// Stores a packet. A packet older than the ring, or already there, is ignored (`false`); one of a
    /// new generation empties the ring first.
    pub fn push(&mut self, packet: StoredPacket) -> bool {
        let _ = (packet, self.newest, self.keyframe, &self.ring);
        todo!()
    }

    /// The packet with this number, if it is still (or already) here.
    pub fn get(&self, ext_seq: u64) -> Option<&StoredPacket> {
        let _ = ext_seq;
        todo!()
    }

    /// Highest number stored.
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Generation of the packets here.
    pub fn generation(&self) -> Option<u32> {
        todo!()
    }

    /// Numbers from the latest keyframe's first packet to the newest, when that fits the limits.
    pub fn replay_from_keyframe(&self, limits: ReplayLimits) -> Option<RangeInclusive<u64>> {
        let _ = limits;
        todo!()
    }

    /// The packets that are here out of `range`, in order.
    pub fn packets(&self, range: RangeInclusive<u64>) -> impl Iterator<Item = &StoredPacket> {
        range.filter_map(|ext_seq| self.get(ext_seq))
    }
}
