//! The running server: starts every part, hands out its address and first link, stops in order.

use crate::{
    clock::Clock,
    config::Config,
    http, lessons,
    lessons::Lessons,
    limits::Limits,
    lines::Lines,
    links, listen, media,
    media::{MediaEvent, MediaHandle, RunningMedia},
    metrics,
    seat::SeatKey,
    seats::Seats,
    segments::{Hubs, PlaylistSessions, Watchers},
    sessions::Sessions,
    state::{AppState, Parts},
    timelines::Timelines,
    tls::Tls,
    token::{self, Token},
};
use anyhow::{Context as _, bail};
use data_encoding::HEXLOWER;
use domain::{HelperTickets, Invitation, Pairings, Role};
use signalling::ClosingReason;
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Store, TokenHash};
use tokio::{
    net::{TcpListener, lookup_host},
    sync::{Semaphore, mpsc},
    task::{JoinHandle, spawn_blocking},
    time::{interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

/// How often a free port is tried when port 0 is configured: UDP must be free on TCP's number.
const PORT_TRIES: usize = 32;
/// Photos of pupils' works that are decoded at a time.
const PHOTOS_AT_ONCE: usize = 2;
/// How often lessons are looked through for works that nobody keeps.
const PURGE_EVERY: Duration = Duration::from_hours(1);
/// How often it is looked whether a backup was put back.
const RESTORED_EVERY: Duration = Duration::from_secs(1);
/// How often the metrics put their histograms in order.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Starts servers.
pub struct App;

/// A server that is up. Dropping it does not stop it; [`RunningApp::shutdown`] does.
pub struct RunningApp {
    state: AppState,
    organiser_link: Option<String>,
    media: RunningMedia,
    stop: CancellationToken,
    http: JoinHandle<()>,
    background: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens the database, binds the one port for TCP and UDP and serves.
    ///
    /// # Errors
    /// When the data folder, the database or the port cannot be used; the message names it.
    pub async fn start(config: Config) -> anyhow::Result<RunningApp> {
        let metrics = metrics::install()?;
        let store = Store::open(database(&config)).await?;
        let kept = Duration::from_hours(24 * u64::from(config.notes.delete_after_days));
        let orphaned = store.delete_orphaned_sheets(Clock::wall().minus(kept)).await?;
        if orphaned > 0 {
            info!(
                orphaned,
                "{orphaned} sheets of deleted lessons were deleted: nobody wrote on them for long"
            );
        }
        let clock = Clock::start();
        let tls = Tls::open(&config)?;
        let (listener, media, events, running_media) = bind(&config).await?;
        let listen = listener.local_addr().context("the listening socket has no address")?;
        let (config, sessions) = (Arc::new(config), Arc::new(Sessions::default()));
        let lines = Arc::new(Lines::default());
        let watchers = Watchers::default();
        let organiser_link = if store.organiser_invitations(Clock::wall()).await? == 0 {
            Some(organiser_link(&store, &base(&config, listen)).await?)
        } else {
            None
        };
        let seats = seat_key(&store).await?;
        let lessons = Lessons::open(lessons::Tools {
            config: Arc::clone(&config),
            clock,
            store: store.clone(),
            media: media.clone(),
            sessions: Arc::clone(&sessions),
            lines: Arc::clone(&lines),
            watchers: watchers.clone(),
        })
        .await?;
        let state = AppState::new(Parts {
            limits: Limits::new(&config.limits),
            hubs: Hubs::new(&config.segments.ffmpeg),
            config,
            listen,
            clock,
            store,
            media,
            lessons: Arc::clone(&lessons),
            sessions,
            lines,
            watchers,
            playlists: PlaylistSessions::default(),
            pairings: Mutex::new(Pairings::default()),
            tickets: Mutex::new(HelperTickets::default()),
            seats,
            photos: Semaphore::new(PHOTOS_AT_ONCE),
            waiting: Seats::default(),
            pages: TaskTracker::new(),
            drain: CancellationToken::new(),
            metrics: metrics.clone(),
            timelines: Timelines::default(),
        });
        let stop = CancellationToken::new();
        let doors = listen::Doors {
            router: http::router(state.clone()),
            media: state.media.clone(),
            tls: tls.as_ref().map(|tls| Arc::clone(&tls.config)),
            plain: listen::PlainHttp {
                everybody: state.config.tls.plain_http,
                proxies: state.config.trusted_proxies.clone(),
                mode: state.config.tls.mode,
            },
            per_address: state.config.limits.connections_per_address,
            stop: stop.clone(),
            patience: Duration::from_secs(state.config.drain_timeout_s) / 2,
        };
        let http = tokio::spawn(listen::serve(listener, doors));
        let upkeep = tokio::spawn(async move {
            let mut turn = interval(METRICS_UPKEEP);
            loop {
                turn.tick().await;
                metrics.run_upkeep();
            }
        });
        let purge = tokio::spawn(purge(Arc::clone(&lessons)));
        let mut background = vec![tokio::spawn(lessons.follow_media(events)), upkeep, purge];
        background.extend(tls.map(|tls| tokio::spawn(tls.tend(stop.clone()))));
        info!(port = listen.port(), "listening on port {} for TCP and UDP", listen.port());
        Ok(RunningApp { state, organiser_link, media: running_media, stop, http, background })
    }

    /// Makes a fresh organiser link for the database of a configuration, also while a server uses it.
    ///
    /// # Errors
    /// When there is no database yet, or it cannot be opened.
    pub async fn new_organiser_link(config: &Config) -> anyhow::Result<String> {
        let file = database(config);
        if !file.exists() {
            bail!("there is no database at {}; start the server first, it prints a link", file.display());
        }
        let store = Store::open(file).await?;
        let link = organiser_link(&store, &base(config, config.listen)).await;
        store.close().await;
        link
    }
}

impl App {
    /// Writes a copy of the database of a configuration to `file`, also while a server uses it.
    ///
    /// # Errors
    /// When there is no database, `file` exists or cannot be written.
    pub async fn backup(config: &Config, file: &Path) -> anyhow::Result<()> {
        let database = database(config);
        if !database.exists() {
            bail!("there is no database at {}", database.display());
        }
        if file.exists() {
            bail!("{} exists already; a backup never overwrites", file.display());
        }
        Ok(store::copy(&database, file).await?)
    }

    /// Puts a copy back into the database of a configuration, also while a server uses it. Returns the file that keeps what
    /// was there before.
    ///
    /// # Errors
    /// When `file` is no sound copy, or of a newer version; then nothing has changed.
    pub async fn restore(config: &Config, file: &Path) -> anyhow::Result<Option<PathBuf>> {
        let kept_as = format!("before-restore-{}", Clock::wall().get());
        Ok(store::restore(&database(config), file, &kept_as).await?)
    }
}

impl RunningApp {
    /// Resolves when somebody has put a backup back into the database: everything in memory is old then, and the server has
    /// to start again.
    pub async fn restored(&self) {
        let mut turn = interval(RESTORED_EVERY);
        let mut known = None;
        loop {
            turn.tick().await;
            // A database that cannot be read for a moment says nothing.
            let Ok(now) = self.state.store.restored().await else { continue };
            match &known {
                None => known = Some(now),
                Some(before) if *before != now => return,
                Some(_) => {}
            }
        }
    }

    /// Where it listens, TCP and UDP; the port is the real one when 0 was configured.
    pub fn addr(&self) -> SocketAddr {
        self.state.listen
    }

    pub(crate) fn config(&self) -> &Config {
        &self.state.config
    }

    /// The base of its links, without a slash at its end.
    pub fn base_url(&self) -> String {
        base(&self.state.config, self.state.listen)
    }

    /// The organiser link this start made because there was none that works; `None` on later starts.
    pub fn organiser_link(&self) -> Option<&str> {
        self.organiser_link.as_deref()
    }

    /// Drains: readiness off, places told, sockets closed, database whole. Takes about a second, at most
    /// `drain_timeout_s` and what the media workers need.
    pub async fn shutdown(self) {
        let Self { state, media, stop, http, background, .. } = self;
        info!("stopping: telling the pages");
        state.drain.cancel();
        state.cut_off(ClosingReason::Draining, |_| true);
        state.pages.close();
        let patience = Duration::from_secs(state.config.drain_timeout_s) / 2;
        if timeout(patience, state.pages.wait()).await.is_err() {
            warn!("some pages did not close in time");
        }
        stop.cancel();
        if http.await.is_err() {
            warn!("the HTTP side did not end cleanly");
        }
        if spawn_blocking(move || media.shutdown()).await.is_err() {
            warn!("the media workers did not end cleanly");
        }
        for task in background {
            task.abort();
        }
        state.lessons.stop().await;
        state.store.close().await;
        info!("stopped");
    }
}

pub(crate) fn database(config: &Config) -> PathBuf {
    config.data_dir.join("nhipcau.db")
}

/// The base of links made without a request.
fn base(config: &Config, listen: SocketAddr) -> String {
    if config.public_url.is_empty() { links::local_base(listen) } else { config.public_url.clone() }
}

/// Deletes pupils' works of lessons that have been over for a day, unless somebody keeps them.
async fn purge(lessons: Arc<Lessons>) {
    let mut turn = interval(PURGE_EVERY);
    loop {
        turn.tick().await;
        lessons.purge_works().await;
    }
}

/// The key of observers' seats: made once, so that a seat survives a restart.
async fn seat_key(store: &Store) -> anyhow::Result<SeatKey> {
    const NAME: &str = "seat_key";
    let known = store.setting(NAME).await?.and_then(|text| HEXLOWER.decode(text.as_bytes()).ok());
    let known = known.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if let Some(key) = known {
        return Ok(SeatKey::new(&key));
    }
    let key = token::key();
    store.set_setting(NAME, &HEXLOWER.encode(&key)).await?;
    Ok(SeatKey::new(&key))
}

async fn organiser_link(store: &Store, base: &str) -> anyhow::Result<String> {
    let invitation =
        Invitation::new(token::invitation_id(), Role::Organiser, None, None, Clock::wall(), None)?;
    let token = Token::random();
    store.insert_invitation(&invitation, TokenHash(token.hash())).await?;
    Ok(links::link(base, Role::Organiser, &token))
}

/// Opens the one port number for TCP and for UDP.
async fn bind(
    config: &Config,
) -> anyhow::Result<(TcpListener, MediaHandle, mpsc::Receiver<MediaEvent>, RunningMedia)> {
    let advertise = announced(&config.announce).await?;
    for attempt in 1.. {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on tcp {}", config.listen))?;
        let address = listener.local_addr().context("the listening socket has no address")?;
        let wanted = media::MediaConfig {
            listen: address,
            advertise: advertise.clone(),
            ice_tcp: true,
            advertise_port: Some(config.media.announce_port).filter(|port| *port != 0),
            workers: NonZeroUsize::new(config.media.workers),
            tick: Duration::from_millis(config.media.tick_ms),
            peers_max: config.media.peers_max,
            socket_buffer_bytes: config.media.socket_buffer_kib * 1024,
            connect_timeout: Duration::from_secs(config.media.connect_timeout_s),
            ..media::MediaConfig::default()
        };
        match media::start(wanted) {
            Ok((handle, events, running)) => return Ok((listener, handle, events, running)),
            // Any free port will do, and somebody has this one's UDP half.
            Err(media::MediaStartError::Socket { .. })
                if config.listen.port() == 0 && attempt < PORT_TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
    unreachable!("the last attempt returns")
}

/// The addresses to put into answers.
async fn announced(hosts: &[String]) -> anyhow::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for host in hosts {
        if let Ok(address) = host.parse() {
            addresses.push(address);
            continue;
        }
        let found = lookup_host((host.as_str(), 0)).await;
        let found = found.with_context(|| format!("announce: cannot find an address of {host:?}"))?;
        addresses.extend(found.map(|address| address.ip()));
    }
    addresses.dedup();
    Ok(addresses)
}
