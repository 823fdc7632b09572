//! When something was captured, on the relay's own clock.
//!
//! A sender report names a moment on the host's clock; it reaches the relay a little later, never earlier. The report
//! that came fastest therefore tells best how the two clocks stand to each other; what is left is the fastest way
//! through the host's uplink, the same for everybody who watches.

use crate::{ClockReading, NtpTime};
use domain::Timestamp;

/// Reports looked back on: half a minute at Chromium's pace, so that clocks which run apart by 50 ppm differ by less
/// than 2 ms over them.
const WINDOW: usize = 16;
/// A report this much later than the fastest one was held up, or the host's clock was set back.
const STEP_US: i64 = 1_000_000;
/// A clock that was set stays set; a report that was held up is followed by one that was not.
const STEP_REPORTS: u8 = 3;

/// How one stream's host clock stands to the relay's.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostClock {
    /// The relay's clock minus the host's at each report, microseconds; oldest overwritten first.
    offsets: [i64; WINDOW],
    count: usize,
    generation: u32,
    late: u8,
}

impl HostClock {
    /// Notes a report. A new stream, or a host clock that was set, begins anew.
    pub fn on_reading(&mut self, reading: ClockReading) {
        let offset = relay_micros(reading.arrival) - host_micros(reading.ntp);
        if self.count > 0 && self.generation != reading.generation {
            *self = Self::default();
        }
        self.generation = reading.generation;
        if let Some(fastest) = self.fastest() {
            let is_late = offset - fastest > STEP_US;
            self.late = if is_late { self.late + 1 } else { 0 };
            // Set forward, or set back for good.
            if fastest - offset > STEP_US || self.late >= STEP_REPORTS {
                *self = Self { generation: reading.generation, ..Self::default() };
            } else if is_late {
                return;
            }
        }
        self.offsets[self.count % WINDOW] = offset;
        self.count += 1;
    }

    /// The moment `ntp` of the host's clock on the relay's; `None` before the first report.
    pub fn on_relay(&self, ntp: NtpTime) -> Option<Timestamp> {
        let micros = host_micros(ntp) + self.fastest()?;
        Some(Timestamp::from_micros(u64::try_from(micros).unwrap_or(0)))
    }

    fn fastest(&self) -> Option<i64> {
        self.offsets[..self.count.min(WINDOW)].iter().copied().min()
    }
}

fn host_micros(ntp: NtpTime) -> i64 {
    // 2^64 of 2^-32 s are 4.3e15 µs, well inside an i64.
    ((u128::from(ntp.0) * 1_000_000) >> 32) as i64
}

fn relay_micros(at: Timestamp) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A host whose clock shows `HOST` when the relay's shows zero.
    const HOST: NtpTime = NtpTime(0xea00_0000_0000_0000);

    fn report(sent_ms: u64, delay_ms: u64, set_by_ms: i64) -> ClockReading {
        let shown =
            Duration::from_millis(sent_ms.checked_add_signed(set_by_ms).expect("not before it began"));
        ClockReading {
            generation: 1,
            ntp: HOST.plus(shown),
            rtp: 0,
            arrival: Timestamp::from_millis(sent_ms + delay_ms),
        }
    }

    #[track_caller]
    fn check(clock: &HostClock, shown_ms: u64, expected_ms: u64) {
        let found = clock.on_relay(HOST.plus(Duration::from_millis(shown_ms))).expect("reports came");
        let found = found.as_micros().cast_signed() / 1_000;
        assert!((found - expected_ms.cast_signed()).abs() <= 1, "{found} ms, expected {expected_ms} ms");
    }

    #[test]
    fn the_fastest_report_tells_how_the_clocks_stand() {
        let mut clock = HostClock::default();
        assert_eq!(clock.on_relay(HOST), None);
        for (at, delay) in [(1_000, 250), (2_000, 40), (3_000, 400), (4_000, 41)] {
            clock.on_reading(report(at, delay, 0));
        }
        check(&clock, 5_000, 5_040);
        check(&clock, 500, 540);
    }

    #[test]
    fn one_report_held_up_for_seconds_changes_nothing() {
        let mut clock = HostClock::default();
        clock.on_reading(report(1_000, 40, 0));
        clock.on_reading(report(2_000, 4_000, 0));
        clock.on_reading(report(7_000, 50, 0));
        check(&clock, 8_000, 8_040);
    }

    #[test]
    fn a_host_clock_that_is_set_is_followed_within_three_reports() {
        let mut clock = HostClock::default();
        for at in 1..10 {
            clock.on_reading(report(at * 1_000, 40, 0));
        }
        for at in 10..13 {
            clock.on_reading(report(at * 1_000, 40, -8_000));
        }
        check(&clock, 5_000, 13_040);
        clock.on_reading(report(14_000, 40, 60_000));
        check(&clock, 75_000, 15_040);
    }

    #[test]
    fn another_teachers_computer_has_another_clock() {
        let mut clock = HostClock::default();
        clock.on_reading(report(1_000, 40, 0));
        clock.on_reading(ClockReading { generation: 2, ..report(2_000, 40, 300) });
        check(&clock, 2_300, 2_040);
    }
}
