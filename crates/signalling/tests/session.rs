//! What a page notices of the session state machine: order, roles, limits, silence.

use domain::{CodecSupport, Decoding, LessonCommand, Role, Timestamp, UnixMillis};
use proptest::prelude::*;
use signalling::{
    CloseCode, ClosingReason, Output, Problem, ProblemCode, ServerMessage, Session, SessionLimits, Welcome,
};
use std::time::Duration;

const HELLO: &str = r#"{"type":"hello","v":1,"token":"secret-token","lang":"vi","device":{"kind":"tv","codecs":
    [{"codec":"av1","hardware":true},{"codec":"h264","hardware":true},{"codec":"vp8","hardware":false}]}}"#;
const REPORT: &str = r#"{"type":"report","frames_decoded":5,"frozen":true,"audio_level":2.5,"muted":false,"visible":true,"path":"hls"}"#;
const DEMAND: &str = r#"{"type":"demand","peer":"s","slot":"slides_video","layer":null}"#;
const START: Timestamp = Timestamp::from_millis(60_000);

fn at(millis: u64) -> Timestamp {
    START + Duration::from_millis(millis)
}

fn drain(session: &mut Session) -> Vec<Output> {
    std::iter::from_fn(|| session.poll_output()).collect()
}

/// The outputs in short: an error's code, a close's number, or the kind.
fn brief(outputs: &[Output]) -> Vec<String> {
    let short = |output: &Output| match output {
        Output::Authenticate(_) => "authenticate".to_owned(),
        Output::Send(ServerMessage::Error(error)) => error.code.to_string(),
        Output::Send(message) => {
            let json: serde_json::Value = serde_json::from_str(&message.to_json()).expect("it is JSON");
            json["type"].as_str().expect("messages have a type").to_owned()
        }
        Output::Ping => "ping".to_owned(),
        Output::Command(..) => "command".to_owned(),
        Output::Participate(..) => "participate".to_owned(),
        Output::Remote(..) => "remote".to_owned(),
        Output::Name(..) => "name".to_owned(),
        Output::Demand(_) => "demand".to_owned(),
        Output::Terms(_) => "terms".to_owned(),
        Output::Report(_) => "report".to_owned(),
        Output::Close(code) => code.as_u16().to_string(),
    };
    outputs.iter().map(short).collect()
}

#[track_caller]
fn check(session: &mut Session, expected: &[&str]) {
    assert_eq!(brief(&drain(session)), expected);
}

fn new_session() -> Session {
    Session::new(START, SessionLimits::default())
}

fn open_session(role: Role) -> Session {
    let mut session = new_session();
    session.handle_text(START, HELLO);
    session.accept(Welcome {
        v: 1,
        role,
        lesson: None,
        place: None,
        server_time: UnixMillis::default(),
        seat: None,
    });
    check(&mut session, &["authenticate", "welcome"]);
    session
}

#[test]
fn a_page_says_hello_and_is_welcomed() {
    let mut session = new_session();
    session.handle_text(at(10), HELLO);
    let Some(Output::Authenticate(hello)) = session.poll_output() else { panic!("hello leads to a look-up") };
    assert_eq!(hello.token, "secret-token");
    let support = CodecSupport { h264: Decoding::Hardware, vp8: Decoding::Software };
    assert_eq!(hello.device.codec_support(), support, "the unknown codec is skipped");
    assert!(!format!("{hello:?}").contains("secret"), "a token never reaches a log");
    check(&mut session, &[]);
}

#[test]
fn anything_but_hello_comes_too_early() {
    for text in [DEMAND, REPORT, r#"{"type":"ping","t":1}"#, r#"{"type":"lesson.start"}"#] {
        let mut session = new_session();
        session.handle_text(START, text);
        check(&mut session, &["hello_first", "4400"]);
        assert!(session.is_closed());
        assert_eq!(session.poll_timeout(), None);
    }
}

#[test]
fn what_became_of_a_message_comes_back_with_its_name() {
    let mut session = open_session(Role::Helper);
    session.handle_text(at(10), r#"{"type":"hand","up":true,"ref":"c17"}"#);
    let Some(Output::Participate(command, reference)) = session.poll_output() else { panic!("a command") };
    assert_eq!(command, domain::ParticipationCommand::RaiseHand(true));
    session.done(Ok(()), reference);
    let acked = Some(Output::Send(ServerMessage::Ack(signalling::Ack { reference: "c17".into() })));
    assert_eq!(session.poll_output(), acked);
    let refused = |session: &mut Session| match session.poll_output() {
        Some(Output::Send(ServerMessage::Error(error))) => (error.code, error.reference),
        other => panic!("{other:?} is no error"),
    };
    // Refused for its role, for its shape, for its type: the name comes back all the same.
    for (text, code) in [
        (r#"{"type":"question.close","ref":"c18"}"#, ProblemCode::Forbidden),
        (r#"{"type":"hand","up":"high","ref":"c18"}"#, ProblemCode::MessageMalformed),
        (r#"{"type":"dance","ref":"c18"}"#, ProblemCode::MessageUnknown),
    ] {
        session.handle_text(at(20), text);
        assert_eq!(refused(&mut session), (code, Some("c18".into())), "{text}");
    }
    // A name that is none makes the message nameless, not malformed.
    for name in ["7", "null", r#""""#, &format!("{:?}", "a".repeat(65))] {
        session.handle_text(at(30), &format!(r#"{{"type":"hand","up":false,"ref":{name}}}"#));
        let Some(Output::Participate(_, reference)) = session.poll_output() else { panic!("a command") };
        assert_eq!(reference, None, "{name}");
        session.done(Ok(()), reference);
        check(&mut session, &[]);
    }
}

#[test]
fn every_message_is_let_through_for_exactly_the_roles_of_the_table() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/protocol");
    for kind in signalling::ClientMessage::TYPES {
        let text = std::fs::read_to_string(format!("{folder}/{kind}.json")).expect("an example");
        let message = signalling::parse(&text).expect("it is read");
        for role in Role::ALL {
            let mut session = open_session(role);
            session.handle_text(at(10), &text);
            let said = brief(&drain(&mut session));
            let may = match (message.lesson_command(), message.participation_command(), kind) {
                (Some(command), ..) => role.may(command.action()),
                (_, Some(command), _) => role.may(command.action_of(role)),
                (.., "remote") => role.may(domain::Action::Remote),
                (.., "report") => matches!(role, Role::Place | Role::Observer | Role::Helper),
                (.., "name") => role == Role::Observer,
                (.., "ping" | "demand" | "terms") => true,
                (.., "hello") => continue,
                _ => panic!("{kind} has no rule"),
            };
            assert_eq!(said.iter().any(|said| said == "forbidden"), !may, "{kind} of {role}: {said:?}");
        }
    }
}

#[test]
fn a_page_that_stays_silent_at_first_is_closed_after_five_seconds() {
    let mut session = new_session();
    assert_eq!(session.poll_timeout(), Some(at(5_000)));
    session.handle_timeout(at(4_999));
    check(&mut session, &[]);
    session.handle_timeout(at(5_000));
    check(&mut session, &["hello_first", "4400"]);
}

#[test]
fn a_page_of_another_version_is_told_so() {
    let mut session = new_session();
    session.handle_text(START, &HELLO.replace("\"v\":1", "\"v\":2"));
    check(&mut session, &["version_unsupported", "4400"]);
}

#[test]
fn messages_sent_before_welcome_are_refused_and_a_second_hello_too() {
    let mut session = new_session();
    session.handle_text(START, HELLO);
    session.handle_text(START, DEMAND);
    session.handle_text(START, HELLO);
    check(&mut session, &["authenticate", "hello_first", "hello_twice"]);
    let mut session = open_session(Role::Place);
    session.handle_text(START, HELLO);
    check(&mut session, &["hello_twice"]);
    assert!(!session.is_closed());
}

#[test]
fn a_refused_page_learns_whether_to_come_back() {
    for (code, close) in [
        (ProblemCode::Unauthorized, "4401"),
        (ProblemCode::InvitationRevoked, "4401"),
        (ProblemCode::InvitationExpired, "4401"),
        (ProblemCode::LessonFull, "1013"),
        (ProblemCode::RateLimited, "1013"),
        (ProblemCode::Internal, "1013"),
        (ProblemCode::Draining, "1012"),
    ] {
        let mut session = new_session();
        session.handle_text(START, HELLO);
        session.refuse(Problem::new(code));
        check(&mut session, &["authenticate", code.as_str(), close]);
        session.accept(Welcome {
            v: 1,
            role: Role::Host,
            lesson: None,
            place: None,
            server_time: UnixMillis::default(),
            seat: None,
        });
        check(&mut session, &[]);
    }
}

#[test]
fn each_role_gets_only_its_own_messages_through() {
    let everything =
        ["lesson.test", "lesson.start", "lesson.end"].map(|kind| format!(r#"{{"type":"{kind}"}}"#));
    let everything: Vec<_> = everything.iter().map(String::as_str).chain([DEMAND, REPORT]).collect();
    let commanding = ["command", "command", "command", "demand", "forbidden"];
    let viewing = ["forbidden", "forbidden", "forbidden", "demand", "report"];
    for (role, expected) in [
        (Role::Host, commanding),
        (Role::Organiser, commanding),
        (Role::Observer, viewing),
        (Role::Place, viewing),
    ] {
        let mut session = open_session(role);
        for text in &everything {
            session.handle_text(START, text);
        }
        check(&mut session, &expected);
    }
}

#[test]
fn commands_and_reports_carry_what_the_page_said() {
    let mut session = open_session(Role::Host);
    session.handle_text(START, r#"{"type":"lesson.end"}"#);
    assert_eq!(session.poll_output(), Some(Output::Command(LessonCommand::End, None)));
    let mut session = open_session(Role::Place);
    session.handle_text(START, REPORT);
    let Some(Output::Report(report)) = session.poll_output() else { panic!("a report comes through") };
    assert_eq!((report.frozen, report.muted, report.frames_decoded), (true, false, 5));
    assert_eq!(report.audio_level, Some(1.0), "a level outside 0 to 1 is pulled back");
}

#[test]
fn a_ping_is_answered_with_whatever_it_brought() {
    let mut session = open_session(Role::Place);
    session.handle_text(START, r#"{"type":"ping","t":{"a":[1,"x",null]}}"#);
    let t = serde_json::json!({"a": [1, "x", null]});
    assert_eq!(session.poll_output(), Some(Output::Send(ServerMessage::Pong { t })));
}

#[test]
fn unknown_and_malformed_messages_are_told_apart_and_do_not_end_the_session() {
    let mut session = open_session(Role::Place);
    for text in [r#"{"type":"dance"}"#, r#"{"type":"demand"}"#, "{", "", "[]", r#"{"type":5}"#, "\u{0}"] {
        session.handle_text(START, text);
    }
    session.handle_binary(START);
    let malformed = "message_malformed";
    check(
        &mut session,
        &["message_unknown", malformed, malformed, malformed, malformed, malformed, malformed, malformed],
    );
    assert!(!session.is_closed());
}

#[test]
fn a_page_that_keeps_making_mistakes_is_closed() {
    let mut session = open_session(Role::Place);
    for _ in 0..20 {
        session.handle_text(START, "{");
    }
    let outputs = brief(&drain(&mut session));
    assert_eq!(outputs.len(), 12, "ten answers, the last one, and the close");
    assert_eq!(outputs.last().map(String::as_str), Some("4400"));
}

#[test]
fn a_flooding_page_is_slowed_then_closed_and_a_busy_one_is_not() {
    let mut session = open_session(Role::Place);
    for n in 0..1_000 {
        session.handle_text(at(n * 100), DEMAND);
    }
    assert!(brief(&drain(&mut session)).iter().all(|output| output == "demand"));
    for _ in 0..200 {
        session.handle_text(at(100_000), DEMAND);
    }
    let outputs = brief(&drain(&mut session));
    let refused = outputs.iter().filter(|output| *output == "message_too_often").count();
    assert_eq!((refused, outputs.last().map(String::as_str)), (11, Some("4400")));
    assert!(outputs.len() < 60);
}

#[test]
fn a_huge_message_is_refused_unread() {
    let mut session = open_session(Role::Place);
    session.handle_text(START, &"x".repeat(64 * 1024 + 1));
    check(&mut session, &["too_large", "4400"]);
}

#[test]
fn a_quiet_page_is_asked_for_a_sign_of_life_and_given_up_after_twelve_seconds() {
    let mut session = open_session(Role::Place);
    assert_eq!(session.poll_timeout(), Some(at(4_000)));
    session.handle_timeout(at(4_000));
    check(&mut session, &["ping"]);
    session.handle_timeout(at(4_001));
    check(&mut session, &[]);
    session.handle_pong(at(5_000));
    assert_eq!(session.poll_timeout(), Some(at(9_000)));
    session.handle_timeout(at(9_000));
    session.handle_timeout(at(13_000));
    check(&mut session, &["ping", "ping"]);
    assert_eq!(session.poll_timeout(), Some(at(17_000)));
    session.handle_timeout(at(17_000));
    check(&mut session, &["4408"]);
}

#[test]
fn a_closing_server_says_why_and_whether_to_come_back() {
    for (reason, close, retry) in [
        (ClosingReason::Draining, CloseCode::Draining, true),
        (ClosingReason::Revoked, CloseCode::Revoked, false),
        (ClosingReason::Removed, CloseCode::Revoked, false),
        (ClosingReason::Replaced, CloseCode::Replaced, false),
        (ClosingReason::LessonDeleted, CloseCode::LessonDeleted, false),
    ] {
        let mut session = open_session(Role::Observer);
        session.close(reason);
        session.close(reason);
        session.handle_text(START, DEMAND);
        let expected = [Output::Send(ServerMessage::Closing { reason, retry }), Output::Close(close)];
        assert_eq!(drain(&mut session), expected);
    }
    let mut session = open_session(Role::Observer);
    session.close_slow();
    check(&mut session, &["1013"]);
}

#[derive(Debug, Clone)]
enum Input {
    Text(String),
    Binary,
    Pong,
    Timeout,
    Accept(Role),
    Refuse(ProblemCode),
    Reject,
    Close,
}

/// Text from nonsense to nearly right.
fn text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "\\PC{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
        Just(r#"{"kind":"tv"}"#.to_owned()),
        Just(r#"{"kind":"tv","codecs":[1,null,{"codec":"h264","hardware":true}]}"#.to_owned()),
        Just("\"program_video\"".to_owned()),
        Just("\"high\"".to_owned()),
        (1..200usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
    ];
    let field = prop::sample::select(vec![
        "v",
        "token",
        "lang",
        "device",
        "peer",
        "slot",
        "layer",
        "frames_decoded",
        "frozen",
        "audio_level",
        "muted",
        "visible",
        "path",
        "t",
        "type",
    ]);
    let kind = prop::sample::select(signalling::ClientMessage::TYPES.to_vec());
    let nearly = (kind, prop::collection::vec((field, value), 0..9)).prop_map(|(kind, fields)| {
        let kind = ("type", format!("\"{kind}\""));
        let fields: Vec<_> =
            [kind].iter().chain(&fields).map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    });
    prop_oneof![
        any::<String>(),
        nearly,
        prop::sample::select(vec![HELLO, DEMAND, REPORT, r#"{"type":"lesson.start"}"#])
            .prop_map(str::to_owned),
        // A right message with something cut off or put in.
        (prop::sample::select(vec![HELLO, DEMAND, REPORT]), any::<prop::sample::Index>(), any::<char>())
            .prop_map(|(text, place, inserted)| {
                let place = place.index(text.len());
                format!("{}{inserted}{}", &text[..place], &text[place..])
            }),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        12 => text().prop_map(Input::Text),
        1 => Just(Input::Binary),
        1 => Just(Input::Pong),
        3 => Just(Input::Timeout),
        4 => prop::sample::select(Role::ALL.to_vec()).prop_map(Input::Accept),
        1 => prop::sample::select(ProblemCode::ALL.to_vec()).prop_map(Input::Refuse),
        1 => Just(Input::Reject),
        1 => Just(Input::Close),
    ]
}

#[test]
fn a_pings_time_comes_back_to_the_last_bit_whatever_number_a_page_sends() {
    let sent = r#"{"type":"ping","t":2.4492989385983315e-104}"#;
    let read = signalling::parse(sent).expect("a ping");
    assert_eq!(serde_json::to_string(&read).expect("messages serialise"), sent);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in text()) {
        let _ = signalling::parse(&text);
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(text in text()) {
        if let Ok(message) = signalling::parse(&text) {
            let written = serde_json::to_string(&message).expect("messages serialise");
            let again = signalling::parse(&written).map(|message| serde_json::to_string(&message).expect("twice"));
            prop_assert_eq!(again, Ok(written));
        }
    }

    #[test]
    fn whatever_a_page_does_hello_comes_first_roles_hold_and_close_is_last(
        opens_well in prop::option::weighted(0.8, prop::sample::select(Role::ALL.to_vec())),
        inputs in prop::collection::vec((input(), 0..2_000u64), 0..120),
    ) {
        let mut session = new_session();
        let opening = opens_well.map(|role| [(Input::Text(HELLO.to_owned()), 10), (Input::Accept(role), 10)]);
        let (mut now, mut asked, mut role, mut closed) = (START, false, None, false);
        for (input, pause) in opening.into_iter().flatten().chain(inputs) {
            now += Duration::from_millis(pause);
            match input {
                Input::Text(text) => session.handle_text(now, &text),
                Input::Binary => session.handle_binary(now),
                Input::Pong => session.handle_pong(now),
                Input::Timeout => session.handle_timeout(now),
                Input::Accept(role) => {
                    session.accept(Welcome { v: 1, role, lesson: None, place: None, server_time: UnixMillis::default(), seat: None });
                }
                Input::Refuse(code) => session.refuse(Problem::new(code)),
                Input::Reject => session.reject(Problem::new(ProblemCode::WrongState)),
                Input::Close => session.close(ClosingReason::Draining),
            }
            let outputs = drain(&mut session);
            prop_assert!(outputs.len() <= 2, "one input never makes a pile: {outputs:?}");
            for output in outputs {
                prop_assert!(!closed, "nothing follows the close");
                match output {
                    Output::Authenticate(_) => {
                        prop_assert!(!asked, "one look-up a session");
                        asked = true;
                    }
                    Output::Send(ServerMessage::Welcome(welcome)) => {
                        prop_assert!(asked && role.is_none());
                        role = Some(welcome.role);
                    }
                    Output::Command(..) => prop_assert!(matches!(role, Some(Role::Host | Role::Organiser))),
                    Output::Participate(command, _) => {
                        prop_assert!(role.is_some_and(|role| role.may(command.action_of(role))));
                    }
                    Output::Remote(..) => {
                        prop_assert!(matches!(role, Some(Role::Host | Role::Organiser | Role::Helper)));
                    }
                    Output::Name(..) => prop_assert_eq!(role, Some(Role::Observer)),
                    Output::Report(_) => {
                        prop_assert!(matches!(role, Some(Role::Place | Role::Observer | Role::Helper)));
                    }
                    Output::Demand(_) | Output::Terms(_) => prop_assert!(role.is_some()),
                    Output::Close(_) => closed = true,
                    Output::Send(_) | Output::Ping => {}
                }
            }
            prop_assert_eq!(session.is_closed(), closed);
            prop_assert_eq!(session.poll_timeout().is_none(), closed);
        }
    }
}
