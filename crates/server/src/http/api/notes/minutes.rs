//! *Biên bản sinh hoạt chuyên môn*, for the organiser.

use super::{organised, timeline::shared_views};
use crate::{
    auth::Caller,
    clock::Clock,
    http::extract::{Id, Json},
    problem::Answer,
    state::{AppState, Parts},
};
use axum::{Json as Body, extract::State};
use domain::{LessonId, LessonRecord};
use notes::{Minutes, MinutesFacts, draft_minutes, wire::MinutesInfo};
use signalling::{Problem, ProblemCode};

/// `GET /api/lessons/{lesson}/minutes`: as saved, with what would be drafted now; the draft alone while never saved.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<Body<MinutesInfo>> {
    let lesson = organised(&state, caller, id)?;
    let draft = draft(&state, &lesson).await?;
    Ok(Body(match state.store.minutes(id).await? {
        Some(stored) => MinutesInfo {
            revision: stored.revision,
            changed_at: Some(stored.changed_at),
            minutes: stored.minutes,
            draft: Some(draft),
        },
        None => MinutesInfo { revision: 0, changed_at: None, minutes: draft.clone(), draft: Some(draft) },
    }))
}

/// `PUT /api/lessons/{lesson}/minutes`: over the revision named, or `conflict`.
pub(super) async fn save(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
    Json(wanted): Json<MinutesInfo>,
) -> Answer<Body<MinutesInfo>> {
    organised(&state, caller, id)?;
    if wanted.minutes.bytes() > Minutes::BYTES_MAX {
        let cause = format_args!("minutes have at most {} bytes", Minutes::BYTES_MAX);
        return Err(Problem::new(ProblemCode::TooLarge).because(cause).into());
    }
    let now = Clock::wall();
    let revision = state.store.save_minutes(id, wanted.revision, &wanted.minutes, now).await?;
    Ok(Body(MinutesInfo { revision, changed_at: Some(now), minutes: wanted.minutes, draft: None }))
}

async fn draft(state: &Parts, lesson: &LessonRecord) -> Answer<Minutes> {
    let views: Vec<_> = shared_views(state, lesson.id).await?.into_iter().map(|(_, view)| view).collect();
    let facts = MinutesFacts {
        title: &lesson.title,
        host_place: lesson.host_place.as_deref(),
        started_at: lesson.started_at,
        ended_at: lesson.ended_at,
    };
    Ok(draft_minutes(&facts, &views))
}
