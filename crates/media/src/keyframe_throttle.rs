//! Limits how often the host's encoder is asked for a keyframe.

use domain::{Layer, Timestamp};
use std::time::Duration;

/// Limits how often we ask the host's encoder for a keyframe.
///
/// Every classroom that joins or switches layer wants a keyframe at once; one keyframe serves them
/// all, and a burst of PLI (RFC 4585 section 6.3.1) would only make the encoder spike. One throttle serves all
/// layers of a source, because simulcast layers share the encoder.
#[derive(Debug, Clone)]
pub struct KeyframeThrottle {
    interval: Duration,
    requested_at: Option<Timestamp>,
    wishes: [Option<Timestamp>; Layer::COUNT],
}

impl KeyframeThrottle {
    /// Half a second: at most two requests a second reach the host.
    pub const INTERVAL: Duration = Duration::from_millis(500);

    /// Requests leave at least `interval` apart.
    pub fn new(interval: Duration) -> Self {
        Self { interval, requested_at: None, wishes: [None; Layer::COUNT] }
    }

    /// Somebody wants a keyframe of `layer`. `Some(layer)`: send one request for that layer now. Otherwise the
    /// wish is kept until [`KeyframeThrottle::poll`] may serve it.
    pub fn request(&mut self, layer: Layer, now: Timestamp) -> Option<Layer> {
        self.wishes[layer.index()].get_or_insert(now);
        self.poll(now)
    }

    /// The oldest kept wish, when it may leave now.
    pub fn poll(&mut self, now: Timestamp) -> Option<Layer> {
        let ready_at = self.poll_timeout()?;
        if now < ready_at {
            return None;
        }
        let oldest = Layer::ALL
            .into_iter()
            .filter_map(|layer| self.wishes[layer.index()].map(|since| (since, layer)))
            .min_by_key(|&(since, _)| since);
        let (_, layer) = oldest?;
        self.wishes[layer.index()] = None;
        self.requested_at = Some(now);
        Some(layer)
    }

    /// When [`KeyframeThrottle::poll`] has something; `None` without a wish.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let oldest = self.wishes.iter().flatten().min()?;
        Some(self.requested_at.map_or(*oldest, |at| at + self.interval))
    }

    /// A keyframe of `layer` came: its wish is fulfilled.
    pub fn keyframe_arrived(&mut self, layer: Layer) {
        self.wishes[layer.index()] = None;
    }
}

/// What one place may ask of the host: a few keyframes quickly (joining, switching), then one each 3 s.
///
/// A place that loses packets all the time must not cost the others their picture quality.
#[derive(Debug, Clone, Default)]
pub struct PlaceQuota {
    /// Requests let through so far.
    pub allowed: u64,
    /// Requests refused so far.
    pub refused: u64,
    /// When the allowance would be whole again; the further ahead, the less is left.
    whole_at: Timestamp,
}

impl PlaceQuota {
    /// Requests in a row.
    const BURST: u32 = 4;
    /// One more each.
    const REFILL: Duration = Duration::from_secs(3);

    /// Whether a request of this place may go to the [`KeyframeThrottle`] now.
    pub fn allow(&mut self, now: Timestamp) -> bool {
        let whole_at = self.whole_at.max(now) + Self::REFILL;
        let allowed = whole_at <= now + Self::REFILL * Self::BURST;
        if allowed {
            self.whole_at = whole_at;
            self.allowed += 1;
        } else {
            self.refused += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> KeyframeThrottle {
        KeyframeThrottle::new(KeyframeThrottle::INTERVAL)
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(3_000 + ms)
    }

    #[test]
    fn thirty_classrooms_joining_together_cost_one_keyframe() {
        let mut throttle = throttle();
        let sent = (0..30).filter(|_| throttle.request(Layer::High, at(0)).is_some()).count();
        assert_eq!(sent, 1);
    }

    #[test]
    fn a_wish_that_had_to_wait_is_served_as_soon_as_allowed() {
        let mut throttle = throttle();
        assert_eq!(throttle.request(Layer::High, at(0)), Some(Layer::High));
        assert_eq!(throttle.request(Layer::Low, at(100)), None);
        assert_eq!(throttle.poll_timeout(), Some(at(500)));
        assert_eq!(throttle.poll(at(499)), None);
        assert_eq!(throttle.poll(at(500)), Some(Layer::Low));
        assert_eq!(throttle.poll_timeout(), None);
        assert_eq!(throttle.poll(at(5_000)), None);
    }

    #[test]
    fn whatever_is_wanted_of_all_layers_two_requests_a_second_reach_the_host() {
        let mut throttle = throttle();
        let mut asked = Vec::new();
        for ms in 0..10_000 {
            let layer = Layer::ALL[(ms % 3) as usize];
            asked.extend(throttle.request(layer, at(ms)).map(|_| ms));
        }
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= 500), "{asked:?}");
        assert_eq!(asked.len(), 20);
    }

    #[test]
    fn no_layer_is_forgotten_while_others_are_asked_for() {
        let mut throttle = throttle();
        let mut served = [0; Layer::COUNT];
        for ms in 0..6_000 {
            for layer in Layer::ALL {
                if let Some(layer) = throttle.request(layer, at(ms)) {
                    served[layer.index()] += 1;
                }
            }
        }
        assert_eq!(served, [4, 4, 4]);
    }

    #[test]
    fn a_keyframe_that_comes_by_itself_fulfils_the_wish() {
        let mut throttle = throttle();
        throttle.request(Layer::High, at(0));
        throttle.request(Layer::High, at(100));
        throttle.keyframe_arrived(Layer::High);
        assert_eq!(throttle.poll(at(500)), None);
    }

    #[test]
    fn a_place_that_asks_ten_thousand_times_a_second_is_counted_and_held() {
        let mut quota = PlaceQuota::default();
        let passed = (0..100_000u64).filter(|n| quota.allow(Timestamp::from_micros(n * 100))).count();
        assert_eq!(passed, 4 + 3, "four at once, then one each three seconds of ten");
        assert_eq!((quota.allowed, quota.refused), (7, 99_993));
    }
}
