//! Wall-clock time: for schedules and records, never for measuring.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Milliseconds since the Unix epoch, UTC; from 1970 to the end of the year 9999.
///
/// Wall clocks jump (a mini-PC with an empty battery starts in 1970), so durations are measured with
/// [`crate::Timestamp`] and this type only says *when* to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct UnixMillis(i64);

/// A number of milliseconds outside the years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is between 0 and {MAX} ms since 1970; got {found}", MAX = UnixMillis::MAX.0)]
pub struct OutsideCalendar {
    found: i64,
}

impl UnixMillis {
    /// 9999-12-31T23:59:59.999Z: also well inside what a JavaScript number holds exactly.
    pub const MAX: UnixMillis = UnixMillis(253_402_300_799_999);

    /// From milliseconds since the epoch; out-of-calendar values are pulled to the nearest end.
    pub const fn clamped(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since the epoch.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// `span` later; stops at [`UnixMillis::MAX`].
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self::clamped(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `span` earlier; stops at 1970.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self::clamped(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl TryFrom<i64> for UnixMillis {
    type Error = OutsideCalendar;
    fn try_from(millis: i64) -> Result<Self, OutsideCalendar> {
        if (0..=Self::MAX.0).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(OutsideCalendar { found: millis })
        }
    }
}

impl From<UnixMillis> for i64 {
    fn from(time: UnixMillis) -> i64 {
        time.0
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
