//! One publisher: its streams by layer, what is asked of it again, what it is told.

use super::{api::PeerStats, counts::Ingress, shared::Shared};
use bytes::Bytes;
use domain::{Bitrate, Codec, Layer, Slot, Timestamp};
use media::{
    Arrived, ClockReading, Incoming, KeyframeThrottle, NtpTime, RtpHeader, StoredPacket, UpTrack,
    UpTrackConfig, Wrapping, rtp::rtx_original,
};
use std::time::Duration;
use transport::{
    Negotiated, Peer, RtpIn, RtpRole,
    feedback::{Compound, ReportBlock, SenderInfo, TwccRecorder},
};

/// A slot without packets for so long counts as stopped.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// How often transport-wide feedback leaves: often enough for the host's bandwidth estimate to follow.
const TWCC_INTERVAL: Duration = Duration::from_millis(60);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long a publisher that lost a slot to a later one waits before it tries to get it back.
const CLAIM_RETRY: Duration = Duration::from_millis(500);
/// Round trip to the publisher for repair: an ICE-lite server never measures it, and asking a little late
/// costs less than asking twice.
const RTT: Duration = Duration::from_millis(100);

/// One SSRC of the publisher.
struct Stream {
    ssrc: u32,
    slot: Slot,
    layer: Layer,
    codec: Codec,
    up: UpTrack,
    reported: u32,
}

/// Whether this publisher feeds a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// Not yet, or another one does; ask again at this time.
    Not(Timestamp),
    Held,
}

struct UpSlot {
    hold: Hold,
    /// What the lesson was told by this publisher.
    announced: Option<Codec>,
    heard_at: Timestamp,
    throttle: KeyframeThrottle,
}

/// What a packet led to, besides the packets to relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ingested {
    Dropped,
    /// Relay what was appended.
    Relay(Slot, Layer),
    /// The slot is not ours: claim it first, then hand the packet in again.
    NeedsClaim(Slot),
}

/// See the module's description.
pub(super) struct Publisher {
    streams: Vec<Stream>,
    /// SSRC that feeds each slot and layer.
    active: [[Option<u32>; Layer::COUNT]; Slot::COUNT],
    slots: [UpSlot; Slot::COUNT],
    twcc: TwccRecorder,
    rtcp_ssrc: u32,
    report_due: Timestamp,
    fir_command: u8,
    /// Loss of the last reports, 0–1.
    pub(super) loss: f32,
    pub(super) rate: Bitrate,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) nacked: u64,
    pub(super) repaired: u64,
    pub(super) keyframe_requests: u64,
    counted_bytes: u64,
    counted_at: Timestamp,
    pub(super) stats_due: Timestamp,
    numbers: Vec<u16>,
}

impl Publisher {
    pub(super) fn new(now: Timestamp, negotiated: &Negotiated) -> Self {
        Self {
            streams: Vec::new(),
            active: Default::default(),
            slots: Slot::ALL.map(|_| UpSlot {
                hold: Hold::Not(now),
                announced: None,
                heard_at: now,
                throttle: KeyframeThrottle::new(KeyframeThrottle::INTERVAL),
            }),
            twcc: TwccRecorder::new(TWCC_INTERVAL),
            rtcp_ssrc: negotiated.rtcp_ssrc,
            report_due: now + REPORT_INTERVAL,
            fir_command: 0,
            loss: 0.0,
            rate: Bitrate::ZERO,
            packets: 0,
            bytes: 0,
            nacked: 0,
            repaired: 0,
            keyframe_requests: 0,
            counted_bytes: 0,
            counted_at: now,
            stats_due: now + Duration::from_secs(2),
            numbers: Vec::new(),
        }
    }

    /// Takes one decrypted packet and appends what is to be relayed to `out`.
    pub(super) fn ingest(
        &mut self,
        now: Timestamp,
        rtp: &RtpIn<'_>,
        negotiated: &Negotiated,
        shared: &Shared,
        out: &mut Vec<StoredPacket>,
    ) -> Ingested {
        let starts_stream = matches!(rtp.role, RtpRole::Media | RtpRole::Red);
        match self.slots[rtp.slot.index()].hold {
            Hold::Held => {}
            Hold::Not(retry_at) if retry_at <= now && starts_stream => return Ingested::NeedsClaim(rtp.slot),
            Hold::Not(_) => {
                self.count(now, rtp);
                return Ingested::Dropped;
            }
        }
        self.count(now, rtp);
        let Ok(header) = RtpHeader::parse(rtp.packet) else { return Ingested::Dropped };
        let Ok(payload) = header.payload(rtp.packet) else { return Ingested::Dropped };
        let (slot, layer) = (rtp.slot, rtp.layer);
        let (ssrc, incoming) = match rtp.role {
            RtpRole::Media => (Some(rtp.ssrc), incoming(&header, header.sequence, payload, Wrapping::Plain)),
            RtpRole::Red => (Some(rtp.ssrc), incoming(&header, header.sequence, payload, Wrapping::Red)),
            RtpRole::Probe => (Some(rtp.ssrc), incoming(&header, header.sequence, &[], Wrapping::Plain)),
            RtpRole::Repair { repairs, .. } => {
                let Some((sequence, original)) = rtx_original(payload) else { return Ingested::Dropped };
                let ssrc = repairs.or(self.active[slot.index()][layer.index()]);
                (ssrc, incoming(&header, sequence, original, Wrapping::Repair))
            }
        };
        let Some(ssrc) = ssrc else { return Ingested::Dropped };
        let Some(stream) = self.stream(ssrc, rtp, starts_stream, negotiated, shared) else {
            return Ingested::Dropped;
        };
        let is_repair = incoming.wrapping == Wrapping::Repair;
        if stream.up.receive(now, incoming, out) != Arrived::Accepted {
            return Ingested::Dropped;
        }
        self.repaired += u64::from(is_repair);
        let state = &mut self.slots[slot.index()];
        if rtp.role != RtpRole::Probe {
            state.heard_at = now;
        }
        if out.iter().any(|packet| packet.frame.starts_keyframe) {
            state.throttle.keyframe_arrived(layer);
        }
        Ingested::Relay(slot, layer)
    }

    /// What the host's own bandwidth estimate and our statistics need, whatever becomes of the packet.
    fn count(&mut self, now: Timestamp, rtp: &RtpIn<'_>) {
        self.packets += 1;
        self.bytes += rtp.packet.len() as u64;
        if let Some(sequence) = rtp.transport_sequence {
            self.twcc.record(sequence, now);
        }
    }

    /// The stream with this SSRC, made when its first packet comes. A new SSRC on a slot and layer takes the place of
    /// the one before (the browser's encoder restarted); packets of the old one are ignored from then on.
    fn stream(
        &mut self,
        ssrc: u32,
        rtp: &RtpIn<'_>,
        may_start: bool,
        negotiated: &Negotiated,
        shared: &Shared,
    ) -> Option<&mut Stream> {
        let active = &mut self.active[rtp.slot.index()][rtp.layer.index()];
        let known = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        let at = match known {
            Some(at) if *active == Some(ssrc) => {
                // A change of codec without a change of SSRC is a new stream as well.
                if self.streams[at].codec != rtp.codec && may_start {
                    self.streams[at] = new_stream(ssrc, rtp, negotiated, shared);
                }
                at
            }
            None if may_start => {
                *active = Some(ssrc);
                self.streams.push(new_stream(ssrc, rtp, negotiated, shared));
                self.streams.len() - 1
            }
            // An SSRC that was replaced, or repair for something unknown.
            _ => return None,
        };
        self.streams.get_mut(at)
    }

    /// The registry's answer to [`Ingested::NeedsClaim`].
    pub(super) fn claimed(&mut self, now: Timestamp, slot: Slot, is_ours: bool) {
        self.slots[slot.index()].hold = if is_ours { Hold::Held } else { Hold::Not(now + CLAIM_RETRY) };
    }

    /// The slot comes from a connection this one replaces; it counts as stopped when nothing comes soon.
    pub(super) fn inherit(&mut self, now: Timestamp, slot: Slot, announced: Option<Codec>) {
        let state = &mut self.slots[slot.index()];
        state.hold = Hold::Held;
        state.heard_at = now;
        state.announced = announced;
    }

    /// Another publisher feeds the slot now.
    pub(super) fn lose(&mut self, now: Timestamp, slot: Slot) {
        let state = &mut self.slots[slot.index()];
        state.hold = Hold::Not(now + CLAIM_RETRY);
        state.announced = None;
        // What comes after a return has nothing to do with what was before.
        self.streams.retain(|stream| stream.slot != slot);
        self.active[slot.index()] = [None; Layer::COUNT];
    }

    /// The slot was opened to it: its next packet asks for it.
    pub(super) fn open(&mut self, now: Timestamp, slot: Slot) {
        let state = &mut self.slots[slot.index()];
        if state.hold != Hold::Held {
            state.hold = Hold::Not(now);
        }
    }

    /// Slots whose announcement changes: (slot, what to announce).
    pub(super) fn announcements(&mut self, now: Timestamp, changes: &mut Vec<(Slot, Option<Codec>)>) {
        for slot in Slot::ALL {
            let state = &mut self.slots[slot.index()];
            if state.hold != Hold::Held {
                continue;
            }
            let is_live = now.saturating_since(state.heard_at) < SILENT_AFTER;
            let newest = self.streams.iter().rev().find(|stream| stream.slot == slot);
            // Nothing of our own yet: what was inherited still stands.
            let codec = newest.map(|stream| stream.codec).or(state.announced);
            let present = codec.filter(|_| is_live);
            if present != state.announced {
                state.announced = present;
                changes.push((slot, present));
            }
        }
    }

    /// Whether the slot's announcement may have to change before the next regular look.
    pub(super) fn is_unannounced(&self, slot: Slot) -> bool {
        self.slots[slot.index()].announced.is_none()
    }

    /// The publisher's clocks for one of its streams.
    pub(super) fn on_sender_report(
        &mut self,
        now: Timestamp,
        info: &SenderInfo,
    ) -> Option<(Slot, Layer, ClockReading)> {
        let stream = self.streams.iter_mut().find(|stream| stream.ssrc == info.ssrc)?;
        let reading = stream.up.on_sender_report(now, NtpTime(info.ntp), info.rtp_timestamp);
        Some((stream.slot, stream.layer, reading))
    }

    /// Somebody needs a keyframe: asks for it now or as soon as the host may be asked again.
    pub(super) fn wish(
        &mut self,
        now: Timestamp,
        slot: Slot,
        layer: Layer,
        peer: &mut Peer,
        counts: &mut Ingress,
    ) {
        counts.wishes += 1;
        if let Some(layer) = self.slots[slot.index()].throttle.request(layer, now) {
            self.request_keyframe(slot, layer, peer, counts);
        }
    }

    fn request_keyframe(&mut self, slot: Slot, layer: Layer, peer: &mut Peer, counts: &mut Ingress) {
        let Some(media) = self.active[slot.index()][layer.index()] else { return };
        let Some(section) = peer.negotiated().section(slot) else { return };
        let (pli, fir) = (section.feedback.pli, section.feedback.fir);
        let compound = Compound::new().receiver_report(self.rtcp_ssrc, &[]);
        let compound = if pli {
            compound.pli(self.rtcp_ssrc, media)
        } else if fir {
            self.fir_command = self.fir_command.wrapping_add(1);
            compound.fir(self.rtcp_ssrc, media, self.fir_command)
        } else {
            // An encoder without either sends keyframes by its own clock.
            return;
        };
        peer.send_rtcp(&compound.finish());
        self.keyframe_requests += 1;
        counts.keyframe_requests += 1;
    }

    /// Does what is due: repair requests, feedback, reports, keyframe requests that had to wait. Call every 10 ms or so.
    pub(super) fn tick(&mut self, now: Timestamp, peer: &mut Peer, counts: &mut Ingress) {
        for slot in Slot::ALL {
            if let Some(layer) = self.slots[slot.index()].throttle.poll(now) {
                self.request_keyframe(slot, layer, peer, counts);
            }
        }
        let mut compound = Compound::new();
        let reports = self.report_due <= now;
        if reports {
            self.report_due = now + REPORT_INTERVAL;
            let blocks = self.report_blocks(now);
            compound = compound
                .receiver_report(self.rtcp_ssrc, &blocks)
                .cname(self.rtcp_ssrc, &peer.negotiated().cname);
        }
        let mut nacks = Compound::new();
        let active = &self.active;
        let is_active =
            |stream: &&mut Stream| active[stream.slot.index()][stream.layer.index()] == Some(stream.ssrc);
        for stream in self.streams.iter_mut().filter(is_active) {
            self.numbers.clear();
            stream.up.nacks_due(now, RTT, &mut self.numbers);
            self.nacked += self.numbers.len() as u64;
            counts.nacked += self.numbers.len() as u64;
            self.numbers.sort_unstable();
            nacks = nacks.nack(self.rtcp_ssrc, stream.ssrc, &self.numbers);
        }
        let feedback_due = self.twcc.poll_timeout().is_some_and(|due| due <= now);
        if compound.is_empty() && (feedback_due || !nacks.is_empty()) {
            compound = compound.receiver_report(self.rtcp_ssrc, &[]);
        }
        if let Some(first) = self.streams.first() {
            compound = self.twcc.report(now, self.rtcp_ssrc, first.ssrc, compound);
        }
        if compound.is_empty() && nacks.is_empty() {
            return;
        }
        let mut bytes = compound.finish();
        bytes.extend_from_slice(&nacks.finish());
        peer.send_rtcp(&bytes);
    }

    fn report_blocks(&mut self, now: Timestamp) -> Vec<ReportBlock> {
        let (mut expected, mut lost) = (0.0, 0.0);
        let active = &self.active;
        let is_active =
            |stream: &&mut Stream| active[stream.slot.index()][stream.layer.index()] == Some(stream.ssrc);
        let mut blocks = Vec::new();
        for stream in self.streams.iter_mut().filter(is_active) {
            let Some(report) = stream.up.reception_report(now) else { continue };
            let packets = f64::from(report.highest_sequence.wrapping_sub(stream.reported).min(10_000));
            stream.reported = report.highest_sequence;
            expected += packets;
            lost += packets * f64::from(report.fraction_lost) / 256.0;
            blocks.push(ReportBlock {
                reporter: 0,
                ssrc: stream.ssrc,
                fraction_lost: report.fraction_lost,
                cumulative_lost: report.cumulative_lost,
                highest_sequence: report.highest_sequence,
                jitter: report.jitter,
                last_sender_report: report.last_sender_report,
                delay_since_last_sender_report: report.delay_since_last,
            });
        }
        self.loss = if expected > 0.0 { (lost / expected) as f32 } else { 0.0 };
        blocks
    }

    /// Renews what is measured over a second.
    pub(super) fn measure(&mut self, now: Timestamp) {
        self.rate = Bitrate::of(self.bytes - self.counted_bytes, now.saturating_since(self.counted_at));
        self.counted_bytes = self.bytes;
        self.counted_at = now;
    }

    /// This publisher in numbers.
    pub(super) fn stats(&self) -> PeerStats {
        PeerStats {
            rate: self.rate,
            loss: self.loss,
            packets: self.packets,
            bytes: self.bytes,
            nacked: self.nacked,
            repaired: self.repaired,
            keyframe_requests: self.keyframe_requests,
            ..PeerStats::default()
        }
    }
}

fn incoming(header: &RtpHeader<'_>, sequence: u16, payload: &[u8], wrapping: Wrapping) -> Incoming {
    Incoming {
        sequence,
        timestamp: header.timestamp,
        marker: header.marker,
        payload: Bytes::copy_from_slice(payload),
        wrapping,
    }
}

fn new_stream(ssrc: u32, rtp: &RtpIn<'_>, negotiated: &Negotiated, shared: &Shared) -> Stream {
    let nack = negotiated.section(rtp.slot).is_some_and(|section| section.feedback.nack);
    let config = UpTrackConfig { codec: rtp.codec, generation: shared.next_generation(), nack };
    Stream { ssrc, slot: rtp.slot, layer: rtp.layer, codec: rtp.codec, up: UpTrack::new(config), reported: 0 }
}
