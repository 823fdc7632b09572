//! Observers' notes (`PROTOCOL.md`, "Notes"): sheets, forms, the shared timeline, minutes.

mod comments;
mod forms;
mod lesson;
mod minutes;
mod pictures;
mod shared;
mod sheet;
mod timeline;

use crate::{
    auth::Caller,
    problem::Answer,
    state::{AppState, Parts},
};
use axum::{
    Router,
    routing::{delete, get, post, put},
};
use domain::{Action, LessonId, LessonRecord, LessonState, Refusal, Role, UnixMillis};
use notes::{Form, FormRef, built_in_forms};
use std::time::Duration;
use store::{Entity, LessonNotes, StoreError, TimelineDoor};

/// Everything about notes.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/forms", get(forms::list).post(forms::save))
        .route("/api/forms/{id}", delete(forms::retire))
        .route("/api/forms/{id}/{version}", get(forms::show))
        .route("/api/lessons/{lesson}/notes", get(lesson::show).patch(lesson::edit))
        .route("/api/lessons/{lesson}/sheets", get(shared::list).delete(shared::remove_all))
        .route("/api/lessons/{lesson}/sheets/{sheet}", put(sheet::begin).get(shared::show))
        .route("/api/lessons/{lesson}/sheets/{sheet}/pictures/{picture}", get(pictures::show_shared))
        .route("/api/lessons/{lesson}/timeline", get(timeline::show))
        .route("/api/lessons/{lesson}/comments", post(comments::by_organiser))
        .route("/api/lessons/{lesson}/comments/{comment}", delete(comments::remove_any))
        .route("/api/lessons/{lesson}/minutes", get(minutes::show).put(minutes::save))
        .route("/api/sheet", get(sheet::show).delete(sheet::remove))
        .route("/api/sheet/registers", post(sheet::sync))
        .route("/api/sheet/export", get(sheet::export))
        .route("/api/sheet/comments", post(comments::by_writer))
        .route("/api/sheet/comments/{comment}", delete(comments::remove_own))
        .route("/api/sheet/pictures/{picture}", put(pictures::store).get(pictures::show_own))
}

/// The lesson, if the caller organises it.
fn organised(state: &Parts, caller: Caller, lesson: LessonId) -> Answer<LessonRecord> {
    let record = caller.permit(state, lesson, Action::Look)?;
    if caller.who.organises(lesson) {
        Ok(record)
    } else {
        Err(Refusal::Forbidden { role: caller.who.role() }.into())
    }
}

/// Whether observers see each other's shared rows now.
fn is_open(notes: &LessonNotes, lesson: &LessonRecord) -> bool {
    match notes.timeline {
        TimelineDoor::Open => true,
        TimelineDoor::After => lesson.state == LessonState::Ended,
        TimelineDoor::Closed => false,
    }
}

/// From when on an organiser may delete the sheets of a lesson.
fn deletable_from(state: &Parts, ended_at: Option<UnixMillis>) -> Option<UnixMillis> {
    let kept = Duration::from_hours(24 * u64::from(state.config.notes.delete_after_days));
    ended_at.map(|at| at.plus(kept))
}

/// One version of a form, wherever it is kept.
async fn form(state: &Parts, wanted: &FormRef) -> Result<Form, StoreError> {
    match built_in_forms().into_iter().find(|form| form.reference() == *wanted) {
        Some(form) => Ok(form),
        None => state.store.form(wanted).await,
    }
}

/// The form of a sheet; `None` when it names none, or one that is not here.
async fn form_of(state: &Parts, wanted: Option<&FormRef>) -> Result<Option<Form>, StoreError> {
    let Some(wanted) = wanted else { return Ok(None) };
    match form(state, wanted).await {
        Ok(form) => Ok(Some(form)),
        Err(StoreError::NotFound { what: Entity::Form }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Roles that may write a sheet: observers, and organisers who observe too.
fn may_write(role: Role) -> bool {
    matches!(role, Role::Observer | Role::Organiser)
}
