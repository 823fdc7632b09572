//! Pages on the WebSocket: who is let in, what they are told, and how they are cut off.

use crate::rig::{PATIENCE, Page, Reply, Rig};
use anyhow::{Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// A lesson with a host, an observer and a place, each with an open page.
struct Classroom {
    rig: Rig,
    lesson: String,
    host_link: (String, String),
    observer_link: (String, String),
    place: (String, String),
}

impl Classroom {
    async fn open() -> Result<Self> {
        let rig = Rig::start().await?;
        let lesson = rig.lesson("Phân số").await?;
        let host_link = rig.invite(&lesson, "host").await?;
        let observer_link = rig.invite(&lesson, "observer").await?;
        let place = rig.place("Phòng 3A").await?;
        Ok(Self { rig, lesson, host_link, observer_link, place })
    }
}

fn state_is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |message| message["lesson"]["state"] == state
}

#[tokio::test]
async fn every_page_is_welcomed_as_what_its_link_makes_it() -> Result<()> {
    let room = Classroom::open().await?;
    let welcome = room.rig.page(&room.host_link.1).await?.welcome;
    assert_eq!((&welcome["role"], &welcome["lesson"]["id"]), (&json!("host"), &json!(room.lesson)));
    let welcome = room.rig.page(&room.observer_link.1).await?.welcome;
    assert_eq!((&welcome["role"], &welcome["place"]), (&json!("observer"), &Value::Null));
    let welcome = room.rig.page(&room.place.1).await?.welcome;
    assert_eq!((&welcome["role"], &welcome["place"]["name"]), (&json!("place"), &json!("Phòng 3A")));
    assert_eq!(welcome["lesson"], Value::Null, "nothing is on air and nothing is announced");
    let welcome = room.rig.page(room.rig.organiser()).await?.welcome;
    assert_eq!((&welcome["role"], &welcome["lesson"]), (&json!("organiser"), &Value::Null));
    Ok(())
}

#[tokio::test]
async fn a_page_without_a_good_link_is_told_why_and_not_to_try_again() -> Result<()> {
    let room = Classroom::open().await?;
    let closed = async |first: Value| -> Result<(Value, u16)> {
        let mut page = Page::open(&room.rig, "").await?;
        page.send(first).await?;
        let (said, code) = page.until_closed().await?;
        Ok((said.last().cloned().unwrap_or_default(), code))
    };
    let hello =
        |token: &str, v: u32| json!({"type":"hello","v":v,"token":token,"device":{"kind":"tv","codecs":[]}});
    let (said, code) = closed(hello("wrong", 1)).await?;
    assert_eq!((&said["code"], code), (&json!("unauthorized"), 4401));
    ensure!(said["detail_vi"].is_string() && said["detail"].is_string(), "{said}");
    let revoke = format!("/api/invitations/{}", room.observer_link.0);
    room.rig.delete(&revoke, room.rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    let (said, code) = closed(hello(&room.observer_link.1, 1)).await?;
    assert_eq!((&said["code"], code), (&json!("invitation_revoked"), 4401));
    let (said, code) = closed(hello(&room.host_link.1, 99)).await?;
    assert_eq!((&said["code"], code), (&json!("version_unsupported"), 4400));
    let (said, code) = closed(json!({"type":"lesson.start"})).await?;
    assert_eq!((&said["code"], code), (&json!("hello_first"), 4400));
    Ok(())
}

#[tokio::test]
async fn when_the_teacher_starts_every_screen_hears_of_it_and_a_new_one_too() -> Result<()> {
    let room = Classroom::open().await?;
    let mut host = room.rig.page(&room.host_link.1).await?;
    let mut observer = room.rig.page(&room.observer_link.1).await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    host.send(json!({"type":"lesson.test"})).await?;
    observer.next_where("lesson", state_is("test_run")).await?;
    tv.next_where("lesson", state_is("test_run")).await?;
    assert_eq!(tv.next("media").await?["slots"], json!({}), "nothing is published yet");
    host.send(json!({"type":"lesson.start"})).await?;
    for page in [&mut host, &mut observer, &mut tv] {
        page.next_where("lesson", state_is("live")).await?;
    }
    let late = room.rig.page(&room.place.1).await?.welcome;
    assert_eq!(late["lesson"]["state"], "live");
    host.send(json!({"type":"lesson.start"})).await?;
    assert_eq!(host.next("error").await?["code"], "wrong_state");
    tv.send(json!({"type":"lesson.end"})).await?;
    assert_eq!(tv.next("error").await?["code"], "forbidden");
    host.send(json!({"type":"lesson.end"})).await?;
    tv.next_where("lesson", state_is("ended")).await?;
    tv.next_where("lesson", |message| message["lesson"].is_null()).await?;
    Ok(())
}

#[tokio::test]
async fn a_place_stays_connected_from_one_lesson_to_the_next() -> Result<()> {
    let room = Classroom::open().await?;
    let second = room.rig.lesson("Số thập phân").await?;
    let second_host = room.rig.invite(&second, "host").await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    let mut hosts = [room.rig.page(&room.host_link.1).await?, room.rig.page(&second_host.1).await?];
    hosts[0].send(json!({"type":"lesson.start"})).await?;
    let shown = tv.next_where("lesson", state_is("live")).await?;
    assert_eq!(shown["lesson"]["id"], room.lesson);
    hosts[1].send(json!({"type":"lesson.start"})).await?;
    hosts[1].next_where("lesson", state_is("live")).await?;
    hosts[0].send(json!({"type":"lesson.end"})).await?;
    tv.next_where("lesson", state_is("ended")).await?;
    let shown = tv.next_where("lesson", state_is("live")).await?;
    assert_eq!(shown["lesson"]["id"], second, "the class was not pulled out of the first lesson");
    Ok(())
}

#[tokio::test]
async fn the_teacher_sees_a_room_come_freeze_and_go() -> Result<()> {
    let room = Classroom::open().await?;
    let mut host = room.rig.page(&room.host_link.1).await?;
    let first = host.next("roster").await?;
    assert_eq!((&first["connected"], &first["total"]), (&json!(0), &json!(1)));
    host.send(json!({"type":"lesson.start"})).await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    let board = host.next_where("roster", |roster| roster["connected"] == 1).await?;
    assert_eq!(board["places"][0]["state"], "connected", "no media flows");
    let places = room.rig.get("/api/places", room.rig.organiser()).await?.json()?;
    assert_eq!(places["places"][0]["connected"], true);
    let report = json!({"type":"report","frames_decoded":9,"frozen":true,"audio_level":null,"muted":true,"visible":true,"path":"webrtc"});
    tv.send(report).await?;
    host.next_where("roster", |roster| {
        roster["places"][0]["frozen"] == true && roster["places"][0]["muted"] == true
    })
    .await?;
    tv.leave().await?;
    host.next_where("roster", |roster| roster["places"][0]["state"] == "gone").await?;
    Ok(())
}

#[tokio::test]
async fn the_teacher_is_told_the_codec_every_room_decodes() -> Result<()> {
    let room = Classroom::open().await?;
    let mut host = room.rig.page(&room.host_link.1).await?;
    assert_eq!(host.next("codec").await?["prefer"], "vp8", "nobody is here yet");
    host.send(json!({"type":"lesson.start"})).await?;
    let _tv = room.rig.page(&room.place.1).await?;
    host.next_where("codec", |codec| codec["prefer"] == "h264").await?;
    let mut old = Page::open(&room.rig, "").await?;
    let codecs = json!([{"codec":"vp8","hardware":false},{"codec":"av1","hardware":true}]);
    let device = json!({"kind":"tv","codecs":codecs});
    old.send(json!({"type":"hello","v":1,"token":room.place.1,"lang":"vi","device":device})).await?;
    host.next_where("codec", |codec| codec["prefer"] == "vp8").await?;
    Ok(())
}

#[tokio::test]
async fn a_revoked_link_closes_its_pages_within_a_second_and_nobody_elses() -> Result<()> {
    let room = Classroom::open().await?;
    let mut observer = room.rig.page(&room.observer_link.1).await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    let revoked_at = Instant::now();
    let revoke = format!("/api/invitations/{}", room.observer_link.0);
    room.rig.delete(&revoke, room.rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    let (said, code) = observer.until_closed().await?;
    ensure!(revoked_at.elapsed() < Duration::from_secs(1), "{:?}", revoked_at.elapsed());
    assert_eq!(code, 4403);
    assert_eq!(said.last(), Some(&json!({"type":"closing","reason":"revoked","retry":false})));
    tv.send(json!({"type":"ping","t":7})).await?;
    assert_eq!(tv.next("pong").await?["t"], 7);
    let new_link = format!("/api/places/{}/link", room.place.0);
    room.rig.send(Method::POST, &new_link, room.rig.organiser(), json!({})).await?.expect(StatusCode::OK)?;
    assert_eq!(tv.until_closed().await?.1, 4403);
    Ok(())
}

#[tokio::test]
async fn a_deleted_lesson_closes_its_pages_but_a_tv_stays_for_the_next() -> Result<()> {
    let room = Classroom::open().await?;
    let mut host = room.rig.page(&room.host_link.1).await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    host.send(json!({"type":"lesson.test"})).await?;
    tv.next_where("lesson", state_is("test_run")).await?;
    let path = format!("/api/lessons/{}", room.lesson);
    room.rig.delete(&path, room.rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    let (said, code) = host.until_closed().await?;
    assert_eq!((code, &said[said.len() - 1]["reason"]), (4410, &json!("lesson_deleted")));
    tv.next_where("lesson", |message| message["lesson"].is_null()).await?;
    tv.send(json!({"type":"ping","t":1})).await?;
    tv.next("pong").await?;
    Ok(())
}

#[tokio::test]
async fn a_teacher_who_reloads_takes_over_from_her_own_page() -> Result<()> {
    let room = Classroom::open().await?;
    let mut old = room.rig.page(&room.host_link.1).await?;
    let mut new = room.rig.page(&room.host_link.1).await?;
    let (said, code) = old.until_closed().await?;
    assert_eq!((code, &said[said.len() - 1]["reason"]), (4409, &json!("replaced")));
    new.send(json!({"type":"lesson.start"})).await?;
    new.next_where("lesson", state_is("live")).await?;
    Ok(())
}

#[tokio::test]
async fn an_organiser_of_the_server_opens_the_lesson_she_looks_at() -> Result<()> {
    let room = Classroom::open().await?;
    let mut page = Page::open(&room.rig, &format!("?lesson={}", room.lesson)).await?;
    page.hello(room.rig.organiser()).await?;
    assert_eq!(page.welcome["lesson"]["id"], room.lesson);
    assert_eq!(page.next("roster").await?["total"], 1);
    page.send(json!({"type":"lesson.start"})).await?;
    page.next_where("lesson", state_is("live")).await?;
    let mut curious = Page::open(&room.rig, &format!("?lesson={}", room.lesson)).await?;
    curious.hello(&room.place.1).await?;
    assert_eq!(curious.welcome["role"], "place", "the query gives nobody else anything");
    Ok(())
}

#[tokio::test]
async fn messages_that_make_no_sense_are_answered_and_the_page_goes_on() -> Result<()> {
    let room = Classroom::open().await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    let answer_to = async |tv: &mut Page, text: &str| -> Result<Value> {
        tv.send_text(text).await?;
        Ok(tv.next("error").await?["code"].clone())
    };
    assert_eq!(answer_to(&mut tv, "{").await?, "message_malformed");
    assert_eq!(answer_to(&mut tv, r#"{"type":"dance"}"#).await?, "message_unknown");
    let demand = r#"{"type":"demand","peer":"somebody-elses","slot":"program_video","layer":"low"}"#;
    assert_eq!(answer_to(&mut tv, demand).await?, "session_unknown");
    let pad = format!(r#"{{"type":"ping","t":"{}"}}"#, "a".repeat(64 * 1024));
    tv.send_text(&pad).await?;
    let (said, code) = tv.until_closed().await?;
    assert_eq!((code, &said[said.len() - 1]["code"]), (4400, &json!("too_large")));
    Ok(())
}

#[tokio::test]
async fn sockets_that_say_nothing_do_not_keep_a_school_out() -> Result<()> {
    let rig = Rig::start_with(|config| config.limits.waiting_sockets_per_address = 2).await?;
    let (_, token) = rig.place("Phòng 3A").await?;
    let mut silent = [Page::open(&rig, "").await?, Page::open(&rig, "").await?];
    assert!(Page::open(&rig, "").await.is_err(), "a third one must wait");
    let (said, code) = silent[0].until_closed().await?;
    assert_eq!((code, &said[0]["code"]), (4400, &json!("hello_first")), "after 5 s");
    silent[1].until_closed().await?;
    for _ in 0..3 {
        rig.page(&token).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stopping_server_tells_every_page_to_come_back_and_keeps_the_lesson_live() -> Result<()> {
    let room = Classroom::open().await?;
    let mut host = room.rig.page(&room.host_link.1).await?;
    let mut tv = room.rig.page(&room.place.1).await?;
    host.send(json!({"type":"lesson.start"})).await?;
    tv.next_where("lesson", state_is("live")).await?;
    let mut silent = Page::open(&room.rig, "").await?;
    let Classroom { rig, lesson, place, .. } = room;
    let farewell = async |page: &mut Page| -> Result<()> {
        let (said, code) = page.until_closed().await?;
        ensure!(code == 1012, "closed with {code}");
        ensure!(said.last() == Some(&json!({"type":"closing","reason":"draining","retry":true})), "{said:?}");
        Ok(())
    };
    let stopped_at = Instant::now();
    let (rig, host, tv, silent) =
        tokio::join!(rig.restart(), farewell(&mut host), farewell(&mut tv), farewell(&mut silent));
    host.and(tv).and(silent)?;
    let rig = rig?;
    ensure!(stopped_at.elapsed() < PATIENCE / 2, "{:?}", stopped_at.elapsed());
    let welcome = rig.page(&place.1).await?.welcome;
    assert_eq!((&welcome["lesson"]["id"], &welcome["lesson"]["state"]), (&json!(lesson), &json!("live")));
    let ready = Reply::of(rig.request(Method::GET, "/readyz", None)).await?;
    assert_eq!(ready.status, StatusCode::OK);
    Ok(())
}
