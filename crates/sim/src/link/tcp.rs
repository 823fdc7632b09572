//! TCP through a [`Bottleneck`]: nothing is lost, but everything waits for its turn, its delay, and what was lost before it.
//!
//! A connection costs a round trip before its first byte, and after an outage a stream goes on when its sender tries again, which it does
//! ever more rarely (RFC 6298): the line may be back for seconds before a page notices.

use super::{Bottleneck, Fate, NotNow, Way};
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

/// A connection that was asked for in vain is asked for again after this long, then after twice as long (RFC 6298 section 5.7).
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// A segment that got lost with all that follow is sent again after this long, then after twice as long.
const SEND_AGAIN: Duration = Duration::from_millis(300);
/// But never later than this.
const LATEST: Duration = Duration::from_mins(1);

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
    shake_hands(&line).await;
    let Ok(outward) = TcpStream::connect(server).await else { return };
    // Our own delays are the ones that count.
    let _ = (client.set_nodelay(true), outward.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), outward.into_split());
    tokio::join!(
        carry(from_client, to_server, line.clone(), Way::Up),
        carry(from_server, to_client, line, Way::Down)
    );
}

/// SYN and its answer.
async fn shake_hands(line: &Bottleneck) {
    for way in [Way::Up, Way::Down] {
        let mut again = ASK_AGAIN;
        loop {
            if let Fate::Arrives(at) = line.with(way, |pipe, now| pipe.datagram(now, HEADERS)) {
                tokio::time::sleep_until(line.instant(at).into()).await;
                break;
            }
            tokio::time::sleep(again).await;
            again = (again * 2).min(LATEST);
        }
    }
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
            let mut again = SEND_AGAIN;
            while let Err(not_now) = line.with(way, |pipe, now| pipe.stream_may_send(now)) {
                match not_now {
                    NotNow::Until(later) => tokio::time::sleep_until(line.instant(later).into()).await,
                    NotNow::Outage => {
                        tokio::time::sleep(again).await;
                        again = (again * 2).min(LATEST);
                    }
                }
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
        super::{Outage, Profile, Shape, UdpLink},
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

    #[tokio::test]
    async fn a_stream_notices_the_end_of_an_outage_when_it_tries_again() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let delay = Duration::from_millis(20);
        let whole = Shape { delay, ..Shape::perfect() };
        let profile =
            |shape: &Shape| Profile { down: shape.clone(), up: shape.clone(), ..Profile::perfect() };
        let line = Bottleneck::new(&profile(&whole), 1);
        let listen = "127.0.0.1:0".parse().unwrap();
        let link = TcpLink::start(listen, server.local_addr().unwrap(), line.clone()).await.unwrap();
        let began = Instant::now();
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        let (mut served, _) = server.accept().await.unwrap();
        assert!(began.elapsed() >= delay * 2, "{:?}", began.elapsed());

        let outage = Outage { first_at: Duration::ZERO, every: None, lasts: Duration::from_millis(400) };
        line.change(&profile(&Shape { outages: vec![outage], ..whole }));
        let began = Instant::now();
        client.write_all(b"?").await.unwrap();
        served.read_exact(&mut [0]).await.unwrap();
        // Tried after 300 and 900 ms.
        let took = began.elapsed();
        assert!((Duration::from_millis(900)..Duration::from_millis(1_200)).contains(&took), "{took:?}");
    }
}
