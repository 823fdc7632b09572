//! `nhipcau-sim`: a synthetic host, light classrooms and benchmarks on the command line.

mod commands;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{Bitrate, Codec};
use sim::{
    classrooms::{self, ClassroomsConfig, Entry, Summary},
    fanout::{self, FanoutConfig},
    host::{self, HostConfig, HostStatus},
    lesson::{self, ActConfig, ActSummary, RecoverConfig},
    link,
    observers::{self, WritingConfig},
    ways::{self, Way, WaysConfig},
};
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

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
    /// Lets many light classrooms join and watch, and counts what reached them. With `--act lesson` it starts a server of
    /// its own, and the rooms raise hands, answer and report while the host's board is watched.
    Classrooms(ClassroomsArgs),
    /// Kills a server in the middle of a lesson, again and again, and compares what is left with what was acknowledged.
    Recover(RecoverArgs),
    /// Lets observers write their sheets into a server of its own, and measures how soon their words are safe.
    Observers(ObserversArgs),
    /// Measures what one lesson to many classrooms costs the server, beside the floor of kernel and cipher.
    Fanout(FanoutArgs),
    /// Runs a lesson and one place under a virtual clock, seed by seed.
    World(commands::world::WorldArgs),
    /// A bad link as a process: prints where it listens, then obeys lines of JSON on standard input.
    Link(commands::link::LinkArgs),
    /// Measures what a viewer costs the server over UDP, over TCP, and as segments.
    Ways(WaysArgs),
    /// Measures what one classroom hears and sees over a bad link, on a server of its own.
    WeakLink(commands::weak_link::WeakLinkArgs),
    /// The sending half of the floor; started by `fanout`.
    #[command(hide = true)]
    Floor,
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
    /// Make the lesson live first.
    #[arg(long)]
    start: bool,
    /// Publish no slides.
    #[arg(long)]
    no_slides: bool,
    /// Publish no voice.
    #[arg(long)]
    no_voice: bool,
    /// Send media to this UDP port instead of the announced one: for a host inside a network whose classrooms come through a firewall.
    #[arg(long)]
    media_port: Option<u16>,
    /// End after so many seconds; without it, play until stopped.
    #[arg(long)]
    seconds: Option<u64>,
}

#[derive(Args)]
struct ClassroomsArgs {
    /// Address of the server, http://host:port.
    #[arg(long, required_unless_present = "act")]
    server: Option<String>,
    /// The lesson's id.
    #[arg(long, required_unless_present = "act")]
    lesson: Option<String>,
    /// An observer's, place's or host's token or link, shown by every classroom.
    #[arg(long, env = "NHIPCAU_TOKEN", hide_env_values = true, required_unless_present_any = ["organiser", "act"])]
    token: Option<String>,
    /// An organiser's token or link: an invitation is made for the run and revoked after it.
    #[arg(long, env = "NHIPCAU_ORGANISER", hide_env_values = true)]
    organiser: Option<String>,
    /// How many classrooms.
    #[arg(long, default_value_t = 20)]
    count: usize,
    /// Length of the run, joining included.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Seconds over which they join.
    #[arg(long, default_value_t = 5)]
    join_over: u64,
    /// Threads they share.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A bad link for each of them: P1 to P8.
    #[arg(long)]
    profile: Option<String>,
    /// Come over TCP, as where a network blocks UDP.
    #[arg(long)]
    over_tcp: bool,
    /// Seed of the links' losses.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the rooms do besides watching; starts a server of its own.
    #[arg(long, value_enum)]
    act: Option<ActArg>,
    /// With `--act`: no pictures and sound, only messages.
    #[arg(long)]
    no_media: bool,
    /// With `--act`: the server's program; default: `nhipcau` beside this one.
    #[arg(long)]
    server_program: Option<std::path::PathBuf>,
    /// End with one line of JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ActArg {
    /// Hands, answers, status reports.
    Lesson,
}

#[derive(Args)]
struct RecoverArgs {
    /// Kills.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Rooms of the lesson.
    #[arg(long, default_value_t = 8)]
    rooms: usize,
    /// Seed of who does what, and when the kill comes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's program; default: `nhipcau` beside this one.
    #[arg(long)]
    server_program: Option<std::path::PathBuf>,
    /// End with one line of JSON instead of a sentence.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ObserversArgs {
    /// How many observers.
    #[arg(long, default_value_t = 50)]
    count: usize,
    /// Length of the lesson.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of what they write and when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's program; default: `nhipcau` beside this one.
    #[arg(long)]
    server_program: Option<std::path::PathBuf>,
    /// A free port on the loopback interface.
    #[arg(long, default_value_t = 26_400)]
    port: u16,
    /// One line of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct FanoutArgs {
    /// Numbers of viewers, one measurement each.
    #[arg(long, value_delimiter = ',', default_value = "50,200,1000")]
    viewers: Vec<usize>,
    /// Rate of the picture every viewer gets, kbit/s.
    #[arg(long, default_value_t = 2_500)]
    video_kbps: u64,
    /// Send the voice too.
    #[arg(long)]
    audio: bool,
    /// Length of each measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Viewers that join in a second.
    #[arg(long, default_value_t = 50)]
    joins_per_second: usize,
    /// Let receivers take bursts as one piece: on loopback that relieves the sender of cutting them.
    #[arg(long)]
    gro: bool,
    /// The server's program; default: `nhipcau` beside this one.
    #[arg(long)]
    server_program: Option<std::path::PathBuf>,
    /// A free port, TCP and UDP, on the loopback interface.
    #[arg(long, default_value_t = 26_300)]
    port: u16,
    /// One line of JSON for each number of viewers instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct WaysArgs {
    /// Viewers of each way.
    #[arg(long, default_value_t = 200)]
    viewers: usize,
    /// The ways, one measurement each.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "udp,tcp,segments")]
    over: Vec<WayArg>,
    /// Rate of the picture every viewer gets, kbit/s.
    #[arg(long, default_value_t = 1_000)]
    video_kbps: u64,
    /// Length of each measurement.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Viewers that come in a second.
    #[arg(long, default_value_t = 20)]
    joins_per_second: usize,
    /// The server's program; default: `nhipcau` beside this one.
    #[arg(long)]
    server_program: Option<std::path::PathBuf>,
    /// A free port, TCP and UDP, on the loopback interface.
    #[arg(long, default_value_t = 26_310)]
    port: u16,
    /// One line of JSON for each way instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum WayArg {
    Udp,
    Tcp,
    Segments,
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
                // The libraries report every dropped packet of a closing connection, and more.
                .unwrap_or_else(|_| "info,webrtc=error,rtc=error,rtc_dtls=error,rtc_ice=error".into()),
        )
        .init();
    match Cli::parse().command {
        Command::Host(args) => play_host(args).await,
        Command::Classrooms(args) if args.act.is_some() => act_lesson(args).await,
        Command::Classrooms(args) => fill_classrooms(args).await,
        Command::Recover(args) => kill_and_compare(args).await,
        Command::Observers(args) => let_observers_write(args).await,
        Command::Fanout(args) => measure_fanout(args).await,
        Command::World(args) => commands::world::run(&args),
        Command::Link(args) => commands::link::run(args).await,
        Command::Ways(args) => measure_ways(args).await,
        Command::WeakLink(args) => commands::weak_link::run(args).await,
        Command::Floor => send_floor(),
    }
}

async fn play_host(args: HostArgs) -> anyhow::Result<()> {
    let config = HostConfig {
        codec: match args.codec {
            CodecArg::Vp8 => Codec::Vp8,
            CodecArg::H264 => Codec::H264,
        },
        start: args.start,
        slides: !args.no_slides,
        voice: !args.no_voice,
        media_port: args.media_port,
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

async fn fill_classrooms(args: ClassroomsArgs) -> anyhow::Result<()> {
    let entry = match (args.organiser, args.token) {
        (Some(organiser), _) => Entry::Organiser(organiser),
        (None, Some(token)) => Entry::Token(token),
        (None, None) => bail!("--token or --organiser is needed"),
    };
    let link = match args.profile {
        Some(name) => {
            let known = link::PROFILES.join(", ");
            let profile =
                link::profile(&name).with_context(|| format!("--profile {name}: expected one of {known}"))?;
            Some((profile, args.seed))
        }
        None => None,
    };
    let summary = classrooms::run(ClassroomsConfig {
        server: args.server.context("--server is needed")?,
        lesson: args.lesson.context("--lesson is needed")?,
        entry,
        count: args.count,
        duration: Duration::from_secs(args.seconds),
        join_over: Duration::from_secs(args.join_over),
        threads: args.threads,
        gro: true,
        codecs: vec![Codec::H264, Codec::Vp8],
        link,
        over_tcp: args.over_tcp,
    })
    .await?;
    print(&summary, args.json)?;
    if summary.failed > 0 {
        bail!("{} of {} classrooms failed", summary.failed, args.count);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
async fn act_lesson(args: ClassroomsArgs) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        warn!("this is a development build: its figures say little");
    }
    let summary = lesson::act(&ActConfig {
        server: program(args.server_program)?,
        count: args.count,
        duration: Duration::from_secs(args.seconds),
        media: !args.no_media,
        threads: args.threads,
        seed: args.seed,
    })
    .await?;
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        let ActSummary { rooms, board_lag_ms: lag, changes, changes_lost, chart_ms: chart, .. } = &summary;
        println!(
            "{rooms} rooms; {changes} changes on the board after {:.0} ms (p95 {:.0}, longest {:.0}), {changes_lost} never",
            lag.p50, lag.p95, lag.max
        );
        println!(
            "{} answers acknowledged after {:.0} ms (p95 {:.0}); {} lost",
            summary.answers, summary.acknowledged_ms.p50, summary.acknowledged_ms.p95, summary.answers_lost
        );
        println!("the chart {:.0} ms after the close (longest {:.0})", chart.p50, chart.max);
        if let Some((all, worst)) = summary.attendance_off_pct {
            println!("attendance differs from the log by {all:.2} %, in the worst room by {worst:.2} %");
        }
        println!(
            "CPU: signalling {:.3} of a core, media {:.3}",
            summary.signalling_cores, summary.media_cores
        );
    }
    if summary.answers_lost > 0 || summary.changes_lost > 0 {
        bail!("{} answers and {} changes were lost", summary.answers_lost, summary.changes_lost);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
async fn kill_and_compare(args: RecoverArgs) -> anyhow::Result<()> {
    let config = RecoverConfig {
        server: program(args.server_program)?,
        rounds: args.rounds,
        rooms: args.rooms,
        seed: args.seed,
    };
    let summary = lesson::recover(&config).await?;
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        println!(
            "{} of {} recoveries; {} messages acknowledged; back after {:.0} ms at the latest",
            summary.recovered, summary.rounds, summary.acknowledged, summary.back_after_ms
        );
    }
    if summary.recovered < summary.rounds {
        bail!("{}", summary.failures.join("; "));
    }
    Ok(())
}

/// The server's program: as given, or beside this one.
fn program(given: Option<std::path::PathBuf>) -> anyhow::Result<std::path::PathBuf> {
    match given {
        Some(program) => Ok(program),
        None => Ok(std::env::current_exe()?.with_file_name("nhipcau")),
    }
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
fn print(summary: &Summary, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(summary)?);
        return Ok(());
    }
    let Summary { joined, failed, join_ms, first_media_ms, packets, lost, repaired, unrecovered, .. } =
        summary;
    println!("{joined} classrooms joined, {failed} failed");
    println!("joined after {:.0} ms (p95 {:.0}, longest {:.0})", join_ms.p50, join_ms.p95, join_ms.max);
    println!(
        "picture and sound after {:.0} ms (p95 {:.0}, longest {:.0})",
        first_media_ms.p50, first_media_ms.p95, first_media_ms.max
    );
    println!("{packets} packets; {lost} lost, {repaired} repaired, {unrecovered} not recovered");
    for (failure, count) in &summary.failures {
        println!("{count} x {failure}");
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
async fn let_observers_write(args: ObserversArgs) -> anyhow::Result<()> {
    let program = match args.server_program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("nhipcau"),
    };
    let config =
        WritingConfig { count: args.count, duration: Duration::from_secs(args.seconds), seed: args.seed };
    let report = observers::measure(&program, args.port, &config).await?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        let observers::Report { written, server } = &report;
        println!("{} observers wrote {} rows, {} keystrokes", args.count, written.rows, written.keystrokes);
        println!(
            "{} saves, acknowledged after {:.0} ms (p95 {:.0}, longest {:.0}); {} failed and were repeated",
            written.saves, written.ack_ms.p50, written.ack_ms.p95, written.ack_ms.max, written.failed
        );
        println!("{} rows missing or different at the end", written.wrong);
        println!(
            "database grew by {:.1} MiB; the server used {:.3} cores and {:.0} MiB",
            server.database_bytes as f64 / 1_048_576.0,
            server.cores,
            server.resident_kib as f64 / 1024.0
        );
    }
    if report.written.wrong > 0 {
        bail!("{} rows were lost or changed", report.written.wrong);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
async fn measure_fanout(args: FanoutArgs) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        warn!("this is a development build: its figures say little");
    }
    let config = FanoutConfig {
        server: program(args.server_program)?,
        port: args.port,
        video: Bitrate::from_kbps(args.video_kbps),
        audio: args.audio,
        duration: Duration::from_secs(args.seconds),
        joins_per_second: args.joins_per_second,
        gro: args.gro,
    };
    if !args.json {
        println!(
            "viewers  µs/packet  floor  ratio  segments  KiB/viewer  join ms  lost  p99 ms  kbit/s  cores"
        );
    }
    let mut starved = Vec::new();
    for viewers in args.viewers {
        let row = fanout::measure(&config, viewers).await?;
        if !row.full_rate {
            starved.push(viewers);
        }
        if args.json {
            println!("{}", serde_json::to_string(&row)?);
            continue;
        }
        println!(
            "{:7}  {:9.2}  {:5.2}  {:5.2}  {:8.1}  {:10.0}  {:7.2}  {:4}  {:6.1}  {:6.0}  {:5.2}",
            row.viewers,
            row.cpu_us_per_packet,
            row.floor_us_per_packet,
            row.ratio,
            row.gso_segments_mean,
            row.rss_kib_per_viewer,
            row.join_cpu_ms,
            row.lost,
            row.added_latency_ms.p99,
            row.kbps_per_viewer,
            row.server_cores,
        );
    }
    if !starved.is_empty() {
        bail!("with {starved:?} viewers the wanted rate was not reached: this machine was too busy to tell");
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
async fn measure_ways(args: WaysArgs) -> anyhow::Result<()> {
    let server = match args.server_program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("nhipcau"),
    };
    let config = WaysConfig {
        server,
        port: args.port,
        viewers: args.viewers,
        video: Bitrate::from_kbps(args.video_kbps),
        duration: Duration::from_secs(args.seconds),
        joins_per_second: args.joins_per_second,
    };
    if !args.json {
        println!("way       viewers  millicores/viewer  µs/Mbit  KiB/viewer  kbit/s  cores  idle");
    }
    for way in args.over {
        let (way, name) = match way {
            WayArg::Udp => (Way::Udp, "udp"),
            WayArg::Tcp => (Way::Tcp, "tcp"),
            WayArg::Segments => (Way::Segments, "segments"),
        };
        let row = ways::measure(&config, way).await?;
        if args.json {
            println!("{}", serde_json::to_string(&row)?);
            continue;
        }
        println!(
            "{name:8}  {:7}  {:17.2}  {:7.0}  {:10.0}  {:6.0}  {:5.2}  {:4.2}",
            row.viewers,
            row.millicores_per_viewer,
            row.cpu_us_per_mbit,
            row.rss_kib_per_viewer,
            row.kbps_per_viewer,
            row.server_cores,
            row.idle_cores,
        );
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the parent process reads the result from standard output")]
fn send_floor() -> anyhow::Result<()> {
    let order = serde_json::from_reader(std::io::stdin())?;
    println!("{}", serde_json::to_string(&fanout::send_floor(&order)?)?);
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
