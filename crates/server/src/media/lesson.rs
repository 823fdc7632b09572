//! One worker's part of a lesson: the published tracks, and the receivers that are this worker's.

use super::{
    burst::{Burst, DATAGRAM_MAX, equalise},
    counts::Egress,
    inbox::Relayed,
    receiver::{Available, Receiver},
    socket::MediaSocket,
    track::{Stored, Tracks},
};
use domain::{Layer, MediaKind, PeerId, Slot, Timestamp};
use media::ClockReading;
use std::time::{Duration, Instant};

/// A lesson that nobody is in and nothing comes of is forgotten after this long.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// One in so many receivers has the delay of its packets measured.
const LATENCY_SAMPLE: usize = 8;

/// One packet on its way to every receiver that takes its layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) slot: Slot,
    pub(super) layer: Layer,
    pub(super) number: u64,
    /// Bytes that make it as long as its neighbours.
    pub(super) padding: u8,
}

/// Keyframes that receivers of a lesson wait for, by slot and layer.
pub(super) type Wishes = [[bool; Layer::COUNT]; Slot::COUNT];

/// What sending needs besides the lesson: one set per worker.
pub(super) struct Egressor {
    pub(super) burst: Burst,
    pub(super) socket: MediaSocket,
    pub(super) counts: Egress,
    pub(super) epoch: Instant,
}

impl Egressor {
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.epoch.elapsed()
    }
}

/// See the module's description.
#[derive(Default)]
pub(super) struct Lesson {
    pub(super) tracks: Tracks,
    pub(super) receivers: Vec<Receiver>,
    pub(super) wishes: Wishes,
    /// A track or layer has begun or ended: choose everybody's layers anew before the next packets leave.
    changed: bool,
    /// Some receiver gets old packets at its own pace.
    anybody_behind: bool,
    drained_at: Timestamp,
    active_at: Timestamp,
    /// Receivers whose sender report is due.
    reports_due: Vec<PeerId>,
    due: Vec<Due>,
    numbers: Vec<u64>,
    lens: Vec<usize>,
    paddings: Vec<u8>,
}

impl Lesson {
    /// Takes a packet of the host's.
    pub(super) fn store(&mut self, now: Timestamp, tick: Duration, relayed: Relayed) {
        let Relayed { slot, layer, source, packet, .. } = relayed;
        self.active_at = now;
        let track = self.tracks.get_or_insert(slot, packet.frame.codec, source);
        if track.store(now, tick, layer, source, packet) == Stored::Begins {
            self.changed = true;
        }
    }

    pub(super) fn on_clock(&mut self, slot: Slot, layer: Layer, reading: ClockReading) {
        if let Some(track) = self.tracks.get_mut(slot) {
            track.on_clock(layer, reading);
        }
    }

    /// When [`Lesson::flush`] has something to do.
    pub(super) fn due(&self, tick: Duration) -> Option<Timestamp> {
        let packets = Slot::ALL.into_iter().filter_map(|slot| self.tracks.get(slot)?.due()).min();
        let behind = self.anybody_behind.then(|| self.drained_at + tick);
        packets.into_iter().chain(behind).min()
    }

    /// Sends what is due to every receiver: one walk, one arena, receiver by receiver.
    pub(super) fn flush(&mut self, now: Timestamp, tick: Duration, egressor: &mut Egressor) {
        if self.changed {
            self.changed = false;
            self.reallocate(now, |_| true);
        }
        self.collect_due(now);
        let drains = self.anybody_behind && self.drained_at + tick <= now;
        if self.due.is_empty() && !drains {
            return;
        }
        if drains {
            self.drained_at = now;
        }
        let mut anybody_behind = false;
        for (at, receiver) in self.receivers.iter_mut().enumerate() {
            if !self.due.is_empty() || receiver.is_behind() {
                receiver.send(&self.due, &self.tracks, egressor);
            }
            if at % LATENCY_SAMPLE == 0 {
                let departed = egressor.now();
                egressor.counts.departed(&self.due, &self.tracks, departed);
            }
            anybody_behind |= receiver.is_behind();
            receiver.wishes(now, &mut self.wishes);
            if receiver.report_due <= now {
                self.reports_due.push(receiver.peer);
            }
        }
        self.anybody_behind = anybody_behind;
    }

    /// Fills `self.due`: pictures first, voice last, because a short packet may end a run of long ones.
    fn collect_due(&mut self, now: Timestamp) {
        self.due.clear();
        for slot in Slot::ALL.into_iter().rev() {
            let Some(track) = self.tracks.get_mut(slot) else { continue };
            for layer in Layer::ALL {
                self.numbers.clear();
                track.take_due(layer, now, &mut self.numbers);
                if self.numbers.is_empty() {
                    continue;
                }
                self.lens.clear();
                let len =
                    |&number: &u64| track.packet(layer, number).map_or(0, |packet| packet.payload.len());
                self.lens.extend(self.numbers.iter().map(len));
                if slot.kind() == MediaKind::Video {
                    equalise(&self.lens, &mut self.paddings);
                } else {
                    self.paddings.clear();
                    self.paddings.resize(self.lens.len(), 0);
                }
                let sized = self.numbers.iter().zip(&self.lens).zip(&self.paddings);
                // A packet that no datagram of ours can hold is left out for everybody.
                let fitting = sized.filter(|((_, len), _)| **len + 128 <= DATAGRAM_MAX);
                self.due.extend(fitting.map(|((&number, _), &padding)| Due { slot, layer, number, padding }));
            }
        }
    }

    /// What there is to choose from now.
    pub(super) fn available(&self, now: Timestamp) -> Available {
        let mut available = Available::default();
        for slot in Slot::ALL {
            let Some(track) = self.tracks.get(slot) else { continue };
            for layer in Layer::ALL {
                if track.layers.is_active(layer, now) {
                    available.rates[slot.index()][layer.index()] = Some(track.layers.bitrate(layer, now));
                    available.codecs[slot.index()] = Some(track.codec);
                }
            }
        }
        available
    }

    /// Chooses layers anew for the receivers `which` names by position.
    pub(super) fn reallocate(&mut self, now: Timestamp, which: impl Fn(usize) -> bool) {
        let available = self.available(now);
        for (_, receiver) in self.receivers.iter_mut().enumerate().filter(|(at, _)| which(*at)) {
            receiver.reallocate(now, &available, &self.tracks);
            self.anybody_behind |= receiver.is_behind();
            receiver.wishes(now, &mut self.wishes);
        }
    }

    /// Moves the peers whose sender report is due to `peers`.
    pub(super) fn take_reports_due(&mut self, peers: &mut Vec<PeerId>) {
        peers.append(&mut self.reports_due);
    }

    /// Calls `wish` for every keyframe that somebody waits for and that was not asked for a moment ago.
    pub(super) fn take_wishes(&mut self, now: Timestamp, mut wish: impl FnMut(Slot, Layer)) {
        for slot in Slot::ALL {
            for layer in Layer::ALL {
                if std::mem::take(&mut self.wishes[slot.index()][layer.index()])
                    && self.tracks.get_mut(slot).is_some_and(|track| track.may_wish(layer, now))
                {
                    wish(slot, layer);
                }
            }
        }
    }

    /// Adds a receiver; its position.
    pub(super) fn attach(&mut self, now: Timestamp, receiver: Receiver) -> usize {
        self.active_at = now;
        self.receivers.push(receiver);
        let at = self.receivers.len() - 1;
        self.reallocate(now, |position| position == at);
        at
    }

    /// Removes the receiver at `at`; the peer that now has its position, if any.
    pub(super) fn detach(&mut self, at: usize) -> Option<PeerId> {
        if at < self.receivers.len() {
            self.receivers.swap_remove(at);
        }
        self.receivers.get(at).map(|receiver| receiver.peer)
    }

    /// Nothing has come for a while and nobody is here: the worker may forget it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.receivers.is_empty() && now.saturating_since(self.active_at) > FORGOTTEN_AFTER
    }
}
