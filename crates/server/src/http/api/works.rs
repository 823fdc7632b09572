//! Photos of pupils' works, and questions with their answers.

use crate::{
    auth::Caller,
    http::extract::{Asked, Id, No},
    problem::Answer,
    state::AppState,
    works::{self, PHOTO_BYTES_MAX},
};
use axum::{
    body::{Body as RawBody, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Action, LessonId};
use serde::Deserialize;
use signalling::{AskedQuestion, Problem, ProblemCode, QuestionList, WorkReceipt};
use tokio::task::spawn_blocking;

type Body<T> = axum::Json<T>;

#[derive(Deserialize)]
pub(super) struct OfferQuery {
    key: String,
}

/// `POST /api/lessons/{id}/works?key=…`
pub(super) async fn offer(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
    Asked(OfferQuery { key }): Asked<OfferQuery>,
    headers: HeaderMap,
    body: RawBody,
) -> Answer<(StatusCode, Body<WorkReceipt>)> {
    // Asked before the photo is read: nobody fills our memory who may not send one.
    caller.permit(&state, lesson, Action::OfferWork)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("image/") {
        let problem = Problem::new(ProblemCode::UnsupportedMediaType);
        return Err(problem.because("Content-Type must be image/jpeg, image/png or image/webp").into());
    }
    // full: photos wait for their turn; decoding one may take 300 MB for a moment.
    let turn = state.photos.acquire().await.map_err(|_| ProblemCode::Draining)?;
    let photo = to_bytes(body, PHOTO_BYTES_MAX).await.map_err(|error| {
        Problem::new(ProblemCode::TooLarge).because(format_args!("at most {PHOTO_BYTES_MAX} bytes; {error}"))
    })?;
    let picture =
        spawn_blocking(move || works::shrink(&photo)).await.map_err(|_| ProblemCode::Internal)??;
    drop(turn);
    let (bytes, width, height) = (picture.jpeg.len(), picture.width, picture.height);
    let no = state.lessons.lesson(lesson)?.offer_work(caller.who, key, picture.jpeg).await?;
    Ok((StatusCode::CREATED, axum::Json(WorkReceipt { no, bytes, width, height })))
}

/// `GET /api/lessons/{id}/works/{no}`
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    No(lesson, no): No,
) -> Answer<Response> {
    caller.permit(&state, lesson, Action::Look)?;
    state.lessons.lesson(lesson)?.see_work(caller.who, no).await?;
    let jpeg = state.store.work_picture(lesson, no).await?;
    // A browser may keep what it shows now; once it is taken off the screens it asks anew.
    let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, max-age=60")];
    Ok((headers, jpeg).into_response())
}

/// `GET /api/lessons/{id}/questions`
pub(super) async fn questions(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
) -> Answer<Body<QuestionList>> {
    caller.permit(&state, lesson, Action::Review)?;
    let looked = state.lessons.lesson(lesson)?.look().await?;
    let questions = looked.participation.questions.all().iter().map(AskedQuestion::from).collect();
    Ok(axum::Json(QuestionList { questions }))
}
