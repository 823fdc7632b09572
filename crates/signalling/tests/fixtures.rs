//! The examples in `tests/fixtures/protocol` are what this crate reads and writes, byte for meaning. The pages'
//! tests read the same files, so a message cannot change on one side only.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use signalling::{ClientMessage, Problem, ServerMessage};
use std::{collections::BTreeSet, fmt::Debug, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/protocol")
}

fn example(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.json")))
        .unwrap_or_else(|error| panic!("{name}.json: {error}"))
}

/// Reads an example, writes it again and compares as JSON: nothing lost, nothing added.
#[track_caller]
fn check<M: DeserializeOwned + Serialize + PartialEq + Debug>(name: &str) -> M {
    let text = example(name);
    let message: M = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"));
    let written = serde_json::to_value(&message).expect("messages serialise");
    assert_eq!(written, serde_json::from_str::<Value>(&text).expect("it is JSON"), "{name}.json");
    assert_eq!(serde_json::from_value::<M>(written).ok(), Some(message), "{name}.json");
    serde_json::from_str(&text).expect("it was read before")
}

#[test]
fn every_message_of_a_page_is_read_and_written_unchanged() {
    for name in ClientMessage::TYPES {
        let message: ClientMessage = check(name);
        assert_eq!(serde_json::to_value(&message).expect("messages serialise")["type"], name);
        assert_eq!(signalling::parse(&example(name)), Ok(message));
    }
}

#[test]
fn every_message_of_the_server_is_read_and_written_unchanged() {
    for name in ServerMessage::TYPES {
        let message: ServerMessage = check(name);
        let written: Value = serde_json::from_str(&message.to_json()).expect("it is JSON");
        assert_eq!(written["type"], name);
    }
}

#[test]
fn problem_details_are_read_and_written_unchanged() {
    let problem: Problem = check("problem");
    let expected = Problem::new(problem.code).retry_after(std::time::Duration::from_secs(30));
    assert_eq!(problem, expected);
}

#[test]
fn the_example_error_says_what_the_server_really_says() {
    let ServerMessage::Error(error) = check("error") else { panic!("error.json is an error") };
    assert_eq!(ServerMessage::from(Problem::new(error.code)), ServerMessage::Error(error));
}

#[test]
fn there_is_no_example_of_a_message_that_does_not_exist() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    let known = ClientMessage::TYPES.into_iter().chain(ServerMessage::TYPES).chain(["problem"]);
    assert_eq!(files, known.map(str::to_owned).collect());
}

#[test]
fn fields_a_newer_page_adds_are_ignored() {
    for name in ClientMessage::TYPES {
        let mut json: Value = serde_json::from_str(&example(name)).expect("it is JSON");
        json["added_later"] = Value::from(vec![1, 2, 3]);
        let message = signalling::parse(&json.to_string());
        assert_eq!(message, signalling::parse(&example(name)), "{name}");
        assert!(message.is_ok(), "{name}");
    }
}

#[test]
fn a_message_that_lacks_any_of_its_fields_is_malformed() {
    for (name, optional) in [
        ("hello", &["lang"][..]),
        ("demand", &[]),
        ("terms", &["ceiling_kbps", "ceiling_mb"]),
        ("report", &["audio_level"]),
    ] {
        let full: Value = serde_json::from_str(&example(name)).expect("it is JSON");
        for field in full.as_object().expect("an object").keys() {
            let mut json = full.clone();
            json.as_object_mut().expect("an object").remove(field);
            let code =
                signalling::parse(&json.to_string()).map(drop).map_err(|problem| problem.code.as_str());
            let expected = if optional.contains(&field.as_str()) { Ok(()) } else { Err("message_malformed") };
            assert_eq!(code, expected, "{name} without {field}");
        }
    }
}
