//! A planned packet, and writing it straight into the worker's send arena.

use crate::{
    StoredPacket, red,
    rtp::{self, HeaderFields},
    vp8,
};
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
    /// Padding that one packet can take, bytes: its count is one byte (RFC 3550 section 5.1).
    pub const PADDING_MAX: usize = 255;

    /// Length in bytes before any padding to a wanted length; without the SRTP tag.
    pub fn len(&self, stored: &StoredPacket, ext_block: &[u8]) -> usize {
        // A packet without payload still needs its one byte of padding.
        rtp::FIXED_LEN + ext_block.len() + if self.filler { 1 } else { stored.payload.len() }
    }

    /// Writes header, extension block, patched payload and padding.
    ///
    /// `ext_block` is a whole RFC 8285 block (profile, length, elements: [`crate::ExtensionBlock`]) or empty.
    /// `pad_to` is the wanted total length, 0 for none; at most 255 bytes are added (RFC 3550 section 5.1).
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
        self.write_as(stored, wire, self.sequence as u16, &[], ext_block, pad_to, buf)
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
        let original = (self.sequence as u16).to_be_bytes();
        self.write_as(stored, rtx, rtx_sequence, &original, ext_block, pad_to, buf)
    }

    /// Writes a voice packet with its predecessors (RFC 2198): `wire` names RED's payload type, `opus` the one of the
    /// voice inside. `earlier` are the stored packets before this one, oldest first; those RED cannot carry are left out.
    ///
    /// # Errors
    /// [`NoRoom`] when `buf` is too short.
    pub fn write_red(
        &self,
        stored: &StoredPacket,
        earlier: &[&StoredPacket],
        wire: WireIds,
        opus: u8,
        ext_block: &[u8],
        buf: &mut [u8],
    ) -> Result<usize, NoRoom> {
        let no_room =
            NoRoom { needed: rtp::FIXED_LEN + ext_block.len() + stored.payload.len(), available: buf.len() };
        let fields = HeaderFields {
            marker: self.marker,
            padded: false,
            payload_type: wire.payload_type,
            sequence: self.sequence as u16,
            timestamp: self.timestamp,
            ssrc: wire.ssrc,
        };
        let body_at = rtp::write_header(fields, ext_block, buf).ok_or(no_room)?;
        let mut blocks =
            [red::Block { payload_type: opus, timestamp_offset: 0, payload: &[] }; red::BLOCKS_MAX];
        let mut count = 0;
        for packet in earlier.iter().take(red::BLOCKS_MAX - 1) {
            let ago = stored.timestamp.wrapping_sub(packet.timestamp);
            // What does not fit the field is left out by `wrap`; so is silence.
            blocks[count].timestamp_offset = ago.try_into().unwrap_or(u16::MAX);
            blocks[count].payload = &packet.payload;
            count += 1;
        }
        let primary = red::Block { payload_type: opus, timestamp_offset: 0, payload: &stored.payload };
        let written = red::wrap(primary, &blocks[..count], &mut buf[body_at..]).ok_or(no_room)?;
        Ok(body_at + written)
    }

    /// `prefix` goes before the payload, inside what is encrypted.
    #[expect(clippy::too_many_arguments, reason = "one private writer behind two doors")]
    fn write_as(
        &self,
        stored: &StoredPacket,
        wire: WireIds,
        sequence: u16,
        prefix: &[u8],
        ext_block: &[u8],
        pad_to: usize,
        buf: &mut [u8],
    ) -> Result<usize, NoRoom> {
        let payload: &[u8] = if self.filler { &[] } else { &stored.payload };
        let plain = rtp::FIXED_LEN + ext_block.len() + prefix.len() + payload.len();
        let least = usize::from(payload.is_empty() && prefix.is_empty());
        let padding = pad_to.saturating_sub(plain).clamp(least, Self::PADDING_MAX);
        let needed = plain + padding;
        let no_room = NoRoom { needed, available: buf.len() };
        let packet = buf.get_mut(..needed).ok_or(no_room)?;
        let fields = HeaderFields {
            marker: self.marker && !self.filler,
            padded: padding > 0,
            payload_type: wire.payload_type,
            sequence,
            timestamp: self.timestamp,
            ssrc: wire.ssrc,
        };
        let body_at = rtp::write_header(fields, ext_block, packet).ok_or(no_room)?;
        let (head, tail) = packet.split_at_mut(plain);
        let (prefix_to, payload_to) = head[body_at..].split_at_mut(prefix.len());
        prefix_to.copy_from_slice(prefix);
        payload_to.copy_from_slice(payload);
        vp8::rewrite(stored.frame.vp8, self.picture_id, self.tl0_pic_idx, payload_to);
        if let [zeros @ .., count] = tail {
            zeros.fill(0);
            *count = padding as u8;
        }
        Ok(needed)
    }
}

/// Writes a packet of nothing but `padding` bytes (1 to 255) of padding, to try how much a link carries.
///
/// # Errors
/// [`NoRoom`] when `buf` is too short.
pub fn write_padding(
    wire: WireIds,
    sequence: u16,
    timestamp: u32,
    ext_block: &[u8],
    padding: u8,
    buf: &mut [u8],
) -> Result<usize, NoRoom> {
    let padding = padding.max(1);
    let needed = rtp::FIXED_LEN + ext_block.len() + usize::from(padding);
    let no_room = NoRoom { needed, available: buf.len() };
    let packet = buf.get_mut(..needed).ok_or(no_room)?;
    let WireIds { ssrc, payload_type } = wire;
    let fields = HeaderFields { marker: false, padded: true, payload_type, sequence, timestamp, ssrc };
    let body_at = rtp::write_header(fields, ext_block, packet).ok_or(no_room)?;
    if let [zeros @ .., count] = &mut packet[body_at..] {
        zeros.fill(0);
        *count = padding;
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExtensionBlock, FrameInfo, RtpHeader};
    use bytes::Bytes;
    use domain::Timestamp;
    use proptest::prelude::*;

    const WIRE: WireIds = WireIds { ssrc: 0x1122_3344, payload_type: 96 };

    fn stored(payload: Vec<u8>) -> StoredPacket {
        StoredPacket {
            generation: 1,
            ext_seq: 9,
            timestamp: 5,
            marker: true,
            frame: FrameInfo::read(Codec::Vp8, &payload),
            payload: Bytes::from(payload),
            arrival: Timestamp::ZERO,
        }
    }

    fn planned() -> Outgoing {
        Outgoing {
            sequence: 0x1_fffe,
            timestamp: 77,
            marker: true,
            codec: Codec::Vp8,
            layer: Layer::High,
            starts_layer: false,
            filler: false,
            picture_id: 0x1234,
            tl0_pic_idx: 0x56,
        }
    }

    /// X, I+L, a 15-bit picture id, TL0PICIDX, then three bytes of frame.
    fn vp8_payload() -> Vec<u8> {
        vec![0x90, 0xc0, 0x80, 0x01, 0x02, 0x01, 0xaa, 0xbb]
    }

    #[test]
    fn a_written_packet_reads_back_with_the_planned_numbers() {
        let mut block = ExtensionBlock::new();
        assert!(block.push(3, &[0xde, 0xad]));
        let mut buf = [0xff; 100];
        let stored = stored(vp8_payload());
        let len = planned().write(&stored, WIRE, block.bytes(), 0, &mut buf).unwrap();
        assert_eq!(len, planned().len(&stored, block.bytes()));
        let header = RtpHeader::parse(&buf[..len]).unwrap();
        assert_eq!(
            (
                header.sequence,
                header.timestamp,
                header.ssrc,
                header.payload_type,
                header.marker,
                header.padded
            ),
            (0xfffe, 77, WIRE.ssrc, 96, true, false)
        );
        assert_eq!(header.extension(3), Some(&[0xde, 0xad][..]));
        let payload = header.payload(&buf[..len]).unwrap();
        assert_eq!(payload, [0x90, 0xc0, 0x92, 0x34, 0x56, 0x01, 0xaa, 0xbb]);
    }

    #[test]
    fn a_resent_packet_carries_its_old_number_before_the_payload() {
        let mut buf = [0xff; 100];
        let rtx = WireIds { ssrc: 9, payload_type: 97 };
        let len = planned().write_rtx(&stored(vp8_payload()), rtx, 41, &[], 0, &mut buf).unwrap();
        let header = RtpHeader::parse(&buf[..len]).unwrap();
        assert_eq!((header.sequence, header.ssrc, header.payload_type, header.timestamp), (41, 9, 97, 77));
        let (original, rest) = crate::rtp::rtx_original(header.payload(&buf[..len]).unwrap()).unwrap();
        assert_eq!(original, 0xfffe);
        assert_eq!(rest, [0x90, 0xc0, 0x92, 0x34, 0x56, 0x01, 0xaa, 0xbb]);
    }

    #[test]
    fn voice_with_predecessors_reads_back_as_what_was_said_before() {
        let voice = |timestamp, payload: &[u8]| StoredPacket { timestamp, ..stored(payload.to_vec()) };
        let (first, second, third) = (voice(96, &[1; 80]), voice(1_056, &[2; 70]), voice(2_016, &[3; 60]));
        let ancient = voice(2_016u32.wrapping_sub(20_000), &[9; 10]);
        let outgoing = Outgoing { codec: Codec::Opus, timestamp: 500, ..planned() };
        let mut buf = [0xff; 400];
        let wire = WireIds { ssrc: 7, payload_type: 63 };
        let earlier = [&ancient, &first, &second];
        let len = outgoing.write_red(&third, &earlier, wire, 111, &[], &mut buf).unwrap();
        let header = RtpHeader::parse(&buf[..len]).unwrap();
        assert_eq!((header.payload_type, header.timestamp, header.ssrc), (63, 500, 7));
        let blocks = red::unwrap(header.payload(&buf[..len]).unwrap()).unwrap();
        assert_eq!(blocks.primary().payload, [3; 60]);
        let before: Vec<_> =
            blocks.redundant().iter().map(|b| (b.timestamp_offset, b.payload.len())).collect();
        assert_eq!(before, [(1_920, 80), (960, 70)], "what is too old for RED is left out");
        assert!(outgoing.write_red(&third, &earlier, wire, 111, &[], &mut [0; 60]).is_err());
    }

    #[test]
    fn a_packet_of_padding_has_no_payload() {
        let mut buf = [0xff; 300];
        let len = write_padding(WIRE, 77, 5, &[], 200, &mut buf).unwrap();
        let header = RtpHeader::parse(&buf[..len]).unwrap();
        assert_eq!((len, header.sequence, header.padded), (212, 77, true));
        assert_eq!(header.payload(&buf[..len]).unwrap(), []);
    }

    #[test]
    fn a_filler_is_one_byte_of_padding_and_no_frame_end() {
        let mut buf = [0xff; 100];
        let filler = Outgoing { filler: true, ..planned() };
        let stored = stored(vp8_payload());
        let len = filler.write(&stored, WIRE, &[], 0, &mut buf).unwrap();
        assert_eq!(len, 13);
        assert_eq!(len, filler.len(&stored, &[]));
        let header = RtpHeader::parse(&buf[..len]).unwrap();
        assert_eq!(header.payload(&buf[..len]).unwrap(), []);
        assert!(!header.marker);
    }

    #[test]
    fn a_buffer_that_is_too_short_is_refused_with_the_length_needed() {
        let mut buf = [0; 19];
        let refused = planned().write(&stored(vp8_payload()), WIRE, &[], 0, &mut buf);
        assert_eq!(refused, Err(NoRoom { needed: 20, available: 19 }));
    }

    proptest! {
        #[test]
        fn padding_reaches_the_wanted_length_and_comes_off_again(
            payload in prop::collection::vec(any::<u8>(), 1..40), pad_to in 0usize..400, rtx: bool,
        ) {
            let mut buf = [0xff; 600];
            let stored = stored(payload.clone());
            let len = if rtx {
                planned().write_rtx(&stored, WIRE, 1, &[], pad_to, &mut buf).unwrap()
            } else {
                planned().write(&stored, WIRE, &[], pad_to, &mut buf).unwrap()
            };
            let plain = 12 + payload.len() + if rtx { 2 } else { 0 };
            prop_assert_eq!(len, pad_to.clamp(plain, plain + 255));
            let header = RtpHeader::parse(&buf[..len]).unwrap();
            prop_assert_eq!(header.padded, len > plain);
            prop_assert_eq!(header.payload(&buf[..len]).unwrap().len(), plain - 12);
            prop_assert!(buf[len..].iter().all(|&byte| byte == 0xff), "nothing beyond the packet is touched");
        }
    }
}
