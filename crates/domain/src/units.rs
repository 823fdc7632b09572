//! Units in types, so that a kilobit cannot meet a byte.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

/// Bits per second.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Nothing at all.
    pub const ZERO: Bitrate = Bitrate(0);

    /// From bits per second.
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// From kilobits (1000 bits) per second.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps * 1_000)
    }

    /// As bits per second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// As kilobits per second, rounded down.
    pub const fn as_kbps(self) -> u64 {
        self.0 / 1_000
    }

    /// The rate of `bytes` sent over `span`; zero for an empty span.
    pub fn of(bytes: u64, span: Duration) -> Self {
        Self((u128::from(bytes) * 8_000_000).checked_div(span.as_micros()).unwrap_or(0) as u64)
    }

    /// Bytes this rate carries in `span`.
    pub fn bytes_in(self, span: Duration) -> u64 {
        (u128::from(self.0) * span.as_micros() / 8_000_000) as u64
    }

    /// How long `bytes` take at this rate.
    pub fn time_for(self, bytes: u64) -> Duration {
        Duration::from_micros(
            u64::try_from(u128::from(bytes) * 8_000_000 / u128::from(self.0.max(1))).unwrap_or(u64::MAX),
        )
    }

    /// This rate times `factor` (not negative).
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor.max(0.0)) as u64)
    }
}

impl Add for Bitrate {
    type Output = Bitrate;
    fn add(self, other: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_add(other.0))
    }
}

impl Sub for Bitrate {
    type Output = Bitrate;
    /// Saturates at zero.
    fn sub(self, other: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.as_kbps())
    }
}

impl fmt::Debug for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
