//! Sheets as others see them: only what their writers shared, and never a private row.

use super::{deletable_from, form_of, is_open, organised, sheet::info};
use crate::{
    auth::Caller,
    clock::Clock,
    http::extract::{Id, Ids},
    problem::Answer,
    state::{AppState, Parts},
};
use axum::{Json as Body, extract::State, http::StatusCode};
use domain::{Action, LessonId, Refusal, Role, SheetId};
use notes::{
    Shares, SheetView, score,
    wire::{ListedSheet, SharedSheet, SheetList},
};
use signalling::{Problem, ProblemCode};
use store::SheetRecord;

/// What somebody wants to read of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// All of it, scores too.
    OfSheet,
    /// Its rows, as the timeline shows them.
    OfRows,
}

/// `GET /api/lessons/{lesson}/sheets`: for the organiser every sheet by its name, for the taught teacher those
/// shared with her.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
) -> Answer<Body<SheetList>> {
    caller.permit(&state, lesson, Action::Look)?;
    let role = caller.who.role();
    if !matches!(role, Role::Organiser | Role::Host) {
        return Err(Refusal::Forbidden { role }.into());
    }
    let mut sheets = Vec::new();
    for record in state.store.sheets(lesson).await? {
        let view = state.store.sheet_content(record.id).await?.view();
        let reads_all = reads_sheet(role, view.shares);
        if role == Role::Host && !reads_all {
            continue;
        }
        let form = if reads_all { form_of(&state, view.form.as_ref()).await? } else { None };
        sheets.push(ListedSheet {
            id: record.id,
            author: view.heading.observer.clone(),
            unit: view.heading.unit.clone(),
            rows: view.rows.len(),
            shares: view.shares,
            changed_at: record.changed_at,
            score: form.filter(|form| form.is_scored() && !view.study).map(|form| score(&form, &view.scores)),
        });
    }
    Ok(Body(SheetList { sheets }))
}

/// `GET /api/lessons/{lesson}/sheets/{sheet}`
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Ids(lesson, id): Ids<LessonId, SheetId>,
) -> Answer<Body<SharedSheet>> {
    let (record, view) = readable(&state, caller, lesson, id, Reader::OfSheet).await?;
    let form = form_of(&state, view.form.as_ref()).await?;
    Ok(Body(SharedSheet { sheet: info(&state, &record), form, view }))
}

/// `DELETE /api/lessons/{lesson}/sheets`: by the organiser, when their time is over.
pub(super) async fn remove_all(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<StatusCode> {
    let lesson = organised(&state, caller, id)?;
    match deletable_from(&state, lesson.ended_at) {
        Some(from) if Clock::wall() >= from => {}
        from => {
            let when = from.map_or("the lesson has not ended".to_owned(), |from| format!("from {from} on"));
            return Err(Problem::new(ProblemCode::NotesKept).because(when).into());
        }
    }
    let count = state.store.delete_sheets(id).await?;
    tracing::info!(lesson.id = %id, count, "{count} sheets of lesson {id} were deleted by its organiser");
    Ok(StatusCode::NO_CONTENT)
}

/// A sheet without what its writer keeps to herself, if the caller may read it. To everybody else it does not exist.
pub(super) async fn readable(
    state: &Parts,
    caller: Caller,
    lesson: LessonId,
    id: SheetId,
    what: Reader,
) -> Answer<(SheetRecord, SheetView)> {
    let record = caller.permit(state, lesson, Action::Look)?;
    let role = caller.who.role();
    let sheet = state.store.sheet(id).await?;
    if sheet.lesson != lesson {
        return Err(ProblemCode::SheetUnknown.into());
    }
    let mut view = state.store.sheet_content(id).await?.view();
    let may = reads_sheet(role, view.shares)
        || what == Reader::OfRows
            && view.shares.cluster
            && match role {
                Role::Organiser => true,
                Role::Observer => is_open(&state.store.lesson_notes(lesson).await?, &record),
                Role::Host | Role::Place | Role::Helper => false,
            };
    if !may {
        return Err(ProblemCode::SheetUnknown.into());
    }
    view.rows.retain(|row| !row.private);
    for row in &mut view.rows {
        // Words nobody has decided on yet are the writer's affair.
        row.siblings.clear();
    }
    view.bin.clear();
    Ok((sheet, view))
}

/// Whether a whole sheet, scores too, is shared with this role.
fn reads_sheet(role: Role, shares: Shares) -> bool {
    match role {
        Role::Organiser => shares.organiser,
        Role::Host => shares.teacher,
        Role::Observer | Role::Place | Role::Helper => false,
    }
}
