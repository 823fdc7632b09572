//! Monotonic time as a number, so that pure crates can be driven by a virtual clock.

use std::{
    ops::{Add, AddAssign, Sub},
    time::Duration,
};

/// Microseconds since the process (or the simulation) began. Never wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The beginning.
    pub const ZERO: Timestamp = Timestamp(0);

    /// A time given in microseconds since the beginning.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A time given in milliseconds since the beginning.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// Microseconds since the beginning.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    pub const fn saturating_since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Time passed since the beginning.
    pub const fn since_start(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, later: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(later.as_micros().try_into().unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, later: Duration) {
        *self = *self + later;
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Timestamp;
    /// Saturates at [`Timestamp::ZERO`].
    fn sub(self, earlier: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(earlier.as_micros().try_into().unwrap_or(u64::MAX)))
    }
}
