//! What arrives, by the receiver's own clock.

use domain::Timestamp;

const STEPS: usize = 12;
const STEP_US: u64 = 50_000;
/// Rate over the last moments, and over a little longer.
const SHORT: usize = 5;

/// Bytes in steps of 50 ms of the receiver's clock, over the last 600 ms.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AckedMeter {
    bytes: [u64; STEPS],
    step: u64,
    /// Steps there have been since the last silence, up to [`STEPS`].
    filled: usize,
}

impl AckedMeter {
    pub(crate) fn add(&mut self, received: Timestamp, bytes: u64) {
        let step = received.as_micros() / STEP_US;
        let ahead = step.saturating_sub(self.step);
        for n in 0..ahead.min(STEPS as u64) {
            self.bytes[(step - n) as usize % STEPS] = 0;
        }
        self.filled = if ahead > STEPS as u64 { 1 } else { (self.filled + ahead as usize).min(STEPS) };
        self.step = self.step.max(step);
        self.bytes[self.step as usize % STEPS] += bytes;
    }

    /// `bytes` arrived at unknown times between the arrival before and `received`.
    pub(crate) fn add_until(&mut self, received: Timestamp, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let to = received.as_micros() / STEP_US;
        let steps = to.saturating_sub(self.step).clamp(1, STEPS as u64);
        for n in (0..steps).rev() {
            self.add(Timestamp::from_micros(to.saturating_sub(n) * STEP_US), bytes / steps);
        }
    }

    /// Bits per second over the last 550 ms, or the last 200 ms when fewer came then; 0 before anything came. The step under
    /// way is left out.
    pub(crate) fn bps(&self) -> f64 {
        self.latest_bps().min(self.steady_bps())
    }

    /// The same over the last 200 ms only, once there are as many: what comes out of a link while a queue stands on it. The longer time
    /// would count what was sent before the queue was there.
    pub(crate) fn latest_bps(&self) -> f64 {
        self.over(if self.filled > SHORT { SHORT - 1 } else { STEPS - 1 })
    }

    fn over(&self, steps: usize) -> f64 {
        let steps = steps.min(self.filled.saturating_sub(1));
        let bytes: u64 = (1..=steps as u64).map(|n| self.bytes[(self.step - n) as usize % STEPS]).sum();
        if steps == 0 { 0.0 } else { bytes as f64 * 8e6 / (steps as u64 * STEP_US) as f64 }
    }

    /// The same over the longer time only: steadier.
    pub(crate) fn steady_bps(&self) -> f64 {
        self.over(STEPS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(until_ms: u64, bytes_at: impl Fn(u64) -> u64) -> AckedMeter {
        let mut meter = AckedMeter::default();
        for ms in (0..until_ms).step_by(10) {
            meter.add(Timestamp::from_millis(5_000_000 + ms), bytes_at(ms));
        }
        meter
    }

    #[test]
    fn a_steady_stream_reads_as_its_rate_after_two_steps() {
        assert!((meter(120, |_| 1_250).bps() - 1e6).abs() < 1.0);
        assert!((meter(3_000, |_| 1_250).bps() - 1e6).abs() < 1.0);
    }

    #[test]
    fn a_link_that_collapses_is_seen_within_a_quarter_of_a_second() {
        let collapsed = meter(3_260, |ms| if ms < 3_000 { 2_500 } else { 250 });
        assert!((collapsed.bps() - 2e5).abs() < 1.0, "{}", collapsed.bps());
        assert!(collapsed.steady_bps() > 1e6);
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(AckedMeter::default().bps() < f64::EPSILON);
        let mut late = meter(3_000, |_| 1_250);
        late.add(Timestamp::from_millis(9_000_000), 100);
        assert!(late.bps() < f64::EPSILON, "after a silence one packet is no rate");
    }
}
