//! `cargo xtask smoke`: does a classroom see and hear the lesson? One JSON line answers.

use crate::{
    api::Api,
    build::{Profile, binaries, npm_install},
    server::{start_relay, start_sample_lesson},
    tools::{need_chromium, root},
};
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// End with one JSON line (it is printed either way; this silences the rest).
    #[arg(long)]
    json: bool,
    /// Seconds the classroom watches.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Port for pages and media; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

impl Args {
    /// What `cargo xtask test` uses.
    pub(crate) fn for_tests() -> Self {
        Self { json: true, seconds: 8, port: 0 }
    }
}

/// Starts server, sample lesson and one headless Chromium on the TV page.
pub(crate) fn run(args: &Args) -> Result<()> {
    let chromium = need_chromium()?;
    let browser = root().join("tests/browser");
    npm_install(&browser)?;
    if !args.json {
        println!("building …");
    }
    let binaries = binaries(Profile::Dev)?;
    let data = tempfile::tempdir()?;
    let relay = start_relay(&binaries, &root(), data.path(), &format!("127.0.0.1:{}", args.port))?;
    let organiser = Api::from_link(&relay.organiser_link)?;
    let lesson = organiser.create_lesson("Chạy thử", "Điểm cầu chính")?;
    let place = organiser.create_place("Điểm cầu thử")?;
    let host = organiser.invite(&lesson, "host", "smoke")?;
    let _sample = start_sample_lesson(&binaries, organiser.base(), &lesson, Api::from_link(&host)?.token())?;
    let output = Command::new("node")
        .args(["smoke.mjs", &place, &args.seconds.to_string()])
        .env("CHROMIUM", chromium)
        .current_dir(&browser)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start node")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    let result: serde_json::Value = serde_json::from_str(last)
        .with_context(|| format!("the browser run ended without its JSON line: {said}"))?;
    println!("{result}");
    if result["ok"] != true {
        bail!("the classroom did not see and hear the lesson");
    }
    Ok(())
}
