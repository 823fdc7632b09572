//! `nhipcau-sim world`: many seeds of one place under a virtual clock.

use anyhow::{Context, bail};
use clap::Args;
use sim::{
    link,
    world::{PlaceConfig, PlaceReport, World, WorldConfig},
};
use std::time::Duration;

#[derive(Args)]
pub(crate) struct WorldArgs {
    /// Link of the place: P1 to P8.
    #[arg(long, default_value = "P2")]
    profile: String,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Virtual length of each run.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Virtual seconds that are not judged, at the beginning.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Camera only, no slides.
    #[arg(long)]
    no_slides: bool,
    /// A place with receiver reports alone.
    #[arg(long)]
    no_feedback: bool,
    /// A line for each so many virtual milliseconds of the run.
    #[arg(long)]
    trace: Option<u64>,
    /// One line of JSON for each seed.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::print_stdout, reason = "the result of the command belongs on standard output")]
pub(crate) fn run(args: &WorldArgs) -> anyhow::Result<()> {
    let known = link::PROFILES.join(", ");
    let profile = link::profile(&args.profile)
        .with_context(|| format!("--profile {}: expected one of {known}", args.profile))?;
    if args.seconds <= args.after {
        bail!("--after {} leaves nothing of --seconds {}", args.after, args.seconds);
    }
    let mut reports = Vec::new();
    for seed in args.seed..args.seed + args.seeds {
        let place = PlaceConfig { feedback: !args.no_feedback, ..PlaceConfig::tv(profile.clone()) };
        let mut world = World::new(WorldConfig {
            seed,
            slides: !args.no_slides,
            host_listens: true,
            places: vec![place],
        });
        for second in 1..=args.seconds {
            for ms in (2..=1_000).step_by(2) {
                world.run(Duration::from_millis(2));
                if args.trace.is_some_and(|every| (second * 1_000 + ms) % every.max(1) == 0) {
                    println!("{:6.2} s {}", world.now().since_start().as_secs_f64(), world.moment(0));
                }
            }
            if second == args.after {
                world.look_from_here();
            }
        }
        let report = world.report(0);
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("seed {seed:5} {}", line(&report));
        }
        reports.push(report);
    }
    if args.seeds > 1 && !args.json {
        println!("worst      {}", line(&worst(&reports)));
    }
    Ok(())
}

fn line(report: &PlaceReport) -> String {
    let PlaceReport {
        time_to_audio_ms, time_to_picture_ms, audio_concealed_pct, longest_audio_gap_ms, ..
    } = report;
    format!(
        "audio {:?} picture {:?} ms; concealed {audio_concealed_pct:.2} %, gap {longest_audio_gap_ms} ms; freeze {:.1} s (longest {:.1}), {:.1} fps; rungs {:?}; {} switches; oversend {:.1} %; estimate {}, rtt {}, playout {}; {} keyframes; {:?}",
        time_to_audio_ms.unwrap_or(0),
        time_to_picture_ms.unwrap_or(0),
        report.freeze_s,
        report.longest_freeze_s,
        report.frames_per_s,
        report.rung_s.map(|seconds| seconds.round() as u64),
        report.switches,
        report.oversend_pct,
        report.estimate_kbps,
        report.rtt_ms,
        report.playout_ms,
        report.keyframe_requests,
        report.cause,
    )
}

/// Each figure at its worst.
fn worst(reports: &[PlaceReport]) -> PlaceReport {
    let mut worst = reports[0].clone();
    for report in reports {
        worst.time_to_audio_ms = worst.time_to_audio_ms.max(report.time_to_audio_ms);
        worst.time_to_picture_ms = worst.time_to_picture_ms.max(report.time_to_picture_ms);
        worst.audio_concealed_pct = worst.audio_concealed_pct.max(report.audio_concealed_pct);
        worst.longest_audio_gap_ms = worst.longest_audio_gap_ms.max(report.longest_audio_gap_ms);
        worst.freeze_s = worst.freeze_s.max(report.freeze_s);
        worst.longest_freeze_s = worst.longest_freeze_s.max(report.longest_freeze_s);
        worst.frames_per_s = worst.frames_per_s.min(report.frames_per_s);
        worst.switches = worst.switches.max(report.switches);
        worst.oversend_pct = worst.oversend_pct.max(report.oversend_pct);
        worst.keyframe_requests = worst.keyframe_requests.max(report.keyframe_requests);
    }
    worst
}
