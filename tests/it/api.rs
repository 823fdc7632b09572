//! The HTTP API: who may do what, what is refused and how, and what survives.

use crate::rig::{Reply, Rig, token_of};
use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

/// Everybody who may knock at a door of one lesson.
struct Cast {
    lesson: String,
    place: String,
    invitation: String,
    tokens: Vec<(&'static str, Option<String>)>,
}

impl Cast {
    async fn assemble(rig: &Rig) -> Result<Self> {
        let (lesson, other) = (rig.lesson("Phân số").await?, rig.lesson("Số thập phân").await?);
        let (place, place_token) = rig.place("Phòng 3A").await?;
        let (invitation, _) = rig.invite(&lesson, "observer").await?;
        let (_, observer) = rig.invite(&lesson, "observer").await?;
        let (revoked_id, revoked) = rig.invite(&lesson, "host").await?;
        rig.delete(&format!("/api/invitations/{revoked_id}"), rig.organiser())
            .await?
            .expect(StatusCode::NO_CONTENT)?;
        let tokens = vec![
            ("nobody", None),
            ("stranger", Some("0".repeat(26))),
            ("revoked", Some(revoked)),
            ("helper", Some(rig.helper(&place_token).await?)),
            ("place", Some(place_token)),
            ("observer", Some(observer)),
            ("host", Some(rig.invite(&lesson, "host").await?.1)),
            ("other host", Some(rig.invite(&other, "host").await?.1)),
            ("lesson organiser", Some(rig.invite(&lesson, "organiser").await?.1)),
            ("organiser", Some(rig.organiser().to_owned())),
        ];
        Ok(Self { lesson, place, invitation, tokens })
    }
}

#[tokio::test]
async fn every_role_gets_exactly_what_the_table_says() -> Result<()> {
    let rig = Rig::start_with(|config| config.limits.wrong_tries_per_minute = 1_000).await?;
    let cast = Cast::assemble(&rig).await?;
    // Columns: nobody, stranger, revoked, helper, place, observer, host, other host, lesson organiser, organiser.
    // 0 stands for "let in": the request then fails or not for reasons of its own, never 401 or 403.
    let table: &[(&str, &str, [u16; 10])] = &[
        ("GET", "/api/me", [401, 401, 401, 0, 0, 0, 0, 0, 0, 0]),
        ("GET", "/api/lessons", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("POST", "/api/lessons", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("GET", "/api/lessons/{lesson}", [401, 401, 401, 0, 0, 0, 0, 403, 0, 0]),
        ("PATCH", "/api/lessons/{lesson}", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("GET", "/api/lessons/{lesson}/invitations", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("POST", "/api/lessons/{lesson}/invitations", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("GET", "/api/places", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("POST", "/api/places", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("PATCH", "/api/places/{place}", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("POST", "/api/pairings/confirm", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("POST", "/api/helpers/ticket", [401, 401, 401, 403, 0, 403, 403, 403, 403, 403]),
        ("GET", "/api/places/{place}/helpers", [401, 401, 401, 403, 0, 403, 403, 403, 403, 0]),
        ("DELETE", "/api/helpers/0000000000000", [401, 401, 401, 404, 404, 403, 403, 403, 404, 404]),
        ("GET", "/api/units", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("POST", "/api/units", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("PATCH", "/api/units/0000000000000", [401, 401, 401, 403, 403, 403, 403, 403, 403, 404]),
        ("DELETE", "/api/units/0000000000000", [401, 401, 401, 403, 403, 403, 403, 403, 403, 404]),
        ("POST", "/api/partners", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("DELETE", "/api/partners", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("GET", "/api/places.csv", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("POST", "/api/places/import", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("POST", "/api/lessons/{lesson}/works?key=k", [401, 401, 401, 409, 403, 403, 403, 403, 403, 403]),
        ("GET", "/api/lessons/{lesson}/works/1", [401, 401, 401, 404, 404, 404, 404, 403, 404, 404]),
        ("GET", "/api/lessons/{lesson}/questions", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("GET", "/api/lessons/{lesson}/checks", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("GET", "/api/lessons/{lesson}/checks.csv", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("POST", "/api/lessons/{lesson}/checks", [401, 401, 401, 0, 0, 403, 403, 403, 403, 403]),
        ("GET", "/api/check/down?bytes=1", [401, 401, 401, 0, 0, 403, 403, 403, 403, 403]),
        ("POST", "/api/check/up", [401, 401, 401, 0, 0, 403, 403, 403, 403, 403]),
        ("GET", "/api/lessons/{lesson}/places", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("GET", "/api/lessons/{lesson}/places/{place}/history", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("GET", "/api/lessons/{lesson}/report", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("GET", "/api/lessons/{lesson}/report.csv", [401, 401, 401, 403, 403, 403, 0, 403, 0, 0]),
        ("GET", "/api/reports", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("GET", "/api/reports.csv", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        ("POST", "/whip/{lesson}", [401, 401, 401, 409, 409, 403, 0, 403, 403, 403]),
        ("POST", "/whep/{lesson}", [401, 401, 401, 409, 409, 409, 0, 403, 0, 0]),
        ("PATCH", "/session/0", [401, 401, 401, 404, 404, 404, 404, 404, 404, 404]),
        ("DELETE", "/session/0", [401, 401, 401, 404, 404, 404, 404, 404, 404, 404]),
        ("DELETE", "/api/invitations/{invitation}", [401, 401, 401, 403, 403, 403, 403, 403, 0, 0]),
        ("POST", "/api/places/{place}/link", [401, 401, 401, 403, 403, 403, 403, 403, 403, 0]),
        // The place's own link was replaced by the row above, so the place is a stranger from here on.
        ("DELETE", "/api/places/{place}", [401, 401, 401, 401, 401, 403, 403, 403, 403, 0]),
        ("DELETE", "/api/lessons/{lesson}", [401, 401, 401, 401, 401, 403, 403, 403, 0, 0]),
    ];
    for (method, path, expected) in table {
        let path = path
            .replace("{lesson}", &cast.lesson)
            .replace("{place}", &cast.place)
            .replace("{invitation}", &cast.invitation);
        for ((who, token), expected) in cast.tokens.iter().zip(expected) {
            let request = rig.request(method.parse()?, &path, token.as_deref());
            let request = match path.as_str() {
                _ if path.starts_with("/whip") || path.starts_with("/whep") => {
                    request.header(header::CONTENT_TYPE, "application/sdp").body("not sdp")
                }
                _ if path.starts_with("/session") && *method == "PATCH" => {
                    request.header(header::CONTENT_TYPE, "application/trickle-ice-sdpfrag").body("")
                }
                _ => request.json(&json!({"title":"Phân số","name":"Phòng 3A","role":"observer"})),
            };
            let reply = Reply::of(request).await?;
            let status = reply.status.as_u16();
            let let_in = !matches!(status, 401 | 403);
            ensure!(
                if *expected == 0 { let_in } else { status == *expected },
                "{who}: {method} {path} gave {status}, expected {expected}: {}",
                reply.text
            );
            if !reply.status.is_success() {
                reply.problem().with_context(|| format!("{who}: {method} {path}"))?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_refusal_names_its_code_and_speaks_two_languages() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let organiser = Some(rig.organiser());
    let long = "a".repeat(64 * 1024);
    let json_body = |body: Value| (Some("application/json"), body.to_string());
    let cases = [
        (Method::GET, "/api/lessons/0000000000000".to_owned(), (None, String::new()), 404, "lesson_unknown"),
        (Method::GET, "/api/lessons/not-an-id".to_owned(), (None, String::new()), 404, "lesson_unknown"),
        (Method::DELETE, "/api/places/0000000000000".to_owned(), (None, String::new()), 404, "place_unknown"),
        (
            Method::DELETE,
            "/api/invitations/0000000000000".to_owned(),
            (None, String::new()),
            404,
            "invitation_unknown",
        ),
        (Method::GET, "/api/nothing".to_owned(), (None, String::new()), 404, "not_found"),
        (Method::GET, "/assets/../Cargo.toml".to_owned(), (None, String::new()), 404, "not_found"),
        (Method::DELETE, "/api/me".to_owned(), (None, String::new()), 405, "method_not_allowed"),
        (Method::POST, "/api/lessons".to_owned(), json_body(json!({})), 400, "body_malformed"),
        (Method::POST, "/api/lessons".to_owned(), json_body(json!({"title":" "})), 400, "body_malformed"),
        (
            Method::POST,
            "/api/lessons".to_owned(),
            (Some("application/json"), "{".to_owned()),
            400,
            "body_malformed",
        ),
        (Method::POST, "/api/lessons".to_owned(), json_body(json!({"title": long})), 413, "too_large"),
        (
            Method::POST,
            "/api/lessons".to_owned(),
            (Some("text/plain"), "{}".to_owned()),
            415,
            "unsupported_media_type",
        ),
        (Method::POST, "/api/lessons".to_owned(), (None, "{}".to_owned()), 415, "unsupported_media_type"),
        (
            Method::POST,
            format!("/api/lessons/{lesson}/invitations"),
            json_body(json!({"role":"place"})),
            400,
            "body_malformed",
        ),
        (
            Method::POST,
            "/api/pairings/confirm".to_owned(),
            json_body(json!({"code":"000000","place":"0000000000000"})),
            404,
            "place_unknown",
        ),
        (Method::GET, "/api/pairings/nobody".to_owned(), (None, String::new()), 404, "code_unknown"),
        (Method::GET, "/api/qr.svg".to_owned(), (None, String::new()), 400, "body_malformed"),
        (
            Method::GET,
            format!("/api/qr.svg?text={}", "a".repeat(513)),
            (None, String::new()),
            400,
            "body_malformed",
        ),
    ];
    for (method, path, (content_type, body), status, code) in cases {
        let mut request = rig.request(method.clone(), &path, organiser).body(body);
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let reply = Reply::of(request).await?;
        ensure!(reply.status.as_u16() == status, "{method} {path}: {} {}", reply.status, reply.text);
        let found = reply.problem().with_context(|| format!("{method} {path}"))?;
        ensure!(found == code, "{method} {path}: {found}, expected {code}");
    }
    Ok(())
}

#[tokio::test]
async fn a_link_is_shown_once_and_dies_when_it_is_revoked() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let (id, token) = rig.invite(&lesson, "observer").await?;
    let me = rig.get("/api/me", &token).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!((&me["role"], &me["lesson"]["title"]), (&json!("observer"), &json!("Phân số")));
    let path = format!("/api/lessons/{lesson}/invitations");
    let list = rig.get(&path, rig.organiser()).await?.expect(StatusCode::OK)?;
    assert!(!list.text.contains(&token), "{}", list.text);
    assert_eq!(list.json()?["invitations"][0]["id"], id);
    rig.delete(&format!("/api/invitations/{id}"), rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    let refused = rig.get("/api/me", &token).await?.expect(StatusCode::UNAUTHORIZED)?;
    assert_eq!(refused.problem()?, "invitation_revoked");
    assert_eq!(refused.header(header::WWW_AUTHENTICATE), "Bearer");
    let list = rig.get(&path, rig.organiser()).await?.json()?;
    assert_eq!(list["invitations"][0]["revoked"], true);
    Ok(())
}

#[tokio::test]
async fn a_place_that_leaked_its_link_gets_another_and_keeps_its_name() -> Result<()> {
    let rig = Rig::start().await?;
    let (id, old) = rig.place("  Trường Mèo Vạc\n– lớp 3A ").await?;
    let reply = rig.send(Method::POST, &format!("/api/places/{id}/link"), rig.organiser(), json!({})).await?;
    let new = token_of(&reply.expect(StatusCode::OK)?.string("url")?)?;
    assert_eq!(rig.get("/api/me", &old).await?.problem()?, "invitation_revoked");
    let me = rig.get("/api/me", &new).await?.json()?;
    assert_eq!(me["place"]["name"], "Trường Mèo Vạc – lớp 3A");
    let renamed = json!({"name":"Lớp 3B"});
    rig.send(Method::PATCH, &format!("/api/places/{id}"), rig.organiser(), renamed)
        .await?
        .expect(StatusCode::OK)?;
    let places = rig.get("/api/places", rig.organiser()).await?.json()?;
    assert_eq!(places["places"][0]["name"], "Lớp 3B");
    assert_eq!(places["places"][0]["connected"], false);
    Ok(())
}

#[tokio::test]
async fn a_lesson_can_be_changed_and_an_absent_field_keeps_its_value() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let path = format!("/api/lessons/{lesson}");
    let patched =
        rig.send(Method::PATCH, &path, rig.organiser(), json!({"starts_at": 1_800_000_000_000_u64})).await?;
    assert_eq!(patched.expect(StatusCode::OK)?.string("title")?, "Phân số");
    let patched =
        rig.send(Method::PATCH, &path, rig.organiser(), json!({"host_place": null})).await?.json()?;
    assert_eq!(
        (&patched["host_place"], &patched["starts_at"]),
        (&Value::Null, &json!(1_800_000_000_000_u64))
    );
    rig.delete(&path, rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    assert_eq!(rig.get(&path, rig.organiser()).await?.problem()?, "lesson_unknown");
    Ok(())
}

#[tokio::test]
async fn a_tv_without_a_keyboard_becomes_a_place_by_six_digits() -> Result<()> {
    let rig = Rig::start().await?;
    let (place, link_token) = rig.place("Phòng 3A").await?;
    let opened =
        Reply::of(rig.request(Method::POST, "/api/pairings", None)).await?.expect(StatusCode::CREATED)?;
    let (code, secret) = (opened.string("code")?, opened.string("secret")?);
    ensure!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{code}");
    let poll = format!("/api/pairings/{secret}");
    let ask = || Reply::of(rig.request(Method::GET, &poll, None));
    assert_eq!(ask().await?.string("state")?, "waiting");
    let wrong = format!("{:06}", (code.parse::<u32>()? + 1) % 1_000_000);
    let confirm = |code: String| {
        rig.send(Method::POST, "/api/pairings/confirm", rig.organiser(), json!({"code":code,"place":place}))
    };
    assert_eq!(confirm(wrong).await?.problem()?, "code_unknown");
    confirm(code).await?.expect(StatusCode::NO_CONTENT)?;
    let token = ask().await?.expect(StatusCode::OK)?.string("token")?;
    for token in [&token, &link_token] {
        assert_eq!(rig.get("/api/me", token).await?.json()?["place"]["id"], place);
    }
    assert_eq!(ask().await?.problem()?, "code_unknown", "the token is told once");
    Ok(())
}

#[tokio::test]
async fn guessing_links_and_codes_is_slowed_down_without_locking_the_school_out() -> Result<()> {
    let rig = Rig::start_with(|config| {
        config.limits.wrong_tries_per_minute = 3;
        config.limits.pairings_per_minute = 2;
    })
    .await?;
    for _ in 0..3 {
        assert_eq!(rig.get("/api/me", "wrong").await?.problem()?, "unauthorized");
    }
    let limited = rig.get("/api/me", "wrong").await?.expect(StatusCode::TOO_MANY_REQUESTS)?;
    assert_eq!(limited.problem()?, "rate_limited");
    let seconds: u64 = limited.header(header::RETRY_AFTER).parse()?;
    ensure!((1..=20).contains(&seconds), "{seconds}");
    assert_eq!(limited.json()?["retry_after_s"], seconds);
    let secret = Reply::of(rig.request(Method::GET, "/api/pairings/guess", None)).await?;
    assert_eq!(secret.problem()?, "rate_limited", "secrets are counted with links");
    rig.get("/api/me", rig.organiser()).await?.expect(StatusCode::OK)?;
    for expected in [StatusCode::CREATED, StatusCode::CREATED, StatusCode::TOO_MANY_REQUESTS] {
        Reply::of(rig.request(Method::POST, "/api/pairings", None)).await?.expect(expected)?;
    }
    Ok(())
}

#[tokio::test]
async fn only_a_trusted_proxy_says_whose_tries_they_are() -> Result<()> {
    let from = async |rig: &Rig, address: &str| {
        let request = rig.request(Method::GET, "/api/me", Some("wrong")).header("X-Forwarded-For", address);
        Reply::of(request).await?.problem()
    };
    let direct = Rig::start_with(|config| config.limits.wrong_tries_per_minute = 1).await?;
    assert_eq!(from(&direct, "203.0.113.1").await?, "unauthorized");
    assert_eq!(from(&direct, "203.0.113.2").await?, "rate_limited", "the header proves nothing");
    let proxied = Rig::start_with(|config| {
        config.limits.wrong_tries_per_minute = 1;
        config.trusted_proxies = vec![[127, 0, 0, 1].into()];
    })
    .await?;
    assert_eq!(from(&proxied, "203.0.113.1").await?, "unauthorized");
    assert_eq!(from(&proxied, "203.0.113.2").await?, "unauthorized");
    assert_eq!(from(&proxied, "203.0.113.2").await?, "rate_limited");
    Ok(())
}

#[tokio::test]
async fn links_lead_to_the_configured_address_or_back_where_the_organiser_came_from() -> Result<()> {
    let rig = Rig::start().await?;
    let make = async |rig: &Rig| {
        let body = json!({"name":"Phòng 3A"});
        rig.send(Method::POST, "/api/places", rig.organiser(), body).await?.string("url")
    };
    assert!(make(&rig).await?.starts_with(&rig.url("/diem-cau#t=")));
    let on_the_lan = rig
        .request(Method::POST, "/api/places", Some(rig.organiser()))
        .header(header::HOST, "192.168.1.5:7443")
        .json(&json!({"name":"Phòng 3B"}));
    let link = Reply::of(on_the_lan).await?.string("url")?;
    assert!(link.starts_with("http://192.168.1.5:7443/diem-cau#t="), "{link}");
    let public = Rig::start_with(|config| config.public_url = "https://cau.example.vn".to_owned()).await?;
    assert!(make(&public).await?.starts_with("https://cau.example.vn/diem-cau#t="));
    let link = public.app.organiser_link().context("the first start makes one")?;
    assert!(link.starts_with("https://cau.example.vn/to-chuc#t="), "{link}");
    Ok(())
}

#[tokio::test]
async fn supervisors_and_prometheus_get_their_answers_without_a_token_in_them() -> Result<()> {
    let rig = Rig::start().await?;
    rig.get("/api/me", rig.organiser()).await?;
    rig.get("/api/me", "a-wrong-token").await?;
    let plain = |path: &'static str| Reply::of(rig.request(Method::GET, path, None));
    assert_eq!(plain("/healthz").await?.text, "ok\n");
    assert_eq!(plain("/readyz").await?.text, "ready\n");
    let metrics = plain("/metrics").await?.text;
    for line in [
        "nhipcau_http_requests_total{method=\"GET\",route=\"/api/me\",status=\"401\"}",
        "nhipcau_http_request_seconds_bucket{route=\"/api/me\",le=\"0.001\"}",
        "nhipcau_lessons{state=\"live\"} 0",
    ] {
        ensure!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    assert!(!metrics.contains(rig.organiser()) && !metrics.contains("a-wrong-token"));
    Ok(())
}

#[tokio::test]
async fn pages_may_use_the_camera_and_nobody_may_frame_them() -> Result<()> {
    let rig = Rig::start().await?;
    for path in ["/", "/day", "/diem-cau", "/du-gio", "/to-chuc"] {
        let page = Reply::of(rig.request(Method::GET, path, None)).await?;
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header(header::REFERRER_POLICY), "no-referrer", "{path}");
        if page.status == StatusCode::SERVICE_UNAVAILABLE {
            assert!(page.text.contains("cargo xtask demo"), "pages that are not built say how to build them");
            continue;
        }
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        ensure!(
            policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self';"),
            "{policy}"
        );
        ensure!(policy.contains(&format!("ws://{}", rig.addr())), "{policy}");
        let permissions = page.header("permissions-policy");
        for feature in ["camera", "microphone", "display-capture", "screen-wake-lock"] {
            ensure!(permissions.contains(&format!("{feature}=(self)")), "{permissions}");
        }
        assert_eq!(page.header(header::CACHE_CONTROL), "no-cache");
        let again =
            rig.request(Method::GET, path, None).header(header::IF_NONE_MATCH, page.header(header::ETAG));
        Reply::of(again).await?.expect(StatusCode::NOT_MODIFIED)?;
        if let Some((_, asset)) = page.text.split_once("\"/assets/") {
            let asset = format!("/assets/{}", asset.split('"').next().unwrap_or_default());
            let asset = Reply::of(rig.request(Method::GET, &asset, None)).await?.expect(StatusCode::OK)?;
            ensure!(asset.header(header::CACHE_CONTROL).contains("immutable"), "{:?}", asset.headers);
        }
    }
    let code =
        Reply::of(rig.request(Method::GET, "/api/qr.svg?text=Nh%E1%BB%8Bp%20C%E1%BA%A7u", None)).await?;
    assert_eq!(code.header(header::CONTENT_TYPE), "image/svg+xml");
    assert!(code.text.contains("<svg"));
    Ok(())
}

#[tokio::test]
async fn an_unfinished_request_does_not_hold_up_the_shutdown() -> Result<()> {
    use tokio::io::AsyncWriteExt as _;
    let rig = Rig::start_with(|config| config.drain_timeout_s = 2).await?;
    let mut lazy = tokio::net::TcpStream::connect(rig.addr()).await?;
    let head = format!(
        "POST /api/lessons HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{\"title\":",
        rig.organiser()
    );
    lazy.write_all(head.as_bytes()).await?;
    // Until the handler has begun to wait for the rest of the body.
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_secs(6), rig.app.shutdown())
        .await
        .context("the server did not stop")?;
    Ok(())
}
