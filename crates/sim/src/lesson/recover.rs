//! Kills the server with SIGKILL in the middle of a lesson, starts it again, and compares.
//!
//! Every room does one thing at a time and remembers what was acknowledged. After the kill, what the pages are told must
//! hold everything that was acknowledged; the one thing each room was waiting for may or may not have happened.

use super::{
    page::{Page, PageError, hearing},
    server::{Room, Server},
};
use anyhow::{Context, bail, ensure};
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tracing::{info, warn};

/// A page hears its state within this time after `welcome`.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// A run.
#[derive(Debug, Clone)]
pub struct RecoverConfig {
    /// The server's program.
    pub server: PathBuf,
    /// Kills.
    pub rounds: usize,
    /// Rooms of the lesson.
    pub rooms: usize,
    /// Seed of who does what, and when the kill comes.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct RecoverSummary {
    /// Kills.
    pub rounds: usize,
    /// Those after which everything acknowledged was there.
    pub recovered: usize,
    /// Messages acknowledged in all rounds together.
    pub acknowledged: usize,
    /// From the start of the process to the last page that was told its state, longest, ms.
    pub back_after_ms: f64,
    /// What was missing, if anything.
    pub failures: Vec<String>,
}

/// Something of a room that a message changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Hand,
    Help(&'static str),
    Answer(u64),
    Message(String),
}

/// What a room knows of itself.
#[derive(Default)]
struct Known {
    /// Acknowledged.
    sure: BTreeMap<Key, Value>,
    /// Sent and not acknowledged when the server died: may be so, or as in `sure`.
    maybe: Option<(Key, Value)>,
    acknowledged: usize,
}

/// Kills a server `rounds` times.
///
/// # Errors
/// When the server does not start (again), or the lesson cannot be set up. What is lost by a kill is no error but a
/// failure in the summary.
pub async fn recover(config: &RecoverConfig) -> anyhow::Result<RecoverSummary> {
    let mut server = Server::start(config.server.clone())?;
    let organiser = server.organiser()?;
    let rooms = server.rooms(config.rooms).await?;
    let lesson = organiser.create_lesson("Mất điện giữa tiết").await?;
    let host_link = organiser.invite(&lesson, "host", "nhipcau-sim").await?;
    let host_token = host_link.token().context("an invitation without token")?.to_owned();
    let host = Page::open(&server.base, "", &host_token, None).await?;
    host.ask(json!({"type":"lesson.start"})).await?;
    drop(host);
    let mut chance = StdRng::seed_from_u64(config.seed);
    let mut known: Vec<Known> = rooms.iter().map(|_| Known::default()).collect();
    let mut summary = RecoverSummary {
        rounds: config.rounds,
        recovered: 0,
        acknowledged: 0,
        back_after_ms: 0.0,
        failures: Vec::new(),
    };
    let mut questions = 0;
    for round in 0..config.rounds {
        let host = Page::open(&server.base, "", &host_token, None).await?;
        if questions > 0 {
            match host.ask(json!({"type":"question.close"})).await {
                Ok(()) | Err(PageError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        host.ask(json!({"type":"question.open","kind":"choice","mode":"room","options":4,"prompt":null}))
            .await?;
        questions += 1;
        let mut acting = JoinSet::new();
        for (n, known) in known.drain(..).enumerate() {
            let phone = Page::open(&server.base, "", &rooms[n].phone, None).await?;
            let chance = StdRng::seed_from_u64(config.seed ^ ((round as u64) << 32) ^ n as u64);
            acting.spawn(async move { (n, act(phone, known, questions, chance).await) });
        }
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..1_500))).await;
        server.kill();
        let mut back = BTreeMap::new();
        while let Some(acted) = acting.join_next().await {
            let (n, known) = acted?;
            back.insert(n, known);
        }
        known = back.into_values().collect();
        drop(host);
        let started_at = Instant::now();
        server.restart()?;
        match compare(&server, &rooms, &host_token, &mut known, questions).await {
            Ok(()) => summary.recovered += 1,
            Err(error) => {
                warn!(round, "{error:#}");
                summary.failures.push(format!("round {round}: {error:#}"));
            }
        }
        summary.back_after_ms = summary.back_after_ms.max(started_at.elapsed().as_secs_f64() * 1e3);
        summary.acknowledged = known.iter().map(|known| known.acknowledged).sum();
        info!(round, acknowledged = summary.acknowledged, "recovered {} of {}", summary.recovered, round + 1);
    }
    Ok(summary)
}

/// A room does one thing after the other until the server is gone.
async fn act(phone: Page, mut known: Known, question: u64, mut chance: StdRng) -> Known {
    loop {
        let (key, value, message) = match chance.random_range(0..10) {
            0..4 => {
                let up = known.sure.get(&Key::Hand) != Some(&json!(true));
                (Key::Hand, json!(up), json!({"type":"hand","up":up}))
            }
            4..6 => {
                let kind = ["no_sound", "frozen", "help"][chance.random_range(0..3)];
                let on = known.sure.get(&Key::Help(kind)) != Some(&json!(true));
                (Key::Help(kind), json!(on), json!({"type":"help","kind":kind,"on":on}))
            }
            6..8 => {
                let value = json!({"option": chance.random_range(0..4)});
                (
                    Key::Answer(question),
                    value.clone(),
                    json!({"type":"answer","question":question,"value":value}),
                )
            }
            _ => {
                let key = format!("{:016x}", chance.random::<u64>());
                let text = format!("Tin nhắn {key}");
                (Key::Message(key.clone()), json!(text), json!({"type":"message.send","key":key,"text":text}))
            }
        };
        match phone.ask(message).await {
            Ok(()) => {
                known.acknowledged += 1;
                known.sure.insert(key, value);
            }
            Err(PageError::Refused(code)) => warn!(code, "a room was refused"),
            Err(PageError::Gone | PageError::Socket(_)) => {
                known.maybe = Some((key, value));
                return known;
            }
        }
    }
}

/// Opens all pages anew and looks whether they are told what was acknowledged.
async fn compare(
    server: &Server,
    rooms: &[Room],
    host_token: &str,
    known: &mut [Known],
    question: u64,
) -> anyhow::Result<()> {
    let (hear, mut heard) = hearing();
    let host = Page::open(&server.base, "", host_token, Some(hear)).await?;
    ensure!(host.welcome["lesson"]["state"] == "live", "the lesson is {}", host.welcome["lesson"]["state"]);
    let open = told(&mut heard, "question").await?;
    ensure!(
        open["question"]["no"] == question && open["question"]["closed_at"].is_null(),
        "the question: {open}"
    );
    let hands = told(&mut heard, "hands").await?;
    let up: BTreeSet<&str> =
        hands["hands"].as_array().into_iter().flatten().filter_map(|hand| hand["place"].as_str()).collect();
    let organiser = server.organiser()?;
    let asked: Value = organiser
        .with_token(host_token)
        .get(&format!("/api/lessons/{}/questions", text(&host.welcome["lesson"]["id"])?))
        .await?;
    let mut screens = Vec::new();
    for (room, known) in rooms.iter().zip(known.iter_mut()) {
        screens.push(Page::open(&server.base, "", &room.screen, None).await?);
        let (hear, mut heard) = hearing();
        let phone = Page::open(&server.base, "", &room.phone, Some(hear)).await?;
        let own = told(&mut heard, "room").await?;
        let messages = told(&mut heard, "messages").await?;
        drop(phone);
        let now = as_told(&own, &messages, &asked, &room.id, up.contains(room.id.as_str()))?;
        for (key, value) in &known.sure {
            let found = now.get(key);
            let maybe = known.maybe.as_ref().filter(|(maybe, _)| maybe == key).map(|(_, value)| value);
            // The page is told of its newest 200 messages only.
            let beyond = matches!(key, Key::Message(_)) && found.is_none() && now.len() >= 200;
            let off = *value == json!(false) && found.is_none();
            if found != Some(value) && found != maybe && !beyond && !off {
                bail!("place {}: {key:?} should be {value}, is {found:?} (perhaps {maybe:?})", room.id);
            }
        }
        // From here on the room goes by what it was told.
        known.maybe = None;
        known.sure.retain(|key, _| matches!(key, Key::Answer(_) | Key::Message(_)));
        known.sure.extend(now);
    }
    // And the board counts every room that is back.
    let present = async {
        let mut back = BTreeSet::new();
        while back.len() < rooms.len() {
            let board = heard.recv().await.context("the host's page was closed")?;
            for tile in board["tiles"].as_array().into_iter().flatten() {
                if tile["screens"].as_u64().is_some_and(|screens| screens > 0) {
                    back.insert(text(&tile["id"])?.to_owned());
                }
            }
        }
        anyhow::Ok(())
    };
    timeout(TOLD_WITHIN, present).await.context("the board does not show every room that is back")?
}

fn as_told(
    own: &Value,
    messages: &Value,
    asked: &Value,
    place: &str,
    in_queue: bool,
) -> anyhow::Result<BTreeMap<Key, Value>> {
    let mut now = BTreeMap::new();
    let up = own["hand"].is_object();
    ensure!(up == in_queue, "place {place}: its own page says {up}, the host's queue {in_queue}");
    now.insert(Key::Hand, json!(up));
    for kind in ["no_sound", "frozen", "help"] {
        let calls = own["help"].as_array().is_some_and(|calls| calls.iter().any(|call| call["kind"] == kind));
        now.insert(Key::Help(kind), json!(calls));
    }
    for question in asked["questions"].as_array().into_iter().flatten() {
        let answers = question["answers"].as_array().into_iter().flatten();
        for answer in answers.filter(|answer| answer["place"] == place) {
            now.insert(Key::Answer(question["no"].as_u64().unwrap_or_default()), answer["value"].clone());
        }
    }
    for message in messages["messages"].as_array().into_iter().flatten() {
        let key = Key::Message(text(&message["key"])?.to_owned());
        ensure!(now.insert(key, message["text"].clone()).is_none(), "message {message} is there twice");
    }
    Ok(now)
}

async fn told(heard: &mut mpsc::Receiver<Value>, kind: &str) -> anyhow::Result<Value> {
    let wanted = async {
        loop {
            let said = heard.recv().await.context("the page was closed")?;
            if said["type"] == kind {
                return anyhow::Ok(said);
            }
        }
    };
    timeout(TOLD_WITHIN, wanted).await.with_context(|| format!("a page was not told its {kind}"))?
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}
