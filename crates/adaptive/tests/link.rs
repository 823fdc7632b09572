//! A place on a simulated link, in virtual time: what it is given, how long its queue gets, how often its picture changes.
//!
//! The link has a rate, a queue that drops at its end, delay, jitter that keeps the order, random loss and another's download;
//! the same for every run of a seed. Only sizes and times are simulated here: the packets of a real lesson over the same
//! links are the business of `tests/sim`.

use adaptive::{Bitrate, Demand, Link, LossReport, Plan, Rung, Seen, Terms};
use domain::{Layer, Slot, Timestamp};
use std::{collections::VecDeque, time::Duration};

const STEP: Duration = Duration::from_millis(5);
const PICTURE_PACKET: u64 = 1_000;
const VOICE_PACKET: u64 = 145;
const FEEDBACK_EVERY_MS: u64 = 75;

const fn kbps(kbps: u64) -> Bitrate {
    Bitrate::from_kbps(kbps)
}

/// What a link is like; both ways have half of delay and jitter.
#[derive(Debug, Clone, Copy)]
struct Path {
    rate: Bitrate,
    rtt_ms: u64,
    jitter_ms: u64,
    loss: f64,
    queue_ms: u64,
    /// A rate above which packets are dropped at once, without queueing.
    policed: Option<Bitrate>,
    /// Another's queue that stands in ours, milliseconds.
    others_ms: u64,
}

impl Path {
    const fn new(rate: u64, rtt_ms: u64, jitter_ms: u64, loss: f64) -> Self {
        Self { rate: kbps(rate), rtt_ms, jitter_ms, loss, queue_ms: 350, policed: None, others_ms: 0 }
    }
}

const P1: Path = Path::new(5_000, 40, 0, 0.005);
const P2: Path = Path::new(700, 120, 60, 0.03);
const P3: Path = Path::new(250, 250, 150, 0.08);
const P6: Path = Path::new(100, 150, 20, 0.01);
const P7: Path = Path::new(2_000, 40, 0, 0.20);

struct Place {
    now: Timestamp,
    path: Path,
    link: Link,
    terms: Terms,
    plan: Option<Plan>,
    with_feedback: bool,
    random: u64,
    queued_until: Timestamp,
    last_arrival: Timestamp,
    tokens: f64,
    /// Sent packets the receiver has not reported yet, with the time it knows of them.
    under_way: VecDeque<(Timestamp, Seen)>,
    pictures_due: f64,
    /// Bytes of a slide's keyframe that have not left yet, and when they may.
    keyframe: u64,
    keyframe_credit: f64,
    // What is looked at afterwards.
    sent: u64,
    dropped: u64,
    fill_bytes: u64,
    picture_bytes: u64,
    voice_sent: u64,
    voice_dropped: u64,
    longest_queue: Duration,
    switches: Vec<(u64, Option<Layer>)>,
    rungs: Vec<(u64, Rung)>,
}

impl Place {
    fn new(path: Path, seed: u64) -> Self {
        Self {
            now: Timestamp::from_millis(1_000),
            path,
            link: Link::default(),
            terms: Terms { stills: true, ..Terms::default() },
            plan: None,
            with_feedback: true,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            queued_until: Timestamp::ZERO,
            last_arrival: Timestamp::ZERO,
            tokens: 0.0,
            under_way: VecDeque::new(),
            pictures_due: 0.0,
            keyframe: 0,
            keyframe_credit: 0.0,
            sent: 0,
            dropped: 0,
            fill_bytes: 0,
            picture_bytes: 0,
            voice_sent: 0,
            voice_dropped: 0,
            longest_queue: Duration::ZERO,
            switches: Vec::new(),
            rungs: Vec::new(),
        }
    }

    fn by_reports(path: Path, seed: u64) -> Self {
        Self { with_feedback: false, ..Self::new(path, seed) }
    }

    fn uniform(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    fn demands() -> [Demand; 2] {
        let voice = [None, None, Some(kbps(58))];
        let picture = [65, 430, 1_700].map(|rate| Some(kbps(rate)));
        [(Slot::ProgramAudio, voice), (Slot::ProgramVideo, picture)].map(|(slot, rates)| Demand {
            slot,
            wanted: Some(Layer::High),
            rates,
        })
    }

    fn millis(&self) -> u64 {
        self.now.as_micros() / 1_000
    }

    fn run(&mut self, seconds: u64) -> &mut Self {
        self.run_for(seconds * 1_000)
    }

    fn run_for(&mut self, milliseconds: u64) -> &mut Self {
        for _ in 0..milliseconds / STEP.as_millis() as u64 {
            self.now += STEP;
            if self.millis().is_multiple_of(200) || self.plan.is_none() {
                self.choose();
            }
            self.send_what_is_due();
            self.report();
        }
        self
    }

    fn choose(&mut self) {
        let plan = self.link.update(self.now, &Self::demands(), &self.terms);
        let layer = plan.allocation.layers[Slot::ProgramVideo.index()];
        let second = self.millis() / 1_000;
        if self.switches.last().is_none_or(|(_, before)| *before != layer) {
            self.switches.push((second, layer));
        }
        if self.rungs.last().is_none_or(|(_, before)| *before != plan.allocation.rung) {
            self.rungs.push((second, plan.allocation.rung));
        }
        self.plan = Some(plan);
    }

    fn send_what_is_due(&mut self) {
        let Some(plan) = self.plan else { return };
        let step = STEP.as_secs_f64();
        if self.millis().is_multiple_of(20) {
            self.voice_sent += 1;
            if !self.send(VOICE_PACKET) {
                self.voice_dropped += 1;
            }
        }
        let layer = plan.allocation.layers[Slot::ProgramVideo.index()];
        let picture =
            layer.and_then(|layer| Self::demands()[1].rates[layer.index()]).unwrap_or(Bitrate::ZERO);
        self.pictures_due += picture.as_bps() as f64 / 8.0 * step;
        while self.pictures_due >= PICTURE_PACKET as f64 {
            self.pictures_due -= PICTURE_PACKET as f64;
            self.picture_bytes += PICTURE_PACKET;
            self.send(PICTURE_PACKET);
        }
        let most = self.link.at_once(self.now).unwrap_or(Bitrate::from_kbps(100_000));
        let pace = plan.pace.map_or(most, |pace| pace.min(most)).as_bps() as f64 / 8.0 * step;
        self.keyframe_credit =
            (self.keyframe_credit + pace - picture.as_bps() as f64 / 8.0 * step).min(3_000.0f64.max(pace));
        while self.keyframe > 0 && self.keyframe_credit > 0.0 {
            let bytes = self.keyframe.min(PICTURE_PACKET);
            self.keyframe -= bytes;
            self.keyframe_credit -= bytes as f64;
            self.send(bytes);
        }
        let mut missing = self.link.fill(self.now);
        while missing > 0 {
            let bytes = missing.clamp(60, 300);
            self.fill_bytes += bytes;
            self.send(bytes);
            missing = missing.saturating_sub(bytes);
        }
    }

    /// One packet onto the link; `false`: a full queue dropped it.
    fn send(&mut self, bytes: u64) -> bool {
        self.link.on_sent(self.now, bytes as usize);
        self.sent += 1;
        let path = self.path;
        let waits = self.queued_until.saturating_since(self.now);
        self.longest_queue = self.longest_queue.max(waits);
        let full = waits > Duration::from_millis(path.queue_ms);
        let policed = path.policed.is_some_and(|_| self.tokens < bytes as f64);
        let one_way = Duration::from_millis(path.rtt_ms / 2);
        let mut arrival = None;
        if policed || full {
            self.dropped += 1;
        } else {
            self.tokens -= bytes as f64;
            self.queued_until = self.queued_until.max(self.now)
                + Duration::from_micros(bytes * 8_000_000 / path.rate.as_bps());
            let swing = (self.uniform() * 2.0 - 1.0) * path.jitter_ms as f64 / 2_000.0;
            let delay = (one_way.as_secs_f64() + swing).max(0.0) + path.others_ms as f64 / 1_000.0;
            let at = self.queued_until + Duration::from_secs_f64(delay);
            self.last_arrival = self.last_arrival.max(at);
            if self.uniform() >= path.loss {
                arrival = Some(self.last_arrival);
            }
        }
        let known = arrival.unwrap_or(self.queued_until.max(self.now) + one_way) + one_way;
        // The receiver's clock is another one.
        let received = arrival.map(|at| at + Duration::from_secs(77_000));
        self.under_way.push_back((known, Seen { sent: self.now, received, size: bytes as u32 }));
        !full
    }

    fn report(&mut self) {
        if let Some(rate) = self.path.policed {
            let most = rate.as_bps() as f64 / 8.0 * 0.1;
            self.tokens = (self.tokens + rate.as_bps() as f64 / 8.0 * STEP.as_secs_f64()).min(most);
        }
        let every = if self.with_feedback { FEEDBACK_EVERY_MS } else { 1_000 };
        if !self.millis().is_multiple_of(every) || self.path.loss >= 1.0 {
            return;
        }
        let known = self.under_way.iter().take_while(|(known, _)| *known <= self.now).count();
        let seen: Vec<Seen> = self.under_way.drain(..known).map(|(_, seen)| seen).collect();
        if seen.is_empty() {
            return;
        }
        let rtt =
            Some(Duration::from_millis(self.path.rtt_ms) + self.queued_until.saturating_since(self.now));
        if self.with_feedback {
            let before = self.link.alarms(self.now);
            self.link.on_feedback(self.now, &seen);
            if self.link.alarms(self.now) != before {
                self.choose();
            }
            if self.millis().is_multiple_of(1_000) {
                self.link.on_loss_report(self.now, LossReport { loss: 0.0, rtt });
            }
        } else {
            let lost = seen.iter().filter(|seen| seen.received.is_none()).count();
            let loss = lost as f64 / seen.len() as f64;
            self.link.on_loss_report(self.now, LossReport { loss, rtt });
        }
    }

    fn queue(&self) -> Duration {
        self.queued_until.saturating_since(self.now)
    }

    fn layer(&self) -> Option<Layer> {
        self.switches.last().and_then(|(_, layer)| *layer)
    }

    fn estimate(&self) -> u64 {
        self.link.estimator().estimate().as_kbps()
    }

    /// Starts looking anew; what happened so far is forgotten.
    fn look_from_here(&mut self) -> &mut Self {
        self.switches.drain(..self.switches.len().saturating_sub(1));
        self.rungs.drain(..self.rungs.len().saturating_sub(1));
        (self.sent, self.dropped, self.voice_sent, self.voice_dropped, self.fill_bytes, self.picture_bytes) =
            (0, 0, 0, 0, 0, 0);
        self.longest_queue = Duration::ZERO;
        self
    }
}

const SEEDS: std::ops::Range<u64> = 1..21;

#[test]
fn a_cable_shows_the_full_picture_within_three_seconds_and_keeps_it() {
    for seed in SEEDS {
        let mut place = Place::new(P1, seed);
        place.run(3);
        assert_eq!(
            place.layer(),
            Some(Layer::High),
            "seed {seed}: {:?}, {}",
            place.switches,
            place.estimate()
        );
        place.run(120);
        assert!(place.switches.len() <= 2, "seed {seed}: {:?}", place.switches);
        assert_eq!(place.voice_dropped, 0, "seed {seed}");
    }
}

#[test]
fn a_mountain_link_carries_the_middling_picture_steadily() {
    let mut steady = 0;
    for seed in SEEDS {
        let mut place = Place::new(P2, seed);
        place.run(15);
        place.look_from_here().run(105);
        let mid = place.switches == [(place.switches[0].0, Some(Layer::Mid))];
        steady += u32::from(mid);
        assert!(
            place.voice_dropped * 100 <= place.voice_sent,
            "seed {seed}: {} dropped",
            place.voice_dropped
        );
        assert!((550..=880).contains(&place.estimate()), "seed {seed}: {}", place.estimate());
    }
    assert!(steady >= 17, "{steady} of 20 keep the picture without a switch");
}

#[test]
fn a_rainy_link_keeps_the_voice_and_a_small_picture() {
    for seed in SEEDS {
        let mut place = Place::new(P3, seed);
        place.run(60);
        place.look_from_here().run(60);
        assert!(
            place.voice_dropped * 100 <= place.voice_sent,
            "seed {seed}: {} dropped",
            place.voice_dropped
        );
        assert!((120..=320).contains(&place.estimate()), "seed {seed}: {}", place.estimate());
        assert!(place.switches.len() <= 3, "seed {seed}: {:?}", place.switches);
    }
}

#[test]
fn where_there_is_hardly_anything_the_voice_alone_goes_on() {
    for seed in SEEDS {
        let mut place = Place::new(P6, seed);
        place.run(120);
        assert!(
            place.voice_dropped * 100 <= place.voice_sent,
            "seed {seed}: {} dropped",
            place.voice_dropped
        );
        let late = place.switches.iter().filter(|(second, _)| *second > 30).count();
        assert!(late <= 3, "seed {seed}: {:?}", place.switches);
        assert!(place.estimate() <= 118, "seed {seed}: {}", place.estimate());
    }
}

#[test]
fn a_fifth_lost_at_random_does_not_throttle_a_link_with_room() {
    for seed in SEEDS {
        let mut place = Place::new(P7, seed);
        place.run(20);
        place.look_from_here().run(60);
        assert!(place.estimate() >= 1_000, "seed {seed}: {} {:?}", place.estimate(), place.switches);
        assert!(place.layer() >= Some(Layer::Mid), "seed {seed}: {:?}", place.switches);
        assert!(place.switches.len() <= 2, "seed {seed}: {:?}", place.switches);
    }
}

#[test]
fn a_link_that_collapses_is_relieved_at_once_and_believed_again_when_it_returns() {
    let (mut calm, mut back, mut switches) = (0, 0, 0);
    for seed in SEEDS {
        let mut place = Place::new(Path::new(2_300, 60, 10, 0.002), seed);
        place.run(30);
        assert_eq!(place.layer(), Some(Layer::High), "seed {seed}");
        place.look_from_here();
        place.path.rate = kbps(250);
        place.run(3);
        calm += u32::from(place.queue() < Duration::from_millis(200));
        place.run(27);
        assert!(place.queue() < Duration::from_millis(200), "seed {seed}: {:?}", place.queue());
        place.path.rate = kbps(2_300);
        place.run(25);
        back += u32::from(place.layer() == Some(Layer::High));
        switches += u32::from(place.switches.len() - 1 <= 2);
    }
    assert!(calm >= 19, "{calm} of 20 are calm after three seconds");
    assert!(back >= 19, "{back} of 20 have the full picture back");
    assert!(switches >= 17, "{switches} of 20 need two switches only");
}

#[test]
fn anothers_download_does_not_take_the_picture_away() {
    for seed in SEEDS {
        let mut place = Place::new(P2, seed);
        place.run(20);
        place.path.others_ms = 250;
        place.look_from_here().run(60);
        place.look_from_here().run(30);
        assert!(place.estimate() >= 233, "seed {seed}: a third of the link, {}", place.estimate());
    }
}

#[test]
fn a_link_that_drops_without_queueing_is_kept_within_its_limit() {
    for seed in SEEDS {
        let policed = Path { policed: Some(kbps(600)), ..Path::new(20_000, 60, 5, 0.0) };
        let mut place = Place::new(policed, seed);
        place.run(60);
        place.look_from_here().run(60);
        assert!(place.dropped * 8 <= place.sent, "seed {seed}: {} of {}", place.dropped, place.sent);
        assert!((250..=760).contains(&place.estimate()), "seed {seed}: {}", place.estimate());
    }
}

#[test]
fn an_outage_costs_no_hold() {
    for seed in SEEDS {
        let mut place = Place::new(P2, seed);
        place.run(30);
        let before = place.layer();
        place.path.loss = 1.0;
        place.run(20);
        assert_eq!(place.rungs.last().map(|(_, rung)| *rung), Some(Rung::Outage), "seed {seed}");
        place.path.loss = 0.03;
        place.run(4);
        assert!(place.layer().is_some(), "seed {seed}: a picture within four seconds, {:?}", place.switches);
        place.run(8);
        assert!(place.layer() >= before.min(Some(Layer::Mid)), "seed {seed}: {:?}", place.switches);
    }
}

#[test]
fn a_place_with_all_it_wants_is_not_sent_anything_else() {
    let mut place = Place::new(Path::new(20_000, 20, 0, 0.0), 1);
    place.run(10);
    place.look_from_here().run(60);
    assert_eq!(place.fill_bytes, 0);
}

#[test]
fn probing_costs_a_thin_link_little() {
    for seed in SEEDS {
        let mut place = Place::new(P3, seed);
        place.run(60);
        place.look_from_here().run(120);
        let probed = place.fill_bytes as f64 / (P3.rate.bytes_in(Duration::from_mins(2)) as f64);
        assert!(probed < 0.12, "seed {seed}: {:.1} % of the link", probed * 100.0);
    }
}

#[test]
fn a_receiver_with_reports_only_is_served_too() {
    for seed in SEEDS {
        let mut place = Place::by_reports(Path::new(5_000, 40, 0, 0.0), seed);
        place.run(30);
        assert_eq!(place.layer(), Some(Layer::High), "seed {seed}: {:?}", place.switches);
        place.path.rate = kbps(250);
        place.run(6);
        assert!(place.layer() <= Some(Layer::Low), "seed {seed}: {:?}", place.switches);
        place.run(10);
        assert!(place.queue() < Duration::from_millis(200), "seed {seed}: {:?}", place.queue());
    }
}

#[test]
fn a_place_with_a_ceiling_stays_below_it() {
    let mut place = Place::new(Path::new(20_000, 20, 0, 0.0), 1);
    place.terms.ceiling = Some(kbps(300));
    place.run(60);
    assert_eq!(place.layer(), Some(Layer::Low));
    assert_eq!(place.switches.len(), 1, "{:?}", place.switches);
    assert_eq!(place.link.cause(), Some(adaptive::Cause::Ceiling));
}

#[test]
fn on_a_thin_link_nothing_is_tried_beside_a_still_that_is_on_its_way() {
    let tried = |rate: u64, still: u64| {
        let mut place = Place::new(Path::new(1_000, 40, 0, 0.0), 1);
        place.link = Link::new(kbps(rate));
        place.terms.still = kbps(still);
        place.run(10).fill_bytes
    };
    assert_eq!(tried(100, 22), 0);
    assert!(tried(100, 0) > 0, "and when it is there the search goes on");
    assert!(tried(250, 80) > 0, "where there is more room a still is no reason to stay small");
}

#[test]
fn a_link_whose_limit_is_known_is_not_tried_while_a_still_is_on_its_way() {
    let mut place = Place::new(Path::new(250, 40, 0, 0.0), 1);
    place.run(60).look_from_here();
    place.terms.still = kbps(60);
    place.run(60);
    assert_eq!(place.fill_bytes, 0);
    place.terms.still = kbps(0);
    place.run(60);
    assert!(place.fill_bytes > 0, "and when it is there the search goes on");
}

#[test]
fn a_keyframe_towards_a_far_place_is_paced_even_if_all_it_wants_fits() {
    let pace = |rtt_ms: u64| {
        let mut place = Place::new(Path::new(5_000, rtt_ms, 0, 0.0), 1);
        place.run(60);
        assert_eq!(place.layer(), Some(Layer::High));
        place.plan.and_then(|plan| plan.pace)
    };
    assert_eq!(pace(40), None);
    assert!(pace(120).is_some(), "its modem may have room for 350 ms and no more");
}

/// A place that is sent a quarter of what its link was shown to carry; then the link carries hardly that, and a slide comes after `wait`.
fn queue_of_a_slide(seed: u64, rate: u64, wait: u64) -> Duration {
    let mut place = Place::new(Path { queue_ms: 1_000, ..Path::new(2_000, 40, 0, 0.0) }, seed);
    place.run(20);
    place.terms.ceiling = Some(kbps(500));
    place.run(10);
    place.path.rate = kbps(rate);
    place.run(wait).look_from_here();
    place.keyframe = 46_000;
    place.run(8);
    assert_eq!(place.keyframe, 0, "seed {seed}: the slide has left");
    place.longest_queue
}

#[test]
fn a_slide_on_a_link_that_has_shrunk_does_not_take_the_voice_with_it() {
    for seed in SEEDS {
        let queue = queue_of_a_slide(seed, 430, 1);
        assert!(queue < Duration::from_millis(350), "seed {seed}: {queue:?}");
        // Nothing has spoken against the link yet.
        let queue = queue_of_a_slide(seed, 580, 0);
        assert!(queue < Duration::from_millis(560), "seed {seed}: {queue:?}");
    }
}

#[test]
fn a_slide_on_a_link_that_has_not_shrunk_is_there_in_a_moment() {
    let mut place = Place::new(Path::new(2_000, 40, 0, 0.0), 1);
    place.run(20);
    place.terms.ceiling = Some(kbps(500));
    place.run(10);
    place.keyframe = 46_000;
    place.run_for(600);
    assert_eq!(place.keyframe, 0, "{} bytes have not left", place.keyframe);
}
