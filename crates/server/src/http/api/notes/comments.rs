//! Comments on rows of the shared timeline.

use super::{is_open, organised};
use crate::{
    auth::{Caller, Writer},
    clock::Clock,
    http::extract::{Id, Ids, Json},
    problem::Answer,
    state::{AppState, Parts},
    token,
};
use axum::{extract::State, http::StatusCode};
use domain::{CommentId, LessonId, SheetId};
use notes::wire::NewComment;
use signalling::{Problem, ProblemCode};
use store::Comment;

/// Comments of one lesson.
const COMMENTS_MAX: u64 = 5_000;
/// Characters of a comment.
const CHARS_MAX: usize = 2_000;

/// `POST /api/sheet/comments`: by a writer of the same lesson, while the timeline is open.
pub(super) async fn by_writer(
    State(state): State<AppState>,
    Writer(sheet): Writer,
    Json(wanted): Json<NewComment>,
) -> Answer<StatusCode> {
    let lesson = state.lessons.directory().lesson(sheet.lesson).cloned().ok_or(ProblemCode::LessonUnknown)?;
    if !is_open(&state.store.lesson_notes(lesson.id).await?, &lesson) {
        return Err(ProblemCode::TimelineClosed.into());
    }
    write(&state, lesson.id, Some(sheet.id), wanted).await
}

/// `POST /api/lessons/{lesson}/comments`: by the organiser.
pub(super) async fn by_organiser(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
    Json(wanted): Json<NewComment>,
) -> Answer<StatusCode> {
    organised(&state, caller, lesson)?;
    write(&state, lesson, None, wanted).await
}

/// `DELETE /api/sheet/comments/{comment}`: her own.
pub(super) async fn remove_own(
    State(state): State<AppState>,
    Writer(sheet): Writer,
    Id(id): Id<CommentId>,
) -> Answer<StatusCode> {
    state.store.delete_comment(sheet.lesson, id, Some(sheet.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/lessons/{lesson}/comments/{comment}`: any, by the organiser.
pub(super) async fn remove_any(
    State(state): State<AppState>,
    caller: Caller,
    Ids(lesson, id): Ids<LessonId, CommentId>,
) -> Answer<StatusCode> {
    organised(&state, caller, lesson)?;
    state.store.delete_comment(lesson, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn write(
    state: &Parts,
    lesson: LessonId,
    author: Option<SheetId>,
    wanted: NewComment,
) -> Answer<StatusCode> {
    let text = wanted.text.trim();
    if !(1..=CHARS_MAX).contains(&text.chars().count()) || wanted.row.len() > 40 {
        let cause = format_args!("text needs 1 to {CHARS_MAX} characters, row at most 40");
        return Err(Problem::new(ProblemCode::BodyMalformed).because(cause).into());
    }
    // Only of a row that everybody in the group can read; the rest does not exist.
    let on = state.store.sheet(wanted.sheet).await?;
    let view = state.store.sheet_content(wanted.sheet).await?.view();
    let row = view.rows.iter().find(|row| row.id == wanted.row && !row.private);
    if on.lesson != lesson || !view.shares.cluster || row.is_none() {
        return Err(ProblemCode::SheetUnknown.into());
    }
    let comment = Comment {
        id: token::comment_id(),
        author,
        on_sheet: wanted.sheet,
        on_row: wanted.row,
        text: text.to_owned(),
        created_at: Clock::wall(),
    };
    state.store.insert_comment(lesson, &comment, COMMENTS_MAX).await?;
    Ok(StatusCode::CREATED)
}
