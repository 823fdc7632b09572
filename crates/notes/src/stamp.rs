//! When and where something was written: a hybrid logical clock as text that sorts.
//!
//! A [`Tick`] is wall-clock milliseconds and a counter; it never runs backwards on one replica, whatever its wall
//! clock does (Kulkarni et al., "Logical Physical Clocks", 2014). A [`Stamp`] is a tick and the replica that made it,
//! and is unique. Both are fixed-width ASCII, so that text order is their order in every language and database.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const MILLIS_LEN: usize = 9;
const COUNT_LEN: usize = 4;
const TICK_LEN: usize = MILLIS_LEN + COUNT_LEN;
const REPLICA_LEN: usize = 8;
const RADIX: u64 = 36;
/// The last millisecond nine digits hold, in the year 5188.
const MILLIS_MAX: u64 = RADIX.pow(MILLIS_LEN as u32) - 1;
const COUNT_MAX: u64 = RADIX.pow(COUNT_LEN as u32) - 1;

/// A text that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {len} characters of 0-9 and a-z; got {found:?}")]
pub struct ParseStampError {
    what: &'static str,
    len: usize,
    found: String,
}

fn checked<const LEN: usize>(what: &'static str, text: &str) -> Result<[u8; LEN], ParseStampError> {
    let refuse = || ParseStampError { what, len: LEN, found: text.chars().take(40).collect() };
    let bytes: [u8; LEN] = text.as_bytes().try_into().map_err(|_| refuse())?;
    let good = bytes.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    if good { Ok(bytes) } else { Err(refuse()) }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $len:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $len]);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl FromStr for $name {
            type Err = ParseStampError;
            fn from_str(text: &str) -> Result<Self, ParseStampError> {
                checked($what, text).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = ParseStampError;
            fn try_from(text: String) -> Result<Self, ParseStampError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.as_str().to_owned()
            }
        }
    };
}

text_type!(
    /// One place where a sheet is written: a tab of a browser. It never writes at two moments with one tick.
    ///
    /// Eight characters of 0-9 and a-z, drawn at random by the page.
    Replica,
    REPLICA_LEN,
    "a replica"
);
text_type!(
    /// A moment of a hybrid logical clock: nine base-36 digits of Unix milliseconds, four of a counter.
    Tick,
    TICK_LEN,
    "a tick"
);
text_type!(
    /// A tick and its replica; unique for each thing written.
    Stamp,
    TICK_LEN + REPLICA_LEN,
    "a stamp"
);

impl Tick {
    /// Milliseconds and counter, each pulled to what fits.
    pub fn new(millis: u64, count: u64) -> Self {
        let mut text = [0; TICK_LEN];
        write_base36(millis.min(MILLIS_MAX), &mut text[..MILLIS_LEN]);
        write_base36(count.min(COUNT_MAX), &mut text[MILLIS_LEN..]);
        Self(text)
    }

    /// Unix milliseconds of the wall clock it was made by, or of a later one it had heard of.
    pub fn millis(self) -> u64 {
        read_base36(&self.0[..MILLIS_LEN])
    }

    fn count(self) -> u64 {
        read_base36(&self.0[MILLIS_LEN..])
    }

    /// The next tick after this one.
    fn successor(self) -> Self {
        let count = self.count();
        if count < COUNT_MAX { Self::new(self.millis(), count + 1) } else { Self::new(self.millis() + 1, 0) }
    }

    /// This tick, made by `replica`.
    pub fn by(self, replica: Replica) -> Stamp {
        let mut text = [0; TICK_LEN + REPLICA_LEN];
        text[..TICK_LEN].copy_from_slice(&self.0);
        text[TICK_LEN..].copy_from_slice(&replica.0);
        Stamp(text)
    }
}

impl Stamp {
    /// When.
    pub fn tick(self) -> Tick {
        let mut text = [0; TICK_LEN];
        text.copy_from_slice(&self.0[..TICK_LEN]);
        Tick(text)
    }

    /// Where.
    pub fn replica(self) -> Replica {
        let mut text = [0; REPLICA_LEN];
        text.copy_from_slice(&self.0[TICK_LEN..]);
        Replica(text)
    }
}

/// A replica's clock. Ticks only grow: past its own, past every tick it has heard of, past the wall clock.
#[derive(Debug, Clone, Default)]
pub struct TickClock {
    last: Option<Tick>,
}

impl TickClock {
    /// Notes a tick made elsewhere, or by this replica before a restart.
    pub fn hear(&mut self, tick: Tick) {
        self.last = self.last.max(Some(tick));
    }

    /// A new tick when the wall clock shows `millis` since 1970; a wall clock that jumped back only counts on.
    pub fn tick(&mut self, millis: u64) -> Tick {
        let by_wall = Tick::new(millis, 0);
        let next = self.last.map_or(by_wall, |last| last.successor().max(by_wall));
        self.last = Some(next);
        next
    }
}

fn write_base36(mut value: u64, text: &mut [u8]) {
    for place in text.iter_mut().rev() {
        let digit = (value % RADIX) as u8;
        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        value /= RADIX;
    }
}

fn read_base36(text: &[u8]) -> u64 {
    text.iter().fold(0, |value, &symbol| {
        let digit = if symbol.is_ascii_digit() { symbol - b'0' } else { symbol - b'a' + 10 };
        value * RADIX + u64::from(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_by_a_day_still_ticks_forward() {
        let mut clock = TickClock::default();
        let noon = clock.tick(1_700_000_000_000);
        let after_jump = clock.tick(1_699_900_000_000);
        assert!(after_jump > noon);
        assert_eq!(after_jump.millis(), noon.millis());
        assert!(clock.tick(1_700_000_000_001) > after_jump);
    }

    #[test]
    fn a_tick_heard_from_a_device_in_the_future_is_passed() {
        let mut clock = TickClock::default();
        let future = Tick::new(4_000_000_000_000, 7);
        clock.hear(future);
        assert!(clock.tick(1_700_000_000_000) > future);
    }

    #[test]
    fn text_order_is_the_order_of_time() {
        let mut clock = TickClock::default();
        let ticks: Vec<Tick> = (0..50_000).map(|step| clock.tick(1_000 + step / 40_000)).collect();
        assert!(ticks.windows(2).all(|pair| pair[0] < pair[1] && pair[0].as_str() < pair[1].as_str()));
        let replica: Replica = "a1b2c3d4".parse().expect("eight characters");
        assert_eq!(ticks[7].by(replica).tick(), ticks[7]);
        assert_eq!(ticks[7].by(replica).replica(), replica);
    }

    #[test]
    fn a_mistyped_stamp_is_refused() {
        for text in ["", "short", "0000000000000A1b2c3d4", "ééééééééééé", "0000000000000a1b2c3d45"]
        {
            assert!(text.parse::<Stamp>().is_err(), "{text}");
        }
    }
}
