//! Reading a UDP socket empty, many datagrams at a time (GRO) or one by one.

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
};

/// A GRO batch is at most 64 KiB; more buffers in one call save system calls when packets come one by one.
const BATCH: usize = 16;
const BUFFER: usize = 65_536;

/// The buffers one thread reads into.
pub(crate) struct Memory(Vec<u8>);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(vec![0; BATCH * BUFFER])
    }
}

/// How a socket is read.
pub(crate) enum Reader {
    /// The kernel hands over a sender's burst as one piece. Light, but then nobody has cut the burst into packets: on loopback it
    /// takes that work off the sender, which no real network without hardware for it does.
    Batched(UdpSocketState),
    /// One system call a datagram; the sender's kernel has cut the burst, as it does before most network cards.
    Single,
}

impl Reader {
    /// # Errors
    /// When the socket does not take its options.
    pub(crate) fn new(socket: &std::net::UdpSocket, gro: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Room for a key frame burst while the thread serves others; the system may give less.
        let _ = socket2::SockRef::from(socket).set_recv_buffer_size(1 << 20);
        Ok(if gro { Self::Batched(UdpSocketState::new(UdpSockRef::from(socket))?) } else { Self::Single })
    }

    /// Reads until nothing is left, as an edge-triggered poll wants. Errors end the reading: they belong to an earlier send.
    pub(crate) fn drain(
        &self,
        socket: &UdpSocket,
        Memory(memory): &mut Memory,
        mut take: impl FnMut(SocketAddr, &mut [u8]),
    ) {
        match self {
            Self::Batched(state) => {
                let mut metas = [RecvMeta::default(); BATCH];
                loop {
                    let mut buffers: Vec<IoSliceMut<'_>> =
                        memory.chunks_mut(BUFFER).map(IoSliceMut::new).collect();
                    let Ok(count) = state.recv(UdpSockRef::from(socket), &mut buffers, &mut metas) else {
                        return;
                    };
                    drop(buffers);
                    for (meta, buffer) in metas.iter().take(count).zip(memory.chunks_mut(BUFFER)) {
                        for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                            take(meta.addr, datagram);
                        }
                    }
                }
            }
            Self::Single => {
                while let Ok((len, from)) = socket.recv_from(&mut memory[..BUFFER]) {
                    take(from, &mut memory[..len]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datagram_is_read_once_either_way() {
        for gro in [true, false] {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let reader = Reader::new(&socket, gro).unwrap();
            let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            for n in 0..40u8 {
                sender.send_to(&[n; 10], socket.local_addr().unwrap()).unwrap();
            }
            let mut seen = Vec::new();
            let socket = UdpSocket::from_std(socket);
            reader.drain(&socket, &mut Memory::new(), |_, datagram| seen.push(datagram[0]));
            assert_eq!(seen, (0..40).collect::<Vec<_>>(), "gro {gro}");
        }
    }
}
