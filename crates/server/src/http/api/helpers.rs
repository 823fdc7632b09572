//! Helpers' phones: how they come in, and how they are sent away (`domain::HelperTickets` has the rules).

use crate::{
    address::{ClientAddress, LinkBase},
    auth::Caller,
    clock::Clock,
    http::extract::{Id, Json},
    links,
    problem::Answer,
    state::{AppState, Parts},
    token::{self, Token},
};
use axum::{extract::State, http::StatusCode};
use domain::{HelperId, HelperLink, HelperTickets, Identity, PlaceId, Refusal, TICKET_LIFETIME};
use signalling::{
    ClosingReason, HelperEntry, HelperInfo, HelperList, HelperTicket, HelperWelcome, ProblemCode,
};
use std::sync::{MutexGuard, PoisonError};
use store::TokenHash;

type Body<T> = axum::Json<T>;

/// `POST /api/helpers/ticket`
pub(super) async fn ticket(
    State(state): State<AppState>,
    caller: Caller,
    LinkBase(base): LinkBase,
) -> Answer<(StatusCode, Body<HelperTicket>)> {
    let Identity::Place { place } = caller.who else {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    };
    let ticket = Token::random();
    tickets(&state).open(state.clock.now(), place, ticket.hash())?;
    let shown = HelperTicket { url: links::ticket(&base, &ticket), expires_in_s: TICKET_LIFETIME.as_secs() };
    Ok((StatusCode::CREATED, axum::Json(shown)))
}

/// `POST /api/helpers`
pub(super) async fn enter(
    State(state): State<AppState>,
    address: ClientAddress,
    Json(wanted): Json<HelperEntry>,
) -> Answer<(StatusCode, Body<HelperWelcome>)> {
    let now = state.clock.now();
    let found = tickets(&state).find(now, &token::hash(&wanted.ticket));
    let place = match found {
        Ok(place) => place,
        Err(refusal) => {
            state.limits.wrong_tries.take(now, address)?;
            return Err(refusal.into());
        }
    };
    let token = Token::random();
    let link = HelperLink::new(token::helper_id(), place, wanted.label.as_deref(), Clock::wall());
    let withdrawn = state.store.insert_helper(&link, TokenHash(token.hash())).await?;
    if !withdrawn.is_empty() {
        state.cut_off(ClosingReason::Revoked, |who| who.helper().is_some_and(|id| withdrawn.contains(&id)));
    }
    let directory = state.lessons.directory();
    let place = directory.shown_place(place).ok_or(ProblemCode::PlaceUnknown)?;
    tracing::info!(place.id = %place.id, "a helper's phone came in at place {}", place.id);
    let welcome = HelperWelcome { token: token.reveal().to_owned(), expires_at: link.expires_at, place };
    Ok((StatusCode::CREATED, axum::Json(welcome)))
}

/// `GET /api/places/{id}/helpers`
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Id(place): Id<PlaceId>,
) -> Answer<Body<HelperList>> {
    if !(caller.who.organises_server() || caller.who == (Identity::Place { place })) {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    }
    let connected = state.lines.helpers();
    let info = |link: HelperLink| HelperInfo {
        connected: connected.contains(&link.id),
        id: link.id,
        label: link.label,
        created_at: link.created_at,
        expires_at: link.expires_at,
        revoked: link.revoked_at.is_some(),
    };
    let helpers = state.store.helpers(place).await?.into_iter().map(info).collect();
    Ok(axum::Json(HelperList { helpers }))
}

/// `DELETE /api/helpers/{id}`
pub(super) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<HelperId>,
) -> Answer<StatusCode> {
    let link = state.store.helper(id).await;
    let is_own = |place| match caller.who {
        Identity::Place { place: own } => own == place,
        who => who.organises_server() || who.helper() == Some(id),
    };
    match link {
        Ok(link) if is_own(link.place) => {}
        // To everybody else it does not exist; who could never have one is told that instead.
        _ if matches!(caller.who, Identity::Host { .. } | Identity::Observer { .. }) => {
            return Err(Refusal::Forbidden { role: caller.who.role() }.into());
        }
        Ok(_) => return Err(ProblemCode::HelperUnknown.into()),
        Err(error) => return Err(error.into()),
    }
    state.store.revoke_helper(id, Clock::wall()).await?;
    state.cut_off(ClosingReason::Revoked, |who| who.helper() == Some(id));
    tracing::info!(helper.id = %id, "a helper's phone was withdrawn");
    Ok(StatusCode::NO_CONTENT)
}

/// What screens show right now.
pub(super) fn tickets(state: &Parts) -> MutexGuard<'_, HelperTickets> {
    state.tickets.lock().unwrap_or_else(PoisonError::into_inner)
}
