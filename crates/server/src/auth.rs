//! Who may do what over HTTP: the one place where tokens become identities.
//!
//! A handler states whom it serves by the extractor it takes: [`Caller`] (any good token of a link),
//! [`ServerOrganiser`] or [`Writer`] (the token of an observer's sheet). What a caller may do with *one lesson* is `domain::Lesson::permits`' question, asked
//! through [`Caller::permit`] or by the lesson's task.

use crate::{
    address::ClientAddress,
    clock::Clock,
    problem::{Answer, Refused},
    state::{AppState, Parts},
    token,
};
use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request},
};
use domain::{Action, Identity, Lesson, LessonId, LessonRecord, Refusal};
use signalling::{Problem, ProblemCode};
use store::{SheetRecord, TokenHash};

/// Somebody with a good token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) who: Identity,
    token: TokenHash,
}

/// An organiser of the whole server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerOrganiser(pub(crate) Identity);

/// The writer of an observer's sheet. Her token opens this sheet and nothing else, and no link's end closes it.
#[derive(Debug, Clone)]
pub(crate) struct Writer(pub(crate) SheetRecord);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &AppState) -> Answer<Self> {
        let Ok(address) = ClientAddress::from_request_parts(parts, state).await;
        Ok(authenticate(state, address, bearer(parts)?).await?)
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &AppState) -> Answer<Self> {
        let Ok(address) = ClientAddress::from_request_parts(parts, state).await;
        let token = TokenHash(token::hash(bearer(parts)?));
        if let Some(sheet) = state.store.sheet_by_token(token).await? {
            return Ok(Self(sheet));
        }
        state.limits.wrong_tries.take(state.clock.now(), address)?;
        Err(ProblemCode::SheetUnknown.into())
    }
}

/// The token of `Authorization: Bearer …`.
fn bearer(parts: &request::Parts) -> Result<&str, ProblemCode> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    shown.ok_or(ProblemCode::Unauthorized)
}

impl FromRequestParts<AppState> for ServerOrganiser {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &AppState) -> Answer<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.who.organises_server() {
            Ok(Self(caller.who))
        } else {
            Err(Refusal::Forbidden { role: caller.who.role() }.into())
        }
    }
}

/// The identity behind a token.
///
/// # Errors
/// `unauthorized` for one we do not know, `rate_limited` after too many of those from one address,
/// `invitation_revoked`, `invitation_expired`.
pub(crate) async fn authenticate(
    state: &Parts,
    address: ClientAddress,
    shown: &str,
) -> Result<Caller, Problem> {
    let token = TokenHash(token::hash(shown));
    if let Some(who) = identity(state, token).await? {
        return Ok(Caller { who, token });
    }
    state.limits.wrong_tries.take(state.clock.now(), address)?;
    Err(ProblemCode::Unauthorized.into())
}

async fn identity(state: &Parts, token: TokenHash) -> Result<Option<Identity>, Problem> {
    let credential =
        state.store.credential(token).await.map_err(|error| crate::problem::store_problem(&error))?;
    Ok(credential.map(|credential| credential.open(Clock::wall())).transpose()?)
}

impl Caller {
    /// Asks again whether the token is good. Whoever opens something lasting does so *after* entering it in
    /// the books, so that a link revoked meanwhile is either found there or noticed here.
    pub(crate) async fn still_good(&self, state: &Parts) -> Result<(), Problem> {
        match identity(state, self.token).await? {
            Some(who) if who == self.who => Ok(()),
            _ => Err(ProblemCode::Unauthorized.into()),
        }
    }

    /// The lesson `id`, if the caller may do `action` with it.
    ///
    /// A lesson that does not exist is `lesson_unknown` only to those who could have known it; the holder of
    /// another lesson's link learns nothing.
    pub(crate) fn permit(&self, state: &Parts, id: LessonId, action: Action) -> Answer<LessonRecord> {
        if self.who.lesson().is_some_and(|own| own != id) {
            return Err(Refusal::Forbidden { role: self.who.role() }.into());
        }
        let record = state.lessons.directory().lesson(id).cloned().ok_or(ProblemCode::LessonUnknown)?;
        Lesson::restore(record.clone()).permits(self.who, action)?;
        Ok(record)
    }
}
