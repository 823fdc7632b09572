//! The server as a process of its own, which may be killed and started again on the same data.

use crate::{
    process::CpuTime,
    whip::{Door, token_of},
};
use anyhow::{Context, bail};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};
use tempfile::TempDir;

/// From the start of the process to its greeting.
const GREETING_WITHIN: Duration = Duration::from_secs(30);

/// A server, running or killed.
pub struct Server {
    program: PathBuf,
    data: TempDir,
    process: Option<Child>,
    /// What its log says of each place: seconds of media, all connections together.
    log: Arc<Mutex<BTreeMap<String, f64>>>,
    /// `http://127.0.0.1:port`; another one after each start.
    pub base: String,
    organiser: String,
}

/// A place with a helper's phone.
#[derive(Debug, Clone)]
pub struct Room {
    /// Its id.
    pub id: String,
    /// The token of its screen.
    pub screen: String,
    /// The token of its helper's phone.
    pub phone: String,
}

impl Server {
    /// Starts `program serve` on a free port of the loopback interface with an empty database.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: PathBuf) -> anyhow::Result<Self> {
        let data = tempfile::tempdir().context("no folder for the server's data")?;
        let (log, base, organiser) = (Arc::default(), String::new(), String::new());
        let mut server = Self { program, data, process: None, log, base, organiser };
        let link = server.run()?.context("the first start prints the organiser's link")?;
        token_of(&link).context("the link has no token")?.clone_into(&mut server.organiser);
        Ok(server)
    }

    /// Starts it again after [`Server::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.run().map(drop)
    }

    fn run(&mut self) -> anyhow::Result<Option<String>> {
        let mut process = Command::new(&self.program)
            .arg("serve")
            .env("NHIPCAU_LISTEN", "127.0.0.1:0")
            .env("NHIPCAU_DATA_DIR", self.data.path())
            .env("NHIPCAU_LOG__LEVEL", "warn,server::lessons::accounts=info")
            .env("NHIPCAU_LOG__FORMAT", "json")
            // Hundreds of rooms of a run share one address.
            .env("NHIPCAU_LIMITS__CONNECTIONS_PER_ADDRESS", "10000")
            .env("NHIPCAU_LIMITS__WAITING_SOCKETS_PER_ADDRESS", "1000")
            .env("NHIPCAU_LIMITS__SESSIONS_PER_MINUTE", "100000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let output = process.stdout.take().context("the server has no output")?;
        let log = process.stderr.take().context("the server has no log")?;
        let received = Arc::clone(&self.log);
        std::thread::spawn(move || follow_log(log, &received));
        self.process = Some(process);
        let (say, said) = mpsc::channel();
        // Reads for as long as the server lives, so that it never blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        loop {
            let Ok(line) = said.recv_timeout(GREETING_WITHIN) else {
                self.kill();
                bail!("the server did not greet within {GREETING_WITHIN:?}");
            };
            if let Some(base) = line.strip_prefix("Nhịp Cầu: ") {
                base.trim_end_matches('/').clone_into(&mut self.base);
            }
            if let Some(link) = line.split_whitespace().find(|word| word.contains("/to-chuc#t=")) {
                return Ok(Some(link.to_owned()));
            }
            if line.contains("nhipcau link organiser") {
                return Ok(None);
            }
        }
    }

    /// SIGKILL: no farewell, nothing flushed.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// The organiser's door.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn organiser(&self) -> anyhow::Result<Door> {
        Ok(Door::new(&self.base, &self.organiser)?)
    }

    /// Seconds of media that the log says each place received, all its connections together; those that are over.
    pub fn logged(&self) -> BTreeMap<String, f64> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The organiser's token.
    pub fn organiser_token(&self) -> &str {
        &self.organiser
    }

    /// CPU time since its start: of everything, and of the media workers alone.
    pub(super) fn cpu(&self) -> anyhow::Result<(CpuTime, CpuTime)> {
        let pid = self.process.as_ref().context("the server does not run")?.id();
        Ok((CpuTime::of(pid)?, CpuTime::of_threads(pid, "media-")?))
    }

    /// Adds `count` rooms of a cluster, each with a phone that scanned its screen.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn rooms(&self, count: usize) -> anyhow::Result<Vec<Room>> {
        let organiser = self.organiser()?;
        let rows = (1..=count).map(|n| format!("Cụm {},Trường {},Phòng {n}\r\n", n % 8 + 1, n % 40 + 1));
        let table = format!("Cụm trường,Trường,Phòng\r\n{}", rows.collect::<String>());
        let report: Value = organiser.post_text("/api/places/import", "text/csv", table).await?;
        let created = report["created"].as_array().context("the import says what it created")?;
        let mut rooms = Vec::with_capacity(count);
        for place in created {
            let text = |key: &str| place[key].as_str().with_context(|| format!("{place} has no {key}"));
            let screen = token_of(text("url")?).context("a link without token")?.to_owned();
            let shown: Value =
                organiser.with_token(&screen).call("/api/helpers/ticket", &Value::Null).await?;
            let ticket = shown["url"].as_str().and_then(|url| url.split_once("#m=")).context("no ticket")?.1;
            let entry = serde_json::json!({ "ticket": ticket, "label": "nhipcau-sim" });
            let phone: Value = organiser.call("/api/helpers", &entry).await?;
            let phone = phone["token"].as_str().context("no token for the phone")?.to_owned();
            rooms.push(Room { id: text("id")?.to_owned(), screen, phone });
        }
        Ok(rooms)
    }
}

/// Adds up what the log says, and passes everything else that it says on.
fn follow_log(log: ChildStderr, received: &Mutex<BTreeMap<String, f64>>) {
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if let (Some(place), Some(seconds)) = (said["place.id"].as_str(), said["received_s"].as_f64()) {
            let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
            *received.entry(place.to_owned()).or_default() += seconds;
        } else {
            tracing::warn!("server: {line}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
