//! What a receiver's link can carry, from what it reports.
//!
//! A simple rule behind the seam, in the manner of GCC's first loss controller: clean reports let the estimate
//! grow, a tenth lost or a standing queue cut it at once to below what was being sent. Between reports nothing
//! changes, so a silent receiver neither gains nor loses.

use crate::meter::RateMeter;
use domain::{Bitrate, Timestamp};
use std::time::Duration;

/// One receiver report, all streams of the receiver taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossReport {
    /// Share of packets lost since the last report, 0 to 1.
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

/// Below this share lost a link is clean.
const LOSS_CLEAN: f64 = 0.02;
/// Above this share lost it is overfull.
const LOSS_OVERFULL: f64 = 0.10;
/// A queue longer than this is standing, not jitter of a radio link.
const QUEUE_OVERFULL: Duration = Duration::from_millis(120);
/// Below this the queue says nothing against growing.
const QUEUE_CLEAN: Duration = Duration::from_millis(60);
/// What remains of the rate that got through, when a queue stands.
const BACK_OFF: f64 = 0.85;
/// Growth a second, soon after a cut and later.
const GROWTH_CAREFUL: f64 = 1.08;
const GROWTH_CONFIDENT: f64 = 1.25;
const CONFIDENT_AFTER: Duration = Duration::from_secs(5);
/// From this share lost on, what got through is the better guess.
const LOSS_HEAVY: f64 = 0.25;
/// From this share lost on, a report cuts even when part of it is about the time before the last cut.
const LOSS_MOST: f64 = 0.5;
/// The estimate may run ahead of what is sent by this factor (the steps between layers are below it), and this.
const AHEAD: f64 = 5.0;
const AHEAD_BPS: f64 = 100_000.0;
/// Feedback is judged for loss over at least so many packets; twice in a row, unless heavy.
const FEEDBACK_PACKETS: u32 = 50;
/// While feedback is younger than this, receiver reports count for their round-trip time only.
const FEEDBACK_FRESH: Duration = Duration::from_secs(2);

/// The voice alone needs about this; nothing less is worth estimating.
const ESTIMATE_MIN: f64 = 20_000.0;
const ESTIMATE_MAX: f64 = 50_000_000.0;

/// Estimates what one receiver's link can carry.
#[derive(Debug, Clone)]
pub struct LinkEstimator {
    estimate_bps: f64,
    sent: RateMeter,
    loss: f64,
    rtt: Option<Duration>,
    grown_at: Option<Timestamp>,
    cut_at: Option<Timestamp>,
    reported_at: Option<Timestamp>,
    feedback: Feedback,
}

/// What transport-wide feedback has shown so far.
#[derive(Debug, Clone, Default)]
struct Feedback {
    heard_at: Option<Timestamp>,
    packets: u32,
    lost: u32,
    /// The last judgement was "overfull".
    suspects: bool,
    arrived: RateMeter,
    queue: QueueGauge,
}

impl LinkEstimator {
    /// A link of which nothing is known yet but a guess.
    pub fn new(start: Bitrate) -> Self {
        Self {
            estimate_bps: (start.as_bps() as f64).clamp(ESTIMATE_MIN, ESTIMATE_MAX),
            sent: RateMeter::default(),
            loss: 0.0,
            rtt: None,
            grown_at: None,
            cut_at: None,
            reported_at: None,
            feedback: Feedback::default(),
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
        }
        let better_informed =
            self.feedback.heard_at.is_some_and(|at| now.saturating_since(at) < FEEDBACK_FRESH);
        if !better_informed && report.loss.is_finite() {
            // The report tells about the time since the one before, a round trip ago. After a cut, the first
            // whole report about the time since then counts; unless most is lost, which no old part explains.
            let began = self.reported_at.map(|at| at - self.rtt.unwrap_or_default());
            let is_about_now = self.cut_at.is_none_or(|cut| began.is_some_and(|began| began >= cut));
            if is_about_now || report.loss > LOSS_MOST {
                self.judge_loss(now, report.loss.clamp(0.0, 1.0), true);
            }
        }
        self.reported_at = Some(now);
    }

    /// The receiver's own estimate came (REMB).
    ///
    /// It is a limit only when it is near or below what we send: a receiver cannot see more than it is sent, so
    /// a stream that was cut once would never be let up again.
    pub fn on_remb(&mut self, now: Timestamp, limit: Bitrate) {
        let limit = limit.as_bps() as f64;
        let sent = self.sent.rate(now).as_bps() as f64;
        if limit < sent * 1.1 && limit < self.estimate_bps {
            self.cut(now, limit);
        }
    }

    /// Transport-wide feedback came: packets in the order they were sent.
    pub fn on_feedback(&mut self, now: Timestamp, packets: &[Seen]) {
        let feedback = &mut self.feedback;
        feedback.heard_at = Some(now);
        for packet in packets {
            if let Some(received) = packet.received {
                feedback.arrived.add(now, u64::from(packet.size));
                feedback.queue.on_packet(now, packet.sent, received);
            }
            // What left before a cut says nothing about the link after it.
            if self.cut_at.is_none_or(|cut| packet.sent > cut) {
                feedback.packets += 1;
                feedback.lost += u32::from(packet.received.is_none());
            }
        }
        let queue = feedback.queue.standing();
        if queue > QUEUE_OVERFULL && feedback.packets > 0 {
            let through = feedback.arrived.rate(now).as_bps() as f64;
            let limit = through.min(self.estimate_bps) * BACK_OFF;
            self.cut(now, limit);
        } else if feedback.packets >= FEEDBACK_PACKETS {
            let loss = f64::from(feedback.lost) / f64::from(feedback.packets);
            (feedback.packets, feedback.lost) = (0, 0);
            let confirmed = std::mem::replace(&mut feedback.suspects, loss > LOSS_OVERFULL);
            if loss <= LOSS_OVERFULL || confirmed || loss > LOSS_HEAVY {
                self.judge_loss(now, loss, queue < QUEUE_CLEAN);
            }
        }
    }

    /// What the link can carry.
    pub fn estimate(&self) -> Bitrate {
        Bitrate::from_bps(self.estimate_bps as u64)
    }

    /// Share of packets lost lately, 0 to 1, smoothed.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// Smoothed round-trip time, where known.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    fn judge_loss(&mut self, now: Timestamp, loss: f64, may_grow: bool) {
        self.loss += (loss - self.loss) * 0.3;
        if loss > LOSS_OVERFULL {
            // What is not being sent has not been tried: the estimate may have grown far above it.
            let tried = self.estimate_bps.min(self.sent.rate(now).as_bps() as f64);
            let remains = if loss > LOSS_HEAVY { 1.0 - loss } else { 1.0 - loss / 2.0 };
            self.cut(now, tried * remains);
        } else if loss < LOSS_CLEAN && may_grow {
            self.grow(now);
        } else {
            self.grown_at = Some(now);
        }
    }

    fn cut(&mut self, now: Timestamp, limit_bps: f64) {
        self.estimate_bps = limit_bps.clamp(ESTIMATE_MIN, self.estimate_bps);
        self.cut_at = Some(now);
        self.grown_at = Some(now);
        (self.feedback.packets, self.feedback.lost, self.feedback.suspects) = (0, 0, false);
        self.feedback.queue.forgive();
    }

    fn grow(&mut self, now: Timestamp) {
        let confident = self.cut_at.is_none_or(|at| now.saturating_since(at) > CONFIDENT_AFTER);
        let growth = if confident { GROWTH_CONFIDENT } else { GROWTH_CAREFUL };
        // A report after a long silence vouches for the last moments only.
        let passed = self.grown_at.map_or(0.0, |at| now.saturating_since(at).as_secs_f64().min(2.0));
        let most = (self.sent.rate(now).as_bps() as f64 * AHEAD + AHEAD_BPS).min(ESTIMATE_MAX);
        self.estimate_bps = (self.estimate_bps * growth.powf(passed)).min(most.max(self.estimate_bps));
        self.grown_at = Some(now);
    }
}

/// Measures the standing queue: how much longer packets take than the quickest one of the last 10 to 20 s.
///
/// The two clocks differ by an unknown offset, which cancels; their drift is negligible over that time.
#[derive(Debug, Clone, Default)]
struct QueueGauge {
    /// Shortest transit (receiver clock minus ours, microseconds) in this and the previous period.
    quickest: [Option<i64>; 2],
    period_began: Timestamp,
    smooth_us: f64,
}

impl QueueGauge {
    const PERIOD: Duration = Duration::from_secs(10);

    fn on_packet(&mut self, now: Timestamp, sent: Timestamp, received: Timestamp) {
        let transit = received.as_micros().wrapping_sub(sent.as_micros()).cast_signed();
        if now.saturating_since(self.period_began) > Self::PERIOD {
            self.quickest = [None, self.quickest[0]];
            self.period_began = now;
        }
        self.quickest[0] = Some(self.quickest[0].map_or(transit, |quickest| quickest.min(transit)));
        let base = self.quickest.iter().flatten().min().copied().unwrap_or(transit);
        let queue_us = transit.wrapping_sub(base).clamp(0, 10_000_000) as f64;
        self.smooth_us += (queue_us - self.smooth_us) * 0.1;
    }

    /// The queue has been acted upon: measure it anew.
    fn forgive(&mut self) {
        self.smooth_us = 0.0;
    }

    fn standing(&self) -> Duration {
        Duration::from_micros(self.smooth_us as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn report(loss: f64) -> LossReport {
        LossReport { loss, rtt: Some(Duration::from_millis(80)) }
    }

    /// Sends at `kbps` and reports `loss` each second from second `from` to `to`.
    fn live(link: &mut LinkEstimator, from: u64, to: u64, kbps: u64, loss: f64) {
        for ms in (from * 1_000..to * 1_000).step_by(20) {
            link.on_sent(at(ms), (kbps * 20 / 8) as usize);
            if ms % 1_000 == 980 {
                link.on_loss_report(at(ms), report(loss));
            }
        }
    }

    #[test]
    fn one_report_of_a_fifth_lost_cuts_below_what_was_sent() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
        live(&mut link, 0, 10, 1_000, 0.0);
        assert!(link.estimate() > Bitrate::from_kbps(2_000));
        live(&mut link, 10, 11, 1_000, 0.2);
        assert!(link.estimate() <= Bitrate::from_kbps(930), "{}", link.estimate());
    }

    #[test]
    fn a_little_loss_neither_raises_nor_lowers() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(700));
        live(&mut link, 0, 20, 500, 0.05);
        assert_eq!(link.estimate(), Bitrate::from_kbps(700));
        assert!((link.loss() - 0.05).abs() < 0.001);
    }

    #[test]
    fn a_link_that_heals_is_believed_again_within_half_a_minute() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
        live(&mut link, 0, 5, 2_000, 0.4);
        let worst = link.estimate();
        assert!(worst < Bitrate::from_kbps(1_000), "{worst}");
        live(&mut link, 5, 30, 400, 0.0);
        assert!(link.estimate() > Bitrate::from_kbps(2_000), "{}", link.estimate());
    }

    #[test]
    fn hope_does_not_run_away_from_what_is_really_sent() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(300));
        live(&mut link, 0, 120, 100, 0.0);
        assert!((550..=650).contains(&link.estimate().as_kbps()), "{}", link.estimate());
    }

    #[test]
    fn a_receivers_own_estimate_limits_only_what_it_can_have_seen() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
        live(&mut link, 0, 2, 80, 0.05);
        link.on_remb(at(2_000), Bitrate::from_kbps(130));
        assert_eq!(link.estimate(), Bitrate::from_kbps(2_000), "80 kbit/s flow freely through 130");
        live(&mut link, 2, 4, 1_000, 0.05);
        link.on_remb(at(4_000), Bitrate::from_kbps(600));
        assert_eq!(link.estimate(), Bitrate::from_kbps(600));
    }

    /// Feedback for packets of 1,200 bytes each 10 ms (960 kbit/s) whose delay is `delay_ms(n)`.
    fn feed(link: &mut LinkEstimator, from: u64, to: u64, delay_ms: impl Fn(u64) -> Option<u64>) {
        for start in (from..to).step_by(10) {
            let seen: Vec<Seen> = (start..start + 10)
                .map(|n| Seen {
                    sent: at(n * 10),
                    received: delay_ms(n).map(|delay| at(77_000_000 + n * 10 + delay)),
                    size: 1_200,
                })
                .collect();
            for packet in &seen {
                link.on_sent(packet.sent, 1_200);
            }
            link.on_feedback(at((start + 10) * 10), &seen);
        }
    }

    #[test]
    fn a_queue_that_builds_up_cuts_before_anything_is_lost() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
        feed(&mut link, 0, 500, |_| Some(40));
        let before = link.estimate();
        assert!(before > Bitrate::from_kbps(1_500));
        feed(&mut link, 500, 600, |n| Some(40 + (n - 500) * 4));
        assert!(link.estimate() < Bitrate::from_kbps(900), "{}", link.estimate());
    }

    #[test]
    fn a_shaking_radio_link_is_not_taken_for_a_queue() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
        feed(&mut link, 0, 2_000, |n| Some(100 + n * 7_919 % 60));
        assert!(link.estimate() >= Bitrate::from_kbps(1_500), "{}", link.estimate());
    }

    #[test]
    fn one_unlucky_moment_is_not_an_overfull_link_but_two_are() {
        let unlucky = |n: u64| (!n.is_multiple_of(8)).then_some(40);
        let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
        feed(&mut link, 0, 50, unlucky);
        feed(&mut link, 50, 100, |_| Some(40));
        feed(&mut link, 100, 150, unlucky);
        assert!(link.estimate() >= Bitrate::from_kbps(1_500), "{}", link.estimate());
        feed(&mut link, 150, 200, unlucky);
        assert!(link.estimate() < Bitrate::from_kbps(1_000), "{}", link.estimate());
    }

    #[test]
    fn feedback_makes_receiver_reports_unnecessary() {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
        feed(&mut link, 0, 100, |n| (n % 4 != 0).then_some(40));
        assert!(link.estimate() < Bitrate::from_kbps(900), "a quarter lost: {}", link.estimate());
        let now = link.estimate();
        link.on_loss_report(at(1_100), report(0.9));
        assert_eq!(link.estimate(), now);
    }

    proptest! {
        #[test]
        fn lying_feedback_stays_within_bounds(
            reports in prop::collection::vec((0u64..1_000, any::<f64>(), any::<u64>(), prop::option::of(any::<u64>()), any::<u32>()), 0..100),
        ) {
            let mut link = LinkEstimator::new(Bitrate::from_kbps(500));
            let mut now = 0;
            for (passed, loss, value, received, size) in reports {
                now += passed;
                link.on_sent(at(now), size as usize);
                link.on_loss_report(at(now), LossReport { loss, rtt: Some(Duration::from_millis(value % 10_000)) });
                link.on_remb(at(now), Bitrate::from_bps(value));
                let sent = Timestamp::from_micros(value);
                let received = received.map(Timestamp::from_micros);
                link.on_feedback(at(now), &[Seen { sent, received, size }]);
                let estimate = link.estimate().as_bps();
                prop_assert!((20_000..=50_000_000).contains(&estimate), "{}", estimate);
                prop_assert!((0.0..=1.0).contains(&link.loss()));
            }
        }
    }
}
