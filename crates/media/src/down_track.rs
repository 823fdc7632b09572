//! What one receiver gets of one slot: layer choice and continuous numbers.

use crate::{
    DownReport, Layers, Outgoing, ReplayLimits, Resend, ResendRefusal, StoredPacket, TrackBuffer,
    resend::Ledger,
    segments::{Segment, SegmentLog},
    vp8::PictureId,
};
use domain::{Codec, Layer, MediaKind, Timestamp};
use std::{ops::RangeInclusive, time::Duration};

/// What happens to the layer being left until the new one's keyframe is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Keep sending it: no freeze (up-switches, a smaller window).
    AtKeyframe,
    /// Stop it now: the link cannot carry it (a short freeze instead of a growing queue).
    AtOnce,
}

/// First numbers of an outgoing stream; random, from the caller (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamStart {
    /// First sequence number.
    pub sequence: u16,
    /// First RTP timestamp.
    pub timestamp: u32,
    /// First VP8 picture id; the upper bit is ignored.
    pub picture_id: u16,
}

/// Outgoing numbers whose repair is possible, per kind of slot.
const VIDEO_WINDOW: usize = 1024;
const AUDIO_WINDOW: usize = 128;

/// A hole longer than this is not waited for: the stream starts anew behind it.
const HOLE_MAX: u64 = 512;

/// No VP8 temporal layer is above this.
const TEMPORAL_MAX: u8 = 3;

/// One slot of one receiver: decides forward or drop and keeps sequence, timestamp and picture ids
/// continuous whatever happens upstream.
///
/// It allocates once, when it first gets a target; a packet costs tens of nanoseconds and no allocation.
#[derive(Debug)]
pub struct DownTrack {
    current: Option<Layer>,
    target: Option<Layer>,
    kind: MediaKind,
    max_temporal: u8,
    sent: Option<Box<Sent>>,
    start: StreamStart,
}

/// The state of a stream that has begun.
#[derive(Debug)]
struct Sent {
    log: SegmentLog,
    ledger: Ledger,
    /// Highest incoming number of the newest segment's stream.
    highest_in: u64,
    /// One above the highest outgoing number given out.
    next_out: u64,
    /// The newest packet's outgoing timestamp and time of arrival.
    last_timestamp: u32,
    last_arrival: Timestamp,
    /// How far outgoing timestamps are ahead of the publisher's timeline, because time may not stand still at
    /// a switch. Subtracted at the next one, so that it does not add up.
    ahead: u32,
    last_picture_id: u16,
    last_tl0: u8,
    /// Incoming picture id of the last frame that was dropped on purpose.
    dropped_picture: Option<u16>,
    packets: u32,
    octets: u32,
}

impl DownTrack {
    /// A slot that sends nothing until [`DownTrack::set_target`].
    pub fn new(kind: MediaKind, start: StreamStart) -> Self {
        Self { current: None, target: None, kind, max_temporal: TEMPORAL_MAX, sent: None, start }
    }

    /// Chooses what to send from now on; `None` pauses at once. A switch happens at the next keyframe of the
    /// target (audio: at its next packet).
    pub fn set_target(&mut self, target: Option<Layer>, leave: Leave) {
        self.target = target;
        let leaves = self.current != target;
        if target.is_none() || (leaves && leave == Leave::AtOnce) {
            self.current = None;
        }
    }

    /// Highest VP8 temporal layer to send, 0 to 3 (3: all). Down at the next frame, up at the next sync point.
    pub fn set_max_temporal(&mut self, temporal: u8) {
        self.max_temporal = temporal.min(TEMPORAL_MAX);
    }

    /// Layer being sent.
    pub fn current(&self) -> Option<Layer> {
        self.current
    }

    /// Layer wanted.
    pub fn target(&self) -> Option<Layer> {
        self.target
    }

    /// The layer whose keyframe this receiver waits for. Feed it to [`crate::KeyframeThrottle`] each tick.
    pub fn wants_keyframe(&self) -> Option<Layer> {
        self.target.filter(|_| self.kind == MediaKind::Video && self.current != self.target)
    }

    /// Decides about one packet of `layer`. Every packet of every layer is offered, in order of arrival;
    /// `None`: not for this receiver, or a repeat.
    pub fn plan(&mut self, layer: Layer, packet: &StoredPacket, layers: &Layers) -> Option<Outgoing> {
        let target = self.target?;
        let Some(sent) = self.sent.as_deref_mut() else {
            return self.starts_at(target, layer, packet).then(|| self.begin(layer, packet));
        };
        let newest = *sent.log.newest();
        let same_stream = newest.maps(layer, packet.generation);
        if self.current == Some(layer) {
            if same_stream && packet.ext_seq <= sent.highest_in + HOLE_MAX {
                return sent.forward(newest, packet, self.max_temporal);
            }
            // Too much is missing for repair, or the publisher restarted: go on at a keyframe. Generations
            // only grow, so a late packet of an old one changes nothing.
            if !same_stream && !newer(packet.generation, newest.generation) {
                return None;
            }
            self.current = None;
        }
        let is_ahead = !same_stream || packet.ext_seq > sent.highest_in;
        (is_ahead && self.starts_at(target, layer, packet)).then(|| self.switch(layer, packet, layers))
    }

    /// What to plan at once for a receiver that waits for a picture: the target layer's packets since its
    /// latest keyframe, out of the target's `buffer`. `None` when it already gets pictures, when the keyframe is
    /// older than what it has seen, or when nothing fits the limits; then ask the host.
    pub fn replay(&self, buffer: &TrackBuffer, limits: ReplayLimits) -> Option<RangeInclusive<u64>> {
        if self.kind == MediaKind::Audio || self.target.is_none() || self.current.is_some() {
            return None;
        }
        let range = buffer.replay_from_keyframe(limits)?;
        let keyframe = buffer.get(*range.start())?;
        let is_news = self.sent.as_ref().is_none_or(|sent| keyframe.arrival > sent.last_arrival);
        is_news.then_some(range)
    }

    /// Answers a NACK for outgoing sequence number `sequence`: look the packet up in the layer's
    /// [`TrackBuffer`] and write [`Resend::outgoing`].
    ///
    /// # Errors
    /// [`ResendRefusal`] when it is not sent again.
    pub fn resend(&mut self, sequence: u16, now: Timestamp, rtt: Duration) -> Result<Resend, ResendRefusal> {
        let sent = self.sent.as_deref_mut().ok_or(ResendRefusal::Unknown)?;
        let back = u64::from((sent.next_out as u16).wrapping_sub(sequence));
        let out = sent.next_out.checked_sub(back).filter(|_| (1..=sent.ledger.window()).contains(&back));
        let out = out.ok_or(ResendRefusal::Unknown)?;
        let segment = sent.log.find_outgoing(out, sent.next_out).ok_or(ResendRefusal::Unknown)?;
        sent.ledger.resend(out, now, rtt)?;
        let ext_seq = segment.in_start + (out - segment.out_start);
        Ok(Resend { layer: segment.layer, ext_seq, segment, useful_since: now - Resend::AGE_MAX })
    }

    /// What a sender report sent at `now` says; `None` until the host's own report for the current layer came.
    ///
    /// The host's clock pair is carried on to `now` by our clock, so voice and picture keep the host's relation.
    pub fn sender_report(&self, now: Timestamp, layers: &Layers) -> Option<DownReport> {
        let sent = self.sent.as_deref()?;
        let segment = sent.log.newest();
        let clock = layers.clock(segment.layer, segment.generation)?;
        let passed = now.saturating_since(clock.arrival);
        let ntp = clock.ntp.plus(passed);
        Some(DownReport {
            ntp,
            rtp: clock
                .rtp
                .wrapping_add(ticks(passed, self.clock_rate()))
                .wrapping_add(segment.timestamp_delta),
            packets: sent.packets,
            octets: sent.octets,
            captured: layers.on_relay(segment.layer, ntp),
        })
    }

    /// Sequence number that was given out last; `None` before anything was sent.
    pub fn newest_sequence(&self) -> Option<u16> {
        Some((self.sent.as_deref()?.next_out as u16).wrapping_sub(1))
    }

    /// Timestamp of the newest packet sent.
    pub fn newest_timestamp(&self) -> Option<u32> {
        Some(self.sent.as_deref()?.last_timestamp)
    }

    /// Ticks a second of the outgoing RTP clock.
    pub fn clock_rate(&self) -> u32 {
        match self.kind {
            MediaKind::Audio => Codec::Opus.clock_rate(),
            MediaKind::Video => Codec::Vp8.clock_rate(),
        }
    }

    fn starts_at(&self, target: Layer, layer: Layer, packet: &StoredPacket) -> bool {
        let may_start = match self.kind {
            MediaKind::Audio => !packet.payload.is_empty(),
            MediaKind::Video => packet.frame.starts_keyframe,
        };
        target == layer && may_start && packet.frame.codec.kind() == self.kind
    }

    /// The very first packet of the slot.
    fn begin(&mut self, layer: Layer, packet: &StoredPacket) -> Outgoing {
        let window = match self.kind {
            MediaKind::Audio => AUDIO_WINDOW,
            MediaKind::Video => VIDEO_WINDOW,
        };
        let picture_id = packet.frame.vp8.picture_id.map_or(0, PictureId::value);
        let segment = Segment {
            in_start: packet.ext_seq,
            out_start: u64::from(self.start.sequence),
            generation: packet.generation,
            timestamp_delta: self.start.timestamp.wrapping_sub(packet.timestamp),
            picture_delta: self.start.picture_id.wrapping_sub(picture_id),
            tl0_delta: 0,
            temporal: self.max_temporal,
            layer,
        };
        let mut sent = Box::new(Sent {
            log: SegmentLog::new(segment),
            ledger: Ledger::new(window),
            highest_in: packet.ext_seq,
            next_out: segment.out_start,
            last_timestamp: self.start.timestamp,
            last_arrival: packet.arrival,
            ahead: 0,
            last_picture_id: 0,
            last_tl0: 0,
            dropped_picture: None,
            packets: 0,
            octets: 0,
        });
        let outgoing = sent.give(&segment, packet);
        self.sent = Some(sent);
        self.started(layer, outgoing)
    }

    /// The first packet of another layer, after a pause, or of a restarted publisher.
    fn switch(&mut self, layer: Layer, packet: &StoredPacket, layers: &Layers) -> Outgoing {
        let rate = self.clock_rate();
        let temporal = self.max_temporal;
        let Some(sent) = self.sent.as_deref_mut() else { return self.begin(layer, packet) };
        let timestamp = sent.continue_timestamp(layer, packet, layers, rate);
        let ids = packet.frame.vp8;
        let segment = Segment {
            in_start: packet.ext_seq,
            out_start: sent.next_out,
            generation: packet.generation,
            timestamp_delta: timestamp.wrapping_sub(packet.timestamp),
            picture_delta: sent
                .last_picture_id
                .wrapping_add(1)
                .wrapping_sub(ids.picture_id.map_or(0, PictureId::value)),
            tl0_delta: sent.last_tl0.wrapping_add(1).wrapping_sub(ids.tl0_pic_idx.unwrap_or(0)),
            temporal,
            layer,
        };
        sent.log.push(segment);
        sent.dropped_picture = None;
        let outgoing = sent.give(&segment, packet);
        self.started(layer, outgoing)
    }

    fn started(&mut self, layer: Layer, outgoing: Outgoing) -> Outgoing {
        self.current = Some(layer);
        // After silence a jitter buffer may adapt at a packet with the marker (RFC 3551 section 4.1).
        let marker = outgoing.marker || self.kind == MediaKind::Audio;
        Outgoing { starts_layer: true, marker, ..outgoing }
    }
}

impl Sent {
    /// A packet of the stream being sent.
    fn forward(&mut self, mut segment: Segment, packet: &StoredPacket, max_temporal: u8) -> Option<Outgoing> {
        if packet.ext_seq <= self.highest_in {
            return self.late(&segment, packet);
        }
        if segment.temporal != max_temporal
            && let Some(temporal) = next_temporal(segment.temporal, max_temporal, packet)
        {
            segment = Segment {
                in_start: packet.ext_seq,
                out_start: segment.outgoing(packet.ext_seq),
                temporal,
                ..segment
            };
            self.reserve_up_to(segment.out_start);
            self.log.push(segment);
        }
        if segment.carries(packet) {
            Some(self.give(&segment, packet))
        } else {
            self.close_gap(segment, packet);
            None
        }
    }

    /// Gives out the number of a packet in the newest segment; numbers skipped stay reserved.
    fn give(&mut self, segment: &Segment, packet: &StoredPacket) -> Outgoing {
        let outgoing = segment.rewrite(packet);
        self.reserve_up_to(outgoing.sequence + 1);
        self.highest_in = packet.ext_seq;
        self.count(&outgoing, packet);
        outgoing
    }

    /// A packet dropped on purpose at the head: the next one takes its number and its picture id.
    fn close_gap(&mut self, segment: Segment, packet: &StoredPacket) {
        let picture = packet.frame.vp8.picture_id.map(PictureId::value);
        let same_picture = picture.is_some() && picture == self.dropped_picture;
        // What is missing between two packets of one dropped frame belongs to it too: nobody need wait for it.
        let last_was_dropped = segment.in_start == self.highest_in + 1;
        let out = if same_picture && last_was_dropped {
            segment.out_start
        } else {
            segment.outgoing(packet.ext_seq)
        };
        self.reserve_up_to(out);
        let new_picture = picture.is_some() && !same_picture;
        let next = Segment {
            in_start: packet.ext_seq + 1,
            out_start: out,
            picture_delta: segment.picture_delta.wrapping_sub(u16::from(new_picture)),
            ..segment
        };
        if segment.out_start == out {
            self.log.restart_newest(next);
        } else {
            self.log.push(next);
        }
        self.dropped_picture = picture.or(self.dropped_picture);
        self.highest_in = packet.ext_seq;
        // A frame before this one may still come late, into its hole: a switch must not give its ids away. Under the
        // next segment's numbers the dropped frame has the last id that may be taken.
        self.note_newest(&next.rewrite(packet), packet);
    }

    /// Puts a packet that comes behind newer ones into the hole kept for it, once. One that would be dropped
    /// goes out as padding, or the receiver would wait for it for ever.
    fn late(&mut self, newest: &Segment, packet: &StoredPacket) -> Option<Outgoing> {
        let generation = packet.generation;
        let segment = self.log.find_incoming(newest.layer, generation, packet.ext_seq, self.next_out)?;
        let outgoing = segment.rewrite(packet);
        let back = self.next_out.checked_sub(outgoing.sequence)?;
        let is_known = (1..=self.ledger.window()).contains(&back);
        (is_known && self.count(&outgoing, packet)).then_some(outgoing)
    }

    /// Notes the sending; `false` when the number had been sent already.
    fn count(&mut self, outgoing: &Outgoing, packet: &StoredPacket) -> bool {
        if !self.ledger.mark_sent(outgoing.sequence) {
            return false;
        }
        self.packets = self.packets.wrapping_add(1);
        if outgoing.filler {
            return true;
        }
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        self.note_newest(outgoing, packet);
        true
    }

    /// Moves on what a switch continues from, when this packet is of the newest frame. A late one may be: what
    /// came before it may have been dropped on purpose.
    fn note_newest(&mut self, outgoing: &Outgoing, packet: &StoredPacket) {
        if is_before(outgoing.timestamp, self.last_timestamp) {
            return;
        }
        self.last_timestamp = outgoing.timestamp;
        self.last_arrival = packet.arrival;
        if packet.frame.vp8.picture_id.is_some() {
            self.last_picture_id = outgoing.picture_id;
        }
        if packet.frame.vp8.tl0_pic_idx.is_some() {
            self.last_tl0 = outgoing.tl0_pic_idx;
        }
    }

    fn reserve_up_to(&mut self, next_out: u64) {
        // At most HOLE_MAX steps: `plan` lets no longer hole through.
        for out in self.next_out..next_out {
            self.ledger.clear(out);
        }
        self.next_out = self.next_out.max(next_out);
    }

    /// The outgoing timestamp at which `packet` of another stream goes on.
    fn continue_timestamp(&mut self, layer: Layer, packet: &StoredPacket, layers: &Layers, rate: u32) -> u32 {
        let passed = ticks(packet.arrival.saturating_since(self.last_arrival), rate);
        let by_arrival = self.last_timestamp.wrapping_add(passed);
        let by_clock = self.common_timeline(layer, packet, layers, rate);
        // A publisher whose reports contradict the arrival of its packets by seconds has a broken clock.
        let plausible =
            by_clock.filter(|&ts| ts.wrapping_sub(by_arrival).cast_signed().unsigned_abs() < 2 * rate);
        let wanted = plausible.unwrap_or(by_arrival);
        // Simulcast layers of one picture carry the same time. One millisecond makes it a new picture without
        // moving it away from the voice as a whole frame would.
        let least = self.last_timestamp.wrapping_add(rate / 1000);
        let timestamp = if is_before(wanted, least) { least } else { wanted };
        self.ahead = timestamp.wrapping_sub(wanted);
        timestamp
    }

    /// The packet's time on the timeline the receiver has seen so far, by the publisher's own clock.
    fn common_timeline(
        &self,
        layer: Layer,
        packet: &StoredPacket,
        layers: &Layers,
        rate: u32,
    ) -> Option<u32> {
        let from = self.log.newest();
        let on_old = if from.maps(layer, packet.generation) {
            packet.timestamp
        } else {
            let old = layers.clock(from.layer, from.generation)?;
            let new = layers.clock(layer, packet.generation)?;
            let between = new.ntp.ticks_since(old.ntp, rate);
            old.rtp.wrapping_add(between).wrapping_add(packet.timestamp.wrapping_sub(new.rtp))
        };
        Some(on_old.wrapping_add(from.timestamp_delta).wrapping_sub(self.ahead))
    }
}

/// Whether generation `a` came after `b`.
fn newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

/// Whether RTP timestamp `a` lies before `b`.
fn is_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

fn ticks(span: Duration, rate: u32) -> u32 {
    ((span.as_micros() * u128::from(rate) + 500_000) / 1_000_000) as u32
}

/// The temporal limit from this packet on, when it may change here.
fn next_temporal(now: u8, wanted: u8, packet: &StoredPacket) -> Option<u8> {
    let frame = packet.frame;
    if frame.starts_keyframe || (wanted < now && frame.starts_frame) {
        return Some(wanted);
    }
    let steps_up = frame.starts_frame && frame.layer_sync && (now + 1..=wanted).contains(&frame.temporal);
    steps_up.then_some(frame.temporal)
}

#[cfg(test)]
mod tests;
