//! One worker's copy of what is being published into one slot.

use domain::{Codec, Layer, MediaKind, Slot, Timestamp};
use media::{ClockReading, Layers, StoredPacket, TrackBuffer};
use std::time::Duration;

/// One wish for the same keyframe goes to the publisher's worker this often at most; the throttle that
/// protects the host is there.
const WISH_INTERVAL: Duration = Duration::from_millis(100);
/// A receiver that has a picture and climbs waits this long after the last keyframe of the layer above it: when hundreds join within
/// seconds and climb layer by layer, the host's encoder would otherwise make nothing but keyframes, and who has none yet would queue behind them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Packets of one layer that have come and not been sent yet.
#[derive(Debug, Default)]
struct Pending {
    /// Their numbers in the order of arrival. Emptied every tick; an ingest worker's queue bounds what can
    /// come in between.
    numbers: Vec<u64>,
    due: Option<Timestamp>,
}

/// The layers of one slot: clocks, rings, and what is due to leave.
#[derive(Debug)]
pub(crate) struct Track {
    kind: MediaKind,
    pub(crate) layers: Layers,
    buffers: [Option<TrackBuffer>; Layer::COUNT],
    pending: [Pending; Layer::COUNT],
    wished_at: [Option<Timestamp>; Layer::COUNT],
    keyframe_at: [Option<Timestamp>; Layer::COUNT],
    /// Codec of the newest run of the stream.
    pub(crate) codec: Codec,
    newest_generation: u32,
    /// Worker that owns the publisher.
    pub(crate) source: usize,
}

/// What storing a packet changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// A repeat, or of a stream that is over.
    Ignored,
    /// It is in the ring and due.
    Kept,
    /// It is the first of a new run, or the first after a silence: receivers' layers must be chosen anew.
    Begins,
}

impl Track {
    pub(crate) fn new(slot: Slot, codec: Codec, source: usize) -> Self {
        Self {
            kind: slot.kind(),
            layers: Layers::default(),
            buffers: Default::default(),
            pending: Default::default(),
            wished_at: Default::default(),
            keyframe_at: Default::default(),
            codec,
            newest_generation: 0,
            source,
        }
    }

    /// Stores a packet; pictures leave with their frame or after `tick`, voice at once.
    pub(crate) fn store(
        &mut self,
        now: Timestamp,
        tick: Duration,
        layer: Layer,
        source: usize,
        packet: StoredPacket,
    ) -> Stored {
        let capacity = match self.kind {
            MediaKind::Audio => TrackBuffer::AUDIO_PACKETS,
            MediaKind::Video => TrackBuffer::VIDEO_PACKETS,
        };
        let buffer = self.buffers[layer.index()].get_or_insert_with(|| TrackBuffer::new(capacity));
        // Generations only grow: a packet of an older one was overtaken by its successor.
        let before = buffer.generation();
        if before.is_some_and(|before| before > packet.generation) {
            return Stored::Ignored;
        }
        let begins = before != Some(packet.generation);
        if begins {
            self.pending[layer.index()] = Pending::default();
        }
        if packet.generation >= self.newest_generation {
            self.newest_generation = packet.generation;
            self.codec = packet.frame.codec;
            self.source = source;
        }
        let (number, ends_frame) = (packet.ext_seq, packet.marker);
        let starts_keyframe = packet.frame.starts_keyframe;
        let wakes = !self.layers.is_active(layer, now);
        self.layers.on_packet(layer, &packet);
        if !buffer.push(packet) {
            return Stored::Ignored;
        }
        if starts_keyframe {
            self.keyframe_at[layer.index()] = Some(now);
        }
        let pending = &mut self.pending[layer.index()];
        pending.numbers.push(number);
        let due = if ends_frame || self.kind == MediaKind::Audio { now } else { now + tick };
        pending.due = Some(pending.due.map_or(due, |before| before.min(due)));
        if begins || wakes { Stored::Begins } else { Stored::Kept }
    }

    pub(crate) fn on_clock(&mut self, layer: Layer, reading: ClockReading) {
        self.layers.on_sender_report(layer, reading);
    }

    /// When the next packets are due.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.pending.iter().filter_map(|pending| pending.due).min()
    }

    /// Appends the numbers of `layer` that are due by `now`, in the order of arrival.
    pub(crate) fn take_due(&mut self, layer: Layer, now: Timestamp, numbers: &mut Vec<u64>) {
        let pending = &mut self.pending[layer.index()];
        if pending.due.is_some_and(|due| due <= now) {
            pending.due = None;
            numbers.append(&mut pending.numbers);
        }
    }

    pub(crate) fn buffer(&self, layer: Layer) -> Option<&TrackBuffer> {
        self.buffers[layer.index()].as_ref()
    }

    pub(crate) fn packet(&self, layer: Layer, number: u64) -> Option<&StoredPacket> {
        self.buffer(layer)?.get(number)
    }

    /// Whether a wish for a keyframe of `layer` should travel now.
    pub(crate) fn may_wish(&mut self, layer: Layer, now: Timestamp) -> bool {
        let wished_at = &mut self.wished_at[layer.index()];
        let may = wished_at.is_none_or(|at| now.saturating_since(at) >= WISH_INTERVAL);
        if may {
            *wished_at = Some(now);
        }
        may
    }

    /// Whether a receiver that gets `from` may wish for a keyframe of `to` now. Who climbs, from a layer that flows, waits until the last
    /// keyframe of `to`, come or asked for, is [`PATIENCE`] old; everybody else is without a picture or soon will be.
    pub(crate) fn may_switch(&self, from: Option<Layer>, to: Layer, now: Timestamp) -> bool {
        let climbs = from.is_some_and(|from| from < to && self.layers.is_active(from, now));
        let last = self.keyframe_at[to.index()].max(self.wished_at[to.index()]);
        !climbs || last.is_none_or(|at| now.saturating_since(at) >= PATIENCE)
    }
}

/// The tracks of a lesson by slot.
#[derive(Debug, Default)]
pub(crate) struct Tracks([Option<Box<Track>>; Slot::COUNT]);

impl Tracks {
    pub(crate) fn get(&self, slot: Slot) -> Option<&Track> {
        self.0[slot.index()].as_deref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Track> {
        self.0[slot.index()].as_deref_mut()
    }

    pub(crate) fn get_or_insert(&mut self, slot: Slot, codec: Codec, source: usize) -> &mut Track {
        self.0[slot.index()].get_or_insert_with(|| Box::new(Track::new(slot, codec, source)))
    }

    pub(crate) fn packet(&self, slot: Slot, layer: Layer, number: u64) -> Option<&StoredPacket> {
        self.get(slot)?.packet(layer, number)
    }
}
