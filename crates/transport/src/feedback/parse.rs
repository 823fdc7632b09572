//! Reading compound RTCP, tolerantly: what is whole and known is used, what is unknown is skipped, what is broken ends the reading.

use super::{Feedback, ReportBlock, SenderInfo, TwccReport};
use domain::{Bitrate, Timestamp};

/// At most this many items are read out of one compound, and at most this many sequence numbers out of one NACK.
/// A whole datagram of NACKs names 6,000 packets; nobody needs more than a second of the fastest stream.
pub const MAX_ITEMS: usize = 512;

/// Entries of one TWCC report: Chromium sends at most a few hundred.
const MAX_TWCC: usize = 4096;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const BYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Reads every packet of a compound (RFC 3550 section 6.1; reduced-size ones too, RFC 5506). Never fails: a broken rest is ignored.
pub fn parse(compound: &[u8]) -> Vec<Feedback> {
    let mut items = Vec::new();
    let mut rest = compound;
    while let Some((packet, after)) = split_packet(rest) {
        read_packet(&packet, &mut items);
        rest = after;
        if items.len() >= MAX_ITEMS {
            items.truncate(MAX_ITEMS);
            break;
        }
    }
    items
}

struct Packet<'a> {
    count: u8,
    kind: u8,
    body: &'a [u8],
}

fn split_packet(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let head: [u8; 4] = bytes.first_chunk().copied()?;
    if head[0] >> 6 != 2 {
        return None;
    }
    let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (whole, after) = bytes.split_at_checked(4 + words * 4)?;
    let mut body = whole.get(4..)?;
    if head[0] & 0x20 != 0 {
        let padding = usize::from(*body.last()?);
        body = body.get(..body.len().checked_sub(padding)?)?;
    }
    Some((Packet { count: head[0] & 0x1F, kind: head[1], body }, after))
}

fn read_packet(packet: &Packet<'_>, items: &mut Vec<Feedback>) {
    match (packet.kind, packet.count) {
        (SENDER_REPORT, _) => {
            if let Some(info) = sender_info(packet.body) {
                items.push(Feedback::SenderReport(info));
                report_blocks(info.ssrc, packet.body.get(24..).unwrap_or(&[]), packet.count, items);
            }
        }
        (RECEIVER_REPORT, _) => {
            if let Some(reporter) = word(packet.body, 0) {
                report_blocks(reporter, packet.body.get(4..).unwrap_or(&[]), packet.count, items);
            }
        }
        (BYE, count) => {
            items.extend(
                (0..usize::from(count))
                    .map_while(|n| word(packet.body, n * 4))
                    .map(|ssrc| Feedback::Bye { ssrc }),
            );
        }
        (TRANSPORT_FEEDBACK, 1) => items.extend(nack(packet.body)),
        (TRANSPORT_FEEDBACK, 15) => items.extend(twcc(packet.body).map(Feedback::Twcc)),
        (PAYLOAD_FEEDBACK, 1) => items.extend(word(packet.body, 4).map(|ssrc| Feedback::Pli { ssrc })),
        (PAYLOAD_FEEDBACK, 4) => {
            for entry in packet.body.get(8..).unwrap_or(&[]).chunks_exact(8).take(MAX_ITEMS) {
                if let (Some(ssrc), Some(&command)) = (word(entry, 0), entry.get(4)) {
                    items.push(Feedback::Fir { ssrc, command });
                }
            }
        }
        (PAYLOAD_FEEDBACK, 15) => items.extend(remb(packet.body)),
        _ => {}
    }
}

fn word(body: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(body.get(at..)?.first_chunk().copied()?))
}

fn half(body: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(body.get(at..)?.first_chunk().copied()?))
}

fn sender_info(body: &[u8]) -> Option<SenderInfo> {
    Some(SenderInfo {
        ssrc: word(body, 0)?,
        ntp: u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?),
        rtp_timestamp: word(body, 12)?,
        packets: word(body, 16)?,
        octets: word(body, 20)?,
    })
}

fn report_blocks(reporter: u32, blocks: &[u8], count: u8, items: &mut Vec<Feedback>) {
    for block in blocks.chunks_exact(24).take(usize::from(count)) {
        let (Some(ssrc), Some(lost), Some(highest), Some(jitter), Some(last_sr), Some(delay)) = (
            word(block, 0),
            word(block, 4),
            word(block, 8),
            word(block, 12),
            word(block, 16),
            word(block, 20),
        ) else {
            return;
        };
        items.push(Feedback::ReceiverReport(ReportBlock {
            reporter,
            ssrc,
            fraction_lost: (lost >> 24) as u8,
            // 24 bits with sign.
            cumulative_lost: (lost << 8).cast_signed() >> 8,
            highest_sequence: highest,
            jitter,
            last_sender_report: last_sr,
            delay_since_last_sender_report: delay,
        }));
    }
}

fn nack(body: &[u8]) -> Option<Feedback> {
    let ssrc = word(body, 4)?;
    let mut sequences = Vec::new();
    for entry in body.get(8..)?.chunks_exact(4) {
        let (first, mask) = (half(entry, 0)?, half(entry, 2)?);
        sequences.push(first);
        sequences
            .extend((0..16u16).filter(|bit| mask >> bit & 1 == 1).map(|bit| first.wrapping_add(bit + 1)));
        if sequences.len() >= MAX_ITEMS {
            sequences.truncate(MAX_ITEMS);
            break;
        }
    }
    (!sequences.is_empty()).then_some(Feedback::Nack { ssrc, sequences })
}

fn remb(body: &[u8]) -> Option<Feedback> {
    if body.get(8..12)? != b"REMB" {
        return None;
    }
    let value = word(body, 12)?;
    let exponent = value >> 18 & 0x3F;
    let mantissa = u64::from(value & 0x3_FFFF);
    // 2^63 x 2^18 does not fit: a liar's u64::MAX is as good as no limit.
    let bps =
        mantissa.checked_shl(exponent).filter(|shifted| shifted >> exponent == mantissa).unwrap_or(u64::MAX);
    Some(Feedback::Remb { bitrate: Bitrate::from_bps(bps) })
}

/// Symbols of a packet status chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Missing,
    SmallDelta,
    LargeDelta,
}

fn symbol(bits: u16) -> Symbol {
    match bits {
        1 => Symbol::SmallDelta,
        2 => Symbol::LargeDelta,
        _ => Symbol::Missing,
    }
}

fn twcc(body: &[u8]) -> Option<TwccReport> {
    let base_sequence = half(body, 8)?;
    let total = usize::from(half(body, 10)?).min(MAX_TWCC);
    let time_and_count = word(body, 12)?;
    let mut at = 16;
    let mut symbols = Vec::new();
    while symbols.len() < total {
        let chunk = half(body, at)?;
        at += 2;
        let wanted = total - symbols.len();
        if chunk >> 15 == 0 {
            let run = usize::from(chunk & 0x1FFF).min(wanted);
            if run == 0 {
                return None;
            }
            symbols.resize(symbols.len() + run, symbol(chunk >> 13 & 3));
        } else if chunk >> 14 & 1 == 0 {
            symbols.extend((0..14u16).take(wanted).map(|n| symbol(chunk >> (13 - n) & 1)));
        } else {
            symbols.extend((0..7u16).take(wanted).map(|n| symbol(chunk >> (12 - 2 * n) & 3)));
        }
    }
    let mut clock = i64::from(time_and_count >> 8) * 64_000;
    let mut arrivals = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let ticks = match symbol {
            Symbol::Missing => {
                arrivals.push(None);
                continue;
            }
            Symbol::SmallDelta => {
                at += 1;
                i64::from(*body.get(at - 1)?)
            }
            Symbol::LargeDelta => {
                at += 2;
                i64::from(half(body, at - 2)?.cast_signed())
            }
        };
        clock += ticks * 250;
        arrivals.push(Some(Timestamp::from_micros(clock.max(0).cast_unsigned())));
    }
    Some(TwccReport { count: (time_and_count & 0xFF) as u8, base_sequence, arrivals })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_report_without_blocks_followed_by_a_pli_asks_for_a_keyframe() {
        let compound = [0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42];
        assert_eq!(parse(&compound), [Feedback::Pli { ssrc: 42 }]);
    }

    #[test]
    fn an_unknown_packet_is_skipped_and_a_broken_rest_ignored() {
        let compound =
            [0x80, 207, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42, 0x81, 206, 0, 9, 1];
        assert_eq!(parse(&compound), [Feedback::Pli { ssrc: 42 }]);
    }

    #[test]
    fn a_nack_names_its_first_packet_and_the_sixteen_after() {
        let compound = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 9, 0xFF, 0xFF, 0x80, 0x01];
        assert_eq!(parse(&compound), [Feedback::Nack { ssrc: 9, sequences: vec![65_535, 0, 15] }]);
    }

    #[test]
    fn a_lying_remb_is_no_limit() {
        let mut compound = vec![0x8F, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0];
        compound.extend_from_slice(b"REMB");
        compound.extend_from_slice(&[1, 0xFF, 0xFF, 0xFF, 0, 0, 0, 9]);
        assert_eq!(parse(&compound), [Feedback::Remb { bitrate: Bitrate::from_bps(u64::MAX) }]);
    }

    #[test]
    fn a_flood_of_nacks_is_cut() {
        let mut compound = vec![0x81, 205, 0x01, 0x6A, 0, 0, 0, 1, 0, 0, 0, 9];
        compound.resize(4 + 362 * 4, 0xFF);
        let items = parse(&compound);
        assert!(matches!(&items[..], [Feedback::Nack { sequences, .. }] if sequences.len() == MAX_ITEMS));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_never_grow_without_bound(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
            prop_assert!(parse(&bytes).len() <= MAX_ITEMS);
        }

        #[test]
        fn arbitrary_bodies_of_known_packets_never_panic(
            kind in 200u8..208, count in 0u8..32, body in prop::collection::vec(any::<u8>(), 0..400)
        ) {
            let words = body.len() / 4;
            let mut packet = vec![0x80 | count, kind, 0, words as u8];
            packet.extend_from_slice(&body[..words * 4]);
            parse(&packet);
        }
    }
}
