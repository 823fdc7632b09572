//! One worker's part of a lesson: the published tracks, and the receivers that are this worker's.

use crate::{
    Counts, Egress, Outlet, Receiver,
    adapt::Available,
    outlet::DATAGRAM_MAX,
    padding::equalise,
    receiver::Exit,
    track::{Stored, Tracks},
};
use domain::{Codec, Layer, MediaKind, PeerId, Slot, Timestamp};
use media::{ClockReading, DownReport, ReplayLimits, StoredPacket};
use std::time::Duration;

/// A lesson that nobody is in and nothing comes of is forgotten after this long.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// One in so many receivers has the delay of its packets measured.
const LATENCY_SAMPLE: usize = 8;

/// One packet of a published track.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// What it is of.
    pub slot: Slot,
    /// Which size of it.
    pub layer: Layer,
    /// Worker that owns the publisher: keyframe wishes go there.
    pub source: usize,
    /// The packet.
    pub packet: StoredPacket,
}

/// One packet on its way to every receiver that takes its layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) slot: Slot,
    pub(crate) layer: Layer,
    pub(crate) number: u64,
    /// Bytes that make it as long as its neighbours.
    pub(crate) padding: u8,
}

/// Keyframes that receivers of a lesson wait for, by slot and layer.
pub(crate) type Wishes = [[bool; Layer::COUNT]; Slot::COUNT];

/// A receiver and its way out.
#[derive(Debug)]
pub struct Seat<O> {
    /// What it gets.
    pub receiver: Receiver,
    /// How it gets it.
    pub outlet: O,
}

/// See the module's description.
#[derive(Debug)]
pub struct Relay<O> {
    tracks: Tracks,
    seats: Vec<Seat<O>>,
    wishes: Wishes,
    counts: Counts,
    /// A track or layer has begun or ended: choose everybody's layers anew before the next packets leave.
    changed: bool,
    /// Some receiver gets old packets at its own pace, or has its link tried.
    anybody_busy: bool,
    drained_at: Timestamp,
    active_at: Timestamp,
    /// Receivers whose sender report is due.
    reports_due: Vec<PeerId>,
    due: Vec<Due>,
    numbers: Vec<u64>,
    lens: Vec<usize>,
    paddings: Vec<u8>,
}

impl<O> Default for Relay<O> {
    fn default() -> Self {
        Self {
            tracks: Tracks::default(),
            seats: Vec::new(),
            wishes: Wishes::default(),
            counts: Counts::default(),
            changed: false,
            anybody_busy: false,
            drained_at: Timestamp::ZERO,
            active_at: Timestamp::ZERO,
            reports_due: Vec::new(),
            due: Vec::new(),
            numbers: Vec::new(),
            lens: Vec::new(),
            paddings: Vec::new(),
        }
    }
}

impl<O: Outlet> Relay<O> {
    /// Takes a packet of the host's.
    pub fn store(&mut self, now: Timestamp, tick: Duration, incoming: Incoming) {
        let Incoming { slot, layer, source, packet } = incoming;
        self.active_at = now;
        let track = self.tracks.get_or_insert(slot, packet.frame.codec, source);
        if track.store(now, tick, layer, source, packet) == Stored::Begins {
            self.changed = true;
        }
    }

    /// Takes the host's clocks.
    pub fn on_clock(&mut self, slot: Slot, layer: Layer, reading: ClockReading) {
        if let Some(track) = self.tracks.get_mut(slot) {
            track.on_clock(layer, reading);
        }
    }

    /// What a newcomer who is no receiver needs of the tracks of `source`: the clocks, and the pictures since the latest keyframes.
    pub fn recent(
        &self,
        source: usize,
        mut clock: impl FnMut(Slot, Layer, ClockReading),
        mut picture: impl FnMut(Slot, Layer, &StoredPacket),
    ) {
        for slot in Slot::ALL {
            let Some(track) = self.tracks.get(slot).filter(|track| track.source == source) else { continue };
            for layer in Layer::ALL {
                let Some(buffer) = track.buffer(layer) else { continue };
                if let Some(reading) =
                    buffer.generation().and_then(|generation| track.layers.clock(layer, generation))
                {
                    clock(slot, layer, reading);
                }
                let range = buffer.replay_from_keyframe(ReplayLimits::default());
                for packet in range.into_iter().flat_map(|range| buffer.packets(range)) {
                    picture(slot, layer, packet);
                }
            }
        }
    }

    /// When [`Relay::flush`] has something to do.
    pub fn due(&self, tick: Duration) -> Option<Timestamp> {
        let packets = Slot::ALL.into_iter().filter_map(|slot| self.tracks.get(slot)?.due()).min();
        let busy = self.anybody_busy.then(|| next_beat(self.drained_at, tick));
        packets.into_iter().chain(busy).min()
    }

    /// Sends what is due to every receiver: one walk, one arena, receiver by receiver.
    pub fn flush(&mut self, now: Timestamp, tick: Duration, egress: &mut O::Egress) {
        if self.changed {
            self.changed = false;
            self.reallocate(now, |_| true);
        }
        self.collect_due(now);
        let drains = self.anybody_busy && next_beat(self.drained_at, tick) <= now;
        if self.due.is_empty() && !drains {
            return;
        }
        if drains {
            self.drained_at = now;
        }
        let mut anybody_busy = false;
        for (at, Seat { receiver, outlet }) in self.seats.iter_mut().enumerate() {
            // A turn somebody else wanted is none of this receiver's: not even its reports follow another's beat.
            if self.due.is_empty() && !receiver.is_busy() {
                continue;
            }
            let mut exit = Exit { outlet, egress, counts: &mut self.counts };
            receiver.send(&self.due, &self.tracks, &mut exit);
            if at % LATENCY_SAMPLE == 0 {
                let departed = egress.now();
                note_latency(&mut self.counts, &self.due, &self.tracks, departed);
            }
            anybody_busy |= receiver.is_busy();
            receiver.wishes(now, &self.tracks, &mut self.wishes);
            if receiver.report_due <= now {
                self.reports_due.push(receiver.peer());
            }
        }
        self.note_busy(now, anybody_busy);
        self.anybody_busy = anybody_busy;
    }

    /// Somebody wants a turn from `now` on.
    fn note_busy(&mut self, now: Timestamp, is_busy: bool) {
        if is_busy && !self.anybody_busy {
            self.anybody_busy = true;
            self.drained_at = now;
        }
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
                    self.counts.padded += self.paddings.iter().filter(|&&padding| padding > 0).count() as u64;
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
    fn available(&self, now: Timestamp) -> Available {
        let mut available = Available::default();
        for slot in Slot::ALL {
            let Some(track) = self.tracks.get(slot) else { continue };
            for layer in Layer::ALL {
                if track.layers.is_active(layer, now) {
                    available.rates[slot.index()][layer.index()] = Some(track.layers.steady_rate(layer, now));
                    available.codecs[slot.index()] = Some(track.codec);
                }
            }
        }
        available
    }

    /// Chooses layers anew for the receivers `which` names by position.
    pub fn reallocate(&mut self, now: Timestamp, which: impl Fn(usize) -> bool) {
        let available = self.available(now);
        let mut is_busy = false;
        for (_, Seat { receiver, .. }) in self.seats.iter_mut().enumerate().filter(|(at, _)| which(*at)) {
            receiver.reallocate(now, &available, &self.tracks);
            is_busy |= receiver.is_busy();
            receiver.wishes(now, &self.tracks, &mut self.wishes);
        }
        self.note_busy(now, is_busy);
    }

    /// Looks after every `step`th receiver from position `first` on, as the caller does for all of them in turn; `news` hears what
    /// is new about each: a published codec it cannot play, its statistics.
    pub fn care(
        &mut self,
        now: Timestamp,
        first: usize,
        step: usize,
        mut news: impl FnMut(&mut Receiver, Option<(Slot, Codec)>),
    ) {
        self.reallocate(now, |at| at % step == first);
        let available = self.available(now);
        for Seat { receiver, .. } in self.seats.iter_mut().skip(first).step_by(step) {
            if receiver.report_due <= now {
                self.reports_due.push(receiver.peer());
            }
            let missing = receiver.missing_codec(&available);
            news(receiver, missing);
        }
    }

    /// The receiver at `at` and what it needs to answer a report: see [`Receiver`]'s `on_*` methods. `act` gets the receiver,
    /// and an [`Exit`] through which repairs leave.
    pub fn with_receiver<R>(
        &mut self,
        at: usize,
        egress: &mut O::Egress,
        act: impl FnOnce(&mut Receiver, &mut Reporting<'_, O>) -> R,
    ) -> Option<R> {
        let Seat { receiver, outlet } = self.seats.get_mut(at)?;
        outlet.begin(egress);
        let mut reporting = Reporting {
            tracks: &self.tracks,
            wishes: &mut self.wishes,
            exit: Exit { outlet, egress, counts: &mut self.counts },
        };
        let result = act(receiver, &mut reporting);
        reporting.exit.outlet.end(reporting.exit.egress);
        let (is_busy, is_unsettled) = (receiver.is_busy(), receiver.unsettled);
        if is_busy || is_unsettled {
            let now = egress.now();
            self.note_busy(now, is_busy);
            if is_unsettled {
                self.reallocate(now, |position| position == at);
            }
        }
        Some(result)
    }

    /// The sender reports of the receiver at `at` that are due: SSRC and content.
    pub fn sender_reports(&mut self, now: Timestamp, at: usize) -> Vec<(u32, DownReport)> {
        let Some(Seat { receiver, .. }) = self.seats.get_mut(at) else { return Vec::new() };
        receiver.sender_reports(now, &self.tracks)
    }

    /// Moves the peers whose sender report is due to `peers`.
    pub fn take_reports_due(&mut self, peers: &mut Vec<PeerId>) {
        peers.append(&mut self.reports_due);
    }

    /// Calls `wish` for every keyframe that somebody waits for and that was not asked for a moment ago.
    pub fn take_wishes(&mut self, now: Timestamp, mut wish: impl FnMut(Slot, Layer)) {
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

    /// The worker that owns the publisher of `slot`; `None`: nothing has come for it.
    pub fn source(&self, slot: Slot) -> Option<usize> {
        Some(self.tracks.get(slot)?.source)
    }

    /// Adds a receiver; its position.
    pub fn attach(&mut self, now: Timestamp, receiver: Receiver, outlet: O) -> usize {
        self.active_at = now;
        self.seats.push(Seat { receiver, outlet });
        let at = self.seats.len() - 1;
        self.reallocate(now, |position| position == at);
        at
    }

    /// Removes the receiver at `at`; the peer that now has its position, if any.
    pub fn detach(&mut self, at: usize) -> Option<PeerId> {
        if at < self.seats.len() {
            self.seats.swap_remove(at);
        }
        self.seats.get(at).map(|seat| seat.receiver.peer())
    }

    /// The receivers and their ways out, by position.
    pub fn seats(&self) -> &[Seat<O>] {
        &self.seats
    }

    /// The receiver at `at` and its way out.
    pub fn seat_mut(&mut self, at: usize) -> Option<&mut Seat<O>> {
        self.seats.get_mut(at)
    }

    /// Renews what is measured over a second, of every receiver.
    pub fn measure(&mut self, now: Timestamp) {
        for seat in &mut self.seats {
            seat.receiver.measure(now);
        }
    }

    /// What was counted since the last time.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Nothing has come for a while and nobody is here: it may be forgotten.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.seats.is_empty() && now.saturating_since(self.active_at) > FORGOTTEN_AFTER
    }
}

/// What a receiver's report is answered with.
pub struct Reporting<'a, O: Outlet> {
    pub(crate) tracks: &'a Tracks,
    pub(crate) wishes: &'a mut Wishes,
    pub(crate) exit: Exit<'a, O>,
}

/// The beat after `at`. Receivers that want turns of their own get them on beats of the clock, not a tick after somebody else's: when a
/// packet leaves for one place is no other place's business.
fn next_beat(at: Timestamp, tick: Duration) -> Timestamp {
    let tick = tick.as_micros().max(1) as u64;
    Timestamp::from_micros((at.as_micros() / tick + 1) * tick)
}

/// Notes how long the packets that have just left to one receiver had been here.
fn note_latency(counts: &mut Counts, due: &[Due], tracks: &Tracks, now: Timestamp) {
    for due in due {
        if let Some(packet) = tracks.packet(due.slot, due.layer, due.number) {
            counts.latency.note(now.saturating_since(packet.arrival));
        }
    }
}
