//! One media worker: a thread, a socket, its peers, its copy of every lesson.
//!
//! The loop never blocks but in `poll`, takes no lock for a media packet and never waits for another
//! thread. Order within a turn: datagrams, letter boxes, what is due to viewers, timers, and last the handshakes, whose
//! cryptography may take a bounded share of the turn only.

use super::{
    api::{MediaEvent, PeerRole, PeerStats},
    burst::{Burst, Path},
    counts::Ingress,
    member::{Member, Part},
    meters::Meters,
    outbox::Outbox,
    outlet::{Egress, Outlet},
    reach::ANSWERS_MAX,
    shared::Shared,
    socket::{Batch, MediaSocket},
    sockets::Sockets,
    streams::Streams,
    tap::Tapped,
};
use adaptive::Seen;
use domain::{Layer, LessonId, PeerId, Slot, Timestamp};
use media::StoredPacket;
use mio::{Events, Interest, Poll, Token};
use relay::{Counts, Relay};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

const SOCKET: Token = Token(0);
pub(super) const WAKER: Token = Token(1);

/// Batches read in one turn before packets leave: a flood of datagrams does not hold up the lesson.
const BATCHES_PER_TURN: usize = 16;
/// Packets of other workers taken in one turn.
const RELAYED_PER_TURN: usize = 2_048;
/// Time handshakes may take of a turn. One step of a handshake takes one to two milliseconds, so at least one
/// is always done.
const HANDSHAKE_SHARE: Duration = Duration::from_millis(1);
/// Publishers' repair requests and feedback, and a tenth of the receivers' layers, are looked at this often.
const CARE_INTERVAL: Duration = Duration::from_millis(20);
/// Every receiver's turn comes each so many care intervals.
const CARE_PHASES: usize = 10;
/// Checks from unknown addresses looked up in each care interval at most: a thousand classrooms may come in one second, each with
/// a handful of addresses, and a flood of made-up names does not keep the registry busy.
const LOOKUPS_MAX: u32 = 400;
/// Peers' own timers (ICE consent, DTLS retransmission) are looked at this often.
const TIMERS_INTERVAL: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
const STATS_INTERVAL: Duration = Duration::from_secs(2);
/// A room's rung is on the board within 3 s of its change, and its own page shows a still as soon.
const VIEWER_STATS_INTERVAL: Duration = SECOND;

/// Where datagrams from an address go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Here(PeerId),
    There(PeerId, usize),
}

/// A datagram of a handshake, waiting for its share of a turn.
pub(super) struct Handshake {
    pub(super) peer: PeerId,
    pub(super) path: Path,
    pub(super) via: usize,
    pub(super) bytes: Vec<u8>,
}

/// See the module's description.
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    poll: Poll,
    pub(super) egress: Egress,
    batch: Option<Batch>,
    pub(super) lessons: HashMap<LessonId, Relay<Outlet>>,
    pub(super) peers: HashMap<PeerId, Member>,
    /// Keyed by addresses that outsiders choose, so it hashes with a secret. Only received datagrams come here.
    pub(super) routes: HashMap<SocketAddr, Route>,
    pub(super) handshakes: VecDeque<Handshake>,
    pub(super) outbox: Outbox,
    pub(super) counts: Ingress,
    meters: Meters,
    /// What lessons that are over had sent and not yet told.
    sent: Counts,
    /// Layers that a worker's full queue has lost packets of, and that it gets again from their next keyframe.
    pub(super) gaps: Vec<HashSet<(LessonId, Slot, Layer)>>,
    /// Checks from unknown addresses that may still be looked up before the next care.
    pub(super) lookups_left: u32,
    /// Answers to strangers before the second is over.
    pub(super) answers_left: u32,
    /// Workers with new letters in their boxes.
    pub(super) to_ring: Vec<bool>,
    /// Who wants a lesson's packets besides its viewers.
    pub(super) taps: HashMap<LessonId, mpsc::Sender<Tapped>>,
    pub(super) accepted: Vec<StoredPacket>,
    pub(super) seen: Vec<Seen>,
    pub(super) stopping: bool,
    care_due: Timestamp,
    care_phase: usize,
    timers_due: Timestamp,
    second_due: Timestamp,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        shared: Arc<Shared>,
        poll: Poll,
        mut socket: MediaSocket,
    ) -> io::Result<Self> {
        poll.registry().register(socket.source(), SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        let workers = shared.inboxes.len();
        let streams = Streams::new(poll.registry().try_clone()?);
        let burst = Burst::new(socket.segments_max());
        let egress = Egress { burst, socket: Sockets { udp: socket, streams }, epoch: shared.epoch };
        Ok(Self {
            index,
            poll,
            egress,
            batch: Some(Batch::new()),
            lessons: HashMap::new(),
            peers: HashMap::new(),
            routes: HashMap::new(),
            handshakes: VecDeque::new(),
            outbox: Outbox::new(shared.events.clone()),
            counts: Ingress::default(),
            meters: Meters::new(index),
            sent: Counts::default(),
            gaps: vec![HashSet::new(); workers],
            lookups_left: LOOKUPS_MAX,
            answers_left: ANSWERS_MAX,
            to_ring: vec![false; workers],
            taps: HashMap::new(),
            accepted: Vec::new(),
            seen: Vec::new(),
            stopping: false,
            care_due: Timestamp::ZERO,
            care_phase: 0,
            timers_due: Timestamp::ZERO,
            second_due: Timestamp::ZERO,
            shared,
        })
    }

    pub(super) fn tick(&self) -> Duration {
        self.shared.config.tick
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        let mut readable = true;
        while !self.stopping {
            let busy = readable || !self.handshakes.is_empty() || self.egress.socket.streams.has_ready();
            let timeout = if busy { Duration::ZERO } else { self.patience() };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(worker = self.index, %error, "media worker {} cannot poll: {error}", self.index);
                // Without this a broken poll would spin.
                std::thread::sleep(Duration::from_millis(10));
            }
            for event in &events {
                match event.token() {
                    SOCKET => readable |= event.is_readable(),
                    WAKER => {}
                    // The end of a connection, and its errors, show when it is read.
                    stream => {
                        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
                        self.egress.socket.streams.note(stream, readable, event.is_writable());
                    }
                }
            }
            if readable {
                readable = self.receive();
            }
            self.read_streams();
            self.read_inbox();
            self.flush_lessons();
            self.run_timers();
            self.run_handshakes();
            self.egress.socket.udp.retry();
            self.outbox.flush();
            self.ring_others();
        }
        self.outbox.flush();
        self.meters.peers(0, 0);
    }

    /// How long nothing needs to be done.
    fn patience(&self) -> Duration {
        let now = self.shared.now();
        let mut next = self.care_due.min(self.timers_due).min(self.second_due);
        if let Some(due) = self.lessons.values().filter_map(|lesson| lesson.due(self.tick())).min() {
            next = next.min(due);
        }
        let patience = next.saturating_since(now);
        if self.egress.socket.udp.has_unsent() || self.outbox.is_waiting() {
            return patience.min(Duration::from_millis(1));
        }
        patience
    }

    /// Reads what the socket has; `true` when there may be more.
    fn receive(&mut self) -> bool {
        let Some(mut batch) = self.batch.take() else { return false };
        let mut more = true;
        for _ in 0..BATCHES_PER_TURN {
            more = self.egress.socket.udp.receive(&mut batch);
            if !more {
                break;
            }
            let now = self.shared.now();
            for (path, bytes) in batch.datagrams() {
                self.on_datagram(now, path, bytes);
            }
        }
        self.batch = Some(batch);
        more
    }

    fn read_inbox(&mut self) {
        let shared = Arc::clone(&self.shared);
        let inbox = &shared.inboxes[self.index];
        inbox.looking();
        let (now, tick) = (self.shared.now(), self.tick());
        while let Some(voice) = inbox.voice.pop() {
            self.lessons.entry(voice.lesson).or_default().store(now, tick, voice.incoming);
        }
        for _ in 0..RELAYED_PER_TURN {
            let Some(video) = inbox.video.pop() else { break };
            self.lessons.entry(video.lesson).or_default().store(now, tick, video.incoming);
        }
        if !inbox.video.is_empty() {
            inbox.ring();
        }
        while let Some(note) = inbox.notes.pop() {
            self.on_note(now, &note);
        }
        // At most one queue's length: more may be arriving all the time.
        for _ in 0..inbox.forwarded.capacity() {
            let Some(mut forwarded) = inbox.forwarded.pop() else { break };
            self.deliver(now, forwarded.peer, forwarded.path, forwarded.via, &mut forwarded.bytes);
        }
        for command in inbox.take_commands() {
            self.on_command(now, command);
        }
    }

    fn flush_lessons(&mut self) {
        let (now, tick) = (self.shared.now(), self.shared.config.tick);
        let mut wished = Vec::new();
        let mut reports = Vec::new();
        for (&id, lesson) in &mut self.lessons {
            if lesson.due(tick).is_some_and(|due| due <= now) {
                lesson.flush(now, tick, &mut self.egress);
                lesson.take_wishes(now, |slot, layer| wished.push((id, slot, layer)));
                lesson.take_reports_due(&mut reports);
            }
        }
        for (lesson, slot, layer) in wished {
            self.wish(now, lesson, slot, layer);
        }
        for peer in reports {
            self.send_reports(now, peer);
        }
        let segments_max = self.egress.socket.segments_max();
        self.egress.burst.limit_segments(segments_max);
    }

    fn run_timers(&mut self) {
        let now = self.shared.now();
        if self.care_due <= now {
            self.care_due = now + CARE_INTERVAL;
            self.care_phase = (self.care_phase + 1) % CARE_PHASES;
            self.lookups_left = LOOKUPS_MAX;
            self.care_for_publishers(now);
            self.care_for_receivers(now);
        }
        if self.timers_due <= now {
            self.timers_due = now + TIMERS_INTERVAL;
            let due = |member: &Member| member.peer.poll_timeout().is_some_and(|due| due <= now);
            let peers: Vec<PeerId> =
                self.peers.iter().filter(|(_, member)| due(member)).map(|(&id, _)| id).collect();
            for peer in peers {
                if let Some(member) = self.peers.get_mut(&peer) {
                    member.peer.handle_timeout(now);
                }
                self.after(now, peer, None);
            }
        }
        if self.second_due <= now {
            self.second_due = now + SECOND;
            self.every_second(now);
        }
    }

    fn care_for_publishers(&mut self, now: Timestamp) {
        let publishers: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, member)| member.role() == PeerRole::Publisher)
            .map(|(&id, _)| id)
            .collect();
        for peer in publishers {
            let Some(member) = self.peers.get_mut(&peer) else { continue };
            if member.connected_at.is_none() {
                continue;
            }
            let Part::Publisher(publisher) = &mut member.part else { continue };
            publisher.tick(now, &mut member.peer, &mut self.counts);
            let report = (publisher.stats_due <= now).then(|| {
                publisher.stats_due = now + STATS_INTERVAL;
                MediaEvent::PublisherReport {
                    lesson: member.lesson,
                    peer,
                    loss: publisher.loss,
                    rtt: None,
                    rate: publisher.rate,
                }
            });
            if let Some(report) = report {
                self.outbox.report(report);
            }
            self.announce(now, peer);
            self.after(now, peer, None);
        }
    }

    fn care_for_receivers(&mut self, now: Timestamp) {
        let phase = self.care_phase;
        let mut wished = Vec::new();
        let mut reports = Vec::new();
        for (&id, lesson) in &mut self.lessons {
            let outbox = &mut self.outbox;
            let peers = &mut self.peers;
            lesson.care(now, phase, CARE_PHASES, |receiver, missing| {
                let peer = receiver.peer();
                if let Some((slot, codec)) = missing {
                    outbox.state(MediaEvent::CodecMissing { lesson: id, peer, slot, codec });
                }
                let Some(member) = peers.get_mut(&peer) else { return };
                if member.stats_due <= now {
                    member.stats_due = now + VIEWER_STATS_INTERVAL;
                    let since_heard = member.heard_at.map(|at| now.saturating_since(at));
                    let stats = Box::new(PeerStats { since_heard, ..receiver.stats().into() });
                    outbox.report(MediaEvent::ViewerReport { lesson: id, peer, stats });
                }
            });
            lesson.take_wishes(now, |slot, layer| wished.push((id, slot, layer)));
            lesson.take_reports_due(&mut reports);
        }
        for (lesson, slot, layer) in wished {
            self.wish(now, lesson, slot, layer);
        }
        for peer in reports {
            self.send_reports(now, peer);
        }
    }

    fn every_second(&mut self, now: Timestamp) {
        let gone = &mut self.sent;
        self.lessons.retain(|_, lesson| {
            let is_over = lesson.is_over(now);
            if is_over {
                gone.add(&lesson.take_counts());
            }
            !is_over
        });
        let mut publishers = 0;
        let mut sent = std::mem::take(&mut self.sent);
        for lesson in self.lessons.values_mut() {
            lesson.measure(now);
            sent.add(&lesson.take_counts());
        }
        {
            let mut table = self.shared.stats(self.index);
            table.clear();
            let mut clocks = self.shared.clocks(self.index);
            clocks.clear();
            for (&id, member) in &mut self.peers {
                let refused = member.peer.drops();
                self.counts.add_refused(refused, std::mem::replace(&mut member.refused, refused));
                let stats = match &mut member.part {
                    Part::Publisher(publisher) => {
                        publishers += 1;
                        publisher.measure(now);
                        publisher.stats()
                    }
                    Part::Viewer(Some(at)) => {
                        let lesson = self.lessons.get(&member.lesson);
                        match lesson.and_then(|lesson| lesson.seats().get(*at)) {
                            Some(seat) => {
                                clocks.insert(id, seat.receiver.capture_clocks());
                                seat.receiver.stats().into()
                            }
                            None => continue,
                        }
                    }
                    Part::Viewer(None) => continue,
                };
                if member.connected_at.is_some() {
                    table.insert(id, (member.lesson, member.role(), stats));
                }
            }
        }
        self.meters.peers(publishers, self.peers.len() - publishers);
        self.answers_left = ANSWERS_MAX;
        self.meters.flush(sent, &mut self.egress.socket, &mut self.counts, &mut self.outbox.dropped);
        if self.index == 0 {
            let patience = self.shared.config.connect_timeout;
            let late = self.shared.registry().remove_late(now, patience);
            for (peer, identity) in late {
                self.outbox.state(MediaEvent::PeerClosed {
                    lesson: identity.lesson,
                    peer,
                    role: identity.role,
                    reason: super::CloseReason::ConnectTimeout,
                });
            }
        }
        // A peer that got its first check and never came further.
        let patience = self.shared.config.connect_timeout;
        let stuck = |member: &Member| {
            member.connected_at.is_none() && now.saturating_since(member.created_at) > patience
        };
        let stuck: Vec<PeerId> = self.peers.iter().filter(|(_, m)| stuck(m)).map(|(&id, _)| id).collect();
        for peer in stuck {
            self.close(now, peer, super::CloseReason::ConnectTimeout);
        }
    }

    /// Takes steps of handshakes until their share of the turn is used up.
    fn run_handshakes(&mut self) {
        let began = Instant::now();
        while let Some(mut step) = self.handshakes.pop_front() {
            let now = self.shared.now();
            if let Some(member) = self.peers.get_mut(&step.peer) {
                member.peer.handle_datagram(now, step.path.to, &mut step.bytes);
                self.after(now, step.peer, Some((step.path, step.via)));
            }
            if began.elapsed() >= HANDSHAKE_SHARE {
                break;
            }
        }
    }

    fn ring_others(&mut self) {
        for (worker, ring) in self.to_ring.iter_mut().enumerate() {
            if std::mem::take(ring) {
                self.shared.inboxes[worker].ring();
            }
        }
    }
}
