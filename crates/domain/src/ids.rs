//! Opaque ids. An id names a thing; it never grants access to it (tokens do).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 13;

/// A text that is not an id: wrong length or a character outside Crockford's base 32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is 13 characters of 0-9 and a-z without i, l, o, u; got {found:?}")]
pub struct ParseIdError {
    found: String,
}

fn write_base32(value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; TEXT_LEN];
    for (place, symbol) in text.iter_mut().rev().enumerate() {
        *symbol = ALPHABET[(value >> (place * 5)) as usize & 31];
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_base32(text: &str) -> Result<u64, ParseIdError> {
    let refuse = || ParseIdError { found: text.chars().take(32).collect() };
    if text.len() != TEXT_LEN {
        return Err(refuse());
    }
    text.bytes().try_fold(0u64, |value, symbol| {
        let digit = ALPHABET.iter().position(|&s| s == symbol).ok_or_else(refuse)? as u64;
        // Thirteen symbols hold 65 bits: the first may only be 0 or 1 sixteenths of the range.
        if value >> 59 != 0 { Err(refuse()) } else { Ok(value << 5 | digit) }
    })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 64 bits, shown as 13 characters of Crockford's base 32 in lower case.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                read_base32(text).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = ParseIdError;
            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

id!(
    /// Names one lesson.
    LessonId
);
id!(
    /// Names one place (*điểm cầu*); permanent across lessons.
    PlaceId
);
id!(
    /// Names one invitation link, so that it can be listed and revoked without knowing its token.
    InvitationId
);
id!(
    /// Names one unit of the hierarchy (Sở, cụm trường, trường …).
    UnitId
);
id!(
    /// Names the link of one helper's phone, so that it can be listed and revoked without knowing its token.
    HelperId
);
id!(
    /// Names one media connection (one ICE/DTLS association) while it lives.
    PeerId
);
id!(
    /// Names one observer's sheet; drawn by her page, so that a sheet can begin without a network.
    SheetId
);
id!(
    /// Names one comment on a row of the shared timeline.
    CommentId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_being_written_and_read() {
        for value in [0, 1, 31, 32, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(LessonId(value).to_string().parse(), Ok(LessonId(value)));
        }
    }

    #[test]
    fn a_mistyped_id_is_refused() {
        for text in ["", "short", "zzzzzzzzzzzzz", "000000000000u", "00000000000000", "ééééééé"] {
            assert!(text.parse::<PlaceId>().is_err(), "{text}");
        }
    }
}
