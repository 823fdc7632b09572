//! The emulator as a process: a browser's media and pages go through it, and whoever started it changes it while it runs.
//!
//! The first line on standard output says where it listens; then every line of JSON on standard input is a command, answered by one
//! line. It ends with its input.

use super::{Bottleneck, Outage, PipeStats, Profile, Shape, TcpLink, UdpLink, Way, profile};
use anyhow::{Context, bail};
use domain::Bitrate;
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    io::{BufRead as _, Write},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinHandle};

/// How often the queue is looked at, and how long a step of the series is.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const STEP: Duration = Duration::from_millis(100);
/// full: the oldest steps are forgotten; ten minutes.
const STEPS_KEPT: usize = 6_000;
/// A link that is cut stays so until it is told otherwise.
const FOR_EVER: Duration = Duration::from_hours(24);

/// What to emulate between whom.
#[derive(Debug, Clone)]
pub struct LinkProcess {
    /// How the line is at first.
    pub profile: Profile,
    /// Of its losses and jitter.
    pub seed: u64,
    /// Where the server listens, pages and media alike.
    pub server: SocketAddr,
    /// Address on which the place finds the link; ports are free ones.
    pub listen: IpAddr,
}

/// One line of standard input; several keys of one line are done in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Command {
    /// `P1` to `P8`, or `perfect`; ends a cut.
    profile: Option<String>,
    /// Changes of the present shape, both directions unless named.
    shape: Option<Change>,
    /// Nothing passes, or everything again.
    cut: Option<bool>,
    /// A download wants the line, or no longer.
    download: Option<bool>,
    /// Tell what has been carried, and how long the queue was since the last time.
    stats: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Change {
    down_kbps: Option<u64>,
    up_kbps: Option<u64>,
    queue_ms: Option<u64>,
    round_trip_ms: Option<u64>,
    jitter_ms: Option<u64>,
    loss_pct: Option<f64>,
}

#[derive(Serialize)]
struct Answer {
    /// Since the link began; the clock of `queue`.
    t_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Stats {
    down: PipeStats,
    up: PipeStats,
    queue: Series,
}

/// The longest wait of each step, whole milliseconds.
#[derive(Debug, Default, Serialize)]
struct Series {
    /// Where the first step begins.
    from_ms: u64,
    every_ms: u64,
    down: Vec<u64>,
    up: Vec<u64>,
}

#[derive(Debug, Default)]
struct Gauge {
    first_step: u64,
    steps: VecDeque<[Duration; 2]>,
}

impl Gauge {
    fn note(&mut self, at: Duration, waits: [Duration; 2]) {
        let step = (at.as_millis() / STEP.as_millis()) as u64;
        if self.steps.is_empty() {
            self.first_step = step;
        }
        while self.first_step + self.steps.len() as u64 <= step {
            self.steps.push_back(waits);
            if self.steps.len() > STEPS_KEPT {
                self.steps.pop_front();
                self.first_step += 1;
            }
        }
        if let Some(last) = self.steps.back_mut() {
            *last = [last[0].max(waits[0]), last[1].max(waits[1])];
        }
    }

    fn take(&mut self) -> Series {
        let steps = std::mem::take(&mut self.steps);
        let of = |way: Way| steps.iter().map(|step| step[way as usize].as_millis() as u64).collect();
        let every_ms = STEP.as_millis() as u64;
        Series { from_ms: self.first_step * every_ms, every_ms, down: of(Way::Down), up: of(Way::Up) }
    }
}

struct Line {
    bottleneck: Bottleneck,
    began: Instant,
    base: Profile,
    cut: bool,
    download: Option<JoinHandle<()>>,
    gauge: Arc<Mutex<Gauge>>,
}

/// Emulates until standard input ends.
///
/// # Errors
/// When no port can be bound or standard output is closed. A command that cannot be understood is answered, no error.
pub async fn serve(config: LinkProcess) -> anyhow::Result<()> {
    let bottleneck = Bottleneck::new(&config.profile, config.seed);
    let began = Instant::now();
    let any = SocketAddr::from((config.listen, 0));
    let udp = UdpLink::start(any, config.server, bottleneck.clone(), config.profile.udp_blocked).await?;
    let tcp = TcpLink::start(any, config.server, bottleneck.clone()).await?;
    say(&serde_json::json!({ "udp": udp.address(), "tcp": tcp.address() }))?;

    let gauge = Arc::new(Mutex::new(Gauge::default()));
    let looking = tokio::spawn(look(bottleneck.clone(), began, Arc::clone(&gauge)));
    let mut line = Line { bottleneck, began, base: config.profile, cut: false, download: None, gauge };
    line.follow_download(None).await?;
    // full: the reader waits, and with it whoever writes to us.
    let (said, mut commands) = mpsc::channel(16);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines();
        for line in lines.map_while(Result::ok) {
            if said.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(text) = commands.recv().await {
        let (stats, error) = match serde_json::from_str(&text).context("not a command") {
            Ok(command) => match line.obey(command).await {
                Ok(stats) => (stats, None),
                Err(error) => (None, Some(format!("{error:#}"))),
            },
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        say(&Answer { t_ms: began.elapsed().as_millis() as u64, stats, error })?;
    }
    looking.abort();
    Ok(())
}

async fn look(line: Bottleneck, began: Instant, gauge: Arc<Mutex<Gauge>>) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        let waits = [line.backlog(Way::Down), line.backlog(Way::Up)];
        gauge.lock().unwrap_or_else(PoisonError::into_inner).note(began.elapsed(), waits);
    }
}

impl Line {
    async fn obey(&mut self, command: Command) -> anyhow::Result<Option<Stats>> {
        let mut changed = false;
        if let Some(name) = command.profile {
            self.base = named(&name)?;
            self.cut = false;
            changed = true;
        }
        if let Some(change) = command.shape {
            change.apply(&mut self.base);
            changed = true;
        }
        if let Some(cut) = command.cut {
            self.cut = cut;
            changed = true;
        }
        if changed {
            self.bottleneck.change(&self.present());
        }
        self.follow_download(command.download).await?;
        Ok(command.stats.then(|| Stats {
            down: self.bottleneck.stats(Way::Down),
            up: self.bottleneck.stats(Way::Up),
            queue: self.gauge.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }))
    }

    /// The line as it is now, a cut included.
    fn present(&self) -> Profile {
        let mut profile = self.base.clone();
        if self.cut {
            let outage = Outage { first_at: Duration::ZERO, every: None, lasts: FOR_EVER };
            profile.down.outages = vec![outage];
            profile.up.outages = vec![outage];
        }
        profile
    }

    async fn follow_download(&mut self, wanted: Option<bool>) -> anyhow::Result<()> {
        let wanted = wanted.unwrap_or(self.base.download);
        self.base.download = wanted;
        if !wanted {
            if let Some(download) = self.download.take() {
                download.abort();
            }
        } else if self.download.is_none() {
            tracing::debug!(since = ?self.began.elapsed(), "a download begins");
            self.download = Some(TcpLink::download(self.bottleneck.clone()).await?);
        }
        Ok(())
    }
}

impl Change {
    fn apply(&self, profile: &mut Profile) {
        for (shape, kbps) in [(&mut profile.down, self.down_kbps), (&mut profile.up, self.up_kbps)] {
            self.apply_to(shape, kbps);
        }
    }

    fn apply_to(&self, shape: &mut Shape, kbps: Option<u64>) {
        if let Some(kbps) = kbps {
            shape.rate = Some(Bitrate::from_kbps(kbps));
        }
        if let Some(queue) = self.queue_ms {
            shape.queue = Duration::from_millis(queue);
        }
        if let Some(round_trip) = self.round_trip_ms {
            shape.delay = Duration::from_millis(round_trip) / 2;
        }
        if let Some(jitter) = self.jitter_ms {
            shape.jitter = Duration::from_millis(jitter) / 2;
        }
        if let Some(loss) = self.loss_pct {
            shape.loss = (loss / 100.0).clamp(0.0, 1.0);
        }
    }
}

fn named(name: &str) -> anyhow::Result<Profile> {
    if name == "perfect" {
        return Ok(Profile::perfect());
    }
    let Some(profile) = profile(name) else {
        bail!("profile {name}: expected perfect or one of {}", super::PROFILES.join(", "));
    };
    Ok(profile)
}

fn say(what: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let base = profile("P3").unwrap();
        Line {
            bottleneck: Bottleneck::new(&base, 1),
            began: Instant::now(),
            base,
            cut: false,
            download: None,
            gauge: Arc::default(),
        }
    }

    async fn obey(line: &mut Line, text: &str) -> anyhow::Result<Option<Stats>> {
        line.obey(serde_json::from_str(text)?).await
    }

    #[tokio::test]
    async fn a_cut_ends_as_it_began_and_leaves_the_shape_alone() {
        let mut line = line();
        obey(&mut line, r#"{"shape":{"down_kbps":300,"queue_ms":200}}"#).await.unwrap();
        obey(&mut line, r#"{"cut":true}"#).await.unwrap();
        assert_eq!(line.present().down.outages.len(), 1);
        obey(&mut line, r#"{"cut":false}"#).await.unwrap();
        let Profile { down, up, .. } = line.present();
        assert!(down.outages.is_empty() && up.outages.is_empty());
        assert_eq!((down.rate, down.queue), (Some(Bitrate::from_kbps(300)), Duration::from_millis(200)));
        assert_eq!(up.rate, Some(Bitrate::from_kbps(80)));
    }

    #[tokio::test]
    async fn what_is_no_command_is_refused_in_words_and_changes_nothing() {
        let mut line = line();
        for wrong in [r#"{"profile":"P9"}"#, r#"{"sharp":true}"#, "P3"] {
            assert!(obey(&mut line, wrong).await.is_err(), "{wrong}");
        }
        assert_eq!(line.present(), profile("P3").unwrap());
    }

    #[test]
    fn the_queue_is_told_once_step_by_step_at_its_longest() {
        let ms = Duration::from_millis;
        let mut gauge = Gauge::default();
        for (at, wait) in [(1_010, 5), (1_050, 90), (1_090, 60), (1_110, 20), (1_310, 7)] {
            gauge.note(ms(at), [ms(wait), ms(0)]);
        }
        let Series { from_ms, down, up, .. } = gauge.take();
        assert_eq!((from_ms, down, up), (1_000, vec![90, 20, 7, 7], vec![0; 4]));
        assert_eq!(gauge.take().down, [0u64; 0]);
    }
}
