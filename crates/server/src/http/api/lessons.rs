//! Lessons and their invitation links.

use super::manages;
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
use domain::{Action, Invitation, InvitationId, LessonCommand, LessonId, Refusal, Role};
use signalling::{
    ClosingReason, InvitationInfo, InvitationList, LessonInfo, LessonList, LessonPatch, NewInvitation,
    NewLesson, ProblemCode,
};
use store::{Entity, StoreError, TokenHash};

type Body<T> = axum::Json<T>;

/// `GET /api/lessons`
pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Body<LessonList>> {
    if caller.who.role() != Role::Organiser {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    }
    let directory = state.lessons.directory();
    let lessons = directory.lessons_of(caller.who).into_iter().map(LessonInfo::from).collect();
    Ok(axum::Json(LessonList { lessons }))
}

/// `POST /api/lessons`
pub(super) async fn create(
    State(state): State<AppState>,
    _: ServerOrganiser,
    Json(wanted): Json<NewLesson>,
) -> Answer<(StatusCode, Body<LessonInfo>)> {
    let lesson = state.lessons.create(&wanted).await?;
    Ok((StatusCode::CREATED, axum::Json(LessonInfo::from(&lesson))))
}

/// `GET /api/lessons/{id}`
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<Body<LessonInfo>> {
    let lesson = caller.permit(&state, id, Action::Look)?;
    Ok(axum::Json(LessonInfo::from(&lesson)))
}

/// `PATCH /api/lessons/{id}`
pub(super) async fn edit(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
    Json(patch): Json<LessonPatch>,
) -> Answer<Body<LessonInfo>> {
    caller.permit(&state, id, Action::Edit)?;
    let named = patch.places.is_some() || patch.units.is_some();
    let places = patch.places.clone().flatten();
    let invited = named.then(|| state.lessons.directory().invite(places, patch.units.as_ref()));
    let edit = LessonCommand::Edit(patch.edit(invited));
    let lesson = state.lessons.lesson(id)?.command(caller.who, edit).await?;
    Ok(axum::Json(LessonInfo::from(&lesson)))
}

/// `DELETE /api/lessons/{id}`
pub(super) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<StatusCode> {
    caller.permit(&state, id, Action::Delete)?;
    state.lessons.lesson(id)?.delete(caller.who).await?;
    // Its links are gone with it: whoever still holds one is cut off, organisers of this lesson too.
    state.cut_off(ClosingReason::LessonDeleted, |who| who.lesson() == Some(id));
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/lessons/{id}/invitations`
pub(super) async fn invitations(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
) -> Answer<Body<InvitationList>> {
    caller.permit(&state, id, Action::ManageLinks)?;
    let stored = state.store.invitations(Some(id)).await?;
    Ok(axum::Json(InvitationList { invitations: stored.iter().map(InvitationInfo::from).collect() }))
}

/// `POST /api/lessons/{id}/invitations`
pub(super) async fn invite(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
    LinkBase(base): LinkBase,
    Json(wanted): Json<NewInvitation>,
) -> Answer<(StatusCode, Body<InvitationInfo>)> {
    caller.permit(&state, id, Action::Invite)?;
    let invitation = Invitation::new(
        token::invitation_id(),
        wanted.role,
        Some(id),
        wanted.label.as_deref(),
        Clock::wall(),
        None,
    )?;
    let token = Token::random();
    state.store.insert_invitation(&invitation, TokenHash(token.hash())).await?;
    state.lessons.note_links(id, None).await;
    let url = Some(links::link(&base, wanted.role, &token));
    Ok((StatusCode::CREATED, axum::Json(InvitationInfo { url, ..InvitationInfo::from(&invitation) })))
}

/// `DELETE /api/invitations/{id}`
pub(super) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InvitationId>,
) -> Answer<StatusCode> {
    if caller.who.role() != Role::Organiser {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    }
    let invitation = match state.store.invitation(id).await {
        Ok(invitation) if manages(caller.who, invitation.lesson) => invitation,
        // An invitation of another lesson does not exist for the organiser of this one.
        Ok(_) | Err(StoreError::NotFound { what: Entity::Invitation }) => {
            return Err(ProblemCode::InvitationUnknown.into());
        }
        Err(error) => return Err(error.into()),
    };
    state.store.revoke_invitation(invitation.id, Clock::wall()).await?;
    state.cut_off(ClosingReason::Revoked, |who| who.invitation() == Some(id));
    if let Some(lesson) = invitation.lesson {
        state.lessons.note_links(lesson, Some(id)).await;
    }
    tracing::info!(invitation.id = %id, role = %invitation.role, "invitation {id} was revoked");
    Ok(StatusCode::NO_CONTENT)
}
