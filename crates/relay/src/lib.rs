//! One lesson's forwarding on one worker: the host's packets in, packets for every receiver out. Pure.
//!
//! [`Relay`] owns the published tracks and the worker's receivers. Packets go in with [`Relay::store`]; when [`Relay::due`] says
//! so, [`Relay::flush`] walks the receivers, and each decides (`media::DownTrack`), adapts (`adaptive`) and writes through its
//! [`Outlet`], which seals and sends. What receivers report goes to [`Receiver`]'s `on_*` methods. Time comes in as an argument or
//! from the [`Egress`]; nothing here knows a socket, a key or SDP, so the same code runs under the simulation's virtual time.

mod adapt;
mod counts;
mod feedback;
mod history;
mod outlet;
mod pacer;
mod padding;
mod receiver;
mod relay;
mod spec;
mod stats;
mod track;

pub use adapt::{ReceiverTerms, StillUnderWay};
pub use adaptive::{Cause, Protection, Rung};
pub use counts::{Counts, Latency};
pub use feedback::LossBlock;
pub use outlet::{DATAGRAM_MAX, Egress, Outlet, Packet, Refused, Stream};
pub use receiver::{Exit, Receiver};
pub use relay::{Incoming, Relay, Reporting, Seat};
pub use spec::{ReceiverSpec, SlotSpec, codec_index};
pub use stats::{CaptureClock, ReceiverStats, SlotStats};
