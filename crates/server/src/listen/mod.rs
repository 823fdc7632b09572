//! The TCP half of the one port: accepts connections, finds out what each speaks and takes it there.
//!
//! Our own accept loop instead of `axum::serve`: a connection that says nothing, or never finishes what it began, is closed; one
//! address cannot hold all connections; and pages and media (ICE-TCP) share this port, told apart by their first byte.

mod demux;
mod opening;
mod waiting;

use crate::{
    address::{Secure, network},
    config::TlsMode,
    media::{MediaHandle, tune},
    seats::Seats,
    tls,
};
use axum::{Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use demux::{Spoken, spoken};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use opening::{Begun, CHECK_MAX, Opening};
use socket2::SockRef;
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tracing::{debug, warn};
use waiting::{Place, Waiting};

/// How long a client may take to say what it is. A mountain link loses a packet or two and repeats them within seconds; browsers also
/// open connections in advance and come back when one is gone.
const FIRST_BYTES_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, also of the next one on a kept connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the handshake of TLS may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(15);

/// What the accept loop works with.
pub(crate) struct Doors {
    /// Pages, API and WebSocket.
    pub(crate) router: Router,
    /// Takes connections of media.
    pub(crate) media: MediaHandle,
    /// Encryption, unless it is off.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Who is served without it.
    pub(crate) plain: PlainHttp,
    /// Connections one address may hold.
    pub(crate) per_address: usize,
    /// Ends the loop.
    pub(crate) stop: CancellationToken,
    /// How long requests under way may take after that.
    pub(crate) patience: Duration,
}

/// Who is served over unencrypted HTTP: this machine, whose packets nobody else sees, and named proxies, who encrypted them before.
#[derive(Debug, Clone)]
pub(crate) struct PlainHttp {
    /// Everybody, because the configuration says so.
    pub(crate) everybody: bool,
    /// Reverse proxies.
    pub(crate) proxies: Vec<IpAddr>,
    /// What others are told depends on where the certificate comes from.
    pub(crate) mode: TlsMode,
}

impl PlainHttp {
    fn serves(&self, remote: IpAddr) -> bool {
        let remote = remote.to_canonical();
        self.everybody || remote.is_loopback() || self.proxies.contains(&remote)
    }
}

/// Serves `doors` until they stop, then finishes the requests under way.
pub(crate) async fn serve(listener: TcpListener, doors: Doors) {
    let doors = Arc::new(doors);
    let connections = TaskTracker::new();
    let (seats, waiting) = (Seats::default(), Waiting::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = doors.stop.cancelled() => break,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the client went away between SYN and accept.
                warn!(%error, "cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let address = network(remote.ip().to_canonical());
        // Before the seat is asked for: when an address is full of silent connections, the newest pushes one of them out.
        let place = waiting.enter(address);
        let Some(seat) = seats.take(address, doors.per_address) else {
            // full: this address has all the connections it gets; it is closed and may try again.
            metrics::counter!("nhipcau_connections_refused_total").increment(1);
            continue;
        };
        tune(&SockRef::from(&stream));
        let connection = Connection { doors: Arc::clone(&doors), remote };
        connections.spawn(async move {
            connection.serve(stream, place).await;
            drop(seat);
        });
    }
    drop(listener);
    connections.close();
    if timeout(doors.patience, connections.wait()).await.is_err() {
        warn!("requests were still under way when the time to stop had passed");
    }
}

/// One accepted connection.
struct Connection {
    doors: Arc<Doors>,
    remote: SocketAddr,
}

impl Connection {
    /// Finds out what it speaks and serves it.
    async fn serve(self, stream: TcpStream, place: Place) {
        let stop = &self.doors.stop;
        let mut first = [0];
        let looked = tokio::select! {
            looked = timeout(FIRST_BYTES_TIMEOUT, stream.peek(&mut first)) => looked,
            () = place.evicted.cancelled() => return,
            () = stop.cancelled() => return,
        };
        let Ok(Ok(1)) = looked else { return };
        match (spoken(first[0]), &self.doors.tls) {
            (Some(Spoken::Tls), Some(config)) => {
                let handshake = TlsAcceptor::from(Arc::clone(config)).accept(stream);
                let agreed = tokio::select! {
                    agreed = timeout(TLS_TIMEOUT, handshake) => agreed,
                    () = place.evicted.cancelled() => return,
                };
                // A client that does not trust a home-made certificate hangs up here; it is no fault.
                let Ok(Ok(stream)) = agreed else { return };
                drop(place);
                if stream.get_ref().1.alpn_protocol() == Some(tls::VALIDATION) {
                    // An ACME server has seen the proof in the handshake; nothing more is said (RFC 8737 section 3).
                    return;
                }
                self.http(stream, Secure(true)).await;
            }
            (Some(Spoken::Http), _) => {
                drop(place);
                self.http(stream, Secure(false)).await;
            }
            (Some(Spoken::IceTcp), _) => {
                tokio::select! {
                    () = hand_over(stream, self.remote, &self.doors.media) => {}
                    () = place.evicted.cancelled() => {}
                }
            }
            (Some(Spoken::Tls) | None, _) => {
                metrics::counter!("nhipcau_connections_unknown_total").increment(1);
            }
        }
    }

    async fn http(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, secure: Secure) {
        let (remote, stop) = (self.remote, &self.doors.stop);
        let is_served = secure.0 || self.doors.plain.serves(remote.ip());
        let (router, mode) = (self.doors.router.clone(), self.doors.plain.mode);
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let router = router.clone();
            async move {
                let mut request = request.map(Body::new);
                if !is_served {
                    return Ok::<Response, Infallible>(tls::explain(mode, &request));
                }
                request.extensions_mut().insert(ConnectInfo(remote));
                request.extensions_mut().insert(secure);
                router.oneshot(request).await
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(%error, "a connection ended badly: {error}");
        }
    }
}

/// Reads the connectivity check a connection begins with and gives both to the media workers, who verify it.
async fn hand_over(mut stream: TcpStream, remote: SocketAddr, media: &MediaHandle) {
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let check = async {
        let (mut opening, mut buffer) = (Opening::new(remote), [0; CHECK_MAX]);
        loop {
            let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
            match opening.push(buffer.get(..count)?) {
                Begun::Unfinished => {}
                Begun::Check(read) => return Some(read),
                Begun::Question(answer) => {
                    stream.write_all(&answer).await.ok()?;
                    return None;
                }
                Begun::Nothing => return None,
            }
        }
    };
    let Ok(Some(read)) = timeout(FIRST_BYTES_TIMEOUT, check).await else { return };
    // Stays non-blocking.
    let Ok(stream) = stream.into_std() else { return };
    if let Err(refused) = media.take_stream(stream, remote, read) {
        metrics::counter!("nhipcau_streams_refused_total").increment(1);
        debug!(%refused, "a media connection was refused: {refused}");
    }
}
