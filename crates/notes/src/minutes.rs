//! *Biên bản sinh hoạt chuyên môn*: the minutes of the talk after the lesson, drafted from what was shared.

use crate::SheetView;
use domain::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The fields of the minutes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Minutes {
    /// *Thời gian*.
    pub time: String,
    /// *Địa điểm*.
    pub place: String,
    /// *Thành phần*.
    pub present: String,
    /// *Chủ trì*.
    pub chair: String,
    /// *Thư ký*.
    pub secretary: String,
    /// *Tiết dự*.
    pub lesson: String,
    /// *Ưu điểm*.
    pub strengths: String,
    /// *Tồn tại*.
    pub shortcomings: String,
    /// *Đề xuất*.
    pub proposals: String,
    /// *Kết luận*.
    pub conclusion: String,
}

/// What is known of the lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinutesFacts<'a> {
    /// Its title.
    pub title: &'a str,
    /// *Điểm cầu chính*.
    pub host_place: Option<&'a str>,
    /// When it went live.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
}

impl Minutes {
    /// Bytes of all fields at most.
    pub const BYTES_MAX: usize = 48 * 1024;

    /// Bytes of all fields.
    pub fn bytes(&self) -> usize {
        [
            &self.time,
            &self.place,
            &self.present,
            &self.chair,
            &self.secretary,
            &self.lesson,
            &self.strengths,
            &self.shortcomings,
            &self.proposals,
            &self.conclusion,
        ]
        .iter()
        .map(|field| field.len())
        .sum()
    }
}

/// A first version from the closing words of the shared sheets. What several observers wrote alike comes once; who
/// chairs and what is concluded is for people to write.
pub fn draft_minutes(facts: &MinutesFacts<'_>, sheets: &[SheetView]) -> Minutes {
    let mut present = BTreeSet::new();
    for sheet in sheets {
        let (name, unit) = (sheet.heading.observer.trim(), sheet.heading.unit.trim());
        if !name.is_empty() {
            present.insert(if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit})") });
        }
    }
    let heading = |read: fn(&SheetView) -> &String| {
        sheets.iter().map(read).find(|text| !text.trim().is_empty()).map(|text| text.trim().to_owned())
    };
    let lesson = [
        Some(facts.title.to_owned()),
        heading(|sheet| &sheet.heading.subject).map(|text| format!("môn {text}")),
        heading(|sheet| &sheet.heading.class).map(|text| format!("lớp {text}")),
        heading(|sheet| &sheet.heading.teacher).map(|text| format!("giáo viên dạy: {text}")),
    ];
    Minutes {
        time: time_words(facts.started_at, facts.ended_at),
        place: facts.host_place.unwrap_or_default().to_owned(),
        present: present.into_iter().collect::<Vec<_>>().join("; "),
        chair: String::new(),
        secretary: String::new(),
        lesson: lesson.into_iter().flatten().collect::<Vec<_>>().join(", "),
        strengths: gather(sheets, |sheet| &sheet.closing.strengths),
        shortcomings: gather(sheets, |sheet| &sheet.closing.limits),
        proposals: gather(sheets, |sheet| &sheet.closing.advice),
        conclusion: String::new(),
    }
}

/// One line for each thing said, with who said it.
fn gather(sheets: &[SheetView], read: fn(&SheetView) -> &String) -> String {
    let mut said: Vec<(String, String, Vec<&str>)> = Vec::new();
    for sheet in sheets {
        let author = sheet.heading.observer.trim();
        for line in read(sheet).lines() {
            let line = line.trim().trim_start_matches(['-', '–', '•', '+', '*']).trim();
            if line.is_empty() {
                continue;
            }
            let alike = line.trim_end_matches('.').to_lowercase();
            match said.iter_mut().find(|(known, _, _)| *known == alike) {
                Some((_, _, authors)) if authors.contains(&author) => {}
                Some((_, _, authors)) => authors.push(author),
                None => said.push((alike, line.to_owned(), vec![author])),
            }
        }
    }
    let line = |(_, line, authors): &(String, String, Vec<&str>)| {
        let authors: Vec<&str> = authors.iter().copied().filter(|author| !author.is_empty()).collect();
        if authors.is_empty() {
            format!("– {line}")
        } else {
            format!("– {line} ({})", authors.join(", "))
        }
    };
    said.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `07 giờ 30 – 08 giờ 15, ngày 12/10/2026`, in Vietnam's time, which knows no summer time.
fn time_words(started_at: Option<UnixMillis>, ended_at: Option<UnixMillis>) -> String {
    let Some(start) = started_at else { return String::new() };
    let (date, from) = local(start);
    let clock = |(hour, minute): (i64, i64)| format!("{hour:02} giờ {minute:02}");
    let until = ended_at.map(|end| format!(" – {}", clock(local(end).1))).unwrap_or_default();
    let (year, month, day) = date;
    format!("{}{until}, ngày {day:02}/{month:02}/{year}", clock(from))
}

/// Date and time of day at UTC+7. The date by Howard Hinnant's `civil_from_days`.
fn local(at: UnixMillis) -> ((i64, i64, i64), (i64, i64)) {
    let minutes = (at.get() + 7 * 3_600_000).div_euclid(60_000);
    let (days, minute_of_day) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    ((year, month, day), (minute_of_day / 60, minute_of_day % 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Closing, Heading};

    fn sheet(observer: &str, strengths: &str) -> SheetView {
        SheetView {
            heading: Heading {
                observer: observer.to_owned(),
                unit: "THCS Mèo Vạc".to_owned(),
                class: "11A2".to_owned(),
                ..Heading::default()
            },
            closing: Closing { strengths: strengths.to_owned(), ..Closing::default() },
            ..SheetView::default()
        }
    }

    #[test]
    fn the_draft_gathers_what_was_said_and_who_said_it() {
        let facts = MinutesFacts {
            title: "Phương trình bậc hai",
            host_place: Some("THPT Đan Phượng"),
            started_at: Some(UnixMillis::clamped(1_791_765_000_000)),
            ended_at: Some(UnixMillis::clamped(1_791_765_000_000 + 45 * 60_000)),
        };
        let sheets = [
            sheet("Cô Lan", "- Câu hỏi gợi mở tốt.\n- Bao quát lớp"),
            sheet("Thầy Minh", "Câu hỏi gợi mở tốt"),
        ];
        let draft = draft_minutes(&facts, &sheets);
        assert_eq!(draft.strengths, "– Câu hỏi gợi mở tốt. (Cô Lan, Thầy Minh)\n– Bao quát lớp (Cô Lan)");
        assert_eq!(draft.present, "Cô Lan (THCS Mèo Vạc); Thầy Minh (THCS Mèo Vạc)");
        assert_eq!(draft.time, "07 giờ 30 – 08 giờ 15, ngày 12/10/2026");
        assert_eq!(draft.lesson, "Phương trình bậc hai, lớp 11A2");
        assert_eq!((draft.conclusion.as_str(), draft.place.as_str()), ("", "THPT Đan Phượng"));
    }

    #[test]
    fn a_leap_day_is_a_day() {
        assert_eq!(local(UnixMillis::clamped(1_709_226_000_000 - 7 * 3_600_000)).0, (2024, 2, 29));
        assert_eq!(local(UnixMillis::clamped(0)), ((1970, 1, 1), (7, 0)));
    }
}
