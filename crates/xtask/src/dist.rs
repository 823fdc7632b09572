//! `cargo xtask dist`: what a deployer takes to a server, as one file.

use crate::{
    build::{Profile, binaries},
    tools::{must_run, root},
};
use anyhow::{Context, Result, ensure};
use std::{
    env::consts::ARCH,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Files beside the program, by where they are in the checkout.
const FILES: [&str; 4] = [
    "config/nhipcau.toml",
    "config/dist/nhipcau.service",
    "config/dist/nhipcau-sysctl.conf",
    "config/dist/install.sh",
];
const GUIDE: &str = "config/dist/HUONG-DAN.txt";
/// Libraries of the system that every Linux with glibc has.
const SYSTEM_LIBRARIES: [&str; 6] = ["linux-vdso", "libgcc_s", "libm", "libc", "ld-linux", "libpthread"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder for the archive.
    #[arg(long, default_value = "target/dist")]
    out: PathBuf,
    /// Pack the quicker development build, to try the packing itself.
    #[arg(long)]
    dev: bool,
}

/// Builds, packs and checks the archive.
pub(crate) fn run(args: &Args) -> Result<()> {
    let binaries = binaries(if args.dev { Profile::Dev } else { Profile::Release })?;
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("nhipcau-{version}-linux-{ARCH}");
    let out = root().join(&args.out);
    let folder = out.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    copy(&binaries.server, &folder.join("nhipcau"))?;
    for file in FILES {
        let from = root().join(file);
        let to = folder.join(from.file_name().context("a file has a name")?);
        copy(&from, &to)?;
    }
    let guide = fs::read_to_string(root().join(GUIDE))?.replace("{version}", version).replace("{arch}", ARCH);
    fs::write(folder.join("HUONG-DAN.txt"), guide)?;
    stands_alone(&folder.join("nhipcau"))?;
    // What a deployer runs first must work before it is handed over.
    must_run(
        Command::new(folder.join("nhipcau"))
            .args(["check-config", "--config"])
            .arg(folder.join("nhipcau.toml")),
    )?;

    let archive = format!("{name}.tar.gz");
    must_run(
        Command::new("tar")
            .args(["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-czf"])
            .arg(&archive)
            .arg(&name)
            .current_dir(&out),
    )?;
    let sum = Command::new("sha256sum")
        .arg(&archive)
        .current_dir(&out)
        .output()
        .context("cannot start sha256sum")?;
    ensure!(sum.status.success(), "sha256sum failed");
    fs::write(out.join(format!("{archive}.sha256")), &sum.stdout)?;
    println!("{}", out.join(&archive).display());
    print!("{}", String::from_utf8_lossy(&sum.stdout));
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// The program needs nothing but the C library: whoever unpacks it installs nothing else.
fn stands_alone(program: &Path) -> Result<()> {
    let Ok(output) = Command::new("ldd").arg(program).output() else {
        println!("(no ldd here: what the program links to was not looked at)");
        return Ok(());
    };
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let foreign: Vec<_> = listed
        .lines()
        .map(str::trim)
        .filter(|line| {
            !SYSTEM_LIBRARIES.iter().any(|known| line.rsplit('/').any(|part| part.starts_with(known)))
        })
        .filter(|line| !line.contains("statically linked"))
        .collect();
    ensure!(foreign.is_empty(), "the program needs libraries that a server may not have: {foreign:?}");
    Ok(())
}
