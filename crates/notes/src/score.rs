//! What the scores of a sheet add up to, and what that is called.

use crate::{Form, Points};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The sum of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The sum of all good scores.
    pub total: Points,
    /// The sum of each group, in the form's order.
    pub groups: Vec<Points>,
    /// The greatest sum.
    pub max: Points,
    /// Criteria without a score.
    pub missing: usize,
    /// What the sum is called; `None` while a score is missing or bad, and for a form without ratings.
    pub rank: Option<String>,
    /// Scores that cannot count.
    pub problems: Vec<ScoreProblem>,
}

/// A score that cannot count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreProblem {
    /// Its criterion.
    pub item: String,
    /// Why.
    pub why: ScoreRefusal,
}

/// Why a score cannot count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ScoreRefusal {
    /// Not a whole number of hundredths.
    #[error("a score is a whole number of hundredths of a point")]
    NotANumber,
    /// Below zero.
    #[error("a score is not below 0")]
    Negative,
    /// More than the criterion gives.
    #[error("the score is above the maximum of its criterion")]
    AboveMaximum,
    /// Not in the form's steps.
    #[error("the score is not in the form's steps")]
    OffStep,
    /// The form has no such criterion.
    #[error("the form has no such criterion")]
    UnknownItem,
}

/// Judges one score; `null` is none and always good.
///
/// # Errors
/// [`ScoreRefusal`].
pub fn check_score(form: &Form, item: &str, value: &Value) -> Result<Option<Points>, ScoreRefusal> {
    let item = form.item(item).ok_or(ScoreRefusal::UnknownItem)?;
    if value.is_null() {
        return Ok(None);
    }
    let hundredths = value.as_i64().ok_or(ScoreRefusal::NotANumber)?;
    if hundredths < 0 {
        Err(ScoreRefusal::Negative)
    } else if hundredths > item.max.0 {
        Err(ScoreRefusal::AboveMaximum)
    } else if hundredths % form.step.0 != 0 {
        Err(ScoreRefusal::OffStep)
    } else {
        Ok(Some(Points(hundredths)))
    }
}

/// Adds up the scores of a sheet on its form. A criterion the form does not have is left out without a word: the
/// sheet was on another form before.
pub fn score(form: &Form, scores: &BTreeMap<String, Value>) -> Score {
    let mut problems = Vec::new();
    let mut given = BTreeMap::new();
    for item in form.items() {
        match check_score(form, &item.id, scores.get(&item.id).unwrap_or(&Value::Null)) {
            Ok(None) => {}
            Ok(Some(points)) => drop(given.insert(item.id.as_str(), points)),
            Err(why) => problems.push(ScoreProblem { item: item.id.clone(), why }),
        }
    }
    let of = |id: &str| given.get(id).copied().unwrap_or_default();
    let groups: Vec<Points> =
        form.groups.iter().map(|group| group.items.iter().map(|item| of(&item.id)).sum()).collect();
    let total: Points = groups.iter().copied().sum();
    let missing = form.items().count() - given.len() - problems.len();
    let complete = missing == 0 && problems.is_empty() && form.is_scored();
    let band = form
        .bands
        .iter()
        .find(|band| total >= band.min && band.needs.iter().all(|need| of(&need.item) >= need.min));
    let rank = band.filter(|_| complete).map(|band| band.name.clone());
    Score { total, groups, max: form.max(), missing, rank, problems }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{built_in_forms, form::Need};
    use serde_json::json;

    /// Full points but for the last criteria, which give away `less` hundredths.
    fn with_total(form: &Form, total: i64) -> BTreeMap<String, Value> {
        let mut less = form.max().0 - total;
        let mut scores = BTreeMap::new();
        for item in form.items() {
            let given = less.min(item.max.0);
            less -= given;
            scores.insert(item.id.clone(), json!(item.max.0 - given));
        }
        scores
    }

    #[test]
    fn every_sum_from_nothing_to_everything_has_the_rating_of_the_form() {
        let form = built_in_forms().remove(0);
        for total in (0..=2_000).step_by(25) {
            let found = score(&form, &with_total(&form, total));
            let expected = match total {
                1_800.. => "Giỏi",
                1_350.. => "Khá",
                1_000.. => "Trung bình",
                _ => "Không đạt",
            };
            assert_eq!((found.total, found.rank.as_deref()), (Points(total), Some(expected)));
        }
    }

    #[test]
    fn a_sheet_with_a_gap_has_a_sum_and_no_rating() {
        let form = built_in_forms().remove(0);
        let mut scores = with_total(&form, 1_900);
        scores.remove("c1_1");
        let found = score(&form, &scores);
        assert_eq!((found.missing, found.rank), (1, None));
    }

    #[test]
    fn a_score_above_its_maximum_does_not_count() {
        let form = built_in_forms().remove(0);
        let max = form.items().next().expect("it has criteria").max.0;
        for (value, expected) in [
            (json!(max), Ok(Some(Points(max)))),
            (json!(max + 25), Err(ScoreRefusal::AboveMaximum)),
            (json!(-25), Err(ScoreRefusal::Negative)),
            (json!(10), Err(ScoreRefusal::OffStep)),
            (json!(0.5), Err(ScoreRefusal::NotANumber)),
            (json!("1"), Err(ScoreRefusal::NotANumber)),
            (json!(null), Ok(None)),
        ] {
            assert_eq!(check_score(&form, "c1_1", &value), expected, "{value}");
        }
        let mut scores = with_total(&form, 2_000);
        scores.insert("c1_1".to_owned(), json!(max + 25));
        let found = score(&form, &scores);
        assert_eq!((found.total, found.rank), (Points(2_000 - max), None));
        assert_eq!(found.problems.len(), 1);
    }

    #[test]
    fn a_rating_that_demands_full_points_in_a_criterion_is_not_reached_by_the_sum_alone() {
        let mut form = built_in_forms().remove(0);
        form.bands[0].needs = vec![Need { item: "c1_2".to_owned(), min: Points(200) }];
        let mut scores = with_total(&form, 2_000);
        scores.insert("c1_2".to_owned(), json!(175));
        assert_eq!(score(&form, &scores).rank.as_deref(), Some("Khá"));
    }
}
