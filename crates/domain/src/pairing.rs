//! Pairing a TV without a keyboard: it shows six digits, an organiser types them and names the place.
//!
//! ```text
//!            open                    confirm                   finish
//!  (nothing) ────▶ waiting(code) ───────────▶ confirmed(place) ──────▶ (nothing)
//!                     │ 10 min                    │ 10 min
//!                     └──────────▶ (nothing) ◀────┘
//! ```
//!
//! The screen proves that it is the one by a secret only it knows; six digits alone grant nothing. Its
//! place's token is made by the caller between [`Pairings::poll`] saying *paired* and
//! [`Pairings::finish`], so a database that fails in between costs a retry, not the pairing.

use crate::{InvitationId, PlaceId, RateLimit, RateLimiter, Refusal, Timestamp};
use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

/// How long a code can be typed, and a confirmed pairing be fetched.
pub const PAIRING_LIFETIME: Duration = Duration::from_mins(10);

/// How many screens may be waiting at once: more than any opening ceremony has, and few enough that a
/// mistyped code hits another screen less than once in a hundred times even then.
pub const PAIRINGS_MAX: usize = 5_000;

/// Wrong codes one organiser link may type: ten at once, then one every 30 s.
pub const CONFIRM_LIMIT: RateLimit = RateLimit { burst: 10, refill: Duration::from_secs(30) };

/// Six decimal digits shown on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PairingCode(u32);

impl PairingCode {
    /// The code for 32 random bits. (2³² is no multiple of a million; the bias is below 0.03 %.)
    pub fn from_random(bits: u32) -> Self {
        Self(bits % 1_000_000)
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// A text that is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pairing code is six digits")]
pub struct ParseCodeError;

impl FromStr for PairingCode {
    type Err = ParseCodeError;
    /// Reads what a person types: white space, dots and hyphens between the digits do not matter.
    fn from_str(text: &str) -> Result<Self, ParseCodeError> {
        let mut code = Self(0);
        let mut digits = 0;
        for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-')) {
            let digit = c.to_digit(10).ok_or(ParseCodeError)?;
            digits += 1;
            if digits > 6 {
                return Err(ParseCodeError);
            }
            code.0 = code.0 * 10 + digit;
        }
        if digits == 6 { Ok(code) } else { Err(ParseCodeError) }
    }
}

/// Hash of the secret a waiting screen holds, made by the caller (SHA-256).
pub type PairingSecretHash = [u8; 32];

/// What a waiting screen is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// Nobody has typed the code yet.
    Waiting {
        /// How long the code still holds.
        expires_in: Duration,
    },
    /// An organiser says this screen belongs to this place.
    Paired {
        /// Which.
        place: PlaceId,
    },
    /// Never opened, expired or finished: show a new code.
    Unknown,
}

#[derive(Debug)]
struct Pairing {
    code: PairingCode,
    expires_at: Timestamp,
    place: Option<PlaceId>,
}

/// All screens waiting to be paired.
///
/// full: a new screen is refused with `rate_limited` until the oldest code expires; evicting would let
/// a stranger wipe a school's code off its screen.
#[derive(Debug)]
pub struct Pairings {
    capacity: usize,
    by_secret: BTreeMap<PairingSecretHash, Pairing>,
    /// Codes that are waiting; a confirmed code is free for the next screen.
    waiting: BTreeMap<PairingCode, PairingSecretHash>,
    wrong_codes: RateLimiter<InvitationId>,
}

impl Default for Pairings {
    fn default() -> Self {
        Self::new(PAIRINGS_MAX)
    }
}

impl Pairings {
    /// No screens, room for `capacity` (at most 100 000, so that free codes are found at once).
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.min(100_000),
            by_secret: BTreeMap::new(),
            waiting: BTreeMap::new(),
            wrong_codes: RateLimiter::new(CONFIRM_LIMIT, 10_000),
        }
    }

    /// A screen asks for a code. `random` gives 32 fresh random bits per call; it is called until the
    /// code is not on another screen, 32 times at most.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`] when as many screens as we keep are waiting.
    pub fn open(
        &mut self,
        now: Timestamp,
        secret: PairingSecretHash,
        mut random: impl FnMut() -> u32,
    ) -> Result<PairingCode, Refusal> {
        self.expire(now);
        let full = || {
            let first = self.by_secret.values().map(|pairing| pairing.expires_at).min();
            let retry_after = first.map_or(PAIRING_LIFETIME, |expiry| expiry.saturating_since(now));
            Refusal::RateLimited { retry_after }
        };
        if self.by_secret.len() >= self.capacity || self.by_secret.contains_key(&secret) {
            return Err(full());
        }
        let fresh =
            (0..32).map(|_| PairingCode::from_random(random())).find(|code| !self.waiting.contains_key(code));
        let code = fresh.ok_or_else(full)?;
        self.waiting.insert(code, secret);
        self.by_secret.insert(secret, Pairing { code, expires_at: now + PAIRING_LIFETIME, place: None });
        Ok(code)
    }

    /// An organiser says which place the screen showing `code` belongs to.
    ///
    /// # Errors
    /// [`Refusal::CodeUnknown`] for a wrong or expired code, which counts as a try of `organiser`;
    /// [`Refusal::RateLimited`] after too many of those, even if the code is right.
    pub fn confirm(
        &mut self,
        now: Timestamp,
        organiser: InvitationId,
        code: PairingCode,
        place: PlaceId,
    ) -> Result<(), Refusal> {
        self.expire(now);
        self.wrong_codes.check(now, &organiser)?;
        let pairing = self.waiting.remove(&code).and_then(|secret| self.by_secret.get_mut(&secret));
        let Some(pairing) = pairing else {
            self.wrong_codes.take(now, organiser)?;
            return Err(Refusal::CodeUnknown);
        };
        pairing.place = Some(place);
        pairing.expires_at = now + PAIRING_LIFETIME;
        Ok(())
    }

    /// The screen asks how it stands.
    pub fn poll(&mut self, now: Timestamp, secret: &PairingSecretHash) -> Polled {
        self.expire(now);
        match self.by_secret.get(secret) {
            Some(Pairing { place: Some(place), .. }) => Polled::Paired { place: *place },
            Some(pairing) => Polled::Waiting { expires_in: pairing.expires_at.saturating_since(now) },
            None => Polled::Unknown,
        }
    }

    /// The screen has its place's token; the secret is worth nothing from now on.
    pub fn finish(&mut self, secret: &PairingSecretHash) {
        if let Some(pairing) = self.by_secret.remove(secret)
            && pairing.place.is_none()
        {
            self.waiting.remove(&pairing.code);
        }
    }

    /// How many screens are waiting or about to fetch their token.
    pub fn len(&self) -> usize {
        self.by_secret.len()
    }

    /// Whether no screen is waiting.
    pub fn is_empty(&self) -> bool {
        self.by_secret.is_empty()
    }

    fn expire(&mut self, now: Timestamp) {
        let Self { by_secret, waiting, .. } = self;
        by_secret.retain(|_, pairing| {
            let keep = now < pairing.expires_at;
            if !keep && pairing.place.is_none() {
                waiting.remove(&pairing.code);
            }
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORGANISER: InvitationId = InvitationId(1);
    const PLACE: PlaceId = PlaceId(7);
    const NOW: Timestamp = Timestamp::from_millis(5_000);

    fn secret(n: u8) -> PairingSecretHash {
        [n; 32]
    }
    fn code(text: &str) -> PairingCode {
        text.parse().expect("six digits")
    }

    #[test]
    fn a_tv_shows_six_digits_and_becomes_a_place_when_they_are_typed() {
        let mut pairings = Pairings::default();
        let shown = pairings.open(NOW, secret(1), || 4_000_482_913).expect("there is room");
        assert_eq!(shown.to_string(), "482913");
        assert_eq!(pairings.poll(NOW, &secret(1)), Polled::Waiting { expires_in: PAIRING_LIFETIME });
        assert_eq!(pairings.confirm(NOW, ORGANISER, code("482 913"), PLACE), Ok(()));
        assert_eq!(pairings.poll(NOW, &secret(1)), Polled::Paired { place: PLACE });
        pairings.finish(&secret(1));
        assert_eq!(pairings.poll(NOW, &secret(1)), Polled::Unknown);
        assert!(pairings.is_empty());
    }

    #[test]
    fn a_code_can_be_typed_for_ten_minutes_and_only_once() {
        let mut pairings = Pairings::default();
        pairings.open(NOW, secret(1), || 1).expect("there is room");
        pairings.open(NOW, secret(2), || 2).expect("there is room");
        let late = NOW + PAIRING_LIFETIME;
        assert_eq!(pairings.confirm(NOW, ORGANISER, code("000001"), PLACE), Ok(()));
        assert_eq!(pairings.confirm(NOW, ORGANISER, code("000001"), PlaceId(8)), Err(Refusal::CodeUnknown));
        assert_eq!(pairings.confirm(late, ORGANISER, code("000002"), PLACE), Err(Refusal::CodeUnknown));
        assert_eq!(pairings.poll(late, &secret(2)), Polled::Unknown);
    }

    #[test]
    fn two_screens_never_show_the_same_code() {
        let mut pairings = Pairings::default();
        pairings.open(NOW, secret(1), || 5).expect("there is room");
        let mut numbers = [5, 1_000_005, 6].into_iter();
        let second = pairings.open(NOW, secret(2), || numbers.next().expect("three are enough"));
        assert_eq!(second, Ok(code("000006")));
        assert!(
            pairings.open(NOW, secret(3), || 5).is_err(),
            "a random source that repeats is not followed for ever"
        );
    }

    #[test]
    fn guessing_codes_is_stopped_after_ten_wrong_ones() {
        let mut pairings = Pairings::default();
        pairings.open(NOW, secret(1), || 482_913).expect("there is room");
        for guess in 0..10 {
            let guess = PairingCode::from_random(guess);
            assert_eq!(pairings.confirm(NOW, ORGANISER, guess, PLACE), Err(Refusal::CodeUnknown));
        }
        let refused = pairings.confirm(NOW, ORGANISER, code("482913"), PLACE);
        assert_eq!(refused, Err(Refusal::RateLimited { retry_after: CONFIRM_LIMIT.refill }));
        assert_eq!(pairings.confirm(NOW, InvitationId(2), code("482913"), PLACE), Ok(()));
    }

    #[test]
    fn when_too_many_screens_wait_the_next_is_told_when_to_come_back() {
        let mut pairings = Pairings::new(1);
        pairings.open(NOW, secret(1), || 1).expect("there is room");
        let a_minute_on = NOW + Duration::from_mins(1);
        let refused = pairings.open(a_minute_on, secret(2), || 2);
        assert_eq!(refused, Err(Refusal::RateLimited { retry_after: Duration::from_mins(9) }));
        assert!(pairings.open(NOW + PAIRING_LIFETIME, secret(2), || 2).is_ok());
    }

    #[test]
    fn digits_are_read_as_people_type_them() {
        for typed in ["482913", " 482 913 ", "482-913", "482.913"] {
            assert_eq!(typed.parse(), Ok(PairingCode(482_913)), "{typed:?}");
        }
        for typed in ["", "48291", "4829130", "48291a", "٤٨٢٩١٣", "-482913x"] {
            assert_eq!(typed.parse::<PairingCode>(), Err(ParseCodeError), "{typed:?}");
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Open(u8, u32),
        Confirm(u32),
        Poll(u8),
        Finish(u8),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<u8>(), 0..40u32).prop_map(|(secret, bits)| Step::Open(secret, bits)),
            (0..40u32).prop_map(Step::Confirm),
            any::<u8>().prop_map(Step::Poll),
            any::<u8>().prop_map(Step::Finish),
            (0..200u64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_order_no_two_screens_share_a_code_and_memory_is_bounded(
            steps in prop::collection::vec(step(), 0..400),
        ) {
            let mut pairings = Pairings::new(16);
            let mut now = NOW;
            for step in steps {
                match step {
                    Step::Open(n, bits) => drop(pairings.open(now, secret(n), || bits)),
                    Step::Confirm(bits) => {
                        let _ = pairings.confirm(now, ORGANISER, PairingCode::from_random(bits), PLACE);
                    }
                    Step::Poll(n) => drop(pairings.poll(now, &secret(n))),
                    Step::Finish(n) => pairings.finish(&secret(n)),
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                }
                prop_assert!(pairings.by_secret.len() <= 16);
                let unconfirmed = pairings.by_secret.iter().filter(|(_, pairing)| pairing.place.is_none());
                let expected: BTreeMap<_, _> = unconfirmed.map(|(secret, pairing)| (pairing.code, *secret)).collect();
                prop_assert_eq!(&pairings.waiting, &expected);
            }
        }
    }
}
