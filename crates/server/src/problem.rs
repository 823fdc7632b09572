//! Refusals on their way out over HTTP: RFC 9457 problem details.

use crate::media::MediaError;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::Refusal;
use signalling::{Problem, ProblemCode};
use store::{Entity, StoreError};

/// A problem as an HTTP answer; every handler's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Problem);

/// What handlers return.
pub(crate) type Answer<T> = Result<T, Refused>;

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ProblemCode> for Refused {
    fn from(code: ProblemCode) -> Self {
        Self(code.into())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

/// The media side's refusal in the protocol's words.
pub(crate) fn media_problem(error: &MediaError) -> Problem {
    let code = match error {
        MediaError::SdpMalformed(_) | MediaError::FragmentMalformed(_) => ProblemCode::SdpMalformed,
        MediaError::SdpUnsupported(_) => ProblemCode::SdpUnsupported,
        MediaError::SecondHost { .. } => ProblemCode::SecondHost,
        MediaError::PeerUnknown(_) => ProblemCode::SessionUnknown,
        MediaError::TooManyPeers(_) => ProblemCode::LessonFull,
        MediaError::Draining => ProblemCode::Draining,
        MediaError::Busy => ProblemCode::Internal,
    };
    let problem = Problem::new(code);
    match error {
        MediaError::SdpMalformed(_) | MediaError::FragmentMalformed(_) | MediaError::SdpUnsupported(_) => {
            problem.because(error)
        }
        _ => problem,
    }
}

/// The database's failure in the protocol's words; what nobody asked for is logged here, once.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    let code = match error {
        StoreError::NotFound { what: Entity::Lesson } => ProblemCode::LessonUnknown,
        StoreError::NotFound { what: Entity::Place } => ProblemCode::PlaceUnknown,
        StoreError::NotFound { what: Entity::Invitation } => ProblemCode::InvitationUnknown,
        StoreError::NotFound { what: Entity::Unit } => ProblemCode::UnitUnknown,
        StoreError::NotFound { what: Entity::Helper } => ProblemCode::HelperUnknown,
        StoreError::NotFound { what: Entity::Work } => ProblemCode::WorkUnknown,
        StoreError::NotFound { what: Entity::Sheet | Entity::Picture | Entity::Comment } => {
            ProblemCode::SheetUnknown
        }
        StoreError::NotFound { what: Entity::Form } => ProblemCode::FormUnknown,
        StoreError::Full { .. } => ProblemCode::NotesFull,
        StoreError::Conflict { .. } => ProblemCode::Conflict,
        StoreError::DiskFull { .. } | StoreError::ReadOnly { .. } => ProblemCode::StorageFull,
        _ => ProblemCode::Internal,
    };
    if matches!(code, ProblemCode::StorageFull | ProblemCode::Internal) {
        tracing::error!(%error, "the database failed: {error}");
        metrics::counter!("nhipcau_store_failures_total").increment(1);
    }
    Problem::new(code)
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(store_problem(&error))
    }
}
