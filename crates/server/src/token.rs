//! Tokens of links, secrets of sessions and pairings: made here, stored only as hashes.

use domain::{CommentId, HelperId, InvitationId, LessonId, PlaceId, SeatId, UnitId};
use rand::Rng as _;
use sha2::{Digest, Sha256};
use std::fmt;

/// Characters of a token; 5 random bits each make 130.
const TOKEN_LEN: usize = 26;
/// Crockford's base 32 in lower case: no i, l, o, u, so it survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 130 random bits as text. Shown once, to whom it belongs; never logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// A fresh one from the operating system's randomness.
    pub(crate) fn random() -> Self {
        let mut bytes = [0u8; TOKEN_LEN];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
    }

    /// For the one answer or link that hands it over.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

// Written by hand so that no log line can hold it.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token somebody showed. Tokens are uniformly random, so no salt or slow hash is needed.
pub(crate) fn hash(shown: &str) -> [u8; 32] {
    Sha256::digest(shown.as_bytes()).into()
}

/// Whether a text has the shape of a token; for those that pages draw themselves.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == TOKEN_LEN && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// A fresh comment id.
pub(crate) fn comment_id() -> CommentId {
    CommentId(rand::rng().next_u64())
}

/// A fresh invitation id.
pub(crate) fn invitation_id() -> InvitationId {
    InvitationId(rand::rng().next_u64())
}

/// A fresh lesson id.
pub(crate) fn lesson_id() -> LessonId {
    LessonId(rand::rng().next_u64())
}

/// A fresh place id.
pub(crate) fn place_id() -> PlaceId {
    PlaceId(rand::rng().next_u64())
}

/// A fresh unit id.
pub(crate) fn unit_id() -> UnitId {
    UnitId(rand::rng().next_u64())
}

/// A fresh id of a helper's link.
pub(crate) fn helper_id() -> HelperId {
    HelperId(rand::rng().next_u64())
}

/// A fresh seat of an observer.
pub(crate) fn seat_id() -> SeatId {
    SeatId(rand::rng().next_u64())
}

/// 32 random bytes, for a key.
pub(crate) fn key() -> [u8; 32] {
    let mut key = [0; 32];
    rand::rng().fill_bytes(&mut key);
    key
}

/// 32 random bits, for pairing codes.
pub(crate) fn random_bits() -> u32 {
    rand::rng().next_u32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_26_characters_that_never_come_again_and_never_reach_a_log() {
        let (one, other) = (Token::random(), Token::random());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), 26);
        assert!(one.reveal().bytes().all(|symbol| ALPHABET.contains(&symbol)), "{}", one.reveal());
        assert!(!format!("{one:?}").contains(one.reveal()));
        assert_eq!(one.hash(), hash(one.reveal()));
    }
}
