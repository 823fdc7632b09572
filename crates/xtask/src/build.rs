//! Building pages (npm) and binaries (cargo).

use crate::tools::{must_run, need_node, root};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// Which of cargo's builds is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Shared with the tests; optimised enough for two hundred simulated classrooms.
    Dev,
    /// What a school runs.
    Release,
}

impl Profile {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Profile::Dev => "debug",
            Profile::Release => "release",
        }
    }
}

/// The two binaries, built.
pub(crate) struct Binaries {
    pub(crate) server: PathBuf,
    pub(crate) sim: PathBuf,
}

/// Installs the npm packages of `folder` when its lock file changed since the last time.
pub(crate) fn npm_install(folder: &Path) -> Result<()> {
    need_node()?;
    let lock = folder.join("package-lock.json");
    let installed = folder.join("node_modules/.package-lock.json");
    if modified(&installed) >= modified(&lock) && installed.exists() {
        return Ok(());
    }
    // Not `npm ci`: that refuses a lock file in which another platform's optional binary (Biome's for Windows,
    // say) is missing because the registry it was written from does not carry it. What the lock names is what
    // gets installed either way, and nothing is written back.
    must_run(
        Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder),
    )
}

/// Builds the pages into `web/dist` unless they are newer than all their sources.
pub(crate) fn pages() -> Result<()> {
    let web = root().join("web");
    npm_install(&web)?;
    let built = modified(&web.join("dist/.built"));
    // The observer's page brings the built-in forms, so that it knows them without a network.
    let newest = newest_source(&web).max(newest_source(&root().join("crates/notes/forms")));
    if built.is_some() && built >= newest {
        return Ok(());
    }
    must_run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&web))?;
    fs::write(web.join("dist/.built"), "").context("cannot mark web/dist as built")
}

/// Builds `nhipcau` (with the pages inside) and `nhipcau-sim`.
pub(crate) fn binaries(profile: Profile) -> Result<Binaries> {
    pages()?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--bins"]).current_dir(root());
    match profile {
        // The same set as the tests' build: another set means other features of shared crates, and with them
        // nearly every dependency compiled a second time.
        Profile::Dev => cargo.args(["--workspace", "--tests"]),
        Profile::Release => cargo.args(["--package", "server", "--package", "sim", "--release"]),
    };
    must_run(&mut cargo)?;
    let folder = target_folder().join(profile.folder());
    Ok(Binaries { server: folder.join("nhipcau"), sim: folder.join("nhipcau-sim") })
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|meta| meta.modified()).ok()
}

fn newest_source(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .filter_map(Result::ok)
        .filter(|entry| !matches!(entry.file_name().to_str(), Some("node_modules" | "dist")))
        .filter_map(|entry| {
            if entry.path().is_dir() { newest_source(&entry.path()) } else { modified(&entry.path()) }
        })
        .max()
}
