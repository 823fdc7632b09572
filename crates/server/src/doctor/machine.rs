//! The machine itself: disk, database, clock, limits of the system, programs.

use super::Finding;
use crate::{app::database, config::Config};
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};
use store::{Store, StoreError};
use tokio::{process::Command, time::timeout};

/// Below this a lesson's log or a backup may end half-way; below the second it soon will.
const DISK_LEAST: u64 = 200 << 20;
const DISK_GOOD: u64 = 2 << 30;
/// December 2025, when this program was begun: an earlier clock is wrong.
const WRITTEN: Duration = Duration::from_hours(24 * 20_423);
/// Descriptors besides those of connections.
const OWN_FILES: u64 = 256;
/// How long another program may take to say something about itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Data folder, free disk, database.
pub(super) async fn storage(config: &Config) -> Vec<Finding> {
    let folder = &config.data_dir;
    let shown = folder.display();
    if let Err(error) = try_writing(folder) {
        let fix = (
            format!(
                "Tạo thư mục và cho người dùng chạy nhipcau quyền ghi: mkdir -p {shown} && chown nhipcau {shown}; hoặc đổi data_dir."
            ),
            format!(
                "Make the folder and let the user that runs nhipcau write it: mkdir -p {shown} && chown nhipcau {shown}; or change data_dir."
            ),
        );
        return vec![
            Finding::fault(
                "data_dir",
                format!("Không ghi được vào thư mục dữ liệu {shown} ({error})."),
                format!("The data folder {shown} cannot be written ({error})."),
            )
            .fix(fix.0, fix.1),
        ];
    }
    let mut findings = vec![Finding::good(
        "data_dir",
        format!("Ghi được vào thư mục dữ liệu {shown}."),
        format!("The data folder {shown} can be written."),
    )];
    findings.extend(statvfs(existing(folder)).ok().map(|disk| room(disk.f_bavail * disk.f_frsize)));
    let file = database(config);
    if file.exists() {
        findings.push(database_health(&file, Store::examine(&file).await));
    }
    findings
}

/// The nearest folder above that exists.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."))
}

/// Whether files can be made there; leaves nothing behind that was not there.
fn try_writing(folder: &Path) -> std::io::Result<()> {
    // A folder that does not exist will be made by the server, if its parent lets it.
    let probe: PathBuf = existing(folder).join(format!(".nhipcau-doctor-{}", std::process::id()));
    fs::write(&probe, "?").and_then(|()| fs::remove_file(&probe))
}

fn room(bytes: u64) -> Finding {
    let mib = bytes >> 20;
    let words = (format!("Đĩa còn trống {mib} MiB."), format!("{mib} MiB are free on the disk."));
    let fix = (
        "Dọn đĩa: nhật ký cũ, bản sao lưu cũ; hoặc chuyển data_dir sang đĩa khác.",
        "Free some: old logs, old backups; or move data_dir to another disk.",
    );
    if bytes < DISK_LEAST {
        Finding::fault("disk", words.0, words.1).fix(fix.0, fix.1)
    } else if bytes < DISK_GOOD {
        Finding::warning("disk", words.0, words.1).fix(fix.0, fix.1)
    } else {
        Finding::good("disk", words.0, words.1)
    }
}

fn database_health(file: &Path, health: Result<(), StoreError>) -> Finding {
    let shown = file.display();
    let Err(error) = health else {
        return Finding::good(
            "database",
            format!("Cơ sở dữ liệu {shown} còn nguyên vẹn."),
            format!("The database {shown} is whole."),
        );
    };
    let fix = match error {
        StoreError::FromNewerVersion { .. } => {
            ("Cài lại phiên bản nhipcau mới hơn đã ghi tệp này.", "Install the newer nhipcau that wrote it.")
        }
        StoreError::CannotOpen { .. } | StoreError::ReadOnly { .. } => (
            "Cho người dùng chạy nhipcau quyền đọc và ghi tệp.",
            "Let the user that runs nhipcau read and write the file.",
        ),
        _ => (
            "Khôi phục bản sao lưu gần nhất (nhipcau restore), hoặc chuyển tệp đi chỗ khác để bắt đầu lại từ đầu.",
            "Restore the latest backup (nhipcau restore), or move the file away to start empty.",
        ),
    };
    Finding::fault(
        "database",
        format!("Cơ sở dữ liệu có vấn đề: {error}."),
        format!("The database: {error}."),
    )
    .fix(fix.0, fix.1)
}

/// Whether it is later than this program, and whether something keeps the clock right.
pub(super) async fn clock(now: SystemTime) -> Finding {
    let fix = (
        "Bật đồng bộ giờ: timedatectl set-ntp true; máy không có internet thì đặt giờ bằng tay: date -s '2026-09-05 08:00'.",
        "Let the clock be kept right: timedatectl set-ntp true; without internet set it by hand: date -s '2026-09-05 08:00'.",
    );
    if now < SystemTime::UNIX_EPOCH + WRITTEN {
        return Finding::fault(
            "clock",
            "Đồng hồ máy sai: ngày giờ ở quá khứ, nên không chứng chỉ nào có hiệu lực.",
            "The clock is wrong: it shows a day long past, when no certificate was valid yet.",
        )
        .fix(fix.0, fix.1);
    }
    let mut asked = Command::new("timedatectl");
    asked.args(["show", "--property=NTPSynchronized", "--value"]).stdin(Stdio::null()).kill_on_drop(true);
    match timeout(PATIENCE, asked.output()).await {
        Ok(Ok(said)) if said.stdout.starts_with(b"no") => Finding::warning(
            "clock",
            "Đồng hồ máy không được đồng bộ; nó sẽ lệch dần.",
            "Nothing keeps the clock right; it will drift.",
        )
        .fix(fix.0, fix.1),
        _ => Finding::good("clock", "Đồng hồ máy hợp lý.", "The clock is plausible."),
    }
}

/// What the system allows: open files, socket buffers, congestion control.
pub(super) fn kernel(config: &Config) -> Vec<Finding> {
    vec![files(config), buffers(config), congestion()]
}

fn files(config: &Config) -> Finding {
    // The server raises its own soft limit to the hard one at its start.
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let wanted = config.media.peers_max as u64 + config.limits.pages_per_lesson as u64 + OWN_FILES;
    let words = (
        format!("Giới hạn tệp mở: {most} (nên có từ {wanted})."),
        format!("Open files are limited to {most} ({wanted} or more are wanted)."),
    );
    let fix = (
        format!("Đặt LimitNOFILE={wanted} trong tệp dịch vụ systemd, hoặc ulimit -n {wanted}."),
        format!("Set LimitNOFILE={wanted} in the systemd unit, or ulimit -n {wanted}."),
    );
    if most < OWN_FILES * 2 {
        Finding::fault("files", words.0, words.1).fix(fix.0, fix.1)
    } else if most < wanted {
        Finding::warning("files", words.0, words.1).fix(fix.0, fix.1)
    } else {
        Finding::good("files", words.0, words.1)
    }
}

fn buffers(config: &Config) -> Finding {
    let wanted = config.media.socket_buffer_kib as u64 * 1024;
    let given = ["rmem_max", "wmem_max"].map(|name| {
        let text = fs::read_to_string(format!("/proc/sys/net/core/{name}"));
        text.ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(u64::MAX)
    });
    if given.iter().all(|given| *given >= wanted) {
        return Finding::good(
            "buffers",
            "Bộ đệm socket đủ lớn như media.socket_buffer_kib yêu cầu.",
            "Socket buffers may be as large as media.socket_buffer_kib asks.",
        );
    }
    let line = format!("net.core.rmem_max={wanted} net.core.wmem_max={wanted}");
    Finding::warning(
        "buffers",
        format!(
            "Hệ điều hành chỉ cho bộ đệm socket {} và {} byte; lớp đông có thể bị rớt gói khi máy bận.",
            given[0], given[1]
        ),
        format!(
            "The system allows socket buffers of {} and {} bytes only; a busy machine may drop packets of a big lesson.",
            given[0], given[1]
        ),
    )
    .fix(
        format!("sysctl -w {line}; ghi vào /etc/sysctl.d/nhipcau.conf để giữ sau khi khởi động lại."),
        format!("sysctl -w {line}; and into /etc/sysctl.d/nhipcau.conf, to keep it over restarts."),
    )
}

fn congestion() -> Finding {
    let known = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap_or_default();
    if known.split_whitespace().any(|name| name == "bbr") {
        return Finding::good("bbr", "Có BBR cho các đường TCP.", "BBR is there for TCP connections.");
    }
    Finding::warning(
        "bbr",
        "Nhân hệ điều hành không có BBR: điểm cầu đi qua TCP trên mạng mất gói sẽ mờ hơn.",
        "The kernel has no BBR: places that come over TCP on a lossy link get a poorer picture.",
    )
    .fix(
        "modprobe tcp_bbr; ghi tcp_bbr vào /etc/modules-load.d/nhipcau.conf.",
        "modprobe tcp_bbr; and write tcp_bbr into /etc/modules-load.d/nhipcau.conf.",
    )
}

/// The program named for AAC, if any.
pub(super) async fn ffmpeg(config: &Config) -> Option<Finding> {
    let program = &config.segments.ffmpeg;
    if program.as_os_str().is_empty() {
        return None;
    }
    let shown = program.display();
    let mut asked = Command::new(program);
    asked.args(["-hide_banner", "-encoders"]).stdin(Stdio::null()).kill_on_drop(true);
    let fix = (
        "Cài ffmpeg (apt install ffmpeg) và ghi đúng đường dẫn vào segments.ffmpeg, hoặc để \"\" nếu không cần.",
        "Install ffmpeg (apt install ffmpeg) and name it in segments.ffmpeg, or leave that \"\" if it is not needed.",
    );
    let said = match timeout(PATIENCE, asked.output()).await {
        Ok(Ok(output)) => output.stdout,
        Ok(Err(error)) => {
            return Some(
                Finding::fault(
                    "ffmpeg",
                    format!("Không chạy được {shown} ({error}); TV chỉ có HLS sẽ không có tiếng."),
                    format!("{shown} cannot be run ({error}); TVs that only know HLS stay without sound."),
                )
                .fix(fix.0, fix.1),
            );
        }
        Err(_) => Vec::new(),
    };
    let has_aac =
        String::from_utf8_lossy(&said).lines().any(|line| line.split_whitespace().nth(1) == Some("aac"));
    Some(if has_aac {
        Finding::good(
            "ffmpeg",
            format!("{shown} có bộ mã hóa AAC cho TV cũ."),
            format!("{shown} has the AAC encoder for old TVs."),
        )
    } else {
        Finding::fault(
            "ffmpeg",
            format!("{shown} không nêu bộ mã hóa AAC; TV chỉ có HLS sẽ không có tiếng."),
            format!("{shown} names no AAC encoder; TVs that only know HLS stay without sound."),
        )
        .fix(fix.0, fix.1)
    })
}
