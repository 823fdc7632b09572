//! TCP connections on their way to the worker of their peer, and their datagrams on the way in.

use super::{
    api::StreamRefused,
    burst::Path,
    handle::MediaHandle,
    inbox::Command,
    registry::Found,
    streams::{FRAME_MAX, NewStream, Reading},
    worker::Worker,
};
use domain::{PeerId, Timestamp};
use std::net::{SocketAddr, TcpStream};
use transport::{Remote, framing::Deframer, stun};

/// Reads of one connection in one turn.
const READS_PER_TURN: usize = 4;
/// A connection is handed on at most so often.
const HOPS_MAX: u8 = 2;

impl MediaHandle {
    /// Hands over a non-blocking connection whose first bytes, `read`, are a framed connectivity check. The worker of the peer that
    /// the check names verifies it and owns the connection from then on, or closes it.
    ///
    /// # Errors
    /// [`StreamRefused`]: close it.
    pub fn take_stream(
        &self,
        socket: TcpStream,
        from: SocketAddr,
        read: Vec<u8>,
    ) -> Result<(), StreamRefused> {
        let mut frames = Deframer::new(FRAME_MAX);
        frames.push(&read);
        let first = frames.next_frame().ok().flatten().ok_or(StreamRefused::NotACheck)?;
        let ufrag = stun::local_ufrag_of(first).ok_or(StreamRefused::NotACheck)?;
        let shared = &self.shared;
        // A peer nobody has heard of yet begins with whichever worker's turn it is.
        let worker =
            shared.registry().worker_for(ufrag, || shared.next_worker()).ok_or(StreamRefused::Nobody)?;
        let new = NewStream { socket, from, read, hops_left: HOPS_MAX };
        shared.inboxes[worker].command(Command::Stream(new)).map_err(|_| StreamRefused::Busy)
    }
}

impl Worker {
    /// A connection has come. Whatever is wrong with it, it is simply closed: nothing is known of whoever opened it.
    pub(super) fn on_stream(&mut self, now: Timestamp, new: NewStream) {
        let id = self.egress.socket.streams.next_id();
        let remote = Remote::stream(new.from, id);
        let path = Path { to: remote, from: None };
        let mut incoming = Deframer::new(FRAME_MAX);
        incoming.push(&new.read);
        let Ok(Some(first)) = incoming.next_frame() else { return };
        let Some(ufrag) = stun::local_ufrag_of(first).map(str::to_owned) else { return };
        let found = self.shared.registry().find(&ufrag, self.index, |peer| {
            peer.handle_datagram(now, remote, first);
            peer.remote().is_some()
        });
        let streams = &mut self.egress.socket.streams;
        let peer = match found {
            Found::Nobody => {
                self.counts.unknown += 1;
                return;
            }
            Found::There(_, worker) => {
                if let Some(hops_left) = new.hops_left.checked_sub(1) {
                    // full: the connection is closed; the client opens another.
                    let _ =
                        self.shared.inboxes[worker].command(Command::Stream(NewStream { hops_left, ..new }));
                }
                return;
            }
            Found::Here(peer) => {
                if streams.open(id, peer, new.socket, remote, Deframer::new(FRAME_MAX)).is_err() {
                    return;
                }
                self.deliver(now, peer, path, self.index, first);
                peer
            }
            Found::Adopted(adopted) => {
                let peer = adopted.id;
                // A poll that takes no more sockets loses this connection, not the peer.
                let _ = streams.open(id, peer, new.socket, remote, Deframer::new(FRAME_MAX));
                self.adopt(now, *adopted, path);
                peer
            }
        };
        let is_proven = self.peers.get(&peer).is_some_and(|member| member.knows(remote));
        if !is_proven {
            self.counts.unknown += 1;
            self.egress.socket.streams.close(id);
            return;
        }
        self.egress.socket.streams.put_back(id, incoming);
        // What was read behind the check, and what came since.
        self.egress.socket.streams.read_again(id);
    }

    /// Handles what connections have brought.
    pub(super) fn read_streams(&mut self) {
        for id in self.egress.socket.streams.take_ready() {
            let Some((peer, remote, mut incoming)) = self.egress.socket.streams.take_incoming(id) else {
                continue;
            };
            let path = Path { to: remote, from: None };
            let mut reading = Reading::More;
            for _ in 0..READS_PER_TURN {
                let now = self.shared.now();
                while let Ok(Some(datagram)) = incoming.next_frame() {
                    self.deliver(now, peer, path, self.index, datagram);
                }
                if !matches!(reading, Reading::More) {
                    break;
                }
                reading = self.egress.socket.streams.read(id, &mut incoming);
            }
            // A length nobody needs: where the next frame begins cannot be known any more.
            let broken = incoming.next_frame().is_err();
            self.egress.socket.streams.put_back(id, incoming);
            match reading {
                _ if broken => self.stream_ended(peer, remote),
                Reading::Ended => self.stream_ended(peer, remote),
                Reading::More => self.egress.socket.streams.read_again(id),
                Reading::Empty => {}
            }
        }
        for (peer, remote) in self.egress.socket.streams.take_ended() {
            self.stream_ended(peer, remote);
        }
    }

    /// The client closed a connection. The peer lives on: it may come back by another way while its consent lasts.
    fn stream_ended(&mut self, peer: PeerId, remote: Remote) {
        if let Some(stream) = remote.stream {
            self.egress.socket.streams.close(stream);
        }
        if let Some(member) = self.peers.get_mut(&peer) {
            member.addresses.retain(|address| address.path.to != remote);
        }
    }
}
