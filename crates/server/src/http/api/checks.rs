//! Rooms' checks before the day: what they need of the server, what they found, and the list.

use crate::{
    auth::Caller,
    clock::Clock,
    http::extract::{Asked, Id, Json},
    problem::Answer,
    sheets::{self, checks::CheckRow},
    state::AppState,
};
use axum::{
    body::{Body as RawBody, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Action, CheckResult, LessonId, Refusal};
use futures_util::{StreamExt as _, stream};
use rand::Rng as _;
use serde::Deserialize;
use signalling::{CheckList, ProblemCode, RoomCheck};
use std::collections::{BTreeMap, BTreeSet};

type Body<T> = axum::Json<T>;

/// Bytes a room may ask for, and send, to measure its link.
const DOWN_MAX: usize = 4 * 1024 * 1024;
const UP_MAX: usize = 2 * 1024 * 1024;
const CHUNK: usize = 16 * 1024;

#[derive(Deserialize)]
pub(super) struct DownQuery {
    bytes: usize,
}

/// `GET /api/check/down?bytes=n`
pub(super) async fn down(
    State(state): State<AppState>,
    caller: Caller,
    Asked(DownQuery { bytes }): Asked<DownQuery>,
) -> Answer<Response> {
    take_turn(&state, caller)?;
    let bytes = bytes.min(DOWN_MAX);
    // One random chunk again and again: no link compresses across 16 KiB chunks of an encrypted or random stream.
    let mut chunk = vec![0; CHUNK];
    rand::rng().fill_bytes(&mut chunk);
    let chunk = Bytes::from(chunk);
    let lengths = (0..bytes.div_ceil(CHUNK)).map(move |n| CHUNK.min(bytes - n * CHUNK));
    let chunks = stream::iter(lengths.map(move |len| Ok::<_, std::convert::Infallible>(chunk.slice(..len))));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        // Said to be encoded already, so that our own compression leaves it alone.
        (header::CONTENT_ENCODING, "identity".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, RawBody::from_stream(chunks)).into_response())
}

/// `POST /api/check/up`
pub(super) async fn up(State(state): State<AppState>, caller: Caller, body: RawBody) -> Answer<StatusCode> {
    take_turn(&state, caller)?;
    let mut came = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        // A room that breaks off has measured enough.
        let Ok(chunk) = chunk else { break };
        came += chunk.len();
        if came > UP_MAX {
            return Err(ProblemCode::TooLarge.into());
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Rooms only, and not without end: measuring must not become a way to fill the server's line.
fn take_turn(state: &AppState, caller: Caller) -> Answer<()> {
    let place = caller.who.place().ok_or(Refusal::Forbidden { role: caller.who.role() })?;
    state.limits.checks.take(state.clock.now(), place)?;
    Ok(())
}

/// `POST /api/lessons/{id}/checks`
pub(super) async fn report(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
    Json(result): Json<CheckResult>,
) -> Answer<Body<RoomCheck>> {
    caller.permit(&state, lesson, Action::Check)?;
    let place = caller.who.place().ok_or(ProblemCode::Forbidden)?;
    let at = Clock::wall();
    state.store.save_check(lesson, place, at, &result).await?;
    let verdict = result.verdict();
    Ok(axum::Json(RoomCheck { place: None, at, result, verdict }))
}

/// `GET /api/lessons/{id}/checks`
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
) -> Answer<Body<CheckList>> {
    let record = caller.permit(&state, lesson, Action::Review)?;
    let stored = state.store.checks(lesson).await?;
    let checked: BTreeSet<_> = stored.iter().map(|(place, ..)| *place).collect();
    let directory = state.lessons.directory();
    let invited = directory.invited(&record).into_iter().map(|place| place.id);
    let check = |(place, at, result): (_, _, CheckResult)| RoomCheck {
        place: Some(place),
        at,
        verdict: result.verdict(),
        result,
    };
    Ok(axum::Json(CheckList {
        checks: stored.into_iter().map(check).collect(),
        missing: invited.filter(|place| !checked.contains(place)).collect(),
    }))
}

/// `GET /api/lessons/{id}/checks.csv`
pub(super) async fn export(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
) -> Answer<Response> {
    let record = caller.permit(&state, lesson, Action::Review)?;
    let stored = state.store.checks(lesson).await?;
    let mut found: BTreeMap<_, _> = stored.into_iter().map(|(place, _, result)| (place, result)).collect();
    let directory = state.lessons.directory();
    let rows = directory.invited(&record).into_iter().map(|place| CheckRow {
        units: directory
            .units()
            .path(place.unit)
            .iter()
            .map(|unit| unit.name.as_str())
            .collect::<Vec<_>>()
            .join(" / "),
        place,
        found: found.remove(&place.id).map(|result| {
            let verdict = result.verdict();
            (result, verdict)
        }),
    });
    Ok(sheets::download("chay-thu.csv", sheets::checks::export(rows)))
}
