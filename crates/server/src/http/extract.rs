//! Bodies, ids and queries from requests, refused with the protocol's own codes.

use crate::{
    problem::{Answer, Refused},
    state::AppState,
    token,
};
use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{
        HeaderMap,
        header::{CONTENT_ENCODING, CONTENT_TYPE},
        request::Parts,
    },
};
use domain::{CommentId, HelperId, InvitationId, LessonId, PlaceId, SheetId, UnitId};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use signalling::{Problem, ProblemCode};
use std::{convert::Infallible, error::Error, str::FromStr};

/// Longest body of any request, bytes.
pub(super) const BODY_MAX: usize = 64 * 1024;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &AppState) -> Answer<Self> {
        let text = text_body(request, "application/json").await?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|error| Problem::new(ProblemCode::BodyMalformed).because(error).into())
    }
}

/// An SDP body.
pub(super) struct Sdp(pub(super) String);

impl FromRequest<AppState> for Sdp {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &AppState) -> Answer<Self> {
        text_body(request, "application/sdp").await.map(Self)
    }
}

/// An ICE fragment (RFC 8840 section 9).
pub(super) struct Fragment(pub(super) String);

impl FromRequest<AppState> for Fragment {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &AppState) -> Answer<Self> {
        text_body(request, "application/trickle-ice-sdpfrag").await.map(Self)
    }
}

/// The body, if it is of this type, not too long, and UTF-8.
async fn text_body(request: Request, content_type: &str) -> Answer<String> {
    if !is_of_type(request.headers(), content_type) {
        let problem = Problem::new(ProblemCode::UnsupportedMediaType);
        return Err(problem.because(format_args!("Content-Type must be {content_type}")).into());
    }
    // What was unpacked on the way has lost this header; what has it still is packed in a way we do not know.
    if request.headers().contains_key(CONTENT_ENCODING) {
        let problem = Problem::new(ProblemCode::UnsupportedMediaType);
        return Err(problem.because("Content-Encoding must be gzip or none").into());
    }
    let bytes = to_bytes(request.into_body(), BODY_MAX).await.map_err(|error| {
        // The limit counts what comes out of the packing. Everything else is a packing that is broken, or a client that left.
        if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) {
            return Problem::new(ProblemCode::TooLarge).because(format_args!("at most {BODY_MAX} bytes"));
        }
        Problem::new(ProblemCode::BodyMalformed).because(error)
    })?;
    String::from_utf8(bytes.into())
        .map_err(|_| Problem::new(ProblemCode::BodyMalformed).because("not UTF-8").into())
}

fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = found.map(|value| value.split(';').next().unwrap_or_default().trim());
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case(wanted))
}

/// An id in the path. One that cannot be read names nothing.
pub(super) struct Id<T>(pub(super) T);

/// What is said of an id that names nothing.
pub(super) trait Named: FromStr {
    const UNKNOWN: ProblemCode;
}

impl Named for LessonId {
    const UNKNOWN: ProblemCode = ProblemCode::LessonUnknown;
}

impl Named for PlaceId {
    const UNKNOWN: ProblemCode = ProblemCode::PlaceUnknown;
}

impl Named for InvitationId {
    const UNKNOWN: ProblemCode = ProblemCode::InvitationUnknown;
}

impl Named for UnitId {
    const UNKNOWN: ProblemCode = ProblemCode::UnitUnknown;
}

impl Named for HelperId {
    const UNKNOWN: ProblemCode = ProblemCode::HelperUnknown;
}

impl Named for SheetId {
    const UNKNOWN: ProblemCode = ProblemCode::SheetUnknown;
}

impl Named for CommentId {
    const UNKNOWN: ProblemCode = ProblemCode::SheetUnknown;
}

/// The secret of a media session, already hashed.
pub(super) struct SessionSecret(pub(super) [u8; 32]);

/// The secret of a screen that waits to be paired, already hashed.
pub(super) struct PairingSecret(pub(super) [u8; 32]);

impl FromStr for SessionSecret {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(token::hash(text)))
    }
}

impl FromStr for PairingSecret {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(token::hash(text)))
    }
}

impl Named for SessionSecret {
    const UNKNOWN: ProblemCode = ProblemCode::SessionUnknown;
}

impl Named for PairingSecret {
    const UNKNOWN: ProblemCode = ProblemCode::CodeUnknown;
}

impl<T: Named> FromRequestParts<AppState> for Id<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| T::UNKNOWN)?;
        text.parse().map(Self).map_err(|_| T::UNKNOWN.into())
    }
}

/// A lesson's id and the number of something in it.
pub(super) struct No(pub(super) LessonId, pub(super) u32);

impl FromRequestParts<AppState> for No {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((lesson, no)) = path.map_err(|_| ProblemCode::NotFound)?;
        let lesson = lesson.parse().map_err(|_| ProblemCode::LessonUnknown)?;
        Ok(Self(lesson, no.parse().map_err(|_| ProblemCode::WorkUnknown)?))
    }
}

/// A table, `text/csv`, in whatever encoding the importer reads.
pub(super) struct Table(pub(super) bytes::Bytes);

/// Longest table, bytes.
const TABLE_MAX: usize = 1024 * 1024;

impl FromRequest<AppState> for Table {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &AppState) -> Answer<Self> {
        if !is_of_type(request.headers(), "text/csv") {
            let problem = Problem::new(ProblemCode::UnsupportedMediaType);
            return Err(problem.because("Content-Type must be text/csv").into());
        }
        let bytes = to_bytes(request.into_body(), TABLE_MAX).await.map_err(|error| {
            Problem::new(ProblemCode::TooLarge).because(format_args!("at most {TABLE_MAX} bytes; {error}"))
        })?;
        Ok(Self(bytes))
    }
}

/// Two ids in the path.
pub(super) struct Ids<A, B>(pub(super) A, pub(super) B);

impl<A: Named, B: Named> FromRequestParts<AppState> for Ids<A, B> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let found = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = found.map_err(|_| A::UNKNOWN)?;
        Ok(Self(first.parse().map_err(|_| A::UNKNOWN)?, second.parse().map_err(|_| B::UNKNOWN)?))
    }
}

/// A query string.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Asked<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::new(ProblemCode::BodyMalformed).because(error.body_text()).into()),
        }
    }
}
