//! What somebody reads who comes over plain HTTP from another machine: why that does not work here, and what to press.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use sha2::{Digest as _, Sha256};
use signalling::{Problem, ProblemCode};

use crate::{address::is_authority, config::TlsMode, problem::Refused};

const PAGE: &str = include_str!("explain.html");
const NO_TLS: &str = include_str!("no-tls.html");

/// Answers a request that came unencrypted from another machine. `mode`: where the certificate comes from.
pub(crate) fn explain(mode: TlsMode, request: &Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let path = request.uri().path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let is_page = request.method() == Method::GET && !path.starts_with("/api/");
    let Some(host) = host.filter(|host| is_authority(host) && is_page) else {
        return Refused(Problem::new(ProblemCode::HttpsRequired)).into_response();
    };
    let address = format!("https://{host}{path}");
    match mode {
        // The browser carries the fragment, and with it the token, over to the new address (RFC 9110 section 10.2.2).
        TlsMode::Files | TlsMode::Acme => Redirect::permanent(&address).into_response(),
        TlsMode::SelfSigned => page(PAGE, &address),
        TlsMode::Off => page(NO_TLS, &address),
    }
}

/// A page without anything from elsewhere; its one script, which carries the token over, is named by its hash.
fn page(template: &str, address: &str) -> Response {
    let script = template.split_once("<script>").and_then(|(_, rest)| rest.split_once("</script>"));
    let hash = data_encoding::BASE64.encode(&Sha256::digest(script.map_or("", |(script, _)| script)));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let text = template.replace("{address}", &escaped(address));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (StatusCode::OK, headers, text).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};

    async fn asked(
        mode: TlsMode,
        method: Method,
        path: &str,
        host: &str,
    ) -> (StatusCode, header::HeaderMap, String) {
        let request = Request::builder().method(method).uri(path).header(header::HOST, host);
        let response = explain(mode, &request.body(Body::empty()).expect("a request"));
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        (status, headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn with_a_real_certificate_a_page_goes_on_to_its_secure_address() {
        let (status, headers, _) = asked(TlsMode::Files, Method::GET, "/diem-cau", "cau.vn:7443").await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(headers[header::LOCATION], "https://cau.vn:7443/diem-cau");
    }

    #[tokio::test]
    async fn with_a_home_made_certificate_the_warning_is_explained_before_it_comes() {
        let (status, headers, text) =
            asked(TlsMode::SelfSigned, Method::GET, "/diem-cau?a=1&b='", "10.0.0.5:7443").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("href=\"https://10.0.0.5:7443/diem-cau?a=1&amp;b='\""), "{text}");
        assert!(text.contains("lang=\"vi\"") && text.contains("lang=\"en\""));
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(
            policy.contains("script-src 'sha256-") && !policy.contains("sha256-47DEQpj8"),
            "the script is not empty: {policy}"
        );
    }

    #[tokio::test]
    async fn programs_get_a_problem_they_can_read_and_forged_hosts_get_no_link() {
        for (method, path, host) in [
            (Method::POST, "/whep/abc", "cau.vn"),
            (Method::GET, "/api/me", "cau.vn"),
            (Method::GET, "/", "a\"><script>"),
        ] {
            let (status, headers, text) = asked(TlsMode::Files, method, path, host).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
            assert!(text.contains("https_required"), "{text}");
        }
    }
}
