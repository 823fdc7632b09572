//! The door to the media workers.

use super::{
    api::{
        CloseReason, FragmentAnswer, MediaConfig, MediaError, MediaEvent, MediaSnapshot, MediaStartError,
        OwnerId, PeerRole, PublishSpec, SessionAnswer,
    },
    inbox::{Command, Inbox},
    ingress::fragment_answer,
    registry::{Claimant, NewPeer},
    shared::Shared,
    socket::{MediaSocket, interface_addresses},
    worker::{WAKER, Worker},
};
use domain::{Bitrate, Layer, LessonId, PeerId, Slot, Timestamp};
use mio::{Poll, Waker};
use relay::{CaptureClock, ReceiverTerms};
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use transport::{Candidate, Direction, Endpoint, EndpointConfig, Identity, OfferError, Peer, PeerSecrets};

/// Speaks to the media workers. Cheap to clone; every call but [`MediaHandle::handle_fragment`] returns at once, and
/// all may be made from an async task.
#[derive(Clone)]
pub struct MediaHandle {
    pub(super) shared: Arc<Shared>,
}

/// The running workers. Dropping it without [`RunningMedia::shutdown`] leaves them running to the process's end.
pub struct RunningMedia {
    handle: MediaHandle,
    threads: Vec<JoinHandle<()>>,
}

/// Opens the port, starts the workers. Install the metrics recorder before, or nothing is recorded.
///
/// # Errors
/// [`MediaStartError`] when the port is taken, no address can be advertised or DTLS cannot be prepared.
pub fn start(
    config: MediaConfig,
) -> Result<(MediaHandle, mpsc::Receiver<MediaEvent>, RunningMedia), MediaStartError> {
    let workers =
        config.workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let refuse = |source| MediaStartError::Socket { addr: config.listen, source };
    let mut addr = config.listen;
    let mut sockets = Vec::with_capacity(workers);
    for _ in 0..workers {
        let socket = MediaSocket::open(addr, config.socket_buffer_bytes).map_err(refuse)?;
        addr.set_port(socket.local_addr().map_err(refuse)?.port());
        sockets.push(socket);
    }
    let epoch = Instant::now();
    let identity = match &config.identity_pem {
        Some(pem) => Identity::from_pem(pem),
        None => Identity::generate(),
    };
    let identity = identity.map_err(|error| MediaStartError::Endpoint(error.to_string()))?;
    let candidates = candidates(&config, addr)?;
    let endpoint = Endpoint::new(EndpointConfig { identity, candidates, epoch })
        .map_err(|error| MediaStartError::Endpoint(error.to_string()))?;
    let mut polls = Vec::with_capacity(workers);
    let mut inboxes = Vec::with_capacity(workers);
    for _ in 0..workers {
        let poll = Poll::new().map_err(MediaStartError::Thread)?;
        inboxes.push(Inbox::new(Waker::new(poll.registry(), WAKER).map_err(MediaStartError::Thread)?));
        polls.push(poll);
    }
    let (sender, events) = mpsc::channel(config.events_max.max(1));
    let shared = Arc::new(Shared::new(config, addr, endpoint, epoch, inboxes, sender));
    let mut threads = Vec::with_capacity(workers);
    for (index, (poll, socket)) in polls.into_iter().zip(sockets).enumerate() {
        let worker =
            Worker::new(index, Arc::clone(&shared), poll, socket).map_err(MediaStartError::Thread)?;
        let thread = std::thread::Builder::new().name(format!("media-{index}"));
        threads.push(thread.spawn(move || worker.run()).map_err(MediaStartError::Thread)?);
    }
    let handle = MediaHandle { shared };
    Ok((handle.clone(), events, RunningMedia { handle, threads }))
}

/// The addresses answers name, with the port clients reach.
fn candidates(config: &MediaConfig, bound: SocketAddr) -> Result<Vec<Candidate>, MediaStartError> {
    let port = config.advertise_port.unwrap_or(bound.port());
    let mut addresses = config.advertise.clone();
    if addresses.is_empty() {
        addresses = if bound.ip().is_unspecified() { interface_addresses() } else { vec![bound.ip()] };
        addresses.retain(|address| bound.is_ipv6() || address.is_ipv4());
    }
    addresses.retain(|address: &IpAddr| !address.is_unspecified());
    if addresses.is_empty() {
        return Err(MediaStartError::NoAddress);
    }
    let reached = || addresses.iter().map(|address| SocketAddr::new(*address, port));
    let tcp = reached().map(Candidate::tcp).filter(|_| config.ice_tcp);
    Ok(reached().map(Candidate::from).chain(tcp).collect())
}

impl MediaHandle {
    /// The time that packets are stamped with.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The UDP address listened on, with the port the kernel chose when the configuration said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.local_addr
    }

    /// Answers a publisher's offer. The connection belongs to the workers from then on and ends with exactly one
    /// [`MediaEvent::PeerClosed`].
    ///
    /// # Errors
    /// [`MediaError::SdpMalformed`], [`MediaError::SdpUnsupported`], [`MediaError::SecondHost`],
    /// [`MediaError::TooManyPeers`], [`MediaError::Draining`].
    pub fn publish(&self, lesson: LessonId, spec: &PublishSpec) -> Result<SessionAnswer, MediaError> {
        let direction = Direction::Publish { first_slot: spec.first_slot, prefer: None };
        let PublishSpec { owner, first_slot, guest, .. } = *spec;
        self.expect(
            lesson,
            &spec.offer,
            direction,
            PeerRole::Publisher,
            Claimant { owner, first_slot, guest },
            None,
        )
    }

    /// Answers a viewer's offer. Wanted layers start at `High` for every slot; see [`MediaHandle::set_demand`]. `carried`: what its
    /// link carried when it was last here; a thin link is not flooded again until it has said that it is thin.
    ///
    /// # Errors
    /// [`MediaError::SdpMalformed`], [`MediaError::SdpUnsupported`], [`MediaError::TooManyPeers`],
    /// [`MediaError::Draining`].
    pub fn play(
        &self,
        lesson: LessonId,
        offer: &str,
        owner: OwnerId,
        carried: Option<Bitrate>,
    ) -> Result<SessionAnswer, MediaError> {
        let claimant = Claimant { owner, first_slot: Slot::ProgramVideo, guest: false };
        self.expect(lesson, offer, Direction::Play, PeerRole::Viewer, claimant, carried)
    }

    fn expect(
        &self,
        lesson: LessonId,
        offer: &str,
        direction: Direction,
        role: PeerRole,
        claimant: Claimant,
        carried: Option<Bitrate>,
    ) -> Result<SessionAnswer, MediaError> {
        let peers_max = self.shared.config.peers_max;
        // Before the work, so that a full server does none.
        self.shared.registry().admit(peers_max)?;
        let now = self.shared.now();
        let secrets = PeerSecrets::from_seed(rand::random());
        let (peer, answer_sdp) =
            self.shared.endpoint.answer(offer, direction, &secrets, now).map_err(|error| match error {
                OfferError::Malformed(what) => MediaError::SdpMalformed(what),
                OfferError::Unsupported(what) => MediaError::SdpUnsupported(what),
            })?;
        let id = PeerId(rand::random());
        let answer =
            SessionAnswer { peer: id, answer_sdp, ufrag: peer.local_ufrag().to_owned(), slots: slots(&peer) };
        let wanted = [Some(Layer::High); Slot::COUNT];
        let blocked = [false; Slot::COUNT];
        let terms = ReceiverTerms::default();
        let new = NewPeer { id, lesson, role, peer, wanted, blocked, terms, carried, created_at: now };
        self.shared.registry().expect(new, claimant, peers_max)?;
        Ok(answer)
    }

    /// Ends a connection; its client hears a DTLS close. Unknown peers are ignored (it may just have gone).
    pub fn close(&self, peer: PeerId, reason: CloseReason) {
        let mut registry = self.shared.registry();
        if let Some(worker) = registry.worker_of(peer) {
            self.tell(worker, Command::Close { peer, reason });
        } else if let Some((identity, _)) = registry.remove(peer) {
            let event = MediaEvent::PeerClosed { lesson: identity.lesson, peer, role: identity.role, reason };
            self.tell(0, Command::Emit(event));
        }
    }

    /// Ends every connection of a lesson.
    pub fn close_lesson(&self, lesson: LessonId, reason: CloseReason) {
        let members = self.shared.registry().members(lesson);
        for peer in members {
            self.close(peer, reason);
        }
    }

    /// The size a viewer shows a slot at: it gets this layer or a lower one; `None` stops the slot for it. Lost when the
    /// worker has 4,096 demands to read already: the page says it again when its layout changes.
    pub fn set_demand(&self, peer: PeerId, slot: Slot, layer: Option<Layer>) {
        let mut registry = self.shared.registry();
        if let Some(new) = registry.expected(peer) {
            new.wanted[slot.index()] = layer;
        } else if let Some(worker) = registry.worker_of(peer) {
            self.tell(worker, Command::Demand { peer, slot, layer });
        }
    }

    /// Says what the lesson knows of a viewer that its link cannot tell. Unknown peers are ignored.
    pub fn set_terms(&self, peer: PeerId, terms: ReceiverTerms) {
        let mut registry = self.shared.registry();
        if let Some(new) = registry.expected(peer) {
            new.terms = terms;
        } else if let Some(worker) = registry.worker_of(peer) {
            self.tell(worker, Command::Terms { peer, terms });
        }
    }

    /// Hands over an ICE fragment (RFC 8840): trickled candidates, or new credentials, which restart ICE. Media
    /// goes on over the old path until the new one is validated.
    ///
    /// # Errors
    /// [`MediaError::FragmentMalformed`], [`MediaError::PeerUnknown`],
    /// [`MediaError::Draining`], [`MediaError::Busy`].
    pub async fn handle_fragment(&self, peer: PeerId, fragment: &str) -> Result<FragmentAnswer, MediaError> {
        let answer = {
            let mut registry = self.shared.registry();
            if let Some(new) = registry.expected(peer) {
                let secrets = PeerSecrets::from_seed(rand::random());
                let answer = new.peer.handle_fragment(fragment, &secrets);
                let answer = fragment_answer(peer, &new.peer, answer);
                if let Ok(FragmentAnswer::Restarted { ufrag, .. }) = &answer {
                    registry.add_ufrag(peer, ufrag);
                }
                return answer;
            }
            let worker = registry.worker_of(peer).ok_or(MediaError::PeerUnknown(peer))?;
            let (sender, answer) = oneshot::channel();
            let command = Command::Fragment { peer, fragment: fragment.to_owned(), answer: sender };
            self.shared.inboxes[worker].command(command).map_err(|_| MediaError::Busy)?;
            answer
        };
        answer.await.unwrap_or(Err(MediaError::Draining))
    }

    /// Every connection of a lesson in numbers, about a second old at most.
    pub fn snapshot(&self, lesson: LessonId) -> MediaSnapshot {
        let mut peers = Vec::new();
        for worker in 0..self.shared.inboxes.len() {
            let table = self.shared.stats(worker);
            let of_lesson = table.iter().filter(|(_, (of, _, _))| *of == lesson);
            peers.extend(of_lesson.map(|(&peer, &(_, role, stats))| (peer, role, stats)));
        }
        MediaSnapshot { peers }
    }

    /// What each slot of a viewer shows was captured when: the slot, RTP time as sent to this viewer, how long ago that
    /// was captured, ticks a second. About a second old, which a clock does not mind.
    pub fn capture_clocks(&self, peer: PeerId) -> Vec<(Slot, CaptureClock, Duration)> {
        let now = self.shared.now();
        for worker in 0..self.shared.inboxes.len() {
            if let Some(clocks) = self.shared.clocks(worker).get(&peer) {
                let known = Slot::ALL.into_iter().zip(clocks).filter_map(|(slot, clock)| {
                    clock.map(|clock| (slot, clock, now.saturating_since(clock.captured)))
                });
                return known.collect();
            }
        }
        Vec::new()
    }

    /// Connections there are, those still being set up included.
    pub fn peer_count(&self) -> usize {
        self.shared.registry().len()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn tell(&self, worker: usize, command: Command) {
        if self.shared.inboxes[worker].command(command).is_err() {
            tracing::warn!(worker, "media worker {worker} has too many commands to read; one was dropped");
        }
    }
}

fn slots(peer: &Peer) -> Vec<(Slot, Vec<domain::Codec>)> {
    let sections = &peer.negotiated().sections;
    sections
        .iter()
        .map(|section| (section.slot, section.codecs.iter().map(|codec| codec.codec).collect()))
        .collect()
}

impl RunningMedia {
    /// Refuses new peers, closes every peer (DTLS `close_notify`), stops and joins the workers. Blocks for up to
    /// about a second: call it from a blocking task.
    pub fn shutdown(self) {
        let shared = &self.handle.shared;
        let expected = {
            let mut registry = shared.registry();
            registry.drain();
            registry.remove_expected()
        };
        for (peer, identity) in expected {
            let (lesson, role) = (identity.lesson, identity.role);
            let reason = CloseReason::Draining;
            self.handle.tell(0, Command::Emit(MediaEvent::PeerClosed { lesson, peer, role, reason }));
        }
        for worker in 0..shared.inboxes.len() {
            self.handle.tell(worker, Command::Stop);
        }
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a media worker had panicked");
            }
        }
    }
}
