//! Writing compound RTCP.

use std::collections::VecDeque;

/// One report block: how one stream arrives (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// SSRC of who reports; ignored when building.
    pub reporter: u32,
    /// SSRC the block is about.
    pub ssrc: u32,
    /// Loss since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning, -2^23 to 2^23 - 1.
    pub cumulative_lost: i32,
    /// Sequence number wraps << 16 | highest sequence number.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 when none came yet.
    pub last_sender_report: u32,
    /// Time since then in 1/65,536 s; 0 when none came yet.
    pub delay_since_last_sender_report: u32,
}

/// The sender's part of a sender report (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderInfo {
    /// SSRC of the stream.
    pub ssrc: u32,
    /// NTP time, seconds << 32 | fraction.
    pub ntp: u64,
    /// The same instant on the stream's RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload bytes sent so far.
    pub octets: u32,
}

/// A compound under construction. Begin with a report (RFC 3550 section 6.1); [`finish`](Self::finish) hands out the bytes.
#[derive(Debug, Clone, Default)]
pub struct Compound {
    bytes: Vec<u8>,
}

impl Compound {
    /// An empty compound.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The compound's bytes, ready for [`Peer::send_rtcp`](crate::Peer::send_rtcp).
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// A receiver report of `reporter` with the first 31 of `blocks`.
    #[must_use]
    pub fn receiver_report(mut self, reporter: u32, blocks: &[ReportBlock]) -> Self {
        let blocks = blocks.get(..31).unwrap_or(blocks);
        self.packet(201, blocks.len() as u8, |bytes| {
            bytes.extend_from_slice(&reporter.to_be_bytes());
            write_blocks(bytes, blocks);
        });
        self
    }

    /// A sender report with the first 31 of `blocks`.
    #[must_use]
    pub fn sender_report(mut self, info: &SenderInfo, blocks: &[ReportBlock]) -> Self {
        let blocks = blocks.get(..31).unwrap_or(blocks);
        self.packet(200, blocks.len() as u8, |bytes| {
            bytes.extend_from_slice(&info.ssrc.to_be_bytes());
            bytes.extend_from_slice(&info.ntp.to_be_bytes());
            for value in [info.rtp_timestamp, info.packets, info.octets] {
                bytes.extend_from_slice(&value.to_be_bytes());
            }
            write_blocks(bytes, blocks);
        });
        self
    }

    /// The CNAME of `ssrc` (RFC 3550 section 6.5.1); cut to 255 bytes.
    #[must_use]
    pub fn cname(mut self, ssrc: u32, cname: &str) -> Self {
        let text = cname.as_bytes().get(..255).unwrap_or(cname.as_bytes());
        self.packet(202, 1, |bytes| {
            bytes.extend_from_slice(&ssrc.to_be_bytes());
            bytes.extend_from_slice(&[1, text.len() as u8]);
            bytes.extend_from_slice(text);
            // At least one zero ends the chunk; then up to the next word.
            let end = (bytes.len() + 1).next_multiple_of(4);
            bytes.resize(end, 0);
        });
        self
    }

    /// A NACK for `sequences` (RFC 4585 section 6.2.1), which should be ascending to fit in few entries. Nothing for an empty list.
    #[must_use]
    pub fn nack(mut self, sender: u32, media: u32, sequences: &[u16]) -> Self {
        let mut entries: VecDeque<(u16, u16)> = VecDeque::new();
        for &sequence in sequences {
            if let Some((first, mask)) = entries.back_mut() {
                let distance = sequence.wrapping_sub(*first);
                if distance == 0 {
                    continue;
                }
                if distance <= 16 {
                    *mask |= 1 << (distance - 1);
                    continue;
                }
            }
            entries.push_back((sequence, 0));
        }
        if !entries.is_empty() {
            self.packet(205, 1, |bytes| {
                feedback_head(bytes, sender, media);
                for (first, mask) in entries {
                    bytes.extend_from_slice(&first.to_be_bytes());
                    bytes.extend_from_slice(&mask.to_be_bytes());
                }
            });
        }
        self
    }

    /// A picture loss indication (RFC 4585 section 6.3.1).
    #[must_use]
    pub fn pli(mut self, sender: u32, media: u32) -> Self {
        self.packet(206, 1, |bytes| feedback_head(bytes, sender, media));
        self
    }

    /// A full intra request (RFC 5104 section 4.3.1); `command` goes up by one per new request.
    #[must_use]
    pub fn fir(mut self, sender: u32, media: u32, command: u8) -> Self {
        self.packet(206, 4, |bytes| {
            feedback_head(bytes, sender, 0);
            bytes.extend_from_slice(&media.to_be_bytes());
            bytes.extend_from_slice(&[command, 0, 0, 0]);
        });
        self
    }

    /// A receiver estimated maximum bitrate for `media` SSRCs, the first 255 of them.
    #[must_use]
    pub fn remb(mut self, sender: u32, bps: u64, media: &[u32]) -> Self {
        let media = media.get(..255).unwrap_or(media);
        let exponent = (64 - bps.leading_zeros()).saturating_sub(18);
        let mantissa = (bps >> exponent) as u32;
        self.packet(206, 15, |bytes| {
            feedback_head(bytes, sender, 0);
            bytes.extend_from_slice(b"REMB");
            bytes.extend_from_slice(&((media.len() as u32) << 24 | exponent << 18 | mantissa).to_be_bytes());
            for ssrc in media {
                bytes.extend_from_slice(&ssrc.to_be_bytes());
            }
        });
        self
    }

    /// A BYE for `ssrc` (RFC 3550 section 6.6).
    #[must_use]
    pub fn bye(mut self, ssrc: u32) -> Self {
        self.packet(203, 1, |bytes| bytes.extend_from_slice(&ssrc.to_be_bytes()));
        self
    }

    /// One packet of whole words; the writer may leave the last word open.
    pub(super) fn packet(&mut self, kind: u8, count: u8, write: impl FnOnce(&mut Vec<u8>)) {
        let mut body = Vec::with_capacity(64);
        write(&mut body);
        let length = body.len().next_multiple_of(4);
        body.resize(length, 0);
        self.bytes.extend_from_slice(&[0x80 | count, kind]);
        self.bytes.extend_from_slice(&((length / 4) as u16).to_be_bytes());
        self.bytes.extend_from_slice(&body);
    }
}

pub(super) fn feedback_head(bytes: &mut Vec<u8>, sender: u32, media: u32) {
    bytes.extend_from_slice(&sender.to_be_bytes());
    bytes.extend_from_slice(&media.to_be_bytes());
}

fn write_blocks(bytes: &mut Vec<u8>, blocks: &[ReportBlock]) {
    for block in blocks {
        let lost = block.cumulative_lost.clamp(-(1 << 23), (1 << 23) - 1).cast_unsigned() & 0x00FF_FFFF;
        for value in [
            block.ssrc,
            u32::from(block.fraction_lost) << 24 | lost,
            block.highest_sequence,
            block.jitter,
            block.last_sender_report,
            block.delay_since_last_sender_report,
        ] {
            bytes.extend_from_slice(&value.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Feedback, parse};
    use super::*;
    use domain::Bitrate;

    #[test]
    fn what_is_built_is_read_back() {
        let block = ReportBlock {
            reporter: 7,
            ssrc: 9,
            fraction_lost: 51,
            cumulative_lost: -3,
            highest_sequence: 0x0001_0002,
            jitter: 90,
            last_sender_report: 0xAABB_CCDD,
            delay_since_last_sender_report: 65_536,
        };
        let info =
            SenderInfo { ssrc: 7, ntp: 0x1234_5678_9ABC_DEF0, rtp_timestamp: 5, packets: 6, octets: 7 };
        let bytes = Compound::new()
            .sender_report(&info, &[block])
            .cname(7, "lớp 5A")
            .nack(7, 9, &[65_535, 0, 3, 40])
            .pli(7, 9)
            .fir(7, 9, 200)
            .remb(7, 3_000_000, &[9, 10])
            .bye(7)
            .finish();
        let expected = [
            Feedback::SenderReport(info),
            Feedback::ReceiverReport(block),
            Feedback::Nack { ssrc: 9, sequences: vec![65_535, 0, 3, 40] },
            Feedback::Pli { ssrc: 9 },
            Feedback::Fir { ssrc: 9, command: 200 },
            Feedback::Remb { bitrate: Bitrate::from_bps(2_999_992) },
            Feedback::Bye { ssrc: 7 },
        ];
        let items = parse(&bytes);
        let close = |item: &Feedback| match item {
            Feedback::Remb { bitrate } => bitrate.as_bps() / 1000 == 2_999 || bitrate.as_bps() == 3_000_000,
            _ => false,
        };
        for (found, wanted) in items.iter().zip(&expected) {
            assert!(found == wanted || close(found), "{found:?}, expected {wanted:?}");
        }
        assert_eq!(items.len(), expected.len());
    }

    #[test]
    fn a_receiver_report_alone_is_one_packet() {
        let bytes = Compound::new().receiver_report(1, &[]).finish();
        assert_eq!(bytes, [0x80, 201, 0, 1, 0, 0, 0, 1]);
    }
}
