use super::LessonState::{Ended, Live, Scheduled, TestRun};
use super::*;
use crate::{HelperId, InvitationId, Role};

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

const HELPER: Identity = Identity::Helper { place: PlaceId(1), link: HelperId(5) };

const STRANGERS: [Identity; 5] = [
    Identity::Host { invitation: InvitationId(1), lesson: LessonId(2) },
    Identity::Organiser { invitation: InvitationId(3), lesson: Some(LessonId(2)) },
    Identity::Observer { invitation: InvitationId(4), lesson: LessonId(2) },
    Identity::Place { place: PlaceId(2) },
    Identity::Helper { place: PlaceId(2), link: HelperId(5) },
];

/// The table of `action.rs`, cell by cell. Columns: scheduled, test run, live, ended.
#[rustfmt::skip]
const TABLE: [(Action, Role, [&str; 4]); 140] = [
    (Action::Test,          Role::Host,       ["ok", "wrong_state", "wrong_state", "lesson_ended"]),
    (Action::Test,          Role::Organiser,  ["ok", "wrong_state", "wrong_state", "lesson_ended"]),
    (Action::Test,          Role::Observer,   ["forbidden"; 4]),
    (Action::Test,          Role::Place,      ["forbidden"; 4]),
    (Action::Test,          Role::Helper,     ["forbidden"; 4]),
    (Action::Start,         Role::Host,       ["ok", "ok", "wrong_state", "lesson_ended"]),
    (Action::Start,         Role::Organiser,  ["ok", "ok", "wrong_state", "lesson_ended"]),
    (Action::Start,         Role::Observer,   ["forbidden"; 4]),
    (Action::Start,         Role::Place,      ["forbidden"; 4]),
    (Action::Start,         Role::Helper,     ["forbidden"; 4]),
    (Action::End,           Role::Host,       ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::End,           Role::Organiser,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::End,           Role::Observer,   ["forbidden"; 4]),
    (Action::End,           Role::Place,      ["forbidden"; 4]),
    (Action::End,           Role::Helper,     ["forbidden"; 4]),
    (Action::Edit,          Role::Host,       ["forbidden"; 4]),
    (Action::Edit,          Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Edit,          Role::Observer,   ["forbidden"; 4]),
    (Action::Edit,          Role::Place,      ["forbidden"; 4]),
    (Action::Edit,          Role::Helper,     ["forbidden"; 4]),
    (Action::Invite,        Role::Host,       ["forbidden"; 4]),
    (Action::Invite,        Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Invite,        Role::Observer,   ["forbidden"; 4]),
    (Action::Invite,        Role::Place,      ["forbidden"; 4]),
    (Action::Invite,        Role::Helper,     ["forbidden"; 4]),
    (Action::ManageLinks,   Role::Host,       ["forbidden"; 4]),
    (Action::ManageLinks,   Role::Organiser,  ["ok"; 4]),
    (Action::ManageLinks,   Role::Observer,   ["forbidden"; 4]),
    (Action::ManageLinks,   Role::Place,      ["forbidden"; 4]),
    (Action::ManageLinks,   Role::Helper,     ["forbidden"; 4]),
    (Action::Delete,        Role::Host,       ["forbidden"; 4]),
    (Action::Delete,        Role::Organiser,  ["ok", "ok", "wrong_state", "ok"]),
    (Action::Delete,        Role::Observer,   ["forbidden"; 4]),
    (Action::Delete,        Role::Place,      ["forbidden"; 4]),
    (Action::Delete,        Role::Helper,     ["forbidden"; 4]),
    (Action::HandOver,      Role::Host,       ["ok", "ok", "ok", "lesson_ended"]),
    (Action::HandOver,      Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::HandOver,      Role::Observer,   ["forbidden"; 4]),
    (Action::HandOver,      Role::Place,      ["forbidden"; 4]),
    (Action::HandOver,      Role::Helper,     ["forbidden"; 4]),
    (Action::Lock,          Role::Host,       ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Lock,          Role::Organiser,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Lock,          Role::Observer,   ["forbidden"; 4]),
    (Action::Lock,          Role::Place,      ["forbidden"; 4]),
    (Action::Lock,          Role::Helper,     ["forbidden"; 4]),
    (Action::Remove,        Role::Host,       ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Remove,        Role::Organiser,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Remove,        Role::Observer,   ["forbidden"; 4]),
    (Action::Remove,        Role::Place,      ["forbidden"; 4]),
    (Action::Remove,        Role::Helper,     ["forbidden"; 4]),
    (Action::Publish,       Role::Host,       ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Publish,       Role::Organiser,  ["forbidden"; 4]),
    (Action::Publish,       Role::Observer,   ["forbidden"; 4]),
    (Action::Publish,       Role::Place,      ["forbidden"; 4]),
    (Action::Publish,       Role::Helper,     ["forbidden"; 4]),
    (Action::Watch,         Role::Host,       ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Watch,         Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Watch,         Role::Observer,   ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Watch,         Role::Place,      ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Watch,         Role::Helper,     ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Call,          Role::Host,       ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Call,          Role::Organiser,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Call,          Role::Observer,   ["forbidden"; 4]),
    (Action::Call,          Role::Place,      ["forbidden"; 4]),
    (Action::Call,          Role::Helper,     ["forbidden"; 4]),
    (Action::Ask,           Role::Host,       ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Ask,           Role::Organiser,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Ask,           Role::Observer,   ["forbidden"; 4]),
    (Action::Ask,           Role::Place,      ["forbidden"; 4]),
    (Action::Ask,           Role::Helper,     ["forbidden"; 4]),
    (Action::ShowWork,      Role::Host,       ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::ShowWork,      Role::Organiser,  ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::ShowWork,      Role::Observer,   ["forbidden"; 4]),
    (Action::ShowWork,      Role::Place,      ["forbidden"; 4]),
    (Action::ShowWork,      Role::Helper,     ["forbidden"; 4]),
    (Action::JudgeWork,     Role::Host,       ["ok"; 4]),
    (Action::JudgeWork,     Role::Organiser,  ["ok"; 4]),
    (Action::JudgeWork,     Role::Observer,   ["forbidden"; 4]),
    (Action::JudgeWork,     Role::Place,      ["forbidden"; 4]),
    (Action::JudgeWork,     Role::Helper,     ["forbidden"; 4]),
    (Action::ClearHelp,     Role::Host,       ["ok", "ok", "ok", "lesson_ended"]),
    (Action::ClearHelp,     Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::ClearHelp,     Role::Observer,   ["forbidden"; 4]),
    (Action::ClearHelp,     Role::Place,      ["forbidden"; 4]),
    (Action::ClearHelp,     Role::Helper,     ["forbidden"; 4]),
    (Action::Review,        Role::Host,       ["ok"; 4]),
    (Action::Review,        Role::Organiser,  ["ok"; 4]),
    (Action::Review,        Role::Observer,   ["forbidden"; 4]),
    (Action::Review,        Role::Place,      ["forbidden"; 4]),
    (Action::Review,        Role::Helper,     ["forbidden"; 4]),
    (Action::Message,       Role::Host,       ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Message,       Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Message,       Role::Observer,   ["forbidden"; 4]),
    (Action::Message,       Role::Place,      ["forbidden"; 4]),
    (Action::Message,       Role::Helper,     ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Remote,        Role::Host,       ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Remote,        Role::Organiser,  ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Remote,        Role::Observer,   ["forbidden"; 4]),
    (Action::Remote,        Role::Place,      ["forbidden"; 4]),
    (Action::Remote,        Role::Helper,     ["ok", "ok", "ok", "lesson_ended"]),
    (Action::RaiseHand,     Role::Host,       ["forbidden"; 4]),
    (Action::RaiseHand,     Role::Organiser,  ["forbidden"; 4]),
    (Action::RaiseHand,     Role::Observer,   ["forbidden"; 4]),
    (Action::RaiseHand,     Role::Place,      ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::RaiseHand,     Role::Helper,     ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Speak,         Role::Host,       ["forbidden"; 4]),
    (Action::Speak,         Role::Organiser,  ["forbidden"; 4]),
    (Action::Speak,         Role::Observer,   ["forbidden"; 4]),
    (Action::Speak,         Role::Place,      ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Speak,         Role::Helper,     ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Answer,        Role::Host,       ["forbidden"; 4]),
    (Action::Answer,        Role::Organiser,  ["forbidden"; 4]),
    (Action::Answer,        Role::Observer,   ["forbidden"; 4]),
    (Action::Answer,        Role::Place,      ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::Answer,        Role::Helper,     ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::CallHelp,      Role::Host,       ["forbidden"; 4]),
    (Action::CallHelp,      Role::Organiser,  ["forbidden"; 4]),
    (Action::CallHelp,      Role::Observer,   ["forbidden"; 4]),
    (Action::CallHelp,      Role::Place,      ["ok", "ok", "ok", "lesson_ended"]),
    (Action::CallHelp,      Role::Helper,     ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Check,         Role::Host,       ["forbidden"; 4]),
    (Action::Check,         Role::Organiser,  ["forbidden"; 4]),
    (Action::Check,         Role::Observer,   ["forbidden"; 4]),
    (Action::Check,         Role::Place,      ["ok", "ok", "ok", "lesson_ended"]),
    (Action::Check,         Role::Helper,     ["ok", "ok", "ok", "lesson_ended"]),
    (Action::OfferWork,     Role::Host,       ["forbidden"; 4]),
    (Action::OfferWork,     Role::Organiser,  ["forbidden"; 4]),
    (Action::OfferWork,     Role::Observer,   ["forbidden"; 4]),
    (Action::OfferWork,     Role::Place,      ["forbidden"; 4]),
    (Action::OfferWork,     Role::Helper,     ["wrong_state", "ok", "ok", "lesson_ended"]),
    (Action::WithdrawWork,  Role::Host,       ["forbidden"; 4]),
    (Action::WithdrawWork,  Role::Organiser,  ["forbidden"; 4]),
    (Action::WithdrawWork,  Role::Observer,   ["forbidden"; 4]),
    (Action::WithdrawWork,  Role::Place,      ["forbidden"; 4]),
    (Action::WithdrawWork,  Role::Helper,     ["ok"; 4]),
    (Action::Look,          Role::Host,       ["ok"; 4]),
    (Action::Look,          Role::Organiser,  ["ok"; 4]),
    (Action::Look,          Role::Observer,   ["ok"; 4]),
    (Action::Look,          Role::Place,      ["ok"; 4]),
    (Action::Look,          Role::Helper,     ["ok"; 4]),
];

fn members_with(role: Role) -> Vec<Identity> {
    [HOST, ORGANISER, ORGANISER_OF_THIS, OBSERVER, PLACE, HELPER]
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
            for who in
                [HOST, ORGANISER, ORGANISER_OF_THIS, OBSERVER, PLACE, HELPER].into_iter().chain(STRANGERS)
            {
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

#[test]
fn a_host_link_that_is_not_in_charge_looks_on_and_does_nothing() {
    const OTHER: Identity = Identity::Host { invitation: InvitationId(9), lesson: LESSON };
    for state in [Scheduled, TestRun, Live] {
        let mut lesson = lesson(state);
        lesson.apply(NOW, OTHER, LessonCommand::HandOver(InvitationId(1))).expect("nobody was in charge");
        for action in Action::ALL {
            let verdict = lesson.permits(OTHER, action).map_err(|refusal| refusal.code());
            let expected = TABLE.iter().find(|(a, r, _)| (*a, *r) == (action, Role::Host)).expect("full").2;
            let expected = expected[LessonState::ALL.iter().position(|s| *s == state).expect("a state")];
            let expected =
                if expected != "forbidden" && action.needs_charge() { "not_in_charge" } else { expected };
            assert_eq!(verdict.err().unwrap_or("ok"), expected, "{action:?} in {state}");
            let own = lesson.permits(HOST, action).map_err(|refusal| refusal.code());
            assert_ne!(own, Err("not_in_charge"), "{action:?}");
        }
    }
}

#[test]
fn a_lesson_is_handed_over_and_falls_back_when_the_link_is_revoked() {
    let mut lesson = lesson(Live);
    let other = Identity::Host { invitation: InvitationId(9), lesson: LESSON };
    lesson.apply(NOW, HOST, LessonCommand::HandOver(InvitationId(9))).expect("the host may");
    assert_eq!(lesson.apply(NOW, HOST, LessonCommand::End), Err(Refusal::NotInCharge));
    assert_eq!(lesson.apply(NOW, HOST, LessonCommand::HandOver(InvitationId(1))), Err(Refusal::NotInCharge));
    lesson.apply(NOW, ORGANISER, LessonCommand::HandOver(InvitationId(1))).expect("the organiser may");
    assert_eq!(lesson.permits(other, Action::Publish), Err(Refusal::NotInCharge));
    assert_eq!(lesson.release(NOW, InvitationId(9)), None, "it is not in charge");
    assert!(lesson.release(NOW, InvitationId(1)).is_some());
    assert_eq!(lesson.permits(other, Action::Publish), Ok(()));
}

#[test]
fn a_place_that_was_sent_out_stays_out_until_it_is_let_in() {
    let mut lesson = lesson(Live);
    assert_eq!(lesson.apply(NOW, HOST, LessonCommand::Remove(PlaceId(2))), Err(Refusal::PlaceUnknown));
    lesson.apply(NOW, HOST, LessonCommand::Remove(PlaceId(1))).expect("the host may");
    assert_eq!(lesson.apply(NOW, HOST, LessonCommand::Remove(PlaceId(1))), Ok(vec![]), "once is enough");
    for action in Action::ALL {
        for who in [PLACE, HELPER].into_iter().filter(|who| who.role().may(action)) {
            assert_eq!(lesson.permits(who, action), Err(Refusal::PlaceRemoved), "{who:?} wants {action:?}");
        }
    }
    assert!(!lesson.includes(PlaceId(1)));
    lesson.apply(NOW, HOST, LessonCommand::Readmit(PlaceId(1))).expect("the host may");
    assert_eq!(lesson.permits(PLACE, Action::Watch), Ok(()));
}

#[test]
fn a_lock_holds_until_it_is_opened_or_the_lesson_is_over() {
    let mut lesson = lesson(TestRun);
    lesson.apply(NOW, HOST, LessonCommand::Lock(true)).expect("the host may");
    assert_eq!(lesson.record().control.locked_at, Some(NOW));
    assert_eq!(lesson.apply(NOW, HOST, LessonCommand::Lock(true)), Ok(vec![]));
    lesson.apply(NOW, HOST, LessonCommand::End).expect("the host may");
    assert_eq!(lesson.record().control.locked_at, None, "a rehearsal's lock ends with it");
    assert_eq!(
        lesson.apply(NOW, HOST, LessonCommand::Lock(true)),
        Err(Refusal::WrongState { state: Scheduled })
    );
}

#[test]
fn rooms_connect_before_the_day_only_while_a_rehearsal_is_open() {
    let mut lesson = lesson(Scheduled);
    assert_eq!(lesson.permits(PLACE, Action::Watch), Err(Refusal::WrongState { state: Scheduled }));
    let edit = LessonEdit { rehearsal: Some(true), ..Default::default() };
    lesson.apply(NOW, ORGANISER, LessonCommand::Edit(edit)).expect("the organiser may");
    assert_eq!(lesson.permits(PLACE, Action::Watch), Ok(()));
    assert_eq!(lesson.permits(HELPER, Action::Watch), Ok(()));
    assert_eq!(lesson.permits(OBSERVER, Action::Watch), Err(Refusal::WrongState { state: Scheduled }));
}
