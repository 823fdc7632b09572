//! The fan-out benchmark: what one lesson to many classrooms costs, beside the floor that kernel and cipher set, in one run.
//!
//! The server runs as a process of its own on one core; host, receivers and this program share the others. For each number of
//! viewers: start, let all join (the cost of joining, with nothing published yet), publish the lesson at the wanted rate, wait
//! until everybody gets it, measure between two looks, end the server, and measure the floor on the same core.

mod floor;
mod metrics;
mod relay;

pub use floor::{FloorOrder, FloorReport, send as send_floor};

use crate::{
    classrooms::{ClassroomsConfig, Crowd, Entry, Glance},
    host::{self, HostConfig, HostStatus},
    process::Cores,
};
use anyhow::{Context, bail};
use domain::{Bitrate, Codec};
pub(crate) use relay::Relay;
use serde::{Deserialize, Serialize};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tracing::{info, warn};

/// What to measure.
#[derive(Debug, Clone)]
pub struct FanoutConfig {
    /// The server's program.
    pub server: PathBuf,
    /// Port for it on the loopback interface.
    pub port: u16,
    /// Rate of the camera's highest layer, which the viewers get.
    pub video: Bitrate,
    /// Publish the voice too.
    pub audio: bool,
    /// Length of the measured time.
    pub duration: Duration,
    /// Viewers that join in a second.
    pub joins_per_second: usize,
    /// Receivers, also the floor's, take bursts as one piece. Without it the sender's kernel cuts them, as before a network card.
    pub gro: bool,
}

/// What one number of viewers cost.
#[derive(Debug, Clone, Serialize)]
pub struct FanoutRow {
    /// Receivers that were connected.
    pub viewers: usize,
    /// The server's CPU time (user and system, all threads) for each RTP packet that reached a viewer, µs.
    pub cpu_us_per_packet: f64,
    /// The same of the floor.
    pub floor_us_per_packet: f64,
    /// The former over the latter.
    pub ratio: f64,
    /// User part of `cpu_us_per_packet`.
    pub user_us: f64,
    /// System part of `cpu_us_per_packet`.
    pub sys_us: f64,
    /// Datagrams of one send call, mean.
    pub gso_segments_mean: f64,
    /// Growth of the server's memory from no viewer to the end of the measurement, divided by the viewers, KiB.
    pub rss_kib_per_viewer: f64,
    /// The server's CPU time for one join (HTTP, SDP, ICE and DTLS), ms.
    pub join_cpu_ms: f64,
    /// RTP packets that reached viewers in the measured time.
    pub packets: u64,
    /// Of them, lost at first.
    pub lost: u64,
    /// Of those, lost for good.
    pub unrecovered: u64,
    /// From arrival at the relay to departure, as the relay's own histogram has it, ms.
    pub added_latency_ms: Latency,
    /// What one frame to everybody takes the floor: from its first byte to a receiver's last, ms. The relay cannot be quicker on this machine
    /// unless it sends less.
    pub floor_latency_ms: Latency,
    /// What a viewer got, kbit/s.
    pub kbps_per_viewer: f64,
    /// Whether that is the rate asked for; otherwise the floor carried more than the server and the ratio says nothing.
    pub full_rate: bool,
    /// Cores the server used.
    pub server_cores: f64,
}

/// Quantiles of a time, ms.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 95 % are at most this.
    pub p95: f64,
    /// 99 % are at most this.
    pub p99: f64,
}

/// Measures one number of viewers.
///
/// # Errors
/// When the server does not start, not all viewers join, or the system refuses something.
pub async fn measure(config: &FanoutConfig, viewers: usize) -> anyhow::Result<FanoutRow> {
    let cores = Cores::split();
    cores.stay_away().context("this thread cannot be pinned")?;
    let relay = Relay::start(&config.server, config.port, &cores)?;
    let lesson = relay.organiser.create_lesson("fanout").await?;
    let host_link = relay.organiser.invite(&lesson, "host", "fanout").await?;
    let watch_link = relay.organiser.invite(&lesson, "observer", "fanout").await?;
    let watch_token = watch_link.token().context("an invitation without token")?.to_owned();
    host::start_lesson(&relay.base, host_link.token().context("an invitation without token")?).await?;
    let memory_before = relay.resident_kib()?;

    // Joining, while nothing is published.
    let cpu_before = relay.cpu()?;
    let mut crowd = Crowd::open(
        ClassroomsConfig {
            server: relay.base.clone(),
            lesson: lesson.clone(),
            entry: Entry::Token(watch_token.clone()),
            count: viewers,
            duration: Duration::ZERO,
            join_over: Duration::from_secs_f64(viewers as f64 / config.joins_per_second.max(1) as f64),
            threads: 1,
            gro: config.gro,
            codecs: vec![Codec::Vp8],
            link: None,
            over_tcp: false,
        },
        vec![relay.organiser.with_token(&watch_token)],
    )?;
    crowd.join(Instant::now() + Duration::from_mins(1)).await;
    let connected = wait_for(&crowd, Duration::from_secs(20), |glance| glance.connected == viewers).await?;
    if connected.connected != viewers {
        bail!("{} of {viewers} viewers joined; refused: {:?}", connected.connected, crowd.refused().first());
    }
    let join_cpu = relay.cpu()?.since(cpu_before).total();

    // The lesson, at the wanted rate for everybody.
    let host_config = HostConfig {
        slides: false,
        voice: config.audio,
        fill_to: Some(config.video),
        ..HostConfig::new(&relay.base, &lesson, &host_link.url)
    };
    let (status_tx, mut status) = watch::channel(HostStatus::default());
    let (stop_tx, stop) = watch::channel(false);
    let host = tokio::spawn(host::run(host_config, status_tx, stop));
    tokio::time::timeout(Duration::from_secs(20), status.wait_for(|status| status.playing))
        .await
        .context("the host got no connection")??;
    let watching = wait_for(&crowd, Duration::from_secs(20), |glance| glance.watching == viewers).await?;
    if watching.watching != viewers {
        bail!("{} of {viewers} viewers see and hear the lesson", watching.watching);
    }
    climb(&crowd, viewers, config.video).await?;

    let (metrics_before, cpu_before, glance_before, began) =
        (relay.metrics().await?, relay.cpu()?, crowd.look()?, Instant::now());
    tokio::time::sleep(config.duration).await;
    let (cpu_after, glance_after, took) = (relay.cpu()?, crowd.look()?, began.elapsed());
    // The workers add to their metrics once a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let (metrics_after, memory_after) = (relay.metrics().await?, relay.resident_kib()?);

    stop_tx.send_replace(true);
    host.await??;
    drop(crowd.leave().await?);
    drop(relay);

    let counts = difference(glance_after, glance_before);
    let cpu = cpu_after.since(cpu_before);
    let packets = counts.packets + counts.repaired;
    let per_packet = |time: Duration| time.as_secs_f64() * 1e6 / packets.max(1) as f64;
    info!(viewers, packets, "measuring the floor");
    let floor = tokio::task::spawn_blocking({
        let (config, seconds) = (config.clone(), took.as_secs_f64());
        move || {
            cores.stay_away()?;
            floor::measure(&cores, viewers, &config, seconds, EXTENSIONS)
        }
    })
    .await??;
    let gained = |name| metrics_after.gained(&metrics_before, name);
    let latency = |share| metrics_after.quantile_ms(&metrics_before, LATENCY, share).unwrap_or(f64::NAN);
    let cpu_us = per_packet(cpu.total());
    let received = Bitrate::of(counts.bytes, took).as_bps() / viewers.max(1) as u64;
    Ok(FanoutRow {
        viewers,
        cpu_us_per_packet: round(cpu_us),
        floor_us_per_packet: round(floor.us_per_packet()),
        ratio: round(cpu_us / floor.us_per_packet()),
        user_us: round(per_packet(cpu.user)),
        sys_us: round(per_packet(cpu.sys)),
        gso_segments_mean: round(
            gained("nhipcau_media_send_datagrams_total") / gained("nhipcau_media_send_calls_total"),
        ),
        rss_kib_per_viewer: round(memory_after.saturating_sub(memory_before) as f64 / viewers as f64),
        join_cpu_ms: round(join_cpu.as_secs_f64() * 1e3 / viewers as f64),
        packets,
        lost: counts.lost,
        unrecovered: counts.unrecovered,
        added_latency_ms: Latency {
            p50: round(latency(0.5)),
            p95: round(latency(0.95)),
            p99: round(latency(0.99)),
        },
        floor_latency_ms: floor.latency,
        kbps_per_viewer: round(received as f64 / 1e3),
        full_rate: is_full(received, config.video),
        server_cores: round(cpu.total().as_secs_f64() / took.as_secs_f64()),
    })
}

/// Bytes of header extension in a packet of the relay: the transport-wide sequence number in the one-byte form, padded.
const EXTENSIONS: usize = 8;
const LATENCY: &str = "nhipcau_media_latency_seconds";

/// Looks four times a second until `good` or too late; gives the last look either way.
async fn wait_for(crowd: &Crowd, within: Duration, good: impl Fn(&Glance) -> bool) -> anyhow::Result<Glance> {
    let deadline = Instant::now() + within;
    loop {
        let glance = crowd.look()?;
        if good(&glance) || Instant::now() > deadline {
            return Ok(glance);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Waits until the viewers get the highest layer; the allocation climbs to it on its own.
async fn climb(crowd: &Crowd, viewers: usize, video: Bitrate) -> anyhow::Result<()> {
    let mut before = (crowd.look()?.counts.bytes, Instant::now());
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let bytes = crowd.look()?.counts.bytes;
        let rate = Bitrate::of(bytes - before.0, before.1.elapsed()).as_bps() / viewers.max(1) as u64;
        if is_full(rate, video) {
            return Ok(());
        }
        before = (bytes, Instant::now());
    }
    warn!("the viewers do not all get the highest layer; measuring what they get");
    Ok(())
}

/// The voice and headers make up for the odd packet under way.
fn is_full(bps: u64, video: Bitrate) -> bool {
    bps * 100 >= video.as_bps() * 95
}

fn difference(after: Glance, before: Glance) -> crate::classrooms::Counts {
    crate::classrooms::Counts {
        packets: after.counts.packets - before.counts.packets,
        bytes: after.counts.bytes - before.counts.bytes,
        lost: after.counts.lost - before.counts.lost,
        repaired: after.counts.repaired - before.counts.repaired,
        unrecovered: after.counts.unrecovered - before.counts.unrecovered,
    }
}

/// Three digits behind the point: more would pretend a precision that is not there.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
