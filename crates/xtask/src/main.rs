//! The commands of the README: `cargo xtask demo`, `smoke`, `test`.
//!
//! Everything a person would otherwise set up by hand happens here: pages and server are built, a
//! server with an embedded database is started, a sample lesson is taught into it, links are printed.
#![expect(clippy::print_stdout, reason = "a command line speaks to its user")]

mod api;
mod build;
mod demo;
mod dist;
mod instructions;
mod server;
mod smoke;
mod test;
mod tools;
mod weak_link;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Nhịp Cầu: dựng, chạy thử và kiểm tra · build, try and test")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything, start a server, teach a sample lesson into it and print the links.
    Demo(demo::Args),
    /// Server, sample lesson and one headless Chromium on the TV page; ends with one JSON line.
    Smoke(smoke::Args),
    /// Install or name what is missing, then run every check and test.
    Test(test::Args),
    /// Measure what a class sees and hears over a bad link; ends with one JSON line.
    WeakLink(weak_link::Args),
    /// Count the instructions of forwarding a packet and compare them with the committed figure.
    Instructions(instructions::Args),
    /// Build the pages only.
    Pages,
    /// Pack program, systemd unit, example configuration and install script into one archive for a server.
    Dist(dist::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Smoke(args) => smoke::run(&args),
        Command::Test(args) => test::run(&args),
        Command::WeakLink(args) => weak_link::run(&args),
        Command::Instructions(args) => instructions::run(&args),
        Command::Pages => build::pages(),
        Command::Dist(args) => dist::run(&args),
    }
}
