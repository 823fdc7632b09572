//! `cargo xtask weak-link`: what a class sees and hears over a bad link, measured on the real server. One JSON line answers.

use crate::{
    build::{Profile, binaries, npm_install},
    tools::{need_chromium, root},
};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::process::{Command, Stdio};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Link of the class: P1 to P8.
    #[arg(long, default_value = "P2")]
    profile: String,
    /// What happens to the link.
    #[arg(long, value_enum, default_value = "profile")]
    scenario: Scenario,
    /// Teacher and class in Chromium; without it both are synthetic.
    #[arg(long)]
    browser: bool,
    /// How long the class watches, from the moment it begins to connect.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Seed of losses and jitter.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The class comes so often; the figures are medians.
    #[arg(long, default_value_t = 1)]
    runs: u32,
    /// Outages of `--scenario outage`.
    #[arg(long, default_value_t = 3)]
    times: u32,
    /// Measure the release build.
    #[arg(long)]
    release: bool,
    /// End with one JSON line (it is printed either way; this silences the rest).
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// The profile as it is.
    Profile,
    /// 300 kbit/s down with a queue of 200 ms.
    Narrow,
    /// 2 Mbit/s, then 250 kbit/s for 20 s, then 2 Mbit/s again.
    Step,
    /// 20 s of nothing, again and again.
    Outage,
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Scenario::Profile => "profile",
            Scenario::Narrow => "narrow",
            Scenario::Step => "step",
            Scenario::Outage => "outage",
        }
    }
}

/// Builds what is needed and measures.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.json {
        println!("building …");
    }
    let profile = if args.release { Profile::Release } else { Profile::Dev };
    let built = binaries(profile)?;
    let mut command = if args.browser {
        let folder = root().join("tests/browser");
        npm_install(&folder)?;
        let Args { profile: link, scenario, seconds, seed, runs, times, .. } = args;
        let options = serde_json::json!({
            "profile": link, "scenario": scenario.name(), "seconds": seconds, "seed": seed, "runs": runs, "times": times,
        });
        let mut command = Command::new("node");
        command
            .args(["weak-link.mjs", &options.to_string()])
            .env("CHROMIUM", need_chromium()?)
            .env("NHIPCAU_PROFILE", profile.folder())
            .current_dir(folder);
        command
    } else {
        if args.scenario != Scenario::Profile || args.runs != 1 {
            bail!("--scenario and --runs need --browser");
        }
        let mut command = Command::new(&built.sim);
        command.args(["weak-link", "--profile", &args.profile, "--json"]).args([
            "--seconds",
            &args.seconds.to_string(),
            "--seed",
            &args.seed.to_string(),
        ]);
        command
    };
    let output = command.stderr(Stdio::inherit()).output().context("the measurement cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    if !output.status.success() {
        bail!("the measurement failed ({})", output.status);
    }
    let result: serde_json::Value = serde_json::from_str(last)
        .with_context(|| format!("the measurement ended without its JSON line: {said}"))?;
    println!("{result}");
    Ok(())
}
