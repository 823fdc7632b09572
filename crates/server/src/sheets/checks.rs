//! Rehearsal checks as a table, for whoever goes from school to school with a list.

use domain::{CheckResult, CheckVerdict, Fix, Light, Place};

/// One room of the list: its units' names from the top, the room, and what its newest check found.
pub(crate) struct CheckRow<'a> {
    /// The names of its units, joined.
    pub(crate) units: String,
    /// The room.
    pub(crate) place: &'a Place,
    /// Its newest check.
    pub(crate) found: Option<(CheckResult, CheckVerdict)>,
}

/// The list as CSV.
pub(crate) fn export<'a>(rows: impl IntoIterator<Item = CheckRow<'a>>) -> String {
    let heads = [
        "Đơn vị",
        "Phòng",
        "Kết quả",
        "Mức dự kiến",
        "Cần làm",
        "UDP",
        "TCP",
        "Tải về (kbit/s)",
        "Gửi lên (kbit/s)",
        "Trễ (ms)",
        "Mất gói (%)",
        "Nghe được tiếng",
        "Camera",
        "Mic",
    ];
    let heads = heads.map(str::to_owned).to_vec();
    super::write(std::iter::once(heads).chain(rows.into_iter().map(row)))
}

fn row(row: CheckRow<'_>) -> Vec<String> {
    let mut cells = vec![row.units, row.place.name.clone()];
    let Some((result, verdict)) = row.found else {
        cells.push("Chưa kiểm tra".to_owned());
        return cells;
    };
    let yes_no = |answer: Option<bool>| match answer {
        Some(true) => "có".to_owned(),
        Some(false) => "không".to_owned(),
        None => String::new(),
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let fixes: Vec<_> = verdict.fixes.iter().map(|fix| words_of(*fix)).collect();
    cells.extend([
        light(verdict.light).to_owned(),
        verdict.rung.to_string(),
        fixes.join("; "),
        yes_no(result.udp),
        yes_no(result.tcp),
        number(result.down_kbps),
        number(result.up_kbps),
        number(result.rtt_ms),
        result.loss.map(|loss| format!("{:.1}", loss * 100.0)).unwrap_or_default(),
        yes_no(result.sound_heard),
        yes_no(result.camera),
        yes_no(result.microphone),
    ]);
    cells
}

fn light(light: Light) -> &'static str {
    match light {
        Light::Green => "Sẵn sàng",
        Light::Amber => "Dùng được, nên sửa",
        Light::Red => "Chưa sẵn sàng",
    }
}

fn words_of(fix: Fix) -> &'static str {
    match fix {
        Fix::NoWayThrough => "Mạng chặn cả UDP và TCP: xin mở cổng hoặc dùng 4G",
        Fix::OpenUdp => "Xin mở UDP trên tường lửa",
        Fix::FasterLink => "Dùng đường truyền nhanh hơn, ngắt bớt thiết bị khác",
        Fix::SteadierLink => "Cắm dây mạng, lại gần Wi-Fi hoặc dùng 4G",
        Fix::UseComputer => "TV không giải mã được hình: nối máy tính qua HDMI",
        Fix::SmallPicture => "Chỉ xem được hình nhỏ: nên nối máy tính qua HDMI",
        Fix::CheckSpeaker => "Kiểm tra loa, dây và âm lượng",
        Fix::ConfirmSound => "Bấm xác nhận khi nghe thấy tiếng thử",
        Fix::AllowCamera => "Cho phép camera và mic, hoặc dùng điện thoại",
        Fix::SpeakWithoutPicture => "Đường gửi lên yếu: phát biểu chỉ có tiếng",
    }
}
