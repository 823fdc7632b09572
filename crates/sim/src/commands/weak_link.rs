//! `nhipcau-sim weak-link`: one classroom over a bad link on the wall clock; one JSON line answers.

use anyhow::Context;
use clap::Args;
use sim::{
    link,
    weak::{self, WeakLinkConfig},
};
use std::{path::PathBuf, time::Duration};

#[derive(Args)]
pub(crate) struct WeakLinkArgs {
    /// Link of the classroom: P1 to P8.
    #[arg(long, default_value = "P2")]
    profile: String,
    /// How long it watches.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of the link's losses and jitter.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's program; default: `nhipcau` beside this one.
    #[arg(long)]
    server_program: Option<PathBuf>,
    /// The answer is one line of JSON in any case; kept for scripts that ask for it.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
pub(crate) async fn run(args: WeakLinkArgs) -> anyhow::Result<()> {
    let known = link::PROFILES.join(", ");
    let profile = link::profile(&args.profile)
        .with_context(|| format!("--profile {}: expected one of {known}", args.profile))?;
    let server = match args.server_program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("nhipcau"),
    };
    let duration = Duration::from_secs(args.seconds);
    let figures = weak::measure(&WeakLinkConfig { server, profile, seed: args.seed, duration }).await?;
    if !args.json {
        println!("{} for {} s with seed {}:", args.profile, args.seconds, args.seed);
    }
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
