//! What pages and server say to each other, and the state machine of one WebSocket; pure.
//!
//! `PROTOCOL.md` beside this crate is the contract; `tests/fixtures/protocol` holds one example of every
//! message, read by this crate's tests and by the pages' tests.

mod act;
mod api;
mod lesson_api;
mod message;
mod news;
mod problem;
mod segments;
mod session;

pub use act::{
    CallHelp, ClearHelp, DeleteWork, GiveAnswer, GiveCharge, HandUp, KeepWork, LockLesson, OnePlace,
    OpenQuestion, OwnName, Remote, RemoteAction, SendMessage, ShowResults, ShowWorks, SpeakAccept, SpeakMute,
    Switch, WhichPlace,
};
pub use api::{
    InvitationInfo, InvitationList, LessonInfo, LessonList, LessonPatch, Me, NewInvitation, NewLesson,
    PairingConfirm, PairingOpened, PairingStatus, PlaceInfo, PlaceList,
};
pub use lesson_api::{
    AskedQuestion, BadRow, CheckList, HelperEntry, HelperInfo, HelperList, HelperTicket, HelperWelcome,
    ImportReport, InvitedPlaces, LessonLine, LessonReport, LessonTotals, NewUnit, ObserverReport,
    PartnerPair, PeriodReport, PeriodTotals, PlacePatch, PlaceReport, QuestionList, RoomCheck, RungHistory,
    UnitLine, UnitList, UnitPatch, WorkReceipt,
};
pub use message::{
    ClientMessage, ClosingReason, Demand, Device, DeviceCodec, DeviceKind, ErrorMessage, Hello, Lang,
    LinkNews, PROTOCOL_VERSION, PageTerms, Report, RosterMessage, ServerMessage, SlotMedia, Still, StillNews,
    Uplink, VideoCodec, Welcome,
};
pub use news::{
    Ack, BoardNews, ChargeNews, Exhibit, ExhibitNews, FloorNews, HandsNews, HostLink, MessageNews,
    MessagesNews, NamedPin, NamedTurn, ObserversNews, OwnAnswer, OwnHand, QuestionNews, Results, RoomAnswer,
    RoomNews, ShownQuestion, TallyNews, WorksNews,
};
pub use problem::{Problem, ProblemCode};
pub use segments::{SegmentsPlay, SegmentsRequest, SegmentsWant, SegmentsWord};
pub use session::{CloseCode, Output, Reference, Session, SessionLimits, parse};
