//! Which layer a viewer over TCP is given: TCP hides loss and shows it as lag.

use domain::{Layer, Timestamp};
use std::time::Duration;

/// More lag than this: the link does not carry the layer.
const BAD: Duration = Duration::from_millis(1_200);
/// Less than this, all the time: it might carry more.
const GOOD: Duration = Duration::from_millis(400);
/// A step down shows after the jam has drained.
const SETTLE: Duration = Duration::from_secs(2);
/// How long all must be good before a step up, at first and at most: it doubles with every step up that failed.
const HOLD: Duration = Duration::from_secs(8);
const HOLD_MAX: Duration = Duration::from_mins(2);
/// A step up that has lasted this long has not failed.
const PROVEN: Duration = Duration::from_secs(15);

/// Down at once, up only after a hold that grows when a step up fails.
#[derive(Debug, Clone)]
pub struct LagLadder {
    layer: Option<Layer>,
    changed_at: Timestamp,
    raised: bool,
    good_since: Option<Timestamp>,
    hold: Duration,
}

impl LagLadder {
    /// Begins in the middle: the picture is there at once on most links, and the first seconds show whether more is possible.
    pub fn new(now: Timestamp) -> Self {
        Self { layer: Some(Layer::Mid), changed_at: now, raised: false, good_since: None, hold: HOLD }
    }

    /// The highest layer the link is trusted with; `None`: no picture, sound alone.
    pub fn layer(&self) -> Option<Layer> {
        self.layer
    }

    /// What has just left was so far behind the newest there is.
    pub fn on_lag(&mut self, now: Timestamp, lag: Duration) {
        let since_change = now.saturating_since(self.changed_at);
        if lag > BAD {
            self.good_since = None;
            if since_change < SETTLE {
                return;
            }
            if self.raised && since_change < PROVEN {
                self.hold = (self.hold * 2).min(HOLD_MAX);
            }
            let below = match self.layer {
                Some(Layer::High) => Some(Layer::Mid),
                Some(Layer::Mid) => Some(Layer::Low),
                Some(Layer::Low) | None => None,
            };
            self.change(now, below, false);
        } else if lag < GOOD {
            if self.raised && since_change >= PROVEN {
                self.raised = false;
                self.hold = HOLD;
            }
            let since = *self.good_since.get_or_insert(now);
            if self.layer != Some(Layer::High) && now.saturating_since(since) >= self.hold {
                let above = match self.layer {
                    None => Layer::Low,
                    Some(Layer::Low) => Layer::Mid,
                    Some(Layer::Mid | Layer::High) => Layer::High,
                };
                self.change(now, Some(above), true);
            }
        } else {
            self.good_since = None;
        }
    }

    fn change(&mut self, now: Timestamp, layer: Option<Layer>, raised: bool) {
        self.layer = layer;
        self.changed_at = now;
        self.raised = raised;
        self.good_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a lag every 200 ms; (second, layer) of every change.
    fn story(lag_ms: impl Fn(u64, Option<Layer>) -> u64, seconds: u64) -> Vec<(u64, Option<Layer>)> {
        let mut ladder = LagLadder::new(Timestamp::ZERO);
        let mut seen = vec![(0, ladder.layer())];
        for step in 0..seconds * 5 {
            let now = Timestamp::from_millis(step * 200);
            ladder.on_lag(now, Duration::from_millis(lag_ms(step / 5, ladder.layer())));
            if seen.last().is_some_and(|(_, layer)| *layer != ladder.layer()) {
                seen.push((step / 5, ladder.layer()));
            }
        }
        seen
    }

    #[test]
    fn a_good_link_gets_the_big_picture_after_a_while() {
        assert_eq!(story(|_, _| 50, 60), [(0, Some(Layer::Mid)), (8, Some(Layer::High))]);
    }

    #[test]
    fn a_link_for_sound_alone_is_found_within_seconds_and_the_picture_comes_back_with_the_link() {
        let rows = story(|second, _| if second < 20 { 1_500 } else { 50 }, 60);
        assert_eq!(rows[..3], [(0, Some(Layer::Mid)), (2, Some(Layer::Low)), (4, None)]);
        assert_eq!(rows[3], (28, Some(Layer::Low)));
    }

    #[test]
    fn a_link_that_carries_the_middle_is_tried_less_and_less_often() {
        let rows = story(|_, layer| if layer == Some(Layer::High) { 2_000 } else { 100 }, 400);
        let tries: Vec<u64> =
            rows.iter().filter(|(_, layer)| *layer == Some(Layer::High)).map(|(at, _)| *at).collect();
        let gaps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(tries.len() <= 6, "{tries:?}");
        assert!(gaps.windows(2).all(|pair| pair[1] > pair[0] || pair[1] >= 120), "{gaps:?}");
    }
}
