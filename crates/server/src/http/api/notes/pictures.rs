//! Pictures on sheets: stills of slides or of the lesson that a writer put beside her words.

use super::shared::{Reader, readable};
use crate::{
    auth::{Caller, Writer},
    clock::Clock,
    http::extract::Named,
    problem::{Answer, Refused},
    state::AppState,
};
use axum::{
    body::to_bytes,
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderName, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use domain::{LessonId, SheetId};
use signalling::{Problem, ProblemCode};
use std::str::FromStr;
use store::{PictureInfo, Weight};

/// Bytes of one picture: a slide at 1280×720 as WebP has about 100 000.
const PICTURE_MAX: usize = 400 * 1024;
/// Pictures of one sheet.
const WEIGHT: Weight = Weight { count: 80, bytes: 16 * 1024 * 1024 };

/// A picture's id in the path: 1 to 40 characters of `0-9 a-z`.
pub(super) struct PictureId(String);

impl FromStr for PictureId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        if plain && (1..=40).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl Named for PictureId {
    const UNKNOWN: ProblemCode = ProblemCode::SheetUnknown;
}

/// Lesson, sheet and picture in the path.
pub(super) struct Shared(LessonId, SheetId, PictureId);

impl FromRequestParts<AppState> for Shared {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let found = Path::<(String, String, String)>::from_request_parts(parts, state).await;
        let Path((lesson, sheet, picture)) = found.map_err(|_| ProblemCode::NotFound)?;
        Ok(Self(
            lesson.parse().map_err(|_| ProblemCode::LessonUnknown)?,
            sheet.parse().map_err(|_| ProblemCode::SheetUnknown)?,
            picture.parse().map_err(|()| ProblemCode::SheetUnknown)?,
        ))
    }
}

/// `PUT /api/sheet/pictures/{picture}`
pub(super) async fn store(
    State(state): State<AppState>,
    Writer(sheet): Writer,
    crate::http::extract::Id(PictureId(id)): crate::http::extract::Id<PictureId>,
    request: Request,
) -> Answer<StatusCode> {
    let bytes = to_bytes(request.into_body(), PICTURE_MAX).await.map_err(|error| {
        Problem::new(ProblemCode::TooLarge).because(format_args!("at most {PICTURE_MAX} bytes; {error}"))
    })?;
    let cause = "the bytes are neither JPEG nor WebP nor PNG";
    let media_type =
        media_type(&bytes).ok_or_else(|| Problem::new(ProblemCode::UnsupportedMediaType).because(cause))?;
    let picture = PictureInfo { id, media_type: media_type.to_owned(), bytes: bytes.len() as u64 };
    state.store.insert_picture(sheet.id, &picture, &bytes, WEIGHT, Clock::wall()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/sheet/pictures/{picture}`
pub(super) async fn show_own(
    State(state): State<AppState>,
    Writer(sheet): Writer,
    crate::http::extract::Id(PictureId(id)): crate::http::extract::Id<PictureId>,
) -> Answer<impl IntoResponse> {
    Ok(answer(state.store.picture(sheet.id, &id).await?))
}

/// `GET /api/lessons/{lesson}/sheets/{sheet}/pictures/{picture}`: only of a row that the caller may read.
pub(super) async fn show_shared(
    State(state): State<AppState>,
    caller: Caller,
    Shared(lesson, sheet, PictureId(id)): Shared,
) -> Answer<impl IntoResponse> {
    let (_, view) = readable(&state, caller, lesson, sheet, Reader::OfRows).await?;
    if !view.rows.iter().any(|row| row.pics.contains(&id)) {
        return Err(ProblemCode::SheetUnknown.into());
    }
    Ok(answer(state.store.picture(sheet, &id).await?))
}

fn answer((media_type, bytes): (String, Vec<u8>)) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
        (HeaderName::from_static("content-security-policy"), "default-src 'none'; sandbox".to_owned()),
    ];
    (headers, bytes)
}

/// What the bytes are, by their first ones; what a request says of them is not believed.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        _ => None,
    }
}
