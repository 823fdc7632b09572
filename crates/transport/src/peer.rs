//! One peer, the relay's side of it.

use crate::sdp::{FragmentError, Negotiated, Offer};
use crate::{Endpoint, Feedback, PeerSecrets, Sealer};
use domain::{Codec, Layer, Slot, Timestamp};
use std::net::SocketAddr;

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
    /// Header and payload without tag.
    pub packet: &'d [u8],
    /// Where the payload (with padding, if any) begins. At least one payload byte that is not padding follows, except in [`RtpRole::Probe`].
    pub header_len: usize,
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
        /// An address that passed a connectivity check.
        to: SocketAddr,
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
        to: SocketAddr,
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

/// One peer of the relay. Feed it, poll it; it owns no socket and no clock.
pub struct Peer {
    negotiated: Negotiated,
}

impl Peer {
    pub(crate) fn new(
        _endpoint: Endpoint,
        _offer: &Offer,
        negotiated: Negotiated,
        _secrets: &PeerSecrets,
        _now: Timestamp,
    ) -> Self {
        Self { negotiated }
    }

    /// Our ICE user name fragment: what comes before the colon in the USERNAME of this peer's checks.
    pub fn local_ufrag(&self) -> &str {
        todo!()
    }

    /// Our fragment from before an ICE restart, while checks with it are still answered.
    pub fn previous_ufrag(&self) -> Option<&str> {
        todo!()
    }

    /// What was agreed on.
    pub fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// The selected address: where media goes. `None` before the first authenticated check.
    pub fn remote(&self) -> Option<SocketAddr> {
        todo!()
    }

    /// Whether DTLS is done and the peer not closed.
    pub fn is_connected(&self) -> bool {
        todo!()
    }

    /// What was dropped so far.
    pub fn drops(&self) -> DropCounts {
        todo!()
    }

    /// Handles one datagram from `from`. RTP is decrypted in place. Poll outputs and timeout afterwards.
    pub fn handle_datagram<'d>(
        &mut self,
        _now: Timestamp,
        _from: SocketAddr,
        _datagram: &'d mut [u8],
    ) -> Received<'d> {
        todo!()
    }

    /// The sealer for outgoing RTP: `Some` once, after [`PeerEvent::Connected`].
    pub fn take_sealer(&mut self) -> Option<Sealer> {
        todo!()
    }

    /// Seals a compound ([`feedback::Compound`](crate::feedback::Compound)) and queues it for the selected address. Before
    /// connection and after closing it is dropped.
    pub fn send_rtcp(&mut self, _compound: &[u8]) {
        todo!()
    }

    /// An ICE restart or trickled candidates from the peer (RFC 8840 fragment). `Some(fragment)` answers a restart with our new
    /// credentials made from `secrets`; `None` means there is nothing to say (204).
    ///
    /// # Errors
    /// [`FragmentError`] when it cannot be read.
    pub fn handle_fragment(
        &mut self,
        _now: Timestamp,
        _fragment: &str,
        _secrets: &PeerSecrets,
    ) -> Result<Option<String>, FragmentError> {
        todo!()
    }

    /// Says goodbye: queues a `close_notify` and [`PeerEvent::Closed`].
    pub fn close(&mut self, _now: Timestamp) {
        todo!()
    }

    /// What to do next; poll until `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called at the latest; `None` once closed.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        todo!()
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, _now: Timestamp) {
        todo!()
    }
}
