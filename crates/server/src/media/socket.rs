//! One worker's UDP socket: batches in (GRO), runs out (GSO), and a short memory for when the kernel is full.

use super::burst::{Path, Sink};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSliceMut},
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// Bytes one GRO batch may have.
const RECEIVE_BYTES: usize = 65_536;
/// Bytes that wait for the kernel at most. Full: the run is dropped and counted; its receivers ask for it
/// again as for any loss.
const UNSENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What the socket did since it was last asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SocketCounts {
    pub(super) calls: u64,
    pub(super) datagrams: u64,
    pub(super) bytes: u64,
    /// Runs that had to be cut because the kernel or the device refused GSO.
    pub(super) gso_refused: u64,
    /// Runs that waited for room in the kernel.
    pub(super) waited: u64,
    /// Datagrams dropped because too much was waiting.
    pub(super) overflowed: u64,
    /// Datagrams the kernel refused for another reason (too long, no route).
    pub(super) refused: u64,
}

struct Unsent {
    path: Path,
    segment: usize,
    bytes: Vec<u8>,
}

/// A non-blocking `SO_REUSEPORT` socket on the one media port.
pub(super) struct MediaSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    is_ipv6: bool,
    is_wildcard: bool,
    unsent: VecDeque<Unsent>,
    unsent_bytes: usize,
    pub(super) counts: SocketCounts,
}

/// Room for what one call receives. Apart from the socket, so that datagrams can be answered while they are read.
pub(super) struct Batch {
    bytes: Box<[u8]>,
    metas: [RecvMeta; BATCH_SIZE],
    count: usize,
    knows_local: bool,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; RECEIVE_BYTES * BATCH_SIZE].into(),
            metas: [RecvMeta::default(); BATCH_SIZE],
            count: 0,
            knows_local: false,
        }
    }

    /// The datagrams of the last call, GRO undone: where each came from (and to which of our addresses), and its bytes.
    pub(super) fn datagrams(&mut self) -> impl Iterator<Item = (Path, &mut [u8])> {
        let knows_local = self.knows_local;
        let filled = self.metas.iter().zip(self.bytes.chunks_mut(RECEIVE_BYTES)).take(self.count);
        filled.flat_map(move |(meta, chunk)| {
            let path =
                Path { to: canonical(meta.addr).into(), from: if knows_local { meta.dst_ip } else { None } };
            let length = meta.len.min(chunk.len());
            chunk[..length].chunks_mut(meta.stride.max(1)).map(move |bytes| (path, bytes))
        })
    }
}

impl MediaSocket {
    /// Opens the socket. All workers' sockets must be open before the first peer connects, because the kernel
    /// spreads addresses over the sockets it has.
    pub(super) fn open(addr: SocketAddr, buffer_bytes: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_port(true)?;
        if addr.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // The kernel silently grants less than asked when its limit (net.core.rmem_max) is lower.
        socket.set_recv_buffer_size(buffer_bytes)?;
        socket.set_send_buffer_size(buffer_bytes)?;
        socket.bind(&addr.into())?;
        let socket = mio::net::UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self {
            socket,
            state,
            is_ipv6: addr.is_ipv6(),
            is_wildcard: addr.ip().is_unspecified(),
            unsent: VecDeque::new(),
            unsent_bytes: 0,
            counts: SocketCounts::default(),
        })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// For registering with the poll.
    pub(super) fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Datagrams one run may have: 1 where GSO is not to be had.
    pub(super) fn segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Receives one batch. `false`: there is nothing more for now.
    pub(super) fn receive(&mut self, batch: &mut Batch) -> bool {
        batch.count = 0;
        let mut chunks = batch.bytes.chunks_mut(RECEIVE_BYTES);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut batch.metas) {
            Ok(count) => batch.count = count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            // Errors a UDP socket reports about earlier sends; the next call goes on.
            Err(_) => {}
        }
        batch.knows_local = self.is_wildcard;
        true
    }

    /// Whether runs are waiting for the kernel.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Tries again what is waiting.
    pub(super) fn retry(&mut self) {
        while let Some(unsent) = self.unsent.pop_front() {
            if self.transmit(unsent.path, &unsent.bytes, unsent.segment) {
                self.unsent_bytes -= unsent.bytes.len();
            } else {
                self.unsent.push_front(unsent);
                return;
            }
        }
    }

    fn keep(&mut self, path: Path, bytes: &[u8], segment: usize) {
        if self.unsent_bytes + bytes.len() > UNSENT_BYTES_MAX {
            self.counts.overflowed += bytes.len().div_ceil(segment.max(1)) as u64;
            return;
        }
        self.counts.waited += 1;
        self.unsent_bytes += bytes.len();
        self.unsent.push_back(Unsent { path, segment, bytes: bytes.to_vec() });
    }

    /// `false`: the kernel has no room now.
    fn transmit(&mut self, path: Path, bytes: &[u8], segment: usize) -> bool {
        let segments = bytes.len().div_ceil(segment.max(1));
        match self.call(path, bytes, (segments > 1).then_some(segment)) {
            Ok(()) => true,
            Err(error) if is_full(&error) => false,
            Err(_) if segments > 1 => {
                // GSO refused (EIO, EINVAL: the device or a filter cannot do it): quinn-udp has lowered its
                // limit, and what was collected leaves one by one.
                self.counts.gso_refused += 1;
                for datagram in bytes.chunks(segment) {
                    match self.call(path, datagram, None) {
                        Ok(()) => {}
                        Err(error) if is_full(&error) => self.keep(path, datagram, datagram.len()),
                        Err(_) => self.counts.refused += 1,
                    }
                }
                true
            }
            Err(_) => {
                self.counts.refused += 1;
                true
            }
        }
    }

    fn call(&mut self, path: Path, bytes: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let destination = match (self.is_ipv6, path.to.addr) {
            (true, SocketAddr::V4(to)) => SocketAddr::from((to.ip().to_ipv6_mapped(), to.port())),
            (_, to) => to,
        };
        let transmit = Transmit { destination, ecn: None, contents: bytes, segment_size, src_ip: path.from };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)?;
        self.counts.calls += 1;
        self.counts.datagrams += segment_size.map_or(1, |segment| bytes.len().div_ceil(segment)) as u64;
        self.counts.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Sink for MediaSocket {
    fn send(&mut self, path: Path, bytes: &[u8], segment: usize) {
        // What waits goes first: a receiver's packets keep their order.
        if !self.unsent.is_empty() || !self.transmit(path, bytes, segment) {
            self.keep(path, bytes, segment);
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    const ENOBUFS: i32 = 105;
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(ENOBUFS)
}

/// IPv4 seen through an IPv6 socket becomes IPv4 again, so that an address is the same thing everywhere.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

/// Every address of this machine a client could reach, the most useful first.
pub(super) fn interface_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .map(|interfaces| interfaces.into_iter().map(|interface| interface.ip()).collect())
        .unwrap_or_default();
    addresses.retain(|address| match address {
        IpAddr::V4(_) => true,
        // A link-local address is of no use without its zone, which a candidate cannot carry.
        IpAddr::V6(address) => !address.is_unicast_link_local() && *address != Ipv6Addr::UNSPECIFIED,
    });
    addresses.sort_by_key(|address| (address.is_loopback(), address.is_ipv6()));
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &mut MediaSocket) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut batch = Batch::new();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(2);
        while datagrams.is_empty() && std::time::Instant::now() < deadline {
            while socket.receive(&mut batch) {
                datagrams.extend(batch.datagrams().map(|(_, bytes)| bytes.to_vec()));
            }
        }
        datagrams
    }

    #[test]
    fn a_run_leaves_in_one_call_and_arrives_as_its_datagrams_over_both_address_families() {
        for (listen, to) in [("[::]:0", "127.0.0.1"), ("[::]:0", "::1"), ("0.0.0.0:0", "127.0.0.1")] {
            let mut receiver =
                MediaSocket::open(listen.parse().expect("an address"), 1 << 20).expect("a socket");
            let mut sender =
                MediaSocket::open(listen.parse().expect("an address"), 1 << 20).expect("a socket");
            let port = receiver.local_addr().expect("bound").port();
            let to = SocketAddr::new(to.parse().expect("an address"), port);
            let path = Path { to: to.into(), from: None };
            let bytes: Vec<u8> = (0..2_500u32).map(|n| (n / 1_000) as u8).collect();
            sender.send(path, &bytes, 1_000);
            let datagrams = received(&mut receiver);
            assert_eq!(datagrams, [vec![0; 1000], vec![1; 1000], vec![2; 500]], "{listen} to {to}");
            assert_eq!(sender.counts.datagrams, 3);
            if sender.segments_max() > 1 {
                assert_eq!(sender.counts.calls, 1);
            }
        }
    }
}
