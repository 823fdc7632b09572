//! Child processes that end with us: the relay and the sample lesson.

use crate::build::Binaries;
use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// A child process that is asked to stop, then made to, when this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// The exit status if it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.0.try_wait().ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The polite way first: a drained server tells the classrooms and closes its database whole.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        for _ in 0..60 {
            if self.ended().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A started relay and the organiser link it printed.
pub(crate) struct Relay {
    pub(crate) process: Running,
    pub(crate) organiser_link: String,
}

/// Starts the relay on `listen` with its data in `data` and waits for its organiser link.
pub(crate) fn start_relay(binaries: &Binaries, root: &Path, data: &Path, listen: &str) -> Result<Relay> {
    let command = |words: &[&str]| {
        let mut command = Command::new(&binaries.server);
        command
            .args(words)
            .arg("--config")
            .arg(root.join("config/nhipcau.toml"))
            .env("NHIPCAU_LISTEN", listen)
            .env("NHIPCAU_DATA_DIR", data)
            .env("NHIPCAU_LOG__LEVEL", "warn");
        command
    };
    // Only the first start on a data folder prints the organiser's link; later ones are asked for a new one.
    let known = if data.join("nhipcau.db").exists() {
        let output = command(&["link", "organiser"]).output().context("cannot ask for an organiser link")?;
        organiser_link(&String::from_utf8_lossy(&output.stdout))
    } else {
        None
    };
    let mut child = command(&["serve"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the relay")?;
    let stdout = child.stdout.take().context("the relay has no output")?;
    let process = Running(child);
    let (found, link) = mpsc::sync_channel(1);
    // Reads on for as long as the relay lives, so that it never blocks on a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(link) = organiser_link(&line) {
                let _ = found.try_send(link);
            }
        }
    });
    if let Some(organiser_link) = known {
        wait_until_ready(&organiser_link)?;
        return Ok(Relay { process, organiser_link });
    }
    match link.recv_timeout(Duration::from_secs(20)) {
        Ok(organiser_link) => Ok(Relay { process, organiser_link }),
        Err(_) => bail!("the relay printed no organiser link within 20 s; its messages are above"),
    }
}

fn organiser_link(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.contains("/to-chuc#t=")).map(str::to_owned)
}

fn wait_until_ready(link: &str) -> Result<()> {
    let base = link.split("/to-chuc").next().unwrap_or(link);
    for _ in 0..200 {
        if ureq::get(format!("{base}/readyz")).call().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("the relay at {base} was not ready within 20 s; its messages are above")
}

/// Starts the synthetic host that teaches the sample lesson over WHIP.
pub(crate) fn start_sample_lesson(
    binaries: &Binaries,
    base: &str,
    lesson: &str,
    host_token: &str,
) -> Result<Running> {
    let child = Command::new(&binaries.sim)
        .args(["host", "--server", base, "--lesson", lesson, "--token", host_token, "--start"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the sample lesson")?;
    Ok(Running(child))
}
