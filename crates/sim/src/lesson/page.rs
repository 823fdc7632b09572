//! A page's WebSocket: says hello, sends, hears, and waits for acknowledgements by name.

use futures_util::{SinkExt as _, StreamExt as _, stream::SplitSink};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// From opening the socket to `welcome`.
const WELCOME_WITHIN: Duration = Duration::from_secs(15);
/// Messages waiting to be sent.
const WAITING_MAX: usize = 64;
/// Messages heard and not looked at yet; a page that is not looked at is only asked for acknowledgements.
const HEARD_MAX: usize = 4_096;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Result<(), String>>>>>;

/// Why a page is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The socket.
    #[error("the WebSocket failed: {0}")]
    Socket(#[from] tokio_tungstenite::tungstenite::Error),
    /// The server closed, or never said welcome.
    #[error("the server let the page go")]
    Gone,
    /// The server said no; a code of PROTOCOL.md.
    #[error("refused: {0}")]
    Refused(String),
}

/// An open page.
pub struct Page {
    /// What it was welcomed with.
    pub welcome: Value,
    outgoing: mpsc::Sender<String>,
    waiting: Waiting,
    asked: AtomicU32,
    tasks: [JoinHandle<()>; 2],
}

impl Page {
    /// Opens a page and is welcomed. `query` starts with `?` or is empty. What the page hears goes to `heard`, when
    /// somebody listens.
    ///
    /// # Errors
    /// [`PageError`].
    pub async fn open(
        base: &str,
        query: &str,
        token: &str,
        heard: Option<mpsc::Sender<Value>>,
    ) -> Result<Self, PageError> {
        let url = format!("{}/api/ws{query}", base.replacen("http", "ws", 1));
        let (mut socket, _) = connect_async(url).await?;
        let device =
            json!({"kind":"tv","codecs":[{"codec":"h264","hardware":true},{"codec":"vp8","hardware":false}]});
        let hello = json!({"type":"hello","v":1,"token":token,"lang":"vi","device":device});
        socket.send(Message::text(hello.to_string())).await?;
        let welcome = timeout(WELCOME_WITHIN, first(&mut socket)).await.map_err(|_| PageError::Gone)??;
        let (sink, stream) = socket.split();
        // full: the caller waits.
        let (outgoing, queue) = mpsc::channel(WAITING_MAX);
        let waiting = Waiting::default();
        let answered = Arc::clone(&waiting);
        let listen = tokio::spawn(async move {
            let mut stream = stream;
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else { continue };
                hear(&text, &answered, heard.as_ref()).await;
            }
            // Whoever waits for an acknowledgement hears that none will come.
            lock(&answered).clear();
        });
        let speak = tokio::spawn(say(sink, queue));
        Ok(Self { welcome, outgoing, waiting, asked: AtomicU32::new(0), tasks: [listen, speak] })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`PageError::Gone`].
    pub async fn send(&self, message: &Value) -> Result<(), PageError> {
        self.outgoing.send(message.to_string()).await.map_err(|_| PageError::Gone)
    }

    /// Sends a message and waits until it is acknowledged, which means that it is stored.
    ///
    /// # Errors
    /// [`PageError::Refused`]; [`PageError::Gone`] when the connection ends before: then nobody knows.
    pub async fn ask(&self, mut message: Value) -> Result<(), PageError> {
        let reference = format!("r{}", self.asked.fetch_add(1, Ordering::Relaxed));
        message["ref"] = json!(reference);
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(reference, answer);
        self.send(&message).await?;
        answered.await.map_err(|_| PageError::Gone)?.map_err(PageError::Refused)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn first(socket: &mut Socket) -> Result<Value, PageError> {
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let said: Value = serde_json::from_str(&text).map_err(|_| PageError::Gone)?;
        return match said["type"].as_str() {
            Some("welcome") => Ok(said),
            _ => Err(PageError::Refused(said["code"].as_str().unwrap_or("closed").to_owned())),
        };
    }
    Err(PageError::Gone)
}

async fn hear(text: &str, waiting: &Waiting, heard: Option<&mpsc::Sender<Value>>) {
    let named = text.contains(r#""ref":"#);
    // Two hundred pages that nobody listens to are not parsed two hundred times.
    if heard.is_none() && !named {
        return;
    }
    let Ok(said) = serde_json::from_str::<Value>(text) else { return };
    if let Some(reference) = said["ref"].as_str()
        && let Some(answer) = lock(waiting).remove(reference)
    {
        let outcome = match said["type"].as_str() {
            Some("ack") => Ok(()),
            _ => Err(said["code"].as_str().unwrap_or_default().to_owned()),
        };
        let _ = answer.send(outcome);
    }
    if let Some(heard) = heard {
        let _ = heard.send(said).await;
    }
}

async fn say(mut sink: SplitSink<Socket, Message>, mut queue: mpsc::Receiver<String>) {
    while let Some(text) = queue.recv().await {
        if sink.send(Message::text(text)).await.is_err() {
            return;
        }
    }
}

fn lock(
    waiting: &Waiting,
) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Result<(), String>>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room for what a page hears.
pub(super) fn hearing() -> (mpsc::Sender<Value>, mpsc::Receiver<Value>) {
    // full: the page reads no further, and the server cuts it off as any slow page.
    mpsc::channel(HEARD_MAX)
}
