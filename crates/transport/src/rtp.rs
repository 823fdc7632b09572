//! The little of RTP that transport itself must read: where the header ends, whose packet it is, and its header extensions.

/// Fields of an RTP header (RFC 3550 section 5.1) and the place of its extensions (RFC 8285).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RtpView<'a> {
    pub(crate) payload_type: u8,
    pub(crate) padding: bool,
    pub(crate) sequence: u16,
    pub(crate) ssrc: u32,
    /// Fixed header, CSRCs and extensions together.
    pub(crate) header_len: usize,
    extensions: Extensions<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extensions<'a> {
    None,
    OneByte(&'a [u8]),
    TwoByte(&'a [u8]),
}

impl<'a> RtpView<'a> {
    /// `None` for anything that is not a whole version 2 header.
    pub(crate) fn parse(packet: &'a [u8]) -> Option<Self> {
        let fixed: [u8; 12] = packet.first_chunk().copied()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let csrcs = usize::from(fixed[0] & 0x0F) * 4;
        let mut header_len = 12 + csrcs;
        let mut extensions = Extensions::None;
        if fixed[0] & 0x10 != 0 {
            let head: [u8; 4] = packet.get(header_len..)?.first_chunk().copied()?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let body = packet.get(header_len + 4..header_len + 4 + words * 4)?;
            extensions = match u16::from_be_bytes([head[0], head[1]]) {
                0xBEDE => Extensions::OneByte(body),
                profile if profile & 0xFFF0 == 0x1000 => Extensions::TwoByte(body),
                _ => Extensions::None,
            };
            header_len += 4 + words * 4;
        }
        if packet.len() < header_len {
            return None;
        }
        Some(Self {
            payload_type: fixed[1] & 0x7F,
            padding: fixed[0] & 0x20 != 0,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            header_len,
            extensions,
        })
    }

    /// The extension with this id, when present and whole.
    pub(crate) fn extension(&self, id: u8) -> Option<&'a [u8]> {
        let (mut rest, two_byte) = match self.extensions {
            Extensions::None => return None,
            Extensions::OneByte(body) => (body, false),
            Extensions::TwoByte(body) => (body, true),
        };
        while let Some((&first, after)) = rest.split_first() {
            if first == 0 {
                rest = after;
                continue;
            }
            let (found, length, body) = if two_byte {
                let (&length, body) = after.split_first()?;
                (first, usize::from(length), body)
            } else if first >> 4 == 15 {
                return None;
            } else {
                (first >> 4, usize::from(first & 0x0F) + 1, after)
            };
            let (value, next) = body.split_at_checked(length)?;
            if found == id {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(profile: u16, extensions: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x90, 96, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9];
        bytes.extend_from_slice(&profile.to_be_bytes());
        bytes.extend_from_slice(&((extensions.len() / 4) as u16).to_be_bytes());
        bytes.extend_from_slice(extensions);
        bytes
    }

    #[test]
    fn extensions_are_found_in_both_forms() {
        let one = packet(0xBEDE, &[0x10, b'a', 0, 0x31, 1, 2, 0, 0]);
        let view = RtpView::parse(&one).expect("a whole header");
        assert_eq!((view.sequence, view.ssrc, view.header_len), (7, 9, 24));
        assert_eq!(view.extension(1), Some(&b"a"[..]));
        assert_eq!(view.extension(3), Some(&[1, 2][..]));
        assert_eq!(view.extension(2), None);
        let two = packet(0x1000, &[20, 3, 1, 2, 3, 0, 0, 0]);
        assert_eq!(RtpView::parse(&two).and_then(|view| view.extension(20)), Some(&[1, 2, 3][..]));
    }

    #[test]
    fn lengths_that_point_outside_are_refused() {
        let whole = packet(0xBEDE, &[0x1F, 1, 2, 3]);
        for length in 0..whole.len() {
            assert_eq!(RtpView::parse(&whole[..length]), None, "{length}");
        }
        assert_eq!(RtpView::parse(&whole).and_then(|view| view.extension(1)), None);
    }
}
