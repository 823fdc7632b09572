//! Observers' notes over HTTP: never lost, never shown to whom they were not shared with.

use crate::rig::{Reply, Rig};
use anyhow::{Context as _, Result, ensure};
use notes::{Key, Register, Replica, TickClock};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// An observer with a sheet.
struct Observer {
    sheet: String,
    token: String,
    replica: Replica,
    clock: TickClock,
    wall: u64,
    registers: BTreeMap<Key, Register>,
}

impl Observer {
    async fn begin(rig: &Rig, lesson: &str, link: &str, number: u32) -> Result<Self> {
        let (sheet, token) = (format!("00000000000{number:02}"), format!("{number:026}"));
        let path = format!("/api/lessons/{lesson}/sheets/{sheet}");
        rig.send(Method::PUT, &path, link, json!({ "token": token })).await?.expect(StatusCode::OK)?;
        let replica = format!("tab{number:05}").parse()?;
        Ok(Self {
            sheet,
            token,
            replica,
            clock: TickClock::default(),
            wall: 1_000,
            registers: BTreeMap::new(),
        })
    }

    fn write(&mut self, key: &str, value: Value) -> Result<()> {
        self.wall += 10;
        let stamp = self.clock.tick(self.wall).by(self.replica);
        self.registers.entry(key.parse()?).or_default().write(stamp, value);
        Ok(())
    }

    fn row(&mut self, id: &str, ms: i64, text: &str) -> Result<()> {
        self.write(&format!("row.{id}.at"), json!({"ms": ms, "q": "picture"}))?;
        self.write(&format!("row.{id}.pos"), json!(format!("{ms:015}")))?;
        self.write(&format!("row.{id}.pupils"), json!(text))
    }

    async fn send(&self, rig: &Rig) -> Result<Value> {
        let body = json!({ "since": 0, "registers": self.registers });
        rig.send(Method::POST, "/api/sheet/registers", &self.token, body)
            .await?
            .expect(StatusCode::OK)?
            .json()
    }
}

async fn lesson_with_link(rig: &Rig) -> Result<(String, String)> {
    let lesson = rig.lesson("Phương trình bậc hai").await?;
    let (_, link) = rig.invite(&lesson, "observer").await?;
    Ok((lesson, link))
}

#[tokio::test]
async fn forty_rows_survive_a_restart_a_revoked_link_and_a_repeated_request() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Phương trình bậc hai").await?;
    let (invitation, link) = rig.invite(&lesson, "observer").await?;
    let mut lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    for row in 0..40_i64 {
        lan.row(&format!("r{row:02}"), row * 15_000, &format!("Học sinh thảo luận nhóm {row}: “được”"))?;
    }
    let answer = lan.send(&rig).await?;
    ensure!(answer["registers"] == json!({}), "the server has nothing to tell: {answer}");
    rig.delete(&format!("/api/invitations/{invitation}"), rig.organiser()).await?;
    let rig = rig.restart().await?;
    let again = lan.send(&rig).await?;
    ensure!(again["seq"] == answer["seq"], "a repeated request changes nothing: {again}");
    let export = rig.get("/api/sheet/export", &lan.token).await?.expect(StatusCode::OK)?.json()?;
    let rows = export["view"]["rows"].as_array().context("rows")?;
    let texts: Vec<_> = rows.iter().filter_map(|row| row["pupils"].as_str()).collect();
    let expected: Vec<_> = (0..40).map(|row| format!("Học sinh thảo luận nhóm {row}: “được”")).collect();
    ensure!(texts == expected, "{texts:?}");
    Ok(())
}

#[tokio::test]
async fn a_sheet_opens_to_its_token_alone() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let (_, host) = rig.invite(&lesson, "host").await?;
    let lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    for token in [link.as_str(), host.as_str(), rig.organiser(), "00000000000000000000000009"] {
        let reply = rig.get("/api/sheet", token).await?;
        ensure!(reply.status == StatusCode::NOT_FOUND && reply.problem()? == "sheet_unknown", "{reply:?}");
    }
    let path = format!("/api/lessons/{lesson}/sheets/{}", lan.sheet);
    let thief = rig.send(Method::PUT, &path, &link, json!({"token": "1".repeat(26)})).await?;
    ensure!(thief.status == StatusCode::CONFLICT, "{thief:?}");
    let short = rig.send(Method::PUT, &path, &link, json!({"token": "short"})).await?;
    ensure!(short.problem()? == "body_malformed");
    let no_writer = rig.send(Method::PUT, &path, &host, json!({"token": "1".repeat(26)})).await?;
    ensure!(no_writer.status == StatusCode::FORBIDDEN, "{no_writer:?}");
    rig.delete("/api/sheet", &lan.token).await?.expect(StatusCode::NO_CONTENT)?;
    ensure!(rig.get("/api/sheet", &lan.token).await?.status == StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn a_score_above_its_maximum_is_refused_by_name_and_nothing_else_is() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let mut lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    lan.write("form.ref", json!({"id": "vn-12-20", "version": 1}))?;
    lan.write("score.c1_1", json!(125))?;
    lan.write("score.c1_2", json!(200))?;
    lan.write("close.advice", json!("Cho học sinh nói nhiều hơn"))?;
    let answer = lan.send(&rig).await?;
    let refused = answer["refused"].as_array().context("refused")?;
    ensure!(refused.len() == 1 && refused[0]["key"] == "score.c1_1", "{answer}");
    ensure!(refused[0]["code"] == "score_above_maximum", "{answer}");
    let export = rig.get("/api/sheet/export", &lan.token).await?.json()?;
    ensure!(export["view"]["scores"] == json!({"c1_2": 200}), "{export}");
    ensure!(export["view"]["closing"]["advice"] == "Cho học sinh nói nhiều hơn");
    let bad = json!({"since": 0, "registers": {"row.a.at": {"heads": [], "seen": {}}}});
    let answer = rig.send(Method::POST, "/api/sheet/registers", &lan.token, bad).await?.json()?;
    ensure!(answer["refused"][0]["code"] == "register_malformed", "{answer}");
    let broken = json!({"since": 0, "registers": {"Row": {"heads": [], "seen": {}}}});
    let reply = rig.send(Method::POST, "/api/sheet/registers", &lan.token, broken).await?;
    ensure!(reply.problem()? == "body_malformed", "{reply:?}");
    Ok(())
}

#[tokio::test]
async fn the_group_sees_what_was_shared_when_it_may_and_private_rows_never() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let (_, host) = rig.invite(&lesson, "host").await?;
    let mut lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    lan.write("head.observer", json!("Cô Lan"))?;
    lan.write("share.cluster", json!(true))?;
    lan.row("a", 60_000, "Cả lớp giơ tay")?;
    lan.row("b", 61_000, "Chuyện riêng")?;
    lan.write("row.b.private", json!(true))?;
    lan.write("close.strengths", json!("Câu hỏi gợi mở"))?;
    lan.send(&rig).await?;
    let mut minh = Observer::begin(&rig, &lesson, &link, 2).await?;
    minh.write("head.observer", json!("Thầy Minh"))?;
    minh.row("a", 62_000, "Không chia sẻ")?;
    minh.send(&rig).await?;

    let path = format!("/api/lessons/{lesson}/timeline");
    let closed = rig.get(&path, &link).await?;
    ensure!(closed.problem()? == "timeline_closed", "{closed:?}");
    ensure!(rig.get(&path, &host).await?.status == StatusCode::FORBIDDEN);
    let for_organiser = rig.get(&path, rig.organiser()).await?.expect(StatusCode::OK)?;
    for secret in ["Chuyện riêng", "Không chia sẻ"] {
        ensure!(!for_organiser.text.contains(secret), "{secret} is not for the organiser");
    }
    let comment = json!({"sheet": lan.sheet, "row": "a", "text": "Em cũng thấy vậy"});
    let early = rig.send(Method::POST, "/api/sheet/comments", &minh.token, comment.clone()).await?;
    ensure!(early.problem()? == "timeline_closed", "{early:?}");

    let notes = format!("/api/lessons/{lesson}/notes");
    let refused = rig.send(Method::PATCH, &notes, &link, json!({"timeline": "open"})).await?;
    ensure!(refused.status == StatusCode::FORBIDDEN, "{refused:?}");
    let opened = rig.send(Method::PATCH, &notes, rig.organiser(), json!({"timeline": "open"})).await?;
    ensure!(opened.json()?["timeline_open"] == true, "{opened:?}");
    ensure!(lan.send(&rig).await?["timeline_open"] == true, "writers are told");

    rig.send(Method::POST, "/api/sheet/comments", &minh.token, comment).await?.expect(StatusCode::CREATED)?;
    let on_private = json!({"sheet": lan.sheet, "row": "b", "text": "?"});
    let reply = rig.send(Method::POST, "/api/sheet/comments", &minh.token, on_private).await?;
    ensure!(reply.problem()? == "sheet_unknown", "{reply:?}");
    let reply = rig.get(&path, &link).await?.expect(StatusCode::OK)?;
    let timeline = reply.json()?;
    ensure!(timeline["minutes"][0]["entries"][0]["pupils"] == "Cả lớp giơ tay", "{timeline}");
    ensure!(timeline["comments"][0]["author"] == "Thầy Minh", "{timeline}");
    ensure!(!reply.text.contains("Chuyện riêng"));
    let tag = reply.header(header::ETAG).to_owned();
    let again = Reply::of(rig.request(Method::GET, &path, Some(&link)).header(header::IF_NONE_MATCH, &tag));
    ensure!(again.await?.status == StatusCode::NOT_MODIFIED);

    lan.write("share.cluster", json!(false))?;
    lan.send(&rig).await?;
    let withdrawn = rig.get(&path, &link).await?.json()?;
    ensure!(withdrawn["minutes"] == json!([]) && withdrawn["comments"] == json!([]), "{withdrawn}");
    Ok(())
}

#[tokio::test]
async fn a_whole_sheet_is_read_only_by_those_it_was_shared_with() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let (_, host) = rig.invite(&lesson, "host").await?;
    let mut lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    lan.write("form.ref", json!({"id": "vn-12-20", "version": 1}))?;
    lan.row("a", 60_000, "Cả lớp giơ tay")?;
    lan.row("b", 61_000, "Chuyện riêng")?;
    lan.write("row.b.private", json!(true))?;
    lan.write("row.b.pics", json!(["p2"]))?;
    lan.write("row.a.pics", json!(["p1"]))?;
    lan.send(&rig).await?;
    for picture in ["p1", "p2"] {
        let request = rig.request(Method::PUT, &format!("/api/sheet/pictures/{picture}"), Some(&lan.token));
        Reply::of(request.body(&b"\xff\xd8\xff\xe0jpeg"[..])).await?.expect(StatusCode::NO_CONTENT)?;
    }
    let request = rig.request(Method::PUT, "/api/sheet/pictures/p3", Some(&lan.token));
    let reply = Reply::of(request.header(header::CONTENT_TYPE, "image/png").body("<script>")).await?;
    ensure!(reply.problem()? == "unsupported_media_type", "{reply:?}");

    let path = format!("/api/lessons/{lesson}/sheets/{}", lan.sheet);
    let list = format!("/api/lessons/{lesson}/sheets");
    for token in [rig.organiser(), &host, &link] {
        ensure!(rig.get(&path, token).await?.status == StatusCode::NOT_FOUND, "nothing is shared yet");
    }
    ensure!(rig.get(&list, &host).await?.json()?["sheets"] == json!([]));
    ensure!(rig.get(&list, rig.organiser()).await?.json()?["sheets"][0]["rows"] == 2);
    ensure!(rig.get(&list, &link).await?.status == StatusCode::FORBIDDEN);

    lan.write("share.teacher", json!(true))?;
    lan.send(&rig).await?;
    let shared = rig.get(&path, &host).await?.expect(StatusCode::OK)?;
    ensure!(shared.json()?["view"]["rows"].as_array().map(Vec::len) == Some(1), "{}", shared.text);
    ensure!(!shared.text.contains("Chuyện riêng"));
    ensure!(rig.get(&format!("{path}/pictures/p1"), &host).await?.status == StatusCode::OK);
    ensure!(rig.get(&format!("{path}/pictures/p2"), &host).await?.status == StatusCode::NOT_FOUND);
    ensure!(rig.get(&path, rig.organiser()).await?.status == StatusCode::NOT_FOUND, "shared with her alone");
    Ok(())
}

#[tokio::test]
async fn an_organiser_adds_a_form_and_an_old_sheet_keeps_its_version() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let (_, lesson_organiser) = rig.invite(&lesson, "organiser").await?;
    let items: Vec<_> =
        (1..=11).map(|n| json!({"id": format!("t{n}"), "text": format!("Tiêu chí {n}"), "max": 2})).collect();
    let mut form = json!({
        "id": "mau-11", "version": 1, "title": "Mẫu 11 tiêu chí", "step": 0.5,
        "groups": [{"name": "Chung", "items": items}],
        "bands": [{"min": 17.5, "name": "Tốt", "needs": [{"item": "t1", "min": 2}]}, {"min": 0, "name": "Chưa đạt"}],
    });
    for token in [link.as_str(), &lesson_organiser] {
        let reply = rig.send(Method::POST, "/api/forms", token, form.clone()).await?;
        ensure!(reply.status == StatusCode::FORBIDDEN, "{reply:?}");
    }
    let saved = rig.send(Method::POST, "/api/forms", rig.organiser(), form.clone()).await?;
    ensure!(saved.expect(StatusCode::CREATED)?.json()?["version"] == 1);
    form["title"] = json!("Mẫu 11 tiêu chí (sửa)");
    let saved = rig.send(Method::POST, "/api/forms", rig.organiser(), form.clone()).await?;
    ensure!(saved.json()?["version"] == 2);
    let old = rig.get("/api/forms/mau-11/1", &link).await?.expect(StatusCode::OK)?;
    ensure!(old.json()?["title"] == "Mẫu 11 tiêu chí");
    form["bands"][0]["min"] = json!(22.5);
    let invalid = rig.send(Method::POST, "/api/forms", rig.organiser(), form).await?;
    ensure!(invalid.problem()? == "form_invalid" && invalid.text.contains("bands[0].min"), "{invalid:?}");

    let notes = format!("/api/lessons/{lesson}/notes");
    let wanted = json!({"form": {"id": "mau-11", "version": 2}});
    rig.send(Method::PATCH, &notes, &lesson_organiser, wanted).await?.expect(StatusCode::OK)?;
    ensure!(rig.get(&notes, &link).await?.json()?["form"] == json!({"id": "mau-11", "version": 2}));
    rig.delete("/api/forms/mau-11", rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    let offered = rig.get(&notes, &link).await?.json()?;
    let ids: Vec<_> = offered["forms"].as_array().context("forms")?.iter().map(|form| &form["id"]).collect();
    ensure!(!ids.contains(&&json!("mau-11")), "{ids:?}");
    ensure!(rig.get("/api/forms/mau-11/2", &link).await?.status == StatusCode::OK);
    let unknown = json!({"form": {"id": "none", "version": 1}});
    let reply = rig.send(Method::PATCH, &notes, rig.organiser(), unknown).await?;
    ensure!(reply.problem()? == "form_unknown", "{reply:?}");
    Ok(())
}

#[tokio::test]
async fn minutes_are_drafted_from_what_was_shared_and_saved_over_their_revision() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let mut lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    lan.write("head.observer", json!("Cô Lan"))?;
    lan.write("close.strengths", json!("Câu hỏi gợi mở"))?;
    lan.write("share.cluster", json!(true))?;
    lan.send(&rig).await?;
    let path = format!("/api/lessons/{lesson}/minutes");
    ensure!(rig.get(&path, &link).await?.status == StatusCode::FORBIDDEN);
    let draft = rig.get(&path, rig.organiser()).await?.json()?;
    ensure!(draft["revision"] == 0, "{draft}");
    ensure!(draft["minutes"]["strengths"] == "– Câu hỏi gợi mở (Cô Lan)", "{draft}");
    let mut minutes = draft["minutes"].clone();
    minutes["chair"] = json!("Cô Hà");
    let body = json!({"revision": 0, "minutes": minutes});
    let saved = rig.send(Method::PUT, &path, rig.organiser(), body.clone()).await?;
    ensure!(saved.json()?["revision"] == 1);
    let over = rig.send(Method::PUT, &path, rig.organiser(), body).await?;
    ensure!(over.problem()? == "conflict", "{over:?}");
    Ok(())
}

#[tokio::test]
async fn twenty_observers_write_at_once_and_every_word_of_each_is_there() -> Result<()> {
    let rig = Rig::start().await?;
    let config = sim::observers::WritingConfig { count: 20, duration: Duration::from_secs(6), seed: 6 };
    let written = sim::observers::write(&rig.url(""), rig.organiser(), &config).await?;
    ensure!(written.rows >= 20 && written.saves >= 40, "they wrote: {written:?}");
    ensure!(written.wrong == 0 && written.failed == 0, "{written:?}");
    Ok(())
}

#[tokio::test]
async fn sheets_are_not_deleted_by_others_before_their_time() -> Result<()> {
    let rig = Rig::start().await?;
    let (lesson, link) = lesson_with_link(&rig).await?;
    let lan = Observer::begin(&rig, &lesson, &link, 1).await?;
    let path = format!("/api/lessons/{lesson}/sheets");
    let early = rig.delete(&path, rig.organiser()).await?;
    ensure!(early.problem()? == "notes_kept", "{early:?}");
    rig.delete(&format!("/api/lessons/{lesson}"), rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    let info = rig.get("/api/sheet", &lan.token).await?.expect(StatusCode::OK)?.json()?;
    ensure!(info["lesson_title"] == "Phương trình bậc hai", "the sheet outlives its lesson: {info}");
    Ok(())
}
