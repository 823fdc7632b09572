//! `cargo xtask instructions`: how many instructions forwarding a packet takes, against the committed figure.
//!
//! Times differ from machine to machine and from minute to minute; instructions do not. They are counted by callgrind, and only inside
//! the forwarding itself: sockets and kernel are not in it.

use crate::tools::{must_run, need_valgrind, root};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The committed figure, from the project's root.
const COMMITTED: &str = "crates/relay/benches/instructions.json";
/// More than this above it fails.
const TOLERANCE: f64 = 0.05;
const FRAMES: &str = "60";
/// The function in which is counted (`crates/relay/benches/forward`).
const COUNTED: &str = "--toggle-collect=*counted_frames*";

#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Write what is counted as the committed figure: a change that was meant, or an improvement to be kept.
    #[arg(long)]
    commit: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let valgrind = need_valgrind()?;
    let bench = build()?;
    let counted = count(&valgrind, &bench)?;
    let file = root().join(COMMITTED);
    if args.commit {
        let text =
            serde_json::to_string_pretty(&json!({ "instructions_per_packet": counted.round() }))? + "\n";
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{counted:.0} instructions a packet, written to {COMMITTED}");
        return Ok(());
    }
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let committed: Value = serde_json::from_str(&text).with_context(|| format!("{COMMITTED} is no JSON"))?;
    let committed = committed["instructions_per_packet"]
        .as_f64()
        .with_context(|| format!("{COMMITTED} lacks the figure"))?;
    let change = counted / committed - 1.0;
    println!("{counted:.0} instructions a packet, {committed:.0} committed: {:+.1} %", change * 100.0);
    ensure!(
        change <= TOLERANCE,
        "forwarding a packet takes {:.1} % more instructions than committed ({} % is the most): find out why, or, if \
         it is meant, run: cargo xtask instructions --commit",
        change * 100.0,
        TOLERANCE * 100.0
    );
    if change < -TOLERANCE {
        println!("Better than committed. Keep it: cargo xtask instructions --commit");
    }
    Ok(())
}

/// Builds the benchmark as a release is built; where it is.
fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--release", "--package", "relay", "--bench", "forward"])
        .current_dir(root());
    must_run(&mut cargo)?;
    let output = cargo.arg("--message-format=json").stderr(Stdio::null()).output()?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "forward")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo names no executable of the benchmark \"forward\"")
}

/// Instructions for one packet.
fn count(valgrind: &PathBuf, bench: &PathBuf) -> Result<f64> {
    let output = Command::new(valgrind)
        .args(["--tool=callgrind", "--collect-atstart=no", COUNTED, "--callgrind-out-file=/dev/null"])
        .arg(bench)
        .args(["--instructions", FRAMES])
        .output()
        .context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed ({}):\n{said}", output.status);
    }
    let packets =
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().context("no number of packets")?;
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse::<f64>().ok())
        .filter(|&count| count > 0.0)
        .with_context(|| format!("callgrind has collected nothing:\n{said}"))?;
    ensure!(packets > 0, "the benchmark has forwarded nothing");
    Ok(collected / f64::from(packets))
}
