//! Observers' seats: what a page shows to come back as the same person, also into a locked lesson.
//!
//! A seat names a lesson, a link, a random number and the time it was given, under a key of this server. Nothing is
//! stored for it: a lesson that was locked at 9:10 lets in whoever holds a seat from before, and a link that leaked at 9:15
//! brings none.

use data_encoding::BASE64URL_NOPAD;
use domain::{InvitationId, LessonId, SeatId, UnixMillis};
use ring::hmac;
use std::fmt;

/// Bytes of a seat: number, time, and half of the SHA-256 tag (128 bits are plenty for a link that is guessed online).
const LEN: usize = 8 + 8 + TAG_LEN;
const TAG_LEN: usize = 16;

/// A seat that was shown, or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Who it is.
    pub(crate) id: SeatId,
    /// When it was given.
    pub(crate) given_at: UnixMillis,
}

/// The key of this server's seats.
pub(crate) struct SeatKey(hmac::Key);

impl SeatKey {
    /// From 32 random bytes.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A seat as text, for the page to keep.
    pub(crate) fn seal(&self, seat: Seat, lesson: LessonId, link: InvitationId) -> String {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend(seat.id.0.to_be_bytes());
        bytes.extend(seat.given_at.get().to_be_bytes());
        let tag = hmac::sign(&self.0, &signed(&bytes, lesson, link));
        bytes.extend(&tag.as_ref()[..TAG_LEN]);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// The seat in a text, if this server gave it for this lesson and link.
    pub(crate) fn open(&self, text: &str, lesson: LessonId, link: InvitationId) -> Option<Seat> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == LEN)?;
        let (stated, tag) = bytes.split_at(LEN - TAG_LEN);
        let expected = hmac::sign(&self.0, &signed(stated, lesson, link));
        // Compared without telling how much of it is right.
        let differs = expected.as_ref().iter().zip(tag).fold(0u8, |differs, (a, b)| differs | (a ^ b));
        if differs != 0 {
            return None;
        }
        let (id, given_at) = stated.split_at(8);
        Some(Seat {
            id: SeatId(u64::from_be_bytes(id.try_into().ok()?)),
            given_at: UnixMillis::clamped(i64::from_be_bytes(given_at.try_into().ok()?)),
        })
    }
}

impl fmt::Debug for SeatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeatKey(…)")
    }
}

fn signed(stated: &[u8], lesson: LessonId, link: InvitationId) -> Vec<u8> {
    let mut message = stated.to_vec();
    message.extend(lesson.0.to_be_bytes());
    message.extend(link.0.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_good_for_its_own_lesson_and_link_and_cannot_be_made_up() {
        let key = SeatKey::new(&[7; 32]);
        let seat = Seat { id: SeatId(42), given_at: UnixMillis::clamped(1_792_303_200_000) };
        let text = key.seal(seat, LessonId(1), InvitationId(2));
        assert_eq!(key.open(&text, LessonId(1), InvitationId(2)), Some(seat));
        assert_eq!(key.open(&text, LessonId(3), InvitationId(2)), None);
        assert_eq!(key.open(&text, LessonId(1), InvitationId(3)), None);
        assert_eq!(SeatKey::new(&[8; 32]).open(&text, LessonId(1), InvitationId(2)), None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("ASCII");
            assert_eq!(key.open(&forged, LessonId(1), InvitationId(2)), None, "character {at}");
        }
        for text in ["", "====", "ấ", &"A".repeat(1_000)] {
            assert_eq!(key.open(text, LessonId(1), InvitationId(2)), None);
        }
    }
}
