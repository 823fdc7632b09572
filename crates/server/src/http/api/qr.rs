//! QR codes for links that people print or hold a phone to.

use crate::{http::extract::Asked, problem::Answer};
use axum::{
    http::{HeaderName, header},
    response::IntoResponse,
};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Deserialize;
use signalling::{Problem, ProblemCode};

/// Longest text of a code, characters; more makes modules too small for a phone across a classroom.
const TEXT_MAX: usize = 512;

#[derive(Deserialize)]
pub(super) struct Wanted {
    text: String,
}

/// `GET /api/qr.svg?text=…`
pub(super) async fn svg(Asked(Wanted { text }): Asked<Wanted>) -> Answer<impl IntoResponse> {
    if text.is_empty() || text.chars().count() > TEXT_MAX {
        let cause = format_args!("text needs 1 to {TEXT_MAX} characters");
        return Err(Problem::new(ProblemCode::BodyMalformed).because(cause).into());
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Problem::new(ProblemCode::BodyMalformed).because(error))?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    // The text may be a link with its token: no cache keeps it.
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, picture))
}
