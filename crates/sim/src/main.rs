//! `nhipcau-sim`: a synthetic host, light classrooms and benchmarks on the command line.

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::Codec;
use sim::host::{self, HostConfig, HostStatus};
use std::time::Duration;
use tokio::sync::watch;
use tracing::info;

#[derive(Parser)]
#[command(name = "nhipcau-sim", version, about = "A synthetic host and classrooms for Nhịp Cầu")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays the sample lesson into a server, for ever or for some seconds.
    Host(HostArgs),
}

#[derive(Args)]
struct HostArgs {
    /// Address of the server, http://host:port.
    #[arg(long)]
    server: String,
    /// The lesson's id.
    #[arg(long)]
    lesson: String,
    /// A host token of the lesson, or the whole host link.
    #[arg(long, env = "NHIPCAU_TOKEN", hide_env_values = true)]
    token: String,
    /// Codec of the camera; slides are always VP8.
    #[arg(long, value_enum, default_value = "vp8")]
    codec: CodecArg,
    /// Publish no slides.
    #[arg(long)]
    no_slides: bool,
    /// Publish no voice.
    #[arg(long)]
    no_voice: bool,
    /// End after so many seconds; without it, play until stopped.
    #[arg(long)]
    seconds: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum CodecArg {
    Vp8,
    H264,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                // The library reports every dropped packet of a closing connection.
                .unwrap_or_else(|_| "info,webrtc=error,rtc=error".into()),
        )
        .init();
    match Cli::parse().command {
        Command::Host(args) => play_host(args).await,
    }
}

async fn play_host(args: HostArgs) -> anyhow::Result<()> {
    let config = HostConfig {
        codec: match args.codec {
            CodecArg::Vp8 => Codec::Vp8,
            CodecArg::H264 => Codec::H264,
        },
        slides: !args.no_slides,
        voice: !args.no_voice,
        ..HostConfig::new(&args.server, &args.lesson, &args.token)
    };
    let (status_tx, status) = watch::channel(HostStatus::default());
    let (stop_tx, stop) = watch::channel(false);
    let seconds = args.seconds;
    tokio::spawn(async move {
        let end = async {
            match seconds {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = end => {}
            () = asked_to_stop() => {}
        }
        stop_tx.send_replace(true);
    });
    host::run(config, status_tx, stop).await.context("the sample lesson could not be published")?;
    let status = *status.borrow();
    if status.connections == 0 {
        bail!("the host never got a media connection");
    }
    info!(
        connections = status.connections,
        packets = status.packets,
        keyframe_requests = status.keyframe_requests,
        "the host has left"
    );
    Ok(())
}

/// Resolves on ctrl-C, and on SIGTERM where that exists.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
