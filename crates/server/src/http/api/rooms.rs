//! A lesson's rooms as its leads look at them: who is invited, and how a room's link did.

use crate::{
    auth::Caller,
    http::extract::{Id, Ids},
    problem::Answer,
    state::AppState,
};
use axum::extract::State;
use domain::{Action, Invited, LessonId, PlaceId};
use signalling::{InvitedPlaces, RungHistory};

type Body<T> = axum::Json<T>;

/// `GET /api/lessons/{id}/places`
pub(super) async fn invited(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
) -> Answer<Body<InvitedPlaces>> {
    let record = caller.permit(&state, lesson, Action::Review)?;
    let places = match record.invited {
        Invited::All => None,
        Invited::Only(places) => Some(places.into_iter().collect()),
    };
    Ok(axum::Json(InvitedPlaces { places }))
}

/// `GET /api/lessons/{id}/places/{place}/history`
pub(super) async fn history(
    State(state): State<AppState>,
    caller: Caller,
    Ids(lesson, place): Ids<LessonId, PlaceId>,
) -> Answer<Body<RungHistory>> {
    caller.permit(&state, lesson, Action::Review)?;
    let looked = state.lessons.lesson(lesson)?.look().await?;
    Ok(axum::Json(RungHistory { points: looked.attendance.steps(place).collect() }))
}
