//! Observation forms: those every server brings and those organisers make.

use crate::{
    auth::{Caller, ServerOrganiser},
    clock::Clock,
    http::extract::Json,
    problem::Answer,
    state::AppState,
};
use axum::{
    Json as Body,
    extract::{Path, State},
    http::StatusCode,
};
use notes::{
    Form, FormRef, built_in_forms,
    wire::{FormList, OfferedForm},
};
use signalling::{Problem, ProblemCode};

/// Forms a server keeps.
const FORMS_MAX: usize = 300;

/// `GET /api/forms`
pub(super) async fn list(State(state): State<AppState>, _: Caller) -> Answer<Body<FormList>> {
    Ok(Body(FormList { forms: all(&state).await? }))
}

/// Every form in its newest version, retired ones too.
pub(super) async fn all(state: &AppState) -> Answer<Vec<OfferedForm>> {
    let stored = state.store.forms().await?;
    let own = stored.into_iter().map(|stored| OfferedForm {
        retired: stored.retired_at.is_some(),
        built_in: false,
        form: stored.form,
    });
    let own: Vec<OfferedForm> = own.collect();
    let built_in = built_in_forms().into_iter().filter(|form| !own.iter().any(|one| one.form.id == form.id));
    let built_in = built_in.map(|form| OfferedForm { form, built_in: true, retired: false });
    Ok(built_in.chain(own.iter().cloned()).collect())
}

/// `GET /api/forms/{id}/{version}`
pub(super) async fn show(
    State(state): State<AppState>,
    _: Caller,
    Path((id, version)): Path<(String, String)>,
) -> Answer<Body<Form>> {
    let version = version.parse().map_err(|_| ProblemCode::FormUnknown)?;
    Ok(Body(super::form(&state, &FormRef { id, version }).await?))
}

/// `POST /api/forms`: a new form, or the next version of one; `version` in the body counts for nothing.
pub(super) async fn save(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Json(mut form): Json<Form>,
) -> Answer<(StatusCode, Body<Form>)> {
    form.version = form.version.max(1);
    form.check().map_err(|error| Problem::new(ProblemCode::FormInvalid).because(error))?;
    let known = all(&state).await?;
    if known.len() >= FORMS_MAX && !known.iter().any(|one| one.form.id == form.id) {
        return Err(ProblemCode::NotesFull.into());
    }
    let first = if built_in_forms().iter().any(|built_in| built_in.id == form.id) { 2 } else { 1 };
    let saved = state.store.insert_form(form, first, Clock::wall()).await?;
    tracing::info!(
        form.id = saved.id,
        form.version = saved.version,
        "form {} has version {}",
        saved.id,
        saved.version
    );
    Ok((StatusCode::CREATED, Body(saved)))
}

/// `DELETE /api/forms/{id}`: it is offered no longer.
pub(super) async fn retire(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    state.store.retire_form(&id, Clock::wall()).await?;
    Ok(StatusCode::NO_CONTENT)
}
