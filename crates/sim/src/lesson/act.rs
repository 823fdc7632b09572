//! Hundreds of rooms act a lesson against a real server: hands, answers, reports; the board is watched and the CPU counted.

use super::{
    page::{Page, hearing},
    server::{Room, Server},
};
use crate::{
    classrooms::{ClassroomsConfig, Crowd, Entry, Quantiles},
    host::{self, HostConfig, HostStatus},
};
use anyhow::{Context, bail};
use domain::Codec;
use rand::{Rng as _, RngExt as _, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{interval, sleep, sleep_until, timeout},
};
use tracing::{info, warn};

/// Rooms whose pages open in a second.
const JOINS_PER_SECOND: u32 = 40;
/// Pages report this often.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// A room freezes or thaws this often.
const FREEZE_EVERY: Duration = Duration::from_millis(300);
/// A hand goes up or down this often.
const HAND_EVERY: Duration = Duration::from_millis(700);
/// A question is open this long, and all rooms answer within the first part of it.
const QUESTION_OPEN: Duration = Duration::from_secs(6);
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// Between two questions.
const QUESTION_PAUSE: Duration = Duration::from_secs(6);
/// News that has not come by then counts with this age.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// A run.
#[derive(Debug, Clone)]
pub struct ActConfig {
    /// The server's program.
    pub server: PathBuf,
    /// Rooms, each with a screen and a phone.
    pub count: usize,
    /// Length of the acting, after everybody has joined.
    pub duration: Duration,
    /// Media flows to the rooms too.
    pub media: bool,
    /// Threads of the rooms' receivers.
    pub threads: usize,
    /// Seed of who does what when.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct ActSummary {
    /// Rooms that took part.
    pub rooms: usize,
    /// From a screen's report that it froze or thawed to the host's board showing it, ms.
    pub board_lag_ms: Quantiles,
    /// Such changes, and those the board never showed.
    pub changes: usize,
    /// See `changes`.
    pub changes_lost: usize,
    /// Answers that were acknowledged.
    pub answers: usize,
    /// Of them, those that are not in the stored results.
    pub answers_lost: usize,
    /// Answers that were not acknowledged.
    pub answers_unacknowledged: usize,
    /// Attendance in the report against the server's own log, all rooms together and the worst room, %; `None` without media.
    pub attendance_off_pct: Option<(f64, f64)>,
    /// From closing a question to the whole chart on the host's page, ms.
    pub chart_ms: Quantiles,
    /// From sending an answer to its acknowledgement, ms.
    pub acknowledged_ms: Quantiles,
    /// CPU of the server beside its media workers, cores.
    pub signalling_cores: f64,
    /// CPU of the media workers, cores.
    pub media_cores: f64,
}

/// Acts a lesson.
///
/// # Errors
/// When the server does not start, a room does not get in, or the host's page is cut off.
pub async fn act(config: &ActConfig) -> anyhow::Result<ActSummary> {
    let server = Server::start(config.server.clone())?;
    let organiser = server.organiser()?;
    let rooms = server.rooms(config.count).await?;
    let lesson = organiser.create_lesson("Nhiều phòng cùng học").await?;
    let host_link = organiser.invite(&lesson, "host", "nhipcau-sim").await?;
    let host_token = host_link.token().context("an invitation without token")?.to_owned();
    let (hear, heard) = hearing();
    let host = Page::open(&server.base, "", &host_token, Some(hear)).await?;
    host.ask(json!({"type":"lesson.start"})).await?;
    let (_organiser_page, organiser_board) = {
        let (hear, heard) = hearing();
        let page =
            Page::open(&server.base, &format!("?lesson={lesson}"), server.organiser_token(), Some(hear))
                .await?;
        (page, heard)
    };
    tokio::spawn(drain(organiser_board));

    let class = open_rooms(&server, &rooms).await?;
    let media = if config.media {
        Some(Media::start(config, &server, &lesson, &host_link.url, &rooms).await?)
    } else {
        None
    };
    info!(rooms = rooms.len(), media = config.media, "everybody is here");

    let watched = Arc::new(Watched::default());
    let board = tokio::spawn(watch_board(heard, Arc::clone(&watched)));
    let (cpu_before, began) = (server.cpu()?, Instant::now());
    let acted = perform(config, host, &class, &rooms, &watched, media.is_some()).await;
    let (cpu_after, took) = (server.cpu()?, began.elapsed().as_secs_f64());
    let acted = acted?;
    board.abort();
    let attendance_off_pct = match &media {
        Some(_) => Some(end_and_compare(&server, &host_token, &lesson, &rooms).await?),
        None => None,
    };

    let stored = organiser.get::<Value>(&format!("/api/lessons/{lesson}/questions")).await?;
    let (answers_lost, answers) = lost(&acted.acknowledged, &stored);
    if let Some(media) = media {
        media.stop().await?;
    }
    let mut seen = watched.lock();
    let expired: Vec<_> = std::mem::take(&mut seen.expected).into_values().flatten().collect();
    let mut lags = std::mem::take(&mut seen.lags);
    let changes_lost = expired.iter().filter(|expected| expected.since.elapsed() >= LOST_AFTER).count();
    lags.extend((0..changes_lost).map(|_| millis(LOST_AFTER)));
    let cores = |before: Duration, after: Duration| round(after.saturating_sub(before).as_secs_f64() / took);
    let media_cores = cores(cpu_before.1.total(), cpu_after.1.total());
    let all_cores = cores(cpu_before.0.total(), cpu_after.0.total());
    Ok(ActSummary {
        rooms: rooms.len(),
        changes: lags.len(),
        board_lag_ms: Quantiles::of(lags),
        changes_lost,
        answers,
        answers_lost,
        answers_unacknowledged: acted.unacknowledged,
        attendance_off_pct,
        chart_ms: Quantiles::of(acted.charts),
        acknowledged_ms: Quantiles::of(acted.acknowledged_ms),
        signalling_cores: round(all_cores - media_cores),
        media_cores,
    })
}

/// Ends the lesson and compares the report with the log.
async fn end_and_compare(
    server: &Server,
    host_token: &str,
    lesson: &str,
    rooms: &[Room],
) -> anyhow::Result<(f64, f64)> {
    let host = Page::open(&server.base, "", host_token, None).await?;
    host.ask(json!({"type":"lesson.end"})).await?;
    let all_logged = async {
        while server.logged().len() < rooms.len() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), all_logged).await.context("the log does not name every room")?;
    let logged = server.logged();
    let report: Value = server.organiser()?.get(&format!("/api/lessons/{lesson}/report")).await?;
    let (mut sum_reported, mut sum_logged, mut worst) = (0.0, 0.0, 0.0f64);
    for place in report["places"].as_array().into_iter().flatten() {
        let reported = place["received_s"].as_f64().unwrap_or_default();
        let logged = place["id"].as_str().and_then(|id| logged.get(id)).copied().unwrap_or_default();
        sum_reported += reported;
        sum_logged += logged;
        worst = worst.max(off(reported, logged));
    }
    Ok((round(off(sum_reported, sum_logged)), round(worst)))
}

fn off(reported: f64, logged: f64) -> f64 {
    if logged > 0.0 { (reported - logged).abs() / logged * 100.0 } else { 100.0 }
}

/// A room's open pages.
struct Pages {
    screen: Page,
    phone: Page,
}

async fn open_rooms(server: &Server, rooms: &[Room]) -> anyhow::Result<Arc<Vec<Pages>>> {
    let mut opening = JoinSet::new();
    for (n, room) in rooms.iter().enumerate() {
        let (base, room) = (server.base.clone(), room.clone());
        let at = tokio::time::Instant::now() + Duration::from_secs(1) * n as u32 / JOINS_PER_SECOND;
        opening.spawn(async move {
            sleep_until(at).await;
            let screen = Page::open(&base, "", &room.screen, None).await?;
            let phone = Page::open(&base, "", &room.phone, None).await?;
            Ok::<_, super::PageError>((n, Pages { screen, phone }))
        });
    }
    let mut pages = BTreeMap::new();
    while let Some(opened) = opening.join_next().await {
        let (n, opened) = opened?.context("a room's page did not open")?;
        pages.insert(n, opened);
    }
    Ok(Arc::new(pages.into_values().collect()))
}

/// The host's voice and picture, and the rooms' receivers.
struct Media {
    stop: watch::Sender<bool>,
    host: tokio::task::JoinHandle<Result<(), host::HostError>>,
    crowd: Crowd,
}

impl Media {
    async fn start(
        config: &ActConfig,
        server: &Server,
        lesson: &str,
        host_link: &str,
        rooms: &[Room],
    ) -> anyhow::Result<Self> {
        let host_config = HostConfig { slides: false, ..HostConfig::new(&server.base, lesson, host_link) };
        let (status_tx, mut status) = watch::channel(HostStatus::default());
        let (stop, stopped) = watch::channel(false);
        let host = tokio::spawn(host::run(host_config, status_tx, stopped));
        timeout(Duration::from_secs(20), status.wait_for(|status| status.playing))
            .await
            .context("the host got no connection")??;
        let organiser = server.organiser()?;
        let doors = rooms.iter().map(|room| organiser.with_token(&room.screen)).collect();
        let crowd_config = ClassroomsConfig {
            server: server.base.clone(),
            lesson: lesson.to_owned(),
            entry: Entry::Token(String::new()),
            count: rooms.len(),
            duration: Duration::ZERO,
            join_over: Duration::from_secs_f64(rooms.len() as f64 / f64::from(JOINS_PER_SECOND)),
            threads: config.threads,
            gro: true,
            codecs: vec![Codec::H264, Codec::Vp8],
            link: None,
            over_tcp: false,
        };
        let mut crowd = Crowd::open(crowd_config, doors)?;
        crowd.join(Instant::now() + Duration::from_mins(2)).await;
        if let Some(refused) = crowd.refused().first() {
            bail!("{} rooms get no media: {refused}", crowd.refused().len());
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while crowd.look()?.watching < rooms.len() {
            if Instant::now() > deadline {
                bail!("{} of {} rooms see and hear the lesson", crowd.look()?.watching, rooms.len());
            }
            sleep(Duration::from_millis(250)).await;
        }
        Ok(Self { stop, host, crowd })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.host.await??;
        drop(self.crowd.leave().await?);
        Ok(())
    }
}

/// What the host's page is waited for to show.
#[derive(Default)]
struct Watched(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// For each room, the change that is under way.
    expected: BTreeMap<String, Option<Expected>>,
    lags: Vec<f64>,
    /// Rooms in the newest chart, by question, and when a whole one came.
    charts: BTreeMap<u64, (u64, Option<Instant>)>,
}

#[derive(Clone, Copy)]
struct Expected {
    frozen: bool,
    since: Instant,
}

impl Watched {
    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch_board(mut heard: mpsc::Receiver<Value>, watched: Arc<Watched>) {
    while let Some(said) = heard.recv().await {
        let now = Instant::now();
        let mut seen = watched.lock();
        let Seen { expected, lags, charts } = &mut *seen;
        match said["type"].as_str() {
            Some("board") => {
                for tile in said["tiles"].as_array().into_iter().flatten() {
                    let (Some(id), Some(state)) = (tile["id"].as_str(), tile["state"].as_str()) else {
                        continue;
                    };
                    if let Some(slot) = expected.get_mut(id)
                        && let Some(change) = *slot
                        && change.frozen == (state == "frozen")
                    {
                        lags.push(millis(now - change.since));
                        *slot = None;
                    }
                }
            }
            Some("tally") => {
                let (Some(no), Some(rooms)) = (said["question"].as_u64(), said["rooms"].as_u64()) else {
                    continue;
                };
                let whole = said["full"] == true;
                let chart = charts.entry(no).or_default();
                *chart = (rooms, if whole { Some(now) } else { chart.1 });
            }
            _ => {}
        }
    }
}

/// What the rooms did and were told.
#[derive(Default)]
struct Acted {
    /// The last acknowledged answer of every room, by question.
    acknowledged: BTreeMap<(u64, String), Value>,
    unacknowledged: usize,
    acknowledged_ms: Vec<f64>,
    charts: Vec<f64>,
}

async fn perform(
    config: &ActConfig,
    host: Page,
    class: &Arc<Vec<Pages>>,
    rooms: &[Room],
    watched: &Arc<Watched>,
    media: bool,
) -> anyhow::Result<Acted> {
    let end = tokio::time::Instant::now() + config.duration;
    let mut tasks = JoinSet::new();
    let frozen: Arc<Vec<std::sync::atomic::AtomicBool>> =
        Arc::new(rooms.iter().map(|_| false.into()).collect());
    tasks.spawn(report(Arc::clone(class), Arc::clone(&frozen)));
    if media {
        let ids: Vec<_> = rooms.iter().map(|room| room.id.clone()).collect();
        tasks.spawn(freeze(Arc::clone(class), ids, frozen, Arc::clone(watched), config.seed));
    }
    tasks.spawn(raise_hands(Arc::clone(class), config.seed));
    let mut acted = Acted::default();
    let mut no = 0;
    // The last question ends before the run does.
    while tokio::time::Instant::now() + QUESTION_OPEN + QUESTION_PAUSE < end {
        no += 1;
        let question =
            json!({"type":"question.open","kind":"choice","mode":"counts","options":4,"prompt":null});
        host.ask(question).await?;
        let opened = tokio::time::Instant::now();
        let mut answering = JoinSet::new();
        for (n, room) in rooms.iter().enumerate() {
            let (class, id) = (Arc::clone(class), room.id.clone());
            let mut chance = StdRng::seed_from_u64(config.seed ^ (no << 32) ^ n as u64);
            answering.spawn(async move {
                let twice = chance.random_bool(0.2);
                let mut last = None;
                for turn in 0..=u32::from(twice) {
                    let within = ANSWER_WITHIN / 2 * turn + (ANSWER_WITHIN / 2).mul_f64(chance.random());
                    sleep_until(opened + within).await;
                    let counts: Vec<u16> = (0..4).map(|_| chance.random_range(0..30)).collect();
                    let value = json!({ "counts": counts });
                    let sent_at = Instant::now();
                    let answer = json!({"type":"answer","question":no,"value":value});
                    match class[n].phone.ask(answer).await {
                        Ok(()) => last = Some((value, millis(sent_at.elapsed()))),
                        Err(error) => return Err(error),
                    }
                }
                Ok((id, last))
            });
        }
        while let Some(answered) = answering.join_next().await {
            match answered? {
                Ok((id, Some((value, took)))) => {
                    acted.acknowledged.insert((no, id), value);
                    acted.acknowledged_ms.push(took);
                }
                Ok((_, None)) => {}
                Err(error) => {
                    warn!(%error, "an answer was not acknowledged");
                    acted.unacknowledged += 1;
                }
            }
        }
        sleep_until(opened + QUESTION_OPEN).await;
        let closed_at = Instant::now();
        host.ask(json!({"type":"question.close"})).await?;
        let chart = async {
            loop {
                let whole = watched.lock().charts.get(&no).copied();
                if let Some((rooms, Some(at))) = whole
                    && at >= closed_at
                {
                    return (rooms, millis(at - closed_at));
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let (charted, took) = timeout(LOST_AFTER, chart).await.context("no chart after the close")?;
        if charted as usize != rooms.len() - acted.unacknowledged.min(rooms.len()) {
            warn!(charted, rooms = rooms.len(), "the chart does not hold every room");
        }
        acted.charts.push(took);
        sleep(QUESTION_PAUSE).await;
    }
    sleep_until(end).await;
    tasks.shutdown().await;
    // What was changed last may be on its way.
    sleep(Duration::from_secs(2)).await;
    Ok(acted)
}

/// Every screen says every 5 s how it is.
async fn report(class: Arc<Vec<Pages>>, frozen: Arc<Vec<std::sync::atomic::AtomicBool>>) {
    let step = REPORT_EVERY / class.len().max(1) as u32;
    let mut pace = interval(step);
    let mut frames = 0u64;
    loop {
        for (pages, frozen) in class.iter().zip(frozen.iter()) {
            pace.tick().await;
            frames += 1;
            let frozen = frozen.load(std::sync::atomic::Ordering::Relaxed);
            let _ = pages.screen.send(&told(frames, frozen)).await;
        }
    }
}

fn told(frames: u64, frozen: bool) -> Value {
    json!({"type":"report","frames_decoded":frames,"frozen":frozen,"audio_level":0.2,"muted":false,"visible":true,"path":"webrtc"})
}

/// Rooms freeze and thaw, one after the other; a room whose last change is not on the board yet is left alone.
async fn freeze(
    class: Arc<Vec<Pages>>,
    ids: Vec<String>,
    frozen: Arc<Vec<std::sync::atomic::AtomicBool>>,
    watched: Arc<Watched>,
    seed: u64,
) {
    use std::sync::atomic::Ordering;
    let mut chance = StdRng::seed_from_u64(seed);
    let mut pace = interval(FREEZE_EVERY);
    let mut frames = 1_000_000u64;
    loop {
        pace.tick().await;
        let n = chance.random_range(0..class.len());
        if watched.lock().expected.get(&ids[n]).is_some_and(Option::is_some) {
            continue;
        }
        let now_frozen = !frozen[n].load(Ordering::Relaxed);
        frozen[n].store(now_frozen, Ordering::Relaxed);
        frames += 1;
        let change = Expected { frozen: now_frozen, since: Instant::now() };
        watched.lock().expected.insert(ids[n].clone(), Some(change));
        let _ = class[n].screen.send(&told(frames, now_frozen)).await;
    }
}

async fn raise_hands(class: Arc<Vec<Pages>>, seed: u64) {
    let mut chance = StdRng::seed_from_u64(seed.rotate_left(17));
    let mut pace = interval(HAND_EVERY);
    let mut up = BTreeSet::new();
    loop {
        pace.tick().await;
        let n = chance.random_range(0..class.len());
        let raise = up.insert(n);
        if !raise {
            up.remove(&n);
        }
        if chance.next_u32() % 8 == 0 {
            let kind = if raise { "help" } else { "no_sound" };
            let _ = class[n].phone.ask(json!({"type":"help","kind":kind,"on":raise})).await;
        } else {
            let _ = class[n].phone.ask(json!({"type":"hand","up":raise})).await;
        }
    }
}

async fn drain(mut heard: mpsc::Receiver<Value>) {
    while heard.recv().await.is_some() {}
}

/// Acknowledged answers that are not in the stored results, and how many were acknowledged.
fn lost(acknowledged: &BTreeMap<(u64, String), Value>, stored: &Value) -> (usize, usize) {
    let mut kept = BTreeMap::new();
    for question in stored["questions"].as_array().into_iter().flatten() {
        for answer in question["answers"].as_array().into_iter().flatten() {
            if let (Some(no), Some(place)) = (question["no"].as_u64(), answer["place"].as_str()) {
                kept.insert((no, place.to_owned()), answer["value"].clone());
            }
        }
    }
    let lost = acknowledged.iter().filter(|(key, value)| kept.get(*key) != Some(*value)).count();
    (lost, acknowledged.len())
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_as_lost_when_another_or_none_is_stored() {
        let stored = json!({"questions":[{"no":1,"answers":[
            {"place":"a","value":{"counts":[1]}},{"place":"b","value":{"counts":[2]}}]}]});
        let said = |place: &str, count: u16| ((1, place.to_owned()), json!({ "counts": [count] }));
        let acknowledged = [said("a", 1), said("b", 9), said("c", 3)].into();
        assert_eq!(lost(&acknowledged, &stored), (2, 3));
    }
}
