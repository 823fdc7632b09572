//! The server as a process of its own, pinned to its core.

use super::metrics::Reading;
use crate::{
    process::{Cores, CpuTime, resident_kib},
    whip::{Door, token_of},
};
use anyhow::{Context, bail};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// A running server and its organiser's door.
pub(crate) struct Relay {
    process: Child,
    pub(crate) base: String,
    pub(crate) organiser: Door,
    /// Its database; removed when the relay is dropped.
    data: tempfile::TempDir,
}

impl Relay {
    /// Starts `binary serve` on `port` of the loopback interface with an empty database.
    pub(crate) fn start(binary: &Path, port: u16, cores: &Cores) -> anyhow::Result<Self> {
        let data = tempfile::tempdir().context("no folder for the server's data")?;
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .env("NHIPCAU_LISTEN", format!("127.0.0.1:{port}"))
            .env("NHIPCAU_DATA_DIR", data.path())
            .env("NHIPCAU_LOG__LEVEL", "warn")
            // A thousand classrooms of this benchmark share one address and one link.
            .env("NHIPCAU_LIMITS__PEERS_PER_LINK", "10000")
            .env("NHIPCAU_LIMITS__PEERS_PER_LESSON", "10000")
            .env("NHIPCAU_LIMITS__SESSIONS_PER_MINUTE", "100000")
            .env("NHIPCAU_LIMITS__CONNECTIONS_PER_ADDRESS", "10000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = cores
            .spawn_measured(&mut command)
            .with_context(|| format!("cannot start {}", binary.display()))?;
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
        let base = format!("http://127.0.0.1:{port}");
        let started = link
            .recv_timeout(Duration::from_secs(20))
            .ok()
            .and_then(|link| Door::new(&base, token_of(&link)?).ok());
        let Some(organiser) = started else {
            let _ = process.kill();
            let _ = process.wait();
            bail!("the server printed no organiser link within 20 s");
        };
        Ok(Self { process, base, organiser, data })
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn cpu(&self) -> anyhow::Result<CpuTime> {
        CpuTime::of(self.process.id()).context("the server has ended")
    }

    pub(crate) fn resident_kib(&self) -> anyhow::Result<u64> {
        resident_kib(self.process.id()).context("the server has ended")
    }

    pub(super) async fn metrics(&self) -> anyhow::Result<Reading> {
        Ok(Reading::parse(&self.organiser.metrics().await?))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Nothing of this server is worth draining.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
