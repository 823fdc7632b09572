//! What comes in: whose datagram it is, a publisher's packets on their way to every worker, letters from elsewhere.
//!
//! Demultiplexing: an address that has passed a connectivity check belongs to a peer. Any other address is only
//! listened to for a STUN check that names a peer of ours; everything else is counted and dropped. The kernel spreads addresses over
//! the workers' sockets, so a check (and, later, everything else) of a peer may arrive at another worker than its own: the
//! worker that got the first authentic check owns the peer for good, the others forward its datagrams through
//! a bounded queue. Handing the peer over instead would spare a viewer's few datagrams a copy, and cost a state
//! transfer in the middle of a lesson.

use super::{
    api::{CloseReason, FragmentAnswer, MediaError, MediaEvent},
    burst::{Path, Sink},
    inbox::{Command, Forwarded, Note, Relayed},
    member::{Member, Part},
    outlet::Outlet,
    publisher::Ingested,
    registry::{Claim, Found, NewPeer},
    tap::Tapped,
    worker::{Handshake, Route, Worker},
};
use adaptive::Seen;
use domain::{Layer, LessonId, MediaKind, PeerId, Slot, Timestamp};
use relay::{Incoming, LossBlock, Receiver, Reporting};
use transport::{Feedback, FragmentError, Output, PeerSecrets, Received, RtpIn, stun};

/// Handshake datagrams that wait for their share of a turn at most. Full: dropped, DTLS sends them again.
const HANDSHAKES_MAX: usize = 1_024;
/// Datagrams that are kept for a peer of another worker are no longer than this.
const FORWARDED_BYTES_MAX: usize = 2_048;

impl Worker {
    /// One datagram from this worker's socket.
    pub(super) fn on_datagram(&mut self, now: Timestamp, path: Path, bytes: &mut [u8]) {
        let ufrag = stun::local_ufrag_of(bytes);
        match (self.routes.get(&path.to.addr).copied(), ufrag) {
            (Some(Route::Here(peer)), None) => self.deliver(now, peer, path, self.index, bytes),
            (Some(Route::Here(peer)), Some(ufrag)) if self.answers_to(peer, ufrag) => {
                self.deliver(now, peer, path, self.index, bytes);
            }
            (Some(Route::There(peer, worker)), None) => self.forward(peer, worker, path, bytes),
            // A check from an unknown address, or for another peer than the one that used the address before.
            (_, Some(_)) => self.on_check(now, path, bytes),
            (None, None) => self.on_stranger(path, bytes),
        }
    }

    fn answers_to(&self, peer: PeerId, ufrag: &str) -> bool {
        self.peers.get(&peer).is_some_and(|member| {
            member.peer.local_ufrag() == ufrag || member.peer.previous_ufrag() == Some(ufrag)
        })
    }

    fn on_check(&mut self, now: Timestamp, path: Path, bytes: &mut [u8]) {
        let Some(left) = self.lookups_left.checked_sub(1) else {
            self.counts.unknown += 1;
            return;
        };
        self.lookups_left = left;
        let Some(ufrag) = stun::local_ufrag_of(bytes).map(str::to_owned) else { return };
        let found = self.shared.registry().find(&ufrag, self.index, |peer| {
            peer.handle_datagram(now, path.to, bytes);
            peer.remote().is_some()
        });
        match found {
            Found::Nobody => self.counts.unknown += 1,
            Found::Here(peer) => self.deliver(now, peer, path, self.index, bytes),
            Found::There(peer, worker) => self.forward(peer, worker, path, bytes),
            Found::Adopted(new) => self.adopt(now, *new, path),
        }
    }

    pub(super) fn adopt(&mut self, now: Timestamp, new: NewPeer, path: Path) {
        let id = new.id;
        self.peers.insert(id, Member::new(now, new));
        self.after(now, id, Some((path, self.index)));
    }

    fn forward(&mut self, peer: PeerId, worker: usize, path: Path, bytes: &[u8]) {
        if bytes.len() > FORWARDED_BYTES_MAX {
            return;
        }
        self.counts.forwarded += 1;
        let forwarded = Forwarded { peer, path, via: self.index, bytes: bytes.to_vec() };
        if self.shared.inboxes[worker].forward(forwarded) {
            self.to_ring[worker] = true;
        }
    }

    /// One datagram of a peer of ours, from our socket or forwarded by worker `via`.
    pub(super) fn deliver(&mut self, now: Timestamp, peer: PeerId, path: Path, via: usize, bytes: &mut [u8]) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        if !member.admits(now) {
            self.counts.flooded += 1;
            return;
        }
        if matches!(bytes.first(), Some(20..=63)) {
            if self.handshakes.len() >= HANDSHAKES_MAX {
                self.counts.handshakes_dropped += 1;
            } else {
                self.handshakes.push_back(Handshake { peer, path, via, bytes: bytes.to_vec() });
            }
            return;
        }
        match member.peer.handle_datagram(now, path.to, bytes) {
            Received::Nothing => {}
            Received::Rtp(rtp) => self.on_rtp(now, peer, &rtp),
            Received::Feedback(items) => self.on_feedback(now, peer, &items),
        }
        self.after(now, peer, Some((path, via)));
    }

    /// Sends what the peer wants sent and acts on what happened to it. `from`: the datagram that was handled.
    pub(super) fn after(&mut self, now: Timestamp, id: PeerId, from: Option<(Path, usize)>) {
        while let Some(member) = self.peers.get_mut(&id) {
            let Some(output) = member.peer.poll_output() else { return };
            match output {
                Output::Transmit { to, bytes } => {
                    if let Some((path, via)) = from.filter(|(path, _)| path.to == to)
                        && !member.knows(to)
                    {
                        self.learn(id, path, via);
                    }
                    let path =
                        self.peers.get(&id).map_or(Path { to, from: None }, |member| member.path_to(to));
                    self.egress.socket.send(path, &bytes, bytes.len());
                }
                Output::Event(event) => self.on_event(now, id, event),
            }
        }
    }

    fn on_rtp(&mut self, now: Timestamp, peer: PeerId, rtp: &RtpIn<'_>) {
        self.counts.packets += 1;
        self.counts.bytes += rtp.packet.len() as u64;
        let Some(member) = self.peers.get_mut(&peer) else { return };
        let (lesson, connected_at) = (member.lesson, member.connected_at.unwrap_or(now));
        let Part::Publisher(publisher) = &mut member.part else { return };
        self.accepted.clear();
        let negotiated = member.peer.negotiated();
        let mut ingested = publisher.ingest(now, rtp, negotiated, &self.shared, &mut self.accepted);
        if let Ingested::NeedsClaim(slot) = ingested {
            let claim = self.shared.registry().claim(lesson, slot, peer, self.index, connected_at);
            publisher.claimed(now, slot, matches!(claim, Claim::Granted { .. }));
            if let Claim::Granted { before: Some((loser, worker)) } = claim {
                let lost = Command::SlotLost { peer: loser, slot };
                // Cannot be refused: only demands and fragments are.
                let _ = self.shared.inboxes[worker].command(lost);
            }
            ingested = publisher.ingest(now, rtp, negotiated, &self.shared, &mut self.accepted);
        }
        let Ingested::Relay(slot, layer) = ingested else { return };
        let is_news = publisher.is_unannounced(slot);
        let mut accepted = std::mem::take(&mut self.accepted);
        for packet in accepted.drain(..) {
            self.relay(now, lesson, Incoming { slot, layer, source: self.index, packet });
        }
        self.accepted = accepted;
        if is_news {
            self.announce(now, peer);
        }
    }

    /// Hands one packet to every worker, this one included.
    fn relay(&mut self, now: Timestamp, lesson: LessonId, incoming: Incoming) {
        let Incoming { slot, layer, source, .. } = incoming;
        self.tapped(lesson, || Tapped::Packet { slot, layer, packet: incoming.packet.clone() });
        for worker in (0..self.shared.inboxes.len()).filter(|&worker| worker != source) {
            let gaps = &mut self.gaps[worker];
            if !gaps.is_empty() && gaps.contains(&(lesson, slot, layer)) {
                if !incoming.packet.frame.starts_keyframe {
                    self.counts.relay_full += 1;
                    continue;
                }
                gaps.remove(&(lesson, slot, layer));
            }
            if self.shared.inboxes[worker].relay(Relayed { lesson, incoming: incoming.clone() }) {
                self.to_ring[worker] = true;
            } else {
                self.counts.relay_full += 1;
                self.gaps[worker].insert((lesson, slot, layer));
                self.wish(now, lesson, slot, layer);
            }
        }
        let tick = self.tick();
        self.lessons.entry(lesson).or_default().store(now, tick, incoming);
    }

    /// Tells the lesson which slots of a publisher have begun or stopped.
    pub(super) fn announce(&mut self, now: Timestamp, peer: PeerId) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        let lesson = member.lesson;
        let Part::Publisher(publisher) = &mut member.part else { return };
        let mut changes = Vec::new();
        publisher.announcements(now, &mut changes);
        for (slot, codec) in changes {
            if self.shared.registry().announce(lesson, slot, peer, codec) {
                self.outbox.state(match codec {
                    Some(codec) => MediaEvent::SlotStarted { lesson, slot, codec },
                    None => MediaEvent::SlotStopped { lesson, slot },
                });
            }
        }
    }

    fn on_feedback(&mut self, now: Timestamp, peer: PeerId, items: &[Feedback]) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        let id = member.lesson;
        let mut clocks = Vec::new();
        match &mut member.part {
            Part::Publisher(publisher) => {
                for item in items {
                    let Feedback::SenderReport(info) = item else { continue };
                    let Some((slot, layer, reading)) = publisher.on_sender_report(now, info) else {
                        continue;
                    };
                    for worker in (0..self.shared.inboxes.len()).filter(|&worker| worker != self.index) {
                        let note = Note::Clock { lesson: id, slot, layer, reading };
                        self.to_ring[worker] |= self.shared.inboxes[worker].note(note);
                    }
                    self.lessons.entry(id).or_default().on_clock(slot, layer, reading);
                    clocks.push(Tapped::Clock { slot, layer, reading });
                }
            }
            Part::Viewer(at) => {
                member.heard_at = Some(now);
                let Some(lesson) = self.lessons.get_mut(&id) else { return };
                let Some(at) = *at else { return };
                let seen = &mut self.seen;
                lesson.with_receiver(at, &mut self.egress, |receiver, answer| {
                    report(now, items, receiver, answer, seen);
                });
                let mut wished = Vec::new();
                lesson.take_wishes(now, |slot, layer| wished.push((slot, layer)));
                for (slot, layer) in wished {
                    self.wish(now, id, slot, layer);
                }
            }
        }
        for clock in clocks {
            self.tapped(id, || clock);
        }
    }

    /// Somebody here needs a keyframe: asks the publisher, here or through its worker.
    pub(super) fn wish(&mut self, now: Timestamp, id: LessonId, slot: Slot, layer: Layer) {
        debug_assert_eq!(slot.kind(), MediaKind::Video, "only pictures have keyframes");
        let Some(worker) = self.lessons.get(&id).and_then(|lesson| lesson.source(slot)) else { return };
        if worker != self.index {
            // full: the receiver wishes again while it waits.
            self.to_ring[worker] |=
                self.shared.inboxes[worker].note(Note::WantsKeyframe { lesson: id, slot, layer });
            return;
        }
        let Some(peer) = self.shared.registry().source(id, slot) else { return };
        if let Some(member) = self.peers.get_mut(&peer)
            && let Part::Publisher(publisher) = &mut member.part
        {
            publisher.wish(now, slot, layer, &mut member.peer, &mut self.counts);
            self.after(now, peer, None);
        }
    }

    pub(super) fn on_note(&mut self, now: Timestamp, note: &Note) {
        match *note {
            Note::Clock { lesson, slot, layer, reading } => {
                self.lessons.entry(lesson).or_default().on_clock(slot, layer, reading);
            }
            Note::WantsKeyframe { lesson, slot, layer } => self.wish(now, lesson, slot, layer),
            Note::Route { addr, peer, worker } => {
                self.routes.insert(addr, Route::There(peer, worker));
            }
            Note::Unroute { addr, peer } => {
                if matches!(self.routes.get(&addr), Some(Route::There(known, _)) if *known == peer) {
                    self.routes.remove(&addr);
                }
            }
        }
    }

    pub(super) fn on_command(&mut self, now: Timestamp, command: Command) {
        match command {
            Command::Close { peer, reason } => self.close(now, peer, reason),
            Command::Demand { peer, slot, layer } => self.set_demand(now, peer, slot, layer),
            Command::Fragment { peer, fragment, answer } => {
                let result = self.on_fragment(peer, &fragment);
                // The asker may have given up; nobody else wants the answer.
                let _ = answer.send(result);
                self.after(now, peer, None);
            }
            Command::Stream(new) => self.on_stream(now, new),
            Command::Tap { lesson, sender } => self.on_tap(lesson, sender),
            Command::Wish { lesson, slot, layer } => self.on_wish(now, lesson, slot, layer),
            Command::SlotLost { peer, slot } => {
                if let Some(Member { part: Part::Publisher(publisher), .. }) = self.peers.get_mut(&peer) {
                    publisher.lose(now, slot);
                }
            }
            Command::SlotOpen { peer, slot } => {
                if let Some(Member { part: Part::Publisher(publisher), .. }) = self.peers.get_mut(&peer) {
                    publisher.open(now, slot);
                }
            }
            Command::Block { peer, slots } => self.set_blocked(now, peer, slots),
            Command::Terms { peer, terms } => self.set_terms(now, peer, terms),
            Command::Emit(event) => self.outbox.state(event),
            Command::Stop => {
                let peers: Vec<PeerId> = self.peers.keys().copied().collect();
                for peer in peers {
                    self.close(now, peer, CloseReason::Draining);
                }
                self.stopping = true;
            }
        }
    }

    fn on_fragment(&mut self, peer: PeerId, fragment: &str) -> Result<FragmentAnswer, MediaError> {
        let member = self.peers.get_mut(&peer).ok_or(MediaError::PeerUnknown(peer))?;
        let secrets = PeerSecrets::from_seed(rand::random());
        let answer = member.peer.handle_fragment(fragment, &secrets);
        fragment_answer(peer, &member.peer, answer).inspect(|answer| {
            if let FragmentAnswer::Restarted { ufrag, .. } = answer {
                self.shared.registry().add_ufrag(peer, ufrag);
            }
        })
    }
}

/// Hands what one RTCP datagram of a viewer says to its receiver.
fn report(
    now: Timestamp,
    items: &[Feedback],
    receiver: &mut Receiver,
    answer: &mut Reporting<'_, Outlet>,
    seen: &mut Vec<Seen>,
) {
    let blocks = items.iter().filter_map(|item| match item {
        Feedback::ReceiverReport(block) => Some(LossBlock {
            ssrc: block.ssrc,
            fraction_lost: block.fraction_lost,
            highest_sequence: block.highest_sequence,
            last_sender_report: block.last_sender_report,
            delay_since_last_sender_report: block.delay_since_last_sender_report,
        }),
        _ => None,
    });
    receiver.on_reports(now, blocks);
    for item in items {
        match item {
            Feedback::Nack { ssrc, sequences } => receiver.on_nack(*ssrc, sequences, answer),
            Feedback::Pli { ssrc } | Feedback::Fir { ssrc, .. } => {
                receiver.on_keyframe_request(*ssrc, answer);
            }
            Feedback::Remb { bitrate } => receiver.on_remb(now, *bitrate),
            Feedback::Twcc(report) => {
                receiver.on_transport_feedback(now, report.base_sequence, &report.arrivals, seen);
            }
            // Reports are taken above; a viewer sends nothing of its own.
            Feedback::ReceiverReport(_) | Feedback::SenderReport(_) | Feedback::Bye { .. } => {}
        }
    }
}

/// The transport's answer to a fragment in the words of our API.
pub(super) fn fragment_answer(
    id: PeerId,
    peer: &transport::Peer,
    answer: Result<Option<String>, FragmentError>,
) -> Result<FragmentAnswer, MediaError> {
    match answer {
        Ok(None) => Ok(FragmentAnswer::Taken),
        Ok(Some(fragment)) => {
            Ok(FragmentAnswer::Restarted { fragment, ufrag: peer.local_ufrag().to_owned() })
        }
        Err(FragmentError::Malformed(what)) => Err(MediaError::FragmentMalformed(what)),
        Err(FragmentError::Closed) => Err(MediaError::PeerUnknown(id)),
    }
}
