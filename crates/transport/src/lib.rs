//! One WebRTC peer: ICE-lite, DTLS, SDP, SRTP and SRTCP. Sans-IO: bytes and time come in as arguments, bytes leave through
//! [`Peer::poll_output`]. The relay's side is [`Endpoint`] and [`Peer`]; [`client`] is the other side, for simulated classrooms and tests.
//!
//! A media worker's loop around one peer:
//! ```text
//! Endpoint::answer(offer, direction, secrets, now) -> (Peer, answer)
//! Peer::handle_datagram(now, from, datagram)       -> Received::{Nothing, Rtp, Feedback}
//! Peer::poll_output()                              -> Output::{Transmit, Event}     until None, after every call
//! Peer::poll_timeout() / Peer::handle_timeout(now)
//! on PeerEvent::Connected: Peer::take_sealer()     -> Sealer, which the worker owns from then on
//! ```
//! Randomness: ufrag, password and SSRCs come from the caller's [`PeerSecrets`]; certificates and DTLS's ephemeral keys are drawn by
//! `ring` from the system, because rtc-dtls takes them from its crypto provider.

pub mod client;
mod demux;
mod dtls;
mod endpoint;
pub mod feedback;
pub mod framing;
mod ice;
mod identity;
mod peer;
pub mod reach;
mod remote;
mod router;
mod rtp;
mod sdp;
mod secrets;
mod session;
mod srtp;
pub mod stun;

pub use dtls::Shown;
pub use endpoint::{Endpoint, EndpointConfig, EndpointError};
pub use feedback::Feedback;
pub use identity::{Fingerprint, Identity, IdentityError};
pub use peer::{CloseReason, DropCounts, Output, Peer, PeerEvent, Received, RtpIn, RtpRole};
pub use remote::{Candidate, Protocol, Remote, StreamId};
pub use sdp::{
    Direction, ExtensionIds, FragmentError, MAX_SDP_BYTES, MAX_SECTIONS, Negotiated, NegotiatedCodec,
    NegotiatedFeedback, OfferError, Section, SendStreams, SourceSsrcs,
};
pub use secrets::PeerSecrets;
pub use srtp::{OpenError, OpenedRtp, Opener, Profile, SealError, Sealer, SrtpKeys, StreamIndex};
