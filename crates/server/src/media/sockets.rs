//! Everything a worker sends through: its UDP socket, and the TCP connections of peers that no datagram reaches.

use super::{
    burst::{Path, Sink},
    socket::MediaSocket,
    streams::Streams,
};
use domain::Bitrate;

/// See the module's description.
pub(super) struct Sockets {
    pub(super) udp: MediaSocket,
    pub(super) streams: Streams,
}

impl Sockets {
    /// Datagrams one run may have: 1 where GSO is not to be had.
    pub(super) fn segments_max(&self) -> usize {
        self.udp.segments_max()
    }

    /// Whether so much waits for this path that pictures must wait too. Never for UDP: there the network drops.
    pub(super) fn is_clogged(&self, path: Path, estimate: Bitrate) -> bool {
        path.to.stream.is_some_and(|stream| self.streams.is_clogged(stream, estimate))
    }
}

impl Sink for Sockets {
    fn send(&mut self, path: Path, bytes: &[u8], segment: usize) {
        match path.to.stream {
            None => self.udp.send(path, bytes, segment),
            Some(stream) => self.streams.send(stream, bytes, segment),
        }
    }
}
