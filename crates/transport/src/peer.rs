//! One peer, the relay's side of it.

use crate::demux::{Class, classify};
use crate::dtls::Shown;
use crate::feedback;
use crate::ice::{LiteAgent, Outcome};
use crate::router::Router;
use crate::rtp::RtpView;
use crate::sdp::{Agreed, Credentials, Fragment, FragmentError, Negotiated, SetUp};
use crate::session::{Session, SessionEvent};
use crate::{Endpoint, Feedback, PeerSecrets, Remote, Sealer};
use domain::{Codec, Layer, MediaKind, Slot, Timestamp};
use std::{collections::VecDeque, time::Duration};

/// What a datagram turned out to be.
#[derive(Debug)]
pub enum Received<'d> {
    /// Handled inside, or dropped and counted ([`Peer::drops`]). Poll the outputs.
    Nothing,
    /// A media packet of a publisher, decrypted in place.
    Rtp(RtpIn<'d>),
    /// What a peer's RTCP said; never empty.
    Feedback(Vec<Feedback>),
}

/// One decrypted RTP packet of a publisher, already sorted by slot and layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpIn<'d> {
    /// Header, payload and padding, without tag.
    pub packet: &'d [u8],
    /// Where the payload begins.
    pub header_len: usize,
    /// Where it ends and padding, if any, begins. Not before `header_len`; after it, except in [`RtpRole::Probe`].
    pub payload_end: usize,
    /// The packet's own SSRC.
    pub ssrc: u32,
    /// Extended sequence number (ROC << 16 | SEQ) of the packet's own stream.
    pub index: u64,
    /// Which slot it fills.
    pub slot: Slot,
    /// Which simulcast layer; [`Layer::High`] without simulcast and for sound.
    pub layer: Layer,
    /// Codec of the media inside.
    pub codec: Codec,
    /// What the payload is.
    pub role: RtpRole,
    /// Transport-wide sequence number, when the sender counts.
    pub transport_sequence: Option<u16>,
}

/// What an incoming RTP packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtpRole {
    /// Media as it is.
    Media,
    /// Audio wrapped in RED (RFC 2198).
    Red,
    /// A retransmission (RFC 4588): the payload begins with the original sequence number.
    Repair {
        /// SSRC of the stream it repairs, when known already.
        repairs: Option<u32>,
        /// Payload type of the original packet.
        payload_type: u8,
    },
    /// Nothing but padding: a bandwidth probe. Counts for transport-wide feedback and sequence numbers only.
    Probe,
}

/// What [`Peer::poll_output`] hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes there.
    Transmit {
        /// A remote that passed a connectivity check.
        to: Remote,
        /// One datagram.
        bytes: Vec<u8>,
    },
    /// Something happened.
    Event(PeerEvent),
}

/// What happened to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerEvent {
    /// DTLS is done and the fingerprint right: [`Peer::take_sealer`] has the key.
    Connected,
    /// Media goes to another address from now on ([`Peer::remote`]).
    AddressChanged {
        /// The new address.
        to: Remote,
    },
    /// It is over; nothing comes after this but a last `close_notify`.
    Closed(CloseReason),
}

/// Why a peer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// We closed it.
    Local,
    /// The peer said goodbye (DTLS `close_notify`).
    Remote,
    /// No connectivity check came in time.
    IceTimeout,
    /// Checks stopped coming (RFC 7675).
    ConsentExpired,
    /// DTLS failed or took too long.
    HandshakeFailed,
    /// The certificate is not the one its SDP announced.
    FingerprintMismatch,
    /// The peer negotiated no SRTP profile we have.
    NoSrtp,
}

impl CloseReason {
    /// Stable word for logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            CloseReason::Local => "local",
            CloseReason::Remote => "remote",
            CloseReason::IceTimeout => "ice_timeout",
            CloseReason::ConsentExpired => "consent_expired",
            CloseReason::HandshakeFailed => "handshake_failed",
            CloseReason::FingerprintMismatch => "fingerprint_mismatch",
            CloseReason::NoSrtp => "no_srtp",
        }
    }
}

/// Datagrams that were dropped, by why. For metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts {
    /// Checks without right user name, integrity or fingerprint, and other STUN we did not ask for.
    pub stun: u64,
    /// Anything but STUN from an address that passed no check.
    pub unvalidated: u64,
    /// DTLS records out of place or over their budget.
    pub dtls: u64,
    /// SRTP or SRTCP that was malformed, replayed, or not sealed with the peer's key.
    pub srtp: u64,
    /// Authentic RTP that belongs to nothing negotiated.
    pub unrouted: u64,
    /// First byte of no protocol we speak, or empty.
    pub unknown: u64,
}

/// How long a peer may take from its answer to the end of DTLS.
const SET_UP: Duration = Duration::from_secs(30);
/// Datagrams waiting for [`Peer::poll_output`]. Full: the oldest is dropped, as a network would.
const MAX_OUTPUTS: usize = 256;

/// One peer of the relay. Feed it, poll it; it owns no socket and no clock.
pub struct Peer {
    endpoint: Endpoint,
    negotiated: Negotiated,
    ice: LiteAgent,
    session: Session,
    router: Router,
    /// Whether we open DTLS: only when the offer was `a=setup:passive`.
    opens_dtls: bool,
    /// Mid and kind of the section whose transport everybody uses.
    tagged: (Option<String>, MediaKind),
    set_up_until: Timestamp,
    outputs: VecDeque<Output>,
    closed: bool,
    drops: DropCounts,
}

impl Peer {
    pub(crate) fn new(endpoint: Endpoint, agreed: Agreed<'_>, secrets: &PeerSecrets, now: Timestamp) -> Self {
        let negotiated = agreed.negotiated;
        let streams = negotiated.sections.iter().filter_map(|section| section.send);
        let ssrcs = streams.flat_map(|streams| [Some(streams.ssrc), streams.rtx_ssrc]).flatten().collect();
        let local = Credentials { ufrag: secrets.ufrag(), password: secrets.password() };
        let tagged = agreed.sections.get(agreed.tagged).and_then(Option::as_ref);
        let tagged = tagged.and_then(|tagged| negotiated.sections.get(tagged.index));
        let tagged = tagged.map_or((None, MediaKind::Audio), |section| (section.mid.clone(), section.kind()));
        Self {
            ice: LiteAgent::new(local, agreed.transport.credentials.ufrag),
            session: Session::new(endpoint.shared.clone(), agreed.transport.fingerprints, ssrcs),
            router: Router::new(&negotiated),
            opens_dtls: agreed.transport.set_up == SetUp::Passive,
            tagged,
            set_up_until: now + SET_UP,
            outputs: VecDeque::new(),
            closed: false,
            drops: DropCounts::default(),
            endpoint,
            negotiated,
        }
    }

    /// Our ICE user name fragment: what comes before the colon in the USERNAME of this peer's checks.
    pub fn local_ufrag(&self) -> &str {
        &self.ice.local().ufrag
    }

    /// Our fragment from before an ICE restart, while checks with it are still answered.
    pub fn previous_ufrag(&self) -> Option<&str> {
        self.ice.previous_ufrag()
    }

    /// What was agreed on.
    pub fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// The selected address: where media goes. `None` before the first authenticated check.
    pub fn remote(&self) -> Option<Remote> {
        self.ice.selected()
    }

    /// Whether DTLS is done and the peer not closed.
    pub fn is_connected(&self) -> bool {
        self.session.is_connected() && !self.closed
    }

    /// What was dropped so far.
    pub fn drops(&self) -> DropCounts {
        self.drops
    }

    /// Handles one datagram from `from` (an address, or a [`Remote`] over TCP). RTP is decrypted in place. Poll outputs and timeout afterwards.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Timestamp,
        from: impl Into<Remote>,
        datagram: &'d mut [u8],
    ) -> Received<'d> {
        let from = from.into();
        if self.closed {
            return Received::Nothing;
        }
        let class = classify(datagram);
        if class == Class::Stun {
            self.handle_stun(now, from, datagram);
            return Received::Nothing;
        }
        if class == Class::Unknown {
            self.drops.unknown += 1;
            return Received::Nothing;
        }
        if !self.ice.is_valid(from) {
            // Nobody who has not shown to know the ICE password gets as far as DTLS or a key (rtcsec's ClientHello race).
            self.drops.unvalidated += 1;
            return Received::Nothing;
        }
        match class {
            Class::Dtls => {
                self.handle_dtls(now, datagram);
                Received::Nothing
            }
            Class::Rtcp => self.handle_rtcp(now, from, datagram),
            _ => self.handle_rtp(now, from, datagram),
        }
    }

    fn handle_stun(&mut self, now: Timestamp, from: Remote, datagram: &[u8]) {
        let outcome = self.ice.handle(now, from, datagram, self.endpoint.shared.identity.provider.crypto());
        let Outcome::Reply { bytes, selected } = outcome else {
            self.drops.stun += 1;
            return;
        };
        self.transmit(from, bytes);
        if selected {
            self.outputs.push_back(Output::Event(PeerEvent::AddressChanged { to: from }));
        }
        if self.opens_dtls && !self.session.has_begun() && self.ice.selected().is_some() {
            let event = self.session.connect(now);
            self.digest(event);
        }
    }

    fn handle_dtls(&mut self, now: Timestamp, datagram: &[u8]) {
        if self.opens_dtls && !self.session.has_begun() {
            self.drops.dtls += 1;
            return;
        }
        let (event, dropped) = self.session.handle_dtls(now, datagram);
        self.drops.dtls += u64::from(dropped);
        self.digest(event);
    }

    fn handle_rtcp<'d>(&mut self, now: Timestamp, from: Remote, datagram: &'d mut [u8]) -> Received<'d> {
        let items = if let Ok(length) = self.session.open_rtcp(datagram) {
            feedback::parse(datagram.get(..length).unwrap_or(&[]))
        } else {
            self.drops.srtp += 1;
            return Received::Nothing;
        };
        self.ice.heard(now, from);
        if items.is_empty() { Received::Nothing } else { Received::Feedback(items) }
    }

    fn handle_rtp<'d>(&mut self, now: Timestamp, from: Remote, datagram: &'d mut [u8]) -> Received<'d> {
        let Ok(opened) = self.session.open_rtp(datagram) else {
            self.drops.srtp += 1;
            return Received::Nothing;
        };
        self.ice.heard(now, from);
        let datagram: &'d [u8] = datagram;
        if let Some(received) = sort_packet(&mut self.router, &self.negotiated, opened, datagram) {
            Received::Rtp(received)
        } else {
            self.drops.unrouted += 1;
            Received::Nothing
        }
    }

    fn digest(&mut self, event: Option<SessionEvent>) {
        self.drain_session();
        match event {
            Some(SessionEvent::Connected) => self.outputs.push_back(Output::Event(PeerEvent::Connected)),
            Some(SessionEvent::Ended(reason)) => self.end(reason),
            None => {}
        }
    }

    fn drain_session(&mut self) {
        while let Some(bytes) = self.session.poll_transmit() {
            // Before anything was selected nothing can be sent, and DTLS has not begun either.
            if let Some(to) = self.ice.selected() {
                self.transmit(to, bytes);
            }
        }
    }

    fn end(&mut self, reason: CloseReason) {
        if !self.closed {
            self.closed = true;
            self.outputs.push_back(Output::Event(PeerEvent::Closed(reason)));
        }
    }

    fn transmit(&mut self, to: Remote, bytes: Vec<u8>) {
        push_transmit(&mut self.outputs, to, bytes);
    }

    /// What the DTLS handshake showed of the path, once some flight of ours was answered.
    pub fn shown(&self) -> Option<Shown> {
        self.session.shown()
    }

    /// How far the other side is at most: the least time in which a flight of the DTLS handshake was answered, repeats included.
    pub fn answered(&self) -> Option<Duration> {
        self.session.answered()
    }

    /// The sealer for outgoing RTP: `Some` once, after [`PeerEvent::Connected`].
    pub fn take_sealer(&mut self) -> Option<Sealer> {
        self.session.take_sealer()
    }

    /// Seals a compound ([`feedback::Compound`]) and queues it for the selected address. Before connection and after closing it is
    /// dropped.
    pub fn send_rtcp(&mut self, compound: &[u8]) {
        if !self.is_connected() {
            return;
        }
        if let (Some(to), Some(bytes)) = (self.ice.selected(), self.session.seal_rtcp(compound)) {
            self.transmit(to, bytes);
        }
    }

    /// An ICE restart or trickled candidates from the peer (RFC 8840 fragment). `Some(fragment)` answers a restart with our new
    /// credentials, made from `secrets` (fresh ones, used for this only); the same restart again, before anything came of it, is
    /// answered the same. `None` means there is nothing to say (204).
    ///
    /// # Errors
    /// [`FragmentError`] when it cannot be read or the peer is closed.
    pub fn handle_fragment(
        &mut self,
        fragment: &str,
        secrets: &PeerSecrets,
    ) -> Result<Option<String>, FragmentError> {
        let fragment = Fragment::parse(fragment)?;
        if self.closed {
            return Err(FragmentError::Closed);
        }
        // Candidates alone, with or without the present credentials, tell an ICE-lite side nothing.
        let Some(theirs) = fragment.credentials else { return Ok(None) };
        let is_present = theirs.ufrag == self.ice.remote_ufrag();
        // Asked again for a restart nobody has used yet: our answer was lost on its way.
        if is_present && self.ice.previous_ufrag().is_none() {
            return Ok(None);
        }
        let local = if is_present {
            self.ice.local().clone()
        } else {
            Credentials { ufrag: secrets.ufrag(), password: secrets.password() }
        };
        let answer = Fragment::write(
            &local,
            &self.endpoint.shared.candidates,
            self.tagged.0.as_deref(),
            self.tagged.1,
        );
        if !is_present {
            self.ice.restart(local, theirs.ufrag);
        }
        Ok(Some(answer))
    }

    /// Says goodbye: queues a `close_notify` and [`PeerEvent::Closed`].
    pub fn close(&mut self, now: Timestamp) {
        if !self.closed {
            self.session.close(now);
            self.drain_session();
            self.end(CloseReason::Local);
        }
    }

    /// What to do next; poll until `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called at the latest; `None` once closed.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if self.closed {
            return None;
        }
        let set_up = (!self.session.is_connected()).then_some(self.set_up_until);
        [self.session.poll_timeout(), self.ice.consent_until(), set_up].into_iter().flatten().min()
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if self.closed {
            return;
        }
        let event = self.session.handle_timeout(now);
        self.digest(event);
        let overdue = if self.session.is_connected() {
            let expired = self.ice.consent_until().is_some_and(|until| now >= until);
            expired.then_some(CloseReason::ConsentExpired)
        } else if now >= self.set_up_until {
            Some(if self.ice.selected().is_none() {
                CloseReason::IceTimeout
            } else {
                CloseReason::HandshakeFailed
            })
        } else if self.ice.consent_until().is_some_and(|until| now >= until) {
            Some(CloseReason::IceTimeout)
        } else {
            None
        };
        if let Some(reason) = overdue {
            // Whoever does not answer hears no goodbye either (RFC 7675 section 5.1: nothing is sent without consent).
            self.session.close(now);
            self.end(reason);
        }
    }
}

/// Queues a datagram; a full queue loses its oldest datagram, never an event.
pub(crate) fn push_transmit(outputs: &mut VecDeque<Output>, to: Remote, bytes: Vec<u8>) {
    if outputs.len() >= MAX_OUTPUTS
        && let Some(oldest) = outputs.iter().position(|output| matches!(output, Output::Transmit { .. }))
    {
        outputs.remove(oldest);
    }
    outputs.push_back(Output::Transmit { to, bytes });
}

/// Finds whose packet it is and where its payload ends; `None` for what fits nothing negotiated.
pub(crate) fn sort_packet<'d>(
    router: &mut Router,
    negotiated: &Negotiated,
    opened: crate::OpenedRtp,
    datagram: &'d [u8],
) -> Option<RtpIn<'d>> {
    let packet = datagram.get(..opened.length)?;
    let view = RtpView::parse(packet)?;
    let mut payload_end = opened.length;
    if view.padding {
        // The last byte counts the padding, itself included (RFC 3550 section 5.1); an empty payload has none to count.
        let count = packet.get(view.header_len..)?.last().copied().filter(|&count| count > 0)?;
        payload_end = payload_end.checked_sub(usize::from(count)).filter(|&end| end >= view.header_len)?;
    }
    let routed = router.route(negotiated, &view)?;
    let payload = payload_end - view.header_len;
    let role = match routed.role {
        _ if payload == 0 => RtpRole::Probe,
        // A retransmission begins with two bytes of original sequence number.
        RtpRole::Repair { .. } if payload <= 2 => RtpRole::Probe,
        role => role,
    };
    Some(RtpIn {
        packet,
        header_len: view.header_len,
        payload_end,
        ssrc: opened.ssrc,
        index: opened.index,
        slot: routed.slot,
        layer: routed.layer,
        codec: routed.codec,
        role,
        transport_sequence: routed.transport_sequence,
    })
}
