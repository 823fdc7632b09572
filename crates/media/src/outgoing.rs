//! A planned packet, and writing it straight into the worker's send arena.

use crate::StoredPacket;
use domain::{Codec, Layer};

/// What the wire calls a stream: negotiated per peer, so the caller brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireIds {
    /// The slot's SSRC, fixed for the life of the connection.
    pub ssrc: u32,
    /// Payload type negotiated for [`Outgoing::codec`].
    pub payload_type: u8,
}

/// The buffer is shorter than the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packet needs {needed} bytes, the buffer has {available}")]
pub struct NoRoom {
    /// Bytes the packet takes.
    pub needed: usize,
    /// Bytes the buffer has.
    pub available: usize,
}

/// The decision to forward one stored packet to one receiver, with every rewritten number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// Outgoing sequence number with its roll-over count above bit 16: the SRTP packet index (RFC 3711 3.3.1).
    pub sequence: u64,
    /// Outgoing RTP timestamp.
    pub timestamp: u32,
    /// Outgoing marker bit.
    pub marker: bool,
    /// Codec of the payload: chooses the payload type.
    pub codec: Codec,
    /// Layer the packet comes from.
    pub layer: Layer,
    /// First packet after a switch, a resume or a restart. When the layer's buffer already holds later
    /// packets (the start came late, by repair), plan those now too.
    pub starts_layer: bool,
    /// Goes out as padding only: it fills the number of a packet that is dropped on purpose but came
    /// too late to close its gap.
    pub filler: bool,
    pub(crate) picture_id: u16,
    pub(crate) tl0_pic_idx: u8,
}

impl Outgoing {
    /// Length in bytes before any padding to a wanted length; without the SRTP tag.
    pub fn len(&self, stored: &StoredPacket, ext_block: &[u8]) -> usize {
        let _ = (stored, ext_block);
        todo!()
    }

    /// Writes header, extension block, patched payload and padding.
    ///
    /// `ext_block` is a whole RFC 8285 block (profile, length, elements: [`crate::ExtensionBlock`]) or empty.
    /// `pad_to` is the wanted total length, 0 for none; at most 255 bytes are added (RFC 3550 5.1).
    /// Returns the length written, header included, SRTP tag not.
    ///
    /// # Errors
    /// [`NoRoom`] when `buf` is too short; nothing useful is in `buf` then.
    pub fn write(
        &self,
        stored: &StoredPacket,
        wire: WireIds,
        ext_block: &[u8],
        pad_to: usize,
        buf: &mut [u8],
    ) -> Result<usize, NoRoom> {
        let _ = (stored, wire, ext_block, pad_to, buf);
        todo!()
    }

    /// Writes the packet wrapped for retransmission (RFC 4588 section 4): RTX ids and number in the header,
    /// the original sequence number before the payload.
    ///
    /// # Errors
    /// [`NoRoom`] when `buf` is too short.
    pub fn write_rtx(
        &self,
        stored: &StoredPacket,
        rtx: WireIds,
        rtx_sequence: u16,
        ext_block: &[u8],
        pad_to: usize,
        buf: &mut [u8],
    ) -> Result<usize, NoRoom> {
        let _ = (stored, rtx, rtx_sequence, ext_block, pad_to, buf);
        todo!()
    }
}
