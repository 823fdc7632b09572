//! How often one address may try things.

use crate::{address::ClientAddress, config::LimitsConfig};
use domain::{PlaceId, RateLimit, RateLimiter, Refusal, Timestamp};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Addresses remembered by each limit; about 100 bytes each.
const ADDRESSES_MAX: usize = 50_000;

/// Measurements of a room's link: a check makes about ten, and may be made again at once.
const CHECKS: RateLimit = RateLimit { burst: 60, refill: Duration::from_secs(5) };

/// A limit of tries by address, or by whatever else somebody can be told apart by.
pub(crate) struct Limit<K = ClientAddress>(Mutex<RateLimiter<K>>);

impl Limit {
    fn per_minute(tries: u32) -> Self {
        let limit = RateLimit { burst: tries, refill: Duration::from_mins(1) / tries.max(1) };
        Self(Mutex::new(RateLimiter::new(limit, ADDRESSES_MAX)))
    }
}

impl<K: Ord> Limit<K> {
    /// Takes one try.
    pub(crate) fn take(&self, now: Timestamp, who: K) -> Result<(), Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(now, who)
    }
}

/// Every limit by address.
pub(crate) struct Limits {
    /// Tokens, pairing secrets and codes that do not exist. Right ones are never counted: a school must not
    /// be locked out by somebody behind the same address.
    pub(crate) wrong_tries: Limit,
    /// Pairing codes asked for.
    pub(crate) pairings: Limit,
    /// Media connections opened.
    pub(crate) sessions: Limit,
    /// Measurements of a room's link.
    pub(crate) checks: Limit<PlaceId>,
}

impl Limits {
    /// As configured.
    pub(crate) fn new(config: &LimitsConfig) -> Self {
        Self {
            wrong_tries: Limit::per_minute(config.wrong_tries_per_minute),
            pairings: Limit::per_minute(config.pairings_per_minute),
            sessions: Limit::per_minute(config.sessions_per_minute),
            checks: Limit(Mutex::new(RateLimiter::new(CHECKS, ADDRESSES_MAX))),
        }
    }
}
