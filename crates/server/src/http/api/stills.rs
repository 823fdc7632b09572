//! Slides as still images: the host's page puts one, whoever does not get slides moving fetches it.

use crate::{
    auth::Caller,
    http::extract::{Id, No},
    problem::Answer,
    state::AppState,
};
use axum::{
    Json,
    body::{Body as RawBody, Bytes, to_bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Action, Bitrate, LessonId};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Serialize;
use signalling::{Problem, ProblemCode};
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Longest still. The host's page makes them of a third of this.
const STILL_BYTES_MAX: usize = 64 * 1024;
/// A still goes to a weak link in pieces of one packet, so that a voice packet never waits for more than one.
const PIECE: usize = 1_100;

#[derive(Serialize)]
pub(super) struct StillReceipt {
    no: u32,
}

/// `POST /api/lessons/{id}/stills`
pub(super) async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Id(lesson): Id<LessonId>,
    body: RawBody,
) -> Answer<(StatusCode, Json<StillReceipt>)> {
    // Asked before the image is read.
    caller.permit(&state, lesson, Action::Publish)?;
    let image = to_bytes(body, STILL_BYTES_MAX).await.map_err(|error| {
        Problem::new(ProblemCode::TooLarge).because(format_args!("at most {STILL_BYTES_MAX} bytes; {error}"))
    })?;
    if image_type(&image).is_none() {
        let problem = Problem::new(ProblemCode::UnsupportedMediaType);
        return Err(problem.because("a still must be WebP or JPEG").into());
    }
    let no = state.lessons.lesson(lesson)?.put_still(caller.who, image).await?;
    Ok((StatusCode::CREATED, Json(StillReceipt { no })))
}

/// `GET /api/lessons/{id}/stills/{no}`
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    No(lesson, no): No,
) -> Answer<Response> {
    caller.permit(&state, lesson, Action::Watch)?;
    let still = state.lessons.lesson(lesson)?.get_still(caller.who, no).await?;
    let kind = image_type(&still.image).ok_or(ProblemCode::Internal)?;
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, still.image.len().to_string()),
        (header::CACHE_CONTROL, "private, max-age=600".to_owned()),
    ];
    let Some(pace) = still.pace else { return Ok((headers, still.image).into_response()) };
    Ok((headers, RawBody::from_stream(paced(still.image, pace))).into_response())
}

/// The image in pieces, each with the time after the first at which it may leave.
fn pieces(image: Bytes, pace: Bitrate) -> impl Iterator<Item = (Duration, Bytes)> {
    (0..image.len())
        .step_by(PIECE)
        .map(move |from| (pace.time_for(from as u64), image.slice(from..(from + PIECE).min(image.len()))))
}

/// The image at the pace its link can spare: the voice on the same link is not to wait behind it.
fn paced(image: Bytes, pace: Bitrate) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let began = Instant::now();
    stream::iter(pieces(image, pace)).then(move |(due, piece)| async move {
        sleep_until(began + due).await;
        Ok(piece)
    })
}

/// What an image is, by its first bytes: a page cannot make others show anything else as a picture.
fn image_type(image: &[u8]) -> Option<&'static str> {
    match image {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_leaves_in_packets_at_the_pace_its_link_can_spare() {
        let image = Bytes::from(vec![7; 12_000]);
        let pieces: Vec<_> = pieces(image.clone(), Bitrate::from_kbps(24)).collect();
        let last = pieces.last().map(|(due, _)| due.as_millis());
        assert_eq!(last, Some(3_666), "12,000 bytes at 24 kbit/s take 4 s, the last piece included");
        assert!(pieces.iter().all(|(_, piece)| piece.len() <= PIECE));
        assert_eq!(pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>(), image.len());
        assert!(pieces.is_sorted_by_key(|(due, _)| *due));
    }

    #[test]
    fn what_is_no_picture_is_none() {
        assert_eq!(image_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(image_type(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        for other in [&b""[..], b"RIFF", b"RIFF\0\0\0\0WAVE", b"<svg onload=", b"\x89PNG"] {
            assert_eq!(image_type(other), None);
        }
    }
}
