//! What an organiser chooses for the notes of a lesson.

use super::{deletable_from, form, forms, is_open, organised};
use crate::{
    auth::Caller,
    http::extract::{Id, Json},
    problem::Answer,
    state::AppState,
};
use axum::{Json as Body, extract::State};
use domain::{Action, LessonId, LessonRecord};
use notes::{
    built_in_forms,
    wire::{LessonNotesInfo, LessonNotesPatch},
};
use signalling::{Problem, ProblemCode};
use store::{LessonNotes, TimelineDoor};

/// `GET /api/lessons/{lesson}/notes`
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<Body<LessonNotesInfo>> {
    let lesson = caller.permit(&state, id, Action::Look)?;
    let notes = state.store.lesson_notes(id).await?;
    info(&state, &lesson, notes).await
}

/// `PATCH /api/lessons/{lesson}/notes`
pub(super) async fn edit(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
    Json(patch): Json<LessonNotesPatch>,
) -> Answer<Body<LessonNotesInfo>> {
    let lesson = organised(&state, caller, id)?;
    let mut notes = state.store.lesson_notes(id).await?;
    if let Some(wanted) = patch.form {
        notes.form = Some(form(&state, &wanted).await?.reference());
    }
    if let Some(name) = patch.timeline {
        let cause = "timeline is after, open or closed";
        notes.timeline = TimelineDoor::from_name(&name)
            .ok_or_else(|| Problem::new(ProblemCode::BodyMalformed).because(cause))?;
    }
    state.store.set_lesson_notes(id, &notes).await?;
    info(&state, &lesson, notes).await
}

async fn info(state: &AppState, lesson: &LessonRecord, notes: LessonNotes) -> Answer<Body<LessonNotesInfo>> {
    let open = is_open(&notes, lesson);
    let offered = forms::all(state).await?.into_iter().filter(|form| !form.retired).map(|form| form.form);
    Ok(Body(LessonNotesInfo {
        form: notes.form.unwrap_or_else(|| built_in_forms()[0].reference()),
        timeline: notes.timeline.as_str().to_owned(),
        timeline_open: open,
        forms: offered.collect(),
        deletable_from: deletable_from(state, lesson.ended_at),
    }))
}
