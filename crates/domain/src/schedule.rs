//! Which of several lessons a place's screen should show.

use crate::{LessonId, LessonRecord, LessonState, PlaceId, UnixMillis};
use std::time::Duration;

/// How long after its planned time a lesson that never started is still announced on idle screens.
pub const ANNOUNCED_AFTER_START: Duration = Duration::from_hours(2);

/// How long before a lesson its screens leave another lesson's rehearsal.
pub const GATHERING: Duration = Duration::from_mins(30);

/// The lesson the screens of `place` should show, out of all lessons of the server.
///
/// `current` is what they show now. In this order:
///
/// 1. the current lesson while it is live: a second lesson never pulls a class out of the first;
/// 2. a live lesson, the one that started last;
/// 3. the current lesson while it is in test run, then any lesson in test run;
/// 4. a planned lesson that begins within [`GATHERING`], or should have begun;
/// 5. a lesson whose rehearsal is open, whether or not it has a time;
/// 6. the next planned lesson, so that an idle screen announces it; one whose time passed more than
///    [`ANNOUNCED_AFTER_START`] ago without starting is no longer announced.
pub fn lesson_for_place<'a>(
    place: PlaceId,
    current: Option<LessonId>,
    now: UnixMillis,
    lessons: impl IntoIterator<Item = &'a LessonRecord>,
) -> Option<LessonId> {
    let rank = |lesson: &LessonRecord| {
        let is_current = current == Some(lesson.id);
        match (lesson.state, lesson.starts_at) {
            (LessonState::Live, _) => Some((5, is_current, lesson.started_at.map_or(0, UnixMillis::get))),
            (LessonState::TestRun, _) => Some((4, is_current, 0)),
            (LessonState::Scheduled, Some(start)) if start.plus(ANNOUNCED_AFTER_START) > now => {
                let rank =
                    if start <= now.plus(GATHERING) { 3 } else { 1 + u8::from(lesson.control.rehearsal) };
                Some((rank, false, -start.get()))
            }
            (LessonState::Scheduled, _) if lesson.control.rehearsal => Some((2, is_current, i64::MIN)),
            (LessonState::Scheduled | LessonState::Ended, _) => None,
        }
    };
    lessons
        .into_iter()
        .filter(|lesson| lesson.invited.includes(place) && !lesson.control.removed.contains(&place))
        .filter_map(|lesson| Some((rank(lesson)?, lesson.id)))
        .max()
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Invited, LessonControl};

    const NOW: UnixMillis = UnixMillis::clamped(100_000_000);

    fn lesson(id: u64, state: LessonState, minutes_from_now: Option<i64>) -> LessonRecord {
        let time = minutes_from_now.map(|minutes| UnixMillis::clamped(NOW.get() + minutes * 60_000));
        let was_live = matches!(state, LessonState::Live | LessonState::Ended);
        LessonRecord {
            id: LessonId(id),
            title: format!("Tiết {id}"),
            host_place: None,
            state,
            invited: Invited::All,
            created_at: NOW,
            starts_at: time,
            started_at: time.filter(|_| was_live),
            ended_at: time.filter(|_| state == LessonState::Ended),
            control: LessonControl::default(),
        }
    }

    #[track_caller]
    fn check(current: Option<u64>, lessons: &[LessonRecord], expected: Option<u64>) {
        let shown = lesson_for_place(PlaceId(1), current.map(LessonId), NOW, lessons);
        assert_eq!(shown, expected.map(LessonId));
    }

    use LessonState::{Ended, Live, Scheduled, TestRun};

    #[test]
    fn an_idle_screen_announces_the_next_lesson() {
        check(None, &[], None);
        let planned =
            [lesson(1, Scheduled, Some(90)), lesson(2, Scheduled, Some(30)), lesson(3, Scheduled, None)];
        check(None, &planned, Some(2));
        check(None, &[lesson(1, Scheduled, Some(-119)), lesson(2, Scheduled, Some(30))], Some(1));
        check(None, &[lesson(1, Scheduled, Some(-120)), lesson(2, Ended, Some(-10))], None);
    }

    #[test]
    fn a_rehearsal_is_found_by_idle_screens_until_another_lesson_is_about_to_begin() {
        let rehearsed = |id, minutes| {
            let mut lesson = lesson(id, Scheduled, minutes);
            lesson.control.rehearsal = true;
            lesson
        };
        check(None, &[rehearsed(1, None)], Some(1));
        check(None, &[rehearsed(1, Some(3 * 24 * 60)), lesson(2, Scheduled, Some(120))], Some(1));
        check(Some(1), &[rehearsed(1, None), lesson(2, Scheduled, Some(29))], Some(2));
        check(None, &[rehearsed(1, Some(-121)), lesson(2, TestRun, None)], Some(2));
        check(None, &[rehearsed(1, Some(500)), rehearsed(2, Some(400))], Some(2));
    }

    #[test]
    fn a_lesson_that_starts_goes_before_rehearsals_and_plans() {
        let lessons = [lesson(1, TestRun, Some(0)), lesson(2, Live, Some(-5)), lesson(3, Scheduled, Some(1))];
        check(Some(1), &lessons, Some(2));
        check(None, &lessons[..1], Some(1));
    }

    #[test]
    fn a_second_lesson_does_not_pull_a_class_out_of_the_first() {
        let lessons = [lesson(1, Live, Some(-30)), lesson(2, Live, Some(-1))];
        check(Some(1), &lessons, Some(1));
        check(None, &lessons, Some(2));
        check(Some(5), &lessons, Some(2));
        check(Some(1), &[lesson(1, TestRun, None), lesson(2, TestRun, None)], Some(1));
    }

    #[test]
    fn a_place_that_is_not_invited_sees_nothing_of_the_lesson() {
        let mut elsewhere = lesson(1, Live, Some(-5));
        elsewhere.invited = Invited::Only([PlaceId(2)].into());
        check(None, &[elsewhere], None);
    }
}
