//! Answering a receiver's NACK from the shared ring.

use crate::{Outgoing, StoredPacket};
use domain::Layer;

/// Why a NACKed packet is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendRefusal {
    /// Never sent, or too long ago to know.
    Unknown,
    /// Sent again a moment ago: within min(100 ms, 2·RTT).
    TooSoon,
    /// Sent again five times already.
    TooOften,
}

/// Where a NACKed packet lies in the shared ring, and the numbers it had on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// Layer whose buffer holds it.
    pub layer: Layer,
    /// Number in that buffer.
    pub ext_seq: u64,
    pub(crate) generation: u32,
    pub(crate) outgoing: Outgoing,
}

impl Resend {
    /// The packet exactly as it was first sent, to be written with [`Outgoing::write_rtx`].
    ///
    /// `None` when `stored` is not the packet asked for (the ring has moved on, the publisher restarted).
    pub fn outgoing(&self, stored: &StoredPacket) -> Option<Outgoing> {
        let _ = (stored, self.generation, self.outgoing);
        todo!()
    }
}
