//! One screen's reports about itself over time: what a single report cannot tell.

use crate::{Timestamp, ViewerReport, board::ScreenReport};
use std::time::Duration;

/// A report older than this says nothing about the screen any more. Pages report every 5 s.
pub const REPORT_STALE_AFTER: Duration = Duration::from_secs(15);
/// A page that has not reported for so long has stopped working, whatever its socket says.
pub const REPORT_OVERDUE_AFTER: Duration = Duration::from_secs(9);
/// Frames that have not moved for so long stand still, whatever the page says.
const STUCK_AFTER: Duration = Duration::from_secs(7);
/// Output that was silent in all reports for so long is no pause between two sentences.
const SILENT_AFTER: Duration = Duration::from_secs(4);
/// Below this level a loudspeaker gives nothing.
const SILENCE: f32 = 0.003;
/// From this level on something is heard.
const HEARD: f32 = 0.01;

/// What a screen has said so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Screen {
    joined_at: Timestamp,
    reported: Option<(Timestamp, ViewerReport)>,
    frames_moved_at: Timestamp,
    silent_since: Option<Timestamp>,
}

impl Screen {
    /// A screen whose page opened.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { joined_at: now, reported: None, frames_moved_at: now, silent_since: None }
    }

    /// It says how it is.
    pub(crate) fn report(&mut self, now: Timestamp, report: ViewerReport) {
        let frames_before = self.reported.map(|(_, before)| before.frames_decoded);
        if frames_before != Some(report.frames_decoded) {
            self.frames_moved_at = now;
        }
        let is_silent = report.audio_level.is_some_and(|level| level < SILENCE);
        self.silent_since = is_silent.then(|| self.silent_since.unwrap_or(now));
        self.reported = Some((now, report));
    }

    /// Its last report, while that says something.
    pub(crate) fn fresh(&self, now: Timestamp) -> Option<ViewerReport> {
        self.reported
            .filter(|(at, _)| now.saturating_since(*at) < REPORT_STALE_AFTER)
            .map(|(_, report)| report)
    }

    /// What the board makes of it; `None` when it says nothing (any more).
    pub(crate) fn judge(&self, now: Timestamp) -> Option<ScreenReport> {
        let (at, report) = self.reported?;
        if now.saturating_since(at) >= REPORT_OVERDUE_AFTER {
            return None;
        }
        // Between two reports nothing is known: the frames are only as old as the last one.
        let still_for = at.saturating_since(self.frames_moved_at);
        Some(ScreenReport {
            frozen: report.frozen,
            stuck: report.frames_decoded > 0 && still_for >= STUCK_AFTER,
            muted: report.muted,
            silent: self.silent_since.is_some_and(|since| at.saturating_since(since) >= SILENT_AFTER),
            visible: report.visible,
        })
    }

    /// Whether it should have reported by now.
    pub(crate) fn is_overdue(&self, now: Timestamp) -> bool {
        let last = self.reported.map_or(self.joined_at, |(at, _)| at);
        now.saturating_since(last) >= REPORT_OVERDUE_AFTER
    }

    /// Whether it reported before and has stopped.
    pub(crate) fn has_stopped(&self, now: Timestamp) -> bool {
        self.reported.is_some() && self.is_overdue(now)
    }

    /// Whether something comes out of its loudspeaker.
    pub(crate) fn hears(&self, now: Timestamp) -> bool {
        self.judge(now).is_some_and(|judged| !judged.muted)
            && self.reported.and_then(|(_, report)| report.audio_level).is_some_and(|level| level >= HEARD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    fn report(frames: u64, level: f32) -> ViewerReport {
        ViewerReport { frames_decoded: frames, audio_level: Some(level), visible: true, ..Default::default() }
    }

    fn told(reports: &[(u64, ViewerReport)]) -> Screen {
        let mut screen = Screen::new(at(0));
        for (seconds, report) in reports {
            screen.report(at(*seconds), *report);
        }
        screen
    }

    #[test]
    fn a_picture_that_stands_still_is_noticed_within_ten_seconds() {
        let moving = told(&[(0, report(10, 0.1)), (5, report(90, 0.1)), (10, report(170, 0.1))]);
        assert!(!moving.judge(at(10)).expect("it reports").stuck);
        let still = told(&[(0, report(10, 0.1)), (5, report(10, 0.1)), (10, report(10, 0.1))]);
        assert!(still.judge(at(10)).expect("it reports").stuck);
        let never_began = told(&[(0, report(0, 0.1)), (10, report(0, 0.1))]);
        assert!(!never_began.judge(at(10)).expect("it reports").stuck, "nothing was shown yet");
    }

    #[test]
    fn a_pause_between_two_sentences_is_no_dead_loudspeaker() {
        let pause = told(&[(0, report(1, 0.2)), (5, report(2, 0.0)), (8, report(3, 0.2))]);
        assert!(!pause.judge(at(8)).expect("it reports").silent);
        let dead = told(&[(0, report(1, 0.0)), (5, report(2, 0.0))]);
        assert!(dead.judge(at(5)).expect("it reports").silent);
        assert!(!dead.hears(at(5)) && pause.hears(at(8)));
        let unknown = told(&[(0, ViewerReport::default()), (9, ViewerReport::default())]);
        assert!(!unknown.judge(at(9)).expect("it reports").silent, "it cannot measure");
    }

    #[test]
    fn a_page_that_says_nothing_is_overdue_before_ten_seconds_are_over() {
        let screen = told(&[(0, report(1, 0.1))]);
        assert!(screen.judge(at(8)).is_some() && !screen.is_overdue(at(8)));
        assert!(screen.judge(at(9)).is_none() && screen.is_overdue(at(9)));
        assert!(screen.has_stopped(at(9)));
        let silent = Screen::new(at(0));
        assert!(silent.is_overdue(at(9)) && !silent.has_stopped(at(9)), "it never reported");
    }
}
