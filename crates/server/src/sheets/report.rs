//! Reports as tables.

use domain::UnixMillis;
use signalling::{LessonReport, PeriodReport, PlaceReport};

/// A lesson: one row for each room, then the observers.
pub(crate) fn lesson(report: &LessonReport) -> String {
    let mut rows = vec![
        vec!["Tiết dạy".to_owned(), report.lesson.title.clone()],
        vec!["Bắt đầu".to_owned(), report.lesson.started_at.map(moment).unwrap_or_default()],
        vec!["Thời lượng (phút)".to_owned(), minutes(report.duration_s)],
        vec![
            "Điểm cầu có mặt / được mời".to_owned(),
            format!("{} / {}", report.totals.places_present, report.totals.places_invited),
        ],
        vec!["Người dự giờ".to_owned(), report.totals.observers.to_string()],
        Vec::new(),
    ];
    let heads = [
        "Đơn vị",
        "Điểm cầu",
        "Vào lúc",
        "Ra lúc",
        "Nhận (phút)",
        "Đủ hình, tiếng (phút)",
        "Hình nhỏ (phút)",
        "Trang chiếu và tiếng (phút)",
        "Chỉ âm thanh (phút)",
        "Số lần mất",
        "Mất (phút)",
        "Số lần vào",
        "Đứng hình (lần)",
        "Đứng hình (phút)",
        "Giơ tay",
        "Phát biểu (phút)",
        "Trả lời",
        "Bài làm",
        "Cần hỗ trợ",
    ];
    rows.push(heads.map(str::to_owned).to_vec());
    rows.extend(report.places.iter().map(place));
    rows.push(Vec::new());
    rows.push(vec!["Người dự giờ".to_owned(), "Nhận (phút)".to_owned()]);
    rows.extend(report.observers.iter().map(|observer| {
        vec![
            observer.name.clone().unwrap_or_else(|| "(không ghi tên)".to_owned()),
            minutes(observer.received_s),
        ]
    }));
    super::write(rows)
}

/// A period: totals, lessons, units.
pub(crate) fn period(report: &PeriodReport) -> String {
    let totals = &report.totals;
    let mut rows = vec![
        vec!["Từ".to_owned(), report.from.map(moment).unwrap_or_default()],
        vec!["Đến".to_owned(), report.to.map(moment).unwrap_or_default()],
        vec!["Số tiết".to_owned(), totals.lessons.to_string()],
        vec!["Số điểm cầu".to_owned(), totals.places.to_string()],
        vec!["Số lượt điểm cầu".to_owned(), totals.place_lessons.to_string()],
        vec!["Số lượt người dự giờ".to_owned(), totals.observers.to_string()],
        vec!["Tổng thời gian nhận (phút)".to_owned(), minutes(totals.received_s)],
        Vec::new(),
    ];
    rows.push(
        ["Tiết dạy", "Bắt đầu", "Thời lượng (phút)", "Điểm cầu", "Người dự giờ", "Nhận (phút)"]
            .map(str::to_owned)
            .to_vec(),
    );
    rows.extend(report.lessons.iter().map(|line| {
        vec![
            line.title.clone(),
            line.started_at.map(moment).unwrap_or_default(),
            minutes(line.duration_s),
            line.places.to_string(),
            line.observers.to_string(),
            minutes(line.received_s),
        ]
    }));
    rows.push(Vec::new());
    rows.push(["Cấp", "Đơn vị", "Điểm cầu", "Lượt điểm cầu", "Nhận (phút)"].map(str::to_owned).to_vec());
    rows.extend(report.units.iter().map(|line| {
        vec![
            line.level.clone(),
            line.name.clone(),
            line.places.to_string(),
            line.place_lessons.to_string(),
            minutes(line.received_s),
        ]
    }));
    super::write(rows)
}

fn place(place: &PlaceReport) -> Vec<String> {
    let rungs = |rungs: &[usize]| minutes(rungs.iter().map(|rung| place.rung_s[*rung]).sum());
    vec![
        place.units.join(" / "),
        place.name.clone(),
        place.first_at.map(moment).unwrap_or_default(),
        place.last_at.map(moment).unwrap_or_default(),
        minutes(place.received_s),
        rungs(&[6]),
        rungs(&[5, 4]),
        rungs(&[3, 2]),
        rungs(&[1, 0]),
        place.outages.to_string(),
        minutes(place.outage_s),
        place.joins.to_string(),
        place.freezes.to_string(),
        minutes(place.frozen_s),
        place.hands.to_string(),
        minutes(place.spoke_s),
        place.answers.to_string(),
        place.works.to_string(),
        place.help.to_string(),
    ]
}

fn minutes(seconds: u64) -> String {
    format!("{:.1}", seconds as f64 / 60.0)
}

/// Date and time of day in Vietnam, UTC+7 all year round: `2026-10-18 08:30`.
fn moment(at: UnixMillis) -> String {
    let minutes = (at.get() / 1_000 + 7 * 3_600) / 60;
    let (days, minutes) = (minutes / 1_440, minutes % 1_440);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_a_clock_in_vietnam_shows_it() {
        let told = |millis| moment(UnixMillis::clamped(millis));
        assert_eq!(told(0), "1970-01-01 07:00");
        assert_eq!(told(1_709_226_000_000), "2024-03-01 00:00", "a leap year's February is over");
        assert_eq!(told(1_792_303_200_000), "2026-10-18 13:00");
        assert_eq!(told(253_402_300_799_999), "10000-01-01 06:59");
    }
}
