//! The HTTP API for pages (`PROTOCOL.md`, "HTTP API").

mod checks;
mod helpers;
mod lessons;
mod notes;
mod pairings;
mod places;
mod qr;
mod reports;
mod rooms;
mod stills;
mod units;
mod works;

use super::extract::BODY_MAX;
use crate::{auth::Caller, problem::Answer, state::AppState};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    routing::{delete, get, patch, post},
};
use domain::Identity;
use signalling::{LessonInfo, Me};

/// Everything below `/api` but the WebSocket.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/me", get(me))
        .route("/api/lessons", get(lessons::list).post(lessons::create))
        .route("/api/lessons/{id}", get(lessons::show).patch(lessons::edit).delete(lessons::remove))
        .route("/api/lessons/{id}/invitations", get(lessons::invitations).post(lessons::invite))
        .route("/api/invitations/{id}", delete(lessons::revoke))
        .route("/api/places", get(places::list).post(places::create))
        .route("/api/places/{id}", patch(places::change).delete(places::remove))
        .route("/api/places/{id}/link", post(places::new_link))
        .route("/api/pairings", post(pairings::open))
        .route("/api/pairings/confirm", post(pairings::confirm))
        .route("/api/pairings/{secret}", get(pairings::poll))
        .route("/api/qr.svg", get(qr::svg))
        .merge(of_the_lesson())
        .merge(notes::routes())
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// What belongs to the lesson's rooms (`PROTOCOL.md`, "The lesson").
fn of_the_lesson() -> Router<AppState> {
    Router::new()
        .route("/api/helpers", post(helpers::enter))
        .route("/api/helpers/ticket", post(helpers::ticket))
        .route("/api/helpers/{id}", delete(helpers::revoke))
        .route("/api/places/{id}/helpers", get(helpers::list))
        .route("/api/units", get(units::list).post(units::create))
        .route("/api/units/{id}", patch(units::change).delete(units::remove))
        .route("/api/partners", post(units::pair).delete(units::unpair))
        .route("/api/places.csv", get(units::export))
        .route("/api/places/import", post(units::import))
        .route("/api/lessons/{id}/places", get(rooms::invited))
        .route("/api/lessons/{id}/places/{place}/history", get(rooms::history))
        .route("/api/lessons/{id}/works", post(works::offer))
        .route("/api/lessons/{id}/works/{no}", get(works::show))
        .route("/api/lessons/{id}/stills", post(stills::put))
        .route("/api/lessons/{id}/stills/{no}", get(stills::show))
        .route("/api/lessons/{id}/questions", get(works::questions))
        .route("/api/lessons/{id}/checks", get(checks::list).post(checks::report))
        .route("/api/lessons/{id}/checks.csv", get(checks::export))
        .route("/api/check/down", get(checks::down))
        .route("/api/check/up", post(checks::up))
        .route("/api/lessons/{id}/report", get(reports::lesson))
        .route("/api/lessons/{id}/report.csv", get(reports::lesson_table))
        .route("/api/reports", get(reports::period))
        .route("/api/reports.csv", get(reports::period_table))
}

/// What the token is good for.
async fn me(State(state): State<AppState>, caller: Caller) -> Answer<Json<Me>> {
    let directory = state.lessons.directory();
    let lesson = state.lessons.lesson_of(caller.who, None);
    let place = caller.who.place().and_then(|id| directory.shown_place(id));
    Ok(Json(Me { role: caller.who.role(), lesson: lesson.as_ref().map(LessonInfo::from), place }))
}

/// Whether an invitation to `lesson` (none: to the whole server) is this organiser's to manage.
fn manages(organiser: Identity, lesson: Option<domain::LessonId>) -> bool {
    match lesson {
        Some(lesson) => organiser.organises(lesson),
        None => organiser.organises_server(),
    }
}
