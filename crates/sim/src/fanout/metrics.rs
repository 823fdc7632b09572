//! Reads the server's Prometheus text: sums of counters, and quantiles of what a histogram gained between two readings.

use std::collections::BTreeMap;

/// One reading of `/metrics`.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// Sum over all labels, by name.
    sums: BTreeMap<String, f64>,
    /// Cumulative counts by upper bound in microseconds of each histogram's name.
    buckets: BTreeMap<String, BTreeMap<u64, f64>>,
}

impl Reading {
    pub(super) fn parse(text: &str) -> Self {
        let mut reading = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            if let Some(histogram) = name.strip_suffix("_bucket") {
                let bound =
                    labels.split("le=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
                let bound = match bound.parse::<f64>() {
                    Ok(seconds) if seconds.is_finite() => (seconds * 1e6).round() as u64,
                    _ => u64::MAX,
                };
                *reading.buckets.entry(histogram.to_owned()).or_default().entry(bound).or_default() += value;
            } else {
                *reading.sums.entry(name.to_owned()).or_default() += value;
            }
        }
        reading
    }

    /// What a counter gained since `earlier`.
    pub(super) fn gained(&self, earlier: &Self, name: &str) -> f64 {
        let at = |reading: &Self| reading.sums.get(name).copied().unwrap_or_default();
        at(self) - at(earlier)
    }

    /// The `share` quantile, in milliseconds, of what a histogram of seconds gained since `earlier`, spread evenly within a
    /// bucket; `None` when it gained nothing. A value in the endless last bucket counts as its lower bound.
    pub(super) fn quantile_ms(&self, earlier: &Self, name: &str, share: f64) -> Option<f64> {
        let now = self.buckets.get(name)?;
        let gained: Vec<(u64, f64)> = now
            .iter()
            .map(|(&bound, &count)| {
                let before =
                    earlier.buckets.get(name).and_then(|old| old.get(&bound)).copied().unwrap_or_default();
                (bound, count - before)
            })
            .collect();
        let all = gained.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
        let wanted = all * share;
        let at = gained.partition_point(|(_, count)| *count < wanted);
        let (bound, count) = gained.get(at).copied()?;
        let (low, below) = at.checked_sub(1).and_then(|at| gained.get(at)).copied().unwrap_or((0, 0.0));
        if bound == u64::MAX {
            return Some(low as f64 / 1e3);
        }
        let within = if count > below { (wanted - below) / (count - below) } else { 1.0 };
        Some((low as f64 + (bound - low) as f64 * within) / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# HELP x\nsent_total{worker=\"0\"} 10\nsent_total{worker=\"1\"} 5\n\
        wait_seconds_bucket{le=\"0.001\"} 100\nwait_seconds_bucket{le=\"0.004\"} 100\nwait_seconds_bucket{le=\"+Inf\"} 100\n";
    const AFTER: &str = "sent_total{worker=\"0\"} 20\nsent_total{worker=\"1\"} 6\n\
        wait_seconds_bucket{le=\"0.001\"} 150\nwait_seconds_bucket{le=\"0.004\"} 200\nwait_seconds_bucket{le=\"+Inf\"} 200\n";

    #[test]
    fn counters_are_summed_over_workers_and_compared() {
        let (before, after) = (Reading::parse(BEFORE), Reading::parse(AFTER));
        assert!((after.gained(&before, "sent_total") - 11.0).abs() < 1e-9);
        assert!(after.gained(&before, "unknown").abs() < 1e-9);
    }

    #[test]
    fn quantiles_are_of_what_came_between_two_readings() {
        let (before, after) = (Reading::parse(BEFORE), Reading::parse(AFTER));
        assert_eq!(after.quantile_ms(&before, "wait_seconds", 0.5), Some(1.0));
        assert_eq!(after.quantile_ms(&before, "wait_seconds", 0.75), Some(2.5));
        assert_eq!(before.quantile_ms(&before, "wait_seconds", 0.5), None);
    }
}
