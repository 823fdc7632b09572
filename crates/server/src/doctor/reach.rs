//! Asks a server whether packets get through to it (`transport::reach`), by datagrams and over a connection.

use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::timeout,
};
use transport::{
    framing::{Deframer, header},
    reach,
};

/// Datagrams get lost on the way.
const TRIES: u32 = 4;
const ANSWER_MAX: usize = 512;

fn request() -> io::Result<([u8; 12], Vec<u8>)> {
    let transaction = rand::random();
    let request = reach::request(transaction).ok_or_else(|| io::Error::other("no request"))?;
    Ok((transaction, request))
}

/// This machine's address as the server sees it, if datagrams get there and back within `patience` for each of a few tries.
pub(super) async fn over_udp(server: SocketAddr, patience: Duration) -> io::Result<Option<SocketAddr>> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    let mut buffer = [0; ANSWER_MAX];
    for _ in 0..TRIES {
        let (transaction, request) = request()?;
        // A port nobody listens on says so by ICMP, which the next call reports.
        socket.send(&request).await?;
        if let Ok(received) = timeout(patience, socket.recv(&mut buffer)).await
            && let Some(seen) = buffer.get(..received?).and_then(|answer| reach::seen_as(answer, transaction))
        {
            return Ok(Some(seen));
        }
    }
    Ok(None)
}

/// The same over a connection, framed as ICE-TCP is.
pub(super) async fn over_tcp(server: SocketAddr, patience: Duration) -> io::Result<Option<SocketAddr>> {
    let (transaction, request) = request()?;
    let asked = async {
        let mut stream = TcpStream::connect(server).await?;
        let header = header(request.len()).ok_or_else(|| io::Error::other("no header"))?;
        stream.write_all(&header).await?;
        stream.write_all(&request).await?;
        let (mut frames, mut buffer) = (Deframer::new(ANSWER_MAX), [0; ANSWER_MAX]);
        loop {
            let count = stream.read(&mut buffer).await?;
            if count == 0 {
                return Ok(None);
            }
            frames.push(buffer.get(..count).unwrap_or_default());
            match frames.next_frame() {
                Ok(Some(answer)) => return Ok(reach::seen_as(answer, transaction)),
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
        }
    };
    timeout(patience, asked).await.unwrap_or(Ok(None))
}
