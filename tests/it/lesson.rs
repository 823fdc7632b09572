//! A lesson with its rooms: hands, help, messages, questions, pupils' works, and the board that tells the truth.

use crate::{
    media_peer::MediaPeer,
    rig::{Page, Reply, Rig},
};
use anyhow::{Result, ensure};
use domain::Slot;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{io::Cursor, time::Duration};
use tokio::time::Instant;

/// A live lesson with a host and two rooms, each with a screen and a phone.
pub(crate) struct Class {
    pub(crate) rig: Rig,
    pub(crate) lesson: String,
    pub(crate) host_link: (String, String),
    pub(crate) host: Page,
    pub(crate) a: Room,
    pub(crate) b: Room,
}

/// A room's pages.
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) tv: Page,
    pub(crate) phone_token: String,
    pub(crate) phone: Page,
}

impl Class {
    pub(crate) async fn live() -> Result<Self> {
        let rig = Rig::start().await?;
        let lesson = rig.lesson("Phân số").await?;
        let host_link = rig.invite(&lesson, "host").await?;
        let mut host = rig.page(&host_link.1).await?;
        host.does(json!({"type":"lesson.start"})).await?;
        let a = Room::open(&rig, "Mèo Vạc – phòng 3A").await?;
        let b = Room::open(&rig, "Sủng Trà – phòng 3B").await?;
        Ok(Self { rig, lesson, host_link, host, a, b })
    }
}

impl Room {
    pub(crate) async fn open(rig: &Rig, name: &str) -> Result<Self> {
        let (id, token) = rig.place(name).await?;
        let tv = rig.page(&token).await?;
        let phone_token = rig.helper(&token).await?;
        let phone = rig.page(&phone_token).await?;
        Ok(Self { id, token, tv, phone_token, phone })
    }
}

fn places(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["place"].as_str()).collect()
}

#[tokio::test]
async fn a_phone_comes_in_by_the_screen_without_an_account_and_helps_only_its_own_room() -> Result<()> {
    let Class { rig, lesson, mut a, .. } = Class::live().await?;
    let welcome = &a.phone.welcome;
    assert_eq!((&welcome["role"], &welcome["place"]["id"]), (&json!("helper"), &json!(a.id)));
    assert_eq!(welcome["lesson"]["id"], lesson);
    let me = rig.get("/api/me", &a.phone_token).await?.json()?;
    assert_eq!((&me["role"], &me["place"]["name"]), (&json!("helper"), &json!("Mèo Vạc – phòng 3A")));
    // What a helper may not do, of the host's, the organiser's and her neighbours' things.
    for (message, code) in [
        (json!({"type":"lesson.end"}), "forbidden"),
        (json!({"type":"speak.call","place":a.id}), "forbidden"),
        (json!({"type":"question.close"}), "forbidden"),
        (json!({"type":"lesson.lock","locked":true}), "forbidden"),
        (json!({"type":"speak.accept","audio_only":false,"device":"phone"}), "not_called"),
    ] {
        assert_eq!(a.phone.ask(message.clone()).await?, code, "{message}");
    }
    let stranger =
        Reply::of(rig.request(Method::POST, "/api/helpers", None).json(&json!({"ticket":"0".repeat(26)})));
    assert_eq!(stranger.await?.expect(StatusCode::NOT_FOUND)?.problem()?, "ticket_unknown");
    Ok(())
}

#[tokio::test]
async fn a_phone_is_sent_away_by_its_screen_or_the_organiser_and_closes_at_once() -> Result<()> {
    let Class { rig, mut a, b, .. } = Class::live().await?;
    let list = rig.get(&format!("/api/places/{}/helpers", a.id), &a.token).await?.json()?;
    let helper = list["helpers"][0].clone();
    assert_eq!((&helper["label"], &helper["connected"]), (&json!("Android"), &json!(true)));
    let path = format!("/api/helpers/{}", helper["id"].as_str().unwrap_or_default());
    assert_eq!(
        rig.delete(&path, &b.token).await?.expect(StatusCode::NOT_FOUND)?.problem()?,
        "helper_unknown"
    );
    let asked_at = Instant::now();
    rig.delete(&path, &a.token).await?.expect(StatusCode::NO_CONTENT)?;
    let (said, code) = a.phone.until_closed().await?;
    ensure!(asked_at.elapsed() < Duration::from_secs(1), "{:?}", asked_at.elapsed());
    assert_eq!((code, &said[said.len() - 1]["reason"]), (4403, &json!("revoked")));
    assert_eq!(rig.get("/api/me", &a.phone_token).await?.problem()?, "invitation_revoked");
    assert_eq!(rig.get("/api/me", &a.token).await?.status, StatusCode::OK, "the screen stays");
    // A new link for the place ends its phones too.
    let link = format!("/api/places/{}/link", b.id);
    rig.send(Method::POST, &link, rig.organiser(), json!({})).await?.expect(StatusCode::OK)?;
    assert_eq!(rig.get("/api/me", &b.phone_token).await?.problem()?, "invitation_revoked");
    Ok(())
}

#[tokio::test]
async fn hands_go_up_on_the_phone_and_queue_on_the_hosts_page() -> Result<()> {
    let Class { mut host, mut a, mut b, .. } = Class::live().await?;
    b.phone.does(json!({"type":"hand","up":true})).await?;
    a.tv.does(json!({"type":"hand","up":true})).await?;
    a.phone.does(json!({"type":"hand","up":true})).await?;
    let queue = host
        .next_where("hands", |news| news["hands"].as_array().is_some_and(|hands| hands.len() == 2))
        .await?;
    assert_eq!(places(&queue["hands"]), [b.id.as_str(), a.id.as_str()]);
    let room = a.tv.next_where("room", |room| room["hand"]["position"] == 2).await?;
    assert_eq!(room["may_connect"], true, "it may warm up");
    host.does(json!({"type":"hand.lower","place":b.id})).await?;
    a.phone.next_where("room", |room| room["hand"]["position"] == 1).await?;
    b.tv.next_where("room", |room| room["hand"].is_null()).await?;
    Ok(())
}

#[tokio::test]
async fn a_room_that_calls_for_help_is_red_on_the_board_with_what_to_do() -> Result<()> {
    let Class { mut host, mut a, .. } = Class::live().await?;
    let asked_at = Instant::now();
    a.phone.does(json!({"type":"help","kind":"no_sound","on":true})).await?;
    let id = a.id.clone();
    let tile = move |news: &Value, state: &str| {
        let tiles = news["tiles"].as_array().cloned().unwrap_or_default();
        tiles.iter().any(|tile| tile["id"] == id.as_str() && tile["state"] == state)
    };
    let board = host.next_where("board", |news| tile(news, "no_sound")).await?;
    ensure!(asked_at.elapsed() < Duration::from_secs(2), "{:?}", asked_at.elapsed());
    let red =
        board["tiles"].as_array().and_then(|tiles| tiles.iter().find(|tile| tile["id"] == a.id.as_str()));
    let red = red.cloned().unwrap_or_default();
    assert_eq!((&red["cause"], &red["next"]), (&json!("helper"), &json!("check_speaker")));
    assert_eq!(red["help"][0]["kind"], "no_sound");
    host.does(json!({"type":"help.clear","place":a.id,"kind":"no_sound"})).await?;
    host.next_where("board", |news| tile(news, "waiting")).await?;
    a.phone.next_where("room", |room| room["help"] == json!([])).await?;
    Ok(())
}

#[tokio::test]
async fn private_messages_pass_between_helper_and_host_and_never_reach_a_screen() -> Result<()> {
    let Class { rig, mut host, mut a, mut b, .. } = Class::live().await?;
    a.phone.does(json!({"type":"message.send","key":"k1","text":"Lớp em mất tiếng ạ."})).await?;
    a.phone.does(json!({"type":"message.send","key":"k1","text":"Lớp em mất tiếng ạ."})).await?;
    let heard = host.next("message").await?;
    assert_eq!((&heard["from"], &heard["place"], &heard["no"]), (&json!("helper"), &json!(a.id), &json!(1)));
    host.does(json!({"type":"message.send","place":a.id,"key":"h1","text":"Thầy/cô bật loa nhé."})).await?;
    a.phone.next_where("message", |message| message["from"] == "host").await?;
    host.does(json!({"type":"message.send","place":null,"key":"h2","text":"Còn 5 phút."})).await?;
    b.phone.next_where("message", |message| message["key"] == "h2").await?;
    // Whoever comes back finds what was said to her, and only that.
    let mut again = rig.page(&b.phone_token).await?;
    let texts: Vec<String> = again.next("messages").await?["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|message| message["text"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(texts, ["Còn 5 phút."]);
    // The screen gets the next message of everybody, and none of these before it.
    host.does(json!({"type":"lesson.lock","locked":true})).await?;
    let mut said = Vec::new();
    loop {
        let message = a.tv.next_where("lesson", |_| true).await;
        said.push(message?);
        if said.last().is_some_and(|message| message["lesson"]["locked"] == true) {
            break;
        }
    }
    ensure!(a.tv.ask(json!({"type":"message.send","key":"t","text":"?"})).await? == "forbidden");
    Ok(())
}

#[tokio::test]
async fn all_rooms_answer_and_the_chart_is_there_when_the_question_closes() -> Result<()> {
    let Class { rig, lesson, mut host, mut a, mut b, .. } = Class::live().await?;
    host.does(json!({"type":"question.open","kind":"choice","mode":"counts","options":4,"prompt":"Phân số nào lớn nhất?"})).await?;
    let question = a.tv.next_where("question", |news| !news["question"].is_null()).await?["question"].clone();
    assert_eq!((&question["no"], &question["prompt"]), (&json!(1), &json!("Phân số nào lớn nhất?")));
    a.phone.does(json!({"type":"answer","question":1,"value":{"counts":[12,3,0,18]}})).await?;
    b.tv.does(json!({"type":"answer","question":1,"value":{"counts":[1,1,1,1]}})).await?;
    b.tv.does(json!({"type":"answer","question":1,"value":{"counts":[8,2,1,22]}})).await?;
    host.next_where("tally", |tally| tally["totals"] == json!([20, 5, 1, 40])).await?;
    assert_eq!(b.phone.ask(json!({"type":"answer","question":1,"value":{"option":1}})).await?, "unfit");
    let closed_at = Instant::now();
    host.does(json!({"type":"question.close"})).await?;
    let chart = host.next_where("tally", |tally| tally["full"] == true).await?;
    ensure!(closed_at.elapsed() < Duration::from_secs(3), "{:?}", closed_at.elapsed());
    assert_eq!((&chart["rooms"], &chart["totals"]), (&json!(2), &json!([20, 5, 1, 40])));
    a.tv.next_where("question", |news| news["question"].is_null()).await?;
    // A correction that was on its way counts, marked late; screens see results when the host wants.
    b.phone.does(json!({"type":"answer","question":1,"value":{"counts":[8,2,2,21]}})).await?;
    host.next_where("tally", |tally| tally["late"] == 1).await?;
    host.does(json!({"type":"question.show","question":1,"shown":true})).await?;
    let shown = a.tv.next_where("question", |news| !news["question"]["results"].is_null()).await?;
    assert_eq!(shown["question"]["results"]["totals"], json!([20, 5, 2, 39]));
    let asked = rig.get(&format!("/api/lessons/{lesson}/questions"), rig.organiser()).await?.json()?;
    assert_eq!(places(&asked["questions"][0]["answers"]).len(), 2);
    Ok(())
}

/// A photo as a phone takes it, with a place in its metadata.
fn photo() -> Result<Vec<u8>> {
    let page = RgbImage::from_fn(2_000, 1_500, |x, y| {
        if (x / 40 + y / 60) % 3 == 0 { Rgb([30, 40, 120]) } else { Rgb([240, 235, 225]) }
    });
    let mut jpeg = Cursor::new(Vec::new());
    page.write_to(&mut jpeg, ImageFormat::Jpeg)?;
    let jpeg = jpeg.into_inner();
    let secret = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0GPS 21.09N";
    let length = (secret.len() as u16 + 2).to_be_bytes();
    Ok([&jpeg[..2], &[0xff, 0xe1, length[0], length[1]], secret, &jpeg[2..]].concat())
}

#[tokio::test]
async fn a_pupils_work_goes_from_the_phone_to_every_screen_without_a_name() -> Result<()> {
    let Class { rig, lesson, mut host, mut a, mut b, .. } = Class::live().await?;
    let send = async |key: &str, token: &str, body: Vec<u8>| -> Result<Reply> {
        let path = format!("/api/lessons/{lesson}/works?key={key}");
        let request = rig.request(Method::POST, &path, Some(token));
        Reply::of(request.header(header::CONTENT_TYPE, "image/jpeg").body(body)).await
    };
    let receipt = send("p1", &a.phone_token, photo()?).await?.expect(StatusCode::CREATED)?.json()?;
    ensure!(receipt["bytes"].as_u64().is_some_and(|bytes| bytes < 130_000), "{receipt}");
    let again = send("p1", &a.phone_token, photo()?).await?.expect(StatusCode::CREATED)?.json()?;
    assert_eq!(again["no"], receipt["no"], "sent again, it is the same photo");
    let works = host.next_where("works", |news| news["works"] != json!([])).await?;
    assert_eq!((&works["works"][0]["no"], &works["works"][0]["place"]), (&json!(1), &json!(a.id)));
    let picture = format!("/api/lessons/{lesson}/works/1");
    let fetch = async |token: &str| -> Result<(StatusCode, Vec<u8>)> {
        let response = rig.request(Method::GET, &picture, Some(token)).send().await?;
        Ok((response.status(), response.bytes().await?.to_vec()))
    };
    assert_eq!(fetch(&b.token).await?.0, StatusCode::NOT_FOUND, "nobody sees it before the host shows it");
    assert_eq!(fetch(&b.phone_token).await?.0, StatusCode::NOT_FOUND);
    assert_eq!(fetch(&a.phone_token).await?.0, StatusCode::OK);
    host.does(json!({"type":"work.show","works":[1],"named":false})).await?;
    let exhibit = b.tv.next_where("exhibit", |news| news["works"] != json!([])).await?;
    assert_eq!(exhibit["works"], json!([{"no":1,"name":null}]));
    let (status, jpeg) = fetch(&b.token).await?;
    assert_eq!(status, StatusCode::OK);
    ensure!(!jpeg.windows(3).any(|bytes| bytes == b"GPS"), "the photo says where it was taken");
    image::load_from_memory(&jpeg)?;
    host.does(json!({"type":"work.keep","work":1,"kept":true})).await?;
    // What is no photo, is not a helper's, or comes too often is refused by name.
    assert_eq!(send("p2", &a.phone_token, b"not a photo".to_vec()).await?.problem()?, "picture_unreadable");
    assert_eq!(send("p2", &a.token, photo()?).await?.problem()?, "forbidden");
    assert_eq!(send("p2", &a.phone_token, vec![0; 11 << 20]).await?.problem()?, "too_large");
    let plain =
        rig.request(Method::POST, &format!("/api/lessons/{lesson}/works?key=p3"), Some(&a.phone_token));
    assert_eq!(Reply::of(plain.body("x")).await?.problem()?, "unsupported_media_type");
    a.phone.does(json!({"type":"work.delete","work":1})).await?;
    b.tv.next_where("exhibit", |news| news["works"] == json!([])).await?;
    assert_eq!(fetch(&a.phone_token).await?.0, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn the_phone_works_the_screen_of_its_own_room() -> Result<()> {
    let Class { mut host, mut a, mut b, .. } = Class::live().await?;
    a.phone.does(json!({"type":"remote","action":"test_sound"})).await?;
    assert_eq!(a.tv.next("remote").await?["action"], "test_sound");
    // A helper cannot reach a neighbour's screen, whatever she names.
    a.phone.does(json!({"type":"remote","place":b.id,"action":"mute"})).await?;
    assert_eq!(a.tv.next("remote").await?["action"], "mute");
    host.does(json!({"type":"remote","place":b.id,"action":"reload"})).await?;
    assert_eq!(b.tv.next("remote").await?["action"], "reload", "and heard nothing before it");
    assert_eq!(host.ask(json!({"type":"remote","action":"reload"})).await?, "place_unknown");
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() -> Result<()> {
    let Class { rig, host_link, mut host, mut a, mut b, .. } = Class::live().await?;
    b.phone.does(json!({"type":"hand","up":true})).await?;
    a.phone.does(json!({"type":"help","kind":"help","on":true})).await?;
    a.phone.does(json!({"type":"message.send","key":"k1","text":"Lớp em mất tiếng ạ."})).await?;
    host.does(json!({"type":"question.open","kind":"yes_no","mode":"room","options":null,"prompt":null}))
        .await?;
    a.tv.does(json!({"type":"answer","question":1,"value":{"option":0}})).await?;
    let rig = rig.restart().await?;
    let mut host = rig.page(&host_link.1).await?;
    assert_eq!(host.welcome["lesson"]["state"], "live");
    assert_eq!(host.next("question").await?["question"]["kind"], "yes_no");
    let board = host.next("board").await?;
    let calls =
        board["tiles"].as_array().into_iter().flatten().filter(|tile| tile["help"] != json!([])).count();
    assert_eq!(calls, 1);
    assert_eq!(places(&host.next("hands").await?["hands"]), [b.id.as_str()]);
    assert_eq!(host.next("tally").await?["totals"], json!([1, 0]));
    let mut phone = rig.page(&a.phone_token).await?;
    let room = phone.next("room").await?;
    assert_eq!((&room["help"][0]["kind"], &room["answer"]["value"]), (&json!("help"), &json!({"option":0})));
    assert_eq!(phone.next("messages").await?["messages"][0]["text"], "Lớp em mất tiếng ạ.");
    Ok(())
}

#[tokio::test]
async fn a_screen_that_stops_reporting_is_red_within_ten_seconds() -> Result<()> {
    let Class { rig, lesson, host_link, mut host, mut a, .. } = Class::live().await?;
    let _teacher = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host_link.1).await?.publish(1);
    let mut media = MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &a.token).await?.watch();
    media.gets(|got| got.count(Slot::ProgramAudio) > 0).await?;
    let report = |frozen: bool| json!({"type":"report","frames_decoded":100,"frozen":frozen,"audio_level":0.1,"muted":false,"visible":true,"path":"webrtc"});
    let id = a.id.clone();
    let is = move |news: &Value, state: &str, cause: Value| {
        let tiles = news["tiles"].as_array().cloned().unwrap_or_default();
        tiles.iter().any(|tile| tile["id"] == id.as_str() && tile["state"] == state && tile["cause"] == cause)
    };
    a.tv.send(report(false)).await?;
    host.next_where("board", |news| is(news, "good", Value::Null)).await?;
    // What a page says of itself is on the board at once …
    let frozen_at = Instant::now();
    a.tv.send(report(true)).await?;
    host.next_where("board", |news| is(news, "frozen", Value::Null)).await?;
    ensure!(frozen_at.elapsed() < Duration::from_secs(1), "{:?}", frozen_at.elapsed());
    a.tv.send(report(false)).await?;
    host.next_where("board", |news| is(news, "good", Value::Null)).await?;
    // … and a page that says nothing is not believed to be well.
    let silent_at = Instant::now();
    host.next_where("board", |news| is(news, "frozen", json!("no_report"))).await?;
    ensure!(silent_at.elapsed() < Duration::from_secs(10), "{:?}", silent_at.elapsed());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_and_nobody_is_told_otherwise() -> Result<()> {
    let Class { rig, mut host, mut a, mut b, .. } = Class::live().await?;
    a.phone.does(json!({"type":"hand","up":true})).await?;
    let mut database = rig.database().await?;
    sqlx::query(
        "CREATE TRIGGER stuck BEFORE INSERT ON participation_events BEGIN SELECT RAISE(ABORT, 'stuck'); END",
    )
    .execute(&mut database)
    .await?;
    assert_eq!(b.phone.ask(json!({"type":"hand","up":true})).await?, "internal");
    assert_eq!(host.ask(json!({"type":"speak.call","place":a.id})).await?, "internal");
    let queue = host.next_where("hands", |news| places(&news["hands"]) == [a.id.as_str()]).await?;
    assert_eq!(places(&queue["hands"]), [a.id.as_str()], "the hand that was stored is still up");
    sqlx::query("DROP TRIGGER stuck").execute(&mut database).await?;
    b.phone.does(json!({"type":"hand","up":true})).await?;
    host.next_where("hands", |news| places(&news["hands"]) == [a.id.as_str(), b.id.as_str()]).await?;
    Ok(())
}
