//! Pairing a TV without a keyboard by six digits (`domain::Pairings` has the rules).

use crate::{
    address::ClientAddress,
    auth::ServerOrganiser,
    clock::Clock,
    http::extract::{Id, Json, PairingSecret},
    problem::Answer,
    state::{AppState, Parts},
    token::{self, Token},
};
use axum::{extract::State, http::StatusCode};
use domain::{PAIRING_LIFETIME, PairingCode, Pairings, Polled};
use signalling::{PairingConfirm, PairingOpened, PairingStatus, ProblemCode};
use std::sync::{MutexGuard, PoisonError};
use store::{Entity, StoreError, TokenHash};

type Body<T> = axum::Json<T>;

/// `POST /api/pairings`
pub(super) async fn open(
    State(state): State<AppState>,
    address: ClientAddress,
) -> Answer<(StatusCode, Body<PairingOpened>)> {
    let now = state.clock.now();
    state.limits.pairings.take(now, address)?;
    let secret = Token::random();
    let code = pairings(&state).open(now, secret.hash(), token::random_bits)?;
    let opened = PairingOpened {
        code: code.to_string(),
        secret: secret.reveal().to_owned(),
        expires_in_s: PAIRING_LIFETIME.as_secs(),
    };
    Ok((StatusCode::CREATED, axum::Json(opened)))
}

/// `GET /api/pairings/{secret}`
pub(super) async fn poll(
    State(state): State<AppState>,
    address: ClientAddress,
    Id(PairingSecret(secret)): Id<PairingSecret>,
) -> Answer<Body<PairingStatus>> {
    let now = state.clock.now();
    let polled = pairings(&state).poll(now, &secret);
    let place = match polled {
        Polled::Waiting { .. } => return Ok(axum::Json(PairingStatus::Waiting)),
        Polled::Paired { place } => place,
        Polled::Unknown => {
            state.limits.wrong_tries.take(now, address)?;
            return Err(ProblemCode::CodeUnknown.into());
        }
    };
    let token = Token::random();
    match state.store.add_place_screen(place, TokenHash(token.hash()), Clock::wall()).await {
        Ok(_) => {}
        // The place was deleted between the organiser's confirmation and this poll.
        Err(StoreError::NotFound { what: Entity::Place }) => {
            pairings(&state).finish(&secret);
            return Err(ProblemCode::CodeUnknown.into());
        }
        Err(error) => return Err(error.into()),
    }
    pairings(&state).finish(&secret);
    Ok(axum::Json(PairingStatus::Paired { token: token.reveal().to_owned() }))
}

/// `POST /api/pairings/confirm`
pub(super) async fn confirm(
    State(state): State<AppState>,
    ServerOrganiser(who): ServerOrganiser,
    Json(wanted): Json<PairingConfirm>,
) -> Answer<StatusCode> {
    if state.lessons.directory().place(wanted.place).is_none() {
        return Err(ProblemCode::PlaceUnknown.into());
    }
    let code: PairingCode = wanted.code.parse().map_err(signalling::Problem::from)?;
    let organiser = who.invitation().ok_or(ProblemCode::Forbidden)?;
    pairings(&state).confirm(state.clock.now(), organiser, code, wanted.place)?;
    Ok(StatusCode::NO_CONTENT)
}

fn pairings(state: &Parts) -> MutexGuard<'_, Pairings> {
    state.pairings.lock().unwrap_or_else(PoisonError::into_inner)
}
