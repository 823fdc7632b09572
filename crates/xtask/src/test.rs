//! `cargo xtask test`: everything that has to hold, in the order that fails soonest.

use crate::{
    build::{Profile, binaries, npm_install, pages},
    tools::{
        is_present, must_run, need_chromium, need_firefox, need_node, need_office, need_poppler,
        need_valgrind, root,
    },
};
use anyhow::{Result, bail};
use std::{process::Command, time::Instant};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the steps whose name contains this text.
    #[arg(long)]
    only: Option<String>,
    /// List the steps and stop.
    #[arg(long)]
    list: bool,
}

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("tools", tools),
    ("rust format", || cargo(&["fmt", "--all", "--", "--check"])),
    ("pages install", || npm_install(&root().join("web"))),
    ("pages check", || npm("web", "check")),
    ("pages unit", || npm("web", "test")),
    ("pages build", pages),
    ("rust clippy", || cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("rust test", rust_tests),
    ("instructions", || crate::instructions::run(&crate::instructions::Args::default())),
    ("binaries", || binaries(Profile::Dev).map(drop)),
    ("browser install", || npm_install(&root().join("tests/browser"))),
    ("browser test", browser_tests),
    ("smoke", || crate::smoke::run(&crate::smoke::Args::for_tests())),
];

/// Runs the steps in order and stops at the first that fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.list {
        for (name, _) in STEPS {
            println!("{name}");
        }
        return Ok(());
    }
    let only = args.only.as_deref();
    let mut passed = 0;
    for (name, step) in STEPS.iter().filter(|(name, _)| only.is_none_or(|only| name.contains(only))) {
        println!("\n=== {name}");
        let began = Instant::now();
        if let Err(error) = step() {
            bail!("step {name:?} failed: {error:#}");
        }
        println!("{:>7.1} s  {name}", began.elapsed().as_secs_f64());
        passed += 1;
    }
    if passed == 0 {
        bail!("no step has {:?} in its name; see --list", only.unwrap_or_default());
    }
    println!("\n{passed} passed, 0 failed");
    Ok(())
}

fn tools() -> Result<()> {
    need_node()?;
    println!("chromium: {}", need_chromium()?.display());
    println!("firefox:  {}", need_firefox()?.display());
    println!("office:   {}", need_office()?.display());
    println!("poppler:  {}", need_poppler()?.display());
    println!("valgrind: {}", need_valgrind()?.display());
    Ok(())
}

fn cargo(args: &[&str]) -> Result<()> {
    must_run(Command::new(env!("CARGO")).args(args).current_dir(root()))
}

fn rust_tests() -> Result<()> {
    if is_present("cargo-nextest") {
        cargo(&["nextest", "run", "--workspace", "--cargo-quiet", "--no-fail-fast"])?;
        cargo(&["test", "--quiet", "--workspace", "--doc"])
    } else {
        cargo(&["test", "--quiet", "--workspace"])
    }
}

fn npm(folder: &str, script: &str) -> Result<()> {
    must_run(Command::new("npm").args(["run", "--silent", script]).current_dir(root().join(folder)))
}

fn browser_tests() -> Result<()> {
    must_run(
        Command::new("npm")
            .args(["run", "--silent", "test"])
            .env("CHROMIUM", need_chromium()?)
            .env("FIREFOX", need_firefox()?)
            .env("SOFFICE", need_office()?)
            .current_dir(root().join("tests/browser")),
    )
}
