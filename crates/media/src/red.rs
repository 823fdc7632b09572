//! Redundant audio (RFC 2198): every packet carries its predecessors once more.

/// Blocks in one packet at most, the primary included. Chromium sends up to 3.
pub const BLOCKS_MAX: usize = 8;

/// Longest redundant block: its length field has 10 bits.
const REDUNDANT_LEN_MAX: usize = 0x3ff;
/// Largest timestamp offset: its field has 14 bits.
const OFFSET_MAX: u16 = 0x3fff;

/// One block of a RED payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Payload type inside RED.
    pub payload_type: u8,
    /// How much earlier than the packet's own timestamp, RTP clock units (0 to 16 383); 0 for the primary.
    pub timestamp_offset: u16,
    /// Codec payload.
    pub payload: &'a [u8],
}

/// Why a payload is not RED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedError {
    /// Ends before its blocks do.
    #[error("RED payload of {0} bytes ends inside a block")]
    Short(usize),
    /// More blocks than anybody sends.
    #[error("RED payload has more than {BLOCKS_MAX} blocks")]
    TooManyBlocks,
}

/// The blocks of one RED payload, oldest first, the primary last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks<'a> {
    blocks: [Block<'a>; BLOCKS_MAX],
    count: usize,
}

impl<'a> Blocks<'a> {
    /// The packet's own payload.
    pub fn primary(&self) -> Block<'a> {
        self.blocks[self.count - 1]
    }

    /// Its predecessors, oldest first.
    pub fn redundant(&self) -> &[Block<'a>] {
        &self.blocks[..self.count - 1]
    }
}

/// Takes a RED payload apart.
///
/// # Errors
/// [`RedError`] when the payload is cut short or has too many blocks.
pub fn unwrap(payload: &[u8]) -> Result<Blocks<'_>, RedError> {
    let short = RedError::Short(payload.len());
    let empty = Block { payload_type: 0, timestamp_offset: 0, payload: &[] };
    let mut found = Blocks { blocks: [empty; BLOCKS_MAX], count: 0 };
    let mut lengths = [0; BLOCKS_MAX];
    let mut rest = payload;
    loop {
        let &first = rest.first().ok_or(short)?;
        let index = found.count;
        let block = found.blocks.get_mut(index).ok_or(RedError::TooManyBlocks)?;
        block.payload_type = first & 0x7f;
        found.count += 1;
        if first & 0x80 == 0 {
            rest = &rest[1..];
            break;
        }
        let (head, after) = rest.split_first_chunk::<4>().ok_or(short)?;
        let fields = u32::from_be_bytes(*head);
        block.timestamp_offset = (fields >> 10) as u16 & OFFSET_MAX;
        lengths[index] = fields as usize & REDUNDANT_LEN_MAX;
        rest = after;
    }
    let primary = found.count - 1;
    for (block, len) in found.blocks.iter_mut().zip(lengths).take(primary) {
        (block.payload, rest) = rest.split_at_checked(len).ok_or(short)?;
    }
    found.blocks[primary].payload = rest;
    Ok(found)
}

/// Wraps a primary payload and its predecessors (oldest first) into `buf`; returns the length written.
///
/// Predecessors that RED cannot carry (over 1023 bytes, empty, or 16 383 clock units and more ago) are left out.
/// `None` when `buf` is too short or there are too many blocks.
pub fn wrap(primary: Block<'_>, redundant: &[Block<'_>], buf: &mut [u8]) -> Option<usize> {
    if redundant.len() >= BLOCKS_MAX {
        return None;
    }
    let fits = |block: &&Block<'_>| {
        (1..=REDUNDANT_LEN_MAX).contains(&block.payload.len()) && block.timestamp_offset <= OFFSET_MAX
    };
    let carried = || redundant.iter().filter(fits);
    let mut at = 0;
    let mut put = |bytes: &[u8]| -> Option<()> {
        buf.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
        at += bytes.len();
        Some(())
    };
    for block in carried() {
        let fields = 0x8000_0000
            | u32::from(block.payload_type & 0x7f) << 24
            | u32::from(block.timestamp_offset) << 10
            | block.payload.len() as u32;
        put(&fields.to_be_bytes())?;
    }
    put(&[primary.payload_type & 0x7f])?;
    for block in carried() {
        put(block.payload)?;
    }
    put(primary.payload)?;
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(timestamp_offset: u16, payload: &[u8]) -> Block<'_> {
        Block { payload_type: 111, timestamp_offset, payload }
    }

    #[test]
    fn a_packet_with_two_predecessors_reads_as_the_rfc_draws_it() {
        let first_head = [0x80 | 0x6f, 0x1e, 0x00, 0x02]; // 1,920 units ago, 2 bytes
        let second_head = [0x80 | 0x6f, 0x0f, 0x00, 0x01]; // 960 units ago, 1 byte
        let bytes =
            [&first_head[..], &second_head, &[111], &[0xa1, 0xa2], &[0xb1], &[0xc1, 0xc2, 0xc3]].concat();
        let blocks = unwrap(&bytes).unwrap();
        assert_eq!(blocks.redundant(), [block(1_920, &[0xa1, 0xa2]), block(960, &[0xb1])]);
        assert_eq!(blocks.primary(), block(0, &[0xc1, 0xc2, 0xc3]));
        let mut buf = [0; 64];
        let len = wrap(blocks.primary(), blocks.redundant(), &mut buf).unwrap();
        assert_eq!(buf[..len], bytes);
    }

    #[test]
    fn a_predecessor_that_does_not_fit_the_format_is_left_out() {
        let long = [0; 1_024];
        let mut buf = [0; 64];
        let len = wrap(block(0, &[1]), &[block(960, &long), block(20_000, &[2]), block(960, &[])], &mut buf);
        assert_eq!(&buf[..len.unwrap()], [111, 1]);
    }

    #[test]
    fn broken_red_is_refused() {
        let rows: [(&[u8], RedError); 4] = [
            (&[], RedError::Short(0)),
            (&[0x80 | 0x6f, 0, 0], RedError::Short(3)),
            (&[0x80 | 0x6f, 0, 0, 9, 111, 1], RedError::Short(6)),
            (&[0xff; 64], RedError::TooManyBlocks),
        ];
        for (bytes, expected) in rows {
            assert_eq!(unwrap(bytes), Err(expected), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(blocks) = unwrap(&bytes) {
                let carried: usize = blocks.redundant().iter().map(|block| block.payload.len()).sum();
                prop_assert!(carried + blocks.primary().payload.len() < bytes.len());
            }
        }

        #[test]
        fn what_is_wrapped_unwraps(
            payloads in prop::collection::vec((0u16..=OFFSET_MAX, prop::collection::vec(any::<u8>(), 1..200)), 1..BLOCKS_MAX),
            primary in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let redundant: Vec<_> = payloads.iter().map(|(offset, payload)| block(*offset, payload)).collect();
            let mut buf = [0; 4_096];
            let len = wrap(block(0, &primary), &redundant, &mut buf).unwrap();
            let blocks = unwrap(&buf[..len]).unwrap();
            prop_assert_eq!(blocks.redundant(), &redundant[..]);
            prop_assert_eq!(blocks.primary(), block(0, &primary));
            prop_assert!(wrap(block(0, &primary), &redundant, &mut buf[..len - 1]).is_none());
        }
    }
}
