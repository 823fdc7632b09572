//! What a weak link can carry and what it is given: pure, has never heard of RTP.
//!
//! Reports go into a [`Link`]; out comes a [`Plan`]: a layer per slot ([`allocate`]), a pace, and now and then a rate to try
//! ([`Prober`]). How the voice is protected meanwhile is [`Protector`]'s question. What is behind the seam may change without the
//! server noticing.

mod allocate;
mod estimate;
mod lag_ladder;
mod link;
mod meter;
mod probe;
mod protect;
mod rung;

pub use allocate::{Allocation, Allocator, Demand, Terms, allocate};
pub use domain::Bitrate;
pub use estimate::{LinkEstimator, LossReport, Overfull, Seen};
pub use lag_ladder::LagLadder;
pub use link::{Link, Plan};
pub use probe::{Conditions, Finding, Prober};
pub use protect::{Protection, Protector, VoiceLink, first_playout};
pub use rung::{Cause, Rung};
