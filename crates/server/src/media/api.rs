//! What the HTTP side says to the media workers, and what it hears.

use adaptive::Link;
use domain::{Bitrate, Codec, LessonId, PeerId, Slot};
use relay::{Cause, ReceiverStats, Rung, SlotStats};
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    time::Duration,
};

/// How the media workers run. Every value has a default that suits a server of 1 to 16 cores.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// UDP address all peers use. `[::]:port` listens on IPv6 and IPv4; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Addresses written into answers as ICE candidates, best first; never unspecified ones. Empty: the
    /// address of `listen` when it is a real one, else every address of this machine's interfaces.
    pub advertise: Vec<IpAddr>,
    /// Whether answers also announce TCP candidates on the same port number: somebody must accept connections there and hand them
    /// over ([`super::MediaHandle::take_stream`]).
    pub ice_tcp: bool,
    /// Port written into answers instead of the one listened on (behind a port-forwarding NAT).
    pub advertise_port: Option<u16>,
    /// Worker threads. `None`: one per core.
    pub workers: Option<NonZeroUsize>,
    /// How long pictures may wait for the rest of their frame before they leave; 1–10 ms. Audio never waits.
    pub tick: Duration,
    /// Peers at most, publishers and viewers together; further ones are refused with `too_many_peers`.
    pub peers_max: usize,
    /// `SO_RCVBUF` and `SO_SNDBUF` asked for, bytes for each worker's socket.
    pub socket_buffer_bytes: usize,
    /// A peer that has not finished ICE and DTLS after this long is closed.
    pub connect_timeout: Duration,
    /// What a viewer's link is believed to carry before it has said anything, at least.
    pub link_start: Bitrate,
    /// Certificate and key to keep over restarts, PEM. `None`: a new one for this process.
    pub identity_pem: Option<String>,
    /// Events the receiver may be behind by before reports are dropped (state changes wait).
    pub events_max: usize,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 0)),
            advertise: Vec::new(),
            ice_tcp: false,
            advertise_port: None,
            workers: None,
            tick: Duration::from_millis(3),
            peers_max: 5_000,
            socket_buffer_bytes: 8 * 1024 * 1024,
            connect_timeout: Duration::from_secs(30),
            link_start: Link::START,
            identity_pem: None,
            events_max: 4_096,
        }
    }
}

/// Why the media side could not start.
#[derive(Debug, thiserror::Error)]
pub enum MediaStartError {
    /// The UDP port could not be opened.
    #[error("cannot listen for media on udp {addr}: {source}")]
    Socket {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No address is left that a browser could reach.
    #[error("no address to advertise: media.advertise is empty and this machine has no usable interface")]
    NoAddress,
    /// The DTLS certificate or configuration could not be made.
    #[error("cannot prepare DTLS: {0}")]
    Endpoint(String),
    /// A worker thread could not be started.
    #[error("cannot start a media worker: {0}")]
    Thread(std::io::Error),
}

/// Who a publisher is: the same owner may replace its own connection, another one may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OwnerId(pub u64);

/// A request to publish into a lesson.
#[derive(Debug, Clone)]
pub struct PublishSpec {
    /// The SDP offer as it came.
    pub offer: String,
    /// Slot of the offer's first video section; the following ones take the slots after it. The first audio
    /// section goes with it: `ProgramVideo` → `ProgramAudio`, anything else → `ExtraAudio`.
    pub first_slot: Slot,
    /// Who publishes. Publishing again with the same owner and `first_slot` replaces the earlier connection
    /// as soon as the new one is connected.
    pub owner: OwnerId,
    /// A room that may speak: nothing of it reaches anybody until a slot is granted to it.
    pub guest: bool,
}

/// A publish or play request that was granted.
#[derive(Debug, Clone)]
pub struct SessionAnswer {
    /// Names the connection in every later call and event.
    pub peer: PeerId,
    /// The SDP answer, complete with candidates (the server is ICE-lite).
    pub answer_sdp: String,
    /// Local ICE user name fragment: changes with each ICE restart, so it can serve as the entity tag.
    pub ufrag: String,
    /// The slots this connection carries, with the codecs agreed for each, most wanted first.
    pub slots: Vec<(Slot, Vec<Codec>)>,
}

/// What an ICE fragment (RFC 8840) is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FragmentAnswer {
    /// Candidates were taken; there is nothing to say (204).
    Taken,
    /// ICE restarts: this fragment goes back (200).
    Restarted {
        /// Our new credentials and candidates, `application/trickle-ice-sdpfrag`.
        fragment: String,
        /// The new local user name fragment, the new entity tag.
        ufrag: String,
    },
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The offer is not SDP.
    #[error("the offer cannot be read: {0}")]
    SdpMalformed(String),
    /// The offer is SDP but has nothing we can carry.
    #[error("the offer cannot be answered: {0}")]
    SdpUnsupported(String),
    /// Somebody else publishes one of these slots.
    #[error("another host is publishing {slot:?}")]
    SecondHost {
        /// The slot both want.
        slot: Slot,
    },
    /// A fragment that cannot be read.
    #[error("the fragment cannot be read: {0}")]
    FragmentMalformed(String),
    /// No such connection (any more).
    #[error("no media connection {0}")]
    PeerUnknown(PeerId),
    /// `peers_max` is reached.
    #[error("the server carries {0} connections, its limit")]
    TooManyPeers(usize),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Draining,
    /// A worker's command queue is full: it is stuck or flooded.
    #[error("a media worker does not take commands")]
    Busy,
}

impl MediaError {
    /// The stable code of PROTOCOL.md, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SdpMalformed(_) | Self::FragmentMalformed(_) => "sdp_malformed",
            Self::SdpUnsupported(_) => "sdp_unsupported",
            Self::SecondHost { .. } => "second_host",
            Self::PeerUnknown(_) => "session_unknown",
            Self::TooManyPeers(_) => "too_many_peers",
            Self::Draining => "draining",
            Self::Busy => "internal",
        }
    }
}

/// Why a TCP connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamRefused {
    /// Its first frame is no connectivity check.
    #[error("the connection does not begin with a connectivity check")]
    NotACheck,
    /// The check names no connection of ours.
    #[error("the connectivity check is for nobody here")]
    Nobody,
    /// The worker has too much to read already.
    #[error("a media worker takes no more connections")]
    Busy,
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client ended it (DELETE, or a DTLS close).
    Left,
    /// No consent check arrived for too long (RFC 7675): the network or the client is gone.
    ConsentLost,
    /// ICE or DTLS did not finish in time.
    ConnectTimeout,
    /// DTLS failed: wrong fingerprint, no common suite, broken records.
    HandshakeFailed,
    /// The same owner published again.
    Replaced,
    /// Its invitation was revoked.
    Revoked,
    /// An organiser removed it, or the lesson is over.
    Removed,
    /// The server is shutting down.
    Draining,
    /// A bound of ours was hit (a control queue was full): the client should connect again.
    Overload,
}

impl CloseReason {
    /// A stable word for logs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::ConsentLost => "consent_lost",
            Self::ConnectTimeout => "connect_timeout",
            Self::HandshakeFailed => "handshake_failed",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Removed => "removed",
            Self::Draining => "draining",
            Self::Overload => "overload",
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerRole {
    /// Sends media into the lesson.
    Publisher,
    /// Receives the lesson.
    Viewer,
}

/// What the workers tell the lessons.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// ICE and DTLS are done; media flows from now on.
    PeerConnected {
        /// Its lesson.
        lesson: LessonId,
        /// The connection.
        peer: PeerId,
        /// Publisher or viewer.
        role: PeerRole,
    },
    /// The connection is over; sent exactly once for each peer that `publish` or `play` returned.
    PeerClosed {
        /// Its lesson.
        lesson: LessonId,
        /// The connection.
        peer: PeerId,
        /// Publisher or viewer.
        role: PeerRole,
        /// Why.
        reason: CloseReason,
    },
    /// Packets of a slot have begun to come, or its codec changed.
    SlotStarted {
        /// The lesson.
        lesson: LessonId,
        /// What is being published.
        slot: Slot,
        /// In which codec.
        codec: Codec,
    },
    /// Packets of a slot have stopped coming for about 2 s, or its publisher is gone.
    SlotStopped {
        /// The lesson.
        lesson: LessonId,
        /// What is no longer published.
        slot: Slot,
    },
    /// How a publisher's uplink does; every 2 s.
    PublisherReport {
        /// The lesson.
        lesson: LessonId,
        /// The connection.
        peer: PeerId,
        /// Share of its packets that did not arrive at first, 0–1, before repair.
        loss: f32,
        /// Round trip, where a report told it.
        rtt: Option<Duration>,
        /// What arrives.
        rate: Bitrate,
    },
    /// How a viewer's link does; every second.
    ViewerReport {
        /// The lesson.
        lesson: LessonId,
        /// The connection.
        peer: PeerId,
        /// Counters and estimates; boxed, because every other event is small.
        stats: Box<PeerStats>,
    },
    /// A slot is published in a codec this viewer did not agree to: it sees nothing there until it connects
    /// again with an offer that has the codec.
    CodecMissing {
        /// The lesson.
        lesson: LessonId,
        /// The viewer.
        peer: PeerId,
        /// The slot.
        slot: Slot,
        /// The codec it lacks.
        codec: Codec,
    },
}

/// Where a viewer stands on the ladder (`adaptive`), and what its page should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    /// What it gets.
    pub rung: Rung,
    /// Why not more; `None`: it has all it wants.
    pub cause: Option<Cause>,
    /// Slides are wanted and not sent moving: the page shows still ones.
    pub stills: bool,
    /// Playout its player should use, so that lost voice can be asked for again; zero: its own choice.
    pub playout: Duration,
    /// The queue that stands on its link.
    pub queue: Duration,
}

/// One connection in numbers. Counters run from its start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PeerStats {
    /// Viewers: where it stands on the ladder.
    pub ladder: Option<Ladder>,
    /// What the link is believed to carry; `None` before the first feedback.
    pub estimate: Option<Bitrate>,
    /// What was sent to a viewer or came from a publisher in the last second.
    pub rate: Bitrate,
    /// Loss in the last reports, 0–1.
    pub loss: f32,
    /// Round trip, where a report told it.
    pub rtt: Option<Duration>,
    /// RTP packets sent (viewer) or received (publisher), repairs included.
    pub packets: u64,
    /// Bytes of those, headers included.
    pub bytes: u64,
    /// Packets asked for again (by a viewer, or by us from a publisher).
    pub nacked: u64,
    /// Repairs sent (viewer) or received (publisher).
    pub repaired: u64,
    /// Keyframes asked for.
    pub keyframe_requests: u64,
    /// Packets dropped because the link or a queue was full.
    pub dropped: u64,
    /// How long ago a viewer was heard of last: without any feedback nobody knows whether what is sent arrives.
    pub since_heard: Option<Duration>,
    /// Each slot, in the order of [`Slot::ALL`].
    pub slots: [SlotStats; Slot::COUNT],
}

impl From<ReceiverStats> for PeerStats {
    fn from(stats: ReceiverStats) -> Self {
        let ReceiverStats {
            rung,
            cause,
            stills,
            protection,
            queue,
            estimate,
            rate,
            loss,
            rtt,
            packets,
            bytes,
            nacked,
            repaired,
            keyframe_requests,
            dropped,
            slots,
        } = stats;
        Self {
            ladder: Some(Ladder { rung, cause, stills, playout: protection.playout, queue }),
            estimate: Some(estimate),
            rate,
            loss,
            rtt,
            packets,
            bytes,
            nacked,
            repaired,
            keyframe_requests,
            dropped,
            since_heard: None,
            slots,
        }
    }
}

/// All connections of a lesson, about a second old at most.
#[derive(Debug, Clone, Default)]
pub struct MediaSnapshot {
    /// Each connected peer.
    pub peers: Vec<(PeerId, PeerRole, PeerStats)>,
}
