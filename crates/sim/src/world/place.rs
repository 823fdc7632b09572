//! One classroom: takes packets, gives back what a browser gives back, and keeps the record.

use super::{Ear, Eye, outlet::WireOutlet};
use crate::{
    classrooms::{Outcome, Reception},
    link::{Pipe, Profile},
};
use adaptive::{Cause, Link, Rung};
use domain::{Bitrate, Codec, Layer, MediaKind, PeerId, Slot, Timestamp};
use media::{DownReport, RtpHeader, StreamStart, red, rtp::rtx_original};
use relay::{LossBlock, Receiver, ReceiverSpec, ReceiverStats, ReceiverTerms, SlotSpec, codec_index};
use std::{collections::VecDeque, time::Duration};
use transport::feedback::{self, Feedback, ReportBlock, SenderInfo};

/// How a place deals with the relay, besides what its link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hostility {
    /// It behaves.
    #[default]
    None,
    /// Feedback about packets never sent, arrival times of any kind, REMB of nothing and of everything.
    Lies,
    /// Ten thousand keyframe requests a second, and NACK for everything.
    Floods,
    /// RTCP that is too short, cut off, or whose lengths and numbers are anything.
    Garbles,
}

/// One place of a run.
#[derive(Debug, Clone)]
pub struct PlaceConfig {
    /// Its link.
    pub profile: Profile,
    /// When it comes in.
    pub joins_at: Duration,
    /// What its page can do.
    pub terms: ReceiverTerms,
    /// It takes RED and sends NACK for voice, as Chromium does.
    pub is_chromium: bool,
    /// Transport-wide feedback; without it receiver reports alone.
    pub feedback: bool,
    /// How it behaves.
    pub hostility: Hostility,
}

impl PlaceConfig {
    /// A TV page in Chromium behind this link.
    pub fn tv(profile: Profile) -> Self {
        Self {
            profile,
            joins_at: Duration::ZERO,
            terms: ReceiverTerms { stills: true, can_wait: true, ..ReceiverTerms::default() },
            is_chromium: true,
            feedback: true,
            hostility: Hostility::None,
        }
    }
}

/// How a place has done.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlaceReport {
    /// From coming in to the first voice, ms.
    pub time_to_audio_ms: Option<u64>,
    /// From coming in to the first picture of the teacher or slides, ms.
    pub time_to_picture_ms: Option<u64>,
    /// Voice that was made up, per cent.
    pub audio_concealed_pct: f64,
    /// Longest made-up stretch of voice, ms.
    pub longest_audio_gap_ms: u64,
    /// Time the teacher's picture stood although it was being sent, s.
    pub freeze_s: f64,
    /// The longest of it, s.
    pub longest_freeze_s: f64,
    /// Frames of the teacher's picture a second.
    pub frames_per_s: f64,
    /// Seconds on each rung, 0 to 6.
    pub rung_s: [f64; 7],
    /// Changes of the teacher's layer.
    pub switches: usize,
    /// What the link threw away at its full queue, per cent of what entered.
    pub oversend_pct: f64,
    /// What the relay believes the link to carry, kbit/s, and the round trip, ms.
    pub estimate_kbps: u64,
    /// See `estimate_kbps`.
    pub rtt_ms: u64,
    /// Keyframes it wished for.
    pub keyframe_requests: u64,
    /// The playout it was told, ms.
    pub playout_ms: u64,
    /// Why it is not on the highest rung, in one word.
    pub cause: Option<&'static str>,
}

/// What goes up the link.
#[derive(Debug, Clone)]
pub(super) enum Up {
    Transport { base: u16, arrivals: Vec<Option<Timestamp>> },
    Reports(Vec<LossBlock>),
    Nack { ssrc: u32, sequences: Vec<u16> },
    Pli { ssrc: u32 },
    Remb(Bitrate),
}

const TRANSPORT_ID: u8 = 3;
const OPUS: u8 = 111;
const RED: u8 = 63;
const VP8: (u8, u8) = (96, 97);
/// Chromium's feedback comes as often as a twentieth of the rate allows, 50 to 250 ms.
const FEEDBACK_EVERY: Duration = Duration::from_millis(80);
const REPORT_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The receiver's clock is not the relay's.
const CLOCK_OFFSET: Duration = Duration::from_secs(4_711);

struct Stream {
    slot: Slot,
    reception: Reception,
    high: u64,
}

#[derive(Debug, Clone, Default)]
struct Ladder {
    rung: Option<(Rung, Timestamp)>,
    spent: [Duration; 7],
    layer: Option<Layer>,
    switches: usize,
}

pub(super) struct Place {
    peer: PeerId,
    config: PlaceConfig,
    entered_at: Option<Timestamp>,
    streams: Vec<Stream>,
    ear: Ear,
    /// The teacher and the slides.
    eyes: [Eye; 2],
    pub(super) reports_under_way: VecDeque<(Timestamp, Vec<(u32, DownReport)>)>,
    /// Arrival times by transport-wide number, not reported yet.
    arrivals: Vec<(u16, Timestamp)>,
    reported_up_to: Option<u16>,
    feedback_at: Timestamp,
    report_at: Timestamp,
    look_at: Timestamp,
    ladder: Ladder,
    stats: Option<ReceiverStats>,
    looked_from: Timestamp,
    entered_queue: (u64, u64),
}

fn ssrc_of(slot: Slot) -> u32 {
    1_000 + slot.index() as u32
}

fn repair_ssrc_of(slot: Slot) -> u32 {
    2_000 + slot.index() as u32
}

impl Place {
    pub(super) fn new(peer: PeerId, config: PlaceConfig) -> Self {
        Self {
            peer,
            config,
            entered_at: None,
            streams: Vec::new(),
            ear: Ear::default(),
            eyes: Default::default(),
            reports_under_way: VecDeque::new(),
            arrivals: Vec::new(),
            reported_up_to: None,
            feedback_at: Timestamp::ZERO,
            report_at: Timestamp::ZERO,
            look_at: Timestamp::ZERO,
            ladder: Ladder::default(),
            stats: None,
            looked_from: Timestamp::ZERO,
            entered_queue: (0, 0),
        }
    }

    pub(super) fn is_in(&self) -> bool {
        self.entered_at.is_some()
    }

    pub(super) fn joins_at(&self) -> Timestamp {
        Timestamp::ZERO + self.config.joins_at
    }

    pub(super) fn enter(&mut self, now: Timestamp) -> (Receiver, WireOutlet) {
        self.entered_at = Some(now);
        self.looked_from = now;
        let slots = Slot::ALL.map(|slot| {
            let mut payload_types = [None; 3];
            let is_picture = slot.kind() == MediaKind::Video;
            if is_picture {
                payload_types[codec_index(Codec::Vp8)] = Some((VP8.0, Some(VP8.1)));
            } else {
                payload_types[codec_index(Codec::Opus)] = Some((OPUS, None));
            }
            SlotSpec {
                slot,
                ssrc: ssrc_of(slot),
                repair_ssrc: is_picture.then(|| repair_ssrc_of(slot)),
                payload_types,
                red: (self.config.is_chromium && !is_picture).then_some(RED),
                counts_transport: self.config.feedback,
                nack: is_picture || self.config.is_chromium,
                wanted: Some(Layer::High),
                start: StreamStart { sequence: 100, timestamp: 7_000, picture_id: 5 },
                repair_start: 10,
            }
        });
        // What a handshake of 1.4 kB shows of the link.
        let Profile { down, up, .. } = &self.config.profile;
        let transmission = down
            .rate
            .map_or(Duration::ZERO, |rate| Duration::from_micros(1_400 * 8_000_000 / rate.as_bps().max(1)));
        let within = down.delay + up.delay + transmission + Duration::from_millis(10);
        let shown = Bitrate::of(1_400, within).min(Link::START_MAX);
        // The page's own guess, made from how long the answer took; it can wait from its first packet on.
        if self.config.terms.can_wait && within > Duration::from_millis(150) {
            self.ear.begin(within.min(Duration::from_millis(500)));
        }
        let spec = ReceiverSpec {
            peer: self.peer,
            transport_id: self.config.feedback.then_some(TRANSPORT_ID),
            start: shown.max(Link::START),
            answered: Some(within),
            slots: slots.to_vec(),
        };
        let mut receiver = Receiver::new(now, &spec);
        receiver.set_terms(self.config.terms);
        (receiver, WireOutlet::new(self.peer.0 as usize))
    }

    /// The relay's page tells the place where it stands, as the signalling does.
    pub(super) fn told(&mut self, stats: ReceiverStats) {
        let now = self.look_at;
        self.ear.ask(stats.protection.playout);
        let rung = stats.rung;
        if let Some((before, since)) = self.ladder.rung {
            self.ladder.spent[usize::from(before.number())] += now.saturating_since(since);
        }
        self.ladder.rung = Some((rung, now));
        let layer = stats.slots[Slot::ProgramVideo.index()].layer;
        if layer != self.ladder.layer && layer.is_some() {
            self.ladder.switches += 1;
            self.ladder.layer = layer;
        }
        for (eye, slot) in self.eyes.iter_mut().zip([Slot::ProgramVideo, Slot::SlidesVideo]) {
            // A picture that was taken away on purpose is not frozen; the screen says so.
            if stats.rung <= Rung::Stills || slot == Slot::SlidesVideo && stats.stills {
                eye.put_away();
            }
        }
        self.stats = Some(stats);
    }

    /// A datagram arrives.
    pub(super) fn receive(&mut self, now: Timestamp, bytes: &[u8]) {
        let plain = &bytes[..bytes.len() - 16];
        let header = RtpHeader::parse(plain).expect("the relay writes RTP");
        let payload = header.payload(plain).expect("with whole padding");
        if let Some(&[high, low]) = header.extension(TRANSPORT_ID) {
            self.arrivals.push((u16::from_be_bytes([high, low]), now));
        }
        let of =
            |ssrc: u32, number: fn(Slot) -> u32| Slot::ALL.into_iter().find(|slot| number(*slot) == ssrc);
        if let Some(slot) = of(header.ssrc, ssrc_of) {
            let rate = if slot.kind() == MediaKind::Audio { 48_000 } else { 90_000 };
            let known = self.streams.iter().position(|stream| stream.slot == slot);
            let at = known.unwrap_or_else(|| {
                let reception = Reception::new(header.ssrc, rate);
                self.streams.push(Stream { slot, reception, high: u64::from(header.sequence) });
                self.streams.len() - 1
            });
            let stream = &mut self.streams[at];
            let sequence = extend(stream.high, header.sequence);
            stream.high = stream.high.max(sequence);
            let outcome = stream.reception.media(now, sequence, header.timestamp, bytes.len());
            if outcome != Outcome::Useless {
                self.take(now, slot, sequence, &header, payload, outcome == Outcome::New);
            }
        } else if let Some(slot) = of(header.ssrc, repair_ssrc_of)
            && let Some((original, payload)) = rtx_original(payload)
            && let Some(stream) = self.streams.iter_mut().find(|stream| stream.slot == slot)
        {
            let (sequence, outcome) = stream.reception.repair(original, bytes.len());
            if outcome == Outcome::Repaired {
                self.take(now, slot, sequence, &header, payload, false);
            }
        }
    }

    fn take(
        &mut self,
        now: Timestamp,
        slot: Slot,
        sequence: u64,
        header: &RtpHeader<'_>,
        payload: &[u8],
        first_hand: bool,
    ) {
        match slot {
            Slot::ProgramAudio => {
                let frame = i64::from(header.timestamp.wrapping_sub(7_000)) / 960;
                if header.payload_type == RED {
                    let blocks = red::unwrap(payload).expect("the relay writes RED");
                    for block in blocks.redundant() {
                        self.ear.arrived(now, frame - i64::from(block.timestamp_offset) / 960, false);
                    }
                }
                self.ear.arrived(now, frame, first_hand);
            }
            Slot::ProgramVideo => {
                self.eyes[0].arrived(now, sequence, header.timestamp, header.marker, payload);
            }
            Slot::SlidesVideo => {
                self.eyes[1].arrived(now, sequence, header.timestamp, header.marker, payload);
            }
            Slot::ExtraVideo | Slot::ExtraAudio => {}
        }
    }

    /// Plays, asks, reports. `send` takes the size of a datagram and what it says.
    pub(super) fn tick(&mut self, now: Timestamp, mut send: impl FnMut(usize, Up)) {
        if self.entered_at.is_none() || now < self.look_at {
            return;
        }
        self.look_at = now + LOOK_EVERY;
        self.ear.play(now);
        while let Some((_, reports)) = self.reports_under_way.pop_front_if(|(at, _)| *at <= now) {
            for (ssrc, report) in reports {
                let info = SenderInfo {
                    ssrc,
                    ntp: report.ntp.0,
                    rtp_timestamp: report.rtp,
                    packets: report.packets,
                    octets: report.octets,
                };
                if let Some(stream) = self.streams.iter_mut().find(|stream| stream.reception.ssrc() == ssrc) {
                    stream.reception.sender_report(now, &info);
                }
            }
        }
        for stream in &mut self.streams {
            let nacks = stream.slot.kind() == MediaKind::Video || self.config.is_chromium;
            let (ask, _) = stream.reception.poll_nack(now, nacks);
            if !ask.is_empty() {
                send(
                    40 + 4 * ask.len().div_ceil(4),
                    Up::Nack { ssrc: stream.reception.ssrc(), sequences: ask },
                );
            }
        }
        for (eye, slot) in self.eyes.iter_mut().zip([Slot::ProgramVideo, Slot::SlidesVideo]) {
            if eye.asks(now) {
                send(40, Up::Pli { ssrc: ssrc_of(slot) });
            }
        }
        if self.feedback_at <= now && self.config.feedback {
            self.feedback_at = now + FEEDBACK_EVERY;
            self.feed_back(&mut send);
        }
        if self.report_at <= now {
            self.report_at = now + REPORT_EVERY;
            let blocks: Vec<LossBlock> = self
                .streams
                .iter_mut()
                .filter_map(|stream| stream.reception.report(now))
                .map(|block| loss_block(&block))
                .collect();
            send(30 + 24 * blocks.len(), Up::Reports(blocks));
        }
        self.misbehave(now, send);
    }

    fn feed_back(&mut self, send: &mut impl FnMut(usize, Up)) {
        let Some(newest) = self.arrivals.iter().map(|(number, _)| *number).max_by_key(|number| {
            let base = self.reported_up_to.unwrap_or(self.arrivals[0].0);
            number.wrapping_sub(base).cast_signed()
        }) else {
            return;
        };
        let base = self.reported_up_to.map_or(self.arrivals[0].0, |last| last.wrapping_add(1));
        let count = usize::from(newest.wrapping_sub(base).wrapping_add(1));
        if count > 2_000 {
            // Only packets older than what was reported: they overtook each other.
            self.arrivals.clear();
            return;
        }
        let mut arrivals = vec![None; count];
        for (number, at) in self.arrivals.drain(..) {
            if let Some(place) = arrivals.get_mut(usize::from(number.wrapping_sub(base))) {
                *place = Some(at + CLOCK_OFFSET);
            }
        }
        self.reported_up_to = Some(newest);
        send(36 + count * 2, Up::Transport { base, arrivals });
    }

    fn misbehave(&mut self, now: Timestamp, mut send: impl FnMut(usize, Up)) {
        match self.config.hostility {
            Hostility::None => {}
            Hostility::Lies => {
                let n = now.as_micros() / 10_000;
                let arrivals = (0..64u64)
                    .map(|k| {
                        (k % 3 > 0).then(|| {
                            Timestamp::from_micros(n.wrapping_mul(k.wrapping_mul(7_919)) % (1 << 40))
                        })
                    })
                    .collect();
                send(200, Up::Transport { base: (n * 311) as u16, arrivals });
                let limit = if n.is_multiple_of(2) { 0 } else { u64::MAX };
                send(40, Up::Remb(Bitrate::from_bps(limit)));
                let ssrc = ssrc_of(Slot::ProgramVideo);
                let block = LossBlock {
                    ssrc,
                    fraction_lost: 255,
                    highest_sequence: u32::MAX,
                    ..LossBlock::default()
                };
                send(60, Up::Reports(vec![block]));
            }
            Hostility::Floods => {
                for slot in [Slot::ProgramVideo, Slot::ProgramAudio] {
                    let sequences =
                        (0..400u16).map(|k| k.wrapping_mul(5).wrapping_add(now.as_micros() as u16)).collect();
                    send(1_200, Up::Nack { ssrc: ssrc_of(slot), sequences });
                    for _ in 0..50 {
                        send(40, Up::Pli { ssrc: ssrc_of(slot) });
                    }
                }
            }
            Hostility::Garbles => {
                for k in 0..20 {
                    let compound = garbled(now.as_micros().wrapping_add(k));
                    understood(&compound).for_each(|what| send(compound.len(), what));
                }
            }
        }
    }

    pub(super) fn report(&self, now: Timestamp, down: &Pipe) -> PlaceReport {
        let entered_at = self.entered_at.unwrap_or(now);
        let since = |at: Option<Timestamp>| at.map(|at| at.saturating_since(entered_at).as_millis() as u64);
        let seen_at = self.eyes.iter().filter_map(|eye| eye.seen_at).min();
        let watched = now.saturating_since(self.looked_from).as_secs_f64().max(0.001);
        let (standing, longest) = self.eyes[0].stood(now);
        let stats = down.stats();
        let (entered, dropped) =
            (stats.packets + stats.lost_by_chance + stats.lost_at_queue, stats.lost_at_queue);
        let (entered, dropped) = (entered - self.entered_queue.0, dropped - self.entered_queue.1);
        let mut spent = self.ladder.spent;
        if let Some((rung, since)) = self.ladder.rung {
            spent[usize::from(rung.number())] += now.saturating_since(since);
        }
        PlaceReport {
            time_to_audio_ms: since(self.ear.heard_at),
            time_to_picture_ms: since(seen_at),
            audio_concealed_pct: 100.0 * self.ear.concealed as f64 / self.ear.played.max(1) as f64,
            longest_audio_gap_ms: self.ear.longest_gap * 20,
            freeze_s: standing.as_secs_f64(),
            longest_freeze_s: longest.as_secs_f64(),
            frames_per_s: self.eyes[0].frames as f64 / watched,
            rung_s: spent.map(|time| time.as_secs_f64()),
            switches: self.ladder.switches,
            oversend_pct: 100.0 * dropped as f64 / entered.max(1) as f64,
            estimate_kbps: self.stats.map_or(0, |stats| stats.estimate.as_kbps()),
            rtt_ms: self.stats.and_then(|stats| stats.rtt).map_or(0, |rtt| rtt.as_millis() as u64),
            keyframe_requests: self.stats.map_or(0, |stats| stats.keyframe_requests),
            playout_ms: self.stats.map_or(0, |stats| stats.protection.playout.as_millis() as u64),
            cause: self.stats.and_then(|stats| stats.cause).map(Cause::code),
        }
    }

    pub(super) fn moment(&self) -> String {
        let Some(stats) = self.stats else { return "not connected".to_owned() };
        let layer = |slot: Slot| stats.slots[slot.index()].layer;
        format!(
            "rung {} ({})  estimate {:5} sent {:5} kbit/s  standing {:4} ms  loss {:.3}  teacher {:?} slides {:?}  red {} playout {} ms",
            stats.rung.number(),
            stats.cause.map_or("full", Cause::code),
            stats.estimate.as_kbps(),
            stats.rate.as_kbps(),
            stats.queue.as_millis(),
            stats.loss,
            layer(Slot::ProgramVideo),
            layer(Slot::SlidesVideo),
            stats.protection.redundancy,
            stats.protection.playout.as_millis(),
        )
    }

    pub(super) fn look_from_here(&mut self, now: Timestamp, down: &Pipe) {
        self.looked_from = now;
        self.ear.look_from_here();
        for eye in &mut self.eyes {
            eye.look_from_here(now);
        }
        self.ladder.spent = [Duration::ZERO; 7];
        self.ladder.switches = 0;
        if let Some((_, since)) = &mut self.ladder.rung {
            *since = now;
        }
        let stats = down.stats();
        self.entered_queue =
            (stats.packets + stats.lost_by_chance + stats.lost_at_queue, stats.lost_at_queue);
    }
}

/// The extended number nearest to `high`.
fn extend(high: u64, sequence: u16) -> u64 {
    let step = i64::from(sequence.wrapping_sub(high as u16).cast_signed());
    high.saturating_add_signed(step)
}

/// A report block in the relay's words.
fn loss_block(block: &ReportBlock) -> LossBlock {
    LossBlock {
        ssrc: block.ssrc,
        fraction_lost: block.fraction_lost,
        highest_sequence: block.highest_sequence,
        last_sender_report: block.last_sender_report,
        delay_since_last_sender_report: block.delay_since_last_sender_report,
    }
}

/// What a server reads out of a compound, in the words of the others.
fn understood(compound: &[u8]) -> impl Iterator<Item = Up> {
    feedback::parse(compound).into_iter().filter_map(|item| match item {
        Feedback::ReceiverReport(block) => Some(Up::Reports(vec![loss_block(&block)])),
        Feedback::Nack { ssrc, sequences } => Some(Up::Nack { ssrc, sequences }),
        Feedback::Pli { ssrc } | Feedback::Fir { ssrc, .. } => Some(Up::Pli { ssrc }),
        Feedback::Remb { bitrate } => Some(Up::Remb(bitrate)),
        Feedback::Twcc(report) => {
            Some(Up::Transport { base: report.base_sequence, arrivals: report.arrivals })
        }
        Feedback::SenderReport(_) | Feedback::Bye { .. } => None,
    })
}

/// 0 to 79 bytes that begin like feedback about a stream of ours, and go on as chance has it.
fn garbled(seed: u64) -> Vec<u8> {
    // Neighbouring moments would begin alike (Fibonacci hashing).
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        // xorshift64 (Marsaglia): all that matters is that the same moment garbles the same way.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    let slot = if next() & 1 == 0 { Slot::ProgramVideo } else { Slot::ProgramAudio };
    // Formats that mean something, and any.
    let format = [1, 1, 15, next() & 0x3F][usize::from(next() % 4)];
    let mut bytes = vec![0x80 | format, 200 + next() % 8, 0, next() % 24];
    bytes.extend([0, 0, 0, 1]);
    bytes.extend(ssrc_of(slot).to_be_bytes());
    bytes.extend((0..68).map(|_| next()));
    bytes.truncate(usize::from(next() % 80));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_garbled_some_is_understood_and_most_is_not() {
        let all: Vec<_> = (0..20_000).map(garbled).collect();
        let heard: Vec<Up> = all.iter().flat_map(|bytes| understood(bytes)).collect();
        let some = |which: fn(&Up) -> bool| heard.iter().any(which);
        assert!(all.iter().any(|bytes| bytes.len() < 4), "too short for any packet");
        assert!(some(|what| matches!(what, Up::Reports(_))));
        assert!(some(|what| matches!(what, Up::Nack { .. })));
        assert!(some(|what| matches!(what, Up::Pli { .. })));
        assert!(some(|what| matches!(what, Up::Transport { .. })));
        assert!(heard.len() < all.len(), "{} of {}", heard.len(), all.len());
    }
}
