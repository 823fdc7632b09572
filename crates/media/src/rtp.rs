//! RTP headers (RFC 3550 section 5.1) and their extensions (RFC 8285): read without copying, written in place.

/// Bytes that are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// Ends before its header does.
    #[error("packet of {0} bytes ends inside its header")]
    Short(usize),
    /// The two version bits are not 2.
    #[error("RTP version is {0}, expected 2")]
    Version(u8),
    /// The padding count is 0 or longer than the payload.
    #[error("padding of {padding} bytes does not fit a payload of {payload}")]
    Padding {
        /// Last byte of the packet.
        padding: u8,
        /// Bytes after the header.
        payload: usize,
    },
}

/// Bytes of a header without CSRC and extensions.
pub(crate) const FIXED_LEN: usize = 12;
const ONE_BYTE_PROFILE: u16 = 0xBEDE;

/// A parsed header; borrows the packet for its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader<'a> {
    /// M bit.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// P bit: the payload ends with padding. Only true after decryption.
    pub padded: bool,
    /// Offset of the payload.
    pub len: usize,
    profile: u16,
    extensions: &'a [u8],
}

impl<'a> RtpHeader<'a> {
    /// Reads the header of a packet, sealed or plain; looks at no payload byte.
    ///
    /// # Errors
    /// [`RtpError::Short`], [`RtpError::Version`].
    pub fn parse(packet: &'a [u8]) -> Result<Self, RtpError> {
        let short = RtpError::Short(packet.len());
        let fixed: &[u8; FIXED_LEN] = packet.first_chunk().ok_or(short)?;
        if fixed[0] >> 6 != 2 {
            return Err(RtpError::Version(fixed[0] >> 6));
        }
        let mut len = FIXED_LEN + usize::from(fixed[0] & 0x0f) * 4;
        let (mut profile, mut extensions) = (0, &packet[..0]);
        if fixed[0] & 0x10 != 0 {
            let &[p0, p1, w0, w1] = packet.get(len..).and_then(|rest| rest.first_chunk()).ok_or(short)?;
            let words = usize::from(u16::from_be_bytes([w0, w1]));
            profile = u16::from_be_bytes([p0, p1]);
            extensions = packet.get(len + 4..len + 4 + words * 4).ok_or(short)?;
            len += 4 + words * 4;
        }
        if packet.len() < len {
            return Err(short);
        }
        Ok(RtpHeader {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            padded: fixed[0] & 0x20 != 0,
            len,
            profile,
            extensions,
        })
    }

    /// The payload of the (decrypted) packet this header was read from, without padding.
    ///
    /// # Errors
    /// [`RtpError::Padding`] when the count is impossible, [`RtpError::Short`] for another, shorter packet.
    pub fn payload<'p>(&self, packet: &'p [u8]) -> Result<&'p [u8], RtpError> {
        let body = packet.get(self.len..).ok_or(RtpError::Short(packet.len()))?;
        if !self.padded {
            return Ok(body);
        }
        let padding = body.last().copied().unwrap_or(0);
        match body.len().checked_sub(usize::from(padding)) {
            Some(end) if padding > 0 => Ok(&body[..end]),
            _ => Err(RtpError::Padding { padding, payload: body.len() }),
        }
    }

    /// Every extension element as (id, data), one-byte or two-byte form; stops at what it cannot read.
    pub fn extensions(&self) -> Extensions<'a> {
        let form = match self.profile {
            ONE_BYTE_PROFILE => Form::OneByte,
            profile if profile & 0xfff0 == 0x1000 => Form::TwoByte,
            _ => Form::Unknown,
        };
        Extensions { form, rest: self.extensions }
    }

    /// The data of the extension with this negotiated id.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|&(found, _)| found == id).map(|(_, data)| data)
    }
}

#[derive(Debug, Clone, Copy)]
enum Form {
    OneByte,
    TwoByte,
    Unknown,
}

/// Iterator over the extension elements of a header.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (id, data_len, head_len) = match (self.form, self.rest) {
                (Form::Unknown, _) | (_, []) => return None,
                (_, [0, rest @ ..]) => {
                    self.rest = rest;
                    continue;
                }
                // Id 15 is reserved: a receiver stops there (RFC 8285 section 4.2).
                (Form::OneByte, [head, ..]) if head >> 4 == 15 => return None,
                (Form::OneByte, [head, ..]) => (head >> 4, usize::from(head & 0x0f) + 1, 1),
                (Form::TwoByte, [id, len, ..]) => (*id, usize::from(*len), 2),
                (Form::TwoByte, _) => return None,
            };
            let Some(data) = self.rest.get(head_len..head_len + data_len) else {
                self.rest = &[];
                return None;
            };
            self.rest = &self.rest[head_len + data_len..];
            if id != 0 {
                return Some((id, data));
            }
        }
    }
}

/// The original sequence number and payload inside an RTX payload (RFC 4588 section 4).
///
/// `None` when it is too short; an empty second part is padding used as a probe.
pub fn rtx_original(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (osn, rest) = payload.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*osn), rest))
}

/// The fields of a header to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFields {
    /// M bit.
    pub marker: bool,
    /// P bit.
    pub padded: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// Writes a header and its extension block; returns its length, `None` when `buf` is too short.
///
/// `ext_block` is a whole block as [`ExtensionBlock::bytes`] gives it, or empty.
pub fn write_header(fields: HeaderFields, ext_block: &[u8], buf: &mut [u8]) -> Option<usize> {
    let len = FIXED_LEN + ext_block.len();
    let (fixed, rest) = buf.get_mut(..len)?.split_first_chunk_mut::<FIXED_LEN>()?;
    fixed[0] = 0x80 | u8::from(fields.padded) << 5 | u8::from(!ext_block.is_empty()) << 4;
    fixed[1] = u8::from(fields.marker) << 7 | (fields.payload_type & 0x7f);
    fixed[2..4].copy_from_slice(&fields.sequence.to_be_bytes());
    fixed[4..8].copy_from_slice(&fields.timestamp.to_be_bytes());
    fixed[8..12].copy_from_slice(&fields.ssrc.to_be_bytes());
    rest.copy_from_slice(ext_block);
    Some(len)
}

/// A small one-byte-form extension block (RFC 8285 section 4.2) of constant length, built without allocation.
///
/// Build it once per peer with placeholders; [`ExtensionBlock::set`] patches the values per packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionBlock {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Default for ExtensionBlock {
    fn default() -> Self {
        Self::new()
    }
}

impl ExtensionBlock {
    /// Bytes a block may take, profile and length included.
    pub const CAPACITY: usize = 64;

    /// A block without elements; [`ExtensionBlock::bytes`] is empty until one is pushed.
    pub const fn new() -> Self {
        let mut bytes = [0; Self::CAPACITY];
        bytes[0] = 0xBE;
        bytes[1] = 0xDE;
        Self { bytes, len: 4 }
    }

    /// Adds an element. `false` (and nothing added) when the id is not 1 to 14, the data not 1 to 16 bytes
    /// long, or the block is full.
    pub fn push(&mut self, id: u8, data: &[u8]) -> bool {
        let at = usize::from(self.len);
        let end = at + 1 + data.len();
        if !(1..=14).contains(&id) || !(1..=16).contains(&data.len()) || end > Self::CAPACITY {
            return false;
        }
        self.bytes[at] = id << 4 | (data.len() - 1) as u8;
        self.bytes[at + 1..end].copy_from_slice(data);
        self.len = end as u8;
        self.bytes[3] = ((end - 4).div_ceil(4)) as u8;
        true
    }

    /// Puts new data into the element with this id; `false` when it is not there with the same length.
    pub fn set(&mut self, id: u8, data: &[u8]) -> bool {
        let mut at = 4;
        while at < usize::from(self.len) {
            let (found, len) = (self.bytes[at] >> 4, usize::from(self.bytes[at] & 0x0f) + 1);
            if found == id {
                if len != data.len() {
                    return false;
                }
                self.bytes[at + 1..at + 1 + len].copy_from_slice(data);
                return true;
            }
            at += 1 + len;
        }
        false
    }

    /// The block as it goes on the wire, padded to whole words; empty without elements.
    pub fn bytes(&self) -> &[u8] {
        if self.len == 4 { &[] } else { &self.bytes[..usize::from(self.len).next_multiple_of(4)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIELDS: HeaderFields = HeaderFields {
        marker: true,
        padded: false,
        payload_type: 96,
        sequence: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: 0xaabb_ccdd,
    };

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        [&[first, 0xe0, 0xff, 0xfe, 1, 2, 3, 4, 0xaa, 0xbb, 0xcc, 0xdd], rest].concat()
    }

    #[test]
    fn a_plain_header_is_read() {
        let packet = packet(0x80, &[7, 8, 9]);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!((header.marker, header.payload_type, header.sequence), (true, 96, 0xfffe));
        assert_eq!((header.timestamp, header.ssrc, header.len), (0x0102_0304, 0xaabb_ccdd, 12));
        assert_eq!(header.payload(&packet), Ok(&[7, 8, 9][..]));
        assert_eq!(header.extensions().count(), 0);
    }

    #[test]
    fn contributing_sources_and_one_byte_extensions_are_stepped_over() {
        let rest =
            [&[1; 8][..], &[0xBE, 0xDE, 0, 2, 0x10, 0x55, 0, 0x31, 0x66, 0x77, 0xf0, 0x99], &[7]].concat();
        let packet = packet(0x92, &rest);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(header.extension(1), Some(&[0x55][..]));
        assert_eq!(header.extension(3), Some(&[0x66, 0x77][..]));
        assert_eq!(header.extensions().count(), 2, "id 15 ends the list");
        assert_eq!(header.payload(&packet), Ok(&[7][..]));
    }

    #[test]
    fn two_byte_extensions_are_read_even_when_empty() {
        let packet = packet(0x90, &[0x10, 0x00, 0, 2, 1, 0, 0, 200, 2, 0xab, 0xcd, 0, 7]);
        let header = RtpHeader::parse(&packet).unwrap();
        let found: Vec<_> = header.extensions().collect();
        assert_eq!(found, [(1, &[][..]), (200, &[0xab, 0xcd][..])]);
    }

    #[test]
    fn an_element_that_is_only_padding_has_no_id() {
        let packet = packet(0x90, &[0xBE, 0xDE, 0, 2, 0x01, 0xaa, 0xbb, 0x10, 0x55, 0x20, 0x66, 0]);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(header.extensions().collect::<Vec<_>>(), [(1, &[0x55][..]), (2, &[0x66][..])]);
    }

    #[test]
    fn an_element_that_is_cut_off_ends_the_list() {
        let packet = packet(0x90, &[0xBE, 0xDE, 0, 1, 0x10, 0x55, 0x2f, 1]);
        let header = RtpHeader::parse(&packet).unwrap();
        assert_eq!(header.extensions().collect::<Vec<_>>(), [(1, &[0x55][..])]);
    }

    #[test]
    fn padding_is_taken_off_and_impossible_padding_refused() {
        type Row = (&'static [u8], Result<&'static [u8], RtpError>);
        let rows: [Row; 5] = [
            (&[7, 8, 0, 2], Ok(&[7, 8])),
            (&[3, 3, 3], Ok(&[])),
            (&[7, 0], Err(RtpError::Padding { padding: 0, payload: 2 })),
            (&[7, 3], Err(RtpError::Padding { padding: 3, payload: 2 })),
            (&[], Err(RtpError::Padding { padding: 0, payload: 0 })),
        ];
        for (rest, expected) in rows {
            let packet = packet(0xa0, rest);
            assert_eq!(RtpHeader::parse(&packet).unwrap().payload(&packet), expected, "{rest:?}");
        }
    }

    #[test]
    fn what_is_no_rtp_is_refused() {
        let short = packet(0x80, &[]);
        assert_eq!(RtpHeader::parse(&short[..11]), Err(RtpError::Short(11)));
        assert_eq!(RtpHeader::parse(&packet(0x40, &[])), Err(RtpError::Version(1)));
        for (first, rest) in
            [(0x81, &[1, 2, 3][..]), (0x90, &[0xBE, 0xDE, 0][..]), (0x90, &[0xBE, 0xDE, 0, 1][..])]
        {
            let packet = packet(first, rest);
            assert_eq!(RtpHeader::parse(&packet), Err(RtpError::Short(packet.len())));
        }
    }

    #[test]
    fn an_extension_block_keeps_its_length_while_its_values_change() {
        let mut block = ExtensionBlock::new();
        assert!(block.bytes().is_empty());
        assert!(block.push(5, &[0, 0]) && block.push(9, b"v1"));
        let len = block.bytes().len();
        assert_eq!(len % 4, 0);
        assert!(block.set(5, &[0x12, 0x34]));
        assert!(!block.set(5, &[1]) && !block.set(6, &[1]));
        let mut buf = [0; 64];
        let written = write_header(FIELDS, block.bytes(), &mut buf).unwrap();
        assert_eq!(written, 12 + len);
        let header = RtpHeader::parse(&buf[..written]).unwrap();
        assert_eq!((header.extension(5), header.extension(9)), (Some(&[0x12, 0x34][..]), Some(&b"v1"[..])));
    }

    #[test]
    fn an_extension_block_refuses_what_does_not_fit() {
        let mut block = ExtensionBlock::new();
        assert!(
            !block.push(0, &[1]) && !block.push(15, &[1]) && !block.push(1, &[]) && !block.push(1, &[0; 17])
        );
        let mut pushed = 0;
        while block.push(1, &[0; 16]) {
            pushed += 1;
        }
        assert_eq!(pushed, 3);
        assert_eq!(block.bytes().len(), 4 + 3 * 17 + 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120), version_two: bool) {
            let mut bytes = bytes;
            if version_two && let Some(first) = bytes.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            if let Ok(header) = RtpHeader::parse(&bytes) {
                prop_assert!(header.len <= bytes.len());
                for (_, data) in header.extensions() {
                    prop_assert!(data.len() <= bytes.len());
                }
                if let Ok(payload) = header.payload(&bytes) {
                    prop_assert!(header.len + payload.len() <= bytes.len());
                }
            }
            let _ = rtx_original(&bytes);
        }

        #[test]
        fn a_written_header_reads_back(
            marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32,
        ) {
            let fields = HeaderFields { marker, padded: false, payload_type, sequence, timestamp, ssrc };
            let mut buf = [0xff; 12];
            prop_assert_eq!(write_header(fields, &[], &mut buf), Some(12));
            let header = RtpHeader::parse(&buf).unwrap();
            let read = HeaderFields {
                marker: header.marker,
                padded: header.padded,
                payload_type: header.payload_type,
                sequence: header.sequence,
                timestamp: header.timestamp,
                ssrc: header.ssrc,
            };
            prop_assert_eq!(read, fields);
            prop_assert_eq!(write_header(fields, &[], &mut buf[..11]), None);
        }
    }
}
