//! The TCP half of the one port: accepts connections and serves HTTP on them.
//!
//! Our own accept loop instead of `axum::serve`, for three reasons: a connection that never finishes its
//! request head is closed, one address cannot hold all connections, and TLS and ICE-TCP will share this
//! port, told apart by their first bytes.

use crate::seats::Seats;
use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{net::SocketAddr, pin::pin, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// How long a client may take to send the head of a request, also of the next one on a kept connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `stop`, then finishes the requests under way, for at most `patience`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    per_address: usize,
    stop: CancellationToken,
    patience: Duration,
) {
    let connections = TaskTracker::new();
    let seats = Seats::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
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
        let Some(seat) = seats.take(remote.ip(), per_address) else {
            // full: this address has all the connections it gets; it is closed and may try again.
            metrics::counter!("nhipcau_connections_refused_total").increment(1);
            continue;
        };
        let connection = http(stream, remote, router.clone(), stop.clone());
        connections.spawn(async move {
            connection.await;
            drop(seat);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(patience, connections.wait()).await.is_err() {
        warn!("requests were still under way when the time to stop had passed");
    }
}

async fn http(stream: TcpStream, remote: SocketAddr, router: Router, stop: CancellationToken) {
    // Signalling messages are small and wanted at once; a system that refuses this is only slower.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(remote));
        request
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
