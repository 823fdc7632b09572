//! Peers coming, changing and going.

use super::{
    api::{CloseReason, MediaEvent, PeerRole},
    burst::Path,
    inbox::{Command, Note},
    member::{Address, Member, Part},
    receiver::Receiver,
    worker::{Route, Worker},
};
use domain::{Layer, PeerId, Slot, Timestamp};
use transport::PeerEvent;

impl Worker {
    /// An address passed a connectivity check: its datagrams are this peer's from now on.
    pub(super) fn learn(&mut self, peer: PeerId, path: Path, via: usize) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        if let Some(gone) = member.learn(Address { path, via }) {
            self.unroute(peer, gone);
        }
        self.routes.insert(path.to, Route::Here(peer));
        if via != self.index {
            let note = Note::Route { addr: path.to, peer, worker: self.index };
            self.to_ring[via] |= self.shared.inboxes[via].note(note);
        }
    }

    fn unroute(&mut self, peer: PeerId, address: Address) {
        let addr = address.path.to;
        if self.routes.get(&addr) == Some(&Route::Here(peer)) {
            self.routes.remove(&addr);
        }
        if address.via != self.index {
            let note = Note::Unroute { addr, peer };
            self.to_ring[address.via] |= self.shared.inboxes[address.via].note(note);
        }
    }

    pub(super) fn on_event(&mut self, now: Timestamp, peer: PeerId, event: PeerEvent) {
        match event {
            PeerEvent::Connected => self.on_connected(now, peer),
            PeerEvent::AddressChanged { to } => {
                let Some(member) = self.peers.get(&peer) else { return };
                let path = member.path_to(to);
                if let Some(receiver) = self.receiver(peer) {
                    receiver.path = path;
                }
            }
            PeerEvent::Closed(reason) => self.finish(peer, close_reason(reason)),
        }
    }

    fn on_connected(&mut self, now: Timestamp, id: PeerId) {
        let Some(member) = self.peers.get_mut(&id) else { return };
        let (lesson, role) = (member.lesson, member.role());
        member.connected_at = Some(now);
        tracing::debug!(peer.id = %id, lesson.id = %lesson, "{role:?} {id} connected to lesson {lesson}");
        self.outbox.state(MediaEvent::PeerConnected { lesson, peer: id, role });
        match role {
            PeerRole::Viewer => self.begin_sending(now, id),
            PeerRole::Publisher => {
                let takeover = self.shared.registry().take_over(id, self.index, now);
                if let Some(Member { part: Part::Publisher(publisher), .. }) = self.peers.get_mut(&id) {
                    for (slot, announced) in takeover.inherited {
                        publisher.inherit(now, slot, announced);
                    }
                }
                for (peer, worker) in takeover.replaced {
                    let close = Command::Close { peer, reason: CloseReason::Replaced };
                    // Cannot be refused: only demands and fragments are.
                    let _ = self.shared.inboxes[worker].command(close);
                }
            }
        }
    }

    fn begin_sending(&mut self, now: Timestamp, id: PeerId) {
        let Some(member) = self.peers.get_mut(&id) else { return };
        let (Some(sealer), Some(remote)) = (member.peer.take_sealer(), member.peer.remote()) else {
            tracing::error!(peer.id = %id, "viewer {id} connected without keys or address");
            return;
        };
        let path = member.path_to(remote);
        let receiver = Receiver::new(
            now,
            id,
            path,
            sealer,
            member.peer.negotiated(),
            member.wanted,
            rand::random::<u64>,
        );
        let at = self.lessons.entry(member.lesson).or_default().attach(now, receiver);
        member.part = Part::Viewer(Some(at));
    }

    fn receiver(&mut self, peer: PeerId) -> Option<&mut Receiver> {
        let member = self.peers.get(&peer)?;
        let Part::Viewer(Some(at)) = member.part else { return None };
        self.lessons.get_mut(&member.lesson)?.receivers.get_mut(at)
    }

    /// The page shows a slot at another size.
    pub(super) fn set_demand(&mut self, now: Timestamp, peer: PeerId, slot: Slot, layer: Option<Layer>) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        member.wanted[slot.index()] = layer;
        if let Part::Viewer(Some(at)) = member.part
            && let Some(lesson) = self.lessons.get_mut(&member.lesson)
        {
            if let Some(receiver) = lesson.receivers.get_mut(at) {
                receiver.set_wanted(slot, layer);
            }
            lesson.reallocate(now, |position| position == at);
        }
    }

    /// Sends the sender reports that are due to a viewer.
    pub(super) fn send_reports(&mut self, now: Timestamp, id: PeerId) {
        let Some(member) = self.peers.get_mut(&id) else { return };
        let Part::Viewer(Some(at)) = member.part else { return };
        let Some(lesson) = self.lessons.get_mut(&member.lesson) else { return };
        let Some(receiver) = lesson.receivers.get_mut(at) else { return };
        let compound = receiver.sender_reports(now, &member.peer.negotiated().cname, &lesson.tracks);
        if let Some(compound) = compound {
            member.peer.send_rtcp(&compound);
            self.after(now, id, None);
        }
    }

    /// Ends a peer from our side; its client hears a DTLS close.
    pub(super) fn close(&mut self, now: Timestamp, id: PeerId, reason: CloseReason) {
        let Some(member) = self.peers.get_mut(&id) else { return };
        member.closing = Some(reason);
        member.peer.close(now);
        self.after(now, id, None);
        // A peer that had no handshake yet has nothing to say.
        self.finish(id, reason);
    }

    /// Forgets a peer and tells its lesson, once.
    fn finish(&mut self, id: PeerId, reason: CloseReason) {
        let Some(mut member) = self.peers.remove(&id) else { return };
        let reason = member.closing.unwrap_or(reason);
        self.counts.add_refused(member.peer.drops(), member.refused);
        // The goodbye, when there is one.
        while let Some(output) = member.peer.poll_output() {
            if let transport::Output::Transmit { to, bytes } = output {
                let path = member.path_to(to);
                super::burst::Sink::send(&mut self.egressor.socket, path, &bytes, bytes.len());
            }
        }
        if let Part::Viewer(Some(at)) = member.part
            && let Some(lesson) = self.lessons.get_mut(&member.lesson)
            && let Some(moved) = lesson.detach(at)
            && let Some(moved) = self.peers.get_mut(&moved)
        {
            moved.part = Part::Viewer(Some(at));
        }
        for address in std::mem::take(&mut member.addresses) {
            self.unroute(id, address);
        }
        let removed = self.shared.registry().remove(id);
        let Some((identity, stopped)) = removed else { return };
        let lesson = identity.lesson;
        tracing::debug!(peer.id = %id, lesson.id = %lesson, reason = reason.code(), "{:?} {id} left lesson {lesson}: {}", identity.role, reason.code());
        for slot in stopped {
            self.outbox.state(MediaEvent::SlotStopped { lesson, slot });
        }
        self.outbox.state(MediaEvent::PeerClosed { lesson, peer: id, role: identity.role, reason });
    }
}

fn close_reason(reason: transport::CloseReason) -> CloseReason {
    use transport::CloseReason as Transport;
    match reason {
        // We close only in `Worker::close`, which says why itself.
        Transport::Local | Transport::Remote => CloseReason::Left,
        Transport::IceTimeout => CloseReason::ConnectTimeout,
        Transport::ConsentExpired => CloseReason::ConsentLost,
        Transport::HandshakeFailed | Transport::FingerprintMismatch | Transport::NoSrtp => {
            CloseReason::HandshakeFailed
        }
    }
}
