//! The media side of the relay: sockets, worker threads, fan-out and routing.
//!
//! [`start`] opens the UDP port and its worker threads. The rest of the server talks to them through a
//! [`MediaHandle`] (cheap to clone, callable from any thread) and hears of them through [`MediaEvent`]s.
//! Nothing here knows of tokens, pages or the state of a lesson: whoever calls `publish` or `play` has
//! already been let in.

mod api;
mod burst;
mod counts;
mod feedback;
mod handle;
mod history;
mod inbox;
mod ingress;
mod kept;
mod lesson;
mod member;
mod members;
mod meters;
mod outbox;
mod publisher;
mod receiver;
mod registry;
mod shared;
mod socket;
mod track;
mod worker;

pub use api::{
    CloseReason, FragmentAnswer, MediaConfig, MediaError, MediaEvent, MediaSnapshot, MediaStartError,
    OwnerId, PeerRole, PeerStats, PublishSpec, SessionAnswer, SlotStats,
};
pub use handle::{MediaHandle, RunningMedia, start};
