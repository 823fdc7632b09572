//! What a receiver's link can carry, from what it reports.
//!
//! Two kinds of receivers: those with transport-wide feedback tell when each packet arrived, and are judged by the queue that stands
//! ([`queue`]), by loss beyond what the air loses anyway ([`loss`]) and by what got through ([`acked`]); the others send receiver
//! reports once a second and are judged by loss and round trip alone, in the manner of GCC's first loss controller.
//!
//! The estimate is what the link has been *seen* to carry. It falls at once to below what got through, and rises only by proof: by
//! media that got through, or by a probe ([`crate::Prober`]). Between reports nothing changes.

mod acked;
mod loss;
mod queue;

use crate::meter::RateMeter;
use acked::AckedMeter;
use domain::{Bitrate, Timestamp};
use loss::{LossSplit, LossVerdict};
use queue::QueueGauge;
use std::time::Duration;

/// One receiver report, all streams of the receiver taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossReport {
    /// Share of packets lost since the last report, 0 to 1; what the sender itself never had is not counted.
    pub loss: f64,
    /// Round-trip time, where known.
    pub rtt: Option<Duration>,
}

/// One packet as transport-wide feedback saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When it left.
    pub sent: Timestamp,
    /// When it arrived, in the receiver's own clock; `None`: not arrived.
    pub received: Option<Timestamp>,
    /// Bytes on the wire.
    pub size: u32,
}

/// Why the link is held to be overfull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overfull {
    /// A queue stands and grows, or is long.
    Queue,
    /// More is lost than this link loses by nature.
    Loss,
}

/// The voice alone needs about this; nothing less is worth estimating.
const ESTIMATE_MIN: f64 = 20_000.0;
const ESTIMATE_MAX: f64 = 50_000_000.0;

/// What remains of the rate that got through, when the link is overfull.
const BACK_OFF: f64 = 0.85;
/// A queue that stands but does not grow: a little less at a time.
const BACK_OFF_GENTLY: f64 = 0.93;
/// The first guesses about a link are made in so much time.
const KNOWN_AFTER: Duration = Duration::from_secs(5);
/// A queue this far above the link's own shaking casts doubt on an estimate, long before it is cut.
const DOUBTFUL_QUEUE: Duration = Duration::from_millis(30);
/// A queue this far above it within 100 ms is more than doubt: what comes out of the link now is what it carries.
const GREAT_QUEUE: Duration = Duration::from_millis(80);
const GREAT_QUEUE_STRAYS: f64 = 8.0;
/// For so long after that no more is sent at once than got through lately, and this much more.
const DOUBTED_FOR: Duration = Duration::from_secs(5);
const TRUSTED_MORE: f64 = 1.25;
/// Without a doubt, too, no more leaves at once than this many times what got through lately, where that is less than this share of an
/// estimate below this: a keyframe on a link that shrank a moment ago would be a second of queue before anything is heard of it.
const UNPROVEN_MORE: f64 = 2.0;
const UNPROVEN_SHARE: f64 = 0.7;
const UNPROVEN_BELOW: f64 = 3e6;
const UNPROVEN_LEAST: f64 = 300_000.0;
/// What a queue that grows and is not long leaves of the estimate at least.
const SHORT_QUEUE_KEEPS: f64 = 0.85;
/// The next cut comes a round trip and this after the last: it must be seen first what the last one did.
const CUT_APART: Duration = Duration::from_millis(300);
/// A queue counts as growing when it became this much longer within the time below.
const GROWING_US: f64 = 12_000.0;
const GROWING_WITHIN: Duration = Duration::from_millis(350);
/// A queue this far above the threshold is too long, whether it grows or not.
const LONG_US: f64 = 120_000.0;
/// A queue that so many cuts in a row have not shortened is not ours: another's download, or another path.
const VAIN_CUTS: u32 = 3;
/// After so long without a cut the next one begins a new series.
const SERIES_ENDS: Duration = Duration::from_secs(4);
/// Loss without a queue: the rate is lowered once by this, and if the loss stays, it was the link's nature.
const POLICER_BACK_OFF: f64 = 0.8;
const POLICER_LOOKS_AFTER: Duration = Duration::from_millis(1_500);
/// Loss is put down to the rate only when that is this many times what was sent while less was lost.
const MORE_THAN_USUAL: f64 = 1.25;
/// While feedback is younger than this, receiver reports count for their round-trip time only.
const FEEDBACK_FRESH: Duration = Duration::from_secs(2);
/// What got through may prove a little more than itself: packets come in lumps.
const PROVES: f64 = 1.05;

/// Receiver reports: below this share lost a link is clean, above that overfull.
const LOSS_CLEAN: f64 = 0.02;
const LOSS_OVERFULL: f64 = 0.10;
const LOSS_HEAVY: f64 = 0.25;
const LOSS_MOST: f64 = 0.5;
/// Growth a second by clean reports, soon after a cut and later.
const GROWTH_CAREFUL: f64 = 1.08;
const GROWTH_CONFIDENT: f64 = 1.25;
const CONFIDENT_AFTER: Duration = Duration::from_secs(5);
/// By reports alone the estimate may run ahead of what is sent by this factor, and this.
const AHEAD: f64 = 5.0;
const AHEAD_BPS: f64 = 100_000.0;
/// By reports alone nothing proves that a limit is gone: it is doubted more and more, and not believed any more by twice after this.
const CEILING_FADES: Duration = Duration::from_secs(30);
/// What a link carried before it was silent it carries again within this, or never.
const RECOVERY_MOST: Duration = Duration::from_mins(1);
/// A round trip longer than the shortest by this is a standing queue.
const RTT_QUEUE: Duration = Duration::from_millis(200);

/// Estimates what one receiver's link can carry.
#[derive(Debug, Clone)]
pub struct LinkEstimator {
    estimate_bps: f64,
    sent: RateMeter,
    rtt: Option<Duration>,
    rtt_least: Option<Duration>,
    cut_at: Option<Timestamp>,
    /// What got through at the last cut: about what the link carries.
    ceiling: Option<(Timestamp, f64)>,
    overfull: Option<Overfull>,
    /// Until then a queue is of our own trying and costs nothing but the try.
    excused_until: Timestamp,
    doubt: Option<Doubt>,
    /// When the link was heard again after a silence; zero: it never was silent.
    restarted_at: Timestamp,
    feedback: Feedback,
    reports: Reports,
}

/// A queue was found that casts doubt on the estimate.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    at: Timestamp,
    /// What came out of it then, bits per second.
    came_out: f64,
    /// No more than came out is believed.
    is_great: bool,
}

/// What transport-wide feedback has shown so far.
#[derive(Debug, Clone, Default)]
struct Feedback {
    heard_at: Option<Timestamp>,
    /// Bytes whose report was lost, before the packets of the next one.
    unheard: u64,
    /// When it came first.
    since: Option<Timestamp>,
    acked: AckedMeter,
    /// What got through of late, corrected for what the air loses, bits per second; as of the last feedback.
    lately_bps: f64,
    queue: QueueGauge,
    loss: LossSplit,
    /// The queue a moment ago, to tell whether it grows.
    queue_before: (Timestamp, f64),
    grows: bool,
    /// Cuts in a row, and the queue when the first was made.
    series: u32,
    /// Its latest cut. A cut for loss is none of it: counted on, an old series had declared a new queue another's at once.
    series_at: Option<Timestamp>,
    series_queue_us: f64,
    /// A queue of this length is another's; only what comes on top is ours.
    accepted_us: f64,
    /// What was being sent while nothing unusual was lost, bits per second.
    usual_bps: f64,
    /// A test of whether loss goes with the rate: since when, the loss and the estimate before.
    policer: Option<(Timestamp, f64, f64)>,
}

/// What receiver reports have shown so far.
#[derive(Debug, Clone, Default)]
struct Reports {
    heard_at: Option<Timestamp>,
    loss: f64,
    grown_at: Option<Timestamp>,
}

impl LinkEstimator {
    /// A link of which nothing is known yet but a guess.
    pub fn new(start: Bitrate) -> Self {
        Self {
            estimate_bps: (start.as_bps() as f64).clamp(ESTIMATE_MIN, ESTIMATE_MAX),
            sent: RateMeter::default(),
            rtt: None,
            rtt_least: None,
            cut_at: None,
            ceiling: None,
            overfull: None,
            excused_until: Timestamp::ZERO,
            doubt: None,
            restarted_at: Timestamp::ZERO,
            feedback: Feedback::default(),
            reports: Reports::default(),
        }
    }

    /// `bytes` left towards the receiver.
    pub fn on_sent(&mut self, now: Timestamp, bytes: usize) {
        self.sent.add(now, bytes as u64);
    }

    /// A receiver report came.
    pub fn on_loss_report(&mut self, now: Timestamp, report: LossReport) {
        if let Some(rtt) = report.rtt {
            self.rtt = Some(self.rtt.map_or(rtt, |smooth| (smooth * 7 + rtt) / 8));
            self.rtt_least = Some(self.rtt_least.map_or(rtt, |least| least.min(rtt)));
        }
        if !self.has_feedback(now) && report.loss.is_finite() {
            // The report tells about the time since the one before, a round trip ago. After a cut, the first
            // whole report about the time since then counts; unless most is lost, which no old part explains.
            let began = self.reports.heard_at.map(|at| at - self.rtt.unwrap_or_default());
            let is_about_now = self.cut_at.is_none_or(|cut| began.is_some_and(|began| began >= cut));
            if is_about_now || report.loss > LOSS_MOST {
                self.judge_report(now, report.loss.clamp(0.0, 1.0), report.rtt);
            }
        }
        self.reports.heard_at = Some(now);
    }

    /// The receiver's own estimate came (REMB). It counts only where nothing better is known, and as a limit only when it is near
    /// or below what we send: a receiver cannot see more than it is sent, so a stream that was cut once would never be let up
    /// again.
    pub fn on_remb(&mut self, now: Timestamp, limit: Bitrate) {
        let limit = limit.as_bps() as f64;
        let sent = self.sent.rate(now).as_bps() as f64;
        if !self.has_feedback(now) && limit < sent * 1.1 && limit < self.estimate_bps {
            self.cut(now, limit);
        }
    }

    /// See [`crate::Link::on_unheard`].
    pub fn on_unheard(&mut self, bytes: u64) {
        self.feedback.unheard = self.feedback.unheard.saturating_add(bytes);
    }

    /// Transport-wide feedback came: packets in the order they were sent.
    pub fn on_feedback(&mut self, now: Timestamp, packets: &[Seen]) {
        let feedback = &mut self.feedback;
        for packet in packets {
            if let Some(received) = packet.received {
                // Feedback by which nothing arrived is no sign of life.
                feedback.heard_at = Some(now);
                feedback.since.get_or_insert(now);
                // Of what nobody reported, as much got through as usually does.
                let unheard = std::mem::take(&mut feedback.unheard) as f64 * (1.0 - feedback.loss.smooth());
                // What waited in a modem through an outage comes out at once: it was never sent that fast.
                if packet.sent >= self.restarted_at {
                    feedback.acked.add_until(received, unheard as u64);
                    feedback.acked.add(received, u64::from(packet.size));
                }
                feedback.queue.on_packet(now, packet.sent, received);
            }
            // What left before a cut says nothing about the link after it.
            if self.cut_at.is_none_or(|cut| packet.sent > cut) {
                feedback.loss.on_packet(packet.received.is_some());
            }
        }
        self.judge_feedback(now);
    }

    /// What the link can carry, as far as has been seen.
    pub fn estimate(&self) -> Bitrate {
        Bitrate::from_bps(self.estimate_bps as u64)
    }

    /// What may be sent at once, a keyframe say: the estimate, unless a queue has cast doubt on it. Where little is sent an estimate
    /// is as old as its last proof, and a link that has shrunk since says so by a short queue first.
    pub fn trusted(&self, now: Timestamp) -> Bitrate {
        let bps = self.doubt(now).map_or(self.estimate_bps, |doubt| {
            let air = (1.0 - self.feedback.loss.inherent()).max(0.3);
            let lately = self.feedback.acked.steady_bps() / air * TRUSTED_MORE;
            let lately = if doubt.is_great { 0.0 } else { lately };
            lately.max(doubt.came_out).clamp(ESTIMATE_MIN.min(self.estimate_bps), self.estimate_bps)
        });
        Bitrate::from_bps(bps as u64)
    }

    /// Whether a queue casts doubt on the estimate.
    pub fn is_doubted(&self, now: Timestamp) -> bool {
        self.doubt(now).is_some()
    }

    fn doubt(&self, now: Timestamp) -> Option<Doubt> {
        self.doubt.filter(|doubt| now.saturating_since(doubt.at) < DOUBTED_FOR)
    }

    /// Where far less than the estimate is being sent nothing has proven it lately: so much may leave at once, and what gets through of
    /// that is the proof for more. `None`: the estimate is in use, or the link is new, or wider than anything that leaves at once.
    pub fn unproven(&self, now: Timestamp) -> Option<Bitrate> {
        let is_known = self.feedback.since.is_some_and(|since| now.saturating_since(since) > KNOWN_AFTER);
        if !is_known || self.estimate_bps > UNPROVEN_BELOW || !self.has_feedback(now) {
            return None;
        }
        let most = (self.feedback.lately_bps * UNPROVEN_MORE).max(UNPROVEN_LEAST);
        (most < self.estimate_bps * UNPROVEN_SHARE).then(|| Bitrate::from_bps(most as u64))
    }

    /// More than the estimate is being tried on purpose: a queue that grows until then says so, and nothing about the media.
    pub fn excuse(&mut self, until: Timestamp) {
        self.excused_until = self.excused_until.max(until);
    }

    /// A probe has shown that this much gets through.
    pub fn prove(&mut self, now: Timestamp, rate: Bitrate) {
        let rate = (rate.as_bps() as f64).min(ESTIMATE_MAX);
        if rate > self.estimate_bps {
            self.estimate_bps = rate;
            self.doubt = None;
        }
        if self.ceiling.is_some_and(|(_, ceiling)| rate > ceiling * 1.2) {
            self.ceiling = None;
        }
        self.reports.grown_at = Some(now);
    }

    /// A probe has shown that this much comes out at the other end of a link that was given more: the estimate is not above it.
    pub fn disprove(&mut self, now: Timestamp, rate: Bitrate) {
        let rate = rate.as_bps() as f64;
        if rate > ESTIMATE_MIN {
            self.ceiling = Some((now, rate));
            // What came out proves nearly itself, too; the queue it left behind needs room to drain.
            self.estimate_bps = self.estimate_bps.min(rate * 0.95).max(ESTIMATE_MIN);
        }
    }

    /// The link was silent and is heard again: it may be another one. `start` is believed for the beginning, and what it carried before
    /// is its limit until it has shown more: a modem that has just come back is not the place for great leaps.
    pub fn restart(&mut self, now: Timestamp, start: Bitrate) {
        let (rtt, loss) = (self.rtt, std::mem::take(&mut self.feedback.loss));
        // A second silence in the middle of the recovery from a first one knows no better.
        let recovering = |at: Timestamp| !self.was_overfull() && now.saturating_since(at) < RECOVERY_MOST;
        let before = self.ceiling.filter(|(at, _)| recovering(*at)).map_or(0.0, |(_, carried)| carried);
        let ceiling = Some((now, before.max(self.estimate_bps)));
        *self = Self { rtt, ceiling, restarted_at: now, ..Self::new(start) };
        self.feedback.loss = loss;
        self.feedback.loss.restart();
        self.cut_at = Some(now);
    }

    /// How far the measured queue strays while nothing is wrong.
    pub fn shaking(&self) -> Duration {
        self.feedback.queue.stray()
    }

    /// Whether the last report found the link overfull, and by what.
    pub fn overfull(&self) -> Option<Overfull> {
        self.overfull
    }

    /// Whether the link was found overfull since it was first or last begun with.
    pub fn was_overfull(&self) -> bool {
        self.ceiling.is_some_and(|(at, _)| at > self.restarted_at)
    }

    /// What got through when the link was last found overfull, or before it was silent, and when that was found.
    pub fn ceiling(&self) -> Option<(Timestamp, Bitrate)> {
        self.ceiling.map(|(at, bps)| (at, Bitrate::from_bps(bps as u64)))
    }

    /// Bits that got through lately, a second, corrected for what the air loses: what the sent packets proved.
    pub fn through(&self) -> Bitrate {
        Bitrate::from_bps(self.feedback.acked.steady_bps() as u64)
    }

    /// Whether transport-wide feedback comes.
    pub fn has_feedback(&self, now: Timestamp) -> bool {
        self.feedback.heard_at.is_some_and(|at| now.saturating_since(at) < FEEDBACK_FRESH)
    }

    /// When anything was heard of the receiver.
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.feedback.heard_at.max(self.reports.heard_at)
    }

    /// The queue that stands now and is ours, where feedback tells.
    pub fn queue(&self) -> Duration {
        let standing = self.feedback.queue.standing_us().unwrap_or(0.0);
        Duration::from_micros((standing - self.feedback.accepted_us).max(0.0) as u64)
    }

    /// The queue of the very latest arrivals that is ours; `None` where too few came to say, or where it grows.
    pub fn queue_now(&self) -> Option<Duration> {
        let is_known = self.feedback.queue.knows_itself() && !self.feedback.grows;
        let latest = self.feedback.queue.latest_us().filter(|_| is_known)?;
        Some(Duration::from_micros((latest - self.feedback.accepted_us).max(0.0) as u64))
    }

    /// How much later than the quickest nine packets of ten arrive: what a playout has to wait for on top of repair.
    pub fn spread(&self) -> Duration {
        self.feedback.queue.spread()
    }

    /// Share of packets lost lately, 0 to 1, smoothed.
    pub fn loss(&self) -> f64 {
        if self.feedback.heard_at.is_some() { self.feedback.loss.smooth() } else { self.reports.loss }
    }

    /// Share of packets this link loses by nature.
    pub fn inherent_loss(&self) -> f64 {
        if self.feedback.heard_at.is_some() { self.feedback.loss.inherent() } else { self.reports.loss }
    }

    /// Mean length of a run of lost packets; 0 before any.
    pub fn loss_run(&self) -> f64 {
        self.feedback.loss.run_length()
    }

    /// Smoothed round-trip time, where known.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    fn judge_feedback(&mut self, now: Timestamp) {
        let feedback = &mut self.feedback;
        let threshold = feedback.queue.threshold_us();
        let standing = feedback.queue.standing_us();
        let ours = standing.map(|standing| (standing - feedback.accepted_us).max(0.0));
        let stands = ours.is_some_and(|ours| ours > threshold);
        if let Some(standing) = standing {
            let (at, before) = feedback.queue_before;
            if now.saturating_since(at) >= GROWING_WITHIN {
                feedback.grows = standing > before + GROWING_US;
                feedback.queue_before = (now, standing);
            } else if standing > before + 3.0 * GROWING_US {
                feedback.grows = true;
            }
        }
        let excess = feedback.loss.judge(stands) == LossVerdict::Excess;
        let long = ours.is_some_and(|ours| ours > threshold + LONG_US);
        let air = (1.0 - feedback.loss.inherent()).max(0.3);
        let through = feedback.acked.bps() / air;
        let comes_out = feedback.acked.latest_bps() / air;
        feedback.lately_bps = comes_out.max(feedback.acked.steady_bps() / air);
        let doubtful = DOUBTFUL_QUEUE + feedback.queue.stray() * 4;
        let latest = feedback.queue.latest_us().map(|latest| (latest - feedback.accepted_us).max(0.0));
        let great = GREAT_QUEUE + feedback.queue.stray().mul_f64(GREAT_QUEUE_STRAYS);
        let is_great = latest.is_some_and(|latest| latest > great.as_micros() as f64);
        let is_doubtful = ours.is_some_and(|ours| ours > doubtful.as_micros() as f64);
        if (is_doubtful || is_great) && now >= self.excused_until {
            self.doubt = Some(Doubt { at: now, came_out: comes_out, is_great });
        }
        if stands && (feedback.grows || long || excess) {
            self.overfull = Some(Overfull::Queue);
            // A short queue under little traffic is as likely the air's as ours: what little got through is no measure of the link.
            // Should it be ours, it is long by the next look.
            let is_first = self.cut_at.is_none_or(|at| now.saturating_since(at) > SERIES_ENDS);
            let is_known = feedback.since.is_some_and(|since| now.saturating_since(since) > KNOWN_AFTER);
            let keeps = is_known && is_first && !long && !excess;
            let believed = if keeps { self.estimate_bps * SHORT_QUEUE_KEEPS / BACK_OFF } else { 0.0 };
            self.cut_for_queue(now, comes_out.max(believed), BACK_OFF);
        } else if stands {
            self.overfull = Some(Overfull::Queue);
            self.cut_for_queue(
                now,
                self.estimate_bps.min(comes_out.max(self.estimate_bps * 0.5)),
                BACK_OFF_GENTLY,
            );
        } else if excess {
            self.overfull = Some(Overfull::Loss);
            self.test_policer(now, through);
        } else {
            self.overfull = None;
            if !feedback.grows {
                feedback.queue.learn();
            }
            // A queue that was another's goes with the other.
            if standing.is_some_and(|standing| standing < feedback.accepted_us * 0.5) {
                feedback.accepted_us = 0.0;
            }
            self.look_at_policer(now, through);
            let sent = self.sent.rate(now).as_bps() as f64;
            self.feedback.usual_bps += (sent - self.feedback.usual_bps) * 0.02;
            let proven = self.feedback.acked.steady_bps() * PROVES;
            if proven > self.estimate_bps {
                self.prove(now, Bitrate::from_bps(proven as u64));
            }
        }
    }

    /// A queue stands. Lowers the estimate, unless lowering it has not helped before: then the queue is another's.
    fn cut_for_queue(&mut self, now: Timestamp, through: f64, back_off: f64) {
        let soon =
            self.cut_at.is_some_and(|at| now.saturating_since(at) < CUT_APART + self.rtt.unwrap_or_default());
        if soon || now < self.excused_until {
            return;
        }
        let feedback = &mut self.feedback;
        let standing = feedback.queue.standing_us().unwrap_or(0.0);
        if feedback.series_at.is_none_or(|at| now.saturating_since(at) > SERIES_ENDS) {
            (feedback.series, feedback.series_queue_us) = (0, standing);
        }
        feedback.series += 1;
        feedback.series_at = Some(now);
        if feedback.series > VAIN_CUTS && standing > feedback.series_queue_us * 0.6 {
            feedback.accepted_us = standing;
            feedback.series = 0;
            return;
        }
        self.ceiling = Some((now, through));
        self.cut(now, through.min(self.estimate_bps) * back_off);
    }

    /// Loss without a queue: lowers the rate once, to see whether the loss goes with it.
    fn test_policer(&mut self, now: Timestamp, through: f64) {
        let loss = self.feedback.loss.latest();
        let sent = self.sent.rate(now).as_bps() as f64;
        match self.feedback.policer {
            // No more is sent than when less was lost: it is not the rate, it is the weather.
            None if sent < self.feedback.usual_bps * MORE_THAN_USUAL && loss < LOSS_MOST => {
                self.feedback.loss.accept();
            }
            None => {
                self.feedback.policer = Some((now, loss, self.estimate_bps));
                // Most of it lost: whatever the reason, so much does not get through.
                let limit = if loss > LOSS_MOST { through } else { self.estimate_bps.min(through * 1.1) };
                self.ceiling = Some((now, through));
                self.cut(now, limit * POLICER_BACK_OFF);
            }
            Some(_) => self.look_at_policer(now, through),
        }
    }

    /// Has the loss gone with the rate? When it has not, it was the link's nature, and the rate comes back.
    fn look_at_policer(&mut self, now: Timestamp, through: f64) {
        let Some((since, before, estimate)) = self.feedback.policer else { return };
        if now.saturating_since(since) < POLICER_LOOKS_AFTER {
            return;
        }
        self.feedback.policer = None;
        let loss = self.feedback.loss.latest();
        if loss > LOSS_MOST {
            self.cut(now, through * BACK_OFF);
        } else if loss > before * 0.6 {
            self.feedback.loss.accept();
            self.ceiling = None;
            self.estimate_bps = self.estimate_bps.max(estimate);
        }
    }

    fn judge_report(&mut self, now: Timestamp, loss: f64, rtt: Option<Duration>) {
        self.reports.loss += (loss - self.reports.loss) * 0.3;
        let queues = matches!((rtt, self.rtt_least), (Some(rtt), Some(least)) if rtt > least + RTT_QUEUE);
        if loss > LOSS_OVERFULL || queues {
            self.overfull = Some(if queues { Overfull::Queue } else { Overfull::Loss });
            // What is not being sent has not been tried: the estimate may have grown far above it.
            let tried = self.estimate_bps.min(self.sent.rate(now).as_bps() as f64);
            let remains = if loss > LOSS_HEAVY { 1.0 - loss } else { 1.0 - loss / 2.0 };
            self.ceiling = Some((now, self.sent.rate(now).as_bps() as f64 * (1.0 - loss)));
            self.cut(now, tried * remains.min(if queues { BACK_OFF } else { 1.0 }));
        } else if loss < LOSS_CLEAN {
            self.overfull = None;
            self.grow(now);
        } else {
            self.overfull = None;
            self.reports.grown_at = Some(now);
        }
    }

    fn cut(&mut self, now: Timestamp, limit_bps: f64) {
        self.estimate_bps = limit_bps.clamp(ESTIMATE_MIN, self.estimate_bps);
        self.cut_at = Some(now);
        self.reports.grown_at = Some(now);
        self.feedback.loss.restart();
    }

    /// Clean reports let the estimate grow a little ahead of what is sent; a receiver without feedback cannot be probed.
    fn grow(&mut self, now: Timestamp) {
        let confident = self.cut_at.is_none_or(|at| now.saturating_since(at) > CONFIDENT_AFTER);
        let growth = if confident { GROWTH_CONFIDENT } else { GROWTH_CAREFUL };
        // A report after a long silence vouches for the last moments only.
        let passed = self.reports.grown_at.map_or(0.0, |at| now.saturating_since(at).as_secs_f64().min(2.0));
        let mut most = (self.sent.rate(now).as_bps() as f64 * AHEAD + AHEAD_BPS).min(ESTIMATE_MAX);
        if let Some((at, ceiling)) = self.ceiling {
            most = most
                .min(ceiling * (1.0 + now.saturating_since(at).as_secs_f64() / CEILING_FADES.as_secs_f64()));
        }
        self.estimate_bps = (self.estimate_bps * growth.powf(passed)).min(most.max(self.estimate_bps));
        self.reports.grown_at = Some(now);
    }
}

#[cfg(test)]
mod tests;
