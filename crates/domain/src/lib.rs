//! Ids, roles, slots, layers, units, time and the lesson's state machine: pure, below everything.

mod ids;
mod slot;
mod time;
mod units;

pub use ids::{InvitationId, LessonId, ParseIdError, PeerId, PlaceId};
pub use slot::{Codec, Layer, MediaKind, Slot};
pub use time::Timestamp;
pub use units::Bitrate;
