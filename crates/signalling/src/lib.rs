//! What pages and server say to each other, and the state machine of one WebSocket; pure.
//!
//! `PROTOCOL.md` beside this crate is the contract; `tests/fixtures/protocol` holds one example of every
//! message, read by this crate's tests and by the pages' tests.

mod api;
mod message;
mod problem;
mod session;

pub use api::{
    InvitationInfo, InvitationList, LessonInfo, LessonList, LessonPatch, Me, NewInvitation, NewLesson,
    PairingConfirm, PairingOpened, PairingStatus, PlaceInfo, PlaceList, PlaceName,
};
pub use message::{
    ClientMessage, ClosingReason, Demand, Device, DeviceCodec, DeviceKind, ErrorMessage, Hello, Lang,
    MediaPath, PROTOCOL_VERSION, Report, RosterMessage, ServerMessage, SlotMedia, Uplink, VideoCodec,
    Welcome,
};
pub use problem::{Problem, ProblemCode};
pub use session::{CloseCode, Output, Session, SessionLimits, parse};
