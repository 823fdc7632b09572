//! JSON bodies of the HTTP API about notes (`signalling/PROTOCOL.md`, "Notes").

use crate::{Closing, Form, FormRef, Key, Minutes, Register, Score, Shares, SheetView, TimelineMinute};
use domain::{CommentId, SheetId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `PUT /api/lessons/{lesson}/sheets/{sheet}`: the page draws id and token, so that a sheet begins without a network.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSheet {
    /// What opens the sheet from now on: 26 characters of Crockford's base 32.
    pub token: String,
}

// Written by hand so that no log line can hold the token.
impl std::fmt::Debug for NewSheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSheet(…)")
    }
}

/// A sheet as its writer sees it from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetInfo {
    /// Its id.
    pub id: SheetId,
    /// Its lesson, which may be gone.
    pub lesson: domain::LessonId,
    /// What the lesson is or was called.
    pub lesson_title: String,
    /// When the lesson went live: rows' moments count from here.
    pub started_at: Option<UnixMillis>,
    /// When the lesson ended.
    pub ended_at: Option<UnixMillis>,
    /// When the sheet came to the server first.
    pub created_at: UnixMillis,
    /// When it last changed there.
    pub changed_at: UnixMillis,
    /// From when on an organiser may delete it; `None` while the lesson has not ended.
    pub deletable_from: Option<UnixMillis>,
}

/// `POST /api/sheet/registers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// The number of the last answer; 0: everything.
    #[serde(default)]
    pub since: u64,
    /// What the page has and the server has not acknowledged.
    #[serde(default)]
    pub registers: BTreeMap<Key, Register>,
}

/// The answer: everything sent is on the disk, but for what is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncReply {
    /// For the next `since`.
    pub seq: u64,
    /// What the page lacks.
    pub registers: BTreeMap<Key, Register>,
    /// What was not stored, and why.
    pub refused: Vec<RefusedRegister>,
    /// Whether the group's timeline is open to observers now.
    pub timeline_open: bool,
}

/// A register that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRegister {
    /// Its key.
    pub key: Key,
    /// Why, for programs: `score_above_maximum`, `score_off_step`, `score_negative`, `score_not_a_number`,
    /// `score_unknown_item`, `register_malformed`, `register_too_large`.
    pub code: String,
    /// Why, for a developer.
    pub detail: String,
}

/// `GET /api/sheet/export`: everything the server has of a writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SheetExport {
    /// The sheet from outside.
    pub sheet: SheetInfo,
    /// Its form.
    pub form: Option<Form>,
    /// As a person reads it.
    pub view: SheetView,
    /// As it is merged.
    pub registers: BTreeMap<Key, Register>,
    /// Ids of its pictures.
    pub pictures: Vec<String>,
    /// Comments written with it.
    pub comments: Vec<CommentInfo>,
}

/// A lesson's notes from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LessonNotesInfo {
    /// The form new sheets begin on.
    pub form: FormRef,
    /// When observers see each other's shared rows: `after` the lesson, `open` now, `closed`.
    pub timeline: String,
    /// Whether they do now.
    pub timeline_open: bool,
    /// Forms offered, newest versions, by title.
    pub forms: Vec<Form>,
    /// From when on the organiser may delete the lesson's sheets.
    pub deletable_from: Option<UnixMillis>,
}

/// `PATCH /api/lessons/{lesson}/notes`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LessonNotesPatch {
    /// Another form for new sheets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormRef>,
    /// `after`, `open` or `closed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<String>,
}

/// `GET /api/forms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormList {
    /// Newest versions, by title.
    pub forms: Vec<OfferedForm>,
}

/// A form and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedForm {
    /// The form.
    #[serde(flatten)]
    pub form: Form,
    /// Whether every server brings it.
    pub built_in: bool,
    /// Whether it is no longer offered.
    pub retired: bool,
}

/// `GET /api/lessons/{lesson}/timeline`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// What the lesson is called.
    pub title: String,
    /// When it went live.
    pub started_at: Option<UnixMillis>,
    /// Whether observers see it now.
    pub open: bool,
    /// Rows by minute.
    pub minutes: Vec<TimelineMinute>,
    /// Closing words of the shared sheets.
    pub closings: Vec<AuthorClosing>,
    /// Comments, oldest first.
    pub comments: Vec<CommentInfo>,
    /// Names of the phases of every form in use, by id.
    pub phases: BTreeMap<String, String>,
}

/// What somebody wrote below her sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorClosing {
    /// Her sheet.
    pub sheet: String,
    /// *Người dự*.
    pub author: String,
    /// *Đơn vị*.
    pub unit: String,
    /// The words.
    #[serde(flatten)]
    pub closing: Closing,
}

/// A comment as its readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentInfo {
    /// Its id.
    pub id: CommentId,
    /// The sheet of who wrote it; `None`: the organiser.
    pub author_sheet: Option<SheetId>,
    /// Her name as it is on her sheet.
    pub author: String,
    /// The sheet of the row.
    pub sheet: SheetId,
    /// The row.
    pub row: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: UnixMillis,
}

/// `POST /api/sheet/comments` and `POST /api/lessons/{lesson}/comments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// The sheet of the row.
    pub sheet: SheetId,
    /// The row.
    pub row: String,
    /// What it says, 1 to 2,000 characters.
    pub text: String,
}

/// `GET /api/lessons/{lesson}/sheets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SheetList {
    /// Oldest first.
    pub sheets: Vec<ListedSheet>,
}

/// A sheet as organiser or taught teacher see it in a list. What is not shared with them is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedSheet {
    /// Its id.
    pub id: SheetId,
    /// *Người dự*.
    pub author: String,
    /// *Đơn vị*.
    pub unit: String,
    /// Rows it has.
    pub rows: usize,
    /// Who may read it.
    pub shares: Shares,
    /// When it last changed.
    pub changed_at: UnixMillis,
    /// Sum and rating, when the whole sheet is shared with who asks.
    pub score: Option<Score>,
}

/// `GET /api/lessons/{lesson}/sheets/{sheet}`: a sheet that was shared, without what its writer keeps to herself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedSheet {
    /// The sheet from outside.
    pub sheet: SheetInfo,
    /// Its form.
    pub form: Option<Form>,
    /// As a person reads it, without private rows and without the bin.
    pub view: SheetView,
}

/// Minutes on the wire; `PUT` sends `revision` and `minutes` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinutesInfo {
    /// The revision they are, or are a change of; 0: never saved.
    pub revision: u64,
    /// When they were saved.
    #[serde(default)]
    pub changed_at: Option<UnixMillis>,
    /// What they say; a draft while they were never saved.
    pub minutes: Minutes,
    /// What would be drafted from the shared sheets now.
    #[serde(default)]
    pub draft: Option<Minutes>,
}
