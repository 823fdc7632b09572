//! Estimator and allocator together against a simulated link, in virtual time: 20 ms steps, a bottleneck with a
//! queue, feedback or plain receiver reports. The same for every run of a seed.

use adaptive::{Allocator, Bitrate, Demand, LinkEstimator, LossReport, Seen};
use domain::{Layer, Slot, Timestamp};
use std::{collections::VecDeque, time::Duration};

const STEP: Duration = Duration::from_millis(20);
const PACKET: u64 = 1_000;
const ONE_WAY: Duration = Duration::from_millis(40);
/// What the bottleneck's queue holds before it drops.
const QUEUE: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reports {
    /// Receiver reports each second.
    Plain,
    /// Transport-wide feedback each 100 ms.
    Feedback,
}

struct Link {
    now: Timestamp,
    reports: Reports,
    estimator: LinkEstimator,
    allocator: Allocator,
    /// Bytes the source has produced but that fill no packet yet.
    pending: u64,
    queued_until: Timestamp,
    under_way: VecDeque<Seen>,
    sent: u64,
    lost: u64,
    had: Option<Layer>,
    switches: Vec<(u64, Option<Layer>)>,
    noise: u64,
}

impl Link {
    fn new(reports: Reports) -> Self {
        Self {
            now: Timestamp::from_millis(1_000),
            reports,
            estimator: LinkEstimator::new(Bitrate::from_kbps(1_000)),
            allocator: Allocator::default(),
            pending: 0,
            queued_until: Timestamp::ZERO,
            under_way: VecDeque::new(),
            sent: 0,
            lost: 0,
            had: None,
            switches: Vec::new(),
            noise: 88_172_645_463_325_252,
        }
    }

    fn demands() -> [Demand; 2] {
        let voice = [None, None, Some(Bitrate::from_kbps(45))];
        let picture = [70, 450, 1_500].map(|kbps| Some(Bitrate::from_kbps(kbps)));
        [(Slot::ProgramAudio, voice), (Slot::ProgramVideo, picture)].map(|(slot, rates)| Demand {
            slot,
            wanted: Some(Layer::High),
            rates,
        })
    }

    /// `loss_percent` of random loss besides what the queue drops.
    fn run(&mut self, seconds: u64, capacity_kbps: u64, loss_percent: u64) {
        let capacity = Bitrate::from_kbps(capacity_kbps);
        for _ in 0..seconds * 50 {
            self.now += STEP;
            let allocation = self.allocator.update(self.now, self.estimator.estimate(), &Self::demands());
            let picture = allocation.layers[Slot::ProgramVideo.index()];
            if picture != self.had {
                self.switches.push((self.now.as_micros() / 1_000_000, picture));
                self.had = picture;
            }
            self.pending += allocation.rate.bytes_in(STEP);
            while self.pending >= PACKET {
                self.pending -= PACKET;
                self.send(capacity, loss_percent);
            }
            self.report();
        }
    }

    fn send(&mut self, capacity: Bitrate, loss_percent: u64) {
        self.estimator.on_sent(self.now, PACKET as usize);
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        let unlucky = self.noise % 100 < loss_percent;
        let starts = self.queued_until.max(self.now);
        let full = starts.saturating_since(self.now) > QUEUE;
        let leaves = starts + Duration::from_micros(PACKET * 8_000_000 / capacity.as_bps());
        if !full {
            self.queued_until = leaves;
        }
        let received = (!full && !unlucky).then_some(leaves + ONE_WAY);
        self.sent += 1;
        self.lost += u64::from(received.is_none());
        self.under_way.push_back(Seen { sent: self.now, received, size: PACKET as u32 });
    }

    fn report(&mut self) {
        let every_ms = if self.reports == Reports::Plain { 1_000 } else { 100 };
        if !self.now.as_micros().is_multiple_of(every_ms * 1_000) {
            return;
        }
        // What left long enough ago to have arrived and been told about.
        let told_before = self.now - 2 * ONE_WAY - QUEUE;
        let known = self.under_way.iter().take_while(|seen| seen.sent < told_before).count();
        let told: Vec<Seen> = self.under_way.drain(..known).collect();
        if told.is_empty() {
            return;
        }
        if self.reports == Reports::Feedback {
            self.estimator.on_feedback(self.now, &told);
        } else {
            let lost = told.iter().filter(|seen| seen.received.is_none()).count();
            let loss = lost as f64 / told.len() as f64;
            self.estimator.on_loss_report(self.now, LossReport { loss, rtt: Some(2 * ONE_WAY) });
        }
    }

    fn queue(&self) -> Duration {
        self.queued_until.saturating_since(self.now)
    }
}

fn both(test: impl Fn(Reports)) {
    for reports in [Reports::Plain, Reports::Feedback] {
        test(reports);
    }
}

#[test]
fn a_good_link_gets_the_full_picture_and_keeps_it() {
    both(|reports| {
        let mut link = Link::new(reports);
        link.run(120, 5_000, 0);
        assert_eq!(link.had, Some(Layer::High), "{reports:?}");
        assert!(link.switches.len() <= 2, "{reports:?} {:?}", link.switches);
        assert_eq!(link.lost, 0);
    });
}

#[test]
fn a_link_between_two_rungs_does_not_flap() {
    both(|reports| {
        let mut link = Link::new(reports);
        link.run(300, 800, 0);
        let tries = link.switches.iter().filter(|(_, layer)| *layer == Some(Layer::High)).count();
        assert!(tries <= 5, "{reports:?} {:?}", link.switches);
        assert!(link.lost * 50 < link.sent, "{reports:?}: {} of {} lost", link.lost, link.sent);
    });
}

#[test]
fn a_link_that_collapses_is_relieved_within_three_seconds_and_believed_again_later() {
    both(|reports| {
        let mut link = Link::new(reports);
        link.run(60, 3_000, 0);
        assert_eq!(link.had, Some(Layer::High), "{reports:?}");
        link.run(3, 250, 0);
        assert!(link.had <= Some(Layer::Low), "{reports:?} {:?}", link.switches);
        link.run(3, 250, 0);
        assert!(link.queue() < QUEUE, "{reports:?} {:?}", link.queue());
        link.run(54, 250, 0);
        let back_at = link.now.as_micros() / 1_000_000;
        link.run(45, 3_000, 0);
        assert_eq!(link.had, Some(Layer::High), "{reports:?}, back at {back_at}: {:?}", link.switches);
    });
}

#[test]
fn the_voice_goes_on_when_nothing_else_fits() {
    both(|reports| {
        let mut link = Link::new(reports);
        link.run(120, 60, 0);
        let allocation = link.allocator.update(link.now, link.estimator.estimate(), &Link::demands());
        assert_eq!(allocation.layers[Slot::ProgramAudio.index()], Some(Layer::High));
        let late = link.switches.iter().filter(|(second, _)| *second > 60).count();
        assert!(late <= 4, "{reports:?} {:?}", link.switches);
    });
}

#[test]
fn a_little_random_loss_costs_no_picture() {
    both(|reports| {
        let mut link = Link::new(reports);
        link.run(30, 5_000, 0);
        link.run(120, 5_000, 4);
        assert_eq!(link.had, Some(Layer::High), "{reports:?} {:?}", link.switches);
    });
}
