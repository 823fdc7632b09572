//! The helper's phone: a ticket on the classroom's screen, and the link a phone gets for it.
//!
//! The screen shows a QR code that works for ten minutes; a phone that scans it gets a link of its own, bound to
//! the place. So a photo of the screen that travels through chat groups opens nothing an hour later, each phone can
//! be withdrawn alone, and the local teacher who scanned once comes back with a bookmark.

use crate::{
    HelperId, Identity, PlaceId, RateLimit, Refusal, Timestamp, TokenBucket, UnixMillis, place::clean_name,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// How long a screen's ticket lets phones in.
pub const TICKET_LIFETIME: Duration = Duration::from_mins(10);
/// Tickets of one place that work at a time; a further one ends the oldest.
pub const TICKETS_PER_PLACE: usize = 4;
/// Phones of one place; a further one ends the oldest.
pub const HELPERS_PER_PLACE_MAX: u32 = 8;
/// How long a phone's link works: a school year's half, so that a forgotten phone does not help for ever.
pub const HELPER_LIFETIME: Duration = Duration::from_hours(180 * 24);
/// New tickets of one place: a screen asks anew every ten minutes and whenever it connects.
const TICKETS: RateLimit = RateLimit { burst: 20, refill: Duration::from_secs(10) };

/// The link of one phone. The token in it is not here: only its hash is ever stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperLink {
    /// Its id, by which it is listed and revoked.
    pub id: HelperId,
    /// The place it helps.
    pub place: PlaceId,
    /// What the phone is called in lists, 1 to 200 characters.
    pub label: Option<String>,
    /// When it came in.
    pub created_at: UnixMillis,
    /// From when on it no longer works.
    pub expires_at: UnixMillis,
    /// When it was withdrawn.
    pub revoked_at: Option<UnixMillis>,
}

impl HelperLink {
    /// The link of a phone that came in at `now`. A label that cannot be shown is left out: it only helps to tell
    /// phones apart, and no phone is refused for it.
    pub fn new(id: HelperId, place: PlaceId, label: Option<&str>, now: UnixMillis) -> Self {
        Self {
            id,
            place,
            label: label.and_then(|label| clean_name("label", label).ok()),
            created_at: now,
            expires_at: now.plus(HELPER_LIFETIME),
            revoked_at: None,
        }
    }

    /// Who somebody is who opens this link at `now`.
    ///
    /// # Errors
    /// [`Refusal::InvitationRevoked`], [`Refusal::InvitationExpired`].
    pub fn open(&self, now: UnixMillis) -> Result<Identity, Refusal> {
        if self.revoked_at.is_some() {
            return Err(Refusal::InvitationRevoked);
        }
        if now >= self.expires_at {
            return Err(Refusal::InvitationExpired);
        }
        Ok(Identity::Helper { place: self.place, link: self.id })
    }
}

/// The tickets that screens show now. The secret itself is with the screen; here is its hash.
///
/// full: [`TICKETS_PER_PLACE`] for each place, and there are only so many places.
#[derive(Debug, Default)]
pub struct HelperTickets(BTreeMap<PlaceId, OfPlace>);

#[derive(Debug, Default)]
struct OfPlace {
    opened: VecDeque<(Timestamp, [u8; 32])>,
    limit: TokenBucket,
}

impl HelperTickets {
    /// A screen of `place` shows a new ticket.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`] for a place that asks much more often than a screen needs to.
    pub fn open(&mut self, now: Timestamp, place: PlaceId, secret: [u8; 32]) -> Result<(), Refusal> {
        let of_place = self.0.entry(place).or_default();
        of_place.limit.take(now, TICKETS).map_err(|retry_after| Refusal::RateLimited { retry_after })?;
        if of_place.opened.len() >= TICKETS_PER_PLACE {
            of_place.opened.pop_front();
        }
        of_place.opened.push_back((now, secret));
        Ok(())
    }

    /// The place whose screen shows this ticket. Several phones may use one.
    ///
    /// # Errors
    /// [`Refusal::TicketUnknown`].
    pub fn find(&self, now: Timestamp, secret: &[u8; 32]) -> Result<PlaceId, Refusal> {
        let shown = |&(at, known): &(Timestamp, [u8; 32])| {
            known == *secret && now.saturating_since(at) < TICKET_LIFETIME
        };
        let found = self.0.iter().find(|(_, of_place)| of_place.opened.iter().any(shown));
        found.map(|(place, _)| *place).ok_or(Refusal::TicketUnknown)
    }

    /// The place was deleted, or got a new link: nobody comes in by what its screens show.
    pub fn forget(&mut self, place: PlaceId) {
        self.0.remove(&place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: PlaceId = PlaceId(7);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn phones_come_in_by_what_the_screen_shows_and_not_by_an_old_photo_of_it() {
        let mut tickets = HelperTickets::default();
        tickets.open(at(0), PLACE, [1; 32]).expect("the first");
        assert_eq!(tickets.find(at(599), &[1; 32]), Ok(PLACE));
        assert_eq!(tickets.find(at(600), &[1; 32]), Err(Refusal::TicketUnknown));
        assert_eq!(tickets.find(at(1), &[2; 32]), Err(Refusal::TicketUnknown));
        tickets.open(at(600), PLACE, [3; 32]).expect("the next");
        tickets.forget(PLACE);
        assert_eq!(tickets.find(at(601), &[3; 32]), Err(Refusal::TicketUnknown));
    }

    #[test]
    fn a_screen_that_asks_without_end_costs_nothing() {
        let mut tickets = HelperTickets::default();
        let granted = (0..100u8).filter(|n| tickets.open(at(0), PLACE, [*n; 32]).is_ok()).count();
        assert_eq!(granted, 20);
        let works = (0..100u8).filter(|n| tickets.find(at(0), &[*n; 32]).is_ok()).count();
        assert_eq!(works, TICKETS_PER_PLACE);
    }

    #[test]
    fn a_phone_helps_its_own_place_until_it_is_withdrawn() {
        let now = UnixMillis::clamped(1_000);
        let mut link = HelperLink::new(HelperId(1), PLACE, Some("  "), now);
        assert_eq!(link.label, None);
        assert_eq!(link.open(now), Ok(Identity::Helper { place: PLACE, link: HelperId(1) }));
        assert_eq!(link.open(now.plus(HELPER_LIFETIME)), Err(Refusal::InvitationExpired));
        link.revoked_at = Some(now);
        assert_eq!(link.open(now), Err(Refusal::InvitationRevoked));
    }
}
