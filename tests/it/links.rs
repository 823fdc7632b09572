//! Weak links and slides as stills, page by page: what a screen says of itself, and what it hears back.

use crate::{
    lesson::Class,
    media_peer::MediaPeer,
    rig::{Reply, Rig},
};
use anyhow::{Result, ensure};
use domain::Slot;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

/// As much of a WebP as anybody looks at here.
fn webp(bytes: usize) -> Vec<u8> {
    let mut image = b"RIFF\0\0\0\0WEBPVP8 ".to_vec();
    image.resize(bytes, 7);
    image
}

async fn put(rig: &Rig, lesson: &str, token: &str, image: Vec<u8>) -> Result<Reply> {
    let path = format!("/api/lessons/{lesson}/stills");
    Reply::of(rig.request(Method::POST, &path, Some(token)).body(image)).await
}

#[tokio::test]
async fn a_slide_reaches_every_page_as_a_still_and_the_newest_one_whoever_comes_later() -> Result<()> {
    let Class { rig, lesson, host_link, mut a, mut b, .. } = Class::live().await?;
    let receipt = put(&rig, &lesson, &host_link.1, webp(9_000)).await?.expect(StatusCode::CREATED)?.json()?;
    assert_eq!(receipt["no"], 1);
    put(&rig, &lesson, &host_link.1, webp(7_000)).await?.expect(StatusCode::CREATED)?;
    for room in [&mut a, &mut b] {
        let news = room.tv.next_where("still", |news| news["still"]["no"] == 2).await?;
        assert_eq!(news["still"]["bytes"], 7_000);
    }
    let mut late = rig.page(&b.token).await?;
    assert_eq!(late.next("still").await?["still"]["no"], 2);
    let still = async |no: u32, token: &str| -> Result<(StatusCode, String, usize)> {
        let path = format!("/api/lessons/{lesson}/stills/{no}");
        let response = rig.request(Method::GET, &path, Some(token)).send().await?;
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        Ok((response.status(), kind, response.bytes().await?.len()))
    };
    assert_eq!(still(2, &a.token).await?, (StatusCode::OK, "image/webp".to_owned(), 7_000));
    assert_eq!(still(1, &a.token).await?.0, StatusCode::NOT_FOUND, "the older one is on no screen any more");
    Ok(())
}

#[tokio::test]
async fn only_the_host_shows_stills_and_only_pictures_are_stills() -> Result<()> {
    let Class { rig, lesson, host_link, a, .. } = Class::live().await?;
    let observer = rig.invite(&lesson, "observer").await?;
    for token in [&a.token, &a.phone_token, &observer.1] {
        assert_eq!(put(&rig, &lesson, token, webp(100)).await?.problem()?, "forbidden");
    }
    for (image, code) in [
        (b"<svg onload=alert(1)>".to_vec(), "unsupported_media_type"),
        (Vec::new(), "unsupported_media_type"),
        (webp(70_000), "too_large"),
    ] {
        assert_eq!(put(&rig, &lesson, &host_link.1, image).await?.problem()?, code);
    }
    Ok(())
}

/// A far screen's media begins before its page is in the lesson: what it may use is said with the offer.
#[tokio::test]
async fn a_ceiling_that_was_said_with_the_offer_holds_before_the_page_is_there() -> Result<()> {
    let Class { rig, lesson, host_link, mut host, a, .. } = Class::live().await?;
    let _teacher = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host_link.1).await?.publish(1);
    let _media = MediaPeer::connect(&rig, "/whep?stills=true&ceiling_kbps=40", &a.token).await?.watch();
    let saves = |news: &Value| {
        let tiles = news["tiles"].as_array().cloned().unwrap_or_default();
        tiles.iter().any(|tile| tile["id"] == a.id.as_str() && tile["cause"] == "saver")
    };
    host.next_where("board", saves).await?;
    Ok(())
}

#[tokio::test]
async fn a_screen_that_saves_data_hears_that_it_does_and_nobody_else_is_held_back() -> Result<()> {
    let Class { rig, lesson, host_link, mut host, mut a, .. } = Class::live().await?;
    let _teacher = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host_link.1).await?.publish(1);
    let peer = MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &a.token).await?;
    let secret = peer.location.rsplit('/').next().unwrap_or_default().to_owned();
    let mut media = peer.watch();
    media.gets(|got| got.count(Slot::ProgramVideo) > 0).await?;
    let terms = |ceiling: Value| json!({"type":"terms","peer":secret,"stills":true,"can_wait":true,"ceiling_kbps":ceiling,"ceiling_mb":null});
    a.tv.send(terms(Value::Null)).await?;
    let free = a.tv.next_where("link", |news| news["rung"] == 6).await?;
    assert_eq!((&free["cause"], &free["withheld"]), (&Value::Null, &json!([])));
    // Voice alone fits under this ceiling.
    a.tv.send(terms(json!(40))).await?;
    let saving = a.tv.next_where("link", |news| news["cause"] == "saver").await?;
    ensure!(saving["rung"].as_u64().is_some_and(|rung| rung < 6), "{saving}");
    let id = a.id.clone();
    let tile = |news: &Value| {
        let tiles = news["tiles"].as_array().cloned().unwrap_or_default();
        tiles.into_iter().find(|tile| tile["id"] == id.as_str())
    };
    host.next_where("board", |news| tile(news).is_some_and(|tile| tile["cause"] == "saver")).await?;
    // Nobody speaks for another page's session.
    let mut b = rig.page(&rig.place("Sín Chéng – phòng 2").await?.1).await?;
    b.send(terms(Value::Null)).await?;
    assert_eq!(b.next("error").await?["code"], "session_unknown");
    Ok(())
}
