//! Screens that watch a lesson as segments over an encrypted WebSocket: they take every piece and show nothing.

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpStream, task::JoinSet, time::sleep};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// First byte of a message that holds a piece of picture or sound (`PROTOCOL.md`, "Segments").
const CHUNK: u8 = 1;
/// A screen shows one picture.
const WANTS: [&str; 3] = [
    r#"{"type":"want","slot":"program_video","layer":"high"}"#,
    r#"{"type":"want","slot":"slides_video","layer":null}"#,
    r#"{"type":"want","slot":"extra_video","layer":null}"#,
];

/// What all screens of a run have had so far.
#[derive(Debug, Default)]
struct Counts {
    watching: AtomicU64,
    bytes: AtomicU64,
}

/// Screens of one run.
pub(super) struct Screens {
    counts: Arc<Counts>,
    tasks: JoinSet<()>,
}

/// A look at them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) watching: usize,
    pub(super) bytes: u64,
}

impl Screens {
    /// `count` of them open a connection each to `127.0.0.1:port`, `per_second` in a second.
    ///
    /// # Errors
    /// When the server's root certificate cannot be read, or a screen is not let in.
    pub(super) async fn open(
        port: u16,
        root: &Path,
        lesson: &str,
        token: &str,
        count: usize,
        per_second: usize,
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(root).context("the server's root certificate")?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let play = serde_json::json!({ "type": "play", "token": token, "lesson": lesson }).to_string();
        let mut screens = Self { counts: Arc::default(), tasks: JoinSet::new() };
        for _ in 0..count {
            screens.enter(&connector, port, &play).await?;
            sleep(Duration::from_secs(1) / per_second.max(1) as u32).await;
        }
        Ok(screens)
    }

    async fn enter(&mut self, connector: &TlsConnector, port: u16, play: &str) -> anyhow::Result<()> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.context("no connection")?;
        stream.set_nodelay(true)?;
        let stream = connector.connect(ServerName::try_from("127.0.0.1")?, stream).await.context("no TLS")?;
        let address = format!("wss://127.0.0.1:{port}/api/segments");
        let (mut socket, _) = client_async(address, stream).await.context("no WebSocket")?;
        for word in [play].into_iter().chain(WANTS) {
            socket.send(Message::text(word)).await?;
        }
        let counts = Arc::clone(&self.counts);
        self.tasks.spawn(async move {
            let mut is_watching = false;
            while let Some(Ok(message)) = socket.next().await {
                let Message::Binary(bytes) = message else { continue };
                counts.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                if bytes.first() == Some(&CHUNK) && !is_watching {
                    is_watching = true;
                    counts.watching.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(())
    }

    /// Looks at them.
    ///
    /// # Errors
    /// When one was sent away.
    pub(super) fn look(&mut self) -> anyhow::Result<Seen> {
        if self.tasks.try_join_next().is_some() {
            bail!("a screen was sent away");
        }
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Ok(Seen { watching: read(&self.counts.watching) as usize, bytes: read(&self.counts.bytes) })
    }
}
