//! What a run of classrooms came to, as the last line of output.

use super::reception::Counts;
use serde::Serialize;

/// Quantiles of a set of times.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Quantiles {
    /// Half of them were at most this.
    pub p50: f64,
    /// 95 % of them were at most this.
    pub p95: f64,
    /// The longest.
    pub max: f64,
}

impl Quantiles {
    /// Of `values`, in any order; all zero for none.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let Some(&max) = values.last() else { return Self::default() };
        let at =
            |share: f64| values[((values.len() as f64 * share).ceil() as usize).clamp(1, values.len()) - 1];
        Self { p50: at(0.5), p95: at(0.95), max }
    }
}

/// What became of one classroom.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// From the start of joining to the end of DTLS, ms.
    pub join_ms: Option<f64>,
    /// From the start of joining to the first whole key frame and the first sound, ms.
    pub first_media_ms: Option<f64>,
    /// Why it failed.
    pub failure: Option<String>,
    /// All its streams together.
    pub counts: Counts,
    /// Key frames it asked for.
    pub plis: u64,
}

/// The result of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Classrooms that were connected.
    pub joined: usize,
    /// Classrooms that never were, lost their connection, or saw and heard nothing.
    pub failed: usize,
    /// Start of joining to connected, ms.
    pub join_ms: Quantiles,
    /// Start of joining to the first whole picture and sound, ms.
    pub first_media_ms: Quantiles,
    /// RTP packets that came at their first attempt.
    pub packets: u64,
    /// Packets that were missing and asked for.
    pub lost: u64,
    /// Of those, came after all.
    pub repaired: u64,
    /// Of those, never came.
    pub unrecovered: u64,
    /// Key frames that classrooms asked for.
    pub plis: u64,
    /// RTP bytes received.
    pub bytes: u64,
    /// Reasons of failure and how many failed for each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<(String, usize)>,
}

impl Summary {
    /// Adds up what became of the classrooms.
    pub fn of(records: &[Record]) -> Self {
        let sum = |field: fn(&Record) -> u64| records.iter().map(field).sum();
        let mut failures: Vec<(String, usize)> = Vec::new();
        for failure in records.iter().filter_map(|record| record.failure.as_ref()) {
            match failures.iter_mut().find(|(known, _)| known == failure) {
                Some((_, count)) => *count += 1,
                None => failures.push((failure.clone(), 1)),
            }
        }
        Self {
            joined: records.iter().filter(|record| record.join_ms.is_some()).count(),
            failed: records.iter().filter(|record| record.failure.is_some()).count(),
            join_ms: Quantiles::of(records.iter().filter_map(|record| record.join_ms).collect()),
            first_media_ms: Quantiles::of(
                records.iter().filter_map(|record| record.first_media_ms).collect(),
            ),
            packets: sum(|record| record.counts.packets),
            lost: sum(|record| record.counts.lost),
            repaired: sum(|record| record.counts.repaired),
            unrecovered: sum(|record| record.counts.unrecovered),
            plis: sum(|record| record.plis),
            bytes: sum(|record| record.counts.bytes),
            failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Quantiles::of(values), Quantiles { p50: 100.0, p95: 190.0, max: 200.0 });
        assert_eq!(Quantiles::of(vec![5.0]), Quantiles { p50: 5.0, p95: 5.0, max: 5.0 });
        assert_eq!(Quantiles::of(vec![]), Quantiles::default());
    }
}
