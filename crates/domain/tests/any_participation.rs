//! Ten thousand random commands of everybody, in any order, keep what must hold of hands, speaking, questions and works.

use domain::{
    AnswerMode, AnswerValue, Fact, HelpKind, HelperId, Identity, InvitationId, Invited, Lesson,
    LessonCommand, LessonId, LessonState, NewQuestion, Participation, ParticipationCommand,
    ParticipationEvent, PinPhase, PlaceId, QuestionKind, SPEAKERS_MAX, SpeakingDevice, TurnPhase, UnixMillis,
    WORKS_PER_PLACE_MAX, WORKS_SHOWN_MAX,
};
use proptest::prelude::*;
use std::{collections::BTreeSet, time::Duration};

const COMMANDS: usize = 10_000;
const LESSON: LessonId = LessonId(1);
const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LESSON };

#[derive(Debug, Clone)]
enum Step {
    Ask(Identity, ParticipationCommand),
    Fact(Fact),
    Lesson(LessonCommand),
    Wait(u64),
}

fn place() -> impl Strategy<Value = PlaceId> {
    (1..7u64).prop_map(PlaceId)
}

fn identity() -> impl Strategy<Value = Identity> {
    prop_oneof![
        4 => Just(HOST),
        1 => Just(Identity::Organiser { invitation: InvitationId(2), lesson: None }),
        1 => Just(Identity::Observer { invitation: InvitationId(3), lesson: LESSON }),
        3 => place().prop_map(|place| Identity::Place { place }),
        3 => place().prop_map(|place| Identity::Helper { place, link: HelperId(place.0) }),
    ]
}

fn value() -> impl Strategy<Value = AnswerValue> {
    prop_oneof![
        (0..7u8).prop_map(AnswerValue::Option),
        prop::collection::vec(0..1_100u16, 0..7).prop_map(AnswerValue::Counts),
        "[ a-c]{0,4}".prop_map(AnswerValue::Text),
    ]
}

fn command() -> impl Strategy<Value = ParticipationCommand> {
    use ParticipationCommand as Do;
    let kind = || prop::sample::select(vec![HelpKind::NoSound, HelpKind::Frozen, HelpKind::Help]);
    let device = prop::sample::select(vec![SpeakingDevice::Tv, SpeakingDevice::Phone]);
    let question = (
        prop::sample::select(vec![QuestionKind::Choice, QuestionKind::YesNo, QuestionKind::Text]),
        prop::sample::select(vec![AnswerMode::Room, AnswerMode::Counts]),
        prop::option::of(0..9u8),
    );
    let floor = prop_oneof![
        any::<bool>().prop_map(Do::RaiseHand),
        prop::option::of(place()).prop_map(Do::LowerHand),
        place().prop_map(Do::Call),
        (any::<bool>(), device).prop_map(|(audio_only, device)| Do::Accept { audio_only, device }),
        Just(Do::Stop),
        Just(Do::Pass),
        any::<bool>().prop_map(Do::AudioOnly),
        place().prop_map(Do::EndTurn),
        place().prop_map(Do::Give),
        (place(), any::<bool>()).prop_map(|(place, muted)| Do::Mute(place, muted)),
        prop::option::of(place()).prop_map(Do::Pin),
        any::<bool>().prop_map(Do::ShowCamera),
    ];
    let talk =
        prop_oneof![
            (kind(), any::<bool>()).prop_map(|(kind, on)| Do::CallHelp(kind, on)),
            (place(), kind()).prop_map(|(place, kind)| Do::ClearHelp(place, kind)),
            (prop::option::of(place()), "[k0-9]{0,2}", "[ a-c]{0,4}")
                .prop_map(|(to, key, text)| Do::Message { to, key, text }),
        ];
    let questions = prop_oneof![
        question.prop_map(|(kind, mode, options)| Do::Ask(NewQuestion { kind, mode, options, prompt: None })),
        Just(Do::CloseQuestion),
        (0..9u32, any::<bool>()).prop_map(|(no, shown)| Do::ShowResults(no, shown)),
        (0..9u32, value()).prop_map(|(no, value)| Do::Answer(no, value)),
    ];
    let works = prop_oneof![
        "[p0-9]{0,3}".prop_map(Do::OfferWork),
        (prop::collection::vec(0..9u32, 0..6), any::<bool>())
            .prop_map(|(works, named)| Do::ShowWorks(works, named)),
        (0..20u32, any::<bool>()).prop_map(|(work, kept)| Do::KeepWork(work, kept)),
        (0..20u32).prop_map(Do::DeleteWork),
    ];
    prop_oneof![4 => floor, 2 => talk, 2 => questions, 2 => works]
}

fn step() -> impl Strategy<Value = Step> {
    let fact = prop_oneof![
        4 => place().prop_map(Fact::MediaBegan),
        2 => place().prop_map(Fact::MediaEnded),
        1 => place().prop_map(Fact::WeakUplink),
        4 => Just(Fact::Tick),
    ];
    let lesson =
        prop_oneof![place().prop_map(LessonCommand::Remove), place().prop_map(LessonCommand::Readmit)];
    prop_oneof![
        80 => (identity(), command()).prop_map(|(who, command)| Step::Ask(who, command)),
        10 => fact.prop_map(Step::Fact),
        1 => lesson.prop_map(Step::Lesson),
        8 => (0..40u64).prop_map(Step::Wait),
    ]
}

fn check(part: &Participation) -> Result<(), TestCaseError> {
    let floor = &part.floor;
    let hands: BTreeSet<_> = floor.hands().iter().map(|hand| hand.place).collect();
    prop_assert_eq!(hands.len(), floor.hands().len(), "one hand for each room");
    prop_assert!(floor.hands().is_sorted_by_key(|hand| hand.since), "first come first");
    let turns: BTreeSet<_> = floor.turns().iter().map(|turn| turn.place).collect();
    prop_assert_eq!(turns.len(), floor.turns().len(), "one turn for each room");
    prop_assert!(turns.len() <= SPEAKERS_MAX);
    prop_assert!(hands.is_disjoint(&turns), "who was called no longer waits");
    let agreed: Vec<_> =
        floor.turns().iter().filter(|turn| turn.phase != TurnPhase::Called).map(|turn| turn.place).collect();
    match floor.word() {
        Some(word) => prop_assert!(agreed.contains(&word), "who has the word agreed to it"),
        None => prop_assert!(agreed.is_empty(), "somebody who agreed has the word"),
    }
    let route = floor.route();
    for heard in [route.voice, route.picture, route.pupils].into_iter().flatten() {
        prop_assert!(floor.may_connect(heard), "a room that is heard or seen may be connected");
    }
    if let Some(pupils) = route.pupils {
        prop_assert_eq!(
            floor.pinned().map(|pinned| (pinned.place, pinned.phase)),
            Some((pupils, PinPhase::Open))
        );
        prop_assert_eq!(route.picture, None, "one picture in the slot");
    }
    let open = part.questions.all().iter().filter(|question| question.closed_at.is_none()).count();
    prop_assert!(open <= 1, "one question is open at a time");
    prop_assert!(part.questions.all().iter().filter(|question| question.shown).count() <= 1);
    for question in part.questions.all() {
        let tally = question.tally();
        prop_assert_eq!(tally.rooms as usize, question.answers.len(), "one answer for each room");
        prop_assert_eq!(tally.totals.len(), usize::from(question.options));
    }
    prop_assert!(part.works.all().filter(|work| work.shown).count() <= WORKS_SHOWN_MAX);
    prop_assert!(part.works.all().all(|work| work.shown || !work.named));
    for place in 1..7 {
        let of_room = part.works.all().filter(|work| work.place == PlaceId(place)).count();
        prop_assert!(of_room <= WORKS_PER_PLACE_MAX);
    }
    let keys: BTreeSet<_> = part
        .messages
        .all()
        .iter()
        .map(|message| (message.place, message.from, message.key.clone()))
        .collect();
    prop_assert_eq!(keys.len(), part.messages.all().len(), "no message twice");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_commands_keeps_the_invariants(steps in prop::collection::vec(step(), COMMANDS)) {
        let mut now = UnixMillis::clamped(1_792_303_200_000);
        let invited = Invited::Only((1..6).map(PlaceId).collect());
        let mut lesson = Lesson::schedule(LESSON, "Phân số", None, None, invited, now).expect("a good title");
        lesson.apply(now, HOST, LessonCommand::Start).expect("the host may");
        let mut part = Participation::default();
        let mut log: Vec<ParticipationEvent> = Vec::new();
        for (turn, step) in steps.into_iter().enumerate() {
            match step {
                Step::Ask(who, command) => {
                    // A clone of everything for each of ten thousand commands would be the whole test's time.
                    let before = (turn % 50 == 0).then(|| part.clone());
                    let permitted = lesson.permits(who, command.action_of(who.role()));
                    match part.apply(now, &lesson, who, command) {
                        Ok(events) => {
                            prop_assert_eq!(permitted, Ok(()));
                            log.extend(events);
                        }
                        Err(refusal) => {
                            prop_assert!(!refusal.code().is_empty());
                            if let Some(before) = before {
                                prop_assert_eq!(&part, &before, "a refused command changed something");
                            }
                        }
                    }
                }
                Step::Fact(fact) => log.extend(part.follow(now, fact)),
                Step::Lesson(command) => {
                    let removed = match command {
                        LessonCommand::Remove(place) => Some(place),
                        _ => None,
                    };
                    if lesson.apply(now, HOST, command).is_ok() && let Some(place) = removed {
                        log.extend(part.follow(now, Fact::PlaceLeft(place)));
                    }
                }
                Step::Wait(seconds) => now = now.plus(Duration::from_secs(seconds)),
            }
            check(&part)?;
            let out = &lesson.record().control.removed;
            prop_assert!(!part.floor.turns().iter().any(|turn| out.contains(&turn.place)), "who was sent out is silent");
        }
        prop_assert_eq!(&Participation::replay(&log), &part, "the log tells the whole story");
        let json: Vec<_> = log.iter().map(|event| serde_json::to_string(event).expect("it serialises")).collect();
        let read: Vec<ParticipationEvent> =
            json.iter().map(|json| serde_json::from_str(json).expect("it is read")).collect();
        prop_assert_eq!(&read, &log, "and survives the database");
        log.extend(part.follow(now, Fact::OffAir));
        prop_assert!(part.floor.turns().is_empty() && part.floor.hands().is_empty());
        prop_assert_eq!(lesson.state(), LessonState::Live);
    }
}
