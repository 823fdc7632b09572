//! What an H.264 payload carries (RFC 6184 section 5): enough to find where a decoder may start.

/// Kinds of NAL unit found in one RTP payload, whole or begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Content {
    /// A sequence parameter set (type 7).
    pub sps: bool,
    /// An IDR slice (type 5), whole or its first fragment.
    pub idr: bool,
}

impl Content {
    /// Whether a decoder may start at this packet, judged by this packet alone.
    pub fn starts_keyframe(self) -> bool {
        self.sps || self.idr
    }

    fn note(&mut self, nal_header: u8) {
        match nal_header & 0x1f {
            5 => self.idr = true,
            7 => self.sps = true,
            _ => {}
        }
    }
}

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Reads a payload: a single NAL unit, a STAP-A, or a fragment (FU-A). Unreadable bytes carry nothing.
pub fn read(payload: &[u8]) -> Content {
    let mut content = Content::default();
    match payload {
        [header, rest @ ..] if header & 0x1f == STAP_A => {
            let mut rest = rest;
            while let [high, low, after @ ..] = rest {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                let Some((nal, next)) = after.split_at_checked(len) else { break };
                if let Some(&nal_header) = nal.first() {
                    content.note(nal_header);
                }
                rest = next;
            }
        }
        // Only the first fragment (S bit) begins the unit.
        [header, fu, ..] if header & 0x1f == FU_A => {
            if fu & 0x80 != 0 {
                content.note(*fu);
            }
        }
        [header, ..] => content.note(*header),
        [] => {}
    }
    content
}
