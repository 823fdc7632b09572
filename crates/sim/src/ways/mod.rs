//! What a viewer costs the server by each way it may come: WebRTC over UDP, over TCP, and segments over an encrypted WebSocket.
//!
//! The server runs as a process of its own on one core. For each way: start, publish the lesson, look at what the server costs with
//! nobody watching, let all come, wait until all watch and get the wanted rate, measure. The price of a viewer is the difference.

mod screens;

use crate::{
    classrooms::{ClassroomsConfig, Crowd, Entry},
    fanout::Relay,
    host::{self, HostConfig, HostStatus},
    process::Cores,
};
use anyhow::{Context as _, bail};
use domain::{Bitrate, Codec};
use screens::Screens;
use serde::Serialize;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep};

/// How a viewer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// WebRTC over UDP.
    Udp,
    /// WebRTC over TCP (ICE-TCP).
    Tcp,
    /// fMP4 or `WebM` over an encrypted WebSocket.
    Segments,
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct WaysConfig {
    /// The server's program.
    pub server: PathBuf,
    /// Port for it on the loopback interface.
    pub port: u16,
    /// Viewers of each way.
    pub viewers: usize,
    /// Rate of the camera's highest layer.
    pub video: Bitrate,
    /// Length of the measured time.
    pub duration: Duration,
    /// Viewers that come in a second.
    pub joins_per_second: usize,
}

/// What the viewers of one way cost.
#[derive(Debug, Clone, Serialize)]
pub struct WayRow {
    /// The way.
    pub way: Way,
    /// How many came.
    pub viewers: usize,
    /// CPU of the server for one viewer, thousandths of a core: with them less without them, divided by them.
    pub millicores_per_viewer: f64,
    /// The same for each megabit that reached a viewer, microseconds.
    pub cpu_us_per_mbit: f64,
    /// Memory of the server for one viewer, KiB.
    pub rss_kib_per_viewer: f64,
    /// What a viewer got, kbit/s.
    pub kbps_per_viewer: f64,
    /// Cores the server used with all of them.
    pub server_cores: f64,
    /// Cores with nobody watching.
    pub idle_cores: f64,
}

/// How long nobody watches while that is measured.
const IDLE: Duration = Duration::from_secs(5);
/// How long all may take to watch, and to get the wanted rate.
const PATIENCE: Duration = Duration::from_secs(40);

/// Measures one way.
///
/// # Errors
/// When the server does not start, not all viewers come to watch, or the system refuses something.
pub async fn measure(config: &WaysConfig, way: Way) -> anyhow::Result<WayRow> {
    let cores = Cores::split();
    cores.stay_away().context("this thread cannot be pinned")?;
    let relay = Relay::start(&config.server, config.port, &cores)?;
    let lesson = relay.organiser.create_lesson("ways").await?;
    let host_link = relay.organiser.invite(&lesson, "host", "ways").await?;
    let watch_link = relay.organiser.invite(&lesson, "observer", "ways").await?;
    let token = watch_link.token().context("an invitation without token")?.to_owned();
    host::start_lesson(&relay.base, host_link.token().context("an invitation without token")?).await?;
    let host_config = HostConfig {
        slides: false,
        fill_to: Some(config.video),
        ..HostConfig::new(&relay.base, &lesson, &host_link.url)
    };
    let (status_tx, mut status) = watch::channel(HostStatus::default());
    let (stop_tx, stop) = watch::channel(false);
    let host = tokio::spawn(host::run(host_config, status_tx, stop));
    tokio::time::timeout(Duration::from_secs(20), status.wait_for(|status| status.playing))
        .await
        .context("the host got no connection")??;
    sleep(Duration::from_secs(2)).await;
    let (idle_before, began) = (relay.cpu()?, Instant::now());
    sleep(IDLE).await;
    let idle = relay.cpu()?.since(idle_before).total().as_secs_f64() / began.elapsed().as_secs_f64();
    let memory_before = relay.resident_kib()?;

    let mut audience = Audience::open(config, way, &relay, &lesson, &token).await?;
    let deadline = Instant::now() + PATIENCE;
    let mut last = (0, Instant::now());
    loop {
        sleep(Duration::from_secs(1)).await;
        let seen = audience.look()?;
        let rate = Bitrate::of(seen.bytes - last.0, last.1.elapsed()).as_bps() / config.viewers.max(1) as u64;
        last = (seen.bytes, Instant::now());
        if seen.watching == config.viewers && rate * 100 >= config.video.as_bps() * 90 {
            break;
        }
        if Instant::now() > deadline {
            bail!("{} of {} viewers watch, with {} kbit/s each", seen.watching, config.viewers, rate / 1_000);
        }
    }
    let (cpu_before, before, began) = (relay.cpu()?, audience.look()?, Instant::now());
    sleep(config.duration).await;
    let (cpu, after, took) = (relay.cpu()?.since(cpu_before).total(), audience.look()?, began.elapsed());
    let memory = relay.resident_kib()?.saturating_sub(memory_before);
    stop_tx.send_replace(true);
    host.await??;
    audience.leave().await?;

    let viewers = config.viewers as f64;
    let used = cpu.as_secs_f64() / took.as_secs_f64();
    let kbps = (after.bytes - before.bytes) as f64 * 8.0 / 1e3 / took.as_secs_f64() / viewers;
    let per_viewer = (used - idle).max(0.0) / viewers;
    Ok(WayRow {
        way,
        viewers: config.viewers,
        millicores_per_viewer: round(per_viewer * 1e3),
        cpu_us_per_mbit: round(per_viewer * 1e6 / (kbps / 1e3)),
        rss_kib_per_viewer: round(memory as f64 / viewers),
        kbps_per_viewer: round(kbps),
        server_cores: round(used),
        idle_cores: round(idle),
    })
}

/// The viewers of one way.
enum Audience {
    Crowd(Crowd),
    Screens(Screens),
}

/// What they have had so far.
struct Seen {
    watching: usize,
    bytes: u64,
}

impl Audience {
    async fn open(
        config: &WaysConfig,
        way: Way,
        relay: &Relay,
        lesson: &str,
        token: &str,
    ) -> anyhow::Result<Self> {
        let WaysConfig { viewers, joins_per_second, .. } = *config;
        if way == Way::Segments {
            let root = relay.data().join("tls/authority.pem");
            let screens = Screens::open(config.port, &root, lesson, token, viewers, joins_per_second).await?;
            return Ok(Self::Screens(screens));
        }
        let join_over = Duration::from_secs_f64(viewers as f64 / joins_per_second.max(1) as f64);
        let config = ClassroomsConfig {
            server: relay.base.clone(),
            lesson: lesson.to_owned(),
            entry: Entry::Token(token.to_owned()),
            count: viewers,
            duration: Duration::ZERO,
            join_over,
            threads: 1,
            gro: false,
            codecs: vec![Codec::Vp8],
            link: None,
            over_tcp: way == Way::Tcp,
        };
        let mut crowd = Crowd::open(config, vec![relay.organiser.with_token(token)])?;
        crowd.join(Instant::now() + join_over + PATIENCE).await;
        if let Some(refused) = crowd.refused().first() {
            bail!("{} viewers were refused: {refused}", crowd.refused().len());
        }
        Ok(Self::Crowd(crowd))
    }

    fn look(&mut self) -> anyhow::Result<Seen> {
        Ok(match self {
            Self::Crowd(crowd) => {
                let glance = crowd.look()?;
                Seen { watching: glance.watching, bytes: glance.counts.bytes }
            }
            Self::Screens(screens) => {
                let seen = screens.look()?;
                Seen { watching: seen.watching, bytes: seen.bytes }
            }
        })
    }

    async fn leave(self) -> anyhow::Result<()> {
        if let Self::Crowd(crowd) = self {
            crowd.leave().await?;
        }
        Ok(())
    }
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
