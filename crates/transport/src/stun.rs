//! STUN for ICE (RFC 8489, RFC 8445): finding whose check a datagram is, verifying it, answering it.

use crate::sdp::Credentials;
use rtc_crypto::RTCCrypto;
use rtc_stun::attributes::{
    ATTR_ERROR_CODE, ATTR_FINGERPRINT, ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_MESSAGE_INTEGRITY,
    ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, ATTR_XORMAPPED_ADDRESS, AttrType, RawAttribute,
};
use rtc_stun::error_code::CODE_ROLE_CONFLICT;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc_stun::xoraddr::XorMappedAddress;
use std::net::SocketAddr;

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const USERNAME: u16 = 0x0006;
/// Checks carry nine small attributes; a kilobyte is four times what any client sends.
const MAX_BYTES: usize = 1024;

/// A STUN transaction id.
pub(crate) type Transaction = [u8; 12];

/// The ufrag of ours that a connectivity check names: the part of its USERNAME before the colon. Nothing is verified.
///
/// For a worker's demux, to find the peer an unknown address wants to talk to. Allocates nothing.
pub fn local_ufrag_of(datagram: &[u8]) -> Option<&str> {
    if !is_stun(datagram) || datagram.get(..2)? != [0, 1] {
        return None;
    }
    let mut rest = datagram.get(HEADER..)?;
    while let Some((head, body)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if u16::from_be_bytes([head[0], head[1]]) == USERNAME {
            let name = std::str::from_utf8(body.get(..length)?).ok()?;
            return name.split_once(':').map(|(ours, _)| ours).filter(|ours| !ours.is_empty());
        }
        rest = body.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// Whether a datagram is STUN: its first byte (RFC 7983) and the magic cookie.
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|&first| first < 4)
        && datagram.get(4..8) == Some(&MAGIC_COOKIE)
        && datagram.len() >= HEADER
}

/// Which side of ICE the sender of a check believes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimedRole {
    Controlling,
    Controlled,
}

/// A verified connectivity check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) transaction: Transaction,
    pub(crate) role: ClaimedRole,
    pub(crate) nominates: bool,
    pub(crate) priority: u32,
}

/// The user name a check from `theirs` to `ours` carries (RFC 8445 section 7.2.2).
fn username(receiver: &Credentials, sender_ufrag: &str) -> String {
    format!("{}:{sender_ufrag}", receiver.ufrag)
}

/// Decodes a message and verifies fingerprint and integrity. Only attributes before MESSAGE-INTEGRITY are handed out:
/// what follows it is not authenticated (RFC 8489 section 14.5).
fn verified(datagram: &[u8], password: &str, crypto: &dyn RTCCrypto) -> Option<(Message, Vec<RawAttribute>)> {
    if datagram.len() > MAX_BYTES {
        return None;
    }
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    if message.attributes.0.last()?.typ != ATTR_FINGERPRINT
        || datagram.len() != HEADER + message.length as usize
    {
        return None;
    }
    FINGERPRINT.check(&message).ok()?;
    let at = message.attributes.0.iter().position(|attribute| attribute.typ == ATTR_MESSAGE_INTEGRITY)?;
    MessageIntegrity::check(&mut message, password.as_bytes(), crypto).ok()?;
    let authentic = message.attributes.0.get(..at)?.to_vec();
    Some((message, authentic))
}

fn find(attributes: &[RawAttribute], kind: AttrType) -> Option<&[u8]> {
    attributes.iter().find(|attribute| attribute.typ == kind).map(|attribute| attribute.value.as_slice())
}

/// Verifies a binding request addressed to `ours` from the side whose fragment is `their_ufrag`. `None`: drop it silently.
pub(crate) fn read_check(
    datagram: &[u8],
    ours: &Credentials,
    their_ufrag: &str,
    crypto: &dyn RTCCrypto,
) -> Option<Check> {
    let (message, attributes) = verified(datagram, &ours.password, crypto)?;
    if message.typ != BINDING_REQUEST
        || find(&attributes, ATTR_USERNAME)? != username(ours, their_ufrag).as_bytes()
    {
        return None;
    }
    let role = if find(&attributes, ATTR_ICE_CONTROLLED).is_some() {
        ClaimedRole::Controlled
    } else {
        ClaimedRole::Controlling
    };
    let priority = find(&attributes, ATTR_PRIORITY)
        .and_then(|value| value.first_chunk().copied())
        .map_or(0, u32::from_be_bytes);
    let nominates = find(&attributes, ATTR_USE_CANDIDATE).is_some();
    Some(Check { transaction: message.transaction_id.0, role, nominates, priority })
}

pub(crate) fn build(setters: &[Box<dyn Setter + '_>]) -> Option<Vec<u8>> {
    let mut message = Message::new();
    message.build(setters).ok()?;
    Some(message.raw)
}

fn integrity<'c>(password: &str, crypto: &'c dyn RTCCrypto) -> Box<dyn Setter + 'c> {
    Box::new(MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto))
}

/// A success response to a check that came from `from`.
pub(crate) fn write_success(
    check: &Check,
    from: SocketAddr,
    ours: &Credentials,
    crypto: &dyn RTCCrypto,
) -> Option<Vec<u8>> {
    build(&[
        Box::new(TransactionId(check.transaction)),
        Box::new(BINDING_SUCCESS),
        Box::new(XorMappedAddress { ip: from.ip(), port: from.port() }),
        integrity(&ours.password, crypto),
        Box::new(FINGERPRINT),
    ])
}

/// 487 Role Conflict (RFC 8445 section 7.3.1.1): tells the other side to be the controlling one.
pub(crate) fn write_role_conflict(
    check: &Check,
    ours: &Credentials,
    crypto: &dyn RTCCrypto,
) -> Option<Vec<u8>> {
    build(&[
        Box::new(TransactionId(check.transaction)),
        Box::new(BINDING_ERROR),
        Box::new(CODE_ROLE_CONFLICT),
        integrity(&ours.password, crypto),
        Box::new(FINGERPRINT),
    ])
}

pub(crate) struct Attribute(pub(crate) AttrType, pub(crate) Vec<u8>);

impl Setter for Attribute {
    fn add_to(&self, message: &mut Message) -> rtc_shared::error::Result<()> {
        message.add(self.0, &self.1);
        Ok(())
    }
}

/// A nominating check of the controlling side towards `theirs`.
pub(crate) fn write_check(
    transaction: Transaction,
    theirs: &Credentials,
    our_ufrag: &str,
    tie_breaker: u64,
    crypto: &dyn RTCCrypto,
) -> Option<Vec<u8>> {
    build(&[
        Box::new(TransactionId(transaction)),
        Box::new(BINDING_REQUEST),
        Box::new(Attribute(ATTR_USERNAME, username(theirs, our_ufrag).into_bytes())),
        Box::new(Attribute(ATTR_ICE_CONTROLLING, tie_breaker.to_be_bytes().to_vec())),
        Box::new(Attribute(ATTR_PRIORITY, PEER_REFLEXIVE_PRIORITY.to_be_bytes().to_vec())),
        Box::new(Attribute(ATTR_USE_CANDIDATE, Vec::new())),
        integrity(&theirs.password, crypto),
        Box::new(FINGERPRINT),
    ])
}

/// RFC 8445 section 5.1.2.1: type preference 110, full local preference, component 1.
const PEER_REFLEXIVE_PRIORITY: u32 = 110 << 24 | 0xFF_FFFF;

/// The other side's word on one of our checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckResult {
    Success,
    Refused,
}

/// Verifies a response to a check we sent to `theirs`.
pub(crate) fn read_response(
    datagram: &[u8],
    theirs: &Credentials,
    crypto: &dyn RTCCrypto,
) -> Option<(Transaction, CheckResult)> {
    let (message, attributes) = verified(datagram, &theirs.password, crypto)?;
    let result = if message.typ == BINDING_SUCCESS && find(&attributes, ATTR_XORMAPPED_ADDRESS).is_some() {
        CheckResult::Success
    } else if message.typ == BINDING_ERROR && find(&attributes, ATTR_ERROR_CODE).is_some() {
        CheckResult::Refused
    } else {
        return None;
    };
    Some((message.transaction_id.0, result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn credentials(ufrag: &str) -> Credentials {
        Credentials { ufrag: ufrag.to_owned(), password: format!("{ufrag}-a-password-of-some-length") }
    }

    fn check() -> Vec<u8> {
        let provider = rtc_crypto::default_provider().expect("ring is built in");
        write_check([7; 12], &credentials("ours"), "theirs", 5, provider.crypto())
            .expect("a check can be written")
    }

    #[test]
    fn a_check_is_recognised_by_its_user_name_and_verified_before_it_counts() {
        let provider = rtc_crypto::default_provider().expect("ring is built in");
        let datagram = check();
        assert_eq!(local_ufrag_of(&datagram), Some("ours"));
        let found = read_check(&datagram, &credentials("ours"), "theirs", provider.crypto());
        let expected = Check {
            transaction: [7; 12],
            role: ClaimedRole::Controlling,
            nominates: true,
            priority: PEER_REFLEXIVE_PRIORITY,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(read_check(&datagram, &credentials("ours"), "others", provider.crypto()), None);
        let stranger =
            Credentials { password: "another password, as long".to_owned(), ..credentials("ours") };
        assert_eq!(read_check(&datagram, &stranger, "theirs", provider.crypto()), None);
        for at in 0..datagram.len() {
            let mut changed = datagram.clone();
            changed[at] ^= 1;
            assert_eq!(
                read_check(&changed, &credentials("ours"), "theirs", provider.crypto()),
                None,
                "byte {at} was changed"
            );
        }
    }

    #[test]
    fn what_follows_the_integrity_attribute_does_not_count() {
        let provider = rtc_crypto::default_provider().expect("ring is built in");
        let ours = credentials("ours");
        let datagram = build(&[
            Box::new(TransactionId([1; 12])),
            Box::new(BINDING_REQUEST),
            Box::new(Attribute(ATTR_USERNAME, b"ours:theirs".to_vec())),
            integrity(&ours.password, provider.crypto()),
            Box::new(Attribute(ATTR_USE_CANDIDATE, Vec::new())),
            Box::new(FINGERPRINT),
        ])
        .expect("it can be written");
        let found =
            read_check(&datagram, &ours, "theirs", provider.crypto()).expect("the check itself is right");
        assert!(!found.nominates);
    }

    #[test]
    fn a_check_without_integrity_or_fingerprint_is_dropped() {
        let provider = rtc_crypto::default_provider().expect("ring is built in");
        let ours = credentials("ours");
        let name = || Box::new(Attribute(ATTR_USERNAME, b"ours:theirs".to_vec()));
        let head = || Box::new(TransactionId([1; 12]));
        let naked = build(&[head(), Box::new(BINDING_REQUEST), name(), Box::new(FINGERPRINT)])
            .expect("it can be written");
        let unmarked =
            build(&[head(), Box::new(BINDING_REQUEST), name(), integrity(&ours.password, provider.crypto())])
                .expect("written");
        assert_eq!(read_check(&naked, &ours, "theirs", provider.crypto()), None);
        assert_eq!(read_check(&unmarked, &ours, "theirs", provider.crypto()), None);
    }

    #[test]
    fn an_answer_is_verified_with_the_password_of_who_gave_it() {
        let provider = rtc_crypto::default_provider().expect("ring is built in");
        let ours = credentials("ours");
        let asked = read_check(&check(), &ours, "theirs", provider.crypto()).expect("a right check");
        let from = "[2001:db8::1]:4000".parse().expect("an address");
        let answer = write_success(&asked, from, &ours, provider.crypto()).expect("it can be written");
        assert_eq!(read_response(&answer, &ours, provider.crypto()), Some(([7; 12], CheckResult::Success)));
        assert_eq!(read_response(&answer, &credentials("other"), provider.crypto()), None);
        let refusal = write_role_conflict(&asked, &ours, provider.crypto()).expect("it can be written");
        assert_eq!(read_response(&refusal, &ours, provider.crypto()), Some(([7; 12], CheckResult::Refused)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_never_a_check_and_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), like in any::<bool>()) {
            if like && bytes.len() >= 20 {
                bytes[..2].copy_from_slice(&[0, 1]);
                bytes[4..8].copy_from_slice(&MAGIC_COOKIE);
            }
            let provider = rtc_crypto::default_provider().expect("ring is built in");
            local_ufrag_of(&bytes);
            prop_assert_eq!(read_check(&bytes, &credentials("ours"), "theirs", provider.crypto()), None);
            prop_assert_eq!(read_response(&bytes, &credentials("ours"), provider.crypto()), None);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;

    /// A check that does not nominate.
    pub(crate) fn plain_check(
        transaction: Transaction,
        ours: &Credentials,
        theirs: &str,
        crypto: &dyn RTCCrypto,
    ) -> Vec<u8> {
        build(&[
            Box::new(TransactionId(transaction)),
            Box::new(BINDING_REQUEST),
            Box::new(Attribute(ATTR_USERNAME, username(ours, theirs).into_bytes())),
            Box::new(Attribute(ATTR_ICE_CONTROLLING, vec![0; 8])),
            integrity(&ours.password, crypto),
            Box::new(FINGERPRINT),
        ])
        .expect("a check can be written")
    }

    /// A check whose sender believes to be the controlled side.
    pub(crate) fn controlled_check(
        transaction: Transaction,
        ours: &Credentials,
        theirs: &str,
        crypto: &dyn RTCCrypto,
    ) -> Vec<u8> {
        build(&[
            Box::new(TransactionId(transaction)),
            Box::new(BINDING_REQUEST),
            Box::new(Attribute(ATTR_USERNAME, username(ours, theirs).into_bytes())),
            Box::new(Attribute(ATTR_ICE_CONTROLLED, vec![0; 8])),
            integrity(&ours.password, crypto),
            Box::new(FINGERPRINT),
        ])
        .expect("a check can be written")
    }
}
