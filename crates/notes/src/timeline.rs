//! The shared timeline: rows of many sheets, merged by minute of the lesson.

use crate::{At, SheetView};
use domain::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One row as its readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its sheet.
    pub sheet: String,
    /// Its id within the sheet.
    pub row: String,
    /// *Người dự*, as the writer gave it.
    pub author: String,
    /// *Đơn vị*.
    pub unit: String,
    /// Its moment.
    pub at: Option<At>,
    /// Id of its phase.
    pub phase: Option<String>,
    /// *Hoạt động của GV*.
    pub teacher: String,
    /// *Hoạt động của HS*.
    pub pupils: String,
    /// *Nhận xét*.
    pub remark: String,
    /// Quick tags.
    pub tags: Vec<String>,
    /// Ids of pictures.
    pub pics: Vec<String>,
}

/// The rows of one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineMinute {
    /// Minutes since the lesson went live; negative before, `None` for rows without a moment.
    pub minute: Option<i64>,
    /// Its rows by moment, then by author.
    pub entries: Vec<TimelineEntry>,
}

impl TimelineEntry {
    /// What the readers of a shared sheet see of it: every row its writer did not keep to herself.
    pub fn of_sheet<'a>(sheet: &'a str, view: &'a SheetView) -> impl Iterator<Item = TimelineEntry> + 'a {
        view.rows.iter().filter(|row| !row.private).map(move |row| TimelineEntry {
            sheet: sheet.to_owned(),
            row: row.id.clone(),
            author: view.heading.observer.clone(),
            unit: view.heading.unit.clone(),
            at: row.at,
            phase: row.phase.clone(),
            teacher: row.teacher.clone(),
            pupils: row.pupils.clone(),
            remark: row.remark.clone(),
            tags: row.tags.clone(),
            pics: row.pics.clone(),
        })
    }
}

/// Puts rows into the minutes of a lesson that went live at `started_at`. Every row is in it, once; minutes are in
/// order, rows without a moment last.
pub fn merge_by_minute(
    started_at: UnixMillis,
    entries: impl IntoIterator<Item = TimelineEntry>,
) -> Vec<TimelineMinute> {
    let mut minutes: BTreeMap<(bool, i64), Vec<TimelineEntry>> = BTreeMap::new();
    for entry in entries {
        let minute = entry.at.map(|at| at.ms.saturating_sub(started_at.get()).div_euclid(60_000));
        minutes.entry((minute.is_none(), minute.unwrap_or(0))).or_default().push(entry);
    }
    let mut merged = Vec::with_capacity(minutes.len());
    for ((unknown, minute), mut entries) in minutes {
        entries.sort_by(|one, other| {
            let key = |entry: &TimelineEntry| {
                (entry.at.map(|at| at.ms), entry.author.clone(), entry.sheet.clone(), entry.row.clone())
            };
            key(one).cmp(&key(other))
        });
        merged.push(TimelineMinute { minute: (!unknown).then_some(minute), entries });
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MomentQuality;

    fn entry(author: &str, row: &str, ms: Option<i64>) -> TimelineEntry {
        TimelineEntry {
            sheet: format!("sheet of {author}"),
            row: row.to_owned(),
            author: author.to_owned(),
            unit: "THCS Mèo Vạc".to_owned(),
            at: ms.map(|ms| At { ms, q: MomentQuality::Picture }),
            phase: None,
            teacher: String::new(),
            pupils: "Thảo luận nhóm".to_owned(),
            remark: String::new(),
            tags: Vec::new(),
            pics: Vec::new(),
        }
    }

    #[test]
    fn what_two_observers_saw_in_one_minute_stands_together() {
        let start = UnixMillis::clamped(1_000_000);
        let minutes = merge_by_minute(
            start,
            [
                entry("Lan", "b", Some(1_000_000 + 125_000)),
                entry("Minh", "a", Some(1_000_000 + 121_000)),
                entry("Lan", "a", Some(1_000_000 - 1)),
                entry("Minh", "b", None),
            ],
        );
        let found: Vec<_> = minutes
            .iter()
            .map(|minute| {
                let authors: Vec<_> = minute.entries.iter().map(|entry| entry.author.as_str()).collect();
                (minute.minute, authors)
            })
            .collect();
        assert_eq!(found, [(Some(-1), vec!["Lan"]), (Some(2), vec!["Minh", "Lan"]), (None, vec!["Minh"])]);
    }
}
