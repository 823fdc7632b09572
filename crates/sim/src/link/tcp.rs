//! TCP through a [`Bottleneck`]: nothing is lost, but everything waits for its turn, its delay, and what was lost before it.

use super::{Bottleneck, Way};
use bytes::Bytes;
use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

/// Payload of a segment, bytes.
const SEGMENT: usize = 1_400;
/// IPv4 and TCP headers with timestamps.
const HEADERS: usize = 52;
/// Segments under way in one direction of a connection.
const UNDER_WAY: usize = 1_024;

/// A stream that waits for its turn looks again after this long at the latest.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A running TCP link; it ends when dropped, with its connections.
#[derive(Debug)]
pub struct TcpLink {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TcpLink {
    /// Listens on `listen` (port 0: any) and forwards every connection to `server`.
    ///
    /// # Errors
    /// When `listen` cannot be bound.
    pub async fn start(listen: SocketAddr, server: SocketAddr, line: Bottleneck) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    // A connection that broke off before we took it concerns nobody else.
                    accepted = listener.accept() => if let Ok((client, _)) = accepted {
                        connections.spawn(connect(client, server, line.clone()));
                    },
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, task })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A download that takes what the line gives it, as a second computer of the school would; ends when the task is aborted.
    ///
    /// # Errors
    /// When no socket can be bound.
    pub async fn download(line: Bottleneck) -> io::Result<JoinHandle<()>> {
        let source = TcpListener::bind("127.0.0.1:0").await?;
        let link = Self::start(([127, 0, 0, 1], 0).into(), source.local_addr()?, line).await?;
        Ok(tokio::spawn(async move {
            let pour = async {
                if let Ok((mut stream, _)) = source.accept().await {
                    let block = [0; 4_096];
                    while stream.write_all(&block).await.is_ok() {}
                }
            };
            let drink = async {
                if let Ok(mut stream) = TcpStream::connect(link.address()).await {
                    let mut block = [0; 4_096];
                    while stream.read(&mut block).await.is_ok_and(|len| len > 0) {}
                }
            };
            tokio::join!(pour, drink);
        }))
    }
}

impl Drop for TcpLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(client: TcpStream, server: SocketAddr, line: Bottleneck) {
    let Ok(outward) = TcpStream::connect(server).await else { return };
    // Our own delays are the ones that count.
    let _ = (client.set_nodelay(true), outward.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), outward.into_split());
    tokio::join!(
        carry(from_client, to_server, line.clone(), Way::Up),
        carry(from_server, to_client, line, Way::Down)
    );
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: Bottleneck, way: Way) {
    // full: the reader waits, and with it the sender's TCP window.
    let (queue, mut arrivals) = mpsc::channel::<(Instant, Bytes)>(UNDER_WAY);
    let reader = async move {
        let mut buffer = [0; SEGMENT];
        loop {
            let len = match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(len) => len,
            };
            while let Err(later) = line.with(way, |pipe, now| pipe.stream_may_send(now)) {
                // An outage may be ended before its time.
                let soon = Instant::now() + ASK_AGAIN;
                tokio::time::sleep_until(line.instant(later).min(soon).into()).await;
            }
            let at = line.with(way, |pipe, now| pipe.segment(now, len + HEADERS));
            if queue.send((line.instant(at), Bytes::copy_from_slice(&buffer[..len]))).await.is_err() {
                return;
            }
        }
    };
    let writer = async move {
        while let Some((at, payload)) = arrivals.recv().await {
            if at > Instant::now() {
                tokio::time::sleep_until(at.into()).await;
            }
            if to.write_all(&payload).await.is_err() {
                return;
            }
        }
        // The reader saw the end of the stream: pass it on.
        let _ = to.shutdown().await;
    };
    tokio::join!(reader, writer);
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Profile, Shape, UdpLink},
        *,
    };
    use domain::Bitrate;
    use tokio::net::UdpSocket;

    fn narrow() -> Bottleneck {
        let shape = Shape {
            rate: Some(Bitrate::from_kbps(800)),
            delay: Duration::from_millis(10),
            ..Shape::perfect()
        };
        Bottleneck::new(&Profile { down: shape.clone(), up: shape, ..Profile::perfect() }, 4)
    }

    #[tokio::test]
    async fn fifty_kilobytes_take_half_a_second_at_eight_hundred_kilobits() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = TcpLink::start("127.0.0.1:0".parse().unwrap(), server.local_addr().unwrap(), narrow())
            .await
            .unwrap();
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        let (mut served, _) = server.accept().await.unwrap();
        let began = Instant::now();
        let sender = tokio::spawn(async move {
            served.write_all(&vec![7; 50_000]).await.unwrap();
            served.shutdown().await.unwrap();
        });
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        sender.await.unwrap();
        let took = began.elapsed();
        assert_eq!(all.len(), 50_000);
        assert!((Duration::from_millis(500)..Duration::from_millis(900)).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn a_download_makes_a_lessons_packets_wait_on_the_same_line() {
        let line = narrow();
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let link =
            UdpLink::start("127.0.0.1:0".parse().unwrap(), server.local_addr().unwrap(), line.clone(), false)
                .await
                .unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut buffer = [0; 64];
        let mut round_trip = async || {
            let began = Instant::now();
            client.send_to(b"?", link.address()).await.unwrap();
            let (_, from) = server.recv_from(&mut buffer).await.unwrap();
            server.send_to(b"!", from).await.unwrap();
            client.recv_from(&mut buffer).await.unwrap();
            began.elapsed()
        };
        let alone = round_trip().await;
        let download = TcpLink::download(line).await.unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
        let beside = round_trip().await;
        download.abort();
        assert!(beside > alone + Duration::from_millis(60), "{alone:?} {beside:?}");
    }
}
