//! Whether packets get through to the one port: a STUN binding request of nobody in particular (RFC 8489 section 6.3.1, without
//! authentication), and its answer, which says how the sender is seen from here.
//!
//! Anybody may ask, also under another's address. So a request is answered only if the answer is no longer than it: there is nothing to
//! gain from having us answer to a victim.

use crate::stun::{Attribute, build, is_stun};
use rtc_stun::attributes::{ATTR_FINGERPRINT, ATTR_SOFTWARE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter as _, Message, TransactionId};
use rtc_stun::xoraddr::XorMappedAddress;
use std::net::SocketAddr;

/// Longer than any answer: 20 bytes of header, 24 of an IPv6 address, 8 of fingerprint.
const PADDING: &str = "nhipcau doctor, asking whether you hear";
/// No request of this kind has a reason to be longer.
const REQUEST_MAX: usize = 256;

/// A request under a transaction id that its sender will know again.
pub fn request(transaction: [u8; 12]) -> Option<Vec<u8>> {
    build(&[
        Box::new(TransactionId(transaction)),
        Box::new(BINDING_REQUEST),
        Box::new(Attribute(ATTR_SOFTWARE, PADDING.into())),
        Box::new(FINGERPRINT),
    ])
}

/// The answer to a request that came from `from`; `None` for everything else, which is to be dropped silently.
pub fn answer(datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    // A name makes it a connectivity check (RFC 8445 section 7.1.1): a peer's business.
    let request = parsed(datagram)
        .filter(|message| message.typ == BINDING_REQUEST && !message.contains(ATTR_USERNAME))?;
    let answer = build(&[
        Box::new(TransactionId(request.transaction_id.0)),
        Box::new(BINDING_SUCCESS),
        Box::new(XorMappedAddress { ip: from.ip(), port: from.port() }),
        Box::new(FINGERPRINT),
    ])?;
    (answer.len() <= datagram.len()).then_some(answer)
}

/// The sender's address as the other side saw it, from its answer to the request with this transaction id.
pub fn seen_as(datagram: &[u8], transaction: [u8; 12]) -> Option<SocketAddr> {
    let message = parsed(datagram)
        .filter(|message| message.typ == BINDING_SUCCESS && message.transaction_id.0 == transaction)?;
    let mut seen = XorMappedAddress::default();
    seen.get_from(&message).ok()?;
    Some(SocketAddr::new(seen.ip, seen.port))
}

/// A whole message that ends with its fingerprint.
fn parsed(datagram: &[u8]) -> Option<Message> {
    if !is_stun(datagram) || datagram.len() > REQUEST_MAX {
        return None;
    }
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    if message.attributes.0.last()?.typ != ATTR_FINGERPRINT {
        return None;
    }
    FINGERPRINT.check(&message).ok()?;
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_asks_learns_how_it_is_seen_and_the_answer_is_no_longer_than_the_question() {
        let request = request([3; 12]).expect("it can be written");
        for from in ["203.0.113.7:40000", "[2001:db8::7]:40000"] {
            let from = from.parse().expect("an address");
            let answer = answer(&request, from).expect("a right request");
            assert!(answer.len() <= request.len(), "{} for {}", answer.len(), request.len());
            assert_eq!(seen_as(&answer, [3; 12]), Some(from));
            assert_eq!(seen_as(&answer, [4; 12]), None, "another one's");
            assert_eq!(super::answer(&answer, from), None, "two servers do not answer each other for ever");
        }
    }

    #[test]
    fn a_short_or_changed_request_and_a_connectivity_check_get_no_answer() {
        let from = "203.0.113.7:40000".parse().expect("an address");
        let short =
            build(&[Box::new(TransactionId([3; 12])), Box::new(BINDING_REQUEST), Box::new(FINGERPRINT)]);
        assert_eq!(answer(&short.expect("it can be written"), from), None);
        let check = build(&[
            Box::new(TransactionId([3; 12])),
            Box::new(BINDING_REQUEST),
            Box::new(Attribute(ATTR_USERNAME, b"ours:theirs".to_vec())),
            Box::new(Attribute(ATTR_SOFTWARE, PADDING.into())),
            Box::new(FINGERPRINT),
        ]);
        assert_eq!(answer(&check.expect("it can be written"), from), None, "that is for a peer to answer");
        let request = request([3; 12]).expect("it can be written");
        for at in 0..request.len() {
            let mut changed = request.clone();
            changed[at] ^= 1;
            assert_eq!(answer(&changed, from), None, "byte {at} was changed");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_get_no_answer_and_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), like in any::<bool>()) {
            if like && bytes.len() >= 20 {
                bytes[..2].copy_from_slice(&[0, 1]);
                bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xA4, 0x42]);
            }
            prop_assert_eq!(answer(&bytes, "203.0.113.7:40000".parse().expect("an address")), None);
        }
    }
}
