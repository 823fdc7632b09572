//! Everything served over HTTP, as one router.

mod api;
mod assets;
mod authority;
mod extract;
mod health;
mod hls;
pub(crate) mod island;
mod segments;
mod whip;
mod ws;

use crate::{
    problem::{Answer, Refused},
    state::AppState,
};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};
use signalling::ProblemCode;
use std::time::Instant;
use tower_http::{compression::CompressionLayer, set_header::SetResponseHeaderLayer};

const PAGES: [&str; 8] =
    ["/", "/day", "/diem-cau", "/du-gio", "/mau-phieu", "/phong", "/rut-kinh-nghiem", "/to-chuc"];

/// The router of one running server.
pub(crate) fn router(state: AppState) -> Router {
    let doors = api::routes()
        .route("/api/ws", get(ws::connect))
        .route("/api/segments", get(segments::connect))
        .merge(whip::routes())
        .merge(hls::routes())
        .layer(from_fn_with_state(state.clone(), refuse_while_draining));
    let pages = PAGES.into_iter().fold(Router::new(), |router, path| router.route(path, get(assets::page)));
    let header = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Router::new()
        .merge(doors)
        .merge(pages)
        .route("/assets/{*path}", get(assets::asset))
        .route("/sw-du-gio.js", get(assets::worker))
        .route("/chung-chi", get(authority::page))
        .route("/chung-chi.crt", get(authority::file))
        .route("/mang-lan", get(island::page))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { Refused::from(ProblemCode::NotFound) })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CompressionLayer::new())
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(from_fn(count))
        .with_state(state)
}

async fn method_not_allowed() -> Refused {
    ProblemCode::MethodNotAllowed.into()
}

/// A server that is shutting down takes nothing new; clients come back to the one that follows.
async fn refuse_while_draining(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Answer<Response> {
    if state.is_draining() && request.method() != Method::OPTIONS {
        return Err(ProblemCode::Draining.into());
    }
    Ok(next.run(request).await)
}

/// Counts and times requests by route, never by address or token.
async fn count(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    metrics::histogram!("nhipcau_http_request_seconds", "route" => route.clone())
        .record(started.elapsed().as_secs_f64());
    metrics::counter!("nhipcau_http_requests_total", "method" => method, "route" => route, "status" => status)
        .increment(1);
    response
}
