//! Playlists for browsers' own players (`PROTOCOL.md`, "HLS").

use super::extract::{Asked, Id};
use crate::{
    address::ClientAddress,
    auth::Caller,
    problem::{Answer, Refused},
    segments::{Found, slot_name},
    state::AppState,
    token::{self, Token},
};
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{Action, LessonId, Slot};
use segments::Format;
use serde::Deserialize;
use signalling::{Problem, ProblemCode};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a first request waits for something to play.
const PATIENCE: Duration = Duration::from_secs(8);

/// `/api/hls` and `/hls`.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/hls/{lesson}", post(open))
        .route("/hls/{secret}/{file}", get(playlist))
        .route("/hls/{secret}/{slot}/{file}", get(segment))
}

/// The sound a player takes.
#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Sound {
    #[default]
    Opus,
    Aac,
}

#[derive(Deserialize)]
struct OpenQuery {
    #[serde(default)]
    sound: Sound,
    /// An observer's seat: lets her player into a locked lesson.
    seat: Option<String>,
}

/// `POST /api/hls/{lesson}[?sound=aac][&seat=…]`: 201 with the address of the playlists.
async fn open(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    Id(lesson): Id<LessonId>,
    Asked(OpenQuery { sound, seat }): Asked<OpenQuery>,
) -> Answer<Response> {
    caller.permit(&state, lesson, Action::Watch)?;
    state.limits.sessions.take(state.clock.now(), address)?;
    let format = match sound {
        Sound::Opus => Format::Mp4,
        Sound::Aac if state.config.segments.ffmpeg.as_os_str().is_empty() => {
            return Err(ProblemCode::AacUnavailable.into());
        }
        Sound::Aac => Format::Ts,
    };
    let handle = state.lessons.lesson(lesson)?;
    let link = caller.who.invitation();
    let seat = seat.zip(link).and_then(|(seat, link)| state.seats.open(&seat, lesson, link));
    let watcher = handle.watch(caller.who, seat).await?;
    let peer = watcher.peer;
    if let Err(problem) = caller.still_good(&state).await {
        handle.unwatch(peer).await;
        return Err(problem.into());
    }
    let hub = state.hubs.of(lesson, &state.media);
    let secret = Token::random();
    let stop = state.drain.clone();
    state.playlists.enter(secret.hash(), hub, format, watcher, handle, stop);
    metrics::counter!("nhipcau_sessions_opened_total", "door" => "hls").increment(1);
    let headers = [
        (header::LOCATION, format!("/hls/{}", secret.reveal())),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers).into_response())
}

fn slot_of(name: &str) -> Result<Slot, Refused> {
    let pictures = [Slot::ProgramVideo, Slot::SlidesVideo, Slot::ExtraVideo];
    pictures.into_iter().find(|slot| slot_name(*slot) == name).ok_or_else(|| ProblemCode::NotFound.into())
}

/// `GET /hls/{secret}/{slot}.m3u8`
async fn playlist(
    State(state): State<AppState>,
    Path((secret, file)): Path<(String, String)>,
) -> Answer<Response> {
    let session = state.playlists.find(&token::hash(&secret)).ok_or(ProblemCode::SessionUnknown)?;
    let slot = slot_of(file.strip_suffix(".m3u8").ok_or(ProblemCode::NotFound)?)?;
    let until = Instant::now() + PATIENCE;
    session.fetched(state.clock.now());
    let mut changes = session.hub.changes();
    loop {
        if session.is_blocked(slot) {
            return Err(ProblemCode::NotFound.into());
        }
        match session.hub.playlist(slot, session.format) {
            Found::Here(text) => {
                let headers = [
                    (header::CONTENT_TYPE, "application/vnd.apple.mpegurl"),
                    (header::CACHE_CONTROL, "no-store"),
                ];
                return Ok((headers, text).into_response());
            }
            Found::Unplayable(codec) => {
                let problem = Problem::new(ProblemCode::CodecUnplayable);
                return Err(problem.because(format_args!("the lesson is published in {codec:?}")).into());
            }
            Found::NotYet => {}
        }
        if !matches!(timeout_at(until, changes.changed()).await, Ok(Ok(()))) {
            return Err(Problem::new(ProblemCode::NotFound).into());
        }
    }
}

/// `GET /hls/{secret}/{slot}/{number}.m4s`, `….ts`, `init-{number}.mp4`
async fn segment(
    State(state): State<AppState>,
    Path((secret, slot, file)): Path<(String, String, String)>,
) -> Answer<Response> {
    let session = state.playlists.find(&token::hash(&secret)).ok_or(ProblemCode::SessionUnknown)?;
    let slot = slot_of(&slot)?;
    if session.is_blocked(slot) {
        return Err(ProblemCode::NotFound.into());
    }
    let (name, ending) = file.rsplit_once('.').ok_or(ProblemCode::NotFound)?;
    let (bytes, content_type) = match (name.strip_prefix("init-"), ending) {
        (Some(number), "mp4") => {
            let number = number.parse().map_err(|_| ProblemCode::NotFound)?;
            (session.hub.playlist_init(slot, session.format, number), "video/mp4")
        }
        (None, "m4s" | "ts") => {
            let number = name.parse().map_err(|_| ProblemCode::NotFound)?;
            let content_type = if ending == "ts" { "video/mp2t" } else { "video/iso.segment" };
            (session.hub.playlist_segment(slot, session.format, number), content_type)
        }
        _ => (None, ""),
    };
    let bytes = bytes.ok_or(ProblemCode::NotFound)?;
    metrics::counter!("nhipcau_segment_sent_bytes_total").increment(bytes.len() as u64);
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "private, max-age=30")];
    Ok((headers, bytes).into_response())
}
