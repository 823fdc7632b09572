//! One classroom behind a bad link, on the wall clock: real server, real sockets, synthetic host. What its class hears and sees.
//!
//! The browser's player is modelled as in [`crate::world`] ([`Ear`](crate::world::Ear), [`Eye`](crate::world::Eye)); everything
//! below it is real.

use crate::{
    classrooms::{Classroom, Player},
    host::{self, HostConfig, HostStatus},
    lesson::{Page, Server},
    link::{self, Bottleneck, PipeStats, Profile, TcpLink, UdpLink, Way},
};
use anyhow::{Context as _, bail};
use domain::{Codec, Timestamp};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};
use transport::{
    Endpoint, EndpointConfig, Identity, PeerSecrets,
    client::{ClientPeer, OfferSpec},
};

/// Messages of a page that wait to be looked at.
const HEARD_MAX: usize = 1_024;
const TICK: Duration = Duration::from_millis(5);
/// Rungs up to this one promise no moving picture.
const STILL_RUNGS: u64 = 2;

/// What to measure.
#[derive(Debug, Clone)]
pub struct WeakLinkConfig {
    /// The server's program.
    pub server: PathBuf,
    /// The classroom's link.
    pub profile: Profile,
    /// Of the link's losses.
    pub seed: u64,
    /// How long it watches, joining included.
    pub duration: Duration,
}

/// What came of it. Times from the moment the classroom asks to play.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Profile of the link.
    pub link: &'static str,
    /// Of its losses.
    pub seed: u64,
    /// First voice, ms.
    pub time_to_audio_ms: Option<u64>,
    /// First whole picture of the teacher, ms.
    pub time_to_picture_ms: Option<u64>,
    /// Voice that was made up, per cent of what was played.
    pub audio_concealed_pct: f64,
    /// The longest run of made-up voice, ms.
    pub longest_silence_ms: u64,
    /// How long the teacher's picture stood still, s, all together and at the longest.
    pub freeze_s: f64,
    /// See `freeze_s`.
    pub longest_freeze_s: f64,
    /// Frames of the teacher from the first picture on.
    pub frames_per_s: f64,
    /// First whole picture of the slides, ms.
    pub slides_legible_ms: Option<u64>,
    /// What the board said of it, seconds on each rung.
    pub rung_seconds: BTreeMap<u64, f64>,
    /// What the link threw away at its full queue, per cent of what entered.
    pub oversend_pct: f64,
    /// The board's last estimate, kbit/s.
    pub estimate_kbps: Option<u64>,
    /// The lesson's part of what the link carried down, per cent; with a download beside it.
    pub link_share_pct: Option<f64>,
    /// Mean rate of the lesson, kbit/s.
    pub lesson_kbps: f64,
}

/// Measures one visit.
///
/// # Errors
/// When the server does not start or does not let host and classroom in.
pub async fn measure(config: &WeakLinkConfig) -> anyhow::Result<Figures> {
    let server = Server::start(config.server.clone())?;
    let organiser = server.organiser()?;
    let lesson = organiser.create_lesson("weak link").await?;
    let host_link = organiser.invite(&lesson, "host", "weak link").await?;
    let room = server.rooms(1).await?.pop().context("the server made no room")?;
    let (status_tx, mut status) = watch::channel(HostStatus::default());
    let (stop, stopped) = watch::channel(false);
    let host_config = HostConfig { start: true, ..HostConfig::new(&server.base, &lesson, &host_link.url) };
    let host = tokio::spawn(host::run(host_config, status_tx, stopped));
    timeout(Duration::from_secs(20), status.wait_for(|status| status.playing))
        .await
        .context("the host got no connection")??;

    // full: the page reads no further, and the server cuts it off as any slow page.
    let (heard, board) = mpsc::channel(HEARD_MAX);
    let query = format!("?lesson={lesson}");
    let _lead = Page::open(&server.base, &query, server.organiser_token(), Some(heard)).await?;
    let visit = Visit::open(config, &organiser.with_token(&room.screen), &lesson).await?;
    let figures = visit.watch(config, &server, &room.screen, board).await;
    stop.send_replace(true);
    host.await??;
    figures
}

/// The classroom, its link, and the clock of both.
struct Visit {
    classroom: Classroom,
    socket: UdpSocket,
    line: Bottleneck,
    _link: UdpLink,
    epoch: Instant,
}

impl Visit {
    async fn open(config: &WeakLinkConfig, door: &crate::whip::Door, lesson: &str) -> anyhow::Result<Self> {
        let epoch = Instant::now();
        let identity = Identity::generate().map_err(|error| anyhow::anyhow!("no certificate: {error}"))?;
        let endpoint = Endpoint::new(EndpointConfig { identity, candidates: Vec::new(), epoch })
            .map_err(|error| anyhow::anyhow!("no DTLS: {error}"))?;
        let spec = OfferSpec { sends: false, audio: 2, video: 3, codecs: vec![Codec::Vp8] };
        let (mut peer, offer) = ClientPeer::new(&endpoint, spec, PeerSecrets::from_seed(rand::random()));
        let granted = door.play(lesson, offer).await?;
        let server = link::first_candidate(&granted.sdp).context("the answer has no UDP candidate")?;
        let line = Bottleneck::new(&config.profile, config.seed);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let link = UdpLink::start(any, server, line.clone(), config.profile.udp_blocked).await?;
        let answer = link::redirect_candidates(&granted.sdp, link.address());
        let now = Timestamp::from_micros(epoch.elapsed().as_micros() as u64);
        peer.accept_answer(now, &answer)?;
        let classroom = Classroom::new(peer, Timestamp::ZERO).with_player();
        Ok(Self { classroom, socket: UdpSocket::bind(any).await?, line, _link: link, epoch })
    }

    async fn watch(
        mut self,
        config: &WeakLinkConfig,
        server: &Server,
        screen: &str,
        mut board: mpsc::Receiver<Value>,
    ) -> anyhow::Result<Figures> {
        let download =
            if config.profile.download { Some(TcpLink::download(self.line.clone()).await?) } else { None };
        // full: the page reads no further, and the server cuts it off as any slow page.
        let (heard, mut told) = mpsc::channel(HEARD_MAX);
        let _page = Page::open(&server.base, "", screen, Some(heard)).await?;
        let mut notes = Notes::default();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut buffer = vec![0; 2_048];
        let end = self.epoch + config.duration;
        while Instant::now() < end {
            let now = Timestamp::from_micros(self.epoch.elapsed().as_micros() as u64);
            let socket = &self.socket;
            // What does not fit into the socket is lost, as on any link.
            let send = |to: SocketAddr, bytes: &[u8]| drop(socket.try_send_to(bytes, to));
            tokio::select! {
                received = socket.recv_from(&mut buffer) => {
                    if let Ok((len, from)) = received {
                        let now = Timestamp::from_micros(self.epoch.elapsed().as_micros() as u64);
                        self.classroom.datagram(now, from, &mut buffer[..len], send);
                    }
                }
                _ = tick.tick() => self.classroom.tick(now, send),
                Some(said) = board.recv() => notes.board(now, &said, &mut self.classroom),
                Some(said) = told.recv() => obey(&said, &mut self.classroom),
            }
        }
        if let Some(download) = download {
            download.abort();
        }
        let now = Timestamp::from_micros(self.epoch.elapsed().as_micros() as u64);
        notes.leave_rung(now);
        let down = self.line.stats(Way::Down);
        let Some(player) = self.classroom.player() else { bail!("the classroom has no screen") };
        Ok(figures(config, player, &notes, down, now))
    }
}

/// What pages said on the way.
#[derive(Debug, Default)]
struct Notes {
    rung: Option<(u64, Timestamp)>,
    seconds: BTreeMap<u64, f64>,
    estimate_kbps: Option<u64>,
}

impl Notes {
    fn board(&mut self, now: Timestamp, said: &Value, classroom: &mut Classroom) {
        if said["type"] != "board" {
            return;
        }
        let Some(tile) = said["tiles"].get(0) else { return };
        self.estimate_kbps = tile["kbps"].as_u64().or(self.estimate_kbps);
        self.leave_rung(now);
        self.rung = tile["rung"].as_u64().map(|rung| (rung, now));
        if let (Some((rung, _)), Some(player)) = (self.rung, classroom.player())
            && rung <= STILL_RUNGS
        {
            // A picture that was taken away on purpose does not stand still; the screen says so.
            player.camera.put_away();
        }
    }

    fn leave_rung(&mut self, now: Timestamp) {
        if let Some((rung, since)) = self.rung.take() {
            *self.seconds.entry(rung).or_default() += now.saturating_since(since).as_secs_f64();
        }
    }
}

/// The relay tells a screen how long to wait before it plays.
fn obey(said: &Value, classroom: &mut Classroom) {
    if said["type"] == "link"
        && let (Some(playout), Some(player)) = (said["playout_ms"].as_u64(), classroom.player())
    {
        player.ear.ask(Duration::from_millis(playout));
    }
}

fn figures(
    config: &WeakLinkConfig,
    player: &Player,
    notes: &Notes,
    down: PipeStats,
    now: Timestamp,
) -> Figures {
    let millis = |at: Option<Timestamp>| at.map(|at| at.as_micros() / 1_000);
    let Player { ear, camera, slides, .. } = player;
    let (stood, longest) = camera.stood(now);
    let watched = camera.seen_at.map_or(Duration::ZERO, |at| now.saturating_since(at)).as_secs_f64();
    let entered = down.packets + down.lost_by_chance + down.lost_at_queue;
    let lesson_bytes = down.bytes - down.stream_bytes;
    let share = 100.0 * lesson_bytes as f64 / down.bytes.max(1) as f64;
    Figures {
        link: config.profile.name,
        seed: config.seed,
        time_to_audio_ms: millis(ear.heard_at),
        time_to_picture_ms: millis(camera.seen_at),
        audio_concealed_pct: round(100.0 * ear.concealed as f64 / ear.played.max(1) as f64),
        longest_silence_ms: ear.longest_gap * 20,
        freeze_s: round(stood.as_secs_f64()),
        longest_freeze_s: round(longest.as_secs_f64()),
        frames_per_s: if watched > 0.0 { round(camera.frames as f64 / watched) } else { 0.0 },
        slides_legible_ms: millis(slides.seen_at),
        rung_seconds: notes.seconds.iter().map(|(&rung, &seconds)| (rung, round(seconds))).collect(),
        oversend_pct: round(100.0 * down.lost_at_queue as f64 / entered.max(1) as f64),
        estimate_kbps: notes.estimate_kbps,
        link_share_pct: config.profile.download.then(|| round(share)),
        lesson_kbps: round(lesson_bytes as f64 * 8.0 / config.duration.as_secs_f64() / 1e3),
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
