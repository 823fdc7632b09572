//! Observers who write: each opens rows and types into them as a page would send it, and checks in the end that the server
//! has every word.
//!
//! The pace is that of somebody who hardly looks up: a row every quarter of a minute, five letters a second. What is typed
//! is sent half a second after the last letter and at the latest two seconds after the first, as the page does.

use crate::{
    classrooms::Quantiles,
    process::{CpuTime, resident_kib},
    whip::token_of,
};
use anyhow::{Context, bail, ensure};
use notes::{Key, Register, Replica, Sheet, Stamp, TickClock};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::task::{JoinHandle, JoinSet};

/// One letter.
const LETTER: Duration = Duration::from_millis(200);
/// As the page: after the last letter, and at the latest after the first (`web/observer/notes/sender.ts`).
const REST: Duration = Duration::from_millis(500);
const REST_MAX: Duration = Duration::from_secs(2);
/// A page that is idle asks this often whether another device has written.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long a page waits before it repeats a failed request.
const AGAIN: Duration = Duration::from_secs(1);

const SENTENCES: [&str; 5] = [
    "Giáo viên nêu câu hỏi gợi mở, chờ học sinh suy nghĩ",
    "Học sinh thảo luận nhóm bốn, ghi vào phiếu học tập",
    "Nhóm cuối lớp còn lúng túng, cô đến hỗ trợ kịp thời",
    "Đa số học sinh nắm được cách tính biệt thức",
    "Chuyển hoạt động nhẹ nhàng, đúng thời gian",
];

/// Who writes, and for how long.
#[derive(Debug, Clone)]
pub struct WritingConfig {
    /// How many observers.
    pub count: usize,
    /// For how long.
    pub duration: Duration,
    /// Of what they write and when.
    pub seed: u64,
}

/// What became of their words.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// Rows opened.
    pub rows: usize,
    /// Letters typed.
    pub keystrokes: u64,
    /// Requests with words in them that were acknowledged.
    pub saves: usize,
    /// Requests that failed; they were repeated.
    pub failed: u64,
    /// From sending to the acknowledgement, milliseconds.
    pub ack_ms: Quantiles,
    /// Rows that the server does not have exactly as they were typed.
    pub wrong: usize,
}

/// What it cost the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ServerCost {
    /// Bytes the database file and its log grew by.
    pub database_bytes: u64,
    /// CPU time over the length of the run.
    pub cores: f64,
    /// Memory in RAM in the end.
    pub resident_kib: u64,
}

/// A measured run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What became of the words.
    pub written: Written,
    /// What it cost.
    pub server: ServerCost,
}

/// Starts a server of its own, lets observers write into it and measures both sides.
///
/// # Errors
/// When the server cannot be started, or refuses what a page would be allowed.
pub async fn measure(program: &Path, port: u16, config: &WritingConfig) -> anyhow::Result<Report> {
    let server = OwnServer::start(program, port)?;
    let base = format!("http://127.0.0.1:{port}");
    let (before, cpu, began) = (server.database_bytes()?, CpuTime::of(server.process.id())?, Instant::now());
    let written = write(&base, &server.organiser, config).await?;
    let used = CpuTime::of(server.process.id())?.since(cpu).total();
    Ok(Report {
        written,
        server: ServerCost {
            database_bytes: server.database_bytes()?.saturating_sub(before),
            cores: used.as_secs_f64() / began.elapsed().as_secs_f64(),
            resident_kib: resident_kib(server.process.id())?,
        },
    })
}

/// Lets observers write into a lesson made for them on a running server.
///
/// # Errors
/// When the server refuses what a page would be allowed.
pub async fn write(base: &str, organiser: &str, config: &WritingConfig) -> anyhow::Result<Written> {
    let http = reqwest::Client::new();
    let api = Api { http, base: base.to_owned() };
    let lesson =
        api.send(Method::POST, "/api/lessons", organiser, json!({"title": "Phương trình bậc hai"})).await?;
    let lesson = lesson["id"].as_str().context("a lesson has an id")?.to_owned();
    let path = format!("/api/lessons/{lesson}/invitations");
    let link = api.send(Method::POST, &path, organiser, json!({"role": "observer"})).await?;
    let link = token_of(link["url"].as_str().unwrap_or_default()).context("a link has a token")?.to_owned();
    let until = Instant::now() + config.duration;
    let mut observers = JoinSet::new();
    for number in 0..config.count {
        let seed = config.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let observer = Observer::begin(api.clone(), &lesson, &link, number, seed).await?;
        observers.spawn(observer.write(until));
    }
    let mut all =
        Written { rows: 0, keystrokes: 0, saves: 0, failed: 0, ack_ms: Quantiles::default(), wrong: 0 };
    let mut acks = Vec::new();
    while let Some(done) = observers.join_next().await {
        let (observer, rows) = done??;
        all.rows += rows;
        all.keystrokes += observer.keystrokes;
        all.failed += observer.failed;
        all.wrong += observer.wrong().await?;
        acks.extend(observer.acks);
    }
    all.saves = acks.len();
    all.ack_ms = Quantiles::of(acks);
    Ok(all)
}

#[derive(Clone)]
struct Api {
    http: reqwest::Client,
    base: String,
}

impl Api {
    async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> anyhow::Result<Value> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.timeout(Duration::from_secs(12)).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// A request on its way: what is in it, how it ends and how long that took.
struct Sending {
    keys: BTreeMap<Key, Register>,
    answer: JoinHandle<anyhow::Result<(Value, Duration)>>,
}

struct Observer {
    api: Api,
    token: String,
    replica: Replica,
    clock: TickClock,
    random: StdRng,
    sheet: Sheet,
    unsent: BTreeSet<Key>,
    typed_at: Instant,
    unsent_since: Option<Instant>,
    heard_at: Instant,
    again_at: Instant,
    since: u64,
    sending: Option<Sending>,
    keystrokes: u64,
    failed: u64,
    acks: Vec<f64>,
}

impl Observer {
    async fn begin(api: Api, lesson: &str, link: &str, number: usize, seed: u64) -> anyhow::Result<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut text = |length: usize| -> String {
            (0..length)
                .map(|_| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[random.random_range(0..32)]))
                .collect()
        };
        let (sheet, token) = (format!("0{}", text(12)), text(26));
        let path = format!("/api/lessons/{lesson}/sheets/{sheet}");
        api.send(Method::PUT, &path, link, json!({ "token": token })).await?;
        let now = Instant::now();
        let mut observer = Self {
            api,
            token,
            replica: format!("sim{number:05}").parse()?,
            clock: TickClock::default(),
            random,
            sheet: Sheet::default(),
            unsent: BTreeSet::new(),
            typed_at: now,
            unsent_since: None,
            heard_at: now,
            again_at: now,
            since: 0,
            sending: None,
            keystrokes: 0,
            failed: 0,
            acks: Vec::new(),
        };
        observer.put("head.observer", json!(format!("Người dự {number}")));
        observer.put("form.ref", json!({"id": "vn-12-20", "version": 1}));
        Ok(observer)
    }

    /// Writes until the time is over, then until everything is acknowledged. Gives the number of rows.
    async fn write(mut self, until: Instant) -> anyhow::Result<(Self, usize)> {
        let mut rows = 0;
        while Instant::now() < until {
            let pause = Duration::from_millis(self.random.random_range(3_000..12_000));
            self.pass(pause.min(until.saturating_duration_since(Instant::now()))).await;
            rows += 1;
            let stamp = self.stamp();
            let ms = wall_millis().cast_signed();
            self.put(&format!("row.r{stamp}.at"), json!({"ms": ms, "q": "picture"}));
            self.put(&format!("row.r{stamp}.pos"), json!(format!("{ms:015}{stamp}")));
            self.put(&format!("row.r{stamp}.phase"), json!("luyen_tap"));
            for field in ["teacher", "pupils", "remark"].into_iter().take(self.random.random_range(1..=3)) {
                let sentence = SENTENCES[self.random.random_range(0..SENTENCES.len())];
                for (end, _) in sentence.char_indices().skip(1).chain([(sentence.len(), ' ')]) {
                    self.put(&format!("row.r{stamp}.{field}"), json!(sentence[..end]));
                    self.keystrokes += 1;
                    self.pass(LETTER).await;
                }
            }
        }
        let patience = Instant::now() + Duration::from_mins(1);
        while !self.unsent.is_empty() || self.sending.is_some() {
            if Instant::now() > patience {
                bail!("words were not acknowledged within a minute");
            }
            self.pass(LETTER).await;
        }
        Ok((self, rows))
    }

    fn stamp(&mut self) -> Stamp {
        self.clock.tick(wall_millis()).by(self.replica)
    }

    fn put(&mut self, key: &str, value: Value) {
        let stamp = self.stamp();
        let key: Key = key.parse().expect("the simulation writes good keys");
        let mut register = self.sheet.registers().get(&key).cloned().unwrap_or_default();
        register.write(stamp, value);
        self.sheet.join(&key, &register);
        self.unsent.insert(key);
        let now = Instant::now();
        self.typed_at = now;
        self.unsent_since.get_or_insert(now);
    }

    /// Lets time pass, sending what is due as a page does.
    async fn pass(&mut self, span: Duration) {
        let end = Instant::now() + span;
        loop {
            self.hear().await;
            self.send_what_is_due();
            let now = Instant::now();
            if now >= end {
                return;
            }
            tokio::time::sleep(LETTER.min(end - now)).await;
        }
    }

    fn send_what_is_due(&mut self) {
        let now = Instant::now();
        if self.sending.is_some() || now < self.again_at {
            return;
        }
        let rested = now - self.typed_at >= REST;
        let long = self.unsent_since.is_some_and(|since| now - since >= REST_MAX);
        let has_words = !self.unsent.is_empty();
        if !(has_words && (rested || long) || now - self.heard_at >= LOOK_EVERY) {
            return;
        }
        let keys: BTreeMap<Key, Register> = self
            .unsent
            .iter()
            .filter_map(|key| Some((key.clone(), self.sheet.registers().get(key)?.clone())))
            .collect();
        self.unsent_since = None;
        let body = json!({"since": self.since, "registers": keys});
        let (api, token) = (self.api.clone(), self.token.clone());
        // Timed where it arrives: the observer looks up only between two letters.
        let answer = tokio::spawn(async move {
            let answer = api.send(Method::POST, "/api/sheet/registers", &token, body).await?;
            Ok((answer, now.elapsed()))
        });
        self.sending = Some(Sending { keys, answer });
    }

    async fn hear(&mut self) {
        if self.sending.as_ref().is_none_or(|sending| !sending.answer.is_finished()) {
            return;
        }
        let Some(Sending { keys, answer }) = self.sending.take() else { return };
        let now = Instant::now();
        self.heard_at = now;
        if let Ok(Ok((answer, took))) = answer.await {
            if !keys.is_empty() {
                self.acks.push(took.as_secs_f64() * 1_000.0);
            }
            self.since = answer["seq"].as_u64().unwrap_or(self.since);
            for (key, register) in &keys {
                if self.sheet.registers().get(key) == Some(register) {
                    self.unsent.remove(key);
                }
            }
        } else {
            self.failed += 1;
            self.again_at = now + AGAIN;
            self.unsent_since = Some(now);
        }
    }

    /// Rows the server does not have as they were typed.
    async fn wrong(&self) -> anyhow::Result<usize> {
        let export = self.api.send(Method::GET, "/api/sheet/export", &self.token, Value::Null).await?;
        let theirs: BTreeMap<Key, Register> = serde_json::from_value(export["registers"].clone())?;
        let theirs = theirs.into_iter().collect::<Sheet>().view().rows;
        let ours = self.sheet.view().rows;
        let same = ours.iter().zip(&theirs).filter(|(one, other)| one == other).count();
        Ok(ours.len().max(theirs.len()) - same)
    }
}

fn wall_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A server of this run's own; its data goes with it.
struct OwnServer {
    process: Child,
    organiser: String,
    data: tempfile::TempDir,
}

impl OwnServer {
    fn start(program: &Path, port: u16) -> anyhow::Result<Self> {
        let data = tempfile::tempdir().context("no folder for the server's data")?;
        let mut process = Command::new(program)
            .arg("serve")
            .env("NHIPCAU_LISTEN", format!("127.0.0.1:{port}"))
            .env("NHIPCAU_DATA_DIR", data.path())
            .env("NHIPCAU_LOG__LEVEL", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = process.stdout.take().context("the server has no output")?;
        let (found, link) = mpsc::sync_channel(1);
        // Reads for as long as the server lives, so that it never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(word) = line.split_whitespace().find(|word| word.contains("/to-chuc#t=")) {
                    let _ = found.try_send(word.to_owned());
                }
            }
        });
        let link = link.recv_timeout(Duration::from_secs(20)).ok();
        let Some(organiser) = link.as_deref().and_then(token_of).map(str::to_owned) else {
            let _ = process.kill();
            let _ = process.wait();
            bail!("the server printed no organiser link within 20 s");
        };
        Ok(Self { process, organiser, data })
    }

    /// The database and its write-ahead log.
    fn database_bytes(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(self.data.path())? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("nhipcau.db") {
                bytes += entry.metadata()?.len();
            }
        }
        Ok(bytes)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
