//! The way out to one receiver, as forwarding sees it.

use domain::{Bitrate, Slot, Timestamp};

/// No datagram of ours is longer: Ethernet's MTU and a little, because ingest packets come over the same networks.
pub const DATAGRAM_MAX: usize = 2_048;

/// What all receivers of a worker share on the way out: arena, socket, clock.
pub trait Egress {
    /// The time now. A walk over a thousand receivers takes milliseconds, so each is sent to at its own time.
    fn now(&self) -> Timestamp;
}

/// Which of a slot's two streams a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The media itself.
    Media,
    /// Its retransmissions (RFC 4588).
    Repair,
}

/// One packet about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Its slot.
    pub slot: Slot,
    /// Media or repair.
    pub stream: Stream,
    /// Sequence number with its roll-over count above bit 16: the SRTP packet index (RFC 3711 section 3.3.1).
    pub index: u64,
    /// Bytes of fixed header and extensions, which stay readable.
    pub header_len: usize,
    /// The receiver may ask for this very packet again ([`Outlet::again`]).
    pub keep: bool,
}

/// Why a packet did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Longer than [`DATAGRAM_MAX`].
    TooLong,
    /// It could not be sealed: its index was used before. Never in a correct program.
    Unsealed,
}

/// The way out to one receiver: where it is and how its packets are sealed.
pub trait Outlet {
    /// What it shares with the worker's other receivers.
    type Egress: Egress;

    /// Packets to this receiver follow, until [`Outlet::end`].
    fn begin(&mut self, egress: &mut Self::Egress);

    /// Whether so much still waits on the way to a receiver whose link carries `estimate` that pictures must wait in the ring. Only where
    /// something keeps what the link does not take: a TCP connection. Datagrams are dropped by the network instead.
    fn is_clogged(&self, _egress: &Self::Egress, _estimate: Bitrate) -> bool {
        false
    }

    /// Puts one packet on its way. `write` fills the front of the room it is given with header and payload in the clear and
    /// returns their length; `None` when they do not fit. Returns the length on the wire, UDP header not counted.
    ///
    /// # Errors
    /// [`Refused`]; nothing left.
    fn packet(
        &mut self,
        egress: &mut Self::Egress,
        packet: Packet,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<usize, Refused>;

    /// Sends the packet of `slot` with this sequence number again exactly as it left before; its length, or `None` when it is
    /// not kept (any more).
    fn again(&mut self, egress: &mut Self::Egress, slot: Slot, sequence: u16) -> Option<usize>;

    /// What has been put on its way since [`Outlet::begin`] leaves.
    fn end(&mut self, egress: &mut Self::Egress);
}
