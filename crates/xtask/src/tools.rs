//! Finding and running other programs, with errors that say what to install.

use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The checkout's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").components().collect()
}

/// Runs a command to its end, its output shown; an exit code other than 0 is an error.
pub(crate) fn must_run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let status = command.status().with_context(|| format!("cannot start: {shown}"))?;
    if !status.success() {
        bail!("failed ({status}): {shown}");
    }
    Ok(())
}

/// Whether `program` can be started with `--version`.
pub(crate) fn is_present(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Fails in words unless Node 20 or newer and npm are here.
pub(crate) fn need_node() -> Result<()> {
    let advice =
        "Node 20 or newer is needed to build the pages: install it from your distribution or nodejs.org";
    let output = Command::new("node").arg("--version").output().context(advice)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major: u32 = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .with_context(|| format!("node --version says {version:?}; {advice}"))?;
    if major < 20 {
        bail!("found Node {version}; {advice}");
    }
    if !is_present("npm") {
        bail!("npm is missing beside Node {version}; {advice}");
    }
    Ok(())
}

/// Path of a Chromium or Chrome; on Debian as root it is installed when missing.
pub(crate) fn need_chromium() -> Result<PathBuf> {
    need_debian_program(&["chromium", "chromium-browser", "google-chrome"], "chromium")
}

/// Path of Firefox; on Debian as root it is installed when missing.
pub(crate) fn need_firefox() -> Result<PathBuf> {
    need_debian_program(&["firefox-esr", "firefox"], "firefox-esr")
}

/// Path of `LibreOffice`, which opens the papers that leave the pages as a school's office does.
pub(crate) fn need_office() -> Result<PathBuf> {
    need_debian_program(&["soffice", "libreoffice"], "libreoffice-writer-nogui")
}

/// Path of poppler's `pdftotext`; its other programs come with it.
pub(crate) fn need_poppler() -> Result<PathBuf> {
    need_debian_program(&["pdftotext"], "poppler-utils")
}

/// Path of valgrind, which counts instructions.
pub(crate) fn need_valgrind() -> Result<PathBuf> {
    need_debian_program(&["valgrind"], "valgrind")
}

fn need_debian_program(names: &[&str], package: &str) -> Result<PathBuf> {
    if let Some(found) = names.iter().find_map(|name| find(name)) {
        return Ok(found);
    }
    let can_install = find("apt-get").is_some()
        && Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    if !can_install {
        bail!("{package} is needed for the tests: install it (Debian: sudo apt-get install {package})");
    }
    println!("installing {package} …");
    must_run(Command::new("apt-get").args(["update", "-qq"]))?;
    must_run(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends", package])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null()),
    )?;
    names
        .iter()
        .find_map(|name| find(name))
        .with_context(|| format!("{package} was installed but cannot be found"))
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}
