//! What an Opus packet says of its length (RFC 6716 section 3.1).

/// Samples at 48 kHz in a packet; `None` when it is malformed or longer than 120 ms.
pub(crate) fn samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    Some(frame * frames).filter(|samples| (1..=5_760).contains(samples))
}

/// A packet of one empty frame in the configuration of `like`: the decoder makes up for what was lost (section 3.2.1: a frame of no
/// bytes). Returns it and its samples at 48 kHz.
pub(crate) fn concealment(like: u8) -> ([u8; 1], u32) {
    let toc = like & 0xfc;
    ([toc], samples(&[toc]).unwrap_or(960))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_kind_of_packet_are_read() {
        let rows: [(&[u8], Option<u32>); 9] = [
            (&[0x78, 1, 2], Some(960)),      // CELT fullband 20 ms, as Chromium sends it
            (&[0x08, 1], Some(960)),         // SILK 20 ms
            (&[0x18, 1], Some(2_880)),       // SILK 60 ms
            (&[0x60, 1], Some(480)),         // hybrid 10 ms
            (&[0x79, 1, 2], Some(1_920)),    // two frames
            (&[0x7b, 0x03, 1], Some(2_880)), // three frames by count
            (&[0x1b, 0x3f, 1], None),        // more than 120 ms
            (&[0x7b], None),                 // the count is missing
            (&[], None),
        ];
        for (packet, expected) in rows {
            assert_eq!(samples(packet), expected, "{packet:x?}");
        }
        assert_eq!(concealment(0x7b), ([0x78], 960));
    }
}
