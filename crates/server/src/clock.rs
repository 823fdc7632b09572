//! The one place of the HTTP side that reads clocks.

use domain::{Timestamp, UnixMillis};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Monotonic time since the server started, and the wall clock. Copies show the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// For measuring.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::ZERO + self.started.elapsed()
    }

    /// For people.
    pub(crate) fn wall() -> UnixMillis {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        UnixMillis::clamped(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}
