//! The other side: an ICE-controlling, DTLS-client peer, light enough that two hundred share a core. For simulated classrooms and tests.

use crate::sdp::Negotiated;
use crate::{Endpoint, Output, PeerSecrets, Received, Sealer};
use domain::{Codec, Timestamp};
use std::net::SocketAddr;

/// What a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferSpec {
    /// Whether it sends (WHIP) or receives (WHEP).
    pub sends: bool,
    /// How many audio sections (0 to 2).
    pub audio: usize,
    /// How many video sections (0 to 3).
    pub video: usize,
    /// Video codecs offered, the preferred first.
    pub codecs: Vec<Codec>,
}

/// Why an answer was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer cannot be used: {0}")]
pub struct AnswerError(pub String);

/// A client peer. Same loop as [`Peer`](crate::Peer): feed datagrams, poll outputs and timeouts.
pub struct ClientPeer {
    negotiated: Option<Negotiated>,
}

impl ClientPeer {
    /// A peer and its offer. The client's `endpoint` gives certificate and clock; its candidates are ignored.
    pub fn new(_endpoint: &Endpoint, _spec: OfferSpec, _secrets: &PeerSecrets) -> (Self, String) {
        todo!()
    }

    /// Takes the relay's answer; checks start with the next [`handle_timeout`](Self::handle_timeout).
    ///
    /// # Errors
    /// [`AnswerError`] names what is missing.
    pub fn accept_answer(&mut self, _now: Timestamp, _answer: &str) -> Result<(), AnswerError> {
        todo!()
    }

    /// What was agreed on: `sections[..].send` for a sender, `sections[..].sources` for a receiver.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// The relay's address that answered our checks.
    pub fn remote(&self) -> Option<SocketAddr> {
        todo!()
    }

    /// Handles one datagram. RTP is decrypted in place.
    pub fn handle_datagram<'d>(
        &mut self,
        _now: Timestamp,
        _from: SocketAddr,
        _datagram: &'d mut [u8],
    ) -> Received<'d> {
        todo!()
    }

    /// The sealer for outgoing RTP: `Some` once, after [`PeerEvent::Connected`](crate::PeerEvent::Connected).
    pub fn take_sealer(&mut self) -> Option<Sealer> {
        todo!()
    }

    /// Seals and queues a compound.
    pub fn send_rtcp(&mut self, _compound: &[u8]) {
        todo!()
    }

    /// Says goodbye.
    pub fn close(&mut self, _now: Timestamp) {
        todo!()
    }

    /// What to do next; poll until `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called at the latest.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        todo!()
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, _now: Timestamp) {
        todo!()
    }
}
