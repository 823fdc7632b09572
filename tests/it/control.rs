//! Who holds the lesson and whom it keeps out: locking, removing, handing over, taking over.

use crate::{
    lesson::Class,
    media_peer::MediaPeer,
    rig::{Page, Rig, token_of},
};
use anyhow::{Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

async fn observer(rig: &Rig, token: &str, seat: Option<&str>) -> Result<Page> {
    let mut page = Page::open(rig, "").await?;
    let device = json!({ "kind": "browser", "codecs": [] });
    page.send(json!({"type":"hello","v":1,"token":token,"device":device,"name":"Cô Hoa","seat":seat}))
        .await?;
    page.welcome = page.next("welcome").await?;
    Ok(page)
}

async fn refused(rig: &Rig, token: &str, seat: Option<&str>) -> Result<Value> {
    let mut page = Page::open(rig, "").await?;
    let device = json!({ "kind": "browser", "codecs": [] });
    page.send(json!({"type":"hello","v":1,"token":token,"device":device,"seat":seat})).await?;
    let (said, _) = page.until_closed().await?;
    Ok(said[said.len() - 1]["code"].clone())
}

#[tokio::test]
async fn a_locked_class_lets_back_in_who_was_there_and_nobody_else() -> Result<()> {
    let Class { rig, lesson, mut host, a, .. } = Class::live().await?;
    let (_, link) = rig.invite(&lesson, "observer").await?;
    let known = observer(&rig, &link, None).await?;
    let seat = known.welcome["seat"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        host.next_where("observers", |news| news["names"] != json!([])).await?["names"],
        json!(["Cô Hoa"])
    );
    host.does(json!({"type":"lesson.lock","locked":true})).await?;
    host.next_where("lesson", |news| news["lesson"]["locked"] == true).await?;
    // The leaked link brings in nobody new; whoever was there reloads her page.
    assert_eq!(refused(&rig, &link, None).await?, "lesson_locked");
    assert_eq!(refused(&rig, &link, Some("made-up")).await?, "lesson_locked");
    observer(&rig, &link, Some(&seat)).await?;
    rig.page(&a.token).await?;
    rig.page(&a.phone_token).await?;
    let (_, late) = rig.place("Phòng đến muộn").await?;
    assert_eq!(refused(&rig, &late, None).await?, "lesson_locked");
    let whep = MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &link).await;
    ensure!(whep.is_err(), "a player without a seat must stay out");
    MediaPeer::connect(&rig, &format!("/whep/{lesson}?seat={seat}"), &link).await?;
    host.does(json!({"type":"lesson.lock","locked":false})).await?;
    rig.page(&late).await?;
    Ok(())
}

#[tokio::test]
async fn a_room_that_is_sent_out_leaves_within_a_second_and_keeps_its_link() -> Result<()> {
    let Class { rig, lesson, mut host, mut a, .. } = Class::live().await?;
    let mut media = MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &a.token).await?;
    let sent_out_at = Instant::now();
    host.does(json!({"type":"place.remove","place":a.id})).await?;
    media.closed().await?;
    ensure!(sent_out_at.elapsed() < Duration::from_secs(1), "{:?}", sent_out_at.elapsed());
    a.tv.next_where("lesson", |news| news["lesson"].is_null()).await?;
    a.phone.next_where("lesson", |news| news["lesson"].is_null()).await?;
    let again = MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &a.token).await;
    ensure!(again.is_err(), "it must not watch");
    assert_eq!(rig.get("/api/me", &a.token).await?.json()?["lesson"], Value::Null);
    let board = host
        .next_where("board", |news| {
            news["tiles"][0]["removed"] == true || news["tiles"][1]["removed"] == true
        })
        .await?;
    ensure!(board["full"] == true || board["full"] == false);
    host.does(json!({"type":"place.readmit","place":a.id})).await?;
    a.tv.next_where("lesson", |news| news["lesson"]["id"] == lesson.as_str()).await?;
    Ok(())
}

#[tokio::test]
async fn the_lesson_is_handed_over_and_the_first_host_can_do_no_more_harm() -> Result<()> {
    let Class { rig, lesson, mut host, .. } = Class::live().await?;
    let (other_id, other) = rig.invite(&lesson, "host").await?;
    let mut second = rig.page(&other).await?;
    let mut media = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host.token).await?;
    let charge = host
        .next_where("charge", |news| news["hosts"].as_array().is_some_and(|hosts| hosts.len() == 2))
        .await?;
    assert_eq!(charge["in_charge"], Value::Null);
    host.does(json!({"type":"charge.give","to":other_id})).await?;
    media.closed().await?;
    second.next_where("charge", |news| news["in_charge"] == other_id.as_str()).await?;
    assert_eq!(host.ask(json!({"type":"lesson.end"})).await?, "not_in_charge");
    assert_eq!(host.ask(json!({"type":"question.close"})).await?, "not_in_charge");
    let whip = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host.token).await;
    ensure!(whip.is_err(), "only who is in charge publishes");
    MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &other).await?;
    assert_eq!(second.ask(json!({"type":"charge.give","to":"0000000000000"})).await?, "invitation_unknown");
    // The link in charge is revoked: the lesson is not left without a teacher.
    rig.delete(&format!("/api/invitations/{other_id}"), rig.organiser())
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    host.next_where("charge", |news| news["in_charge"].is_null()).await?;
    host.does(json!({"type":"lesson.end"})).await?;
    Ok(())
}

#[tokio::test]
async fn a_second_device_of_the_same_host_takes_over_cleanly() -> Result<()> {
    let Class { rig, lesson, host_link, mut host, mut a, .. } = Class::live().await?;
    let path = format!("/whip/{lesson}");
    let mut laptop = MediaPeer::connect(&rig, &path, &host_link.1).await?;
    laptop.speak(1).await?;
    a.tv.next_where("media", |news| news["slots"]["program_audio"].is_object()).await?;
    let mut phone_page = rig.page(&host_link.1).await?;
    let (said, code) = host.until_closed().await?;
    assert_eq!((code, &said[said.len() - 1]["reason"]), (4409, &json!("replaced")));
    let mut phone = MediaPeer::connect(&rig, &path, &host_link.1).await?;
    laptop.closed().await?;
    phone.speak(1).await?;
    phone_page
        .does(json!({"type":"question.open","kind":"text","mode":"room","options":null,"prompt":null}))
        .await?;
    a.phone.does(json!({"type":"answer","question":1,"value":{"text":"Ba phần tư"}})).await?;
    let welcome = rig.page(&a.token).await?;
    ensure!(welcome.welcome["lesson"]["state"] == "live");
    Ok(())
}

#[tokio::test]
async fn a_leaked_host_link_is_revoked_and_its_media_stops_within_a_second() -> Result<()> {
    let Class { rig, lesson, host_link, mut host, mut a, .. } = Class::live().await?;
    let mut media = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host_link.1).await?;
    media.speak(1).await?;
    a.tv.next_where("media", |news| news["slots"]["program_audio"].is_object()).await?;
    let revoked_at = Instant::now();
    rig.delete(&format!("/api/invitations/{}", host_link.0), rig.organiser())
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    media.closed().await?;
    a.tv.next_where("media", |news| news["slots"] == json!({})).await?;
    ensure!(revoked_at.elapsed() < Duration::from_secs(1), "{:?}", revoked_at.elapsed());
    let (_, code) = host.until_closed().await?;
    assert_eq!(code, 4403);
    // The next teacher gets a link of her own.
    let path = format!("/api/lessons/{lesson}/invitations");
    let next = rig.send(Method::POST, &path, rig.organiser(), json!({"role":"host"})).await?;
    rig.page(&token_of(&next.expect(StatusCode::CREATED)?.string("url")?)?).await?;
    Ok(())
}
