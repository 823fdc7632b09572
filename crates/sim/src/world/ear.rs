//! What a class hears: a model of a browser's voice buffer (`NetEq`), after what Chromium was measured to do.
//!
//! Twenty milliseconds of voice are due when their time, the quickest way here and the playout delay have passed; what is not there
//! then is made up (concealed). The delay grows by a tenth of real time towards what the page asks for or what the jitter needs, and at
//! once when voice comes too late; it shrinks slowly.

use domain::Timestamp;
use std::{collections::BTreeSet, time::Duration};

const FRAME: i64 = 20_000;
/// How fast the delay follows its target: microseconds for each frame played.
const GROWS: i64 = 2_000;
const SHRINKS: i64 = 500;
const DELAY_MIN: i64 = 40_000;
const DELAY_MAX: i64 = 2_000_000;
/// A hole of so many frames is silence of the teacher's (nothing was sent), not loss.
const BACKLOG_MAX: usize = 400;

/// See the module's description.
#[derive(Debug, Clone)]
pub struct Ear {
    /// Microseconds of the voice's own clock, by frame.
    have: BTreeSet<i64>,
    /// Quickest transit seen: arrival minus voice time.
    quickest: Option<i64>,
    delay: i64,
    asked: i64,
    /// Slowly falling maximum of lateness beyond the quickest, of packets that came by themselves.
    jitter: f64,
    next: Option<i64>,
    /// When the first voice came.
    pub heard_at: Option<Timestamp>,
    /// Frames of 20 ms that were played.
    pub played: u64,
    /// Of those, frames that were made up.
    pub concealed: u64,
    run: u64,
    /// The most made-up frames in a row.
    pub longest_gap: u64,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            have: BTreeSet::new(),
            quickest: None,
            delay: DELAY_MIN,
            asked: 0,
            jitter: 0.0,
            next: None,
            heard_at: None,
            played: 0,
            concealed: 0,
            run: 0,
            longest_gap: 0,
        }
    }
}

impl Ear {
    /// What it waits before the first voice has come: a page that was answered late begins so (`firstPlayout`).
    pub fn begin(&mut self, delay: Duration) {
        self.asked = delay.as_micros() as i64;
        self.delay = self.delay.max(self.asked);
    }

    /// The page asks for this playout delay.
    pub fn ask(&mut self, delay: Duration) {
        self.asked = delay.as_micros() as i64;
    }

    /// Frame of voice time `frame` (in frames of 20 ms) arrived; `first_hand`: by itself, not as a predecessor or a repair.
    pub fn arrived(&mut self, now: Timestamp, frame: i64, first_hand: bool) {
        let time = frame * FRAME;
        let transit = now.as_micros().cast_signed() - time;
        if first_hand {
            let quickest = self.quickest.map_or(transit, |quickest| quickest.min(transit));
            self.quickest = Some(quickest);
            let late = (transit - quickest) as f64;
            self.jitter = late.max(self.jitter - 40.0);
        }
        self.heard_at.get_or_insert(now);
        match self.next {
            None => self.next = Some(time),
            Some(next) if time < next => {
                // Too late to be played: the buffer grows, so that the next such one is in time.
                if first_hand {
                    self.delay = (self.delay + (next - time).min(60_000)).min(DELAY_MAX);
                }
                return;
            }
            Some(_) => {}
        }
        self.have.insert(time);
        if self.have.len() > BACKLOG_MAX {
            self.have.pop_first();
        }
    }

    /// Plays what is due by `now`.
    pub fn play(&mut self, now: Timestamp) {
        let (Some(quickest), Some(mut next)) = (self.quickest, self.next) else { return };
        while next + quickest + self.delay <= now.as_micros().cast_signed() {
            self.played += 1;
            if self.have.remove(&next) {
                self.run = 0;
            } else {
                self.concealed += 1;
                self.run += 1;
                self.longest_gap = self.longest_gap.max(self.run);
            }
            next += FRAME;
            let target = self.asked.max(self.jitter as i64 + DELAY_MIN).clamp(DELAY_MIN, DELAY_MAX);
            self.delay += (target - self.delay).clamp(-SHRINKS, GROWS);
        }
        self.next = Some(next);
    }

    pub(super) fn look_from_here(&mut self) {
        (self.played, self.concealed, self.run, self.longest_gap) = (0, 0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(lost: impl Fn(i64) -> bool, asked: u64) -> Ear {
        let mut ear = Ear::default();
        ear.ask(Duration::from_millis(asked));
        for frame in 0..3_000i64 {
            let now = Timestamp::from_millis(frame as u64 * 20 + 100);
            if !lost(frame) {
                ear.arrived(now, frame, true);
            }
            ear.play(now);
        }
        ear
    }

    #[test]
    fn a_whole_voice_is_heard_whole_and_a_lost_tenth_is_a_tenth() {
        assert_eq!(hear(|_| false, 0).concealed, 0);
        let ear = hear(|frame| frame % 10 == 9, 0);
        assert!((270..=310).contains(&ear.concealed), "{ear:?}");
        assert_eq!(ear.longest_gap, 1);
    }

    #[test]
    fn a_repair_that_comes_in_time_is_heard_when_the_page_waits_for_it() {
        let with_repair = |asked| {
            let mut ear = Ear::default();
            ear.ask(Duration::from_millis(asked));
            for frame in 0..3_000i64 {
                let now = Timestamp::from_millis(frame as u64 * 20 + 100);
                if frame % 10 != 9 {
                    ear.arrived(now, frame, true);
                }
                if frame % 10 == 4 && frame > 25 {
                    // 300 ms later.
                    ear.arrived(now, frame - 15, false);
                }
                ear.play(now);
            }
            ear.concealed
        };
        assert!(with_repair(0) > 250);
        assert!(with_repair(500) < 30, "{}", with_repair(500));
    }
}
