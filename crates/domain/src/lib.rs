//! Ids, roles, slots, layers, units, time and the lesson's state machine: pure, below everything.

mod codec_choice;
mod ids;
mod invitation;
mod lesson;
mod pairing;
mod place;
mod rate_limit;
mod refusal;
mod role;
mod roster;
mod schedule;
mod slot;
mod stage;
mod time;
mod units;
mod wall_time;

pub use codec_choice::{CodecSupport, Decoding, preferred_codec};
pub use ids::{InvitationId, LessonId, ParseIdError, PeerId, PlaceId};
pub use invitation::Invitation;
pub use lesson::{
    Action, Invited, Lesson, LessonCommand, LessonEdit, LessonEvent, LessonRecord, LessonState,
    ParseStateError,
};
pub use pairing::{
    CONFIRM_LIMIT, PAIRING_LIFETIME, PAIRINGS_MAX, PairingCode, PairingSecretHash, Pairings, ParseCodeError,
    Polled,
};
pub use place::{NAME_CHARS_MAX, Place};
pub use rate_limit::{RateLimit, RateLimiter, TokenBucket};
pub use refusal::Refusal;
pub use role::{Identity, ParseRoleError, Role};
pub use roster::{
    ConnectionId, PlaceState, PlaceStatus, REPORT_STALE_AFTER, Roster, RosterLimits, RosterView, ViewerReport,
};
pub use schedule::{ANNOUNCED_AFTER_START, lesson_for_place};
pub use slot::{Codec, Layer, MediaKind, Slot};
pub use stage::{Publication, Stage};
pub use time::Timestamp;
pub use units::Bitrate;
pub use wall_time::{OutsideCalendar, UnixMillis};
