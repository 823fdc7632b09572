use super::LessonState::{Ended, Live, Scheduled, TestRun};
use super::*;
use crate::InvitationId;

const LESSON: LessonId = LessonId(1);
const NOW: UnixMillis = UnixMillis::clamped(1_000_000);

fn lesson(state: LessonState) -> Lesson {
    let invited = Invited::Only([PlaceId(1)].into());
    let mut lesson = Lesson::schedule(LESSON, "Phân số", Some("THPT Đan Phượng"), None, invited, NOW)
        .expect("title and place are fine");
    let on_the_way: &[LessonCommand] = match state {
        Scheduled => &[],
        TestRun => &[LessonCommand::Test],
        Live => &[LessonCommand::Start],
        Ended => &[LessonCommand::Start, LessonCommand::End],
    };
    for command in on_the_way {
        lesson.apply(NOW, HOST, command.clone()).expect("the host may");
    }
    assert_eq!(lesson.state(), state);
    lesson
}

const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LESSON };
const ORGANISER: Identity = Identity::Organiser { invitation: InvitationId(2), lesson: None };
const ORGANISER_OF_THIS: Identity = Identity::Organiser { invitation: InvitationId(3), lesson: Some(LESSON) };
const OBSERVER: Identity = Identity::Observer { invitation: InvitationId(4), lesson: LESSON };
const PLACE: Identity = Identity::Place { place: PlaceId(1) };

const STRANGERS: [Identity; 4] = [
    Identity::Host { invitation: InvitationId(1), lesson: LessonId(2) },
    Identity::Organiser { invitation: InvitationId(3), lesson: Some(LessonId(2)) },
    Identity::Observer { invitation: InvitationId(4), lesson: LessonId(2) },
    Identity::Place { place: PlaceId(2) },
];

/// The table of the module's documentation, cell by cell. Columns: scheduled, test run, live, ended.
#[rustfmt::skip]
const TABLE: [(Action, Role, [&str; 4]); 40] = [
    (Action::Test,        Role::Host,      ["ok", "wrong_state", "wrong_state", "lesson_ended"]),
    (Action::Test,        Role::Organiser, ["ok", "wrong_state", "wrong_state", "lesson_ended"]),
    (Action::Test,        Role::Observer,  ["forbidden"; 4]),
    (Action::Test,        Role::Place,     ["forbidden"; 4]),
    (Action::Start,       Role::Host,      ["ok", "ok", "wrong_state", "lesson_ended"]),
    (Action::Start,       Role::Organiser, ["ok", "ok", "wrong_state", "lesson_ended"]),
    (Action::Start,       Role::Observer,  ["forbidden"; 4]),
    (Action::Start,       Role::Place,     ["forbidden"; 4]),
    (Action::End,         Role::Host,      ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::End,         Role::Organiser, ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::End,         Role::Observer,  ["forbidden"; 4]),
    (Action::End,         Role::Place,     ["forbidden"; 4]),
    (Action::Edit,        Role::Host,      ["forbidden"; 4]),
    (Action::Edit,        Role::Organiser, ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Edit,        Role::Observer,  ["forbidden"; 4]),
    (Action::Edit,        Role::Place,     ["forbidden"; 4]),
    (Action::Invite,      Role::Host,      ["forbidden"; 4]),
    (Action::Invite,      Role::Organiser, ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Invite,      Role::Observer,  ["forbidden"; 4]),
    (Action::Invite,      Role::Place,     ["forbidden"; 4]),
    (Action::ManageLinks, Role::Host,      ["forbidden"; 4]),
    (Action::ManageLinks, Role::Organiser, ["ok", "ok", "ok", "ok"]),
    (Action::ManageLinks, Role::Observer,  ["forbidden"; 4]),
    (Action::ManageLinks, Role::Place,     ["forbidden"; 4]),
    (Action::Delete,      Role::Host,      ["forbidden"; 4]),
    (Action::Delete,      Role::Organiser, ["ok", "ok", "wrong_state", "ok"]),
    (Action::Delete,      Role::Observer,  ["forbidden"; 4]),
    (Action::Delete,      Role::Place,     ["forbidden"; 4]),
    (Action::Publish,     Role::Host,      ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Publish,     Role::Organiser, ["forbidden"; 4]),
    (Action::Publish,     Role::Observer,  ["forbidden"; 4]),
    (Action::Publish,     Role::Place,     ["forbidden"; 4]),
    (Action::Watch,       Role::Host,      ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Watch,       Role::Organiser, ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Watch,       Role::Observer,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Watch,       Role::Place,     ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Look,        Role::Host,      ["ok"; 4]),
    (Action::Look,        Role::Organiser, ["ok"; 4]),
    (Action::Look,        Role::Observer,  ["ok"; 4]),
    (Action::Look,        Role::Place,     ["ok"; 4]),
];

fn members_with(role: Role) -> Vec<Identity> {
    [HOST, ORGANISER, ORGANISER_OF_THIS, OBSERVER, PLACE]
        .into_iter()
        .filter(|who| who.role() == role)
        .collect()
}

#[test]
fn every_cell_of_role_action_and_state_is_as_written() {
    for action in Action::ALL {
        for role in Role::ALL {
            let row = TABLE.iter().find(|(a, r, _)| (*a, *r) == (action, role)).expect("the table is full");
            for (state, expected) in LessonState::ALL.into_iter().zip(row.2) {
                for who in members_with(role) {
                    let verdict = lesson(state).permits(who, action);
                    let code = verdict.map_or_else(|refusal| refusal.code(), |()| "ok");
                    assert_eq!(code, expected, "{who:?} wants {action:?} in {state}");
                }
            }
        }
    }
}

#[test]
fn strangers_are_forbidden_everything_whatever_their_role() {
    for who in STRANGERS {
        for (action, state) in
            Action::ALL.into_iter().flat_map(|action| LessonState::ALL.map(|state| (action, state)))
        {
            let refused = Err(Refusal::Forbidden { role: who.role() });
            assert_eq!(lesson(state).permits(who, action), refused, "{who:?} wants {action:?} in {state}");
        }
    }
}

#[test]
fn commands_lead_where_the_table_says_and_nowhere_else() {
    let leads_to = |command: &LessonCommand, state| match (command, state) {
        (LessonCommand::Test, Scheduled) => Some(TestRun),
        (LessonCommand::Start, Scheduled | TestRun) => Some(Live),
        (LessonCommand::End, TestRun) => Some(Scheduled),
        (LessonCommand::End, Live) => Some(Ended),
        _ => None,
    };
    for state in LessonState::ALL {
        for command in [LessonCommand::Test, LessonCommand::Start, LessonCommand::End] {
            for who in [HOST, ORGANISER, ORGANISER_OF_THIS, OBSERVER, PLACE].into_iter().chain(STRANGERS) {
                let mut lesson = lesson(state);
                let outcome = lesson.apply(NOW, who, command.clone());
                let expected = lesson_after(state, &outcome, leads_to(&command, state));
                assert_eq!(lesson.state(), expected, "{who:?}: {command:?} in {state}");
                let allowed = [HOST, ORGANISER, ORGANISER_OF_THIS].contains(&who);
                assert_eq!(outcome.is_ok(), allowed && leads_to(&command, state).is_some());
            }
        }
    }
}

fn lesson_after(
    before: LessonState,
    outcome: &Result<Vec<LessonEvent>, Refusal>,
    target: Option<LessonState>,
) -> LessonState {
    if outcome.is_ok() { target.expect("an allowed command leads somewhere") } else { before }
}

#[test]
fn a_lesson_remembers_when_it_began_and_ended_even_if_the_clock_was_set_back() {
    let mut lesson = lesson(Scheduled);
    lesson.apply(NOW, HOST, LessonCommand::Start).expect("the host may");
    let earlier = UnixMillis::clamped(NOW.get() - 60_000);
    let events = lesson.apply(earlier, HOST, LessonCommand::End).expect("the host may");
    assert_eq!(events, [LessonEvent::Ended { at: NOW }]);
    assert_eq!((lesson.record().started_at, lesson.record().ended_at), (Some(NOW), Some(NOW)));
}

#[test]
fn an_edit_keeps_what_it_does_not_name_and_clears_what_it_empties() {
    let mut lesson = lesson(Live);
    let edit =
        LessonEdit {
            title: Some(" Số  thập phân ".into()), host_place: Some(None), ..Default::default()
        };
    let events = lesson.apply(NOW, ORGANISER, LessonCommand::Edit(edit.clone())).expect("the organiser may");
    assert_eq!(events.len(), 1);
    assert_eq!(lesson.record().title, "Số thập phân");
    assert_eq!(lesson.record().host_place, None);
    assert_eq!(lesson.record().invited, Invited::Only([PlaceId(1)].into()));
    assert_eq!(lesson.apply(NOW, ORGANISER, LessonCommand::Edit(edit)), Ok(vec![]), "nothing changes twice");
}

#[test]
fn a_refused_edit_changes_nothing() {
    let mut lesson = lesson(Scheduled);
    let before = lesson.clone();
    let edit = LessonEdit {
        title: Some("Tên khác".into()),
        host_place: Some(Some(" ".into())),
        ..Default::default()
    };
    let refused = lesson.apply(NOW, ORGANISER, LessonCommand::Edit(edit));
    assert_eq!(refused, Err(Refusal::TextLength { field: "host_place", max_chars: 200 }));
    assert_eq!(lesson, before);
}

#[test]
fn events_are_stored_as_readable_json() {
    let event = LessonEvent::WentLive { at: NOW };
    let json = serde_json::to_string(&event).expect("it serialises");
    assert_eq!(json, r#"{"type":"went_live","at":1000000}"#);
    assert_eq!(serde_json::from_str::<LessonEvent>(&json).ok(), Some(event));
}
