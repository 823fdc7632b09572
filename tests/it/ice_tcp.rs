//! Schools whose networks let no UDP through: media over TCP on the one port, and what strangers may try there.

use crate::{
    media_peer::{self, MediaPeer},
    rig::{PATIENCE, Reply, Rig},
};
use anyhow::{Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};
use transport::framing;

async fn live_lesson(rig: &Rig) -> Result<(String, String, String)> {
    let lesson = rig.lesson("Tiếng Anh 3 · Unit 5").await?;
    let (_, host) = rig.invite(&lesson, "host").await?;
    let (_, observer) = rig.invite(&lesson, "observer").await?;
    let mut page = rig.page(&host).await?;
    page.send(json!({"type": "lesson.start"})).await?;
    page.next_where("lesson", |message| message["lesson"]["state"] == "live").await?;
    Ok((lesson, host, observer))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_without_udp_teaches_and_listens_over_tcp_on_the_same_port() -> Result<()> {
    let rig = Rig::start_with(|config| config.media.workers = 2).await?;
    let (lesson, host, observer) = live_lesson(&rig).await?;
    let mut teacher = MediaPeer::connect_over_tcp(&rig, &format!("/whip/{lesson}"), &host).await?;
    // More classrooms than workers, so that some come to a worker that is not the teacher's.
    let mut classrooms = Vec::new();
    for _ in 0..4 {
        classrooms.push(MediaPeer::connect_over_tcp(&rig, &format!("/whep/{lesson}"), &observer).await?);
    }
    classrooms.push(MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &observer).await?);
    for n in 1..=50 {
        teacher.speak(n).await?;
    }
    for classroom in &mut classrooms {
        classroom.hear(40).await?;
    }
    Ok(())
}

/// Whether the server hangs up without having said anything.
async fn is_hung_up(mut stream: TcpStream) -> bool {
    let mut buffer = [0; 64];
    matches!(timeout(PATIENCE, stream.read(&mut buffer)).await, Ok(Ok(0) | Err(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_nobodys_is_closed_without_a_word() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, _, observer) = live_lesson(&rig).await?;
    let (_, offer, _) = media_peer::offer(false)?;
    let answer = media_peer::post(&rig, &format!("/whep/{lesson}"), &observer, &offer).await?;
    let answer = answer.expect(StatusCode::CREATED)?;
    let ufrag = answer.text.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap_or_default();
    // A check for a peer that is expected, by somebody who does not know its password; then noise of several kinds.
    let mut forged = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let name = format!("{ufrag}:x");
    forged.extend([0, 6, 0, name.len() as u8]);
    forged.extend(name.as_bytes());
    forged.resize(forged.len().next_multiple_of(4), 0);
    let length = (forged.len() - 20) as u16;
    forged[2..4].copy_from_slice(&length.to_be_bytes());
    let mut framed = framing::header(forged.len()).unwrap_or_default().to_vec();
    framed.extend(&forged);
    let tries: [&[u8]; 5] = [&framed, &[0, 4, 1, 2, 3, 4], &[7, 255, 0, 0], &[200, 1, 2], b"\r\n\r\n"];
    for bytes in tries {
        let mut stream = TcpStream::connect(rig.addr()).await?;
        stream.write_all(bytes).await?;
        ensure!(is_hung_up(stream).await, "{bytes:?} was kept");
    }
    // The peer is none the worse for it.
    let classroom = MediaPeer::connect_over_tcp(&rig, &format!("/whep/{lesson}"), &observer).await?;
    ensure!(classroom.heard == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_silent_connections_from_one_address_leave_a_lesson_and_its_pages_untouched()
-> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, host, observer) = live_lesson(&rig).await?;
    let mut teacher = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host).await?;
    let mut over_tcp = MediaPeer::connect_over_tcp(&rig, &format!("/whep/{lesson}"), &observer).await?;
    let mut silent = Vec::new();
    for n in 0..5_000 {
        let connected = timeout(PATIENCE, TcpStream::connect(rig.addr())).await?;
        // Held open to the end; the server may close its side of most of them.
        silent.extend(connected.ok());
        if n % 100 == 0 {
            teacher.speak(1 + n / 100).await?;
        }
    }
    over_tcp.hear(40).await?;
    // From the very address of the flood: a page, the API, a new classroom.
    let asked = Instant::now();
    Reply::of(rig.request(Method::GET, "/healthz", None)).await?.expect(StatusCode::OK)?;
    rig.get("/api/me", &observer).await?.expect(StatusCode::OK)?;
    let mut late = MediaPeer::connect_over_tcp(&rig, &format!("/whep/{lesson}"), &observer).await?;
    ensure!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    for n in 51..=100 {
        teacher.speak(n).await?;
    }
    late.hear(40).await?;
    Ok(())
}
