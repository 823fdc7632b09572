//! What a supervisor and Prometheus ask.

use crate::{problem::Answer, state::AppState};
use axum::{extract::State, http::header, response::IntoResponse};
use signalling::ProblemCode;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: new places may be sent here; the database can be read and written.
pub(super) async fn ready(State(state): State<AppState>) -> Answer<&'static str> {
    if state.is_draining() {
        return Err(ProblemCode::Draining.into());
    }
    state.store.ready().await?;
    Ok("ready\n")
}

/// `GET /metrics`: Prometheus text.
pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    for (lesson_state, count) in state.lessons.count() {
        metrics::gauge!("nhipcau_lessons", "state" => lesson_state.as_str()).set(count as f64);
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, state.metrics.render())
}
