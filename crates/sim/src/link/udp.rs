//! UDP through a [`Bottleneck`]: clients talk to the link's address, the link talks to the server, one socket for each client.

use super::{Bottleneck, Fate, Way};
use bytes::Bytes;
use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

/// IPv4 and UDP headers: what a datagram weighs more on the line than its payload.
const HEADERS: usize = 28;
/// Datagrams under way in one direction; two seconds of 4 Mbit/s in small packets.
const UNDER_WAY: usize = 8_192;

/// A running UDP link; it ends when dropped.
#[derive(Debug)]
pub struct UdpLink {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// A datagram on its way, to be sent from `from` at `at`.
struct UnderWay {
    at: Instant,
    from: Arc<UdpSocket>,
    to: SocketAddr,
    payload: Bytes,
}

impl UdpLink {
    /// Listens on `listen` (port 0: any) and forwards to `server`. With `blocked`, nothing passes at all, as in P5.
    ///
    /// # Errors
    /// When `listen` cannot be bound.
    pub async fn start(
        listen: SocketAddr,
        server: SocketAddr,
        line: Bottleneck,
        blocked: bool,
    ) -> io::Result<Self> {
        let socket = Arc::new(UdpSocket::bind(listen).await?);
        let address = socket.local_addr()?;
        let task = tokio::spawn(async move {
            if blocked {
                std::future::pending::<()>().await;
            }
            forward(socket, server, line).await;
        });
        Ok(Self { address, task })
    }

    /// Where clients send to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for UdpLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(listener: Arc<UdpSocket>, server: SocketAddr, line: Bottleneck) {
    // full: the datagram is lost, as at any full queue.
    let (up_tx, up_rx) = mpsc::channel(UNDER_WAY);
    // full: the datagram is lost, as at any full queue.
    let (down_tx, down_rx) = mpsc::channel(UNDER_WAY);
    let mut tasks = JoinSet::new();
    tasks.spawn(deliver(up_rx));
    tasks.spawn(deliver(down_rx));
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; 65_536];
    loop {
        // An error here is a port-unreachable of an earlier send: the next datagram may be fine.
        let Ok((len, client)) = listener.recv_from(&mut buffer).await else { continue };
        let outward = if let Some(socket) = clients.get(&client) {
            Arc::clone(socket)
        } else {
            let any: SocketAddr = if server.is_ipv4() {
                (Ipv4Addr::UNSPECIFIED, 0).into()
            } else {
                (Ipv6Addr::UNSPECIFIED, 0).into()
            };
            let Ok(socket) = UdpSocket::bind(any).await else { continue };
            let socket = Arc::new(socket);
            clients.insert(client, Arc::clone(&socket));
            tasks.spawn(bring_back(
                Arc::clone(&socket),
                Arc::clone(&listener),
                client,
                line.clone(),
                down_tx.clone(),
            ));
            socket
        };
        enter(&line, Way::Up, &up_tx, outward, server, &buffer[..len]);
    }
}

/// The server's answers to one client.
async fn bring_back(
    socket: Arc<UdpSocket>,
    listener: Arc<UdpSocket>,
    client: SocketAddr,
    line: Bottleneck,
    down: mpsc::Sender<UnderWay>,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let Ok((len, _)) = socket.recv_from(&mut buffer).await else { continue };
        enter(&line, Way::Down, &down, Arc::clone(&listener), client, &buffer[..len]);
    }
}

fn enter(
    line: &Bottleneck,
    way: Way,
    queue: &mpsc::Sender<UnderWay>,
    from: Arc<UdpSocket>,
    to: SocketAddr,
    payload: &[u8],
) {
    if let Fate::Arrives(at) = line.with(way, |pipe, now| pipe.datagram(now, payload.len() + HEADERS)) {
        let payload = Bytes::copy_from_slice(payload);
        let _ = queue.try_send(UnderWay { at: line.instant(at), from, to, payload });
    }
}

/// Sends what has arrived. A pipe keeps the order, so the first in line is the next due.
async fn deliver(mut queue: mpsc::Receiver<UnderWay>) {
    while let Some(UnderWay { at, from, to, payload }) = queue.recv().await {
        if at > Instant::now() {
            tokio::time::sleep_until(at.into()).await;
        }
        // The other side may be gone; then the datagram is, too.
        let _ = from.send_to(&payload, to).await;
    }
}

/// An answer whose UDP candidates all lead through the link at `link`: the first is rewritten, the others are taken out.
pub fn redirect_candidates(sdp: &str, link: SocketAddr) -> String {
    let mut redirected = String::with_capacity(sdp.len());
    let mut first_of_section = true;
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            first_of_section = true;
        }
        let Some(candidate) = line.strip_prefix("a=candidate:") else {
            redirected.push_str(line);
            continue;
        };
        let mut fields: Vec<&str> = candidate.trim_end().split(' ').collect();
        let (ip, port) = (link.ip().to_string(), link.port().to_string());
        if !std::mem::take(&mut first_of_section)
            || fields.len() < 6
            || !fields[2].eq_ignore_ascii_case("udp")
        {
            continue;
        }
        fields[4] = &ip;
        fields[5] = &port;
        redirected.push_str("a=candidate:");
        redirected.push_str(&fields.join(" "));
        redirected.push_str("\r\n");
    }
    redirected
}

/// The address of the first UDP candidate of an answer.
pub fn first_candidate(sdp: &str) -> Option<SocketAddr> {
    first_of("udp", sdp)
}

/// The address of the first TCP candidate of an answer (RFC 6544 section 4.5).
pub fn first_tcp_candidate(sdp: &str) -> Option<SocketAddr> {
    first_of("tcp", sdp)
}

fn first_of(protocol: &str, sdp: &str) -> Option<SocketAddr> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:")).find_map(|candidate| {
        let fields: Vec<&str> = candidate.split(' ').collect();
        let fits = fields.get(2)?.eq_ignore_ascii_case(protocol);
        let address = SocketAddr::new(fields.get(4)?.parse().ok()?, fields.get(5)?.parse().ok()?);
        fits.then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Profile, Shape},
        *,
    };
    use std::time::Duration;

    #[tokio::test]
    async fn an_answer_comes_back_after_the_delay_of_both_ways() {
        let delayed = Shape { delay: Duration::from_millis(30), ..Shape::perfect() };
        let profile = Profile { down: delayed.clone(), up: delayed, ..Profile::perfect() };
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let link = UdpLink::start(
            "127.0.0.1:0".parse().unwrap(),
            server.local_addr().unwrap(),
            Bottleneck::new(&profile, 1),
            false,
        )
        .await
        .unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let began = Instant::now();
        client.send_to(b"question", link.address()).await.unwrap();
        let mut buffer = [0; 64];
        let (len, from) = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..len], b"question");
        server.send_to(b"answer", from).await.unwrap();
        let (len, from) = client.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..len], from), (&b"answer"[..], link.address()));
        assert!(began.elapsed() >= Duration::from_millis(60), "{:?}", began.elapsed());
    }

    #[test]
    fn an_answer_is_led_through_the_link() {
        let sdp = "v=0\r\nm=audio 9 X 1\r\na=candidate:1 1 udp 2130706431 192.0.2.1 8080 typ host\r\n\
                   a=candidate:2 1 udp 2130706430 198.51.100.1 8080 typ host\r\na=end-of-candidates\r\n";
        let expected = "v=0\r\nm=audio 9 X 1\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n";
        assert_eq!(redirect_candidates(sdp, "127.0.0.1:9".parse().unwrap()), expected);
        assert_eq!(first_candidate(sdp), "192.0.2.1:8080".parse().ok());
    }
}
