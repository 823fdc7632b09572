//! One viewer of a lesson, as its worker sees it on every packet: small, contiguous, without a lock or an
//! allocation on the way of a packet.

use crate::{
    CaptureClock, Counts, Egress, Outlet, ReceiverSpec, ReceiverTerms, SlotSpec,
    history::SendHistory,
    outlet::{DATAGRAM_MAX, Packet, Refused, Stream},
    pacer::Pacer,
    relay::{Due, Wishes},
    spec::codec_index,
    track::Tracks,
};
use adaptive::{Link, Protector, first_playout};
use domain::{Bitrate, Codec, Layer, MediaKind, PeerId, Slot, Timestamp};
use media::{DownTrack, ExtensionBlock, Leave, Outgoing, PlaceQuota, SentReports, StoredPacket, WireIds};
use std::time::Duration;

/// Pace of the pictures since the last keyframe towards a late joiner, where nothing speaks against it.
pub(crate) const REPLAY_RATE: Bitrate = Bitrate::from_kbps(8_000);
/// Packets a receiver may be behind, and for how long. Full: its picture goes on at the next keyframe.
const BEHIND_MAX: u64 = 700;
const BEHIND_FOR: Duration = Duration::from_secs(3);
/// Repair of pictures may take this share of what the link carries, or this many times what it loses, and never less than the
/// least: a link that needs more is served better by a lower layer.
const REPAIR_SHARE: f64 = 0.15;
const REPAIR_OF_LOSS: f64 = 2.5;
const REPAIR_LEAST: Bitrate = Bitrate::from_kbps(30);
/// Wishes for the same slot's keyframe of one receiver are this far apart.
const WISH_INTERVAL: Duration = Duration::from_millis(400);
/// Voice before the first is looked back for at most so many packets: half a second, were each of 10 ms.
const RECALL_PACKETS: usize = 50;
/// Voice comes every 20 ms; where none has come for so long, there is none.
const VOICE_FIRST: Duration = Duration::from_millis(150);
/// Fixed header of RTP.
pub(crate) const HEADER_LEN: usize = 12;
/// IPv4 and UDP headers: estimates speak of what the link carries.
pub(crate) const IP_OVERHEAD: usize = 28;

/// A receiver's position in a layer's ring while it gets packets later than the others. The ring itself is the queue:
/// nothing is stored for a receiver that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behind {
    layer: Layer,
    generation: u32,
    next: u64,
    /// It is let catch up at the receiver's pace, otherwise at once.
    paced: bool,
    /// Since when.
    since: Timestamp,
}

impl Behind {
    pub(crate) fn new(now: Timestamp, layer: Layer, generation: u32, next: u64, paced: bool) -> Self {
        Self { layer, generation, next, paced, since: now }
    }
}

/// One slot of a receiver.
#[derive(Debug)]
pub(crate) struct DownSlot {
    pub(crate) down: DownTrack,
    pub(crate) spec: SlotSpec,
    pub(crate) behind: Option<Behind>,
    /// Next number of the repair stream, with its roll-over count.
    pub(crate) next_repair: u64,
    wished_at: Option<Timestamp>,
    /// Highest number the receiver has reported, to weigh its loss.
    pub(crate) reported: u32,
    /// Voice may be asked for again as it was.
    keeps: bool,
    /// A codec it was told to be missing.
    pub(crate) missing_told: Option<Codec>,
    /// As the last sender report told it.
    pub(crate) clock: Option<CaptureClock>,
}

impl DownSlot {
    pub(crate) fn payload_type(&self, codec: Codec) -> Option<u8> {
        self.spec.payload_types[codec_index(codec)].map(|(media, _)| media)
    }

    pub(crate) fn repair_payload_type(&self, codec: Codec) -> Option<u8> {
        self.spec.payload_types[codec_index(codec)].and_then(|(_, repair)| repair)
    }
}

/// Counters of one receiver since it connected.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReceiverCounts {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) nacked: u64,
    pub(crate) repaired: u64,
    pub(crate) keyframe_requests: u64,
    pub(crate) dropped: u64,
}

/// A receiver and what packets to it pass on their way out.
#[derive(Debug)]
pub struct Exit<'a, O: Outlet> {
    pub(crate) outlet: &'a mut O,
    pub(crate) egress: &'a mut O::Egress,
    pub(crate) counts: &'a mut Counts,
}

/// See the module's description.
#[derive(Debug)]
pub struct Receiver {
    peer: PeerId,
    pub(crate) slots: [Option<DownSlot>; Slot::COUNT],
    extensions: ExtensionBlock,
    transport_id: Option<u8>,
    pub(crate) history: Option<SendHistory>,
    pub(crate) link: Link,
    pub(crate) protector: Protector,
    /// Its voice begins with what was said in so much time before: a player that finds one packet plays it at once and then has
    /// nothing until its playout has filled; filled with the past, it never stops. Zero for a near one, which waits for nothing.
    recall: Duration,
    pub(crate) terms: ReceiverTerms,
    /// The link was found overfull, or free again: what it gets must be chosen anew at once.
    pub(crate) unsettled: bool,
    pub(crate) quota: PlaceQuota,
    pub(crate) sent_reports: SentReports,
    /// `None`: what comes in leaves at once, and only a replay is spread.
    pub(crate) pace: Option<Bitrate>,
    /// What it is let catch up at.
    pub(crate) catch_up: Bitrate,
    /// Its TCP connection takes no more now: pictures wait in the ring.
    clogged: bool,
    pacer: Pacer,
    /// Bytes of repair that may leave now.
    pub(crate) repair_credit: u64,
    pub(crate) connected_at: Timestamp,
    /// When the next sender report is due.
    pub(crate) report_due: Timestamp,
    pub(crate) counts: ReceiverCounts,
    counted_at: Timestamp,
    counted_bytes: u64,
    pub(crate) rate: Bitrate,
}

impl Receiver {
    /// A receiver that has just connected.
    pub fn new(now: Timestamp, spec: &ReceiverSpec) -> Self {
        let mut extensions = ExtensionBlock::new();
        if let Some(id) = spec.transport_id {
            extensions.push(id, &[0, 0]);
        }
        let mut slots: [Option<DownSlot>; Slot::COUNT] = Default::default();
        for slot in &spec.slots {
            slots[slot.slot.index()] = Some(DownSlot {
                down: DownTrack::new(slot.slot.kind(), slot.start),
                spec: *slot,
                behind: None,
                next_repair: u64::from(slot.repair_start),
                wished_at: None,
                reported: 0,
                keeps: slot.slot.kind() == MediaKind::Audio && slot.nack && slot.repair_ssrc.is_none(),
                missing_told: None,
                clock: None,
            });
        }
        Self {
            peer: spec.peer,
            slots,
            extensions,
            transport_id: spec.transport_id,
            history: spec.transport_id.map(|_| SendHistory::new()),
            link: Link::new(spec.start),
            protector: Protector::new(spec.answered),
            recall: first_playout(spec.answered),
            terms: ReceiverTerms::default(),
            unsettled: false,
            quota: PlaceQuota::default(),
            sent_reports: SentReports::default(),
            pace: None,
            catch_up: REPLAY_RATE,
            clogged: false,
            pacer: Pacer::new(now),
            repair_credit: Bitrate::from_kbps(500).bytes_in(Duration::from_secs(1)),
            connected_at: now,
            report_due: now,
            counts: ReceiverCounts::default(),
            counted_at: now,
            counted_bytes: 0,
            rate: Bitrate::ZERO,
        }
    }

    /// Who it is.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Whether it wants a turn although nothing new has come: some slot is behind, or the link is being tried.
    pub(crate) fn is_busy(&self) -> bool {
        self.link.is_trying() || self.is_behind()
    }

    fn is_behind(&self) -> bool {
        self.slots.iter().flatten().any(|slot| slot.behind.is_some())
    }

    /// Writes, seals and sends what this receiver takes of `due`, after what it is behind with.
    pub(crate) fn send<O: Outlet>(&mut self, due: &[Due], tracks: &Tracks, exit: &mut Exit<'_, O>) {
        let now = exit.egress.now();
        let (bytes_before, packets_before) = (self.counts.bytes, self.counts.packets);
        exit.outlet.begin(exit.egress);
        self.clogged = exit.outlet.is_clogged(exit.egress, self.link.estimator().estimate());
        self.refill(now);
        let mut catches_up = self.is_behind();
        if catches_up {
            self.drain(now, tracks, exit);
        }
        for item in due {
            catches_up |= self.send_one(now, *item, tracks, exit);
        }
        if catches_up {
            self.drain(now, tracks, exit);
        }
        let bytes = self.counts.bytes - bytes_before;
        if bytes > 0 {
            let headers = (self.counts.packets - packets_before) as usize * IP_OVERHEAD;
            self.link.on_sent(now, bytes as usize + headers);
        }
        // A connection whose queue is full is told nothing by more bytes.
        if self.link.is_trying() && !self.clogged {
            self.fill(now, tracks, exit);
        }
        exit.outlet.end(exit.egress);
    }

    /// `true`: the packet started a layer, and what came after it must be caught up with.
    fn send_one<O: Outlet>(
        &mut self,
        now: Timestamp,
        item: Due,
        tracks: &Tracks,
        exit: &mut Exit<'_, O>,
    ) -> bool {
        if item.slot == Slot::ProgramAudio && self.lets_voice_begin(now) && self.gets(item.slot) {
            self.recall_voice(now, item, tracks, exit);
        }
        let Some(slot) = self.slots[item.slot.index()].as_mut() else { return false };
        if slot.down.target().is_none() {
            return false;
        }
        let (Some(track), Some(packet)) =
            (tracks.get(item.slot), tracks.packet(item.slot, item.layer, item.number))
        else {
            return false;
        };
        if let Some(behind) = &slot.behind {
            if behind.layer == item.layer && item.number >= behind.next {
                return false;
            }
        } else if (self.clogged || (self.pace.is_some() && !self.pacer.may_send()))
            && item.slot.kind() == MediaKind::Video
            && slot.down.current() == Some(item.layer)
        {
            slot.behind = Some(Behind::new(now, item.layer, packet.generation, item.number, true));
            return false;
        }
        let Some(outgoing) = slot.down.plan(item.layer, packet, &track.layers) else { return false };
        let starts = outgoing.starts_layer && item.slot.kind() == MediaKind::Video;
        if starts {
            let paced = self.pace.is_some();
            slot.behind = Some(Behind::new(now, item.layer, packet.generation, item.number + 1, paced));
            self.report_due = now;
        }
        if item.slot.kind() == MediaKind::Audio {
            self.write_voice(now, item, &outgoing, packet, tracks, exit);
        } else {
            self.write(now, item.slot, &outgoing, packet, item.padding, exit);
        }
        starts
    }

    /// A far place has just connected and its voice has not begun: pictures wait for it, because a keyframe before it would be most of
    /// a second on a thin link. Whose voice begins later than that hears nothing that was said before: it may have been kept from it.
    fn lets_voice_begin(&self, now: Timestamp) -> bool {
        !self.recall.is_zero() && now.saturating_since(self.connected_at) < VOICE_FIRST
    }

    /// Sends what was said just before the receiver's first voice, once; not to who is called to speak, who hears what is said now.
    fn recall_voice<O: Outlet>(
        &mut self,
        now: Timestamp,
        first: Due,
        tracks: &Tracks,
        exit: &mut Exit<'_, O>,
    ) {
        let span = std::mem::take(&mut self.recall);
        let buffer = tracks.get(first.slot).and_then(|track| track.buffer(first.layer));
        let Some(buffer) = buffer.filter(|_| !self.terms.speaks) else { return };
        let is_of_it = |number: &u64| {
            buffer.get(*number).is_some_and(|packet| now.saturating_since(packet.arrival) <= span)
        };
        let earlier = (0..first.number).rev().take(RECALL_PACKETS).take_while(is_of_it).count() as u64;
        for number in first.number - earlier..first.number {
            self.send_one(now, Due { number, ..first }, tracks, exit);
        }
    }

    /// Sends from the rings what slots are behind with, as far as the pace allows.
    fn drain<O: Outlet>(&mut self, now: Timestamp, tracks: &Tracks, exit: &mut Exit<'_, O>) {
        let waits = self.lets_voice_begin(now);
        for slot in Slot::ALL {
            while let Some(state) = self.slots[slot.index()].as_mut()
                && let Some(behind) = state.behind
            {
                let buffer = tracks.get(slot).and_then(|track| Some((track, track.buffer(behind.layer)?)));
                let Some((track, buffer)) = buffer.filter(|(_, b)| b.generation() == Some(behind.generation))
                else {
                    state.behind = None;
                    break;
                };
                let newest = buffer.newest().unwrap_or(0);
                if behind.next > newest {
                    state.behind = None;
                    break;
                }
                if newest - behind.next > BEHIND_MAX || now.saturating_since(behind.since) > BEHIND_FOR {
                    // full: the picture goes on at the next keyframe.
                    let target = state.down.target();
                    state.down.set_target(None, Leave::AtOnce);
                    state.down.set_target(target, Leave::AtOnce);
                    state.behind = None;
                    self.counts.dropped += newest - behind.next;
                    exit.counts.skipped += 1;
                    break;
                }
                if self.clogged || waits || (behind.paced && !self.pacer.may_send()) {
                    break;
                }
                state.behind = Some(Behind { next: behind.next + 1, ..behind });
                let Some(packet) = buffer.get(behind.next) else { continue };
                if packet.payload.len() + 128 > DATAGRAM_MAX {
                    continue;
                }
                if let Some(outgoing) = state.down.plan(behind.layer, packet, &track.layers) {
                    if outgoing.starts_layer {
                        self.report_due = now;
                    }
                    self.write(now, slot, &outgoing, packet, 0, exit);
                }
            }
        }
    }

    /// Puts one planned packet into the arena.
    fn write<O: Outlet>(
        &mut self,
        now: Timestamp,
        slot: Slot,
        outgoing: &Outgoing,
        packet: &StoredPacket,
        padding: u8,
        exit: &mut Exit<'_, O>,
    ) {
        let Some(state) = self.slots[slot.index()].as_ref() else { return };
        let Some(payload_type) = state.payload_type(outgoing.codec) else { return };
        let wire = WireIds { ssrc: state.spec.ssrc, payload_type };
        let keep = state.keeps;
        self.write_with(now, exit, slot, Stream::Media, outgoing.sequence, keep, |extensions, room| {
            let pad_to =
                if padding == 0 { 0 } else { outgoing.len(packet, extensions) + usize::from(padding) };
            outgoing.write(packet, wire, extensions, pad_to, room).ok()
        });
    }

    /// Puts one packet, written by `write` into the room it is given, on its way. Returns its length on the wire, or
    /// `None` when it was not sent.
    #[expect(clippy::too_many_arguments, reason = "one private writer behind two doors")]
    pub(crate) fn write_with<O: Outlet>(
        &mut self,
        now: Timestamp,
        exit: &mut Exit<'_, O>,
        slot: Slot,
        stream: Stream,
        index: u64,
        keep: bool,
        write: impl FnOnce(&[u8], &mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let counts_transport = self.counts_transport(slot);
        let extensions: &[u8] = match (&self.history, self.transport_id) {
            (Some(history), Some(id)) if counts_transport => {
                self.extensions.set(id, &history.next().to_be_bytes());
                self.extensions.bytes()
            }
            _ => &[],
        };
        let packet = Packet { slot, stream, index, header_len: HEADER_LEN + extensions.len(), keep };
        let total = match exit.outlet.packet(exit.egress, packet, |room| write(extensions, room)) {
            Ok(total) => total,
            Err(Refused::TooLong) => {
                exit.counts.too_long += 1;
                return None;
            }
            Err(Refused::Unsealed) => {
                exit.counts.seal_refused += 1;
                return None;
            }
        };
        if counts_transport && let Some(history) = &mut self.history {
            history.record(now, total + IP_OVERHEAD);
        }
        self.sent(total, exit.counts);
        Some(total)
    }

    /// Notes that a packet of `total` bytes left.
    pub(crate) fn sent(&mut self, total: usize, counts: &mut Counts) {
        self.counts.packets += 1;
        self.counts.bytes += total as u64;
        self.pacer.on_sent(total + IP_OVERHEAD);
        counts.packets += 1;
        counts.bytes += total as u64;
    }

    fn gets(&self, slot: Slot) -> bool {
        self.slots[slot.index()].as_ref().is_some_and(|state| state.down.target().is_some())
    }

    pub(crate) fn counts_transport(&self, slot: Slot) -> bool {
        self.slots[slot.index()].as_ref().is_some_and(|slot| slot.spec.counts_transport)
    }

    /// Puts one planned voice packet on its way, with as many predecessors as its link's loss demands.
    fn write_voice<O: Outlet>(
        &mut self,
        now: Timestamp,
        item: Due,
        outgoing: &Outgoing,
        packet: &StoredPacket,
        tracks: &Tracks,
        exit: &mut Exit<'_, O>,
    ) {
        let distance = self.protector.current().redundancy;
        let state = self.slots[item.slot.index()].as_ref();
        let agreed =
            state.and_then(|state| Some((state, state.spec.red?, state.payload_type(outgoing.codec)?)));
        let Some((state, red, opus)) = agreed.filter(|_| distance > 0) else {
            self.write(now, item.slot, outgoing, packet, 0, exit);
            return;
        };
        let wire = WireIds { ssrc: state.spec.ssrc, payload_type: red };
        let keep = state.keeps;
        let mut earlier = [packet; 2];
        let mut count = 0;
        for back in (1..=u64::from(distance.min(2))).rev() {
            let before = packet.ext_seq.checked_sub(back);
            let before = before.and_then(|number| tracks.packet(item.slot, item.layer, number));
            if let Some(before) = before.filter(|before| before.generation == packet.generation) {
                earlier[count] = before;
                count += 1;
            }
        }
        self.write_with(now, exit, item.slot, Stream::Media, outgoing.sequence, keep, |extensions, room| {
            outgoing.write_red(packet, &earlier[..count], wire, opus, extensions, room).ok()
        });
    }

    fn refill(&mut self, now: Timestamp) {
        let is_behind = self.slots.iter().flatten().any(|slot| slot.behind.is_some());
        let planned = self.pace.filter(|_| !is_behind).unwrap_or(self.catch_up);
        let most = if is_behind || self.pace.is_some() { self.link.at_once(now) } else { None };
        let tried = if self.link.is_trying() && !self.clogged { self.link.fill(now) } else { 0 };
        self.pacer.refill(now, most.map_or(planned, |most| most.min(planned)), tried);
    }

    /// Adds the keyframes this receiver waits for to `wishes`, as often as a place may ask.
    pub(crate) fn wishes(&mut self, now: Timestamp, tracks: &Tracks, wishes: &mut Wishes) {
        for slot in Slot::ALL {
            let Some(state) = self.slots[slot.index()].as_ref() else { continue };
            if state.behind.is_none()
                && let Some(layer) = state.down.wants_keyframe()
                && let Some(track) = tracks.get(slot)
                && track.may_switch(state.down.current(), layer, now)
            {
                self.wish(now, slot, layer, wishes);
            }
        }
    }

    /// Wishes for a keyframe, unless this place did so a moment ago or too often.
    pub(crate) fn wish(&mut self, now: Timestamp, slot: Slot, layer: Layer, wishes: &mut Wishes) {
        let Some(state) = self.slots[slot.index()].as_mut() else { return };
        if state.wished_at.is_some_and(|at| now.saturating_since(at) < WISH_INTERVAL) {
            return;
        }
        state.wished_at = Some(now);
        if self.quota.allow(now) {
            self.counts.keyframe_requests += 1;
            wishes[slot.index()][layer.index()] = true;
        }
    }

    /// Renews what is measured over a second.
    pub(crate) fn measure(&mut self, now: Timestamp) {
        let span = now.saturating_since(self.counted_at);
        self.rate = Bitrate::of(self.counts.bytes - self.counted_bytes, span);
        self.counted_at = now;
        self.counted_bytes = self.counts.bytes;
        let estimator = self.link.estimator();
        let share = (estimator.loss() * REPAIR_OF_LOSS).clamp(REPAIR_SHARE, 1.0);
        let repair = estimator.estimate().scale(share).max(REPAIR_LEAST);
        self.repair_credit = repair.bytes_in(Duration::from_secs(1));
    }

    /// When what each slot carries was captured, as of the last sender reports; `None` until the host's reports tell.
    pub fn capture_clocks(&self) -> [Option<CaptureClock>; Slot::COUNT] {
        Slot::ALL.map(|slot| self.slots[slot.index()].as_ref()?.clock)
    }
}
