//! A real server in this process, and people who talk to it over real sockets.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use server::{App, Config, RunningApp};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::VecDeque, net::SocketAddr, path::Path, time::Duration};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};

/// Longer than anything in these tests takes on a busy machine; only a failing test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running server with a data folder of its own.
pub(crate) struct Rig {
    pub(crate) app: RunningApp,
    pub(crate) folder: TempDir,
    http: reqwest::Client,
    organiser: String,
}

/// An HTTP answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Rig {
    /// A server as it is configured by default.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    /// A server with some keys changed.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let app = App::start(config(folder.path(), change)).await?;
        let link = app.organiser_link().context("the first start makes an organiser link")?;
        let organiser = token_of(link)?;
        Ok(Self { app, folder, http: reqwest::Client::new(), organiser })
    }

    /// Stops the server and starts another on the same data.
    pub(crate) async fn restart(self) -> Result<Self> {
        self.restart_with(|_| {}).await
    }

    /// Stops the server and starts another on the same data, with some keys changed.
    pub(crate) async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Result<Self> {
        let Self { app, folder, http, organiser } = self;
        app.shutdown().await;
        let app = App::start(config(folder.path(), change)).await?;
        ensure!(app.organiser_link().is_none(), "a later start makes no link");
        Ok(Self { app, folder, http, organiser })
    }

    /// A door to the server's database that the server knows nothing of.
    pub(crate) async fn database(&self) -> Result<SqliteConnection> {
        let file = self.folder.path().join("data/nhipcau.db");
        let options = SqliteConnectOptions::new().filename(file).busy_timeout(PATIENCE);
        Ok(options.connect().await?)
    }

    /// The token of the organiser of the whole server.
    pub(crate) fn organiser(&self) -> &str {
        &self.organiser
    }

    /// Where the server listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.app.addr()
    }

    /// An address of the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// A request that is not sent yet.
    pub(crate) fn request(&self, method: Method, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.url(path));
        match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Result<Reply> {
        Reply::of(self.request(Method::GET, path, Some(token))).await
    }

    /// Sends JSON.
    pub(crate) async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> Result<Reply> {
        Reply::of(self.request(method, path, Some(token)).json(&body)).await
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &str, token: &str) -> Result<Reply> {
        Reply::of(self.request(Method::DELETE, path, Some(token))).await
    }

    /// Plans a lesson and gives its id.
    pub(crate) async fn lesson(&self, title: &str) -> Result<String> {
        let body = json!({ "title": title, "host_place": "THPT Đan Phượng" });
        let reply = self.send(Method::POST, "/api/lessons", self.organiser(), body).await?;
        reply.expect(StatusCode::CREATED)?.string("id")
    }

    /// Makes an invitation and gives its id and token.
    pub(crate) async fn invite(&self, lesson: &str, role: &str) -> Result<(String, String)> {
        let path = format!("/api/lessons/{lesson}/invitations");
        let body = json!({ "role": role, "label": "Cụm 3" });
        let reply = self.send(Method::POST, &path, self.organiser(), body).await?;
        let reply = reply.expect(StatusCode::CREATED)?;
        Ok((reply.string("id")?, token_of(&reply.string("url")?)?))
    }

    /// Adds a place and gives its id and token.
    pub(crate) async fn place(&self, name: &str) -> Result<(String, String)> {
        let reply = self.send(Method::POST, "/api/places", self.organiser(), json!({ "name": name })).await?;
        let reply = reply.expect(StatusCode::CREATED)?;
        Ok((reply.string("id")?, token_of(&reply.string("url")?)?))
    }

    /// A phone scans the screen of a place; its token.
    pub(crate) async fn helper(&self, place_token: &str) -> Result<String> {
        let reply = self.send(Method::POST, "/api/helpers/ticket", place_token, json!({})).await?;
        let url = reply.expect(StatusCode::CREATED)?.string("url")?;
        let ticket = url.split_once("/phong#m=").with_context(|| format!("{url} is no phone's link"))?.1;
        let request = self.request(Method::POST, "/api/helpers", None);
        let entry = json!({ "ticket": ticket, "label": "Android" });
        Reply::of(request.json(&entry)).await?.expect(StatusCode::CREATED)?.string("token")
    }

    /// Opens a page that is welcomed.
    pub(crate) async fn page(&self, token: &str) -> Result<Page> {
        let mut page = Page::open(self, "").await?;
        page.hello(token).await?;
        Ok(page)
    }
}

fn config(folder: &Path, change: impl FnOnce(&mut Config)) -> Config {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config { listen, data_dir: folder.join("data"), ..Config::default() };
    config.media.workers = 1;
    change(&mut config);
    config
}

/// The token in a link.
pub(crate) fn token_of(link: &str) -> Result<String> {
    Ok(link.split_once("#t=").with_context(|| format!("{link} has no token"))?.1.to_owned())
}

impl Reply {
    /// Sends a request and reads its answer.
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Result<Self> {
        let response = timeout(PATIENCE, request.send()).await.context("no answer in time")??;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    /// The same answer, if it has this status.
    pub(crate) fn expect(self, status: StatusCode) -> Result<Self> {
        ensure!(self.status == status, "expected {status}, got {}: {}", self.status, self.text);
        Ok(self)
    }

    /// The answer as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("not JSON: {:?}", self.text))
    }

    /// A text field of the answer.
    pub(crate) fn string(&self, key: &str) -> Result<String> {
        let json = self.json()?;
        Ok(json[key].as_str().with_context(|| format!("{json} has no text {key:?}"))?.to_owned())
    }

    /// A header of the answer; empty when it has none.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem code, after checking that the problem is one a program and two people can read.
    pub(crate) fn problem(&self) -> Result<String> {
        let content_type = self.header(header::CONTENT_TYPE);
        ensure!(content_type == "application/problem+json", "{content_type:?}: {}", self.text);
        let json = self.json()?;
        ensure!(json["type"] == "about:blank", "{json}");
        ensure!(json["status"] == self.status.as_u16(), "{json} came with status {}", self.status);
        for text in ["title", "detail", "detail_vi"] {
            ensure!(json[text].as_str().is_some_and(|text| !text.is_empty()), "{json} has no {text}");
        }
        self.string("code")
    }
}

/// A page's WebSocket.
pub(crate) struct Page {
    /// What it was welcomed with.
    pub(crate) welcome: Value,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What was said while it waited for an acknowledgement.
    heard: VecDeque<Value>,
    asked: u32,
    /// The token it said hello with.
    pub(crate) token: String,
}

impl Page {
    /// Opens a WebSocket; `query` starts with `?` or is empty.
    pub(crate) async fn open(rig: &Rig, query: &str) -> Result<Self> {
        Self::open_at(rig.addr(), query).await
    }

    /// As [`Page::open`], at an address that leads to the server.
    pub(crate) async fn open_at(address: SocketAddr, query: &str) -> Result<Self> {
        let (socket, _) = connect_async(format!("ws://{address}/api/ws{query}")).await?;
        Ok(Self { welcome: Value::Null, socket, heard: VecDeque::new(), asked: 0, token: String::new() })
    }

    /// Says who it is, on a TV with an H.264 chip, and is welcomed.
    pub(crate) async fn hello(&mut self, token: &str) -> Result<()> {
        let codecs = json!([{"codec":"h264","hardware":true},{"codec":"vp8","hardware":false}]);
        let device = json!({ "kind": "tv", "codecs": codecs });
        self.send(json!({"type":"hello","v":1,"token":token,"lang":"vi","device":device})).await?;
        self.welcome = self.next("welcome").await?;
        token.clone_into(&mut self.token);
        Ok(())
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: Value) -> Result<()> {
        self.send_text(&message.to_string()).await
    }

    /// Sends any text.
    pub(crate) async fn send_text(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// The next message of this type; others are passed over.
    pub(crate) async fn next(&mut self, kind: &str) -> Result<Value> {
        self.next_where(kind, |_| true).await
    }

    /// The next message of this type for which `wanted` holds; others are passed over.
    pub(crate) async fn next_where(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        self.next_within(PATIENCE, kind, wanted).await
    }

    /// As [`Page::next_where`], for whoever has to wait longer than others.
    pub(crate) async fn next_within(
        &mut self,
        patience: Duration,
        kind: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let until = Instant::now() + patience;
        while let Some(message) = self.heard.pop_front() {
            if message["type"] == kind && wanted(&message) {
                return Ok(message);
            }
        }
        loop {
            let message = timeout_at(until, self.socket.next()).await;
            let message = message.with_context(|| format!("no {kind} in time"))?;
            match message.with_context(|| format!("the socket ended before {kind}"))?? {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text)?;
                    if message["type"] == kind && wanted(&message) {
                        return Ok(message);
                    }
                }
                Message::Close(frame) => bail!("closed before {kind}: {frame:?}"),
                _ => {}
            }
        }
    }

    /// Sends a message and waits until it is acknowledged (`"ok"`) or refused (the code). What is said meanwhile is kept.
    pub(crate) async fn ask(&mut self, mut message: Value) -> Result<String> {
        self.asked += 1;
        let reference = format!("c{}", self.asked);
        message["ref"] = json!(reference);
        self.send(message.clone()).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let said = timeout_at(until, self.socket.next()).await;
            let said = said.with_context(|| format!("{message} was never answered"))?;
            let Message::Text(text) = said.context("the socket ended")?? else { continue };
            let said: Value = serde_json::from_str(&text)?;
            match said["type"].as_str() {
                Some("ack") if said["ref"] == json!(reference) => return Ok("ok".to_owned()),
                Some("error") if said["ref"] == json!(reference) => {
                    return Ok(said["code"].as_str().unwrap_or_default().to_owned());
                }
                _ => self.heard.push_back(said),
            }
        }
    }

    /// Sends a message that must be acknowledged.
    pub(crate) async fn does(&mut self, message: Value) -> Result<()> {
        let outcome = self.ask(message.clone()).await?;
        ensure!(outcome == "ok", "{message} was refused: {outcome}");
        Ok(())
    }

    /// Everything said until the server closes: the messages, and the close code.
    pub(crate) async fn until_closed(&mut self) -> Result<(Vec<Value>, u16)> {
        let until = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        loop {
            let message = timeout_at(until, self.socket.next()).await.context("not closed in time")?;
            match message.context("the socket ended without a close frame")?? {
                Message::Text(text) => said.push(serde_json::from_str(&text)?),
                Message::Close(Some(CloseFrame { code, .. })) => return Ok((said, code.into())),
                Message::Close(None) => bail!("closed without a code"),
                _ => {}
            }
        }
    }

    /// Leaves as a closed tab does.
    pub(crate) async fn leave(mut self) -> Result<()> {
        Ok(self.socket.close(None).await?)
    }
}
