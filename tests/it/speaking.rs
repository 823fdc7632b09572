//! A room is called and everybody hears it; nobody else is heard, and it never hears itself.

use crate::{
    lesson::{Class, Room},
    media_peer::{Live, MediaPeer, offer, post},
};
use anyhow::{Result, ensure};
use domain::Slot;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Marks of the voices.
const HOST: u8 = 1;
const A: u8 = 2;
const B: u8 = 3;

struct Stage {
    class: Class,
    a_tv: Live,
    b_tv: Live,
    observer: Live,
    _host: Live,
}

impl Stage {
    /// The host teaches; both rooms and an observer watch and hear her.
    async fn open() -> Result<Self> {
        let class = Class::live().await?;
        let (rig, lesson) = (&class.rig, &class.lesson);
        let (_, observer) = rig.invite(lesson, "observer").await?;
        let whep = format!("/whep/{lesson}");
        let watch =
            async |token: &str| -> Result<Live> { Ok(MediaPeer::connect(rig, &whep, token).await?.watch()) };
        let (a_tv, b_tv) = (watch(&class.a.token).await?, watch(&class.b.token).await?);
        let observer = watch(&observer).await?;
        let host =
            MediaPeer::connect(rig, &format!("/whip/{lesson}"), &class.host_link.1).await?.publish(HOST);
        let mut stage = Self { class, a_tv, b_tv, observer, _host: host };
        for viewer in [&mut stage.a_tv, &mut stage.b_tv, &mut stage.observer] {
            viewer.gets(|got| got.of(Slot::ProgramAudio) == Some(HOST)).await?;
        }
        Ok(stage)
    }

    async fn connect(&self, token: &str, mark: u8) -> Result<Live> {
        let path = format!("/whip/{}?slot=extra", self.class.lesson);
        Ok(MediaPeer::connect(&self.class.rig, &path, token).await?.publish(mark))
    }

    async fn whip_code(&self, token: &str) -> Result<String> {
        let path = format!("/whip/{}?slot=extra", self.class.lesson);
        post(&self.class.rig, &path, token, &offer(true)?.1).await?.problem()
    }
}

fn accept() -> Value {
    json!({"type":"speak.accept","audio_only":false,"device":"phone"})
}

#[tokio::test]
async fn nobody_opens_a_microphone_who_was_not_called() -> Result<()> {
    let stage = Stage::open().await?;
    let Class { rig, lesson, a, .. } = &stage.class;
    for token in [&a.token, &a.phone_token] {
        assert_eq!(stage.whip_code(token).await?, "not_called");
    }
    let (_, observer) = rig.invite(lesson, "observer").await?;
    assert_eq!(stage.whip_code(&observer).await?, "forbidden");
    assert_eq!(stage.whip_code(rig.organiser()).await?, "forbidden");
    Ok(())
}

#[tokio::test]
async fn a_class_that_is_called_is_heard_and_seen_by_all_within_two_seconds_and_does_not_hear_itself()
-> Result<()> {
    let mut stage = Stage::open().await?;
    stage.class.a.phone.does(json!({"type":"hand","up":true})).await?;
    // Warm: the phone's microphone is connected and nobody hears it.
    let mut voice = stage.connect(&stage.class.a.phone_token, A).await?;
    let Class { host, a, b, .. } = &mut stage.class;
    host.does(json!({"type":"speak.call","place":a.id})).await?;
    a.tv.next_where("room", |room| room["turn"]["phase"] == "called").await?;
    assert_eq!(stage.b_tv.got.borrow().of(Slot::ExtraAudio), None, "called is not heard");
    let accepted_at = Instant::now();
    a.phone.does(accept()).await?;
    for viewer in [&mut stage.b_tv, &mut stage.observer] {
        viewer.gets(|got| got.of(Slot::ExtraAudio) == Some(A) && got.of(Slot::ExtraVideo) == Some(A)).await?;
    }
    ensure!(accepted_at.elapsed() < Duration::from_secs(2), "heard after {:?}", accepted_at.elapsed());
    let floor = b.tv.next_where("floor", |floor| floor["turns"][0]["phase"] == "on_air").await?;
    assert_eq!((&floor["turns"][0]["name"], &floor["word"]), (&json!("Mèo Vạc – phòng 3A"), &json!(a.id)));
    // Twenty more words of it reach the others; its own screen goes on hearing the teacher and never itself.
    let heard = stage.b_tv.got.borrow().count(Slot::ExtraAudio);
    stage.b_tv.gets(|got| got.count(Slot::ExtraAudio) > heard + 20).await?;
    let teacher = stage.a_tv.got.borrow().count(Slot::ProgramAudio);
    let own = stage.a_tv.gets(|got| got.count(Slot::ProgramAudio) > teacher + 20).await?;
    assert_eq!((own.of(Slot::ExtraAudio), own.of(Slot::ExtraVideo)), (None, None));
    // One tap, and its microphone closes within a second.
    let ended_at = Instant::now();
    stage.class.host.does(json!({"type":"speak.end","place":stage.class.a.id})).await?;
    voice.closed().await?;
    stage.class.b.tv.next_where("media", |media| media["slots"]["extra_audio"].is_null()).await?;
    ensure!(ended_at.elapsed() < Duration::from_secs(1), "{:?}", ended_at.elapsed());
    assert_eq!(stage.whip_code(&stage.class.a.phone_token).await?, "not_called");
    Ok(())
}

#[tokio::test]
async fn the_room_stops_by_itself_and_a_withdrawn_phone_is_silent_within_a_second() -> Result<()> {
    let mut stage = Stage::open().await?;
    let call = json!({"type":"speak.call","place":stage.class.a.id});
    stage.class.host.does(call.clone()).await?;
    stage.class.a.phone.does(accept()).await?;
    let mut voice = stage.connect(&stage.class.a.phone_token, A).await?;
    stage.b_tv.gets(|got| got.of(Slot::ExtraAudio) == Some(A)).await?;
    let stopped_at = Instant::now();
    stage.class.a.tv.does(json!({"type":"speak.stop"})).await?;
    voice.closed().await?;
    ensure!(stopped_at.elapsed() < Duration::from_secs(1), "{:?}", stopped_at.elapsed());
    stage.class.host.does(call).await?;
    stage.class.a.phone.does(accept()).await?;
    let mut voice = stage.connect(&stage.class.a.phone_token, A).await?;
    let heard = stage.b_tv.got.borrow().count(Slot::ExtraAudio);
    stage.b_tv.gets(|got| got.count(Slot::ExtraAudio) > heard).await?;
    let Class { rig, a, .. } = &mut stage.class;
    let helpers = rig.get(&format!("/api/places/{}/helpers", a.id), &a.token).await?.json()?;
    let helper = helpers["helpers"][0]["id"].as_str().unwrap_or_default().to_owned();
    let revoked_at = Instant::now();
    rig.delete(&format!("/api/helpers/{helper}"), &a.token).await?.expect(StatusCode::NO_CONTENT)?;
    voice.closed().await?;
    ensure!(revoked_at.elapsed() < Duration::from_secs(1), "{:?}", revoked_at.elapsed());
    Ok(())
}

#[tokio::test]
async fn two_classes_talk_in_turn_and_the_word_passes_without_a_pause() -> Result<()> {
    let mut stage = Stage::open().await?;
    for message in [
        json!({"type":"speak.call","place":stage.class.a.id}),
        json!({"type":"speak.call","place":stage.class.b.id}),
    ] {
        stage.class.host.does(message).await?;
    }
    stage.class.a.phone.does(accept()).await?;
    stage.class.b.phone.does(accept()).await?;
    let _a = stage.connect(&stage.class.a.phone_token, A).await?;
    let _b = stage.connect(&stage.class.b.phone_token, B).await?;
    stage.observer.gets(|got| got.of(Slot::ExtraAudio) == Some(A)).await?;
    stage.b_tv.gets(|got| got.of(Slot::ExtraAudio) == Some(A)).await?;
    let passed_at = Instant::now();
    stage.class.a.phone.does(json!({"type":"speak.pass"})).await?;
    stage.observer.gets(|got| got.of(Slot::ExtraAudio) == Some(B)).await?;
    stage.a_tv.gets(|got| got.of(Slot::ExtraAudio) == Some(B)).await?;
    ensure!(passed_at.elapsed() < Duration::from_millis(700), "{:?}", passed_at.elapsed());
    assert_eq!(stage.b_tv.got.borrow().of(Slot::ExtraAudio), Some(A), "B does not hear itself");
    stage.class.host.does(json!({"type":"speak.give","place":stage.class.a.id})).await?;
    stage.observer.gets(|got| got.of(Slot::ExtraAudio) == Some(A)).await?;
    stage.class.host.does(json!({"type":"speak.mute","place":stage.class.a.id,"muted":true})).await?;
    stage.class.b.tv.next_where("media", |media| media["slots"]["extra_audio"].is_null()).await?;
    let seen = stage.observer.got.borrow().count(Slot::ExtraVideo);
    stage.observer.gets(|got| got.count(Slot::ExtraVideo) > seen + 2).await?;
    Ok(())
}

#[tokio::test]
async fn a_pupils_camera_is_seen_by_observers_and_by_no_classroom() -> Result<()> {
    let mut stage = Stage::open().await?;
    let id = stage.class.a.id.clone();
    stage.class.host.does(json!({"type":"pin","place":id})).await?;
    assert_eq!(stage.whip_code(&stage.class.a.phone_token).await?, "not_called", "nobody is filmed unasked");
    stage.class.a.phone.does(json!({"type":"camera","on":true})).await?;
    let mut camera = stage.connect(&stage.class.a.phone_token, A).await?;
    let seen = stage.observer.gets(|got| got.count(Slot::ExtraVideo) > 3).await?;
    assert_eq!((seen.of(Slot::ExtraVideo), seen.of(Slot::ExtraAudio)), (Some(A), None), "seen and not heard");
    let teacher = stage.b_tv.got.borrow().count(Slot::ProgramAudio);
    let classroom = stage.b_tv.gets(|got| got.count(Slot::ProgramAudio) > teacher + 20).await?;
    assert_eq!(classroom.of(Slot::ExtraVideo), None);
    stage.class.host.does(json!({"type":"pin","place":null})).await?;
    camera.closed().await?;
    Ok(())
}

#[tokio::test]
async fn the_hosts_own_second_camera_gives_way_to_a_class_and_comes_back() -> Result<()> {
    let mut stage = Stage::open().await?;
    let Class { rig, lesson, host_link, .. } = &stage.class;
    let path = format!("/whip/{lesson}?slot=extra");
    let _camera = MediaPeer::connect(rig, &path, &host_link.1).await?.publish(9);
    stage.b_tv.gets(|got| got.of(Slot::ExtraVideo) == Some(9)).await?;
    stage.class.host.does(json!({"type":"speak.call","place":stage.class.a.id})).await?;
    stage.class.a.phone.does(accept()).await?;
    let mut voice = stage.connect(&stage.class.a.phone_token, A).await?;
    stage.b_tv.gets(|got| got.of(Slot::ExtraVideo) == Some(A)).await?;
    stage.class.a.phone.does(json!({"type":"speak.stop"})).await?;
    voice.closed().await?;
    stage.b_tv.gets(|got| got.of(Slot::ExtraVideo) == Some(9)).await?;
    Ok(())
}

#[tokio::test]
async fn the_phone_takes_over_from_the_screen_without_a_gap_in_the_turn() -> Result<()> {
    let mut stage = Stage::open().await?;
    stage.class.host.does(json!({"type":"speak.call","place":stage.class.a.id})).await?;
    stage.class.a.tv.does(json!({"type":"speak.accept","audio_only":false,"device":"tv"})).await?;
    let mut screen = stage.connect(&stage.class.a.token, A).await?;
    stage.b_tv.gets(|got| got.of(Slot::ExtraAudio) == Some(A)).await?;
    stage.class.a.phone.does(accept()).await?;
    let _phone = stage.connect(&stage.class.a.phone_token, 7).await?;
    screen.closed().await?;
    stage.b_tv.gets(|got| got.of(Slot::ExtraAudio) == Some(7)).await?;
    stage.class.host.next_where("floor", |floor| floor["turns"][0]["device"] == "phone").await?;
    Ok(())
}

#[tokio::test]
async fn a_rehearsal_lets_rooms_connect_before_the_day_and_shows_them_nothing_of_the_host() -> Result<()> {
    let rig = crate::rig::Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let (_, host) = rig.invite(&lesson, "host").await?;
    let room = Room::open(&rig, "Phòng 3A").await?;
    let whep = format!("/whep/{lesson}");
    let early = post(&rig, &whep, &room.token, &offer(false)?.1).await?;
    assert_eq!(early.problem()?, "wrong_state");
    let path = format!("/api/lessons/{lesson}");
    let opened = rig.send(Method::PATCH, &path, rig.organiser(), json!({"rehearsal":true})).await?;
    assert_eq!(opened.expect(StatusCode::OK)?.json()?["rehearsal"], true);
    let room_tv = MediaPeer::connect(&rig, &whep, &room.token).await?.watch();
    let mut own = MediaPeer::connect(&rig, &whep, &host).await?.watch();
    let _host = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host).await?.publish(HOST);
    own.gets(|got| got.count(Slot::ProgramAudio) > 20).await?;
    assert_eq!(room_tv.got.borrow().of(Slot::ProgramAudio), None, "she only looks at herself");
    Ok(())
}
