//! The host's word to the lesson: opens it for the classrooms, as the teacher's button does.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// Why the lesson was not started.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The WebSocket did not open or broke.
    #[error("the signalling connection failed: {0}")]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// The server answered with an error.
    #[error("the server refuses to start the lesson: {code}: {detail}")]
    Refused {
        /// Stable code.
        code: String,
        /// A sentence for a person.
        detail: String,
    },
    /// The server said nothing for too long, or closed.
    #[error("the server did not say within {WITHIN:?} that the lesson is live")]
    Silent,
}

const WITHIN: Duration = Duration::from_secs(10);

/// Makes the host's lesson live; does nothing when it is live already.
///
/// # Errors
/// [`SignalError`] when the server is not reached, refuses or stays silent.
pub async fn start_lesson(server: &str, token: &str) -> Result<(), SignalError> {
    tokio::time::timeout(WITHIN, say_start(server, token)).await.unwrap_or(Err(SignalError::Silent))
}

async fn say_start(server: &str, token: &str) -> Result<(), SignalError> {
    let url = format!("{}/api/ws", server.trim_end_matches('/').replacen("http", "ws", 1));
    let (mut socket, _) = connect_async(url).await.map_err(Box::new)?;
    let hello = json!({ "type": "hello", "v": 1, "token": token, "lang": "vi", "device": { "kind": "browser", "codecs": [] } });
    socket.send(Message::text(hello.to_string())).await.map_err(Box::new)?;
    let mut asked = false;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(Box::new)? else { continue };
        let message: Value = serde_json::from_str(&text).unwrap_or_default();
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        match message["type"].as_str() {
            Some("welcome" | "lesson") if message["lesson"]["state"] == "live" => {
                // Leaving politely; the lesson stays live without us.
                let _ = socket.close(None).await;
                return Ok(());
            }
            Some("welcome") if !asked => {
                asked = true;
                let start = json!({ "type": "lesson.start" }).to_string();
                socket.send(Message::text(start)).await.map_err(Box::new)?;
            }
            Some("error") => return Err(SignalError::Refused { code: text("code"), detail: text("detail") }),
            _ => {}
        }
    }
    Err(SignalError::Silent)
}
