//! JSON bodies of the HTTP API that belong to the lesson's rooms (`PROTOCOL.md`, "The lesson").

use crate::{LessonInfo, PlaceInfo, RoomAnswer};
use domain::{
    Answer, AnswerMode, CheckResult, CheckVerdict, HelperId, LessonId, PlaceId, Question, QuestionKind,
    RungStep, Tally, Unit, UnitId, UnixMillis,
};
use serde::{Deserialize, Deserializer, Serialize};

/// The answer to `POST /api/helpers/ticket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperTicket {
    /// `{base}/phong#m={ticket}`, for the screen's QR code.
    pub url: String,
    /// Seconds until a phone can no longer come in by it.
    pub expires_in_s: u64,
}

/// `POST /api/helpers`: a phone that scanned the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperEntry {
    /// What stood after `#m=`.
    pub ticket: String,
    /// What to call the phone in lists ("Android, Chrome"), 1 to 200 characters.
    #[serde(default)]
    pub label: Option<String>,
}

/// The answer to `POST /api/helpers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperWelcome {
    /// The phone's own token; told once.
    pub token: String,
    /// When it stops working.
    pub expires_at: UnixMillis,
    /// The place it helps.
    pub place: PlaceInfo,
}

/// A helper's phone as the organiser, or the place's own screen, sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperInfo {
    /// Its id.
    pub id: HelperId,
    /// What it is called.
    pub label: Option<String>,
    /// When it came.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: UnixMillis,
    /// Whether it was withdrawn.
    pub revoked: bool,
    /// Whether its page is open.
    pub connected: bool,
}

/// `GET /api/places/{id}/helpers`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperList {
    /// Newest first.
    pub helpers: Vec<HelperInfo>,
}

/// `GET /api/units`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitList {
    /// All of them.
    pub units: Vec<Unit>,
    /// Pairs of partners, each once.
    pub partners: Vec<[UnitId; 2]>,
}

/// `POST /api/units`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUnit {
    /// What kind of unit ("Trường").
    pub level: String,
    /// Its name.
    pub name: String,
    /// The unit it belongs to.
    #[serde(default)]
    pub parent: Option<UnitId>,
}

/// `PATCH /api/units/{id}`: an absent field keeps its value, null clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnitPatch {
    /// Another kind.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub level: Option<String>,
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Another unit it belongs to; null: none.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    pub parent: Option<Option<UnitId>>,
}

/// `POST /api/partners` and `DELETE /api/partners`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerPair {
    /// Two different units.
    pub units: [UnitId; 2],
}

/// `POST /api/places` and `PATCH /api/places/{id}`: in a patch an absent field keeps its value, null clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlacePatch {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The unit it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    pub unit: Option<Option<UnitId>>,
}

/// The answer to `POST /api/places/import`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportReport {
    /// New places, with their links: shown this once.
    pub created: Vec<PlaceInfo>,
    /// Places that existed and now have another name or unit.
    pub updated: usize,
    /// Places that were as the file says.
    pub unchanged: usize,
    /// New units.
    pub units: usize,
    /// Rows that were left out.
    pub bad: Vec<BadRow>,
}

/// A row of a file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The column at fault, as its head calls it; null: the whole row.
    pub column: Option<String>,
    /// What is wrong.
    pub detail_vi: String,
    /// The same in English.
    pub detail: String,
}

/// `GET /api/lessons/{id}/questions`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionList {
    /// In the order they were asked.
    pub questions: Vec<AskedQuestion>,
}

/// A question with every room's answer, for the leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedQuestion {
    /// Its number.
    pub no: u32,
    /// What was asked.
    pub kind: QuestionKind,
    /// How rooms answered.
    pub mode: AnswerMode,
    /// Number of options.
    pub options: u8,
    /// In words.
    pub prompt: Option<String>,
    /// When it was asked.
    pub opened_at: UnixMillis,
    /// When it was closed.
    pub closed_at: Option<UnixMillis>,
    /// All rooms together.
    pub tally: Tally,
    /// Each room's answer.
    pub answers: Vec<RoomAnswer>,
}

impl From<&Question> for AskedQuestion {
    fn from(question: &Question) -> Self {
        let answer = |(place, answer): (&PlaceId, &Answer)| RoomAnswer {
            place: *place,
            value: answer.value.clone(),
            at: answer.at,
            late: answer.late,
        };
        Self {
            no: question.no,
            kind: question.kind,
            mode: question.mode,
            options: question.options,
            prompt: question.prompt.clone(),
            opened_at: question.opened_at,
            closed_at: question.closed_at,
            tally: question.tally(),
            answers: question.answers.iter().map(answer).collect(),
        }
    }
}

/// The answer to `POST /api/lessons/{id}/works`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkReceipt {
    /// Its number within the lesson.
    pub no: u32,
    /// Its size as it is kept, bytes.
    pub bytes: usize,
    /// Its size as it is kept, pixels.
    pub width: u32,
    /// Its size as it is kept, pixels.
    pub height: u32,
}

/// A room's check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomCheck {
    /// Which room; null in the answer to the room itself.
    pub place: Option<PlaceId>,
    /// When it was made.
    pub at: UnixMillis,
    /// What was measured.
    pub result: CheckResult,
    /// What that means.
    pub verdict: CheckVerdict,
}

/// `GET /api/lessons/{id}/checks`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckList {
    /// The newest check of each room that made one.
    pub checks: Vec<RoomCheck>,
    /// Invited rooms that made none.
    pub missing: Vec<PlaceId>,
}

/// `GET /api/lessons/{id}/places`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitedPlaces {
    /// The invited ones; null: every place of the server.
    pub places: Option<Vec<PlaceId>>,
}

/// `GET /api/lessons/{id}/places/{place}/history`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungHistory {
    /// The room's steps on the ladder, oldest first.
    pub points: Vec<RungStep>,
}

/// `GET /api/lessons/{id}/report`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LessonReport {
    /// The lesson.
    pub lesson: LessonInfo,
    /// How long it was live, s.
    pub duration_s: u64,
    /// Every room that was invited or present.
    pub places: Vec<PlaceReport>,
    /// Every observer that was present.
    pub observers: Vec<ObserverReport>,
    /// What was asked in the lesson, without the rooms' single answers.
    pub questions: Vec<AskedQuestion>,
    /// All together.
    pub totals: LessonTotals,
}

/// What a room received and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceReport {
    /// Which.
    pub id: PlaceId,
    /// Its name; the id when the place was deleted since.
    pub name: String,
    /// The names of its units, from the top.
    pub units: Vec<String>,
    /// When media first and last flowed to it.
    pub first_at: Option<UnixMillis>,
    /// See `first_at`.
    pub last_at: Option<UnixMillis>,
    /// Time during which media flowed, s.
    pub received_s: u64,
    /// Of it, time on each rung of the ladder, from 0 (nothing) to 6 (everything), s.
    pub rung_s: [u64; 7],
    /// Times that nothing came and then came again.
    pub outages: u32,
    /// Their length together, s.
    pub outage_s: u64,
    /// Media connections that came up.
    pub joins: u32,
    /// Times its picture stood still.
    pub freezes: u32,
    /// Their length together, s.
    pub frozen_s: u64,
    /// Times it raised its hand.
    pub hands: u32,
    /// Time it spoke, s.
    pub spoke_s: u64,
    /// Questions it answered.
    pub answers: u32,
    /// Photos of pupils' works it sent in.
    pub works: u32,
    /// Times it called for help.
    pub help: u32,
}

/// What an observer received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObserverReport {
    /// Her name, if she gave one.
    pub name: Option<String>,
    /// Time during which her page decoded the lesson, s.
    pub received_s: u64,
}

/// A lesson in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LessonTotals {
    /// Places that were invited.
    pub places_invited: usize,
    /// Places that received anything.
    pub places_present: usize,
    /// What they received together, s.
    pub received_s: u64,
    /// Observers that received anything.
    pub observers: usize,
}

/// `GET /api/reports`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeriodReport {
    /// From when on; null: from the beginning.
    pub from: Option<UnixMillis>,
    /// Up to when; null: until now.
    pub to: Option<UnixMillis>,
    /// Only places that belong to this unit.
    pub unit: Option<UnitId>,
    /// All together.
    pub totals: PeriodTotals,
    /// Lessons that went live in the period, oldest first.
    pub lessons: Vec<LessonLine>,
    /// Units whose places were present, with what they received.
    pub units: Vec<UnitLine>,
}

/// A period in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PeriodTotals {
    /// Lessons.
    pub lessons: usize,
    /// Different places that were present.
    pub places: usize,
    /// Places summed over lessons.
    pub place_lessons: usize,
    /// What they received together, s.
    pub received_s: u64,
    /// Observers summed over lessons.
    pub observers: usize,
}

/// A lesson within a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonLine {
    /// Which.
    pub id: LessonId,
    /// Its title.
    pub title: String,
    /// When it went live.
    pub started_at: Option<UnixMillis>,
    /// How long it was live, s.
    pub duration_s: u64,
    /// Places that were present.
    pub places: usize,
    /// Observers that were present.
    pub observers: usize,
    /// What the places received together, s.
    pub received_s: u64,
}

/// A unit within a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitLine {
    /// Which.
    pub id: UnitId,
    /// Its name.
    pub name: String,
    /// What kind of unit.
    pub level: String,
    /// Different places of it, at any depth, that were present.
    pub places: usize,
    /// Places summed over lessons.
    pub place_lessons: usize,
    /// What they received together, s.
    pub received_s: u64,
}

/// Reads a field that is there, null or not, as `Some`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
