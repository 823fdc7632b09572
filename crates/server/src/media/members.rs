//! Peers coming, changing and going.

use super::{
    api::{CloseReason, MediaEvent, PeerRole},
    burst::Path,
    guests::SlotSet,
    inbox::{Command, Note},
    member::{Address, Member, Part},
    outlet::Outlet,
    worker::{Route, Worker},
};
use adaptive::Link;
use domain::{Bitrate, Layer, PeerId, Slot, Timestamp};
use media::StreamStart;
use relay::{Receiver, ReceiverSpec, ReceiverTerms, SlotSpec, codec_index};
use std::time::Duration;
use transport::{
    Peer, PeerEvent, Remote, Shown,
    feedback::{Compound, SenderInfo},
};

impl Worker {
    /// An address passed a connectivity check: its datagrams are this peer's from now on.
    pub(super) fn learn(&mut self, peer: PeerId, path: Path, via: usize) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        if let Some(gone) = member.learn(Address { path, via }) {
            self.unroute(peer, gone);
        }
        if path.to.stream.is_some() {
            return;
        }
        self.routes.insert(path.to.addr, Route::Here(peer));
        if via != self.index {
            let note = Note::Route { addr: path.to.addr, peer, worker: self.index };
            self.to_ring[via] |= self.shared.inboxes[via].note(note);
        }
    }

    fn unroute(&mut self, peer: PeerId, address: Address) {
        let Remote { addr, stream } = address.path.to;
        if let Some(stream) = stream {
            self.egress.socket.streams.close(stream);
            return;
        }
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
                if let Some(outlet) = self.outlet(peer) {
                    outlet.path = path;
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
        let start = believed(self.shared.config.link_start, member.carried);
        let spec = receiver_spec(id, &member.peer, member.granted(), start);
        let outlet = Outlet::new(path, sealer, member.peer.negotiated());
        let mut receiver = Receiver::new(now, &spec);
        receiver.set_terms(member.terms);
        let lesson = self.lessons.entry(member.lesson).or_default();
        let at = lesson.attach(now, receiver, outlet);
        member.part = Part::Viewer(Some(at));
    }

    fn outlet(&mut self, peer: PeerId) -> Option<&mut Outlet> {
        let member = self.peers.get(&peer)?;
        let Part::Viewer(Some(at)) = member.part else { return None };
        Some(&mut self.lessons.get_mut(&member.lesson)?.seat_mut(at)?.outlet)
    }

    /// The page shows a slot at another size.
    pub(super) fn set_demand(&mut self, now: Timestamp, peer: PeerId, slot: Slot, layer: Option<Layer>) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        member.wanted[slot.index()] = layer;
        self.reallocate(now, peer, &[slot]);
    }

    /// The lesson keeps slots from a viewer, or no longer.
    pub(super) fn set_blocked(&mut self, now: Timestamp, peer: PeerId, blocked: SlotSet) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        if std::mem::replace(&mut member.blocked, blocked) != blocked {
            self.reallocate(now, peer, &Slot::ALL);
        }
    }

    /// The lesson knows more of a viewer.
    pub(super) fn set_terms(&mut self, now: Timestamp, peer: PeerId, terms: ReceiverTerms) {
        let Some(member) = self.peers.get_mut(&peer) else { return };
        member.terms = terms;
        if let Part::Viewer(Some(at)) = member.part
            && let Some(lesson) = self.lessons.get_mut(&member.lesson)
        {
            if let Some(seat) = lesson.seat_mut(at) {
                seat.receiver.set_terms(terms);
            }
            lesson.reallocate(now, |position| position == at);
        }
    }

    fn reallocate(&mut self, now: Timestamp, peer: PeerId, slots: &[Slot]) {
        let Some(member) = self.peers.get(&peer) else { return };
        let granted = member.granted();
        if let Part::Viewer(Some(at)) = member.part
            && let Some(lesson) = self.lessons.get_mut(&member.lesson)
        {
            if let Some(seat) = lesson.seat_mut(at) {
                for &slot in slots {
                    seat.receiver.set_wanted(slot, granted[slot.index()]);
                }
            }
            lesson.reallocate(now, |position| position == at);
        }
    }

    /// Sends the sender reports that are due to a viewer.
    pub(super) fn send_reports(&mut self, now: Timestamp, id: PeerId) {
        let Some(member) = self.peers.get_mut(&id) else { return };
        let Part::Viewer(Some(at)) = member.part else { return };
        let Some(lesson) = self.lessons.get_mut(&member.lesson) else { return };
        let cname = &member.peer.negotiated().cname;
        let mut compound = Compound::new();
        for (ssrc, report) in lesson.sender_reports(now, at) {
            let info = SenderInfo {
                ssrc,
                ntp: report.ntp.0,
                rtp_timestamp: report.rtp,
                packets: report.packets,
                octets: report.octets,
            };
            compound = compound.sender_report(&info, &[]).cname(ssrc, cname);
        }
        if !compound.is_empty() {
            member.peer.send_rtcp(&compound.finish());
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
                super::burst::Sink::send(&mut self.egress.socket, path, &bytes, bytes.len());
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

/// The voice and a copy of it, with headers.
const VOICE: Bitrate = Bitrate::from_kbps(60);

/// What a link is believed to carry that carried so much when it was last here: never more for it, for links change from day to
/// day; less, but the voice and its protection, which go out on any link.
fn believed(start: Bitrate, carried: Option<Bitrate>) -> Bitrate {
    carried.map_or(start, |carried| carried.max(VOICE).min(start))
}

/// What was agreed with a viewer, in forwarding's words, with random first numbers.
fn receiver_spec(
    id: PeerId,
    peer: &Peer,
    wanted: [Option<Layer>; Slot::COUNT],
    start: Bitrate,
) -> ReceiverSpec {
    let negotiated = peer.negotiated();
    let transport_id = negotiated.sections.iter().find_map(|section| section.extensions.transport_cc);
    let mut slots = Vec::new();
    for section in &negotiated.sections {
        let Some(streams) = section.send else { continue };
        let mut payload_types = [None; 3];
        for codec in &section.codecs {
            payload_types[codec_index(codec.codec)] = Some((codec.payload_type, codec.rtx_payload_type));
        }
        let bits: u64 = rand::random();
        slots.push(SlotSpec {
            slot: section.slot,
            ssrc: streams.ssrc,
            repair_ssrc: streams.rtx_ssrc,
            payload_types,
            red: section.red,
            counts_transport: transport_id.is_some() && section.extensions.transport_cc == transport_id,
            nack: section.feedback.nack,
            wanted: wanted[section.slot.index()],
            start: StreamStart {
                // Below the wrap, so that the roll-over count a receiver guesses is 0 (RFC 3711 section 3.3.1).
                sequence: bits as u16 & 0x3fff,
                timestamp: (bits >> 16) as u32,
                picture_id: (bits >> 48) as u16 & 0x3fff,
            },
            repair_start: rand::random::<u16>() & 0x3fff,
        });
    }
    // A clock of whole microseconds and a peer in the same machine must not make it infinite.
    let rate = |shown: Shown| Bitrate::of(shown.bytes as u64, shown.within.max(Duration::from_micros(100)));
    let shown = peer.shown().map_or(Bitrate::ZERO, rate).min(Link::START_MAX);
    ReceiverSpec { peer: id, transport_id, start: shown.max(start), answered: peer.answered(), slots }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_was_thin_when_last_here_is_not_flooded_and_a_wide_one_is_not_believed_more_for_it() {
        let kbps = Bitrate::from_kbps;
        assert_eq!(believed(Link::START, None), Link::START);
        assert_eq!(believed(Link::START, Some(kbps(95))), kbps(95));
        assert_eq!(believed(Link::START, Some(kbps(5_000))), Link::START);
        assert_eq!(believed(Link::START, Some(kbps(3))), VOICE, "the voice goes out on any link");
    }
}
