//! Cases that Rust and TypeScript must answer alike (`tests/fixtures/notes`); the pages' tests read the same files.
//! After a wanted change of the rules: `cargo nextest run -p notes --run-ignored only`.

use notes::{Form, Key, Replica, Sheet, SheetView, Tick, TickClock, built_in_forms, score};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Copies of one sheet and what they are together.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct History {
    copies: Vec<Sheet>,
    joined: Sheet,
    view: SheetView,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Clocks {
    heard: Vec<Tick>,
    wall: Vec<u64>,
    ticks: Vec<Tick>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Merging {
    histories: Vec<History>,
    clocks: Vec<Clocks>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Scored {
    form: String,
    scores: BTreeMap<String, Value>,
    score: notes::Score,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Checked {
    form: Form,
    at: Option<String>,
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/notes").join(name)
}

/// Numerical Recipes' generator: the same numbers everywhere.
struct Dice(u32);

impl Dice {
    fn throw(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

fn history(seed: u32) -> History {
    let mut dice = Dice(seed);
    let replicas: Vec<Replica> =
        (0..3).map(|number| format!("replica{number}").parse().expect("eight characters")).collect();
    let mut copies = vec![Sheet::default(); 3];
    let mut clocks = vec![TickClock::default(); 3];
    for step in 0..40 {
        let device = dice.throw(3) as usize;
        if dice.throw(4) == 0 {
            let from = copies[dice.throw(3) as usize].clone();
            for register in from.registers().values() {
                clocks[device].hear(register.newest().expect("it was written"));
            }
            copies[device].join_all(&from);
            continue;
        }
        let row = dice.throw(4);
        let ms = 1_791_765_000_000_i64 + i64::from(dice.throw(2_700)) * 1_000;
        let (key, value): (String, Value) = match dice.throw(9) {
            0 => (format!("row.r{row}.at"), json!({"ms": ms, "q": "picture"})),
            1 => (format!("row.r{row}.pos"), json!(format!("0mu{}", dice.throw(1_000)))),
            2 => (format!("row.r{row}.gone"), json!(dice.throw(2) == 0)),
            3 => (format!("row.r{row}.tags"), json!(["Làm việc nhóm", format!("{step}")])),
            4 => (format!("score.c1_{}", 1 + dice.throw(4)), json!(dice.throw(5) * 25)),
            5 => ("share.cluster".to_owned(), json!(dice.throw(2) == 0)),
            6 => ("head.unit".to_owned(), json!(format!("THCS Mèo Vạc {step}"))),
            _ => {
                (format!("row.r{row}.pupils"), json!(format!("Học sinh thảo luận nhóm, lần {step}: “được”")))
            }
        };
        let key: Key = key.parse().expect("a key");
        let mut register = copies[device].registers().get(&key).cloned().unwrap_or_default();
        let wall = 1_791_765_000_000_u64 + u64::from(dice.throw(100_000));
        register.write(clocks[device].tick(wall).by(replicas[device]), value);
        copies[device].join(&key, &register);
    }
    let mut joined = Sheet::default();
    for copy in &copies {
        joined.join_all(copy);
    }
    History { view: joined.view(), copies, joined }
}

fn clocks(seed: u32) -> Clocks {
    let mut dice = Dice(seed);
    let mut clock = TickClock::default();
    let heard = vec![Tick::new(1_791_765_000_000 + u64::from(dice.throw(1_000)), u64::from(dice.throw(9)))];
    for &tick in &heard {
        clock.hear(tick);
    }
    let wall: Vec<u64> = (0..8).map(|_| 1_791_765_000_000 + u64::from(dice.throw(2_000))).collect();
    let ticks = wall.iter().map(|&millis| clock.tick(millis)).collect();
    Clocks { heard, wall, ticks }
}

fn merging() -> Merging {
    Merging {
        histories: (1..=8).map(|seed| history(seed * 7_919)).collect(),
        clocks: (1..=4).map(|seed| clocks(seed * 104_729)).collect(),
    }
}

fn scoring() -> Vec<Scored> {
    let mut form = built_in_forms().remove(0);
    form.bands[0].needs =
        serde_json::from_value(json!([{"item": "c1_2", "min": 2}, {"item": "c2_1", "min": 1.5}]))
            .expect("needs");
    let plain = built_in_forms().remove(0);
    let mut cases = Vec::new();
    // Every band's boundary and a step to each side of it, and both ends.
    for total in [0, 25, 975, 1_000, 1_025, 1_325, 1_350, 1_375, 1_775, 1_800, 1_825, 1_975, 2_000] {
        let mut less = plain.max().0 - total;
        let scores: BTreeMap<String, Value> = plain
            .items()
            .map(|item| {
                let lost = less.min(item.max.0);
                less -= lost;
                (item.id.clone(), json!(item.max.0 - lost))
            })
            .collect();
        cases.push(("vn-12-20", &plain, scores.clone()));
        cases.push(("needs", &form, scores));
    }
    let full: BTreeMap<String, Value> =
        plain.items().map(|item| (item.id.clone(), json!(item.max.0))).collect();
    for (item, value) in [
        ("c1_2", json!(175)),
        ("c1_1", json!(125)),
        ("c1_1", json!(-25)),
        ("c1_1", json!(10)),
        ("c1_1", json!("1")),
        ("c1_1", json!(null)),
        ("c9_9", json!(100)),
    ] {
        let mut scores = full.clone();
        scores.insert(item.to_owned(), value);
        cases.push(("vn-12-20", &plain, scores.clone()));
        cases.push(("needs", &form, scores));
    }
    let scored = |(name, form, scores): (&str, &notes::Form, BTreeMap<String, Value>)| Scored {
        form: name.to_owned(),
        score: score(form, &scores),
        scores,
    };
    cases.into_iter().map(scored).collect()
}

/// Good forms, and forms with one fault each.
fn checking() -> Vec<Checked> {
    let item = |id: &str, max: f64| json!({"id": id, "text": "Tiêu chí", "max": max});
    let plain = json!({
        "id": "mau", "version": 1, "title": "Mẫu", "step": 0.5,
        "groups": [{"name": "Một", "items": [item("a", 1.0), item("b", 2.0)]}],
        "bands": [{"min": 2, "name": "Tốt"}, {"min": 0, "name": "Chưa đạt"}],
        "fields": [{"id": "ghi", "label": "Ghi thêm"}],
        "phases": [{"id": "mo", "name": "Mở đầu"}],
        "tags": ["Hay"],
    });
    let faults: [(&str, Value); 17] = [
        ("/id", json!("Mẫu 1")),
        ("/title", json!("  ")),
        ("/title", json!("x".repeat(201))),
        ("/step", json!(0)),
        ("/groups/0/items", json!([])),
        ("/groups/0/name", json!("")),
        ("/groups/0/items/1/id", json!("a")),
        ("/groups/0/items/1/text", json!("ấ".repeat(601))),
        ("/groups/0/items/1/max", json!(0.75)),
        ("/groups/0/items/1/max", json!(0)),
        ("/groups", json!([])),
        ("/bands/0/min", json!(3.5)),
        ("/bands/1/min", json!(2.5)),
        ("/bands/1/min", json!(0.5)),
        ("/bands/0/needs", json!([{"item": "z", "min": 1}])),
        ("/bands/0/needs", json!([{"item": "a", "min": 1.5}])),
        ("/tags", json!([" Hay"])),
    ];
    let changed = faults.into_iter().map(|(pointer, value)| {
        let mut form = plain.clone();
        if pointer == "/bands/0/needs" {
            form["bands"][0]["needs"] = value;
        } else {
            *form.pointer_mut(pointer).expect("the form has this part") = value;
        }
        serde_json::from_value::<Form>(form).expect("it is a form")
    });
    let good = serde_json::from_value(plain.clone()).expect("it is a form");
    let all = built_in_forms().into_iter().chain([good]).chain(changed);
    all.map(|form| Checked { at: form.check().err().map(|error| error.at), form }).collect()
}

#[test]
fn rust_answers_the_shared_cases_as_written_down() {
    let text = fs::read_to_string(file("merging.json")).expect("the fixture is there");
    let found: Merging = serde_json::from_str(&text).expect("it can be read");
    assert_eq!(found, merging());
    for history in &found.histories {
        let mut backwards = Sheet::default();
        for copy in history.copies.iter().rev().chain(&history.copies) {
            backwards.join_all(copy);
        }
        assert_eq!(backwards, history.joined);
    }
    let text = fs::read_to_string(file("scoring.json")).expect("the fixture is there");
    let found: Vec<Scored> = serde_json::from_str(&text).expect("it can be read");
    assert_eq!(found, scoring());
    let text = fs::read_to_string(file("forms.json")).expect("the fixture is there");
    let found: Vec<Checked> = serde_json::from_str(&text).expect("it can be read");
    assert_eq!(found, checking());
}

#[test]
#[ignore = "writes the fixtures instead of checking them"]
fn write_the_fixtures() {
    fs::create_dir_all(file("")).expect("the folder can be made");
    let write = |name: &str, value: Value| {
        let text = serde_json::to_string(&value).expect("it is JSON");
        fs::write(file(name), text + "\n").expect("it can be written");
    };
    write("merging.json", serde_json::to_value(merging()).expect("it is JSON"));
    write("forms.json", serde_json::to_value(checking()).expect("it is JSON"));
    write("scoring.json", serde_json::to_value(scoring()).expect("it is JSON"));
}
