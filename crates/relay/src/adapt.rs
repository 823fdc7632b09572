//! What a receiver's link makes of a lesson: layers, pace, protection, and now and then a try for more.

use crate::{
    Exit, Outlet, Receiver, ReceiverStats, SlotStats,
    outlet::Stream,
    receiver::{Behind, HEADER_LEN, IP_OVERHEAD, REPLAY_RATE},
    track::Tracks,
};
use adaptive::{Demand, Terms, VoiceLink};
use domain::{Bitrate, Codec, Layer, MediaKind, Slot, Timestamp};
use media::{LayerRate, Leave, ReplayLimits, WireIds, write_padding};
use std::time::Duration;

/// Headers of a packet on the link besides its payload: IPv4 and UDP, RTP, the transport-wide number, the tag.
const HEADERS: usize = IP_OVERHEAD + HEADER_LEN + 8 + 16;
/// What an RFC 2198 block costs besides its payload, bytes.
const RED_HEADER: usize = 4;
/// A packet of padding is this long.
const PADDING: u8 = 224;
/// Packets of repair looked at for one that is worth sending again, before padding is sent instead.
const REPAIRS_TRIED: u16 = 4;
/// Of the latest packets, the first so many are repeated.
const REPAIR_REACH: u16 = 64;
/// Packets of one try that leave in one turn at most.
const FILL_PACKETS_MAX: usize = 64;
/// A replay is caught up with within this at the receiver's pace, or a new keyframe is cheaper.
const REPLAY_WITHIN: Duration = Duration::from_millis(1_500);

/// What a lesson has to offer now, indexed by slot and layer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Available {
    pub(crate) rates: [[Option<LayerRate>; Layer::COUNT]; Slot::COUNT],
    pub(crate) codecs: [Option<Codec>; Slot::COUNT],
}

/// A still slide that goes over a receiver's link beside its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StillUnderWay {
    /// It is there by then.
    pub until: Timestamp,
    /// What it takes of the link meanwhile.
    pub rate: Bitrate,
}

impl StillUnderWay {
    fn rate_at(self, now: Timestamp) -> Bitrate {
        if now < self.until { self.rate } else { Bitrate::ZERO }
    }
}

/// What the server knows of a receiver that the link cannot tell.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a place, each named")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiverTerms {
    /// The place shows slides as still images when it does not get them moving.
    pub stills: bool,
    /// The place speaks, or is about to: it cannot wait for repair.
    pub speaks: bool,
    /// A class is speaking: its picture goes before the teacher's.
    pub somebody_speaks: bool,
    /// Its player can be told to wait longer ([`ReceiverStats::playout`]).
    pub can_wait: bool,
    /// The still that is on its way to it, or was.
    pub still: StillUnderWay,
    /// What a person allows it to use.
    pub ceiling: Option<Bitrate>,
}

impl Receiver {
    /// Chooses each slot's layer anew, and catches up with pictures where one starts.
    pub(crate) fn reallocate(&mut self, now: Timestamp, available: &Available, tracks: &Tracks) {
        self.unsettled = false;
        self.protect(now, available);
        let demands = Slot::ALL.map(|slot| self.demand(slot, available));
        let terms = Terms {
            stills: self.terms.stills,
            speaking: self.terms.somebody_speaks,
            protection: self.protection_cost(available),
            ceiling: self.terms.ceiling,
            still: self.terms.still.rate_at(now),
            ..Terms::default()
        };
        let plan = self.link.update(now, &demands, &terms);
        let allocation = plan.allocation;
        let pace = plan.catch_up.unwrap_or(REPLAY_RATE);
        let limits = ReplayLimits {
            bytes: (pace.bytes_in(REPLAY_WITHIN) as usize).min(ReplayLimits::default().bytes),
            ..ReplayLimits::default()
        };
        for slot in Slot::ALL {
            let Some(state) = self.slots[slot.index()].as_mut() else { continue };
            let target = allocation.layers[slot.index()];
            if target != state.down.target() {
                let goes_down = target < state.down.current();
                let leave = if goes_down && allocation.limited { Leave::AtOnce } else { Leave::AtKeyframe };
                state.down.set_target(target, leave);
                if target.is_none() {
                    state.behind = None;
                }
            }
            if state.behind.is_none()
                && let Some(layer) = target
                && let Some(buffer) = tracks.get(slot).and_then(|track| track.buffer(layer))
                && let Some(range) = state.down.replay(buffer, limits)
                && let Some(generation) = buffer.generation()
            {
                state.behind = Some(Behind::new(now, layer, generation, *range.start(), true));
            }
        }
        self.pace = plan.pace;
        self.catch_up = pace.min(REPLAY_RATE);
    }

    fn demand(&self, slot: Slot, available: &Available) -> Demand {
        let state = self.slots[slot.index()].as_ref();
        let codec = available.codecs[slot.index()];
        let playable =
            codec.is_some_and(|codec| state.is_some_and(|state| state.payload_type(codec).is_some()));
        Demand {
            slot,
            wanted: state.and_then(|state| state.spec.wanted).filter(|_| playable),
            rates: available.rates[slot.index()].map(|rate| rate.map(|rate| rate.with_headers(HEADERS))),
        }
    }

    fn voice_rate(available: &Available) -> LayerRate {
        let rates = available.rates[Slot::ProgramAudio.index()];
        rates.iter().flatten().next_back().copied().unwrap_or_default()
    }

    fn protection_cost(&self, available: &Available) -> Bitrate {
        let distance = self.protector.current().redundancy;
        Self::voice_rate(available).with_headers(RED_HEADER).scale(f64::from(distance))
    }

    fn protect(&mut self, now: Timestamp, available: &Available) {
        let Some(voice) = self.slots[Slot::ProgramAudio.index()].as_ref() else { return };
        let rate = Self::voice_rate(available);
        let estimator = self.link.estimator();
        let link = VoiceLink {
            loss: estimator.loss().max(estimator.inherent_loss()),
            loss_run: estimator.loss_run(),
            rtt: estimator.rtt(),
            spread: estimator.spread(),
            estimate: self.terms.ceiling.map_or(estimator.estimate(), |most| most.min(estimator.estimate())),
            voice: rate.with_headers(HEADERS),
            payload: rate.with_headers(RED_HEADER),
            can_ask: voice.spec.nack,
            can_redundancy: voice.spec.red.is_some(),
            can_wait: self.terms.can_wait && !self.terms.speaks,
        };
        self.protector.update(now, &link);
    }

    /// Fills up what the media leaves of the rate that is being tried: with repair of what was just sent, then with padding.
    pub(crate) fn fill<O: Outlet>(&mut self, now: Timestamp, tracks: &Tracks, exit: &mut Exit<'_, O>) {
        let Some(slot) = self.filling_slot() else { return };
        let mut back = 0;
        for _ in 0..FILL_PACKETS_MAX {
            let missing = self.link.fill(now);
            if missing < HEADERS as u64 {
                return;
            }
            let repaired = self.repeat_recent(now, slot, &mut back, tracks, exit);
            let room = missing.saturating_sub(HEADERS as u64).clamp(1, u64::from(PADDING)) as u8;
            let Some(total) = repaired.or_else(|| self.pad(now, slot, room, exit)) else { return };
            self.link.on_sent(now, total + IP_OVERHEAD);
        }
    }

    /// A picture slot with a repair stream: the one that is being sent, else any.
    fn filling_slot(&self) -> Option<Slot> {
        let able = |slot: &Slot| {
            let state = self.slots[slot.index()].as_ref();
            slot.kind() == MediaKind::Video
                && state.is_some_and(|state| state.spec.repair_ssrc.is_some() && state.spec.counts_transport)
        };
        let sending = |slot: &Slot| {
            self.slots[slot.index()].as_ref().is_some_and(|state| state.down.current().is_some())
        };
        let mut slots = Slot::ALL.into_iter().filter(able);
        let first = slots.clone().next();
        slots.find(sending).or(first)
    }

    fn repeat_recent<O: Outlet>(
        &mut self,
        now: Timestamp,
        slot: Slot,
        back: &mut u16,
        tracks: &Tracks,
        exit: &mut Exit<'_, O>,
    ) -> Option<usize> {
        let rtt = self.link.estimator().rtt().unwrap_or_default();
        let newest = self.slots[slot.index()].as_ref()?.down.newest_sequence()?;
        for _ in 0..REPAIRS_TRIED {
            if *back >= REPAIR_REACH {
                return None;
            }
            let sequence = newest.wrapping_sub(*back);
            *back += 1;
            let state = self.slots[slot.index()].as_mut()?;
            let Ok(resend) = state.down.resend(sequence, now, rtt) else { continue };
            let Some(packet) = tracks.packet(slot, resend.layer, resend.ext_seq) else { continue };
            let Some(outgoing) = resend.outgoing(packet) else { continue };
            return self.repair_picture(now, slot, &outgoing, packet, exit);
        }
        None
    }

    fn pad<O: Outlet>(
        &mut self,
        now: Timestamp,
        slot: Slot,
        padding: u8,
        exit: &mut Exit<'_, O>,
    ) -> Option<usize> {
        let state = self.slots[slot.index()].as_mut()?;
        let payload_type = state.spec.payload_types.iter().flatten().find_map(|(_, repair)| *repair)?;
        let wire = WireIds { ssrc: state.spec.repair_ssrc?, payload_type };
        let timestamp = state.down.newest_timestamp().unwrap_or(0);
        let index = state.next_repair;
        state.next_repair += 1;
        self.write_with(now, exit, slot, Stream::Repair, index, false, |extensions, room| {
            write_padding(wire, index as u16, timestamp, extensions, padding, room).ok()
        })
    }

    /// The server knows something new of this receiver.
    pub fn set_terms(&mut self, terms: ReceiverTerms) {
        self.unsettled |= self.terms != terms;
        self.terms = terms;
    }

    /// The codec of a published slot this receiver did not agree to, the first time that is found out.
    pub(crate) fn missing_codec(&mut self, available: &Available) -> Option<(Slot, Codec)> {
        Slot::ALL.into_iter().find_map(|slot| {
            let codec = available.codecs[slot.index()]?;
            let state = self.slots[slot.index()].as_mut()?;
            let is_news = state.payload_type(codec).is_none() && state.missing_told != Some(codec);
            is_news.then(|| {
                state.missing_told = Some(codec);
                (slot, codec)
            })
        })
    }

    /// This receiver in numbers.
    pub fn stats(&self) -> ReceiverStats {
        let estimator = self.link.estimator();
        let allocation = self.link.allocation();
        ReceiverStats {
            rung: allocation.rung,
            cause: self.link.cause(),
            stills: allocation.stills,
            protection: self.protector.current(),
            queue: estimator.queue(),
            estimate: estimator.estimate(),
            rate: self.rate,
            loss: estimator.loss() as f32,
            rtt: estimator.rtt(),
            packets: self.counts.packets,
            bytes: self.counts.bytes,
            nacked: self.counts.nacked,
            repaired: self.counts.repaired,
            keyframe_requests: self.counts.keyframe_requests,
            dropped: self.counts.dropped,
            slots: Slot::ALL.map(|slot| match &self.slots[slot.index()] {
                Some(state) => SlotStats { layer: state.down.current(), wanted: state.spec.wanted },
                None => SlotStats::default(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_takes_of_the_link_until_it_is_there() {
        let still = StillUnderWay { until: Timestamp::from_millis(2_000), rate: Bitrate::from_kbps(80) };
        assert_eq!(still.rate_at(Timestamp::from_millis(1_999)), still.rate);
        assert_eq!(still.rate_at(Timestamp::from_millis(2_000)), Bitrate::ZERO);
        assert_eq!(StillUnderWay::default().rate_at(Timestamp::ZERO), Bitrate::ZERO, "none was asked for");
    }
}
