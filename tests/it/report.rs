//! Checks before the day, and what is reported afterwards.

use crate::{
    lesson::Class,
    media_peer::MediaPeer,
    rig::{Page, Rig},
};
use anyhow::{Context as _, Result, ensure};
use domain::Slot;
use reqwest::{Method, StatusCode, header};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

#[tokio::test]
async fn rooms_check_themselves_days_before_and_the_organiser_gets_the_list() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phân số").await?;
    let (good, good_token) = rig.place("Phòng 3A").await?;
    let (_, weak_token) = rig.place("Phòng 3B").await?;
    let (missing, _) = rig.place("Phòng 3C").await?;
    let path = format!("/api/lessons/{lesson}/checks");
    let fine = json!({"udp":true,"tcp":true,"down_kbps":4000,"up_kbps":900,"rtt_ms":40,"loss":0.01,"sound_heard":true,
        "decode":{"h264_720":"hardware","h264_360":"hardware","vp8_720":"software","vp8_360":"software"}});
    let answer = rig.send(Method::POST, &path, &good_token, fine).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!((&answer["verdict"]["light"], &answer["verdict"]["rung"]), (&json!("green"), &json!(6)));
    let weak = json!({"udp":false,"tcp":true,"down_kbps":250,"sound_heard":false});
    let phone = rig.helper(&weak_token).await?;
    let answer = rig.send(Method::POST, &path, &phone, weak).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!(answer["verdict"]["light"], "red");
    assert_eq!(answer["verdict"]["fixes"], json!(["check_speaker", "faster_link", "open_udp"]));
    let list = rig.get(&path, rig.organiser()).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!((list["checks"].as_array().map(Vec::len), &list["missing"]), (Some(2), &json!([missing])));
    let table = rig.get(&format!("{path}.csv"), rig.organiser()).await?.expect(StatusCode::OK)?;
    for words in ["Sẵn sàng", "Chưa sẵn sàng", "Chưa kiểm tra", "Kiểm tra loa"] {
        ensure!(table.text.contains(words), "{words:?} is not in {}", table.text);
    }
    assert_eq!(rig.get(&path, &good_token).await?.problem()?, "forbidden");
    // What a room measures with.
    let down = rig.get("/api/check/down?bytes=100000", &good_token).await;
    ensure!(down.is_err() || down.is_ok_and(|down| down.status == StatusCode::OK));
    let response = rig.request(Method::GET, "/api/check/down?bytes=100000", Some(&good_token)).send().await?;
    assert_eq!(response.bytes().await?.len(), 100_000);
    let up =
        rig.request(Method::POST, "/api/check/up", Some(&good_token)).body(vec![7; 100_000]).send().await?;
    assert_eq!(up.status(), StatusCode::NO_CONTENT);
    let greedy =
        rig.request(Method::POST, "/api/check/up", Some(&good_token)).body(vec![7; 3 << 20]).send().await?;
    assert_eq!(greedy.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(rig.get("/api/check/down?bytes=1", rig.organiser()).await?.problem()?, "forbidden");
    let _ = good;
    Ok(())
}

#[tokio::test]
async fn the_report_says_who_really_received_the_lesson_and_what_they_did() -> Result<()> {
    let Class { rig, lesson, host_link, mut host, mut a, .. } = Class::live().await?;
    let (_, link) = rig.invite(&lesson, "observer").await?;
    let mut observer = Page::open(&rig, "").await?;
    let device = json!({ "kind": "browser", "codecs": [] });
    observer.send(json!({"type":"hello","v":1,"token":link,"device":device,"name":"Cô Hoa"})).await?;
    observer.next("welcome").await?;
    let _teacher = MediaPeer::connect(&rig, &format!("/whip/{lesson}"), &host_link.1).await?.publish(1);
    let mut tv = MediaPeer::connect(&rig, &format!("/whep/{lesson}"), &a.token).await?.watch();
    tv.gets(|got| got.count(Slot::ProgramAudio) > 0).await?;
    let began_at = Instant::now();
    a.phone.does(json!({"type":"hand","up":true})).await?;
    host.does(json!({"type":"question.open","kind":"text","mode":"room","options":null,"prompt":null}))
        .await?;
    a.phone.does(json!({"type":"answer","question":1,"value":{"text":"Ba phần tư"}})).await?;
    let report = |frames: u64| json!({"type":"report","frames_decoded":frames,"frozen":false,"audio_level":0.2,"muted":false,"visible":true,"path":"webrtc"});
    observer.send(report(10)).await?;
    // Attendance is time, so time has to pass.
    sleep_until(began_at + Duration::from_secs(8)).await;
    observer.send(report(200)).await?;
    observer.send(json!({"type":"ping","t":1})).await?;
    observer.next("pong").await?;
    let present_s = began_at.elapsed().as_secs_f64();
    host.does(json!({"type":"lesson.end"})).await?;
    let report = rig
        .get(&format!("/api/lessons/{lesson}/report"), rig.organiser())
        .await?
        .expect(StatusCode::OK)?
        .json()?;
    let line = |id: &str| {
        report["places"].as_array().and_then(|places| places.iter().find(|place| place["id"] == id)).cloned()
    };
    let present = line(&a.id).context("the room that watched")?;
    let received = present["received_s"].as_f64().unwrap_or_default();
    ensure!((received - present_s).abs() <= 3.0, "received {received} s of {present_s:.1} s");
    assert_eq!(
        (&present["hands"], &present["answers"], &present["joins"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(report["totals"]["places_present"], 1);
    let history =
        rig.get(&format!("/api/lessons/{lesson}/places/{}/history", a.id), rig.organiser()).await?.json()?;
    ensure!(history["points"][0]["rung"].is_number(), "the room's way on the ladder: {history}");
    let observed = &report["observers"][0];
    assert_eq!(observed["name"], "Cô Hoa");
    ensure!(observed["received_s"].as_u64().is_some_and(|seconds| (6..=10).contains(&seconds)), "{observed}");
    assert_eq!(report["questions"][0]["tally"]["rooms"], 1);
    let table = rig
        .get(&format!("/api/lessons/{lesson}/report.csv"), rig.organiser())
        .await?
        .expect(StatusCode::OK)?;
    ensure!(
        table.text.starts_with('\u{feff}')
            && table.text.contains("Mèo Vạc – phòng 3A")
            && table.text.contains("Cô Hoa")
    );
    ensure!(table.header(header::CONTENT_DISPOSITION).contains(".csv"));
    let period = rig.get("/api/reports", rig.organiser()).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!(
        (&period["totals"]["lessons"], &period["totals"]["places"], &period["totals"]["observers"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(period["totals"]["received_s"], present["received_s"]);
    let before = rig.get("/api/reports?to=1000", rig.organiser()).await?.json()?;
    assert_eq!(before["totals"]["lessons"], 0);
    // A cluster counts its own rooms, at any depth.
    let unit = async |name: &str, parent: serde_json::Value| -> Result<String> {
        let body = json!({"level":"Cụm trường","name":name,"parent":parent});
        rig.send(Method::POST, "/api/units", rig.organiser(), body)
            .await?
            .expect(StatusCode::CREATED)?
            .string("id")
    };
    let cluster = unit("Cụm Mèo Vạc", serde_json::Value::Null).await?;
    let school = unit("Trường Tiểu học Mèo Vạc", json!(cluster)).await?;
    let other = unit("Cụm khác", serde_json::Value::Null).await?;
    let place = format!("/api/places/{}", a.id);
    rig.send(Method::PATCH, &place, rig.organiser(), json!({"unit":school})).await?.expect(StatusCode::OK)?;
    let of = async |unit: &str| rig.get(&format!("/api/reports?unit={unit}"), rig.organiser()).await?.json();
    let own = of(&cluster).await?;
    assert_eq!(own["totals"]["received_s"], present["received_s"]);
    assert_eq!(own["units"].as_array().map(Vec::len), Some(2), "the cluster and its school");
    let nothing = of(&other).await?;
    assert_eq!((&nothing["totals"]["places"], &nothing["units"]), (&json!(0), &json!([])));
    let table = rig.get("/api/reports.csv", rig.organiser()).await?.expect(StatusCode::OK)?;
    ensure!(table.text.contains("Cụm Mèo Vạc"), "{}", table.text);
    assert_eq!(rig.get("/api/reports", &host_link.1).await?.problem()?, "forbidden");
    // And it is all there after a restart.
    let rig = rig.restart().await?;
    let again = rig.get(&format!("/api/lessons/{lesson}/report"), rig.organiser()).await?.json()?;
    let without_units = |report: &serde_json::Value| -> Vec<serde_json::Value> {
        let places = report["places"].as_array().cloned().unwrap_or_default();
        let mut places: Vec<_> = places
            .into_iter()
            .map(|mut place| {
                place["units"].take();
                place
            })
            .collect();
        places.sort_by_key(|place| place["id"].to_string());
        places
    };
    assert_eq!(without_units(&again), without_units(&report));
    Ok(())
}
