//! Telling protocols apart by first byte (RFC 7983 section 7) and RTP from RTCP by second (RFC 5761 section 4).

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Unknown,
}

pub(crate) fn classify(datagram: &[u8]) -> Class {
    match datagram {
        [0..=3, ..] => Class::Stun,
        [20..=63, ..] => Class::Dtls,
        [128..=191, 192..=223, ..] => Class::Rtcp,
        [128..=191, ..] => Class::Rtp,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_are_those_of_the_rfc() {
        let check = |bytes: &[u8], expected| assert_eq!(classify(bytes), expected, "{bytes:?}");
        check(&[], Class::Unknown);
        check(&[0, 1], Class::Stun);
        check(&[22], Class::Dtls);
        check(&[64, 0], Class::Unknown);
        check(&[0x80, 96], Class::Rtp);
        check(&[0x90, 0xEF], Class::Rtp);
        check(&[0x80, 200], Class::Rtcp);
        check(&[0x8F, 206], Class::Rtcp);
        check(&[192, 0], Class::Unknown);
    }
}
