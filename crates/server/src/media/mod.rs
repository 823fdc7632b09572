//! The media side of the relay: sockets, worker threads, fan-out and routing.
//!
//! [`start`] opens the UDP port and its worker threads. The rest of the server talks to them through a
//! [`MediaHandle`] (cheap to clone, callable from any thread) and hears of them through [`MediaEvent`]s.
//! Nothing here knows of tokens, pages or the state of a lesson: whoever calls `publish` or `play` has
//! already been let in.
//!
//! # A packet's way through a worker
//! [`socket`] reads a batch → [`ingress`] finds the peer (address, else an authentic STUN check) → [`publisher`] numbers the
//! packet → every worker's [`inbox`] → [`relay::Relay`] stores it once and walks the receivers when the frame is whole or the
//! tick is over (voice at once) → each [`relay::Receiver`] decides and writes, its [`outlet`] seals into the arena of [`burst`] →
//! one GSO send for each receiver and run.
//!
//! # What is shared, and when
//! [`registry`] (who is expected, who is where, who feeds which slot) is the one lock between workers and the HTTP side. It is
//! taken for unknown addresses and changes of state, never for a media packet. Receivers live in one `Vec` for each worker and
//! lesson; a packet's payload lives once and is shared by reference count.
//!
//! # Every queue, and what happens when it is full
//! | queue | bound | full |
//! |---|---|---|
//! | pictures to another worker | 8,192 packets | that layer is dropped to its next keyframe, which is asked for |
//! | voice to another worker | 1,024 packets | the oldest goes |
//! | datagrams for another worker's peer | 2,048 | dropped, as a network may |
//! | notes between workers | 1,024 | dropped; clocks and wishes are repeated |
//! | commands of the HTTP side | 4,096 demands and fragments | refused (`Busy`); closing always fits, once for each peer |
//! | packets for a tap | 4,096 | dropped; its pictures go on at the next keyframe |
//! | handshake datagrams | 1,024 | dropped; DTLS repeats them |
//! | datagrams for a TCP connection | 256 KiB | the oldest goes; pictures stop at 150 ms and go on from the ring |
//! | runs the kernel has no room for | 4 MiB | dropped; receivers ask for them again |
//! | a paced receiver's backlog | 700 packets of the shared ring | its picture goes on at the next keyframe |
//! | events to the lessons | `events_max` | reports are dropped, state changes wait (65,536) |

mod api;
mod burst;
mod counts;
mod guests;
mod handle;
mod inbox;
mod ingress;
mod kept;
mod member;
mod members;
mod meters;
mod outbox;
mod outlet;
mod publisher;
mod reach;
mod registry;
mod shared;
mod socket;
mod sockets;
mod stream_queue;
mod streams;
mod tap;
mod tcp;
mod worker;

pub use api::{
    CloseReason, FragmentAnswer, Ladder, MediaConfig, MediaError, MediaEvent, MediaSnapshot, MediaStartError,
    OwnerId, PeerRole, PeerStats, PublishSpec, SessionAnswer, StreamRefused,
};
pub(crate) use guests::SlotSet;
pub use handle::{MediaHandle, RunningMedia, start};
pub use relay::{Cause, ReceiverTerms, Rung, SlotStats, StillUnderWay};
pub(crate) use streams::tune;
pub use tap::Tapped;
