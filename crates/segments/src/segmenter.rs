//! A whole lesson as media segments: every published layer has one muxer, shared by all its viewers.

use crate::{
    clock::{SAME_CLOCK_US, WallClock},
    lane::Lane,
    track::Track,
};
use domain::{Layer, MediaKind, Slot, Timestamp};
use media::{ClockReading, HostClock, StoredPacket};
use std::time::Duration;

/// A layer that has brought nothing for so long is not there (as in `media::Layers`).
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// When no layer of a slot brings anything, what was there last stays for so long: slides may stand still.
const ABSENT_AFTER: Duration = Duration::from_secs(10);

/// See the module's description. Feed it packets and clocks, poll its timeout; viewers read its lanes.
#[derive(Debug, Default)]
pub struct Segmenter {
    tracks: [[Option<Track>; Layer::COUNT]; Slot::COUNT],
    host: WallClock,
    /// The latest clocks of each layer, for a stream whose first packet comes after them.
    readings: [[Option<ClockReading>; Layer::COUNT]; Slot::COUNT],
    /// How each layer's host clock stands to the relay's: the timeline keeps the first reading, which may have come late.
    fastest: [[HostClock; Layer::COUNT]; Slot::COUNT],
    late_us: i64,
    logging: bool,
}

impl Segmenter {
    /// Takes a packet after repair, in any order.
    pub fn handle_packet(&mut self, slot: Slot, layer: Layer, packet: &StoredPacket) {
        let place = &mut self.tracks[slot.index()][layer.index()];
        let begins = place.as_ref().is_none_or(|track| track.generation() != packet.generation);
        let track = place.get_or_insert_with(|| Track::new(slot, packet));
        if begins {
            track.set_logging(self.logging);
            track.begin(packet);
            if let Some(reading) = &self.readings[slot.index()][layer.index()] {
                track.on_clock(reading, &mut self.host);
            }
        }
        track.handle_packet(packet, &self.host);
        if begins {
            self.late_us = self.lateness();
        }
    }

    /// Takes what the host's clocks showed.
    pub fn handle_clock(&mut self, slot: Slot, layer: Layer, reading: &ClockReading) {
        self.readings[slot.index()][layer.index()] = Some(*reading);
        self.fastest[slot.index()][layer.index()].on_reading(*reading);
        if let Some(track) = &mut self.tracks[slot.index()][layer.index()] {
            track.on_clock(reading, &mut self.host);
        }
        self.late_us = self.lateness();
    }

    /// How much later than the host's fastest reports the timeline places things, microseconds; negative: earlier. What is captured at
    /// the same moment has the same capture time by every way when this is taken off (`media::HostClock`).
    pub fn late_us(&self) -> i64 {
        self.late_us
    }

    fn lateness(&self) -> i64 {
        let places =
            Slot::ALL.iter().flat_map(|slot| Layer::ALL.iter().map(|layer| (slot.index(), layer.index())));
        let late = places.filter_map(|(slot, layer)| {
            let reading = self.readings[slot][layer]?;
            let placed = self.tracks[slot][layer].as_ref()?.placed(reading.ntp, &self.host)?;
            let arrived = self.fastest[slot][layer].on_relay(reading.ntp)?;
            Some(placed - arrived.as_micros().cast_signed())
        });
        late.filter(|late| late.abs() < SAME_CLOCK_US).max().unwrap_or(0)
    }

    /// When [`Segmenter::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.tracks.iter().flatten().flatten().filter_map(Track::poll_timeout).min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        for track in self.tracks.iter_mut().flatten().flatten() {
            if track.poll_timeout().is_some_and(|due| due <= now) {
                track.handle_timeout(now, &self.host);
            }
        }
    }

    /// The chunks of a layer; `None` before its first packet.
    pub fn lane(&self, slot: Slot, layer: Layer) -> Option<&Lane> {
        self.tracks[slot.index()][layer.index()].as_ref().map(|track| &track.lane)
    }

    /// Keeps frames for playlists from now on, or keeps them no more.
    pub fn set_logging(&mut self, on: bool) {
        self.logging = on;
        for track in self.tracks.iter_mut().flatten().flatten() {
            track.set_logging(on);
        }
    }

    pub(crate) fn track(&self, slot: Slot, layer: Layer) -> Option<&Track> {
        self.tracks[slot.index()][layer.index()].as_ref()
    }

    /// How many chunks there have been in all lanes together.
    pub fn chunk_count(&self) -> u64 {
        self.tracks.iter().flatten().flatten().map(|track| track.lane.next_number()).sum()
    }

    /// Whether a layer's pictures cannot go on before a keyframe.
    pub fn needs_keyframe(&self, slot: Slot, layer: Layer) -> bool {
        self.tracks[slot.index()][layer.index()].as_ref().is_some_and(Track::needs_keyframe)
    }

    /// The layer for somebody who may have up to `most`: the highest there is not above it, else the lowest there is.
    pub fn best(&self, slot: Slot, most: Layer, now: Timestamp) -> Option<Layer> {
        let tracks = &self.tracks[slot.index()];
        let newest = tracks.iter().flatten().map(|track| track.heard_at).max()?;
        let is_there = |layer: &Layer| {
            tracks[layer.index()].as_ref().is_some_and(|track| {
                newest.saturating_since(track.heard_at) < SILENT_AFTER
                    && now.saturating_since(track.heard_at) < ABSENT_AFTER
            })
        };
        let most = if slot.kind() == MediaKind::Audio { Layer::High } else { most };
        let below = Layer::ALL.into_iter().rev().filter(|layer| *layer <= most).find(is_there);
        below.or_else(|| Layer::ALL.into_iter().filter(|layer| *layer > most).find(is_there))
    }
}
