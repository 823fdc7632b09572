//! What rooms do over a mountain line (P2: 700/200 kbit/s, 120 ± 60 ms, 3 %): speaking, and pupils' works on their screens.

use crate::{
    lesson::Class,
    media_peer::MediaPeer,
    rig::{PATIENCE, Page, Rig},
};
use anyhow::{Context, Result, ensure};
use domain::Slot;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{StatusCode, header};
use serde_json::json;
use sim::link::{Bottleneck, TcpLink, UdpLink, profile};
use std::{env, io::Cursor, net::SocketAddr, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

/// A school's line: its own way to the server for words and for media.
struct Line {
    words: TcpLink,
    media: UdpLink,
}

impl Line {
    async fn mountain(rig: &Rig, seed: u64) -> Result<Self> {
        let line = Bottleneck::new(&profile("P2").context("profiles hold P2")?, seed);
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self {
            words: TcpLink::start(here, rig.addr(), line.clone()).await?,
            media: UdpLink::start(here, rig.addr(), line, false).await?,
        })
    }

    /// A page of `token` behind this line.
    async fn page(&self, token: &str) -> Result<Page> {
        let mut page = Page::open_at(self.words.address(), "").await?;
        page.hello(token).await?;
        Ok(page)
    }
}

#[tokio::test]
async fn a_class_on_a_mountain_line_is_heard_on_another_one_within_two_seconds_of_its_consent() -> Result<()>
{
    const VOICE: u8 = 7;
    let class = Class::live().await?;
    let (rig, lesson) = (&class.rig, &class.lesson);
    let (called, other) = (Line::mountain(rig, 1).await?, Line::mountain(rig, 2).await?);
    let mut phone = called.page(&class.a.phone_token).await?;
    let whep = format!("/whep/{lesson}");
    let mut screen =
        MediaPeer::connect_over(rig, &whep, &class.b.token, other.media.address()).await?.watch();
    let mut spans = Vec::new();
    let Class { mut host, a, .. } = class;
    for _ in 0..5 {
        // The hand warms the line up: the microphone is connected before anybody calls.
        phone.does(json!({"type":"hand","up":true})).await?;
        let whip = format!("/whip/{lesson}?slot=extra");
        let voice = MediaPeer::connect_over(rig, &whip, &a.phone_token, called.media.address()).await?;
        let voice = voice.publish(VOICE);
        host.does(json!({"type":"speak.call","place":a.id})).await?;
        phone.next_where("room", |room| room["turn"]["phase"] == "called").await?;
        let heard = screen.got.borrow().count(Slot::ExtraAudio);
        let accepted_at = Instant::now();
        phone.send(json!({"type":"speak.accept","audio_only":true,"device":"phone"})).await?;
        screen.gets(|got| got.count(Slot::ExtraAudio) > heard + 2).await?;
        spans.push(accepted_at.elapsed());
        host.does(json!({"type":"speak.end","place":a.id})).await?;
        drop(voice);
        phone.next_where("room", |room| room["turn"].is_null()).await?;
    }
    spans.sort();
    println!("heard after consent, both on P2: {spans:?}");
    ensure!(spans.iter().all(|span| *span <= Duration::from_secs(2)), "heard after {spans:?}");
    Ok(())
}

/// A photo taken in a dim room: grain everywhere, so that it comes out as large as the server lets photos be.
fn grainy_photo() -> Result<Vec<u8>> {
    let grain = |x: u32, y: u32| {
        (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35) >> 27
    };
    let page = RgbImage::from_fn(1_600, 1_200, |x, y| {
        let ink = if (x / 9 + y / 31) % 7 == 0 { 90 } else { 190 };
        let light = ink + grain(x, y) as u8;
        Rgb([light, light, light.saturating_sub(20)])
    });
    let mut jpeg = Cursor::new(Vec::new());
    page.write_to(&mut jpeg, ImageFormat::Jpeg)?;
    Ok(jpeg.into_inner())
}

/// Screens that show the work; the variable is for whoever wants all two hundred.
const SCREENS: &str = "NHIPCAU_WORK_SCREENS";

#[tokio::test(flavor = "multi_thread")]
async fn a_pupils_work_is_on_every_screen_within_five_seconds_over_mountain_lines() -> Result<()> {
    let screens = env::var(SCREENS).ok().and_then(|count| count.parse().ok()).unwrap_or(12);
    let class = Class::live().await?;
    let rig = &class.rig;
    let path = format!("/api/lessons/{}/works", class.lesson);
    let request = rig.request(reqwest::Method::POST, &format!("{path}?key=k1"), Some(&class.a.phone_token));
    let sent = request.header(header::CONTENT_TYPE, "image/jpeg").body(grainy_photo()?).send().await?;
    ensure!(sent.status() == StatusCode::CREATED, "{}", sent.text().await?);
    let kept = sent.json::<serde_json::Value>().await?["bytes"].as_u64().context("no size")?;
    let mut waiting = JoinSet::new();
    let numbers: Vec<u64> = (0..screens).collect();
    // Sixteen open side by side: one after the other, two hundred would take longer than a page stays silent, and all at once they
    // would be more than one address may open.
    for some in numbers.chunks(16) {
        let mut opening = JoinSet::new();
        for n in some {
            let (_, token) = rig.place(&format!("Phòng {n}")).await?;
            let line = Line::mountain(rig, 100 + n).await?;
            opening.spawn(async move {
                let page = line.page(&token).await?;
                Ok::<_, anyhow::Error>((line, page, token))
            });
        }
        while let Some(opened) = opening.join_next().await {
            let (line, mut page, token) = opened??;
            let url = format!("http://{}{path}/1", line.words.address());
            waiting.spawn(async move {
                // The others have yet to come in.
                let first = |news: &serde_json::Value| news["works"][0]["no"] == 1;
                page.next_within(PATIENCE * 6, "exhibit", first).await?;
                // The browser's way: a connection of its own beside the WebSocket.
                let picture = reqwest::Client::new().get(url).bearer_auth(token).send().await?;
                ensure!(picture.status() == StatusCode::OK, "{}", picture.status());
                let bytes = picture.bytes().await?.len() as u64;
                ensure!(bytes == kept, "{bytes} of {kept} bytes");
                drop(line);
                Ok::<_, anyhow::Error>(Instant::now())
            });
        }
    }
    // Nobody read the host's page while all these rooms came in.
    let mut host = rig.page(&class.host_link.1).await?;
    let shown_at = Instant::now();
    host.does(json!({"type":"work.show","works":[1],"named":false})).await?;
    let mut spans = Vec::new();
    while let Some(there) = timeout(PATIENCE * 2, waiting.join_next()).await.context("a screen is dark")? {
        spans.push(there?? - shown_at);
    }
    spans.sort();
    println!(
        "{kept} bytes on {screens} screens over P2: median {:?}, last {:?}",
        spans[spans.len() / 2],
        spans[spans.len() - 1]
    );
    ensure!(spans[spans.len() - 1] <= Duration::from_secs(5), "the last screen after {:?}", spans.last());
    Ok(())
}
