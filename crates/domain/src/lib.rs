//! Ids, roles, slots, layers, units, time and the lesson's state machine: pure, below everything.

mod action;
mod attendance;
mod board;
mod check;
mod codec_choice;
mod helper;
mod ids;
mod invitation;
mod lesson;
mod pairing;
mod participation;
mod path;
mod place;
mod rate_limit;
mod refusal;
mod role;
mod roster;
mod schedule;
mod screen;
mod slot;
mod stage;
mod time;
mod unit;
mod units;
mod wall_time;

pub use action::Action;
pub use attendance::{
    Accounts, Attendance, OBSERVER_NAME_CHARS_MAX, ObserverAccount, RUNGS, RoomAccount, RoomMoment, RungStep,
    STEPS_MAX, SeatId,
};
pub use board::{
    Board, Cause, Health, HelpCall, NextStep, RoomFacts, RoomLink, RoomState, ScreenReport, Tile, assess,
};
pub use check::{CheckResult, CheckVerdict, DecodeAbility, DecodeCheck, Fix, Light};
pub use codec_choice::{CodecSupport, Decoding, preferred_codec};
pub use helper::{
    HELPER_LIFETIME, HELPERS_PER_PLACE_MAX, HelperLink, HelperTickets, TICKET_LIFETIME, TICKETS_PER_PLACE,
};
pub use ids::{CommentId, HelperId, InvitationId, LessonId, ParseIdError, PeerId, PlaceId, SheetId, UnitId};
pub use invitation::Invitation;
pub use lesson::{
    Invited, Lesson, LessonCommand, LessonControl, LessonEdit, LessonEvent, LessonRecord, LessonState,
    ParseStateError,
};
pub use pairing::{
    CONFIRM_LIMIT, PAIRING_LIFETIME, PAIRINGS_MAX, PairingCode, PairingSecretHash, Pairings, ParseCodeError,
    Polled,
};
pub use participation::{
    Answer, AnswerMode, AnswerValue, CALL_EXPIRES, COUNT_MAX, Deed, EndReason, Fact, Floor, FloorEvent, Hand,
    Help, HelpEvent, HelpKind, LATE_GRACE, MEDIA_EXPIRES, MESSAGE_CHARS_MAX, MESSAGES_MAX, MessageEvent,
    Messages, NewQuestion, PROMPT_CHARS_MAX, Participation, ParticipationCommand, ParticipationEvent,
    PinPhase, Pinned, PrivateMessage, QUESTIONS_MAX, Question, QuestionEvent, QuestionKind, Questions,
    RoomDeeds, Route, SPEAKERS_MAX, SpeakingDevice, TEXT_ANSWER_CHARS_MAX, Tally, Turn, TurnPhase,
    WARM_HANDS, WORKS_MAX, WORKS_PER_PLACE_MAX, WORKS_SHOWN_MAX, Work, WorkEvent, Works, room_deeds,
};
pub use path::MediaPath;
pub use place::{NAME_CHARS_MAX, Place};
pub use rate_limit::{RateLimit, RateLimiter, TokenBucket};
pub use refusal::Refusal;
pub use role::{Identity, ParseRoleError, Role};
pub use roster::{
    ConnectionId, PlaceState, PlaceStatus, RoomPages, Roster, RosterLimits, RosterView, ViewerReport,
};
pub use schedule::{ANNOUNCED_AFTER_START, GATHERING, lesson_for_place};
pub use screen::{REPORT_OVERDUE_AFTER, REPORT_STALE_AFTER};
pub use slot::{Codec, Layer, MediaKind, Slot};
pub use stage::{Publication, Stage};
pub use time::Timestamp;
pub use unit::{UNIT_DEPTH_MAX, Unit, Units};
pub use units::Bitrate;
pub use wall_time::{OutsideCalendar, UnixMillis};
