//! One receiver's link: estimate, search, allocation and pace put together.

use crate::{
    Allocation, Allocator, Cause, Conditions, Demand, Finding, LinkEstimator, LossReport, Overfull, Prober,
    Rung, Seen, Terms,
};
use domain::{Bitrate, Timestamp};
use std::time::Duration;

/// Pace of pictures towards a place whose link is suspected to be thin, times the estimate; where its limit has been met a short while
/// ago, a tenth more for as long as a slide takes would be a queue.
const PACE: f64 = 1.1;
const PACE_AT_LIMIT: f64 = 1.0;
/// From this round trip on a keyframe is paced on any link: that all it wants fits into it does not say that a burst does.
const KEYFRAMES_PACED_FROM: Duration = Duration::from_millis(80);
/// Whoever catches up sends without a pause: that must fit into what the link carries, or it becomes a queue.
const CATCH_UP_MOST: f64 = 0.95;
/// A receiver with room for everything catches up at this much of its media's rate at least.
const CATCH_UP: f64 = 1.6;
/// A queue of ours from this length on, and the link's own shaking, is let drain, at the cost of pictures: the longer, the less of the
/// pace remains, and at so much more nearly nothing. A modem with room for a second would otherwise keep the voice late for as long as
/// the rate fits.
const DRAINS_FROM: Duration = Duration::from_millis(100);
const DRAINS_FROM_SHAKING: u32 = 4;
const DRAINS_WHOLLY: Duration = Duration::from_millis(500);
const DRAINING_KEEPS: f64 = 0.05;
/// Up to this estimate nothing is tried beside a still: there is room for it and the voice, and for nothing else. Beyond it, only the
/// first search goes on, lest a class wait for its picture: what a still takes is no part of what is measured.
const STILL_ALONE: Bitrate = Bitrate::from_kbps(160);
/// What a still on its way leaves of the pace of pictures at least.
const BESIDE_STILL: f64 = 0.3;
/// A link that was found overfull is paced for so long afterwards.
const PACED_AFTER: Duration = Duration::from_mins(1);
/// Feedback comes several times a second, reports once; when nothing has come for so long, the link is down or stuck.
const SILENT_AFTER: Duration = Duration::from_millis(1_200);
const SILENT_AFTER_REPORTS: Duration = Duration::from_millis(3_500);
/// Heard again: this much of what the link carried before is believed, the rest has to be shown anew.
const BELIEVED_AFTER_SILENCE: f64 = 0.5;
/// The queue a probe has left behind drains within a round trip and this.
const EXCUSED_AFTER: Duration = Duration::from_millis(400);
/// So long a measured limit is expected to be still there: steps across it are small.
const CEILING_FRESH: Duration = Duration::from_secs(40);
/// Round trip where none is known.
const RTT_UNKNOWN: Duration = Duration::from_millis(150);
/// Loss by nature from which on it is the loss that keeps a place low, not the rate.
const LOSS_FELT: f64 = 0.05;

/// What to do for a receiver now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What it gets.
    pub allocation: Allocation,
    /// Pictures leave no faster than this; `None`: as they come.
    pub pace: Option<Bitrate>,
    /// What is caught up with leaves no faster than this besides: a second of pictures at once would stand in the queue of a link that
    /// carries all of them one after the other.
    pub catch_up: Option<Bitrate>,
}

/// See the module's description.
#[derive(Debug, Clone)]
pub struct Link {
    estimator: LinkEstimator,
    prober: Prober,
    allocator: Allocator,
    allocation: Allocation,
    silent_since: Option<Timestamp>,
    terms: Terms,
}

impl Default for Link {
    fn default() -> Self {
        Self::new(Self::START)
    }
}

impl Link {
    /// What a link is believed to carry before it has said anything: voice and the smallest picture. More is found out within the
    /// first second; less must not be flooded.
    pub const START: Bitrate = Bitrate::from_kbps(150);
    /// More is not believed from a handshake, whose few packets a router may have let through in one piece.
    pub const START_MAX: Bitrate = Bitrate::from_kbps(2_000);

    /// A new link, believed to carry `start` at least: [`Link::START`], or what the handshake has shown up to [`Link::START_MAX`].
    pub fn new(start: Bitrate) -> Self {
        Self {
            estimator: LinkEstimator::new(start),
            prober: Prober::default(),
            allocator: Allocator::default(),
            allocation: Allocation::default(),
            silent_since: None,
            terms: Terms::default(),
        }
    }

    /// `bytes` left towards the receiver.
    pub fn on_sent(&mut self, now: Timestamp, bytes: usize) {
        self.estimator.on_sent(now, bytes);
        self.prober.on_sent(now, bytes);
    }

    /// A receiver report came.
    pub fn on_loss_report(&mut self, now: Timestamp, report: LossReport) {
        self.heard(now);
        self.estimator.on_loss_report(now, report);
    }

    /// The receiver's own estimate came (REMB).
    pub fn on_remb(&mut self, now: Timestamp, limit: Bitrate) {
        self.estimator.on_remb(now, limit);
    }

    /// Of the packets before those of the next [`Link::on_feedback`], so many bytes were never reported: the report was lost, which
    /// says nothing about the packets.
    pub fn on_unheard(&mut self, bytes: u64) {
        if bytes > 0 {
            self.estimator.on_unheard(bytes);
            self.prober.on_unheard();
        }
    }

    /// Transport-wide feedback came: packets in the order they were sent.
    pub fn on_feedback(&mut self, now: Timestamp, packets: &[Seen]) {
        if packets.iter().any(|packet| packet.received.is_some()) {
            self.heard(now);
        }
        if self.prober.is_searching() {
            self.estimator.excuse(now + self.estimator.rtt().unwrap_or(RTT_UNKNOWN) + EXCUSED_AFTER);
        }
        self.estimator.on_feedback(now, packets);
        self.prober.on_feedback(packets);
        self.search(now);
    }

    /// Chooses what the receiver gets. Call it after reports, when a demand changes, and each few hundred milliseconds.
    pub fn update(&mut self, now: Timestamp, demands: &[Demand], terms: &Terms) -> Plan {
        self.listen(now);
        self.terms = Terms {
            proven: self.estimator.has_feedback(now),
            searching: self.prober.is_searching(),
            ..*terms
        };
        if self.silent_since.is_some() {
            // Voice goes on blindly, so that it is there with the first packet that gets through; pictures would only fill the queue
            // of a link that is stuck.
            let voice: Vec<Demand> = demands
                .iter()
                .filter(|demand| demand.slot.kind() == domain::MediaKind::Audio)
                .copied()
                .collect();
            let voice = crate::allocate(Bitrate::ZERO, &voice, &self.terms);
            let full = crate::allocate(Bitrate::ZERO, demands, &self.terms);
            self.allocation =
                Allocation { rung: Rung::Outage, limited: true, stills: false, wanted: full.wanted, ..voice };
        } else {
            self.allocation = self.allocator.update(now, self.budget(), demands, &self.terms);
        }
        self.search(now);
        let ceiling = self.estimator.ceiling();
        let was_overfull = ceiling.is_some_and(|(at, _)| now.saturating_since(at) < PACED_AFTER);
        let (estimate, trusted) = (self.estimator.estimate(), self.estimator.trusted(now));
        let is_far = self.estimator.rtt().is_some_and(|rtt| rtt >= KEYFRAMES_PACED_FROM);
        let paced = self.allocation.limited
            || was_overfull
            || trusted < estimate
            || is_far
            || self.at_once(now).is_some();
        let pace = if was_overfull { PACE_AT_LIMIT } else { PACE };
        let as_chosen = estimate.max(self.allocation.rate).scale(pace);
        let pace = paced.then_some(if trusted < estimate { trusted } else { as_chosen });
        let catch_up = self
            .terms
            .proven
            .then(|| estimate.scale(CATCH_UP_MOST).max(self.allocation.rate.scale(CATCH_UP)));
        let catch_up = if paced { Some(trusted.scale(CATCH_UP_MOST)) } else { catch_up };
        let drains_from = DRAINS_FROM + self.estimator.shaking() * DRAINS_FROM_SHAKING;
        let keeps = keeps_while_draining(self.estimator.queue().saturating_sub(drains_from));
        // A still on its way is part of what the link carries: pictures wait for it here rather than with the voice in a modem.
        let left = |rate: Bitrate| (rate - self.terms.still).max(rate.scale(BESIDE_STILL)).scale(keeps);
        let [pace, catch_up] = [pace, catch_up].map(|rate| rate.map(left));
        Plan { allocation: self.allocation, pace, catch_up }
    }

    /// Bytes to send now besides the media, to find out what the link carries; 0: nothing is being tried.
    pub fn fill(&mut self, now: Timestamp) -> u64 {
        self.search(now);
        self.prober.missing(now)
    }

    /// Whether a rate is being tried: call [`Link::fill`] each few milliseconds.
    pub fn is_trying(&self) -> bool {
        self.prober.is_running()
    }

    /// What pictures may not exceed just now whatever the plan says, see [`LinkEstimator::unproven`]; changes from one feedback to the next.
    pub fn at_once(&self, now: Timestamp) -> Option<Bitrate> {
        self.estimator.unproven(now)
    }

    /// What may have become worse with the latest feedback; another answer than before is a reason to choose anew at once.
    pub fn alarms(&self, now: Timestamp) -> [bool; 3] {
        [self.estimator.overfull().is_some(), self.silent_since.is_some(), self.estimator.is_doubted(now)]
    }

    /// What the link carries, loses and delays.
    pub fn estimator(&self) -> &LinkEstimator {
        &self.estimator
    }

    /// What was chosen last.
    pub fn allocation(&self) -> &Allocation {
        &self.allocation
    }

    /// Why the place is not on the highest rung; `None`: it is.
    pub fn cause(&self) -> Option<Cause> {
        if self.silent_since.is_some() {
            return Some(Cause::Silence);
        }
        if !self.allocation.limited {
            return None;
        }
        let held_by_ceiling = self.terms.ceiling.is_some_and(|ceiling| ceiling <= self.estimator.estimate());
        Some(if held_by_ceiling {
            Cause::Ceiling
        } else if self.prober.is_first_search() && !self.estimator.was_overfull() {
            Cause::Starting
        } else if self.estimator.overfull() == Some(Overfull::Loss)
            || self.estimator.inherent_loss() > LOSS_FELT
        {
            Cause::Loss
        } else {
            Cause::Bandwidth
        })
    }

    /// Whether nothing has been heard of the receiver for too long, and since when.
    pub fn silent_since(&self) -> Option<Timestamp> {
        self.silent_since
    }

    /// What of the estimate is left for things that are sent once: what the air loses is sent again.
    fn budget(&self) -> Bitrate {
        self.estimator.estimate().scale(1.0 - self.repair_share())
    }

    fn may_search_beside_still(&self) -> bool {
        self.prober.is_first_search() && self.estimator.estimate() > STILL_ALONE
    }

    fn repair_share(&self) -> f64 {
        self.estimator.inherent_loss().max(self.estimator.loss() * 0.8).min(0.5)
    }

    fn listen(&mut self, now: Timestamp) {
        // Who has never said anything (a player without RTCP) is not missed.
        let Some(heard_at) = self.estimator.heard_at() else { return };
        let patience =
            if self.estimator.has_feedback(heard_at) { SILENT_AFTER } else { SILENT_AFTER_REPORTS };
        let patience = patience + self.estimator.rtt().unwrap_or_default();
        if now.saturating_since(heard_at) > patience {
            self.silent_since.get_or_insert(heard_at);
        }
    }

    fn heard(&mut self, now: Timestamp) {
        if self.silent_since.take().is_some() {
            let before = self.estimator.estimate();
            self.estimator.restart(now, before.scale(BELIEVED_AFTER_SILENCE).max(Self::START.min(before)));
            self.prober = Prober::default();
            self.allocator.resume(now);
        }
    }

    fn search(&mut self, now: Timestamp) {
        let overfull = self.estimator.overfull().is_some();
        if overfull && !self.prober.is_searching() {
            self.prober.hold_off(now);
        }
        let wanted = self.allocation.wanted.scale(1.15 / (1.0 - self.repair_share()));
        let wanted = self.terms.ceiling.map_or(wanted, |ceiling| ceiling.min(wanted));
        let fresh =
            |(at, rate): (Timestamp, Bitrate)| (now.saturating_since(at) < CEILING_FRESH).then_some(rate);
        let conditions = Conditions {
            estimate: self.estimator.estimate(),
            ceiling: self.estimator.ceiling().and_then(fresh),
            wanted: (self.allocation.limited && self.silent_since.is_none() && self.terms.proven)
                .then_some(wanted)
                .filter(|_| self.terms.still == Bitrate::ZERO || self.may_search_beside_still()),
            overfull,
            queue: self.estimator.queue_now(),
            shaking: self.estimator.shaking(),
            spread: self.estimator.spread(),
            inherent_loss: self.estimator.inherent_loss(),
            rtt: self.estimator.rtt().unwrap_or(RTT_UNKNOWN),
        };
        match self.prober.poll(now, &conditions) {
            Some(Finding::Carries(rate)) => self.estimator.prove(now, rate),
            Some(Finding::Overfull(rate)) => self.estimator.disprove(now, rate),
            None => {}
        }
    }
}

/// What of the pace remains beside a queue that is so much longer than it may be.
fn keeps_while_draining(over: Duration) -> f64 {
    (1.0 - over.as_secs_f64() / DRAINS_WHOLLY.as_secs_f64()).max(DRAINING_KEEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_queue_of_ours_stands_the_less_is_put_upon_it() {
        let keeps = |ms| keeps_while_draining(Duration::from_millis(ms));
        assert!((keeps(0) - 1.0).abs() < f64::EPSILON);
        assert!((keeps(250) - 0.5).abs() < 0.01);
        assert!(
            (keeps(500) - DRAINING_KEEPS).abs() < f64::EPSILON,
            "voice goes on: it does not ask for pace"
        );
        assert!((keeps(9_000) - DRAINING_KEEPS).abs() < f64::EPSILON);
    }
}
