//! Measures the standing queue: how much longer even the quickest of the latest packets took than the quickest of a long time.
//!
//! The quickest of a window, and not the mean, because a radio link shakes: single packets come late without any queue, but when not
//! one packet of half a second comes early, something stands in the way (the idea of `CoDel`, RFC 8289, seen from the sender). The
//! two clocks differ by an unknown offset, which cancels; their drift is negligible over the time looked back.

use domain::Timestamp;
use std::time::Duration;

/// Transit time of a packet: receiver clock minus ours, microseconds.
type Transit = i64;

/// The latest packets: so many steps of this length, in the receiver's clock.
const STEPS: usize = 8;
const STEP_US: u64 = 50_000;
/// The long time: this and the previous period.
const PERIOD: Duration = Duration::from_secs(20);
/// No measured queue is longer; more is a clock that jumped.
const QUEUE_US_MAX: i64 = 10_000_000;
/// A window with fewer packets says nothing.
const PACKETS_MIN: u32 = 4;
/// Queues below this are nobody's trouble, above that always somebody's.
const THRESHOLD_MIN: f64 = 60_000.0;
const THRESHOLD_MAX: f64 = 160_000.0;

/// See the module's description.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueueGauge {
    /// Shortest transit in this and the previous period.
    base: [Option<Transit>; 2],
    period_began: Timestamp,
    /// Shortest transit and number of packets by step; the newest is `steps[step % STEPS]`.
    steps: [(Transit, u32); STEPS],
    step: u64,
    /// What the gauge shows while nothing is wrong, and how far it strays: the link's own shaking.
    noise_us: f64,
    noise_stray_us: f64,
    looks: u32,
    /// Nine packets of ten are quicker than base plus this.
    spread_us: f64,
}

impl QueueGauge {
    /// A packet that left at `sent` (our clock) arrived at `received` (the receiver's).
    pub(crate) fn on_packet(&mut self, now: Timestamp, sent: Timestamp, received: Timestamp) {
        let transit = received.as_micros().wrapping_sub(sent.as_micros()).cast_signed();
        if now.saturating_since(self.period_began) > PERIOD {
            self.base = [None, self.base[0]];
            self.period_began = now;
        }
        self.base[0] = Some(self.base[0].map_or(transit, |quickest| quickest.min(transit)));
        let step = received.as_micros() / STEP_US;
        // A step far ahead empties the window; one behind (packets that overtook each other) counts as now.
        let ahead = step.saturating_sub(self.step);
        for n in 0..ahead.min(STEPS as u64) {
            self.steps[(step - n) as usize % STEPS] = (Transit::MAX, 0);
        }
        self.step = self.step.max(step);
        let (quickest, packets) = &mut self.steps[self.step as usize % STEPS];
        *quickest = (*quickest).min(transit);
        *packets += 1;
        // A running quantile: up by nine parts when above, down by one when below (Robbins-Monro).
        let queue = self.above_base(transit);
        self.spread_us =
            (self.spread_us + if queue > self.spread_us { 1_800.0 } else { -200.0 }).clamp(0.0, 2_000_000.0);
    }

    fn above_base(&self, transit: Transit) -> f64 {
        let base = self.base.iter().flatten().min().copied().unwrap_or(transit);
        transit.wrapping_sub(base).clamp(0, QUEUE_US_MAX) as f64
    }

    /// The queue of the latest arrivals, microseconds; `None` when too little arrived to say. A quiet link is judged by the last
    /// 300 ms, longer than a keyframe that leaves at once stands in its queue; a shaking one by the last 400.
    pub(crate) fn standing_us(&self) -> Option<f64> {
        let steps = match self.noise_stray_us {
            ..6_000.0 => 6,
            _ => STEPS,
        };
        self.over(steps)
    }

    /// The same of the last 100 ms alone.
    pub(crate) fn latest_us(&self) -> Option<f64> {
        self.over(2)
    }

    fn over(&self, steps: usize) -> Option<f64> {
        let latest = (0..steps as u64).map(|n| self.steps[self.step.wrapping_sub(n) as usize % STEPS]);
        let (quickest, packets) = latest
            .filter(|step| step.1 > 0)
            .fold((Transit::MAX, 0), |sum, step| (sum.0.min(step.0), sum.1 + step.1));
        (packets >= PACKETS_MIN).then(|| self.above_base(quickest))
    }

    /// Above this a standing queue is more than the link's own shaking.
    pub(crate) fn threshold_us(&self) -> f64 {
        (self.noise_us + 4.0 * self.noise_stray_us + 20_000.0).clamp(THRESHOLD_MIN, THRESHOLD_MAX)
    }

    /// Learns from what the gauge shows while nothing is wrong.
    pub(crate) fn learn(&mut self) {
        let Some(standing) = self.standing_us() else { return };
        let error = standing - self.noise_us;
        // The first looks weigh more: a link that shakes does so from the beginning.
        self.looks = (self.looks + 1).min(15);
        let weight = 1.0 / f64::from(self.looks + 5);
        self.noise_us += error * weight;
        self.noise_stray_us += (error.abs() - self.noise_stray_us) * weight;
    }

    /// How far the gauge strays while nothing is wrong.
    pub(crate) fn stray(&self) -> Duration {
        Duration::from_micros(self.noise_stray_us as u64)
    }

    /// Whether enough was seen to know the link's own shaking.
    pub(crate) fn knows_itself(&self) -> bool {
        self.looks >= 4
    }

    /// Nine packets of ten arrive within this after the quickest.
    pub(crate) fn spread(&self) -> Duration {
        Duration::from_micros(self.spread_us as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets each 20 ms whose transit is 77 s (the clocks' offset) and `delay_ms(n)`; the gauge at the end.
    fn gauge(packets: std::ops::Range<u64>, delay_ms: impl Fn(u64) -> u64) -> QueueGauge {
        let mut gauge = QueueGauge::default();
        feed(&mut gauge, packets, delay_ms);
        gauge
    }

    fn feed(gauge: &mut QueueGauge, packets: std::ops::Range<u64>, delay_ms: impl Fn(u64) -> u64) {
        for n in packets {
            let sent = Timestamp::from_millis(n * 20);
            let received = Timestamp::from_millis(77_000 + n * 20 + delay_ms(n));
            gauge.on_packet(sent + Duration::from_millis(50), sent, received);
            gauge.learn();
        }
    }

    #[test]
    fn a_shaking_link_shows_hardly_any_queue_and_a_filling_one_does() {
        let shaking = gauge(0..500, |n| 100 + n * 73 % 120);
        let standing = shaking.standing_us().unwrap();
        assert!(standing < 20_000.0, "{standing}");
        assert!((95..125).contains(&shaking.spread().as_millis()), "{:?}", shaking.spread());
        let mut filling = shaking;
        feed(&mut filling, 500..540, |n| 100 + n * 73 % 120 + (n - 500) * 8);
        let standing = filling.standing_us().unwrap();
        assert!(standing > filling.threshold_us(), "{standing} of {}", filling.threshold_us());
    }

    #[test]
    fn a_silent_link_says_nothing_and_an_old_queue_is_forgotten() {
        assert_eq!(QueueGauge::default().standing_us(), None);
        let mut gauge = gauge(0..200, |_| 40);
        feed(&mut gauge, 200..230, |_| 340);
        assert_eq!(gauge.standing_us(), Some(300_000.0));
        feed(&mut gauge, 300..320, |_| 40);
        assert_eq!(gauge.standing_us(), Some(0.0));
    }
}
