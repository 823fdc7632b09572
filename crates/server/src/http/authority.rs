//! The authority that signs this server's own certificates, for devices that are to trust it.

use crate::{
    config::TlsMode,
    problem::{Answer, Refused},
    state::AppState,
    tls,
};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};
use signalling::ProblemCode;

const PAGE: &str = include_str!("authority.html");

/// `GET /chung-chi`: what the authority is, its fingerprint, and how to install it.
pub(super) async fn page(State(state): State<AppState>) -> Answer<Response> {
    let der = read(&state).await?;
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Html(PAGE.replace("{fingerprint}", &tls::fingerprint(&der)))).into_response())
}

/// `GET /chung-chi.crt`: the authority's certificate, DER, as every system installs it.
pub(super) async fn file(State(state): State<AppState>) -> Answer<Response> {
    let der = read(&state).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-x509-ca-cert"));
    let name = header::HeaderValue::from_static("attachment; filename=\"nhip-cau.crt\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok((headers, der).into_response())
}

/// The authority's certificate; there is one only where the server makes its own.
async fn read(state: &AppState) -> Answer<Vec<u8>> {
    if state.config.tls.mode != TlsMode::SelfSigned {
        return Err(Refused::from(ProblemCode::NotFound));
    }
    let file = tls::authority_file(&state.config.data_dir);
    let pem = tokio::fs::read(file).await.map_err(|_| Refused::from(ProblemCode::NotFound))?;
    tls::first_certificate(&pem).ok_or_else(|| Refused::from(ProblemCode::Internal))
}
