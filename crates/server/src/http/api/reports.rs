//! Reports of lessons, clusters and periods.

use crate::{
    auth::{Caller, ServerOrganiser},
    clock::Clock,
    http::extract::{Asked, Id},
    problem::Answer,
    reports::{self, Period},
    sheets,
    state::AppState,
};
use axum::{extract::State, response::Response};
use domain::{Action, LessonId, UnitId, UnixMillis};
use serde::Deserialize;
use signalling::{LessonReport, PeriodReport, ProblemCode};

type Body<T> = axum::Json<T>;

#[derive(Deserialize)]
pub(super) struct PeriodQuery {
    from: Option<UnixMillis>,
    to: Option<UnixMillis>,
    unit: Option<UnitId>,
}

/// `GET /api/lessons/{id}/report`
pub(super) async fn lesson(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<Body<LessonReport>> {
    Ok(axum::Json(of_lesson(&state, caller, id).await?))
}

/// `GET /api/lessons/{id}/report.csv`
pub(super) async fn lesson_table(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<Response> {
    let report = of_lesson(&state, caller, id).await?;
    Ok(sheets::download("bao-cao-tiet-day.csv", sheets::report::lesson(&report)))
}

async fn of_lesson(state: &AppState, caller: Caller, id: LessonId) -> Answer<LessonReport> {
    caller.permit(state, id, Action::Review)?;
    let looked = state.lessons.lesson(id)?.look().await?;
    let log = state.store.participation_events(id).await?;
    Ok(reports::lesson(&looked, &log, &state.lessons.directory(), Clock::wall()))
}

/// `GET /api/reports`
pub(super) async fn period(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Asked(query): Asked<PeriodQuery>,
) -> Answer<Body<PeriodReport>> {
    Ok(axum::Json(of_period(&state, query).await?))
}

/// `GET /api/reports.csv`
pub(super) async fn period_table(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Asked(query): Asked<PeriodQuery>,
) -> Answer<Response> {
    let report = of_period(&state, query).await?;
    Ok(sheets::download("bao-cao.csv", sheets::report::period(&report)))
}

async fn of_period(state: &AppState, query: PeriodQuery) -> Answer<PeriodReport> {
    let PeriodQuery { from, to, unit } = query;
    let (directory, now) = (state.lessons.directory(), Clock::wall());
    if let Some(unit) = unit {
        directory.units().get(unit).ok_or(ProblemCode::UnitUnknown)?;
    }
    let counts = |place| {
        let own = directory.place(place).and_then(|place| place.unit);
        unit.is_none_or(|unit| directory.units().is_within(own, unit))
    };
    let mut period = Period::default();
    for record in directory.all_lessons() {
        let Some(started_at) = record.started_at else { continue };
        if from.is_some_and(|from| started_at < from) || to.is_some_and(|to| started_at >= to) {
            continue;
        }
        // A lesson that runs has newer numbers in memory than on the disk.
        let attendance = match record.ended_at {
            None => state.lessons.lesson(record.id)?.look().await?.attendance,
            Some(_) => state.store.attendance(record.id).await?,
        };
        period.add(record, &attendance, now, counts);
    }
    Ok(period.report(from, to, unit, &directory))
}
