//! `nhipcau-sim link`: the link emulator between a browser and a server.

use anyhow::Context;
use clap::Args;
use sim::link::{self, LinkProcess, Profile};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

#[derive(Args)]
pub(crate) struct LinkArgs {
    /// How the link is at first: P1 to P8, or perfect.
    #[arg(long, default_value = "perfect")]
    profile: String,
    /// Seed of its losses and jitter.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's address, its pages' and its media's.
    #[arg(long)]
    server: SocketAddr,
    /// Address on which the place finds the link. Firefox uses none of the loopback interface.
    #[arg(long, default_value_t = IpAddr::from(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
}

pub(crate) async fn run(args: LinkArgs) -> anyhow::Result<()> {
    let known = link::PROFILES.join(", ");
    let profile = if args.profile == "perfect" {
        Profile::perfect()
    } else {
        link::profile(&args.profile)
            .with_context(|| format!("--profile {}: expected perfect or one of {known}", args.profile))?
    };
    link::serve(LinkProcess { profile, seed: args.seed, server: args.server, listen: args.listen }).await
}
