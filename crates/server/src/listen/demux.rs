//! What a TCP connection on the one port speaks, told by its first byte.

/// A protocol that shares the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// TLS: pages, API and WebSocket.
    Tls,
    /// Plain HTTP: the same for this machine and for named reverse proxies, and a word of explanation for everybody else.
    Http,
    /// ICE-TCP: framed connectivity checks (RFC 4571, RFC 6544).
    IceTcp,
}

/// Content type of a TLS handshake record (RFC 8446 section 5.1); a `ClientHello` is in one.
const TLS_HANDSHAKE: u8 = 22;
/// A frame's first byte is the high half of its length, and no first frame needs 2 KiB: a connectivity check has about 100 bytes.
const FRAME_MOST: u8 = 7;

/// Tells what a client speaks by the first byte it sent; `None`: nothing of ours, hang up.
///
/// HTTP methods are capital letters (RFC 9110 section 9); the three ranges are far apart.
pub(crate) fn spoken(first: u8) -> Option<Spoken> {
    match first {
        TLS_HANDSHAKE => Some(Spoken::Tls),
        b'A'..=b'Z' => Some(Spoken::Http),
        0..=FRAME_MOST => Some(Spoken::IceTcp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_clients_are_told_apart_by_their_first_byte() {
        let rows: [(&[u8], Option<Spoken>); 8] = [
            (b"GET / HTTP/1.1\r\n", Some(Spoken::Http)),
            (b"PATCH /session/x HTTP/1.1\r\n", Some(Spoken::Http)),
            // Chromium's ClientHello: record of 1,7xx bytes, TLS 1.0 on the outside.
            (&[0x16, 0x03, 0x01, 0x06, 0xb3, 0x01], Some(Spoken::Tls)),
            // A framed binding request of Chromium's: 100 bytes.
            (&[0x00, 0x64, 0x00, 0x01, 0x00, 0x50, 0x21, 0x12, 0xa4, 0x42], Some(Spoken::IceTcp)),
            (b"SSH-2.0-OpenSSH_9.9\r\n", Some(Spoken::Http)),
            (&[0x80, 0x2e, 0x01, 0x03], None),
            (&[0x05 + 3, 0x01], None),
            (b"\r\n", None),
        ];
        for (bytes, expected) in rows {
            assert_eq!(spoken(bytes[0]), expected, "{bytes:x?}");
        }
    }
}
