//! Units above places, partnerships, and places as a table.

use crate::{
    address::LinkBase,
    auth::{Caller, ServerOrganiser},
    clock::Clock,
    http::extract::{Id, Json, Table},
    links,
    problem::Answer,
    sheets,
    state::AppState,
    token::{self, Token},
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Place, Refusal, Role, Unit, UnitId, Units};
use signalling::{ImportReport, NewUnit, PartnerPair, PlaceInfo, UnitList, UnitPatch};
use store::TokenHash;

type Body<T> = axum::Json<T>;

/// `GET /api/units`
pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Body<UnitList>> {
    if caller.who.role() != Role::Organiser {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    }
    let directory = state.lessons.directory();
    let units = directory.units();
    Ok(axum::Json(UnitList {
        units: units.all().cloned().collect(),
        partners: units.partners().map(|(one, other)| [one, other]).collect(),
    }))
}

/// `POST /api/units`
pub(super) async fn create(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Json(wanted): Json<NewUnit>,
) -> Answer<(StatusCode, Body<Unit>)> {
    let NewUnit { level, name, parent } = wanted;
    let unit = Unit { id: token::unit_id(), parent, level, name };
    Ok((StatusCode::CREATED, axum::Json(put(&state, unit).await?)))
}

/// `PATCH /api/units/{id}`
pub(super) async fn change(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Id(id): Id<UnitId>,
    Json(patch): Json<UnitPatch>,
) -> Answer<Body<Unit>> {
    let known = state.lessons.directory().units().get(id).cloned().ok_or(Refusal::UnitUnknown)?;
    let unit = Unit {
        id,
        parent: patch.parent.unwrap_or(known.parent),
        level: patch.level.unwrap_or(known.level),
        name: patch.name.unwrap_or(known.name),
    };
    Ok(axum::Json(put(&state, unit).await?))
}

async fn put(state: &AppState, unit: Unit) -> Answer<Unit> {
    let mut units = state.lessons.directory().units().clone();
    let unit = units.put(&unit)?;
    state.store.put_unit(&unit).await?;
    refresh(state, []).await?;
    Ok(unit)
}

/// `DELETE /api/units/{id}`
pub(super) async fn remove(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Id(id): Id<UnitId>,
) -> Answer<StatusCode> {
    let directory = state.lessons.directory();
    let mut units = directory.units().clone();
    units.remove(id, directory.place_map().values())?;
    state.store.delete_unit(id).await?;
    refresh(&state, []).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/partners`
pub(super) async fn pair(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Json(PartnerPair { units: [one, other] }): Json<PartnerPair>,
) -> Answer<StatusCode> {
    let pair = state.lessons.directory().units().clone().pair(one, other)?;
    state.store.set_partners(pair, true).await?;
    refresh(&state, []).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/partners`
pub(super) async fn unpair(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Json(PartnerPair { units: [one, other] }): Json<PartnerPair>,
) -> Answer<StatusCode> {
    let pair = state.lessons.directory().units().clone().unpair(one, other);
    state.store.set_partners(pair, false).await?;
    refresh(&state, []).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/places.csv`
pub(super) async fn export(State(state): State<AppState>, _: ServerOrganiser) -> Answer<Response> {
    let directory = state.lessons.directory();
    let table = sheets::places::export(directory.units(), directory.places());
    Ok(sheets::download("diem-cau.csv", table))
}

/// `POST /api/places/import`
pub(super) async fn import(
    State(state): State<AppState>,
    _: ServerOrganiser,
    LinkBase(base): LinkBase,
    Table(bytes): Table,
) -> Answer<Response> {
    let directory = state.lessons.directory();
    let plan = sheets::places::plan(&bytes, directory.units(), directory.place_map(), Clock::wall())?;
    let created: Vec<(Place, Token)> =
        plan.created.iter().map(|place| (place.clone(), Token::random())).collect();
    let hashed: Vec<_> =
        created.iter().map(|(place, token)| (place.clone(), TokenHash(token.hash()))).collect();
    state.store.import(&plan.units, &hashed, &plan.updated).await?;
    refresh(&state, plan.created.into_iter().chain(plan.updated.iter().cloned())).await?;
    let with_link = |(place, token): &(Place, Token)| PlaceInfo {
        url: Some(links::link(&base, Role::Place, token)),
        unit: place.unit,
        ..PlaceInfo::from(place)
    };
    let report = ImportReport {
        created: created.iter().map(with_link).collect(),
        updated: plan.updated.len(),
        unchanged: plan.unchanged,
        units: plan.units.len(),
        bad: plan.bad,
    };
    let (new, bad) = (report.created.len(), report.bad.len());
    tracing::info!(new, bad, "{new} places were imported, {bad} rows left out");
    Ok(axum::Json(report).into_response())
}

/// Tells everybody of the units as they are stored: two organisers may have changed them at the same time.
async fn refresh(state: &AppState, places: impl IntoIterator<Item = Place>) -> Answer<()> {
    let units: Units = state.store.units().await?;
    state.lessons.note_units(units, places).await;
    Ok(())
}
