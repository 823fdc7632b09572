//! What one viewer says about what it gets, and what it is answered. Touches that viewer's state and nobody else's.

use crate::{
    CaptureClock, Egress, Exit, Outlet, Receiver, Reporting, outlet::Stream, receiver::IP_OVERHEAD,
    track::Tracks,
};
use adaptive::{LossReport, Seen};
use domain::{Bitrate, Layer, MediaKind, Slot, Timestamp};
use media::{DownReport, Outgoing, StoredPacket, WireIds};
use std::time::Duration;

/// Round trip taken where no report has told it yet.
const RTT_UNKNOWN: Duration = Duration::from_millis(100);
/// Bytes of repair without which none is begun: more than a packet of pictures.
const REPAIR_WHOLE: u64 = 1_500;
/// Sender reports: often at first, because a player needs two clocks to bring voice and picture together.
const REPORT_INTERVAL_FIRST: Duration = Duration::from_millis(500);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// A reception report block (RFC 3550 section 6.4.1), as far as forwarding needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LossBlock {
    /// Stream it is about.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Highest sequence number received, with its cycles.
    pub highest_sequence: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0: none.
    pub last_sender_report: u32,
    /// Since then, in 1/65536 s.
    pub delay_since_last_sender_report: u32,
}

impl Receiver {
    /// Takes the report blocks of one RTCP datagram.
    pub fn on_reports(&mut self, now: Timestamp, blocks: impl IntoIterator<Item = LossBlock>) {
        let mut loss = WeighedLoss::default();
        for block in blocks {
            self.on_report(now, block, &mut loss);
        }
        if let Some(report) = loss.report() {
            self.link.on_loss_report(now, report);
        }
    }

    /// Takes a NACK (RFC 4585 section 6.2.1): repairs leave at once.
    pub fn on_nack<O: Outlet>(&mut self, ssrc: u32, sequences: &[u16], answer: &mut Reporting<'_, O>) {
        let now = answer.exit.egress.now();
        if let Some(slot) = self.slot_of(ssrc) {
            self.counts.nacked += sequences.len() as u64;
            for &sequence in sequences {
                self.repair(now, slot, sequence, answer);
            }
        }
    }

    /// Takes a PLI or FIR: the keyframe it needs is wished for.
    pub fn on_keyframe_request<O: Outlet>(&mut self, ssrc: u32, answer: &mut Reporting<'_, O>) {
        let now = answer.exit.egress.now();
        let target = self
            .slot_of(ssrc)
            .and_then(|slot| Some((slot, self.slots[slot.index()].as_ref()?.down.target()?)));
        if let Some((slot, layer)) = target {
            self.wish(now, slot, layer, answer.wishes);
        }
    }

    /// Takes the receiver's own estimate (REMB).
    pub fn on_remb(&mut self, now: Timestamp, limit: Bitrate) {
        self.link.on_remb(now, limit);
    }

    /// Takes transport-wide feedback: when the packets from number `base_sequence` on arrived, in the receiver's clock. `seen` is
    /// room to work in.
    pub fn on_transport_feedback(
        &mut self,
        now: Timestamp,
        base_sequence: u16,
        arrivals: &[Option<Timestamp>],
        seen: &mut Vec<Seen>,
    ) {
        seen.clear();
        if let Some(history) = &mut self.history {
            let unheard = history.resolve(now, base_sequence, arrivals, seen);
            self.link.on_unheard(unheard);
        }
        if !seen.is_empty() {
            let before = self.link.alarms(now);
            self.link.on_feedback(now, seen);
            self.unsettled |= before != self.link.alarms(now);
        }
    }

    fn slot_of(&self, ssrc: u32) -> Option<Slot> {
        Slot::ALL
            .into_iter()
            .find(|slot| self.slots[slot.index()].as_ref().is_some_and(|state| state.spec.ssrc == ssrc))
    }

    fn on_report(&mut self, now: Timestamp, block: LossBlock, loss: &mut WeighedLoss) {
        let rtt = self.sent_reports.rtt(block.last_sender_report, block.delay_since_last_sender_report, now);
        loss.rtt = rtt.or(loss.rtt);
        if let Some(slot) = self.slot_of(block.ssrc)
            && let Some(state) = self.slots[slot.index()].as_mut()
        {
            let expected = block.highest_sequence.wrapping_sub(state.reported);
            state.reported = block.highest_sequence;
            // The first report, and a lie about the highest number, weigh as much as a second of pictures.
            loss.add(expected.min(1_000), block.fraction_lost);
        }
    }

    /// Sends one packet again: pictures on the slot's repair stream (RFC 4588), voice as it was.
    fn repair<O: Outlet>(
        &mut self,
        now: Timestamp,
        slot: Slot,
        sequence: u16,
        answer: &mut Reporting<'_, O>,
    ) {
        let rtt = self.link.estimator().rtt().unwrap_or(RTT_UNKNOWN);
        // Voice is never too dear. What is not sent now is no try: asked for again when there is room, it must not have been sent too often.
        if slot.kind() == MediaKind::Video && self.repair_credit < REPAIR_WHOLE {
            answer.exit.counts.repair_refused += 1;
            return;
        }
        let Some(state) = self.slots[slot.index()].as_mut() else { return };
        // What has been taken away is not shown: its holes would take the repair of what is.
        if slot.kind() == MediaKind::Video && state.down.target().is_none() {
            answer.exit.counts.repair_refused += 1;
            return;
        }
        let resend = state.down.resend(sequence, now, rtt).ok();
        let packet = resend.and_then(|resend| answer.tracks.packet(slot, resend.layer, resend.ext_seq));
        let outgoing = resend.zip(packet).and_then(|(resend, packet)| resend.outgoing(packet));
        let (Some(outgoing), Some(packet)) = (outgoing, packet) else {
            answer.exit.counts.repair_refused += 1;
            return;
        };
        if slot.kind() == MediaKind::Video {
            self.repair_credit = self.repair_credit.saturating_sub(packet.payload.len() as u64);
        }
        let repaired = match slot.kind() {
            MediaKind::Video => self.repair_picture(now, slot, &outgoing, packet, &mut answer.exit),
            MediaKind::Audio => {
                let sent = answer.exit.outlet.again(answer.exit.egress, slot, sequence);
                sent.inspect(|&total| self.sent(total, answer.exit.counts))
            }
        };
        if let Some(total) = repaired {
            self.link.on_sent(now, total + IP_OVERHEAD);
            self.counts.repaired += 1;
            answer.exit.counts.repaired += 1;
        }
    }

    pub(crate) fn repair_picture<O: Outlet>(
        &mut self,
        now: Timestamp,
        slot: Slot,
        outgoing: &Outgoing,
        packet: &StoredPacket,
        exit: &mut Exit<'_, O>,
    ) -> Option<usize> {
        let state = self.slots[slot.index()].as_mut()?;
        let payload_type = state.repair_payload_type(outgoing.codec)?;
        let wire = WireIds { ssrc: state.spec.repair_ssrc?, payload_type };
        let index = state.next_repair;
        state.next_repair += 1;
        self.write_with(now, exit, slot, Stream::Repair, index, false, |extensions, room| {
            outgoing.write_rtx(packet, wire, index as u16, extensions, 0, room).ok()
        })
    }

    /// The sender reports that are due: SSRC and content. Empty: nothing flows yet.
    pub(crate) fn sender_reports(&mut self, now: Timestamp, tracks: &Tracks) -> Vec<(u32, DownReport)> {
        let is_young = now.saturating_since(self.connected_at) < Duration::from_secs(10);
        self.report_due = now + if is_young { REPORT_INTERVAL_FIRST } else { REPORT_INTERVAL };
        let mut reports = Vec::new();
        for slot in Slot::ALL {
            let Some(state) = self.slots[slot.index()].as_mut() else { continue };
            let Some(track) = tracks.get(slot) else { continue };
            let Some(report) = state.down.sender_report(now, &track.layers) else { continue };
            state.clock = report.captured.map(|captured| CaptureClock {
                rtp: report.rtp,
                captured,
                rate: state.down.clock_rate(),
            });
            self.sent_reports.on_sent(report.ntp, now);
            reports.push((state.spec.ssrc, report));
        }
        reports
    }

    /// The page shows `slot` at this size now; `None`: it does not want it.
    pub fn set_wanted(&mut self, slot: Slot, layer: Option<Layer>) {
        if let Some(state) = self.slots[slot.index()].as_mut() {
            state.spec.wanted = layer;
        }
    }
}

/// Loss over all streams of a report, each weighed by its packets.
#[derive(Default)]
struct WeighedLoss {
    expected: f64,
    lost: f64,
    rtt: Option<Duration>,
}

impl WeighedLoss {
    fn add(&mut self, expected: u32, fraction_lost: u8) {
        self.expected += f64::from(expected);
        self.lost += f64::from(expected) * f64::from(fraction_lost) / 256.0;
    }

    fn report(&self) -> Option<LossReport> {
        (self.expected > 0.0).then(|| LossReport { loss: self.lost / self.expected, rtt: self.rtt })
    }
}
