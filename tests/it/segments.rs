//! The lesson as segments over a WebSocket: the same rooms, the same rules, whatever a lesson comes by.

use crate::{
    lesson::Class,
    media_peer::MediaPeer,
    rig::{PATIENCE, Page, Rig},
};
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Slots as the binary messages number them.
const VOICE: usize = 0;
const CLASS_VOICE: usize = 1;
const PICTURE: usize = 2;
const CLASS_PICTURE: usize = 4;

/// A screen that is fed with segments.
struct Screen {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Chunks of each slot.
    got: [u64; 5],
}

impl Screen {
    async fn open(rig: &Rig, lesson: &str, token: &str, seat: Option<&str>) -> Result<Self> {
        let (mut socket, _) = connect_async(format!("ws://{}/api/segments", rig.addr())).await?;
        let play = json!({ "type": "play", "token": token, "lesson": lesson, "seat": seat });
        socket.send(Message::text(play.to_string())).await?;
        let mut screen = Self { socket, got: [0; 5] };
        let word = timeout(PATIENCE, screen.word()).await.context("no first word in time")??;
        ensure!(word["type"] == "rung", "{word}");
        Ok(screen)
    }

    /// Reads one message; what it said, if it was text.
    async fn next(&mut self) -> Result<Option<Value>> {
        match self.socket.next().await.context("the socket ended")?? {
            Message::Text(text) => {
                let word: Value = serde_json::from_str(&text)?;
                // When pieces were captured: of no interest here.
                return Ok(Some(word).filter(|word| word["type"] != "clock"));
            }
            Message::Binary(bytes) if bytes.first() == Some(&1) => {
                let slot = usize::from(*bytes.get(1).context("a piece without a slot")?);
                *self.got.get_mut(slot).context("a slot nobody knows")? += 1;
            }
            Message::Close(frame) => bail!("closed: {frame:?}"),
            _ => {}
        }
        Ok(None)
    }

    /// The next thing said in text.
    async fn word(&mut self) -> Result<Value> {
        loop {
            if let Some(word) = self.next().await? {
                return Ok(word);
            }
        }
    }

    /// Reads until so many chunks of a slot have come.
    async fn gets(&mut self, slot: usize, chunks: u64) -> Result<()> {
        let enough = async {
            while self.got[slot] < chunks {
                if let Some(word) = self.next().await? {
                    ensure!(word["type"] == "rung", "{word}");
                }
            }
            anyhow::Ok(())
        };
        let came = timeout(PATIENCE, enough).await;
        came.with_context(|| format!("slot {slot} did not come; chunks so far: {:?}", self.got))?
    }

    /// Reads until the server says goodbye; its reason.
    async fn farewell(&mut self) -> Result<String> {
        let goodbye = async {
            loop {
                let word = self.word().await?;
                if word["type"] == "closing" {
                    return anyhow::Ok(word["reason"].as_str().unwrap_or_default().to_owned());
                }
            }
        };
        timeout(PATIENCE, goodbye).await.context("no goodbye in time")?
    }
}

/// A room's tile on the board of somebody who looks now.
async fn tile(rig: &Rig, lesson: &str, place: &str) -> Result<Value> {
    let mut page = Page::open(rig, &format!("?lesson={lesson}")).await?;
    page.hello(rig.organiser()).await?;
    let board = page.next_where("board", |board| board["full"] == true).await?;
    page.leave().await?;
    let tiles = board["tiles"].as_array().context("a board without tiles")?;
    tiles.iter().find(|tile| tile["id"] == place).cloned().context("the room is not on the board")
}

#[tokio::test]
async fn a_class_fed_with_segments_hears_another_class_and_never_itself() -> Result<()> {
    let mut class = Class::live().await?;
    let (rig, lesson) = (&class.rig, class.lesson.clone());
    let _teacher = MediaPeer::connect(rig, &format!("/whip/{lesson}"), &class.host_link.1).await?.publish(1);
    let mut a = Screen::open(rig, &lesson, &class.a.token, None).await?;
    let mut b = Screen::open(rig, &lesson, &class.b.token, None).await?;
    for screen in [&mut a, &mut b] {
        screen.gets(VOICE, 3).await?;
        screen.gets(PICTURE, 1).await?;
    }
    class.host.does(json!({"type":"speak.call","place":class.a.id})).await?;
    class.a.phone.does(json!({"type":"speak.accept","audio_only":false,"device":"phone"})).await?;
    let extra = format!("/whip/{lesson}?slot=extra");
    let _pupil = MediaPeer::connect(rig, &extra, &class.a.phone_token).await?.publish(2);
    b.gets(CLASS_VOICE, 5).await?;
    b.gets(CLASS_PICTURE, 1).await?;
    let heard = a.got[VOICE];
    a.gets(VOICE, heard + 10).await?;
    assert_eq!(
        (a.got[CLASS_VOICE], a.got[CLASS_PICTURE]),
        (0, 0),
        "it must not hear or see itself come back"
    );
    // The other class has the word: now the first one hears it.
    class.host.does(json!({"type":"speak.end","place":class.a.id})).await?;
    class.host.does(json!({"type":"speak.call","place":class.b.id})).await?;
    class.b.phone.does(json!({"type":"speak.accept","audio_only":false,"device":"phone"})).await?;
    let _other = MediaPeer::connect(rig, &extra, &class.b.phone_token).await?.publish(2);
    a.gets(CLASS_VOICE, 5).await
}

#[tokio::test]
async fn the_board_knows_a_room_fed_with_segments_and_a_room_sent_out_loses_them() -> Result<()> {
    let mut class = Class::live().await?;
    let (rig, lesson) = (&class.rig, class.lesson.clone());
    let _teacher = MediaPeer::connect(rig, &format!("/whip/{lesson}"), &class.host_link.1).await?.publish(1);
    let mut screen = Screen::open(rig, &lesson, &class.a.token, None).await?;
    // Longer than media without any progress counts as flowing: some five pieces of sound a second for eight seconds.
    screen.gets(VOICE, 15).await?;
    screen.gets(VOICE, 30).await?;
    screen.gets(VOICE, 40).await?;
    let seen = tile(rig, &lesson, &class.a.id).await?;
    ensure!(seen["rung"].as_u64().is_some_and(|rung| rung >= 4), "{seen}");
    let sent_out_at = Instant::now();
    class.host.does(json!({"type":"place.remove","place":class.a.id})).await?;
    assert_eq!(screen.farewell().await?, "removed");
    ensure!(sent_out_at.elapsed() < Duration::from_secs(1), "{:?}", sent_out_at.elapsed());
    ensure!(Screen::open(rig, &lesson, &class.a.token, None).await.is_err(), "it must not come back");
    Ok(())
}

#[tokio::test]
async fn a_locked_lesson_lets_back_in_an_observer_who_was_there_also_as_segments() -> Result<()> {
    let Class { rig, lesson, mut host, .. } = Class::live().await?;
    let (_, link) = rig.invite(&lesson, "observer").await?;
    let known = rig.page(&link).await?;
    let seat = known.welcome["seat"].as_str().context("an observer gets a seat")?.to_owned();
    host.does(json!({"type":"lesson.lock","locked":true})).await?;
    ensure!(Screen::open(&rig, &lesson, &link, None).await.is_err(), "nobody new comes in");
    ensure!(Screen::open(&rig, &lesson, &link, Some("made-up")).await.is_err(), "nor with a seat made up");
    Screen::open(&rig, &lesson, &link, Some(&seat)).await?;
    Ok(())
}
