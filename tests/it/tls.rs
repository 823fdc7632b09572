//! Encryption on the one port: certificates from files, renewed under a running lesson; home-made ones; who is served without.

use crate::{
    authority::{Authority, get, open},
    rig::{PATIENCE, Rig},
};
use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use server::config::TlsMode;
use std::{net::IpAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{client_async, tungstenite::Message};

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_used_for_new_connections_and_an_open_page_notices_nothing() -> Result<()> {
    let authority = Authority::new()?;
    let folder = tempfile::tempdir()?;
    authority.issue(folder.path(), "old.truong.vn")?;
    let path = folder.path().to_owned();
    let rig = Rig::start_with(move |config| {
        config.tls.mode = TlsMode::Files;
        config.tls.certificate = path.join("fullchain.pem");
        config.tls.key = path.join("privkey.pem");
    })
    .await?;
    let lesson = rig.lesson("Toán 11A2").await?;
    let (_, observer) = rig.invite(&lesson, "observer").await?;
    let stream = open(&rig, &authority.pem, "old.truong.vn").await?;
    let (mut page, _) = client_async("wss://old.truong.vn/api/ws", stream).await?;
    let hello = format!(r#"{{"type":"hello","v":1,"token":"{observer}","device":{{"kind":"browser"}}}}"#);
    page.send(Message::text(hello)).await?;
    ensure!(open(&rig, &authority.pem, "new.truong.vn").await.is_err(), "not yet");
    authority.issue(folder.path(), "new.truong.vn")?;
    let until = Instant::now() + Duration::from_secs(25);
    while open(&rig, &authority.pem, "new.truong.vn").await.is_err() {
        ensure!(Instant::now() < until, "the new certificate was not noticed");
        sleep(Duration::from_millis(200)).await;
    }
    page.send(Message::text(r#"{"type":"ping","t":"still here"}"#)).await?;
    let pong = async {
        while let Some(message) = page.next().await {
            if message?.to_text().is_ok_and(|text| text.contains("still here")) {
                return Ok(());
            }
        }
        anyhow::bail!("the page's connection was closed")
    };
    timeout(PATIENCE, pong).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_that_installs_the_servers_authority_sees_no_warning_and_links_are_secure() -> Result<()> {
    let rig = Rig::start().await?;
    let authority = std::fs::read_to_string(rig.folder.path().join("data/tls/authority.pem"))?;
    let host = rig.addr().to_string();
    let mut stream = open(&rig, &authority, "127.0.0.1").await?;
    let page = get(&mut stream, &host, "/chung-chi").await?;
    ensure!(page.starts_with("HTTP/1.1 200") && page.contains("SHA-256"), "{page}");
    let mut stream = open(&rig, &authority, "127.0.0.1").await?;
    let file = get(&mut stream, &host, "/chung-chi.crt").await?;
    ensure!(file.contains("application/x-x509-ca-cert"), "{file}");
    let mut stream = open(&rig, &authority, "127.0.0.1").await?;
    let body = r#"{"name":"THCS Mèo Vạc"}"#;
    let request = format!(
        "POST /api/places HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        rig.organiser(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await?;
    ensure!(answer.contains(&format!("\"url\":\"https://{host}/diem-cau#t=")), "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machine_is_not_served_without_encryption_unless_the_school_says_so() -> Result<()> {
    let interfaces = if_addrs::get_if_addrs()?;
    let Some(lan) =
        interfaces.iter().map(if_addrs::Interface::ip).find(|ip| ip.is_ipv4() && !ip.is_loopback())
    else {
        eprintln!("skipped: this machine has no network but itself");
        return Ok(());
    };
    let asked = async |plain_http: bool, path: &str| {
        let rig = Rig::start_with(|config| {
            config.listen = (IpAddr::from([0, 0, 0, 0]), 0).into();
            config.tls.plain_http = plain_http;
        })
        .await?;
        let mut stream = TcpStream::connect((lan, rig.addr().port())).await.context("its own address")?;
        get(&mut stream, "10.0.0.7", path).await
    };
    let page = asked(false, "/diem-cau").await?;
    ensure!(page.contains("https://10.0.0.7/diem-cau") && page.contains("Mở trang mã hóa"), "{page}");
    ensure!(asked(false, "/api/me").await?.contains("https_required"));
    ensure!(asked(true, "/api/me").await?.contains("unauthorized"));
    Ok(())
}
