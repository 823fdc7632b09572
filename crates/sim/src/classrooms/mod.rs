//! Light classrooms: receivers that do everything on the wire that a browser does, and nothing on a screen.
//!
//! Each completes ICE and DTLS from its own port, decrypts every packet, follows the sequence of every stream, and answers with
//! receiver reports, NACK with retries, PLI and transport-wide feedback. A thread serves hundreds of them.
//!
//! The classrooms of a run come in as observers: with an organiser's token, an invitation for each hundred of them is made for
//! the run and revoked after it, so that a run leaves no two hundred places behind in the school's list.

mod classroom;
mod hall;
mod picture;
mod player;
mod reception;
mod summary;
mod wire;

pub use classroom::Classroom;
pub use hall::{Glance, Hall};
pub use picture::{FirstPicture, begins_keyframe};
pub use player::Player;
pub use reception::{Counts, Outcome, Reception};
pub use summary::{Quantiles, Record, Summary};
pub use wire::Line;

use crate::{
    link::{self, Bottleneck, Profile, TcpLink, UdpLink},
    whip::{Door, DoorError},
};
use domain::{Codec, Timestamp};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};
use tracing::{debug, info, warn};
use transport::{
    Endpoint, EndpointConfig, Identity, PeerSecrets,
    client::{ClientPeer, OfferSpec},
};

/// Classrooms that share an invitation; the server bounds how many connections one link may hold.
const PER_INVITATION: usize = 100;

/// Who lets the classrooms in.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A token that may watch (observer, place, host): token or whole link.
    Token(String),
    /// An organiser's token or link: observer invitations are made, and revoked after the run.
    Organiser(String),
}

/// A run of classrooms.
#[derive(Debug, Clone)]
pub struct ClassroomsConfig {
    /// `http://host:port` of the server.
    pub server: String,
    /// The lesson's id.
    pub lesson: String,
    /// How they come in.
    pub entry: Entry,
    /// How many.
    pub count: usize,
    /// Length of the run, joining included.
    pub duration: Duration,
    /// They join evenly over this time.
    pub join_over: Duration,
    /// Threads they share.
    pub threads: usize,
    /// Take a sender's bursts as one piece (GRO): lighter for the receivers, and on loopback for the sender.
    pub gro: bool,
    /// Video codecs they take, the preferred first.
    pub codecs: Vec<Codec>,
    /// A link of its own for every classroom, and the seed of the first; `None`: straight to the server.
    pub link: Option<(Profile, u64)>,
    /// They come over TCP (ICE-TCP), as where a network blocks UDP.
    pub over_tcp: bool,
}

/// Why a run could not be made at all; a single classroom's failure is part of the [`Summary`].
#[derive(Debug, thiserror::Error)]
pub enum ClassroomsError {
    /// The link holds no token.
    #[error("the link holds no token (expected {{base}}/{{page}}#t={{token}} or the bare token)")]
    NoToken,
    /// The invitation could not be made.
    #[error("no invitation for the classrooms: {0}")]
    Invitation(#[from] DoorError),
    /// The system gave no socket or thread.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
    /// Certificate or DTLS.
    #[error("no DTLS: {0}")]
    Dtls(String),
}

/// Lets the classrooms join, watch and leave.
///
/// # Errors
/// [`ClassroomsError`] when the run cannot begin.
pub async fn run(config: ClassroomsConfig) -> Result<Summary, ClassroomsError> {
    let (link, organiser) = match &config.entry {
        Entry::Token(link) => (link, false),
        Entry::Organiser(link) => (link, true),
    };
    let token = crate::whip::token_of(link).ok_or(ClassroomsError::NoToken)?;
    let door = Door::new(&config.server, token)?;
    if !organiser {
        return watch(&config, vec![door]).await;
    }
    let mut invitations = Vec::new();
    let mut doors = Vec::new();
    for _ in 0..config.count.div_ceil(PER_INVITATION) {
        let invitation = door.invite(&config.lesson, "observer", "nhipcau-sim").await?;
        doors.push(door.with_token(invitation.token().ok_or(ClassroomsError::NoToken)?));
        invitations.push(invitation.id);
    }
    let outcome = watch(&config, doors).await;
    for invitation in invitations {
        if let Err(error) = door.revoke(&invitation).await {
            warn!(%error, "an invitation of the classrooms is still valid");
        }
    }
    outcome
}

async fn watch(config: &ClassroomsConfig, doors: Vec<Door>) -> Result<Summary, ClassroomsError> {
    let began = Instant::now();
    let mut crowd = Crowd::open(config.clone(), doors)?;
    let end = began + config.duration;
    crowd.join(end).await;
    tokio::time::sleep_until(end.into()).await;
    info!(seconds = config.duration.as_secs(), "the classrooms leave");
    Ok(Summary::of(&crowd.leave().await?))
}

/// Classrooms that can be let in, looked at and sent home one step at a time.
pub struct Crowd {
    shared: Arc<Shared>,
    /// Why classrooms did not get as far as a seat.
    refused: Vec<String>,
    links: Vec<Link>,
}

/// The line of one classroom; it ends when dropped.
#[derive(Debug)]
enum Link {
    Udp(#[expect(dead_code, reason = "it lives as long as the classroom")] UdpLink),
    Tcp(#[expect(dead_code, reason = "it lives as long as the classroom")] TcpLink),
}

struct Shared {
    config: ClassroomsConfig,
    /// At least one; classrooms share them evenly.
    doors: Vec<Door>,
    endpoint: Endpoint,
    epoch: Instant,
    halls: Vec<Hall>,
}

impl Crowd {
    /// Opens the threads; nobody joins yet. `config.entry` is not looked at: `doors` have the tokens, shared evenly.
    ///
    /// # Errors
    /// [`ClassroomsError`] when there is no door, or the system gives no thread or certificate.
    pub fn open(config: ClassroomsConfig, doors: Vec<Door>) -> Result<Self, ClassroomsError> {
        if doors.is_empty() {
            return Err(ClassroomsError::NoToken);
        }
        let epoch = Instant::now();
        let identity = Identity::generate().map_err(|error| ClassroomsError::Dtls(error.to_string()))?;
        let endpoint = Endpoint::new(EndpointConfig { identity, candidates: Vec::new(), epoch })
            .map_err(|error| ClassroomsError::Dtls(error.to_string()))?;
        let halls = (0..config.threads.max(1))
            .map(|n| Hall::open(&format!("classrooms-{n}"), epoch, config.gro))
            .collect::<io::Result<_>>()?;
        let shared = Arc::new(Shared { config, doors, endpoint, epoch, halls });
        Ok(Self { shared, refused: Vec::new(), links: Vec::new() })
    }

    /// Lets all of them join over the configured time; those that have no answer by `deadline` have failed.
    pub async fn join(&mut self, deadline: Instant) {
        let began = Instant::now();
        let ClassroomsConfig { count, join_over, .. } = self.shared.config;
        let mut joining = JoinSet::new();
        for n in 0..count {
            let shared = Arc::clone(&self.shared);
            let at = began + join_over.mul_f64(n as f64 / count as f64);
            joining.spawn(async move {
                tokio::time::sleep_until(at.into()).await;
                join(&shared, n).await
            });
        }
        let all = async {
            while let Some(outcome) = joining.join_next().await {
                match outcome {
                    Ok(Ok(link)) => self.links.extend(link),
                    Ok(Err(failure)) => self.refused.push(failure),
                    Err(panic) => self.refused.push(panic.to_string()),
                }
            }
        };
        if tokio::time::timeout_at(deadline.into(), all).await.is_err() {
            self.refused.extend((0..joining.len()).map(|_| "still joining when the run ended".to_owned()));
            joining.shutdown().await;
        }
    }

    /// Why classrooms did not get as far as a seat, one entry for each.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Looks at all of them.
    ///
    /// # Errors
    /// When a thread has broken down.
    pub fn look(&self) -> io::Result<Glance> {
        let mut all = Glance::default();
        for hall in &self.shared.halls {
            all += hall.look()?;
        }
        Ok(all)
    }

    /// All leave; hands out what became of each.
    ///
    /// # Errors
    /// When a thread has broken down.
    pub async fn leave(self) -> io::Result<Vec<Record>> {
        let shared =
            Arc::into_inner(self.shared).ok_or_else(|| io::Error::other("a classroom is still joining"))?;
        let refused = self.refused.into_iter();
        let mut records: Vec<_> =
            refused.map(|failure| Record { failure: Some(failure), ..Record::default() }).collect();
        for hall in shared.halls {
            records
                .extend(tokio::task::spawn_blocking(move || hall.close()).await.map_err(io::Error::other)??);
        }
        Ok(records)
    }
}

/// Brings classroom `n` from nothing to a seat; gives its link back, which must live as long as it does.
async fn join(shared: &Shared, n: usize) -> Result<Option<Link>, String> {
    let Shared { config, doors, endpoint, epoch, halls } = shared;
    let door = &doors[n % doors.len()];
    let now = || Timestamp::from_micros(epoch.elapsed().as_micros() as u64);
    let began = now();
    let spec = OfferSpec { sends: false, audio: 2, video: 3, codecs: config.codecs.clone() };
    let (mut peer, offer) = ClientPeer::new(endpoint, spec, PeerSecrets::from_seed(rand::random()));
    let mut granted = door.play(&config.lesson, offer).await.map_err(|error| error.to_string())?;
    debug!(n, "answered");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let line = config.link.as_ref().map(|(profile, seed)| {
        let line = Bottleneck::new(profile, seed.wrapping_add(n as u64));
        (line, profile.udp_blocked)
    });
    let mut link = None;
    let line = if config.over_tcp {
        let server = link::first_tcp_candidate(&granted.sdp).ok_or("the answer has no TCP candidate")?;
        let mut door = server;
        if let Some((line, _)) = line {
            let started = TcpLink::start(any, server, line).await.map_err(|error| error.to_string())?;
            door = started.address();
            link = Some(Link::Tcp(started));
        }
        let socket = TcpStream::connect(door).await.and_then(TcpStream::into_std);
        peer.accept_answer_over_tcp(now(), &granted.sdp).map_err(|error| error.to_string())?;
        Line::Tcp(socket.map_err(|error| error.to_string())?, server)
    } else {
        if let Some((line, udp_blocked)) = line {
            let server = link::first_candidate(&granted.sdp).ok_or("the answer has no UDP candidate")?;
            let started =
                UdpLink::start(any, server, line, udp_blocked).await.map_err(|error| error.to_string())?;
            granted.sdp = link::redirect_candidates(&granted.sdp, started.address());
            link = Some(Link::Udp(started));
        }
        peer.accept_answer(now(), &granted.sdp).map_err(|error| error.to_string())?;
        Line::Udp(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map_err(|error| error.to_string())?)
    };
    let hall = &halls[n % halls.len()];
    hall.enter(line, Classroom::new(peer, began)).map_err(|error| error.to_string())?;
    Ok(link)
}
