//! How often one address may try things.

use crate::{address::ClientAddress, config::LimitsConfig};
use domain::{RateLimit, RateLimiter, Refusal, Timestamp};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Addresses remembered by each limit; about 100 bytes each.
const ADDRESSES_MAX: usize = 50_000;

/// A limit of tries by address.
pub(crate) struct Limit(Mutex<RateLimiter<ClientAddress>>);

impl Limit {
    fn per_minute(tries: u32) -> Self {
        let limit = RateLimit { burst: tries, refill: Duration::from_mins(1) / tries.max(1) };
        Self(Mutex::new(RateLimiter::new(limit, ADDRESSES_MAX)))
    }

    /// Takes one try.
    pub(crate) fn take(&self, now: Timestamp, address: ClientAddress) -> Result<(), Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(now, address)
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
}

impl Limits {
    /// As configured.
    pub(crate) fn new(config: &LimitsConfig) -> Self {
        Self {
            wrong_tries: Limit::per_minute(config.wrong_tries_per_minute),
            pairings: Limit::per_minute(config.pairings_per_minute),
            sessions: Limit::per_minute(config.sessions_per_minute),
        }
    }
}
