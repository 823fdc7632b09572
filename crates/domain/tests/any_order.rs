//! Ten thousand random commands in any order keep the invariants of a lesson and of its roster and stage.

use domain::{
    CodecSupport, ConnectionId, HelperId, Identity, InvitationId, Invited, Lesson, LessonCommand, LessonEdit,
    LessonId, LessonState, PeerId, Place, PlaceId, PlaceState, Roster, RosterLimits, Slot, Stage, Timestamp,
    UnixMillis, ViewerReport,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const COMMANDS: usize = 10_000;
const LESSON: LessonId = LessonId(1);
const LIMITS: RosterLimits = RosterLimits { connections: 30, screens_per_place: 2 };

fn identity() -> impl Strategy<Value = Identity> {
    let lesson = prop_oneof![9 => Just(LESSON), 1 => Just(LessonId(2))];
    let scope = prop_oneof![Just(None), Just(Some(LESSON)), Just(Some(LessonId(2)))];
    let link = || (1..4u64).prop_map(InvitationId);
    prop_oneof![
        (link(), lesson.clone()).prop_map(|(invitation, lesson)| Identity::Host { invitation, lesson }),
        (link(), scope).prop_map(|(invitation, lesson)| Identity::Organiser { invitation, lesson }),
        (link(), lesson).prop_map(|(invitation, lesson)| Identity::Observer { invitation, lesson }),
        (1..9u64).prop_map(|place| Identity::Place { place: PlaceId(place) }),
        (1..9u64, 1..3u64)
            .prop_map(|(place, link)| { Identity::Helper { place: PlaceId(place), link: HelperId(link) } }),
    ]
}

fn command() -> impl Strategy<Value = LessonCommand> {
    let text = "[ a-zăâđêôơư]{0,6}";
    let time = (0..1_000i64).prop_map(UnixMillis::clamped);
    let places = prop::collection::btree_set((1..9u64).prop_map(PlaceId), 0..4);
    let edit = (
        prop::option::of(text),
        prop::option::of(prop::option::of(text)),
        prop::option::of(prop::option::of(time)),
        prop::option::of(prop_oneof![Just(Invited::All), places.prop_map(Invited::Only)]),
    );
    let edit = edit.prop_map(|(title, host_place, starts_at, invited)| LessonEdit {
        title,
        host_place,
        starts_at,
        invited,
        rehearsal: None,
    });
    let place = || (1..9u64).prop_map(PlaceId);
    prop_oneof![
        8 => Just(LessonCommand::Test),
        // Rare, so that most of a run is not spent after the end.
        1 => Just(LessonCommand::Start),
        8 => Just(LessonCommand::End),
        4 => edit.prop_map(LessonCommand::Edit),
        2 => any::<bool>().prop_map(LessonCommand::Lock),
        2 => place().prop_map(LessonCommand::Remove),
        2 => place().prop_map(LessonCommand::Readmit),
        1 => (1..4u64).prop_map(|link| LessonCommand::HandOver(InvitationId(link))),
    ]
}

fn check_record(lesson: &Lesson) {
    let record = lesson.record();
    let (started, ended) = (record.started_at, record.ended_at);
    assert_eq!(started.is_some(), matches!(record.state, LessonState::Live | LessonState::Ended));
    assert_eq!(ended.is_some(), record.state == LessonState::Ended);
    assert!(started <= ended || ended.is_none(), "{started:?} {ended:?}");
    assert!(!record.title.trim().is_empty());
    assert!(record.host_place.as_ref().is_none_or(|place| !place.trim().is_empty()));
}

#[derive(Debug, Clone)]
enum Step {
    Join(Identity),
    Leave(u64),
    Report(u64, bool),
    Media(Identity),
    MediaEnds(u64),
    Publish(InvitationId, Vec<Slot>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let link = || (1..4u64).prop_map(InvitationId);
    let slots = prop::sample::subsequence(Slot::ALL.to_vec(), 0..=Slot::COUNT);
    prop_oneof![
        6 => identity().prop_map(Step::Join),
        3 => (0..200u64).prop_map(Step::Leave),
        3 => (0..200u64, any::<bool>()).prop_map(|(back, frozen)| Step::Report(back, frozen)),
        4 => identity().prop_map(Step::Media),
        4 => (0..200u64).prop_map(Step::MediaEnds),
        3 => (link(), slots).prop_map(|(link, slots)| Step::Publish(link, slots)),
        2 => (0..10u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_commands_leaves_a_lesson_that_makes_sense_and_can_be_replayed(
        steps in prop::collection::vec((identity(), command(), 0..1_000_000i64), COMMANDS),
    ) {
        let planned = Lesson::schedule(LESSON, "Phân số", None, None, Invited::All, UnixMillis::default())
            .expect("a good title");
        let (mut lesson, mut replayed) = (planned.clone(), planned.clone());
        for (who, command, now) in steps {
            let before = lesson.clone();
            let permitted = lesson.permits(who, command.action());
            match lesson.apply(UnixMillis::clamped(now), who, command) {
                Ok(events) => {
                    prop_assert_eq!(permitted, Ok(()));
                    for event in &events {
 replayed.evolve(event);
}
                }
                Err(refusal) => {
                    prop_assert_eq!(&lesson, &before, "a refused command changed something");
                    prop_assert!(!refusal.code().is_empty());
                }
            }
            if before.state() == LessonState::Ended {
                prop_assert_eq!(&lesson, &before, "the end is final");
            }
            check_record(&lesson);
            prop_assert_eq!(&lesson, &replayed);
            // A new lesson now and then, or most commands would meet one that has ended.
            if lesson.state() == LessonState::Ended && now % 8 == 0 {
                (lesson, replayed) = (planned.clone(), planned.clone());
            }
        }
    }

    #[test]
    fn any_order_of_comings_and_goings_keeps_seats_and_slots_right(
        steps in prop::collection::vec(step(), COMMANDS),
    ) {
        let mut roster = Roster::new(LIMITS);
        let mut stage = Stage::new();
        let places: Vec<_> = (1..9)
            .map(|id| Place { id: PlaceId(id), name: format!("Phòng {id}"), unit: None, created_at: UnixMillis::default() })
            .collect();
        // What should be there, kept in the most naive way.
        let mut pages: BTreeMap<ConnectionId, Identity> = BTreeMap::new();
        let mut media: BTreeMap<PeerId, Identity> = BTreeMap::new();
        let (mut now, mut newest) = (Timestamp::ZERO, 0u64);
        for step in steps {
            newest += 1;
            match step {
                Step::Join(who) => match roster.join(now, ConnectionId(newest), who, CodecSupport::UNKNOWN) {
                    Ok(replaced) => {
                        for old in replaced {
                            prop_assert_eq!(pages.remove(&old), Some(who), "only a page of the same link is replaced");
                        }
                        pages.insert(ConnectionId(newest), who);
                    }
                    Err(refusal) => {
                        prop_assert_eq!(refusal.code(), "lesson_full");
                        prop_assert!(pages.len() >= LIMITS.connections);
                    }
                },
                Step::Leave(back) => {
                    let page = ConnectionId(newest.saturating_sub(back));
                    roster.leave(page);
                    pages.remove(&page);
                }
                Step::Report(back, frozen) => {
                    let report = ViewerReport { frozen, ..ViewerReport::default() };
                    roster.report(now, ConnectionId(newest.saturating_sub(back)), report);
                }
                Step::Media(who) => {
                    roster.media_started(PeerId(newest), who);
                    media.insert(PeerId(newest), who);
                }
                Step::MediaEnds(back) => {
                    let peer = PeerId(newest.saturating_sub(back));
                    roster.media_stopped(peer);
                    stage.leave(peer);
                    media.remove(&peer);
                }
                Step::Publish(owner, slots) => {
                    let before = stage.clone();
                    match stage.publish(owner, PeerId(newest), slots.iter().copied()) {
                        Ok(replaced) => {
                            prop_assert!(!replaced.iter().any(|old| stage.publishers().contains(old)));
                            for slot in slots {
                                let held = stage.publication(slot).map(|held| (held.owner, held.peer));
                                prop_assert_eq!(held, Some((owner, PeerId(newest))));
                            }
                        }
                        Err(refusal) => {
                            prop_assert_eq!(refusal.code(), "second_host");
                            prop_assert_eq!(&stage, &before);
                        }
                    }
                }
                Step::Wait(seconds) => now += std::time::Duration::from_secs(seconds),
            }

            prop_assert_eq!(roster.connections().collect::<BTreeMap<_, _>>(), pages.clone());
            let mut seats: BTreeMap<Identity, usize> = BTreeMap::new();
            for who in pages.values() {
                *seats.entry(*who).or_default() += 1;
            }
            for (who, seats) in seats {
                match who {
                    Identity::Host { .. } | Identity::Helper { .. } => prop_assert_eq!(seats, 1),
                    Identity::Place { .. } => prop_assert!(seats <= LIMITS.screens_per_place),
                    Identity::Organiser { .. } | Identity::Observer { .. } => {}
                }
            }
            let view = roster.view(now, &places, &BTreeSet::new());
            prop_assert_eq!(view.total, places.len());
            // A helper's phone is no screen.
            let screen = |who: &Identity| match *who {
                Identity::Place { place } => Some(place),
                _ => None,
            };
            let watching: BTreeSet<_> = media.values().filter_map(screen).collect();
            let present: BTreeSet<_> = pages.values().filter_map(screen).collect();
            for place in &view.places {
                let expected = match (watching.contains(&place.id), present.contains(&place.id)) {
                    (true, _) => PlaceState::Watching,
                    (false, true) => PlaceState::Connected,
                    (false, false) => PlaceState::Gone,
                };
                prop_assert_eq!(place.state, expected);
                prop_assert!(!place.frozen || present.contains(&place.id), "an absent room cannot be frozen");
            }
            prop_assert_eq!(view.connected, watching.union(&present).count());
        }
    }
}
