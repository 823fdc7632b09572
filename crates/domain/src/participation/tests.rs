use super::*;
use crate::{HelperId, InvitationId, Invited, LessonCommand, LessonId};
use std::time::Duration;

const LESSON: LessonId = LessonId(1);
const START: UnixMillis = UnixMillis::clamped(1_792_303_200_000);
const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LESSON };
const A: PlaceId = PlaceId(1);
const B: PlaceId = PlaceId(2);
const C: PlaceId = PlaceId(3);

fn at(seconds: u64) -> UnixMillis {
    START.plus(Duration::from_secs(seconds))
}

fn tv(place: PlaceId) -> Identity {
    Identity::Place { place }
}

fn phone(place: PlaceId) -> Identity {
    Identity::Helper { place, link: HelperId(100 + place.0) }
}

/// A live lesson for the rooms A, B and C.
struct Class {
    lesson: Lesson,
    part: Participation,
    log: Vec<ParticipationEvent>,
}

impl Class {
    fn live() -> Self {
        let invited = Invited::Only([A, B, C].into());
        let mut lesson =
            Lesson::schedule(LESSON, "Phân số", None, None, invited, START).expect("a good title");
        lesson.apply(START, HOST, LessonCommand::Start).expect("the host may");
        Self { lesson, part: Participation::default(), log: Vec::new() }
    }

    fn ask(
        &mut self,
        seconds: u64,
        who: Identity,
        command: ParticipationCommand,
    ) -> Result<usize, &'static str> {
        let events = self.part.apply(at(seconds), &self.lesson, who, command);
        let events = events.map_err(|refusal| refusal.code())?;
        let replayed = Participation::replay(self.log.iter().chain(&events));
        assert_eq!(replayed, self.part, "the log tells another story");
        self.log.extend(events.iter().cloned());
        Ok(events.len())
    }

    #[track_caller]
    fn may(&mut self, seconds: u64, who: Identity, command: ParticipationCommand) {
        self.ask(seconds, who, command).expect("it is allowed");
    }

    fn fact(&mut self, seconds: u64, fact: Fact) {
        let events = self.part.follow(at(seconds), fact);
        self.log.extend(events);
    }

    fn accept(&mut self, seconds: u64, place: PlaceId) {
        let accept = ParticipationCommand::Accept { audio_only: false, device: SpeakingDevice::Phone };
        self.may(seconds, phone(place), accept);
        self.fact(seconds, Fact::MediaBegan(place));
    }

    fn phase(&self, place: PlaceId) -> Option<TurnPhase> {
        self.part.floor.turn(place).map(|turn| turn.phase)
    }
}

use ParticipationCommand as Do;

#[test]
fn hands_queue_in_order_one_for_each_room_whoever_raises_it() {
    let mut class = Class::live();
    for (seconds, who) in [(1, tv(B)), (2, phone(A)), (3, phone(B)), (4, tv(C))] {
        class.may(seconds, who, Do::RaiseHand(true));
    }
    let queue: Vec<_> = class.part.floor.hands().iter().map(|hand| (hand.place, hand.since)).collect();
    assert_eq!(queue, [(B, at(1)), (A, at(2)), (C, at(4))]);
    class.may(5, phone(A), Do::RaiseHand(false));
    assert_eq!(class.part.floor.position(C), Some(1));
    class.may(6, HOST, Do::LowerHand(None));
    assert!(class.part.floor.hands().is_empty());
}

#[test]
fn a_room_is_called_agrees_is_heard_and_stops() {
    let mut class = Class::live();
    class.may(1, tv(A), Do::RaiseHand(true));
    assert_eq!(class.part.floor.route(), Route::default(), "a raised hand is not heard");
    class.may(2, HOST, Do::Call(A));
    assert_eq!(class.phase(A), Some(TurnPhase::Called));
    assert!(class.part.floor.hands().is_empty(), "who is called no longer waits");
    assert_eq!(class.part.floor.route(), Route::default(), "nobody is heard before the room agreed");
    class.accept(4, A);
    assert_eq!(class.phase(A), Some(TurnPhase::OnAir));
    assert_eq!(class.part.floor.route(), Route { voice: Some(A), picture: Some(A), pupils: None });
    class.may(60, phone(A), Do::Stop);
    assert_eq!((class.phase(A), class.part.floor.route()), (None, Route::default()));
}

#[test]
fn either_side_ends_it_with_one_message() {
    for (who, end) in [(HOST, Do::EndTurn(A)), (tv(A), Do::Stop)] {
        let mut class = Class::live();
        class.may(1, HOST, Do::Call(A));
        class.accept(2, A);
        class.may(3, who, end);
        assert_eq!(class.part.floor.route().voice, None);
        assert!(!class.part.floor.may_connect(A), "its microphone closes");
    }
}

#[test]
fn nobody_opens_a_microphone_who_was_not_called() {
    let mut class = Class::live();
    let accept = || Do::Accept { audio_only: true, device: SpeakingDevice::Tv };
    assert_eq!(class.ask(1, tv(A), accept()), Err("not_called"));
    class.may(2, HOST, Do::Call(A));
    assert_eq!(class.ask(3, tv(B), accept()), Err("not_called"));
    assert_eq!(class.ask(3, tv(B), Do::Pass), Err("not_called"));
    assert_eq!(class.ask(3, HOST, accept()), Err("forbidden"));
    assert_eq!(class.ask(3, tv(A), Do::Call(B)), Err("forbidden"));
    assert_eq!(class.ask(3, HOST, Do::Call(PlaceId(9))), Err("place_unknown"));
}

#[test]
fn the_first_three_hands_may_warm_up_and_nobody_hears_them() {
    let mut class = Class::live();
    class.lesson = {
        let mut lesson =
            Lesson::schedule(LESSON, "Phân số", None, None, Invited::All, START).expect("a title");
        lesson.apply(START, HOST, LessonCommand::Start).expect("the host may");
        lesson
    };
    for n in 1..=5 {
        class.may(n, tv(PlaceId(n)), Do::RaiseHand(true));
    }
    let warm: Vec<_> = (1..=5).map(|n| class.part.floor.may_connect(PlaceId(n))).collect();
    assert_eq!(warm, [true, true, true, false, false]);
    class.fact(6, Fact::MediaBegan(PlaceId(1)));
    assert_eq!(class.part.floor.route(), Route::default());
    class.may(7, HOST, Do::Call(PlaceId(1)));
    assert!(class.part.floor.may_connect(PlaceId(4)), "the queue moves up");
}

#[test]
fn two_classes_talk_with_each_other_in_turn() {
    let mut class = Class::live();
    class.may(1, HOST, Do::Call(A));
    class.may(1, HOST, Do::Call(B));
    assert_eq!(class.ask(1, HOST, Do::Call(C)), Err("floor_full"));
    assert_eq!(class.ask(2, HOST, Do::Give(B)), Err("not_called"), "B has not agreed yet");
    class.accept(3, A);
    class.accept(4, B);
    assert_eq!(class.part.floor.route().voice, Some(A), "who agreed first begins");
    class.may(5, phone(A), Do::Pass);
    assert_eq!(class.part.floor.route().voice, Some(B));
    class.may(6, HOST, Do::Give(A));
    assert_eq!(class.part.floor.route().voice, Some(A));
    class.may(7, HOST, Do::EndTurn(A));
    assert_eq!(class.part.floor.route().voice, Some(B), "the other one goes on");
}

#[test]
fn a_weak_room_is_heard_and_not_seen() {
    let mut class = Class::live();
    class.may(1, HOST, Do::Call(A));
    class.may(2, phone(A), Do::Accept { audio_only: true, device: SpeakingDevice::Phone });
    class.fact(2, Fact::MediaBegan(A));
    assert_eq!(class.part.floor.route(), Route { voice: Some(A), ..Route::default() });
    class.may(3, phone(A), Do::AudioOnly(false));
    assert_eq!(class.part.floor.route().picture, Some(A));
    class.may(4, HOST, Do::Mute(A, true));
    assert_eq!(class.part.floor.route(), Route { picture: Some(A), ..Route::default() });
    class.may(5, HOST, Do::Mute(A, false));
    class.fact(6, Fact::WeakUplink(A));
    assert_eq!(
        class.part.floor.route(),
        Route { voice: Some(A), ..Route::default() },
        "the server saw it suffer"
    );
    class.fact(7, Fact::WeakUplink(B));
    assert_eq!(Participation::replay(&class.log), class.part);
}

#[test]
fn a_call_that_nobody_answers_ends_by_itself_and_so_does_a_dead_microphone() {
    let mut class = Class::live();
    class.may(0, HOST, Do::Call(A));
    class.fact(59, Fact::Tick);
    assert_eq!(class.phase(A), Some(TurnPhase::Called));
    class.fact(60, Fact::Tick);
    assert_eq!(class.phase(A), None);
    class.may(100, HOST, Do::Call(B));
    class.accept(101, B);
    class.fact(110, Fact::MediaEnded(B));
    assert_eq!(class.phase(B), Some(TurnPhase::Accepted), "it is waited for");
    class.fact(139, Fact::Tick);
    assert_eq!(class.phase(B), Some(TurnPhase::Accepted));
    class.fact(140, Fact::Tick);
    assert_eq!(class.phase(B), None);
    let reasons: Vec<_> = class.log.iter().filter_map(ended).collect();
    assert_eq!(reasons, [EndReason::NoAnswer, EndReason::NoMedia]);
}

fn ended(event: &ParticipationEvent) -> Option<EndReason> {
    match event.deed {
        Deed::Floor(FloorEvent::TurnEnded { reason, .. }) => Some(reason),
        _ => None,
    }
}

#[test]
fn the_phone_takes_over_from_the_screen_in_mid_sentence() {
    let mut class = Class::live();
    class.may(1, HOST, Do::Call(A));
    class.may(2, tv(A), Do::Accept { audio_only: false, device: SpeakingDevice::Tv });
    class.fact(2, Fact::MediaBegan(A));
    class.accept(10, A);
    assert_eq!(class.phase(A), Some(TurnPhase::OnAir));
    assert_eq!(class.part.floor.turn(A).and_then(|turn| turn.device), Some(SpeakingDevice::Phone));
    assert_eq!(class.part.floor.route().voice, Some(A));
}

#[test]
fn a_pupils_camera_opens_only_when_the_room_agrees_and_gives_way_to_whoever_speaks() {
    let mut class = Class::live();
    class.may(1, HOST, Do::Pin(Some(A)));
    assert_eq!(class.part.floor.route().pupils, None);
    assert!(!class.part.floor.may_connect(A), "nobody is filmed unasked");
    class.may(2, phone(A), Do::ShowCamera(true));
    assert_eq!(class.part.floor.route().pupils, Some(A));
    class.may(3, HOST, Do::Call(B));
    class.accept(4, B);
    assert_eq!(class.part.floor.route(), Route { voice: Some(B), picture: Some(B), pupils: None });
    class.may(5, HOST, Do::EndTurn(B));
    assert_eq!(class.part.floor.route().pupils, Some(A));
    class.may(6, tv(A), Do::ShowCamera(false));
    assert_eq!(class.part.floor.route(), Route::default());
    assert_eq!(class.ask(7, tv(A), Do::ShowCamera(true)), Err("not_called"));
}

#[test]
fn rooms_call_for_help_and_are_helped() {
    let mut class = Class::live();
    class.may(1, phone(A), Do::CallHelp(HelpKind::NoSound, true));
    assert_eq!(class.ask(2, tv(A), Do::CallHelp(HelpKind::NoSound, true)), Ok(0), "once is enough");
    class.may(3, tv(A), Do::CallHelp(HelpKind::Help, true));
    assert_eq!(
        class.part.help.of(A).collect::<Vec<_>>(),
        [(HelpKind::NoSound, at(1)), (HelpKind::Help, at(3))]
    );
    class.may(4, HOST, Do::ClearHelp(A, HelpKind::NoSound));
    class.may(5, phone(A), Do::CallHelp(HelpKind::Help, false));
    assert!(class.part.help.is_empty());
    assert_eq!(class.ask(6, phone(A), Do::ClearHelp(B, HelpKind::Help)), Err("forbidden"));
}

#[test]
fn private_messages_reach_their_room_once_however_often_they_are_sent() {
    let mut class = Class::live();
    let say = |to, key: &str, text: &str| Do::Message { to, key: key.into(), text: text.into() };
    class.may(1, phone(A), say(None, "k1", " Lớp em mất tiếng ạ. \u{202e}"));
    assert_eq!(class.ask(2, phone(A), say(None, "k1", "Lớp em mất tiếng ạ.")), Ok(0), "sent again");
    class.may(3, HOST, say(Some(A), "h1", "Bật loa nhé."));
    class.may(4, HOST, say(None, "h2", "Còn 5 phút."));
    class.may(5, phone(B), say(Some(A), "k1", "Lớp B nghe rõ."));
    let texts = |place| -> Vec<String> {
        class.part.messages.of(place, 10).iter().map(|message| message.text.clone()).collect()
    };
    assert_eq!(texts(A), ["Lớp em mất tiếng ạ.", "Bật loa nhé.", "Còn 5 phút."]);
    assert_eq!(texts(B), ["Còn 5 phút.", "Lớp B nghe rõ."], "a helper writes only for her own room");
    assert_eq!(class.ask(6, tv(A), say(None, "k2", "?")), Err("forbidden"), "pupils read the screen");
    assert_eq!(class.ask(6, phone(A), say(None, "", "?")), Err("body_malformed"));
    assert_eq!(class.ask(6, phone(A), say(None, "k3", " \n ")), Err("body_malformed"));
    assert_eq!(class.ask(6, phone(A), say(None, "k3", &"ấ".repeat(501))), Err("body_malformed"));
}

fn choice(mode: AnswerMode) -> Do {
    Do::Ask(NewQuestion {
        kind: QuestionKind::Choice,
        mode,
        options: None,
        prompt: Some("Phân số nào lớn nhất?".into()),
    })
}

#[test]
fn rooms_count_hands_for_each_option_and_may_correct_themselves() {
    let mut class = Class::live();
    class.may(0, HOST, choice(AnswerMode::Counts));
    class.may(1, phone(A), Do::Answer(1, AnswerValue::Counts(vec![12, 3, 0, 18])));
    class.may(2, phone(B), Do::Answer(1, AnswerValue::Counts(vec![1, 1, 1, 1])));
    class.may(3, phone(B), Do::Answer(1, AnswerValue::Counts(vec![8, 2, 1, 22])));
    assert_eq!(
        class.ask(4, phone(B), Do::Answer(1, AnswerValue::Counts(vec![8, 2, 1, 22]))),
        Ok(0),
        "sent again"
    );
    let question = class.part.questions.open().expect("it is open");
    assert_eq!(question.tally(), Tally { rooms: 2, late: 0, totals: vec![20, 5, 1, 40] });
    assert_eq!(question.answers[&B].changes, 1);
    for unfit in [
        AnswerValue::Option(1),
        AnswerValue::Text("A".into()),
        AnswerValue::Counts(vec![1, 2, 3]),
        AnswerValue::Counts(vec![1, 2, 3, 1_000]),
    ] {
        assert_eq!(class.ask(5, phone(C), Do::Answer(1, unfit)), Err("unfit"));
    }
}

#[test]
fn an_answer_that_was_on_its_way_when_the_question_closed_counts_as_late() {
    let mut class = Class::live();
    class.may(0, HOST, choice(AnswerMode::Room));
    class.may(1, tv(A), Do::Answer(1, AnswerValue::Option(0)));
    class.may(60, HOST, Do::CloseQuestion);
    class.may(70, tv(B), Do::Answer(1, AnswerValue::Option(3)));
    assert_eq!(class.ask(71, tv(C), Do::Answer(1, AnswerValue::Option(3))), Err("question_closed"));
    assert_eq!(
        class.ask(80, tv(A), Do::Answer(1, AnswerValue::Option(0))),
        Ok(0),
        "its acknowledgement was lost"
    );
    let question = class.part.questions.get(1).expect("it was asked");
    assert_eq!(question.tally(), Tally { rooms: 2, late: 1, totals: vec![1, 0, 0, 1] });
    assert_eq!(class.ask(81, tv(A), Do::Answer(2, AnswerValue::Option(0))), Err("question_unknown"));
    assert_eq!(class.ask(81, tv(A), Do::Answer(0, AnswerValue::Option(0))), Err("question_unknown"));
}

#[test]
fn one_question_is_open_at_a_time_and_results_are_shown_when_the_host_wants() {
    let mut class = Class::live();
    class.may(0, HOST, choice(AnswerMode::Room));
    assert_eq!(class.ask(1, HOST, choice(AnswerMode::Room)), Err("question_open"));
    class.may(2, HOST, Do::CloseQuestion);
    assert_eq!(class.ask(2, HOST, Do::CloseQuestion), Err("question_closed"));
    assert!(class.part.questions.current().is_none(), "nothing is on the screens");
    class.may(3, HOST, Do::ShowResults(1, true));
    assert_eq!(class.part.questions.current().map(|question| question.no), Some(1));
    let yes_no =
        NewQuestion { kind: QuestionKind::YesNo, mode: AnswerMode::Room, options: Some(6), prompt: None };
    class.may(4, HOST, Do::Ask(yes_no));
    let open = class.part.questions.current().expect("it is open");
    assert_eq!((open.no, open.options), (2, 2));
    assert!(!class.part.questions.get(1).expect("it was asked").shown, "the new one has the screens");
    class.may(5, HOST, Do::CloseQuestion);
    let bad = |kind, mode, options| Do::Ask(NewQuestion { kind, mode, options, prompt: None });
    for unfit in [
        bad(QuestionKind::Choice, AnswerMode::Room, Some(1)),
        bad(QuestionKind::Choice, AnswerMode::Room, Some(7)),
        bad(QuestionKind::Text, AnswerMode::Counts, None),
    ] {
        assert_eq!(class.ask(6, HOST, unfit), Err("unfit"));
    }
}

#[test]
fn a_pupils_work_is_offered_shown_without_a_name_and_kept_only_by_a_person() {
    let mut class = Class::live();
    class.may(1, phone(A), Do::OfferWork("p1".into()));
    assert_eq!(class.ask(2, phone(A), Do::OfferWork("p1".into())), Ok(0), "sent again");
    class.may(3, phone(B), Do::OfferWork("p1".into()));
    class.may(4, HOST, Do::ShowWorks(vec![2, 1], false));
    assert_eq!(class.ask(5, HOST, Do::ShowWorks(vec![1, 2], false)), Ok(0));
    assert!(class.part.works.all().all(|work| work.shown && !work.named));
    class.may(6, HOST, Do::ShowWorks(vec![2], true));
    let shown: Vec<_> = class.part.works.all().map(|work| (work.no, work.shown, work.named)).collect();
    assert_eq!(shown, [(1, false, false), (2, true, true)]);
    class.may(7, HOST, Do::KeepWork(2, true));
    assert_eq!(class.part.works.not_kept(), [1]);
    assert_eq!(class.ask(8, phone(A), Do::DeleteWork(2)), Err("work_unknown"), "it is another room's");
    class.may(9, phone(A), Do::DeleteWork(1));
    class.may(10, phone(A), Do::OfferWork("p2".into()));
    assert!(class.part.works.get(3).is_some(), "a number is never used again");
    assert_eq!(class.ask(11, tv(A), Do::OfferWork("p3".into())), Err("forbidden"));
    assert_eq!(class.ask(11, HOST, Do::ShowWorks(vec![3, 1], false)), Err("work_unknown"));
}

#[test]
fn a_room_sends_only_so_many_photos() {
    let mut class = Class::live();
    let sent =
        (0..100).take_while(|n| class.ask(1, phone(A), Do::OfferWork(format!("p{n}"))).is_ok()).count();
    assert_eq!(sent, WORKS_PER_PLACE_MAX);
    assert_eq!(class.ask(2, phone(A), Do::OfferWork("more".into())), Err("too_many"));
    assert!(class.ask(2, phone(B), Do::OfferWork("p".into())).is_ok(), "others still may");
}

#[test]
fn what_a_rehearsal_left_behind_is_gone_when_the_lesson_begins() {
    let mut class = Class::live();
    class.may(1, tv(A), Do::RaiseHand(true));
    class.may(2, HOST, Do::Call(B));
    class.may(3, HOST, Do::Pin(Some(C)));
    class.may(4, HOST, choice(AnswerMode::Room));
    class.may(5, phone(A), Do::OfferWork("p1".into()));
    class.may(6, HOST, Do::ShowWorks(vec![1], false));
    class.fact(7, Fact::WentLive);
    assert_eq!(class.part.floor, Floor::default());
    assert!(class.part.questions.open().is_none());
    assert!(class.part.works.all().all(|work| !work.shown));
    assert_eq!(Participation::replay(&class.log), class.part);
}

#[test]
fn a_room_that_was_sent_out_leaves_nothing_open() {
    let mut class = Class::live();
    class.may(1, HOST, Do::Call(A));
    class.accept(2, A);
    class.may(3, tv(A), Do::CallHelp(HelpKind::Frozen, true));
    class.lesson.apply(at(4), HOST, LessonCommand::Remove(A)).expect("the host may");
    class.fact(4, Fact::PlaceLeft(A));
    assert_eq!((class.part.floor.route(), class.part.help.len()), (Route::default(), 0));
    assert_eq!(class.ask(5, tv(A), Do::RaiseHand(true)), Err("place_removed"));
    assert_eq!(class.ask(5, HOST, Do::Call(A)), Err("place_unknown"));
}

#[test]
fn events_are_stored_as_readable_json() {
    let mut class = Class::live();
    class.may(1, HOST, choice(AnswerMode::Room));
    class.may(2, tv(A), Do::Answer(1, AnswerValue::Option(2)));
    let json = serde_json::to_string(&class.log[1]).expect("it serialises");
    assert_eq!(
        json,
        r#"{"at":1792303202000,"about":"question","type":"answered","question":1,"place":"0000000000001","value":{"option":2},"late":false}"#
    );
    for event in &class.log {
        let json = serde_json::to_string(event).expect("it serialises");
        assert_eq!(serde_json::from_str::<ParticipationEvent>(&json).ok().as_ref(), Some(event), "{json}");
    }
}

#[test]
fn the_report_counts_what_a_room_did_in_the_lesson_and_not_in_the_rehearsal() {
    let mut class = Class::live();
    class.may(1, tv(A), Do::RaiseHand(true));
    class.fact(9, Fact::WentLive);
    class.may(10, tv(A), Do::RaiseHand(true));
    class.may(11, HOST, Do::Call(A));
    class.accept(12, A);
    class.fact(42, Fact::MediaEnded(A));
    class.fact(45, Fact::MediaBegan(A));
    class.may(50, HOST, choice(AnswerMode::Room));
    for option in [1, 2] {
        class.may(51, tv(A), Do::Answer(1, AnswerValue::Option(option)));
    }
    class.may(52, phone(A), Do::OfferWork("p1".into()));
    class.may(53, phone(B), Do::CallHelp(HelpKind::Frozen, true));
    let deeds = room_deeds(&class.log, at(10), at(55));
    assert_eq!(deeds[&A], RoomDeeds { hands: 1, spoke_ms: 40_000, answers: 1, works: 1, help: 0 });
    assert_eq!(deeds[&B], RoomDeeds { help: 1, ..RoomDeeds::default() });
}
