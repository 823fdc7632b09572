//! The pages, inside the binary.

use crate::{
    address::is_authority,
    problem::{Answer, Refused},
};
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};
use signalling::ProblemCode;

#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// `GET /`, `/day`, `/diem-cau`, `/du-gio`, `/mau-phieu`, `/phong`, `/rut-kinh-nghiem`, `/to-chuc`
pub(super) async fn page(uri: axum::http::Uri, headers: HeaderMap) -> Response {
    let name = match uri.path() {
        "/" => "index",
        path => path.trim_matches('/'),
    };
    match Dist::get(&format!("{name}.html")) {
        Some(file) => {
            let mut response = file_response(file, "no-cache", &headers);
            secure_page(response.headers_mut(), &headers);
            response
        }
        None => not_built(),
    }
}

/// `GET /assets/{*path}`: names hold a hash of their content, so they never change.
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Answer<Response> {
    match Dist::get(&format!("assets/{path}")) {
        Some(file) => Ok(file_response(file, "public, max-age=31536000, immutable", &headers)),
        None => Err(Refused::from(ProblemCode::NotFound)),
    }
}

/// `GET /sw-du-gio.js`: keeps the observer's page on her machine. It lies at the root, or it could not rule `/du-gio`.
pub(super) async fn worker(headers: HeaderMap) -> Answer<Response> {
    match Dist::get("sw-du-gio.js") {
        Some(file) => Ok(file_response(file, "no-cache", &headers)),
        None => Err(Refused::from(ProblemCode::NotFound)),
    }
}

fn file_response(file: EmbeddedFile, cache: &'static str, request: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    // Weak: the same page travels plain or compressed.
    let tag = format!("W/\"{}\"", data_encoding::HEXLOWER.encode(&hash[..8]));
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let headers = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, cache.to_owned())];
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = file.metadata.mimetype();
    // mime_guess knows these as text without a character set, which browsers then guess.
    let content_type = match content_type {
        "text/html" | "text/css" | "text/javascript" => format!("{content_type}; charset=utf-8"),
        other => other.to_owned(),
    };
    (headers, [(header::CONTENT_TYPE, content_type)], file.data.into_owned()).into_response()
}

/// What a page may do, and who may frame it: nobody.
fn secure_page(headers: &mut HeaderMap, request: &HeaderMap) {
    let host =
        request.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
    // Older TV browsers do not count `ws:` of the same host as 'self' (CSP level 3 does), so it is named.
    let socket = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    // Style attributes carry measured sizes (level meters, tile grids); scripts are never inline.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; \
         img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src 'self'{socket}; \
         worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), \
             fullscreen=(self), autoplay=(self), geolocation=(), payment=(), usb=()",
        ),
    );
}

fn not_built() -> Response {
    let words = "Các trang web chưa được dựng. Hãy chạy: cargo xtask demo\n\
                 The pages are not built. Run: cargo xtask demo\n";
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, words).into_response()
}
