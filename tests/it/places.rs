//! Units, partners, places as a table, and who is invited by them.

use crate::rig::{Reply, Rig};
use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

const TABLE: &str = "\u{feff}Sở,Cụm trường,Trường,Phòng\r\n\
    Hà Nội,Cụm 3,THPT Đan Phượng,11A2\r\n\
    Hà Nội,Cụm 3,THPT Đan Phượng,\r\n\
    Hà Nội,Cụm 3,THPT Tân Lập,10A1\r\n\
    Tuyên Quang,Cụm Mèo Vạc,Tiểu học Mèo Vạc,3A\r\n";

async fn import(rig: &Rig, table: impl Into<Vec<u8>>) -> Result<Reply> {
    let request = rig.request(Method::POST, "/api/places/import", Some(rig.organiser()));
    Reply::of(request.header(header::CONTENT_TYPE, "text/csv").body(table.into())).await
}

fn unit<'a>(units: &'a Value, name: &str) -> Result<&'a str> {
    let found = units["units"].as_array().and_then(|units| units.iter().find(|unit| unit["name"] == name));
    found.and_then(|unit| unit["id"].as_str()).with_context(|| format!("{units} has no {name}"))
}

#[tokio::test]
async fn a_cluster_s_table_becomes_places_with_links_and_bad_rows_are_told_by_line() -> Result<()> {
    let rig = Rig::start().await?;
    let report = import(&rig, TABLE).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!((report["created"].as_array().map(Vec::len), &report["units"]), (Some(3), &json!(7)));
    assert_eq!((&report["bad"][0]["line"], &report["bad"][0]["column"]), (&json!(3), &json!("Phòng")));
    let url = report["created"][0]["url"].as_str().context("a new place shows its link once")?;
    let token = crate::rig::token_of(url)?;
    assert_eq!(rig.get("/api/me", &token).await?.json()?["role"], "place");
    // What was exported comes back unchanged.
    let table = rig.get("/api/places.csv", rig.organiser()).await?.expect(StatusCode::OK)?;
    ensure!(table.header(header::CONTENT_TYPE).starts_with("text/csv"), "{:?}", table.headers);
    ensure!(table.text.starts_with('\u{feff}') && table.text.contains("THPT Đan Phượng"), "{}", table.text);
    let again = import(&rig, table.text.clone()).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!((&again["unchanged"], &again["created"], &again["bad"]), (&json!(3), &json!([]), &json!([])));
    let renamed = table.text.replace("11A2", "Phòng 11A2");
    let renamed = import(&rig, renamed).await?.expect(StatusCode::OK)?.json()?;
    assert_eq!((&renamed["updated"], &renamed["unchanged"]), (&json!(1), &json!(2)));
    assert_eq!(
        rig.get("/api/me", &token).await?.json()?["place"]["name"],
        "THPT Đan Phượng · Phòng 11A2",
        "its link stays good"
    );
    Ok(())
}

#[tokio::test]
async fn a_lesson_is_for_the_rooms_below_the_units_that_were_named() -> Result<()> {
    let rig = Rig::start().await?;
    import(&rig, TABLE).await?.expect(StatusCode::OK)?;
    let units = rig.get("/api/units", rig.organiser()).await?.json()?;
    let body = json!({"title":"Phân số","units":[unit(&units, "Cụm 3")?]});
    let lesson =
        rig.send(Method::POST, "/api/lessons", rig.organiser(), body).await?.expect(StatusCode::CREATED)?;
    let (_, host) = rig.invite(&lesson.string("id")?, "host").await?;
    let mut page = rig.page(&host).await?;
    let board = page.next("board").await?;
    let names: Vec<_> =
        board["tiles"].as_array().into_iter().flatten().map(|tile| tile["name"].clone()).collect();
    assert_eq!(names.len(), 2, "{board}");
    let tile = board["tiles"].as_array().and_then(|tiles| tiles.iter().find(|tile| tile["name"] == "11A2"));
    assert_eq!(tile.map(|tile| tile["units"].clone()), Some(json!(["Hà Nội", "Cụm 3", "THPT Đan Phượng"])));
    let path = format!("/api/lessons/{}", lesson.string("id")?);
    let patch = json!({"units":[unit(&units, "Tuyên Quang")?]});
    rig.send(Method::PATCH, &path, rig.organiser(), patch).await?.expect(StatusCode::OK)?;
    let board = page.next_where("board", |news| news["full"] == true).await?;
    assert_eq!(
        (board["tiles"].as_array().map(Vec::len), &board["tiles"][0]["name"]),
        (Some(1), &json!("3A"))
    );
    Ok(())
}

#[tokio::test]
async fn units_are_data_of_any_depth_and_schools_are_partners() -> Result<()> {
    let rig = Rig::start().await?;
    import(&rig, TABLE).await?.expect(StatusCode::OK)?;
    let units = rig.get("/api/units", rig.organiser()).await?.json()?;
    let (school, far) = (unit(&units, "THPT Đan Phượng")?, unit(&units, "Tiểu học Mèo Vạc")?);
    let pair = json!({"units":[school, far]});
    rig.send(Method::POST, "/api/partners", rig.organiser(), pair.clone())
        .await?
        .expect(StatusCode::NO_CONTENT)?;
    let listed = rig.get("/api/units", rig.organiser()).await?.json()?;
    assert_eq!(listed["partners"].as_array().map(Vec::len), Some(1));
    rig.send(Method::DELETE, "/api/partners", rig.organiser(), pair).await?.expect(StatusCode::NO_CONTENT)?;
    let city = unit(&units, "Hà Nội")?;
    let change = async |id: &str, body: Value| {
        rig.send(Method::PATCH, &format!("/api/units/{id}"), rig.organiser(), body).await
    };
    assert_eq!(change(city, json!({"parent":school})).await?.problem()?, "unit_loop");
    assert_eq!(change(city, json!({"parent":"0000000000000"})).await?.problem()?, "unit_unknown");
    assert_eq!(change(city, json!({"name":" "})).await?.problem()?, "body_malformed");
    let renamed =
        change(city, json!({"name":"Thủ đô Hà Nội","level":"Thành phố"})).await?.expect(StatusCode::OK)?;
    assert_eq!(renamed.string("level")?, "Thành phố");
    assert_eq!(rig.delete(&format!("/api/units/{city}"), rig.organiser()).await?.problem()?, "unit_in_use");
    let top = rig
        .send(Method::POST, "/api/units", rig.organiser(), json!({"level":"Bộ","name":"Bộ GD&ĐT"}))
        .await?;
    let top = top.expect(StatusCode::CREATED)?.string("id")?;
    change(city, json!({"parent":top})).await?.expect(StatusCode::OK)?;
    change(city, json!({"parent":null})).await?.expect(StatusCode::OK)?;
    rig.delete(&format!("/api/units/{top}"), rig.organiser()).await?.expect(StatusCode::NO_CONTENT)?;
    // A room moves to another school.
    let places = rig.get("/api/places", rig.organiser()).await?.json()?;
    let room = places["places"][0]["id"].as_str().context("there are rooms")?.to_owned();
    let path = format!("/api/places/{room}");
    let moved =
        rig.send(Method::PATCH, &path, rig.organiser(), json!({"unit":far})).await?.expect(StatusCode::OK)?;
    assert_eq!(moved.string("unit")?, far);
    let lost = rig.send(Method::PATCH, &path, rig.organiser(), json!({"unit":"0000000000000"})).await?;
    assert_eq!(lost.problem()?, "unit_unknown");
    // Units outlive a restart.
    let rig = rig.restart().await?;
    let units = rig.get("/api/units", rig.organiser()).await?.json()?;
    unit(&units, "Thủ đô Hà Nội")?;
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_table_is_refused_and_says_how_to_save_it() -> Result<()> {
    let rig = Rig::start().await?;
    let reply = import(&rig, vec![b'P', b'h', 0xf2, b'n', b'g']).await?;
    assert_eq!((reply.status, reply.problem()?.as_str()), (StatusCode::BAD_REQUEST, "body_malformed"));
    ensure!(reply.text.contains("CSV UTF-8"), "{}", reply.text);
    let plain = rig.request(Method::POST, "/api/places/import", Some(rig.organiser())).body("Phòng\n3A\n");
    assert_eq!(Reply::of(plain).await?.problem()?, "unsupported_media_type");
    assert_eq!(import(&rig, vec![b'a'; 2 << 20]).await?.problem()?, "too_large");
    Ok(())
}
