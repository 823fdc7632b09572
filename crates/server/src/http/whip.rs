//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): thin doors onto a lesson's task.
//!
//! No `Link` header is sent: the server is ICE-lite on a public address, so there is no STUN or TURN server
//! to name. Once one is configured, [`created`] is where its `Link: <turn:…>; rel="ice-server"` belongs.

use super::extract::{Asked, Fragment, Id, Sdp, SessionSecret};
use crate::{
    address::ClientAddress,
    auth::Caller,
    clock::Clock,
    lessons::PageAbilities,
    media::{CloseReason, FragmentAnswer},
    problem::{Answer, media_problem},
    state::{AppState, Parts},
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use domain::{Action, LessonId, Slot, UnixMillis};
use serde::{Deserialize, Serialize};
use signalling::ProblemCode;
use std::{collections::BTreeMap, time::Duration};
use tower_http::{
    cors::{Any, CorsLayer},
    decompression::RequestDecompressionLayer,
    set_header::SetResponseHeaderLayer,
};

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
/// The lesson an offer that named none was answered by.
const LESSON: HeaderName = HeaderName::from_static("nhipcau-lesson");
const FRAGMENT: HeaderValue = HeaderValue::from_static("application/trickle-ice-sdpfrag");
const SDP: HeaderValue = HeaderValue::from_static("application/sdp");

/// `/whip`, `/whep` and `/session`, open to pages of every origin: the token is in a header, not a cookie.
///
/// The fallback belongs inside the CORS layer: that is what answers `OPTIONS`.
pub(super) fn routes() -> Router<AppState> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::IF_MATCH,
        ])
        .expose_headers([
            header::LOCATION,
            header::ETAG,
            header::LINK,
            ACCEPT_PATCH,
            header::RETRY_AFTER,
            LESSON,
        ])
        .max_age(Duration::from_hours(24));
    let endpoints = Router::new()
        .route("/whip/{lesson}", post(publish))
        .route("/whep", post(play_now))
        .route("/whep/{lesson}", post(play))
        .method_not_allowed_fallback(super::method_not_allowed)
        // A browser's offer of 17 kB takes a village's uplink seconds; packed it is a tenth. What cannot be unpacked is refused where
        // bodies are read, in words.
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(cors.clone())
        .layer(SetResponseHeaderLayer::if_not_present(ACCEPT_POST, SDP));
    let sessions = Router::new()
        .route("/session/{secret}", patch(trickle).delete(end))
        .route("/session/{secret}/clock", get(clock))
        .method_not_allowed_fallback(super::method_not_allowed)
        .layer(cors)
        .layer(SetResponseHeaderLayer::if_not_present(ACCEPT_PATCH, FRAGMENT));
    endpoints.merge(sessions)
}

/// `?slot=`: what an encoder with one picture fills.
#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum FirstSlot {
    #[default]
    Program,
    Slides,
    Extra,
}

#[derive(Deserialize)]
struct PublishQuery {
    #[serde(default)]
    slot: FirstSlot,
}

/// `POST /whip/{lesson}`
async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    Id(lesson): Id<LessonId>,
    Asked(PublishQuery { slot }): Asked<PublishQuery>,
    Sdp(offer): Sdp,
) -> Answer<Response> {
    // A room may only speak when it was called; a host publishes what is hers.
    let action = if caller.who.place().is_some() { Action::Speak } else { Action::Publish };
    caller.permit(&state, lesson, action)?;
    state.limits.sessions.take(state.clock.now(), address)?;
    let first_slot = match slot {
        FirstSlot::Program => Slot::ProgramVideo,
        FirstSlot::Slides => Slot::SlidesVideo,
        FirstSlot::Extra => Slot::ExtraVideo,
    };
    let opened = state.lessons.lesson(lesson)?.publish(caller.who, offer, first_slot).await?;
    created(&state, caller, opened, "whip").await
}

#[derive(Deserialize)]
struct PlayQuery {
    /// An observer's seat: lets her player into a locked lesson.
    seat: Option<String>,
    /// As in the page's `terms`, for a page that is not on `/api/ws` yet.
    #[serde(default)]
    stills: bool,
    #[serde(default)]
    can_wait: bool,
    ceiling_kbps: Option<u32>,
    ceiling_mb: Option<u32>,
}

/// `POST /whep/{lesson}`
async fn play(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    Id(lesson): Id<LessonId>,
    Asked(query): Asked<PlayQuery>,
    Sdp(offer): Sdp,
) -> Answer<Response> {
    watch(&state, caller, address, lesson, query, offer).await
}

/// `POST /whep`: whatever the page of this link would be told to show now. On a far link that answer would be another second away.
async fn play_now(
    State(state): State<AppState>,
    caller: Caller,
    address: ClientAddress,
    Asked(query): Asked<PlayQuery>,
    Sdp(offer): Sdp,
) -> Answer<Response> {
    let lesson = state.lessons.lesson_of(caller.who, None).ok_or(ProblemCode::LessonUnknown)?.id;
    let mut response = watch(&state, caller, address, lesson, query, offer).await?;
    response.headers_mut().insert(LESSON, header_value(&lesson.to_string())?);
    Ok(response)
}

async fn watch(
    state: &Parts,
    caller: Caller,
    address: ClientAddress,
    lesson: LessonId,
    query: PlayQuery,
    offer: String,
) -> Answer<Response> {
    caller.permit(state, lesson, Action::Watch)?;
    state.limits.sessions.take(state.clock.now(), address)?;
    let PlayQuery { seat, stills, can_wait, ceiling_kbps, ceiling_mb } = query;
    let link = caller.who.invitation();
    let seat = seat.zip(link).and_then(|(seat, link)| state.seats.open(&seat, lesson, link));
    let can = PageAbilities::new(stills, can_wait, ceiling_kbps, ceiling_mb);
    let opened = state.lessons.lesson(lesson)?.play(caller.who, seat, can, offer).await?;
    created(state, caller, opened, "whep").await
}

async fn created(
    state: &Parts,
    caller: Caller,
    opened: crate::lessons::Opened,
    door: &'static str,
) -> Answer<Response> {
    if let Err(problem) = caller.still_good(state).await {
        if let Some(session) = state.sessions.find(&opened.secret.hash(), caller.who) {
            state.media.close(session.peer, CloseReason::Revoked);
        }
        return Err(problem.into());
    }
    metrics::counter!("nhipcau_sessions_opened_total", "door" => door).increment(1);
    let headers = [
        (header::CONTENT_TYPE, "application/sdp".to_owned()),
        (header::LOCATION, format!("/session/{}", opened.secret.reveal())),
        (header::ETAG, entity_tag(&opened.ice)),
        (ACCEPT_PATCH, "application/trickle-ice-sdpfrag".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers, opened.answer).into_response())
}

/// `PATCH /session/{secret}`: candidates, or an ICE restart (RFC 9725 section 4.3).
async fn trickle(
    State(state): State<AppState>,
    caller: Caller,
    Id(SessionSecret(secret)): Id<SessionSecret>,
    headers: HeaderMap,
    Fragment(fragment): Fragment,
) -> Answer<Response> {
    let session = state.sessions.find(&secret, caller.who).ok_or(ProblemCode::SessionUnknown)?;
    if !matches(&headers, &session.ice)? {
        return Err(ProblemCode::EtagMismatch.into());
    }
    let answered = state.media.handle_fragment(session.peer, &fragment).await;
    match answered.map_err(|error| media_problem(&error))? {
        FragmentAnswer::Taken => Ok(StatusCode::NO_CONTENT.into_response()),
        FragmentAnswer::Restarted { fragment, ufrag } => {
            let tag = entity_tag(&ufrag);
            state.sessions.set_ice(&secret, ufrag);
            Ok(([(header::CONTENT_TYPE, FRAGMENT), (header::ETAG, header_value(&tag)?)], fragment)
                .into_response())
        }
    }
}

/// `DELETE /session/{secret}`
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Id(SessionSecret(secret)): Id<SessionSecret>,
) -> Answer<StatusCode> {
    let session = state.sessions.find(&secret, caller.who).ok_or(ProblemCode::SessionUnknown)?;
    state.media.close(session.peer, CloseReason::Left);
    Ok(StatusCode::OK)
}

/// When what a viewer sees was captured (`PROTOCOL.md`, "Capture time").
#[derive(Serialize)]
struct Clocks {
    server_time: UnixMillis,
    slots: BTreeMap<Slot, SlotClock>,
}

#[derive(Serialize)]
struct SlotClock {
    rtp: u32,
    at: UnixMillis,
    rate: u32,
}

/// `GET /session/{secret}/clock`
async fn clock(
    State(state): State<AppState>,
    caller: Caller,
    Id(SessionSecret(secret)): Id<SessionSecret>,
) -> Answer<impl IntoResponse> {
    let session = state.sessions.find(&secret, caller.who).ok_or(ProblemCode::SessionUnknown)?;
    let server_time = Clock::wall();
    let slots = state.media.capture_clocks(session.peer).into_iter().map(|(slot, clock, ago)| {
        (slot, SlotClock { rtp: clock.rtp, at: server_time.minus(ago), rate: clock.rate })
    });
    let clocks = Clocks { server_time, slots: slots.collect() };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(clocks)))
}

/// Whether `If-Match` names this ICE session: its tag, or `*` for whichever it is (RFC 9110 section 13.1.1).
fn matches(headers: &HeaderMap, ice: &str) -> Result<bool, ProblemCode> {
    let lines = headers.get_all(header::IF_MATCH);
    if lines.iter().next().is_none() {
        return Err(ProblemCode::EtagMissing);
    }
    let tag = entity_tag(ice);
    let tags = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    Ok(tags.map(str::trim).any(|given| given == "*" || given == tag))
}

fn entity_tag(ice: &str) -> String {
    format!("\"{ice}\"")
}

fn header_value(text: &str) -> Answer<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| ProblemCode::Internal.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(if_match: Option<&'static str>, expected: Result<bool, ProblemCode>) {
        let value = if_match.map(|value| (header::IF_MATCH, HeaderValue::from_static(value)));
        assert_eq!(matches(&value.into_iter().collect(), "abcd"), expected, "{if_match:?}");
    }

    #[test]
    fn a_fragment_must_name_the_ice_session_it_belongs_to() {
        check(Some("\"abcd\""), Ok(true));
        check(Some("\"efgh\", \"abcd\""), Ok(true));
        check(Some("*"), Ok(true));
        check(Some("\"efgh\""), Ok(false));
        check(Some("abcd"), Ok(false));
        check(None, Err(ProblemCode::EtagMissing));
    }
}
