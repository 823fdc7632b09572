//! A worker's TCP connections (RFC 6544), for peers that no datagram reaches: non-blocking, each with a short queue.
//!
//! A connection belongs to one peer for good: it comes here only after its first frame was an authentic connectivity check.

use super::stream_queue::StreamQueue;
use domain::{Bitrate, PeerId};
use mio::{Interest, Registry, Token};
use socket2::SockRef;
use std::{
    collections::HashMap,
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};
use transport::{Remote, StreamId, framing::Deframer};

/// Tokens of the poll below this are the worker's own.
const FIRST_TOKEN: usize = 16;
/// Bytes read of one connection in one turn: a flood of one peer does not hold up the others.
const READ_MAX: usize = 64 * 1024;
/// No datagram of a peer is longer.
pub(super) const FRAME_MAX: usize = 2_048;
/// Bytes the kernel may hold unsent: what waits longer waits here, where it can still be dropped.
const KERNEL_UNSENT: u32 = 16 * 1024;
/// Pictures stop when more than the link carries in this time is waiting, so that voice is never behind more than that.
const WAIT_MAX: Duration = Duration::from_millis(150);
/// The bounds of that, bytes.
const CLOGGED: (u64, u64) = (4 * 1024, 64 * 1024);

/// What the connections did since they were last asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamCounts {
    pub(super) calls: u64,
    pub(super) bytes: u64,
    /// Datagrams that a full queue dropped.
    pub(super) overflowed: u64,
    /// Datagrams for a connection that had just ended.
    pub(super) gone: u64,
}

/// A connection that reached the relay, with what was read of it to find its peer.
pub(crate) struct NewStream {
    pub(super) socket: std::net::TcpStream,
    pub(super) from: SocketAddr,
    pub(super) read: Vec<u8>,
    /// Workers that it may still be handed on to: its peer may have found its worker meanwhile.
    pub(super) hops_left: u8,
}

struct Stream {
    socket: mio::net::TcpStream,
    peer: PeerId,
    remote: Remote,
    incoming: Deframer,
    outgoing: StreamQueue,
    writable: bool,
}

/// What reading a connection came to.
pub(super) enum Reading {
    /// There may be more.
    More,
    /// Nothing more for now.
    Empty,
    /// The connection is over.
    Ended,
}

/// See the module's description.
pub(super) struct Streams {
    open: HashMap<StreamId, Stream>,
    registry: Registry,
    next: u32,
    /// Connections that may have something to read.
    ready: Vec<StreamId>,
    /// Connections that ended while something was being sent: the worker has not been told.
    ended: Vec<(PeerId, Remote)>,
    buffer: Box<[u8]>,
    pub(super) counts: StreamCounts,
}

impl Streams {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            open: HashMap::new(),
            registry,
            next: 0,
            ready: Vec::new(),
            ended: Vec::new(),
            buffer: vec![0; READ_MAX].into(),
            counts: StreamCounts::default(),
        }
    }

    /// A name for a connection that has just come.
    pub(super) fn next_id(&mut self) -> StreamId {
        self.next = self.next.wrapping_add(1);
        StreamId(self.next)
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes a connection whose first check was authentic.
    ///
    /// # Errors
    /// When the poll does not take it.
    pub(super) fn open(
        &mut self,
        id: StreamId,
        peer: PeerId,
        socket: std::net::TcpStream,
        remote: Remote,
        incoming: Deframer,
    ) -> io::Result<()> {
        let mut socket = mio::net::TcpStream::from_std(socket);
        let token = Token(FIRST_TOKEN + id.0 as usize);
        self.registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let outgoing = StreamQueue::default();
        self.open.insert(id, Stream { socket, peer, remote, incoming, outgoing, writable: true });
        Ok(())
    }

    /// Notes what the poll said of a token.
    pub(super) fn note(&mut self, token: Token, readable: bool, writable: bool) {
        let Some(id) = token.0.checked_sub(FIRST_TOKEN).map(|id| StreamId(id as u32)) else { return };
        let Some(stream) = self.open.get_mut(&id) else { return };
        if readable && !self.ready.contains(&id) {
            self.ready.push(id);
        }
        if writable {
            stream.writable = true;
            self.flush(id);
        }
    }

    /// Whether something waits to be read.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The connections to read in this turn.
    pub(super) fn take_ready(&mut self) -> Vec<StreamId> {
        std::mem::take(&mut self.ready)
    }

    /// There is more to read of it in the next turn.
    pub(super) fn read_again(&mut self, id: StreamId) {
        self.ready.push(id);
    }

    /// Connections that ended while something was being sent to them.
    pub(super) fn take_ended(&mut self) -> Vec<(PeerId, Remote)> {
        std::mem::take(&mut self.ended)
    }

    /// Takes a connection's unread frames out while they are handled; [`Streams::put_back`] returns them.
    pub(super) fn take_incoming(&mut self, id: StreamId) -> Option<(PeerId, Remote, Deframer)> {
        let stream = self.open.get_mut(&id)?;
        let incoming = std::mem::replace(&mut stream.incoming, Deframer::new(FRAME_MAX));
        Some((stream.peer, stream.remote, incoming))
    }

    pub(super) fn put_back(&mut self, id: StreamId, incoming: Deframer) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.incoming = incoming;
        }
    }

    /// Reads once into `incoming`.
    pub(super) fn read(&mut self, id: StreamId, incoming: &mut Deframer) -> Reading {
        let Some(stream) = self.open.get_mut(&id) else { return Reading::Ended };
        match stream.socket.read(&mut self.buffer) {
            Ok(0) => Reading::Ended,
            Ok(count) => {
                incoming.push(self.buffer.get(..count).unwrap_or_default());
                Reading::More
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Reading::Empty,
            Err(error) if error.kind() == ErrorKind::Interrupted => Reading::More,
            Err(_) => Reading::Ended,
        }
    }

    /// Ends a connection; what it has taken already still arrives.
    pub(super) fn close(&mut self, id: StreamId) {
        if let Some(mut stream) = self.open.remove(&id) {
            // It is closed next, which takes it out of the poll as well.
            let _ = self.registry.deregister(&mut stream.socket);
        }
    }

    /// Queues a run of datagrams, `bytes` cut every `segment` bytes, and writes what the kernel takes.
    pub(super) fn send(&mut self, id: StreamId, bytes: &[u8], segment: usize) {
        let datagrams = bytes.chunks(segment.max(1));
        let Some(stream) = self.open.get_mut(&id) else {
            self.counts.gone += datagrams.len() as u64;
            return;
        };
        for datagram in datagrams {
            self.counts.overflowed += stream.outgoing.push(datagram);
        }
        self.flush(id);
    }

    fn flush(&mut self, id: StreamId) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        while stream.writable && stream.outgoing.len() > 0 {
            match stream.socket.write(stream.outgoing.waiting()) {
                Ok(count) => {
                    self.counts.calls += 1;
                    self.counts.bytes += count as u64;
                    stream.outgoing.advance(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.ended.push((stream.peer, stream.remote));
                    self.close(id);
                    return;
                }
            }
        }
    }

    /// Whether so much waits that pictures must, on a link that carries `estimate`.
    pub(super) fn is_clogged(&self, id: StreamId, estimate: Bitrate) -> bool {
        let most = estimate.bytes_in(WAIT_MAX).clamp(CLOGGED.0, CLOGGED.1);
        self.open.get(&id).is_some_and(|stream| stream.outgoing.len() as u64 > most)
    }
}

/// Makes a connection fit for live media: nothing waits for company, little waits in the kernel, and loss on the way does not
/// look like a full link where the system has BBR.
pub(crate) fn tune(socket: &SockRef<'_>) {
    // A system that refuses one of these is only slower.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_notsent_lowat(KERNEL_UNSENT);
    let _ = socket.set_tcp_congestion(b"bbr");
}
