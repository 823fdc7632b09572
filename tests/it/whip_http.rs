//! WHIP (RFC 9725) and WHEP: methods, types, states, codes, and what ends a session.

use crate::{
    media_peer::{MediaPeer, offer, post},
    rig::{Reply, Rig},
};
use anyhow::{Result, ensure};
use flate2::{Compression, write::GzEncoder};
use reqwest::{Method, StatusCode, header};
use serde_json::json;
use std::{io::Write as _, time::Duration};
use tokio::time::Instant;

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// A lesson on air with a host link and a place.
struct OnAir {
    rig: Rig,
    lesson: String,
    host: (String, String),
    place: (String, String),
}

impl OnAir {
    async fn start() -> Result<Self> {
        let rig = Rig::start().await?;
        let lesson = rig.lesson("Phân số").await?;
        let host = rig.invite(&lesson, "host").await?;
        let place = rig.place("Phòng 3A").await?;
        let this = Self { rig, lesson, host, place };
        this.say("lesson.start").await?;
        Ok(this)
    }

    /// The teacher presses a button.
    async fn say(&self, button: &str) -> Result<()> {
        let mut page = self.rig.page(&self.host.1).await?;
        page.send(json!({ "type": button })).await?;
        page.next("lesson").await?;
        page.leave().await
    }

    fn whip(&self) -> String {
        format!("/whip/{}", self.lesson)
    }

    fn whep(&self) -> String {
        format!("/whep/{}", self.lesson)
    }
}

#[tokio::test]
async fn an_encoder_gets_an_answer_an_address_and_a_tag() -> Result<()> {
    let air = OnAir::start().await?;
    let (_, sdp, _) = offer(true)?;
    let reply = post(&air.rig, &air.whip(), &air.host.1, &sdp).await?.expect(StatusCode::CREATED)?;
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/sdp");
    assert_eq!(reply.header("accept-patch"), FRAGMENT);
    ensure!(reply.header(header::LOCATION).starts_with("/session/"), "{:?}", reply.headers);
    let tag = reply.header(header::ETAG);
    ensure!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    ensure!(reply.text.contains("a=ice-lite") && reply.text.contains("a=candidate:"), "{}", reply.text);
    let port = format!(" {} typ host", air.rig.addr().port());
    ensure!(reply.text.contains(&port), "media uses the port of the pages: {}", reply.text);
    Ok(())
}

#[tokio::test]
async fn a_session_is_patched_with_its_tag_and_ends_with_delete() -> Result<()> {
    let air = OnAir::start().await?;
    let (_, sdp, _) = offer(false)?;
    let reply = post(&air.rig, &air.whep(), &air.place.1, &sdp).await?.expect(StatusCode::CREATED)?;
    let (location, tag) = (reply.header(header::LOCATION), reply.header(header::ETAG));
    let line = |start: &str| sdp.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    let fragment = format!(
        "{}\r\n{}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n",
        line("a=ice-ufrag:"),
        line("a=ice-pwd:")
    );
    let patch = |token: &str, tag: Option<&str>, content_type: &'static str, body: String| {
        let mut request = air.rig.request(Method::PATCH, location, Some(token));
        request = request.header(header::CONTENT_TYPE, content_type).body(body);
        if let Some(tag) = tag {
            request = request.header(header::IF_MATCH, tag);
        }
        Reply::of(request)
    };
    let place = &air.place.1;
    assert_eq!(patch(place, None, FRAGMENT, fragment.clone()).await?.problem()?, "etag_missing");
    assert_eq!(patch(place, Some("\"old\""), FRAGMENT, fragment.clone()).await?.problem()?, "etag_mismatch");
    let wrong_type = patch(place, Some(tag), "application/sdp", fragment.clone()).await?;
    assert_eq!(wrong_type.problem()?, "unsupported_media_type");
    let foreign = patch(&air.host.1, Some(tag), FRAGMENT, fragment.clone()).await?;
    assert_eq!(foreign.problem()?, "session_unknown", "a session belongs to the link that opened it");
    patch(place, Some(tag), FRAGMENT, fragment.clone()).await?.expect(StatusCode::NO_CONTENT)?;

    let renewed = "a=ice-ufrag:newufrag\r\na=ice-pwd:newpasswordnewpasswordnew\r\n".to_owned();
    let restarted = patch(place, Some("*"), FRAGMENT, renewed).await?.expect(StatusCode::OK)?;
    assert_eq!(restarted.header(header::CONTENT_TYPE), FRAGMENT);
    ensure!(restarted.header(header::ETAG) != tag, "an ICE restart is a new ICE session");
    ensure!(
        restarted.text.contains("a=ice-ufrag:") && restarted.text.contains("a=ice-pwd:"),
        "{}",
        restarted.text
    );
    assert_eq!(patch(place, Some(tag), FRAGMENT, fragment).await?.problem()?, "etag_mismatch");

    assert_eq!(air.rig.delete(location, &air.host.1).await?.problem()?, "session_unknown");
    air.rig.delete(location, place).await?.expect(StatusCode::OK)?;
    let gone = Instant::now() + Duration::from_secs(2);
    while air.rig.delete(location, place).await?.status != StatusCode::NOT_FOUND {
        ensure!(Instant::now() < gone, "the session outlives its end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test]
async fn offers_that_cannot_be_carried_are_refused_by_name() -> Result<()> {
    let air = OnAir::start().await?;
    let (_, good, _) = offer(true)?;
    let long = format!("{good}{}", "a=x\r\n".repeat(20_000));
    let unsupported = good.replace("VP8", "VP0").replace("H264", "H000").replace("opus", "none");
    for (body, status, code) in [
        ("", 400, "sdp_malformed"),
        ("hello", 400, "sdp_malformed"),
        (long.as_str(), 413, "too_large"),
        (unsupported.as_str(), 422, "sdp_unsupported"),
    ] {
        let reply = post(&air.rig, &air.whip(), &air.host.1, body).await?;
        let shown: String = body.chars().take(20).collect();
        ensure!(reply.status.as_u16() == status, "{shown:?}: {} {}", reply.status, reply.text);
        ensure!(reply.problem()? == code, "{shown:?}: {}", reply.text);
    }
    let typed = air.rig.request(Method::POST, &air.whip(), Some(&air.host.1)).json(&json!({}));
    assert_eq!(Reply::of(typed).await?.problem()?, "unsupported_media_type");
    let slot = post(&air.rig, &format!("{}?slot=ceiling", air.whip()), &air.host.1, &good).await?;
    assert_eq!(slot.problem()?, "body_malformed");
    Ok(())
}

#[tokio::test]
async fn classrooms_watch_only_what_is_on_air_and_a_host_may_look_before() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let (host, (_, place)) = (rig.invite(&lesson, "host").await?, rig.place("Phòng 3A").await?);
    let air = OnAir { rig, lesson, host, place: (String::new(), place) };
    let (rig, whip, whep) = (&air.rig, air.whip(), air.whep());
    let (publishing, playing) = (offer(true)?.1, offer(false)?.1);
    assert_eq!(post(rig, &whep, &air.place.1, &playing).await?.problem()?, "wrong_state");
    post(rig, &whip, &air.host.1, &publishing).await?.expect(StatusCode::CREATED)?;
    post(rig, &whep, &air.host.1, &playing).await?.expect(StatusCode::CREATED)?;
    air.say("lesson.test").await?;
    post(rig, &whep, &air.place.1, &offer(false)?.1).await?.expect(StatusCode::CREATED)?;
    air.say("lesson.start").await?;
    post(rig, &whep, &air.place.1, &offer(false)?.1).await?.expect(StatusCode::CREATED)?;
    air.say("lesson.end").await?;
    assert_eq!(post(rig, &whep, &air.place.1, &playing).await?.problem()?, "lesson_ended");
    assert_eq!(post(rig, &whip, &air.host.1, &publishing).await?.problem()?, "lesson_ended");
    Ok(())
}

#[tokio::test]
async fn pages_of_other_origins_may_use_the_doors_and_other_methods_are_named() -> Result<()> {
    let air = OnAir::start().await?;
    for (path, header_name, content_type) in [
        (air.whip(), "accept-post", "application/sdp"),
        (air.whep(), "accept-post", "application/sdp"),
        ("/session/0".to_owned(), "accept-patch", FRAGMENT),
    ] {
        let preflight = air
            .rig
            .request(Method::OPTIONS, &path, None)
            .header(header::ORIGIN, "https://encoder.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
        let reply = Reply::of(preflight).await?.expect(StatusCode::OK)?;
        assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*", "{path}");
        ensure!(reply.header(header::ACCESS_CONTROL_ALLOW_METHODS).contains("PATCH"), "{:?}", reply.headers);
        ensure!(
            reply.header(header::ACCESS_CONTROL_ALLOW_HEADERS).contains("authorization"),
            "{:?}",
            reply.headers
        );
        assert_eq!(reply.header(header_name), content_type, "{path}");
        let reply = Reply::of(air.rig.request(Method::GET, &path, None)).await?;
        assert_eq!(
            (reply.status, reply.problem()?.as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
        );
    }
    let sent = air
        .rig
        .request(Method::POST, &air.whip(), Some(&air.host.1))
        .header(header::ORIGIN, "https://encoder.example")
        .header(header::CONTENT_TYPE, "application/sdp")
        .body(offer(true)?.1);
    let exposed = Reply::of(sent).await?.expect(StatusCode::CREATED)?;
    let exposed = exposed.header(header::ACCESS_CONTROL_EXPOSE_HEADERS).to_lowercase();
    ensure!(exposed.contains("location") && exposed.contains("etag"), "{exposed}");
    Ok(())
}

#[tokio::test]
async fn an_offer_may_come_packed_and_what_unpacks_too_far_or_not_at_all_is_refused_by_name() -> Result<()> {
    let air = OnAir::start().await?;
    let send = async |encoding: &str, body: Vec<u8>| {
        let request = air.rig.request(Method::POST, &air.whip(), Some(&air.host.1));
        let request = request.header(header::CONTENT_TYPE, "application/sdp");
        Reply::of(request.header(header::CONTENT_ENCODING, encoding).body(body)).await
    };
    let (_, sdp, _) = offer(true)?;
    let code = async |encoding: &str, body: Vec<u8>| {
        let reply = send(encoding, body).await?;
        Ok::<_, anyhow::Error>((reply.status.as_u16(), reply.problem()?))
    };
    // Forty megabytes of nothing, forty kilobytes long.
    let bomb = packed(&vec![b'a'; 40_000_000])?;
    ensure!(bomb.len() < 50_000, "{}", bomb.len());
    assert_eq!(code("gzip", bomb).await?, (413, "too_large".to_owned()));
    let mut broken = packed(sdp.as_bytes())?;
    broken.truncate(broken.len() / 2);
    assert_eq!(code("gzip", broken).await?, (400, "body_malformed".to_owned()));
    assert_eq!(code("zstd", sdp.clone().into_bytes()).await?, (415, "unsupported_media_type".to_owned()));
    send("gzip", packed(sdp.as_bytes())?).await?.expect(StatusCode::CREATED)?;
    Ok(())
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[tokio::test]
async fn a_second_teacher_is_refused_while_the_first_publishes() -> Result<()> {
    let air = OnAir::start().await?;
    let (_, second) = air.rig.invite(&air.lesson, "host").await?;
    let mut first = MediaPeer::connect(&air.rig, &air.whip(), &air.host.1).await?;
    let refused = post(&air.rig, &air.whip(), &second, &offer(true)?.1).await?;
    assert_eq!((refused.status, refused.problem()?.as_str()), (StatusCode::CONFLICT, "second_host"));
    let again = MediaPeer::connect(&air.rig, &air.whip(), &air.host.1).await?;
    first.closed().await?;
    ensure!(again.location != first.location && again.etag != first.etag);
    Ok(())
}

#[tokio::test]
async fn revoking_a_link_hangs_up_its_media_within_a_second() -> Result<()> {
    let air = OnAir::start().await?;
    let (id, observer) = air.rig.invite(&air.lesson, "observer").await?;
    let mut leaked = MediaPeer::connect(&air.rig, &air.whep(), &observer).await?;
    let mut class = MediaPeer::connect(&air.rig, &air.whep(), &air.place.1).await?;
    let revoked_at = Instant::now();
    air.rig
        .delete(&format!("/api/invitations/{id}"), air.rig.organiser())
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    leaked.closed().await?;
    ensure!(revoked_at.elapsed() < Duration::from_secs(1), "{:?}", revoked_at.elapsed());
    let still = tokio::time::timeout(Duration::from_millis(300), class.closed()).await;
    ensure!(still.is_err(), "the class was hung up on too");
    Ok(())
}

#[tokio::test]
async fn a_watching_class_is_on_the_board_and_is_let_go_when_the_lesson_ends() -> Result<()> {
    let air = OnAir::start().await?;
    let mut host = air.rig.page(&air.host.1).await?;
    let mut class = MediaPeer::connect(&air.rig, &air.whep(), &air.place.1).await?;
    host.next_where("roster", |roster| roster["places"][0]["state"] == "watching").await?;
    let mut tv = air.rig.page(&air.place.1).await?;
    let secret = class.location.trim_start_matches("/session/");
    tv.send(json!({"type":"demand","peer":secret,"slot":"program_video","layer":"low"})).await?;
    tv.send(json!({"type":"demand","peer":secret,"slot":"extra_video","layer":null})).await?;
    tv.send(json!({"type":"ping","t":1})).await?;
    let answer = tv.next_where("error", |_| true);
    ensure!(
        tokio::time::timeout(Duration::from_millis(300), answer).await.is_err(),
        "its own session is its to size"
    );
    tv.leave().await?;
    host.send(json!({"type":"lesson.end"})).await?;
    class.closed().await?;
    host.next_where("roster", |roster| roster["places"][0]["state"] == "gone").await?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_place_or_lesson_takes_its_media_along() -> Result<()> {
    let air = OnAir::start().await?;
    let mut class = MediaPeer::connect(&air.rig, &air.whep(), &air.place.1).await?;
    air.rig
        .delete(&format!("/api/places/{}", air.place.0), air.rig.organiser())
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    class.closed().await?;
    let mut host = MediaPeer::connect(&air.rig, &air.whip(), &air.host.1).await?;
    let live = format!("/api/lessons/{}", air.lesson);
    assert_eq!(air.rig.delete(&live, air.rig.organiser()).await?.problem()?, "wrong_state");
    air.say("lesson.end").await?;
    host.closed().await?;
    air.rig.delete(&live, air.rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    Ok(())
}

/// A screen far away is switched on while a lesson is on the air: it does not know which, and need not ask first.
#[tokio::test]
async fn a_screen_may_offer_before_it_knows_which_lesson_is_on_the_air() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let host = rig.invite(&lesson, "host").await?;
    let place = rig.place("Phòng 3A").await?;
    let air = OnAir { rig, lesson, host, place };
    let play =
        async || post(&air.rig, "/whep?stills=true&ceiling_kbps=64", &air.place.1, &offer(false)?.1).await;
    assert_eq!(play().await?.problem()?, "lesson_unknown", "nothing has begun");
    air.say("lesson.start").await?;
    let reply = play().await?.expect(StatusCode::CREATED)?;
    assert_eq!(reply.header("nhipcau-lesson"), air.lesson);
    ensure!(reply.header(header::LOCATION).starts_with("/session/"), "{:?}", reply.headers);
    let asked = post(&air.rig, "/whep?ceiling_kbps=many", &air.place.1, &offer(false)?.1).await?;
    asked.expect(StatusCode::BAD_REQUEST)?;
    air.say("lesson.end").await?;
    let refused = play().await?;
    ensure!(refused.status.is_client_error(), "{refused:?}");
    // Whoever leads the whole server has no lesson of her own.
    let organiser = post(&air.rig, "/whep", air.rig.organiser(), &offer(false)?.1).await?;
    assert_eq!(organiser.problem()?, "lesson_unknown");
    Ok(())
}

#[tokio::test]
async fn one_link_and_one_lesson_hold_only_so_many_connections() -> Result<()> {
    let rig = Rig::start_with(|config| {
        config.limits.peers_per_link = 2;
        config.limits.peers_per_lesson = 3;
    })
    .await?;
    let lesson = rig.lesson("Phân số").await?;
    let host = rig.invite(&lesson, "host").await?;
    let place = rig.place("Phòng 3A").await?;
    let air = OnAir { rig, lesson, host, place };
    air.say("lesson.start").await?;
    let (_, other) = air.rig.place("Phòng 3B").await?;
    let play = async |token: &str| post(&air.rig, &air.whep(), token, &offer(false)?.1).await;
    for expected in [StatusCode::CREATED, StatusCode::CREATED, StatusCode::SERVICE_UNAVAILABLE] {
        play(&air.place.1).await?.expect(expected)?;
    }
    play(&other).await?.expect(StatusCode::CREATED)?;
    assert_eq!(play(&other).await?.problem()?, "lesson_full");
    let published = post(&air.rig, &air.whip(), &air.host.1, &offer(true)?.1).await?;
    published.expect(StatusCode::CREATED)?;
    Ok(())
}

#[tokio::test]
async fn an_address_that_opens_sessions_without_end_is_told_to_wait() -> Result<()> {
    let rig = Rig::start_with(|config| config.limits.sessions_per_minute = 1).await?;
    let lesson = rig.lesson("Phân số").await?;
    let (_, host) = rig.invite(&lesson, "host").await?;
    let publish = async || post(&rig, &format!("/whip/{lesson}"), &host, &offer(true)?.1).await;
    publish().await?.expect(StatusCode::CREATED)?;
    let refused = publish().await?.expect(StatusCode::TOO_MANY_REQUESTS)?;
    assert_eq!(refused.problem()?, "rate_limited");
    ensure!(refused.header(header::RETRY_AFTER).parse::<u64>()? <= 60, "{:?}", refused.headers);
    Ok(())
}

#[tokio::test]
async fn pages_hear_what_is_published_and_an_encoder_can_start_the_lesson_by_itself() -> Result<()> {
    let rig = Rig::start_with(|config| config.lesson.autostart_on_publish = true).await?;
    let lesson = rig.lesson("Phân số").await?;
    let host = rig.invite(&lesson, "host").await?;
    let place = rig.place("Phòng 3A").await?;
    let air = OnAir { rig, lesson, host, place };
    let mut tv = air.rig.page(&air.place.1).await?;
    let mut teacher = air.rig.page(&air.host.1).await?;
    let mut encoder = MediaPeer::connect(&air.rig, &air.whip(), &air.host.1).await?;
    for n in 1..=10 {
        encoder.speak(n).await?;
    }
    tv.next_where("lesson", |message| message["lesson"]["state"] == "live").await?;
    let opus = json!({"program_audio":{"codec":"opus"}});
    tv.next_where("media", |media| media["slots"] == opus).await?;
    let uplink = teacher.next("uplink").await?;
    ensure!(uplink["loss"].as_f64().is_some_and(|loss| (0.0..=1.0).contains(&loss)), "{uplink}");
    air.rig.delete(&encoder.location, &air.host.1).await?.expect(StatusCode::OK)?;
    encoder.closed().await?;
    tv.next_where("media", |media| media["slots"] == json!({})).await?;
    Ok(())
}
