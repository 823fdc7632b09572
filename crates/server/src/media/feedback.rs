//! What one viewer says about what it gets, and what it is answered. Touches that viewer's state and nobody else's.

use super::{
    lesson::{Egressor, Wishes},
    receiver::Receiver,
    track::Tracks,
};
use adaptive::{LossReport, Seen};
use domain::{Layer, MediaKind, Slot, Timestamp};
use media::{Outgoing, StoredPacket, WireIds};
use std::time::Duration;
use transport::{
    Feedback,
    feedback::{Compound, ReportBlock, SenderInfo},
};

/// Round trip taken where no report has told it yet.
const RTT_UNKNOWN: Duration = Duration::from_millis(100);
/// Sender reports: often at first, because a player needs two clocks to bring voice and picture together.
const REPORT_INTERVAL_FIRST: Duration = Duration::from_millis(500);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

impl Receiver {
    /// Takes the content of one RTCP datagram. Repairs leave at once; keyframes it needs are added to `wishes`.
    pub(super) fn on_feedback(
        &mut self,
        items: &[Feedback],
        tracks: &Tracks,
        wishes: &mut Wishes,
        seen: &mut Vec<Seen>,
        egressor: &mut Egressor,
    ) {
        let now = egressor.now();
        egressor.burst.aim(self.path);
        let mut loss = WeighedLoss::default();
        for item in items {
            match item {
                Feedback::ReceiverReport(block) => self.on_report(now, block, &mut loss),
                Feedback::Nack { ssrc, sequences } => {
                    if let Some(slot) = self.slot_of(*ssrc) {
                        self.counts.nacked += sequences.len() as u64;
                        for &sequence in sequences {
                            self.repair(now, slot, sequence, tracks, egressor);
                        }
                    }
                }
                Feedback::Pli { ssrc } | Feedback::Fir { ssrc, .. } => {
                    let target = self
                        .slot_of(*ssrc)
                        .and_then(|slot| Some((slot, self.slots[slot.index()].as_ref()?.down.target()?)));
                    if let Some((slot, layer)) = target {
                        self.wish(now, slot, layer, wishes);
                    }
                }
                Feedback::Remb { bitrate } => self.estimator.on_remb(now, *bitrate),
                Feedback::Twcc(report) => {
                    seen.clear();
                    if let Some(history) = self.history_mut() {
                        history.resolve(now, report, seen);
                    }
                    if !seen.is_empty() {
                        self.estimator.on_feedback(now, seen);
                    }
                }
                // A viewer sends nothing of its own.
                Feedback::SenderReport(_) | Feedback::Bye { .. } => {}
            }
        }
        if let Some(report) = loss.report() {
            self.estimator.on_loss_report(now, report);
        }
        egressor.burst.flush(&mut egressor.socket);
    }

    fn slot_of(&self, ssrc: u32) -> Option<Slot> {
        Slot::ALL
            .into_iter()
            .find(|slot| self.slots[slot.index()].as_ref().is_some_and(|state| state.streams.ssrc == ssrc))
    }

    fn on_report(&mut self, now: Timestamp, block: &ReportBlock, loss: &mut WeighedLoss) {
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
    fn repair(
        &mut self,
        now: Timestamp,
        slot: Slot,
        sequence: u16,
        tracks: &Tracks,
        egressor: &mut Egressor,
    ) {
        let rtt = self.estimator.rtt().unwrap_or(RTT_UNKNOWN);
        let Some(state) = self.slots[slot.index()].as_mut() else { return };
        let resend = state.down.resend(sequence, now, rtt).ok();
        let packet = resend.and_then(|resend| tracks.packet(slot, resend.layer, resend.ext_seq));
        let outgoing = resend.zip(packet).and_then(|(resend, packet)| resend.outgoing(packet));
        let (Some(outgoing), Some(packet)) = (outgoing, packet) else {
            egressor.counts.repair_refused += 1;
            return;
        };
        let Some(credit) = self.repair_credit.checked_sub(packet.payload.len() as u64) else {
            egressor.counts.repair_refused += 1;
            return;
        };
        self.repair_credit = credit;
        let repaired = match slot.kind() {
            MediaKind::Video => self.repair_picture(now, slot, &outgoing, packet, egressor),
            MediaKind::Audio => self.repair_voice(slot, sequence, egressor),
        };
        if repaired.is_some() {
            self.counts.repaired += 1;
            egressor.counts.repaired += 1;
        }
    }

    fn repair_picture(
        &mut self,
        now: Timestamp,
        slot: Slot,
        outgoing: &Outgoing,
        packet: &StoredPacket,
        egressor: &mut Egressor,
    ) -> Option<usize> {
        let state = self.slots[slot.index()].as_mut()?;
        let (ssrc, stream) = (state.streams.rtx_ssrc?, state.streams.rtx_stream?);
        let wire = WireIds { ssrc, payload_type: state.repair_payload_type(outgoing.codec)? };
        let index = state.next_repair;
        state.next_repair += 1;
        let counts_transport = self.counts_transport(slot);
        self.write_with(now, counts_transport, egressor, stream, index, |extensions, room| {
            outgoing.write_rtx(packet, wire, index as u16, extensions, 0, room).ok()
        })
    }

    fn repair_voice(&mut self, slot: Slot, sequence: u16, egressor: &mut Egressor) -> Option<usize> {
        let sealed = self.slots[slot.index()].as_ref()?.kept.as_ref()?.find(sequence)?;
        egressor.burst.room().get_mut(..sealed.len())?.copy_from_slice(sealed);
        egressor.burst.commit(sealed.len(), &mut egressor.socket);
        self.counts.packets += 1;
        self.counts.bytes += sealed.len() as u64;
        Some(sealed.len())
    }

    /// The sender reports that are due, as one compound. `None`: nothing flows yet.
    pub(super) fn sender_reports(&mut self, now: Timestamp, cname: &str, tracks: &Tracks) -> Option<Vec<u8>> {
        let is_young = now.saturating_since(self.connected_at) < Duration::from_secs(10);
        self.report_due = now + if is_young { REPORT_INTERVAL_FIRST } else { REPORT_INTERVAL };
        let mut compound = Compound::new();
        for slot in Slot::ALL {
            let Some(state) = self.slots[slot.index()].as_ref() else { continue };
            let Some(track) = tracks.get(slot) else { continue };
            let Some(report) = state.down.sender_report(now, &track.layers) else { continue };
            let info = SenderInfo {
                ssrc: state.streams.ssrc,
                ntp: report.ntp.0,
                rtp_timestamp: report.rtp,
                packets: report.packets,
                octets: report.octets,
            };
            self.sent_reports.on_sent(report.ntp, now);
            compound = compound.sender_report(&info, &[]).cname(info.ssrc, cname);
        }
        (!compound.is_empty()).then(|| compound.finish())
    }

    /// The page shows `slot` at this size now.
    pub(super) fn set_wanted(&mut self, slot: Slot, layer: Option<Layer>) {
        if let Some(state) = self.slots[slot.index()].as_mut() {
            state.wanted = layer;
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
