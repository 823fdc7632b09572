//! The other side: an ICE-controlling, DTLS-client peer, light enough that two hundred share a core. For simulated classrooms and tests.

mod checks;
mod offer;

pub use offer::OfferSpec;

use crate::demux::{Class, classify};
use crate::feedback;
use crate::peer::{push_transmit, sort_packet};
use crate::router::Router;
use crate::sdp::{self, Direction, Negotiated, Offer, SetUp};
use crate::session::{Session, SessionEvent};
use crate::{
    CloseReason, DropCounts, Endpoint, Output, PeerEvent, PeerSecrets, Protocol, Received, Remote, Sealer,
    StreamId,
};
use checks::Checks;
use domain::Timestamp;
use std::{collections::VecDeque, net::SocketAddr, time::Duration};

/// From the answer to the end of DTLS.
const SET_UP: Duration = Duration::from_secs(30);

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be used: {0}")]
pub struct AnswerError(String);

/// A client peer. Same loop as [`Peer`](crate::Peer): feed datagrams, poll outputs and timeouts.
pub struct ClientPeer {
    endpoint: Endpoint,
    spec: OfferSpec,
    secrets: PeerSecrets,
    outputs: VecDeque<Output>,
    drops: DropCounts,
    live: Option<Live>,
    closed: bool,
}

/// Everything there is only once the answer came.
struct Live {
    negotiated: Negotiated,
    router: Router,
    session: Session,
    checks: Checks,
    opens_dtls: bool,
    set_up_until: Timestamp,
}

impl ClientPeer {
    /// A peer and its offer. The client's `endpoint` gives certificate and clock; its candidates are not used: the relay learns our
    /// address from our checks.
    pub fn new(endpoint: &Endpoint, spec: OfferSpec, secrets: PeerSecrets) -> (Self, String) {
        let text = offer::write_offer(&spec, &endpoint.shared, &secrets);
        let peer = Self {
            endpoint: endpoint.clone(),
            spec,
            secrets,
            outputs: VecDeque::new(),
            drops: DropCounts::default(),
            live: None,
            closed: false,
        };
        (peer, text)
    }

    /// Takes the relay's answer; checks start with the next [`handle_timeout`](Self::handle_timeout), which is due at once.
    ///
    /// # Errors
    /// [`AnswerError`] names what is missing.
    pub fn accept_answer(&mut self, now: Timestamp, answer: &str) -> Result<(), AnswerError> {
        self.accept(now, answer, Protocol::Udp)
    }

    /// As [`accept_answer`](Self::accept_answer), but over TCP: the caller opens a connection to every remote that is sent to, and frames
    /// datagrams ([`crate::framing`]) on it.
    ///
    /// # Errors
    /// [`AnswerError`] names what is missing.
    pub fn accept_answer_over_tcp(&mut self, now: Timestamp, answer: &str) -> Result<(), AnswerError> {
        self.accept(now, answer, Protocol::Tcp)
    }

    fn accept(&mut self, now: Timestamp, answer: &str, protocol: Protocol) -> Result<(), AnswerError> {
        let refuse = |error: sdp::OfferError| AnswerError(error.to_string());
        let answer = Offer::parse(answer).map_err(refuse)?;
        // Seen from us the relay is who plays, or who publishes.
        let direction = if self.spec.sends { Direction::Play } else { Direction::PUBLISH };
        let agreed = sdp::negotiate_answer(&answer, direction, &self.secrets).map_err(refuse)?;
        let candidates = answer.candidates().filter_map(|value| candidate(value, protocol));
        let candidates: Vec<Remote> = match protocol {
            Protocol::Udp => candidates.map(Remote::from).collect(),
            Protocol::Tcp => {
                (0..).zip(candidates).map(|(n, addr)| Remote::stream(addr, StreamId(n))).collect()
            }
        };
        if candidates.is_empty() {
            return Err(AnswerError(format!("it has no {protocol:?} candidate")));
        }
        let streams = agreed.negotiated.sections.iter().filter_map(|section| section.send);
        let ssrcs = streams.flat_map(|streams| [Some(streams.ssrc), streams.rtx_ssrc]).flatten().collect();
        self.live = Some(Live {
            router: Router::new(&agreed.negotiated),
            negotiated: agreed.negotiated,
            session: Session::new(self.endpoint.shared.clone(), agreed.transport.fingerprints, ssrcs),
            checks: Checks::new(self.secrets.clone(), agreed.transport.credentials, candidates, now),
            opens_dtls: agreed.transport.set_up != SetUp::Active,
            set_up_until: now + SET_UP,
        });
        Ok(())
    }

    /// What was agreed on: `sections[..].send` for a sender, `sections[..].sources` for a receiver.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.live.as_ref().map(|live| &live.negotiated)
    }

    /// The relay's address that answered our checks.
    pub fn remote(&self) -> Option<Remote> {
        self.live.as_ref().and_then(|live| live.checks.selected())
    }

    /// Whether DTLS is done and the peer not closed.
    pub fn is_connected(&self) -> bool {
        !self.closed && self.live.as_ref().is_some_and(|live| live.session.is_connected())
    }

    /// What was dropped so far.
    pub fn drops(&self) -> DropCounts {
        self.drops
    }

    /// Handles one datagram. RTP is decrypted in place.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Timestamp,
        from: impl Into<Remote>,
        datagram: &'d mut [u8],
    ) -> Received<'d> {
        let from = from.into();
        let Some(live) = self.live.as_mut().filter(|_| !self.closed) else { return Received::Nothing };
        match classify(datagram) {
            Class::Stun => {
                let crypto = self.endpoint.shared.identity.provider.crypto();
                if live.checks.handle(now, from, datagram, crypto) {
                    self.outputs.push_back(Output::Event(PeerEvent::AddressChanged { to: from }));
                    if live.opens_dtls && !live.session.has_begun() {
                        let event = live.session.connect(now);
                        self.digest(event);
                    }
                }
            }
            _ if live.checks.selected() != Some(from) => self.drops.unvalidated += 1,
            Class::Dtls => {
                let (event, dropped) = live.session.handle_dtls(now, datagram);
                self.drops.dtls += u64::from(dropped);
                self.digest(event);
            }
            Class::Rtcp => {
                if let Ok(length) = live.session.open_rtcp(datagram) {
                    let items = feedback::parse(datagram.get(..length).unwrap_or(&[]));
                    return if items.is_empty() { Received::Nothing } else { Received::Feedback(items) };
                }
                self.drops.srtp += 1;
            }
            Class::Rtp => match live.session.open_rtp(datagram) {
                Ok(opened) => {
                    let datagram: &'d [u8] = datagram;
                    match sort_packet(&mut live.router, &live.negotiated, opened, datagram) {
                        Some(received) => return Received::Rtp(received),
                        None => self.drops.unrouted += 1,
                    }
                }
                Err(_) => self.drops.srtp += 1,
            },
            Class::Unknown => self.drops.unknown += 1,
        }
        Received::Nothing
    }

    fn digest(&mut self, event: Option<SessionEvent>) {
        if let Some(live) = &mut self.live
            && let Some(to) = live.checks.selected()
        {
            while let Some(bytes) = live.session.poll_transmit() {
                push_transmit(&mut self.outputs, to, bytes);
            }
        }
        match event {
            Some(SessionEvent::Connected) => self.outputs.push_back(Output::Event(PeerEvent::Connected)),
            Some(SessionEvent::Ended(reason)) => self.end(reason),
            None => {}
        }
    }

    fn end(&mut self, reason: CloseReason) {
        if !self.closed {
            self.closed = true;
            self.outputs.push_back(Output::Event(PeerEvent::Closed(reason)));
        }
    }

    /// The sealer for outgoing RTP: `Some` once, after [`PeerEvent::Connected`].
    pub fn take_sealer(&mut self) -> Option<Sealer> {
        self.live.as_mut()?.session.take_sealer()
    }

    /// Seals and queues a compound; dropped before connection.
    pub fn send_rtcp(&mut self, compound: &[u8]) {
        let Some(live) = self.live.as_mut().filter(|_| !self.closed) else { return };
        if let (Some(to), Some(bytes)) = (live.checks.selected(), live.session.seal_rtcp(compound)) {
            push_transmit(&mut self.outputs, to, bytes);
        }
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Timestamp) {
        if let Some(live) = self.live.as_mut().filter(|_| !self.closed) {
            live.session.close(now);
        }
        self.digest(None);
        self.end(CloseReason::Local);
    }

    /// What to do next; poll until `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called at the latest; `None` before the answer and once closed.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let live = self.live.as_ref().filter(|_| !self.closed)?;
        let set_up = (!live.session.is_connected()).then_some(live.set_up_until);
        [Some(live.checks.poll_timeout()), live.session.poll_timeout(), set_up].into_iter().flatten().min()
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let Some(live) = self.live.as_mut().filter(|_| !self.closed) else { return };
        let crypto = self.endpoint.shared.identity.provider.crypto();
        for (to, bytes) in live.checks.handle_timeout(now, crypto) {
            push_transmit(&mut self.outputs, to, bytes);
        }
        let event = live.session.handle_timeout(now);
        let overdue = if live.checks.expired(now) {
            Some(if live.checks.selected().is_some() {
                CloseReason::ConsentExpired
            } else {
                CloseReason::IceTimeout
            })
        } else if !live.session.is_connected() && now >= live.set_up_until {
            Some(CloseReason::HandshakeFailed)
        } else {
            None
        };
        self.digest(event);
        if let Some(reason) = overdue {
            self.end(reason);
        }
    }
}

/// The address of a candidate of this protocol (RFC 8839 section 5.1, RFC 6544 section 4.5): foundation, component, transport, priority,
/// address, port, …
fn candidate(value: &str, protocol: Protocol) -> Option<SocketAddr> {
    let mut words = value.split_ascii_whitespace();
    let (_, component, transport, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (address, port) = (words.next()?, words.next()?);
    let wanted = match protocol {
        Protocol::Udp => transport.eq_ignore_ascii_case("udp"),
        // We open connections; only a passive candidate takes them.
        Protocol::Tcp => transport.eq_ignore_ascii_case("tcp") && words.any(|word| word == "passive"),
    };
    if component != "1" || !wanted {
        return None;
    }
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}
