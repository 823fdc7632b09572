//! Looks for room on a link that gives a place less than it wants: sends a little more for a moment and watches what it does.
//!
//! A probe raises the rate by a quarter at most, for as long as it takes to see a queue grow; what fills it is useful first (repair
//! of what was just sent), padding last. At the very beginning nothing is known, and steps double, as TCP's slow start does. A probe
//! that fails makes the next one wait longer; one that succeeds is followed by the next at once. Nobody is probed who has all he
//! wants, or whose link is overfull just now.

use crate::Seen;
use domain::{Bitrate, Timestamp};
use std::time::Duration;

/// A step of a running search, and of the first one.
const STEP: f64 = 1.25;
const FIRST_STEP: f64 = 2.0;
/// A step across a limit that was met a short while ago.
const STEP_ACROSS: f64 = 1.1;
/// That near to a measured limit one is across.
const UP_TO_CEILING: f64 = 0.95;
/// How long a probe lasts: longer on a link whose own shaking hides a short queue.
const LASTS_MIN: Duration = Duration::from_millis(300);
const LASTS_MAX: Duration = Duration::from_secs(1);
/// The first steps are short: they are large.
const LASTS_FIRST: Duration = Duration::from_millis(120);
const LASTS_FIRST_MAX: Duration = Duration::from_millis(400);
/// A probe is filled up this far ahead: the sender looks every few milliseconds.
const AHEAD: Duration = Duration::from_millis(5);
/// No probe begins on a queue longer than this and the link's own shaking.
const QUEUE_TO_BEGIN: Duration = Duration::from_millis(15);
/// Feedback about the last packet is waited for this long beyond the round trip.
const JUDGED_WITHIN: Duration = Duration::from_millis(400);
/// A rate is measured by so many arrivals over this time at least: a probe that is broken off after its first packets, when the queue
/// of the one before it is found, has measured nothing.
const MEASURED_PACKETS: u32 = 8;
const MEASURED_OVER: Duration = Duration::from_millis(60);
/// Pause after the first failure of the first search, when no queue speaks for it.
const DOUBT_PAUSE: Duration = Duration::from_millis(200);
/// Pause after a failure, growing to the last.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(14);
const PAUSE_GROWS: f64 = 1.5;
/// Within a probe the queue may grow by this share of its length, and a little for the link's own shaking.
const QUEUE_MAY_GROW: f64 = 0.1;
/// A probe may lose so much more than the link does by nature and than chance explains.
const LOST_MORE: f64 = 0.08;
/// The same where a limit was met lately, on a link that may drop instead of queueing: there every step that passes makes its loss normal
/// for the next.
const LOST_MORE_AT_LIMIT: f64 = 0.01;
/// Up to this loss a link queues what it does not carry.
const LOST_LITTLE: f64 = 0.05;
/// A queue that grows by more than this and the link's own shaking ends a probe before its time.
const QUEUE_ENDS: Duration = Duration::from_millis(60);
const QUEUE_ENDS_SHAKING: u32 = 8;
/// What a report shows of fewer packets says nothing about a queue.
const REPORT_PACKETS: u32 = 3;
/// A probe that sent less than this share of its rate proved only what it sent.
const SENT_ENOUGH: f64 = 0.9;

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// This much gets through.
    Carries(Bitrate),
    /// It does not; this is what came out at the other end.
    Overfull(Bitrate),
}

/// What the link was like when a probe is begun or looked at.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// What the link is believed to carry.
    pub estimate: Bitrate,
    /// What came out of the link when it was overfull a short while ago.
    pub ceiling: Option<Bitrate>,
    /// What would give the place all it wants; `None`: it has that.
    pub wanted: Option<Bitrate>,
    /// The link is overfull just now.
    pub overfull: bool,
    /// The queue of the latest arrivals; `None`: too few came to say.
    pub queue: Option<Duration>,
    /// How far the link's queue strays by itself.
    pub shaking: Duration,
    /// How much later than the quickest nine packets of ten arrive.
    pub spread: Duration,
    /// Share of packets the air loses.
    pub inherent_loss: f64,
    /// Round trip.
    pub rtt: Duration,
}

/// See the module's description.
#[derive(Debug, Clone)]
pub struct Prober {
    state: State,
    step: f64,
    pause: Duration,
    next_at: Timestamp,
    /// One failure of the first search was not believed.
    doubted: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Waiting,
    Running(Probe),
    /// All is sent, not all is heard of.
    Judging(Probe),
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    rate: Bitrate,
    began: Timestamp,
    until: Timestamp,
    /// Bytes that left during it.
    left_bytes: u64,
    arrived_bytes: u64,
    packets: u32,
    lost: u32,
    /// Shortest transit of the first and of the last third, receiver clock minus ours, microseconds.
    quickest_first: Option<i64>,
    quickest_last: Option<i64>,
    /// The same of the latest report.
    quickest_now: Option<i64>,
    /// Send time of the newest packet heard of.
    heard_of: Timestamp,
    first_arrival: Option<Timestamp>,
    last_arrival: Timestamp,
    /// Bytes of the first arrival: the clock starts behind it.
    first_bytes: u64,
    /// Every packet so far was spoken of by a report.
    is_whole: bool,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            state: State::Waiting,
            step: FIRST_STEP,
            pause: PAUSE,
            next_at: Timestamp::ZERO,
            doubted: false,
        }
    }
}

impl Prober {
    /// Bytes left, whatever they were: what the media sends during a probe is part of it.
    pub fn on_sent(&mut self, now: Timestamp, bytes: usize) {
        if let State::Running(probe) = &mut self.state
            && now <= probe.until
        {
            probe.left_bytes += bytes as u64;
        }
    }

    /// Bytes that are missing now for the rate that is being tried; 0 when none is, or the media itself is ahead of it.
    pub fn missing(&self, now: Timestamp) -> u64 {
        match self.state {
            State::Running(probe) if now <= probe.until => {
                let due = probe.rate.bytes_in(now.saturating_since(probe.began) + AHEAD);
                due.saturating_sub(probe.left_bytes)
            }
            _ => 0,
        }
    }

    /// Whether a rate is being tried now.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    /// Whether a search is under way that has not failed yet: something better may be known in a moment.
    pub fn is_searching(&self) -> bool {
        !matches!(self.state, State::Waiting)
    }

    /// Whether nothing has spoken against the very first steps yet.
    pub fn is_first_search(&self) -> bool {
        self.step > STEP
    }

    /// Begins, ends and judges probes; `Some` once for each probe that came to its end. Call it each few hundred
    /// milliseconds at least, and after feedback.
    pub fn poll(&mut self, now: Timestamp, link: &Conditions) -> Option<Finding> {
        match self.state {
            State::Waiting => {
                self.begin(now, link);
                None
            }
            State::Running(probe) if link.overfull || probe.fills_up(link) => {
                self.finish(now, &probe, link, None)
            }
            State::Running(probe) => {
                if now >= probe.until {
                    self.state = State::Judging(probe);
                }
                None
            }
            State::Judging(probe) => {
                let heard_all = probe.heard_of >= probe.until - LASTS_FIRST / 4;
                let given_up = now >= probe.until + link.rtt + JUDGED_WITHIN;
                if link.overfull || heard_all || given_up {
                    let proven = if link.overfull || !heard_all { None } else { probe.proven(link) };
                    self.finish(now, &probe, link, proven)
                } else {
                    None
                }
            }
        }
    }

    /// A report about packets was lost on its way: a probe that runs cannot be measured any more.
    pub fn on_unheard(&mut self) {
        if let State::Running(probe) | State::Judging(probe) = &mut self.state {
            probe.is_whole = false;
        }
    }

    /// Takes feedback, in the order of sending.
    pub fn on_feedback(&mut self, packets: &[Seen]) {
        let (State::Running(probe) | State::Judging(probe)) = &mut self.state else { return };
        let (mut quickest, mut arrived) = (i64::MAX, 0);
        for packet in packets {
            probe.heard_of = probe.heard_of.max(packet.sent);
            if packet.sent < probe.began || packet.sent > probe.until {
                continue;
            }
            probe.packets += 1;
            let Some(received) = packet.received else {
                probe.lost += 1;
                continue;
            };
            probe.note_transit(packet.sent, received);
            quickest = quickest.min(transit(packet.sent, received));
            arrived += 1;
            if probe.first_arrival.is_none() {
                probe.first_arrival = Some(received);
                probe.first_bytes = u64::from(packet.size);
            }
            probe.arrived_bytes += u64::from(packet.size);
            probe.last_arrival = probe.last_arrival.max(received);
        }
        if arrived >= REPORT_PACKETS {
            probe.quickest_now = Some(quickest);
        }
    }

    /// The link was found overfull, probe or not: nothing is tried for a while.
    pub fn hold_off(&mut self, now: Timestamp) {
        self.step = STEP;
        self.next_at = self.next_at.max(now + self.pause);
    }

    fn begin(&mut self, now: Timestamp, link: &Conditions) {
        let Some(wanted) = link.wanted.filter(|&wanted| wanted > link.estimate) else { return };
        let is_free = link.queue.is_some_and(|queue| queue <= QUEUE_TO_BEGIN + link.shaking * 4);
        if link.overfull || now < self.next_at || !is_free {
            return;
        }
        let first = self.is_first_search();
        let lasts = if first {
            (LASTS_FIRST + link.spread * 2).min(LASTS_FIRST_MAX)
        } else {
            (LASTS_MIN + link.shaking * 8 + link.rtt).clamp(LASTS_MIN, LASTS_MAX)
        };
        let far = link.estimate.scale(self.step);
        let crosses = link.ceiling.is_some_and(|ceiling| far > ceiling.scale(UP_TO_CEILING));
        // After an outage up to what the link carried before at once; across it with care.
        let before = link.ceiling.filter(|_| first).unwrap_or_default().scale(UP_TO_CEILING);
        let rate = if crosses { link.estimate.scale(STEP_ACROSS).max(before) } else { far };
        self.state = State::Running(Probe {
            rate: rate.min(wanted.scale(1.1)),
            began: now,
            until: now + lasts,
            left_bytes: 0,
            arrived_bytes: 0,
            packets: 0,
            lost: 0,
            quickest_first: None,
            quickest_last: None,
            quickest_now: None,
            heard_of: Timestamp::ZERO,
            first_arrival: None,
            last_arrival: Timestamp::ZERO,
            first_bytes: 0,
            is_whole: true,
        });
    }

    fn finish(
        &mut self,
        now: Timestamp,
        probe: &Probe,
        link: &Conditions,
        proven: Option<Bitrate>,
    ) -> Option<Finding> {
        self.state = State::Waiting;
        if let Some(proven) = proven.filter(|&proven| proven > link.estimate || !probe.exceeded(link)) {
            self.pause = PAUSE;
            self.next_at = now;
            return Some(Finding::Carries(proven));
        }
        // A few packets on a link nobody knows yet: late ones are as likely the air's doing as a queue's. Tried once more.
        if self.is_first_search() && !link.overfull && !std::mem::replace(&mut self.doubted, true) {
            self.next_at = now + DOUBT_PAUSE;
            return None;
        }
        self.step = STEP;
        self.next_at = now + self.pause;
        self.pause = self.pause.mul_f64(PAUSE_GROWS).min(PAUSE_MAX);
        // What was known got through and nothing beyond it: the estimate is right.
        if proven.is_some() {
            return None;
        }
        let air = (1.0 - link.inherent_loss).max(0.3);
        probe.arrival_rate().map(|rate| Finding::Overfull(rate.scale(1.0 / air)))
    }
}

impl Probe {
    /// What it has shown to get through; `None`: no more than was known, or too much was lost or queued.
    fn proven(&self, link: &Conditions) -> Option<Bitrate> {
        if self.packets == 0 {
            return None;
        }
        let lost = f64::from(self.lost) / f64::from(self.packets);
        let chance = 2.0 * (link.inherent_loss.max(0.02) / f64::from(self.packets)).sqrt();
        let most = if link.ceiling.is_some() { LOST_MORE_AT_LIMIT } else { LOST_MORE };
        let grew = grown(self.quickest_first?, self.quickest_last?).saturating_sub(link.shaking * 2);
        let lasted = self.until.saturating_since(self.began);
        if lost > link.inherent_loss + most + chance || grew > lasted.mul_f64(QUEUE_MAY_GROW) {
            return None;
        }
        // A queue that grew between the first and the last third is what was sent and did not get through.
        let through = 1.0 - grew.as_secs_f64() / (lasted.as_secs_f64() * 2.0 / 3.0);
        // Where a link drops instead of queueing, loss is the judge, and small steps would creep past it.
        Some(if lost > LOST_LITTLE { self.sent() } else { self.sent().scale(through) })
    }

    /// The rate it was sent at, as far as it was.
    fn sent(&self) -> Bitrate {
        let left = Bitrate::of(self.left_bytes, self.until.saturating_since(self.began));
        if left >= self.rate.scale(SENT_ENOUGH) { self.rate } else { left }
    }

    /// Whether more was sent than the link was believed to carry.
    fn exceeded(&self, link: &Conditions) -> bool {
        self.sent() > link.estimate
    }

    /// Whether it has put more into a queue already than a link's own shaking explains.
    fn fills_up(&self, link: &Conditions) -> bool {
        let (Some(first), Some(latest)) = (self.quickest_first, self.quickest_now) else { return false };
        grown(first, latest) > QUEUE_ENDS + link.shaking * QUEUE_ENDS_SHAKING
    }

    fn note_transit(&mut self, sent: Timestamp, received: Timestamp) {
        let transit = transit(sent, received);
        let third = self.until.saturating_since(self.began) / 3;
        let quickest = if sent < self.began + third {
            &mut self.quickest_first
        } else if sent + third > self.until {
            &mut self.quickest_last
        } else {
            return;
        };
        *quickest = Some(quickest.map_or(transit, |so_far| so_far.min(transit)));
    }

    /// Rate at which the probe's packets came out at the other end; `None`: too few did to measure by, or nobody knows
    /// how many.
    fn arrival_rate(&self) -> Option<Bitrate> {
        let span = self.last_arrival.saturating_since(self.first_arrival?);
        let measured = self.is_whole && self.packets - self.lost >= MEASURED_PACKETS && span >= MEASURED_OVER;
        measured.then(|| Bitrate::of(self.arrived_bytes - self.first_bytes, span))
    }
}

/// Receiver's clock minus ours, microseconds.
fn transit(sent: Timestamp, received: Timestamp) -> i64 {
    received.as_micros().wrapping_sub(sent.as_micros()).cast_signed()
}

/// How much longer `last` took than `first`, both transits.
fn grown(first: i64, last: i64) -> Duration {
    Duration::from_micros(last.wrapping_sub(first).clamp(0, 10_000_000).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Conditions = Conditions {
        estimate: Bitrate::from_kbps(200),
        ceiling: None,
        wanted: Some(Bitrate::from_kbps(2_000)),
        overfull: false,
        queue: Some(Duration::ZERO),
        shaking: Duration::ZERO,
        spread: Duration::ZERO,
        inherent_loss: 0.0,
        rtt: Duration::from_millis(80),
    };

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Runs a prober over a link of `capacity` for `seconds` of virtual time; how the estimate went, in kbit/s by second.
    fn search(
        prober: &mut Prober,
        estimate: &mut Bitrate,
        from: u64,
        seconds: u64,
        capacity: Bitrate,
    ) -> Vec<u64> {
        let mut by_second = Vec::new();
        let mut queued_until = at(from);
        let mut under_way: Vec<(Timestamp, Seen)> = Vec::new();
        let mut pending = 0.0;
        for ms in from..from + seconds * 1_000 {
            let now = at(ms);
            pending += estimate.scale(0.7).as_bps() as f64 / 8_000.0;
            pending += prober.missing(now) as f64;
            while pending >= 500.0 {
                pending -= 500.0;
                prober.on_sent(now, 500);
                queued_until =
                    queued_until.max(now) + Duration::from_micros(500 * 8_000_000 / capacity.as_bps());
                let received = queued_until + Duration::from_millis(40);
                under_way.push((
                    received + Duration::from_millis(40),
                    Seen { sent: now, received: Some(received), size: 500 },
                ));
            }
            let queue = queued_until.saturating_since(now);
            if ms % 50 == 0 {
                let seen: Vec<Seen> =
                    under_way.iter().filter(|(heard, _)| *heard <= now).map(|(_, seen)| *seen).collect();
                under_way.retain(|(heard, _)| *heard > now);
                prober.on_feedback(&seen);
            }
            if ms % 10 == 0 {
                let overfull = queue > Duration::from_millis(100);
                let link = Conditions { estimate: *estimate, queue: Some(queue), overfull, ..LINK };
                if let Some(Finding::Carries(rate)) = prober.poll(now, &link) {
                    *estimate = rate.max(*estimate);
                }
            }
            if ms % 1_000 == 999 {
                by_second.push(estimate.as_kbps());
            }
        }
        by_second
    }

    #[test]
    fn a_good_link_is_found_to_be_good_within_two_seconds() {
        let mut estimate = LINK.estimate;
        let by_second = search(&mut Prober::default(), &mut estimate, 1_000, 3, Bitrate::from_kbps(20_000));
        assert!(by_second[1] >= 2_000, "{by_second:?}");
    }

    #[test]
    fn a_thin_link_is_not_believed_to_be_more_than_it_is() {
        let mut estimate = LINK.estimate;
        let by_second = search(&mut Prober::default(), &mut estimate, 1_000, 60, Bitrate::from_kbps(300));
        assert!(by_second.iter().all(|kbps| *kbps <= 320), "{by_second:?}");
        assert!(*by_second.last().unwrap() >= 230, "{by_second:?}");
    }

    #[test]
    fn a_link_that_got_better_is_found_out_within_twenty_seconds() {
        let mut prober = Prober::default();
        let mut estimate = LINK.estimate;
        search(&mut prober, &mut estimate, 1_000, 60, Bitrate::from_kbps(250));
        let by_second = search(&mut prober, &mut estimate, 61_000, 22, Bitrate::from_kbps(2_500));
        assert!(by_second[20] >= 1_900, "{by_second:?}");
    }

    #[test]
    fn who_has_all_he_wants_is_left_alone() {
        let mut prober = Prober::default();
        let link = Conditions { wanted: None, ..LINK };
        for ms in 0..10_000 {
            assert_eq!(prober.poll(at(ms), &link), None);
            assert!(!prober.is_running());
        }
    }

    #[test]
    fn a_probe_that_nobody_answers_is_given_up_and_the_next_waits_longer() {
        let mut prober = Prober::default();
        let mut began = Vec::new();
        let mut ran = false;
        for ms in 0..60_000 {
            let overfull = prober.poll(at(ms), &LINK);
            assert!(!matches!(overfull, Some(Finding::Carries(_))));
            let runs = prober.is_running();
            if runs && !ran {
                began.push(ms);
            }
            ran = runs;
        }
        let pauses: Vec<u64> = began.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.windows(2).take(4).all(|pair| pair[1] > pair[0]), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause < 16_500), "{pauses:?}");
    }

    /// A probe under way over [`LINK`], 500 bytes each 10 ms (400 kbit/s), reported every 50 ms; `transit_ms(n)` of the n-th packet.
    fn probe_with(transit_ms: impl Fn(u64) -> u64) -> (Timestamp, Option<Finding>) {
        // Not the first search, whose steps are shorter than a queue takes to be heard of.
        let mut prober = Prober { step: STEP, ..Prober::default() };
        let wanted = Conditions { wanted: Some(Bitrate::from_kbps(400)), ..LINK };
        prober.poll(at(0), &wanted);
        assert!(prober.is_running());
        let mut sent = Vec::new();
        for ms in (0..3_000).step_by(10) {
            prober.on_sent(at(ms), 500);
            let received = Some(at(77_000_000 + ms + transit_ms(ms / 10)));
            sent.push(Seen { sent: at(ms), received, size: 500 });
            if ms % 50 == 40 {
                prober.on_feedback(&std::mem::take(&mut sent));
            }
            let finding = prober.poll(at(ms), &wanted);
            if finding.is_some() || (!prober.is_running() && matches!(prober.state, State::Waiting)) {
                return (at(ms), finding);
            }
        }
        panic!("no end");
    }

    #[test]
    fn a_probe_proves_what_came_out_of_the_link_and_not_what_was_sent() {
        let (_, all) = probe_with(|_| 40);
        let Some(Finding::Carries(all)) = all else { panic!("{all:?}") };
        let (_, queued) = probe_with(|n| 40 + n * 9 / 10);
        let Some(Finding::Carries(proven)) = queued else { panic!("{queued:?}") };
        assert!((0.85..0.95).contains(&(proven.as_bps() as f64 / all.as_bps() as f64)), "{proven} of {all}");
    }

    #[test]
    fn a_probe_that_fills_a_queue_is_broken_off() {
        let (ended, finding) = probe_with(|n| 40 + n * 8);
        assert!(!matches!(finding, Some(Finding::Carries(_))), "{finding:?}");
        let (whole, _) = probe_with(|_| 40);
        assert!(ended + Duration::from_millis(100) < whole, "{ended:?} of {whole:?}");
    }
}
