//! Places and their permanent links.

use super::helpers;
use crate::{
    address::LinkBase,
    auth::{Caller, ServerOrganiser},
    clock::Clock,
    http::extract::{Id, Json},
    links,
    problem::Answer,
    state::AppState,
    token::{self, Token},
};
use axum::{extract::State, http::StatusCode};
use domain::{Place, PlaceId, Refusal, Role, UnitId};
use signalling::{ClosingReason, PlaceInfo, PlaceList, PlacePatch, ProblemCode};
use store::TokenHash;

type Body<T> = axum::Json<T>;

/// `GET /api/places`: also for the organiser of one lesson, who invites them.
pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Body<PlaceList>> {
    if caller.who.role() != Role::Organiser {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    }
    let (directory, connected) = (state.lessons.directory(), state.lines.places());
    let shown = |place: &Place| PlaceInfo {
        connected: Some(connected.contains(&place.id)),
        unit: place.unit,
        ..PlaceInfo::from(place)
    };
    Ok(axum::Json(PlaceList { places: directory.places().into_iter().map(shown).collect() }))
}

/// `POST /api/places`
pub(super) async fn create(
    State(state): State<AppState>,
    _: ServerOrganiser,
    LinkBase(base): LinkBase,
    Json(wanted): Json<PlacePatch>,
) -> Answer<(StatusCode, Body<PlaceInfo>)> {
    let name = wanted.name.as_deref().unwrap_or_default();
    let mut place = Place::new(token::place_id(), name, Clock::wall())?;
    place.unit = known_unit(&state, wanted.unit.flatten())?;
    let token = Token::random();
    state.store.insert_place(&place, TokenHash(token.hash())).await?;
    state.lessons.note_place(place.clone());
    Ok((StatusCode::CREATED, axum::Json(with_link(&place, &base, &token))))
}

/// `PATCH /api/places/{id}`
pub(super) async fn change(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Id(id): Id<PlaceId>,
    Json(wanted): Json<PlacePatch>,
) -> Answer<Body<PlaceInfo>> {
    let mut place = state.store.place(id).await?;
    if let Some(name) = &wanted.name {
        place.rename(name)?;
    }
    if let Some(unit) = wanted.unit {
        place.unit = known_unit(&state, unit)?;
    }
    state.store.update_place(&place).await?;
    state.lessons.note_place(place.clone());
    Ok(axum::Json(PlaceInfo { unit: place.unit, ..PlaceInfo::from(&place) }))
}

fn known_unit(state: &AppState, unit: Option<UnitId>) -> Answer<Option<UnitId>> {
    match unit {
        Some(id) if state.lessons.directory().units().get(id).is_none() => {
            Err(ProblemCode::UnitUnknown.into())
        }
        unit => Ok(unit),
    }
}

/// `DELETE /api/places/{id}`
pub(super) async fn remove(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Id(id): Id<PlaceId>,
) -> Answer<StatusCode> {
    state.store.delete_place(id).await?;
    helpers::tickets(&state).forget(id);
    state.lessons.forget_place(id).await?;
    state.cut_off(ClosingReason::Removed, |who| who.place() == Some(id));
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/places/{id}/link`
pub(super) async fn new_link(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Id(id): Id<PlaceId>,
    LinkBase(base): LinkBase,
) -> Answer<Body<PlaceInfo>> {
    let token = Token::random();
    let place = state.store.rotate_place_link(id, TokenHash(token.hash()), Clock::wall()).await?;
    helpers::tickets(&state).forget(id);
    state.cut_off(ClosingReason::Revoked, |who| who.place() == Some(id));
    Ok(axum::Json(with_link(&place, &base, &token)))
}

fn with_link(place: &Place, base: &str, token: &Token) -> PlaceInfo {
    let url = Some(links::link(base, Role::Place, token));
    PlaceInfo { url, unit: place.unit, ..PlaceInfo::from(place) }
}
