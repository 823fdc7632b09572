//! Pieces of an outgoing numbering: how incoming numbers of a layer became outgoing ones.
//!
//! Within a segment the difference between incoming and outgoing sequence number is constant. A new segment
//! begins at a layer switch, after packets that were dropped on purpose, and when the temporal limit changes.
//! Holes for packets that upstream has not delivered yet need no segment: their numbers stay reserved. The log
//! therefore maps any recent number in both directions without a table of packets.

use crate::{Outgoing, StoredPacket};
use domain::Layer;

/// Segments remembered besides the newest. Halving the frame rate of 30 frames/s begins 15 a second, so this
/// is over two seconds; without temporal dropping it is as many switches.
const OLDER: usize = 32;

/// One piece: what must be added to the numbers of `layer` from `in_start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// First incoming number.
    pub(crate) in_start: u64,
    /// The outgoing number it becomes.
    pub(crate) out_start: u64,
    /// Generation of the incoming stream.
    pub(crate) generation: u32,
    /// Added to RTP timestamps, modulo 2^32.
    pub(crate) timestamp_delta: u32,
    /// Added to VP8 picture ids, modulo 2^15.
    pub(crate) picture_delta: u16,
    /// Added to TL0PICIDX, modulo 256.
    pub(crate) tl0_delta: u8,
    /// Highest temporal layer let through.
    pub(crate) temporal: u8,
    /// The incoming layer.
    pub(crate) layer: Layer,
}

impl Segment {
    /// Outgoing number of an incoming one that is not before the segment.
    pub(crate) fn outgoing(&self, ext_seq: u64) -> u64 {
        self.out_start.wrapping_add(ext_seq.wrapping_sub(self.in_start))
    }

    /// Whether the segment lets this packet through.
    pub(crate) fn carries(&self, packet: &StoredPacket) -> bool {
        !packet.payload.is_empty() && packet.frame.temporal <= self.temporal
    }

    /// Whether the packet comes from the stream this segment maps.
    pub(crate) fn maps(&self, layer: Layer, generation: u32) -> bool {
        self.layer == layer && self.generation == generation
    }

    /// The packet with this segment's numbers.
    pub(crate) fn rewrite(&self, packet: &StoredPacket) -> Outgoing {
        let ids = packet.frame.vp8;
        let picture_id = ids.picture_id.map_or(0, |id| id.value().wrapping_add(self.picture_delta) & 0x7fff);
        Outgoing {
            sequence: self.outgoing(packet.ext_seq),
            timestamp: packet.timestamp.wrapping_add(self.timestamp_delta),
            marker: packet.marker,
            codec: packet.frame.codec,
            layer: self.layer,
            starts_layer: false,
            filler: !self.carries(packet),
            picture_id,
            tl0_pic_idx: ids.tl0_pic_idx.unwrap_or(0).wrapping_add(self.tl0_delta),
        }
    }
}

/// The newest segment and a bounded memory of older ones; the oldest is forgotten when it is full.
#[derive(Debug, Clone)]
pub(crate) struct SegmentLog {
    newest: Segment,
    older: [Segment; OLDER],
    count: u32,
}

impl SegmentLog {
    pub(crate) fn new(first: Segment) -> Self {
        Self { newest: first, older: [first; OLDER], count: 0 }
    }

    pub(crate) fn newest(&self) -> &Segment {
        &self.newest
    }

    /// Begins a segment. Numbers must not overlap: `next.out_start` is above all numbers given out.
    pub(crate) fn push(&mut self, next: Segment) {
        self.older[self.count as usize % OLDER] = self.newest;
        self.count = self.count.wrapping_add(1);
        self.newest = next;
    }

    /// Moves the start of the newest segment, from which nothing has been numbered yet.
    pub(crate) fn restart_newest(&mut self, next: Segment) {
        self.newest = next;
    }

    /// Segments from newest to oldest, each with the first outgoing number that is no longer its own.
    fn newest_first(&self, next_out: u64) -> impl Iterator<Item = (&Segment, u64)> {
        let remembered = (self.count as usize).min(OLDER);
        let older =
            (1..=remembered).map(|back| &self.older[(self.count.wrapping_sub(back as u32)) as usize % OLDER]);
        let mut end = next_out;
        std::iter::once(&self.newest).chain(older).map(move |segment| {
            let own_end = end;
            end = segment.out_start;
            (segment, own_end)
        })
    }

    /// The segment an incoming number belongs to. `None` when that is forgotten or the packet was dropped on
    /// purpose, so that its number has been given to another.
    pub(crate) fn find_incoming(
        &self,
        layer: Layer,
        generation: u32,
        ext_seq: u64,
        next_out: u64,
    ) -> Option<Segment> {
        self.newest_first(next_out)
            .find(|(segment, _)| segment.maps(layer, generation) && segment.in_start <= ext_seq)
            .filter(|(segment, end)| segment.outgoing(ext_seq) < *end)
            .map(|(segment, _)| *segment)
    }

    /// The segment an outgoing number was given out by.
    pub(crate) fn find_outgoing(&self, out: u64, next_out: u64) -> Option<Segment> {
        self.newest_first(next_out)
            .find(|(segment, _)| segment.out_start <= out)
            .filter(|(_, end)| out < *end)
            .map(|(segment, _)| *segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(layer: Layer, in_start: u64, out_start: u64) -> Segment {
        Segment {
            in_start,
            out_start,
            generation: 1,
            timestamp_delta: 0,
            picture_delta: 0,
            tl0_delta: 0,
            temporal: 3,
            layer,
        }
    }

    #[test]
    fn a_late_packet_finds_the_numbers_of_the_layer_it_came_from() {
        let mut log = SegmentLog::new(segment(Layer::Low, 100, 0));
        log.push(segment(Layer::High, 5_000, 10));
        log.push(segment(Layer::Low, 130, 20));
        let find =
            |layer, ext_seq| log.find_incoming(layer, 1, ext_seq, 25).map(|found| found.outgoing(ext_seq));
        let rows = [
            (Layer::Low, 99, None),
            (Layer::Low, 100, Some(0)),
            (Layer::Low, 109, Some(9)),
            (Layer::Low, 110, None), // came while the receiver watched the high layer
            (Layer::High, 5_009, Some(19)),
            (Layer::High, 5_010, None),
            (Layer::Low, 130, Some(20)),
            (Layer::Low, 134, Some(24)),
            (Layer::Low, 135, None), // not numbered yet
            (Layer::Mid, 130, None),
        ];
        for (layer, ext_seq, expected) in rows {
            assert_eq!(find(layer, ext_seq), expected, "{layer:?} {ext_seq}");
        }
        assert_eq!(log.find_incoming(Layer::Low, 2, 130, 25), None, "another generation");
    }

    #[test]
    fn a_forgotten_segment_answers_nothing_rather_than_something_wrong() {
        let mut log = SegmentLog::new(segment(Layer::Low, 0, 0));
        for step in 1..100 {
            log.push(segment(Layer::Low, step * 10 + 1, step * 10));
        }
        assert_eq!(log.find_outgoing(5, 1_000), None);
        assert_eq!(log.find_outgoing(995, 1_000).map(|found| found.in_start), Some(991));
        assert_eq!(log.find_outgoing(1_000, 1_000), None);
        assert_eq!(log.find_incoming(Layer::Low, 1, 5, 1_000), None);
    }
}
