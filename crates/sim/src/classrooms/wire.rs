//! What a classroom's datagrams go over: a UDP socket, or a connection with each behind its length (ICE-TCP, RFC 4571).

use crate::batch::{Memory, Reader};
use mio::{
    Interest, Registry, Token,
    net::{TcpStream, UdpSocket},
};
use std::{
    io::{self, Read as _, Write as _},
    net::SocketAddr,
};
use tracing::debug;
use transport::{
    Remote, StreamId,
    framing::{Deframer, header},
};

/// No datagram of a relay is longer.
const FRAME_MAX: usize = 2_048;
const READ: usize = 64 * 1_024;
/// Feedback that a connection has not taken; more is dropped, as by a full socket.
const UNSENT_MAX: usize = 64 * 1_024;

/// A socket for a classroom that is about to sit down.
#[derive(Debug)]
pub enum Line {
    /// Datagrams.
    Udp(std::net::UdpSocket),
    /// A connection to the relay's candidate, and that candidate.
    Tcp(std::net::TcpStream, SocketAddr),
}

/// A classroom's socket in the poll of its thread.
pub(super) enum Wire {
    Udp { socket: UdpSocket, reader: Reader },
    Tcp { socket: TcpStream, remote: Remote, incoming: Deframer, unsent: Vec<u8>, buffer: Vec<u8> },
}

impl Wire {
    /// # Errors
    /// When the poll or the socket's options are refused.
    pub(super) fn open(line: Line, gro: bool, registry: &Registry, token: Token) -> io::Result<Self> {
        match line {
            Line::Udp(socket) => {
                let reader = Reader::new(&socket, gro)?;
                let mut socket = UdpSocket::from_std(socket);
                registry.register(&mut socket, token, Interest::READABLE)?;
                Ok(Self::Udp { socket, reader })
            }
            Line::Tcp(socket, to) => {
                socket.set_nonblocking(true)?;
                socket.set_nodelay(true)?;
                let mut socket = TcpStream::from_std(socket);
                registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
                let (incoming, remote) = (Deframer::new(FRAME_MAX), Remote::stream(to, StreamId(0)));
                Ok(Self::Tcp { socket, remote, incoming, unsent: Vec::new(), buffer: vec![0; READ] })
            }
        }
    }

    /// Reads until nothing is left. What `take` wants to send goes to its last argument.
    pub(super) fn drain(
        &mut self,
        memory: &mut Memory,
        mut take: impl FnMut(Remote, &mut [u8], &mut dyn FnMut(SocketAddr, &[u8])),
    ) {
        match self {
            Self::Udp { socket, reader } => {
                let socket = &*socket;
                reader.drain(socket, memory, |from, datagram| {
                    take(from.into(), datagram, &mut |to, bytes| send_to(socket, to, bytes));
                });
            }
            Self::Tcp { socket, remote, incoming, unsent, buffer } => {
                // An end is found by the classroom: nothing comes any more.
                while let Ok(count @ 1..) = socket.read(buffer) {
                    incoming.push(&buffer[..count]);
                    while let Ok(Some(datagram)) = incoming.next_frame() {
                        take(*remote, datagram, &mut |_, bytes| frame(unsent, bytes));
                    }
                }
                flush(socket, unsent);
            }
        }
    }

    /// Sends a classroom's feedback.
    pub(super) fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        match self {
            Self::Udp { socket, .. } => send_to(socket, to, bytes),
            Self::Tcp { socket, unsent, .. } => {
                frame(unsent, bytes);
                flush(socket, unsent);
            }
        }
    }
}

/// What does not fit into the socket is lost, as on any link.
fn send_to(socket: &UdpSocket, to: SocketAddr, bytes: &[u8]) {
    if let Err(error) = socket.send_to(bytes, to) {
        debug!(%error, "feedback was not sent");
    }
}

fn frame(unsent: &mut Vec<u8>, bytes: &[u8]) {
    if unsent.len() < UNSENT_MAX
        && let Some(header) = header(bytes.len())
    {
        unsent.extend(header);
        unsent.extend(bytes);
    }
}

fn flush(socket: &mut TcpStream, unsent: &mut Vec<u8>) {
    while !unsent.is_empty() {
        match socket.write(unsent) {
            Ok(count @ 1..) => drop(unsent.drain(..count)),
            _ => return,
        }
    }
}
