//! `cargo xtask demo`: the whole product on one machine, with links to click.

use crate::{
    api::Api,
    build::{Profile, binaries},
    server::{start_relay, start_sample_lesson},
    tools::root,
};
use anyhow::{Context, Result, bail};
use std::{
    net::{IpAddr, UdpSocket},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the host's place free for a person: no sample lesson is played.
    #[arg(long)]
    own_camera: bool,
    /// Address and port for pages (TCP) and media (UDP).
    #[arg(long, default_value = "0.0.0.0:7443")]
    listen: String,
    /// Where the database lives; a new temporary folder by default.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Stop by itself after this many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Use the quicker development build instead of the release build.
    #[arg(long)]
    dev: bool,
}

/// Runs until Ctrl-C, `--seconds`, or the end of a child process.
pub(crate) fn run(args: &Args) -> Result<()> {
    println!(
        "Đang dựng trang và máy chủ (lần đầu mất vài phút)… · Building pages and server (minutes, the first time)…"
    );
    let binaries = binaries(if args.dev { Profile::Dev } else { Profile::Release })?;
    let stop = Arc::new(AtomicBool::new(false));
    let signalled = Arc::clone(&stop);
    ctrlc::set_handler(move || signalled.store(true, Ordering::SeqCst))
        .context("cannot listen for Ctrl-C")?;

    let scratch;
    let data = if let Some(folder) = &args.data_dir {
        folder.clone()
    } else {
        scratch = tempfile::tempdir()?;
        scratch.path().to_owned()
    };
    let mut relay = start_relay(&binaries, &root(), &data, &args.listen)?;
    let organiser = Api::from_link(&relay.organiser_link)?;
    let lesson = organiser.create_lesson("Toán 11A2 – Phương trình bậc hai", "THPT Đan Phượng")?;
    // A TV or phone cannot open "localhost": classrooms get this machine's own address. The host keeps localhost,
    // because browsers give camera and microphone over plain http only there.
    let for_classrooms = match (args.listen.starts_with("0.0.0.0:"), own_address()) {
        (true, Some(address)) => organiser.at_host(&address.to_string()),
        _ => organiser.at_host("localhost"),
    };
    let places = ["THCS Mèo Vạc · lớp 9A", "THPT Chu Văn An · lớp 11A1", "THCS Thụy An · lớp 9B"]
        .map(|name| for_classrooms.create_place(name).map(|link| (name, link)));
    let host = organiser.invite(&lesson, "host", "Giáo viên dạy")?;
    let observer = organiser.invite(&lesson, "observer", "Người dự giờ")?;
    let mut sample = if args.own_camera {
        None
    } else {
        Some(start_sample_lesson(&binaries, organiser.base(), &lesson, Api::from_link(&host)?.token())?)
    };

    println!("\n  Nhịp Cầu đang chạy · is running\n");
    println!("  Giáo viên dạy   · host        {host}");
    for (number, place) in places.into_iter().enumerate() {
        let (name, link) = place?;
        println!("  TV điểm cầu {}   · classroom   {link}   ({name})", number + 1);
        if number == 0 {
            print_qr(&link)?;
        }
    }
    println!("  Người dự giờ    · observer    {observer}");
    println!("  Người tổ chức   · organiser   {}", relay.organiser_link);
    println!("\n  Mã tiết dạy · lesson id  {lesson}");
    if args.own_camera {
        println!(
            "  Chỗ của giáo viên dạy để trống: mở liên kết đầu tiên. · The host's place is free: open the first link."
        );
    }
    println!("  Dừng: Ctrl-C · Stop: Ctrl-C\n");

    let until = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    while !stop.load(Ordering::SeqCst) && until.is_none_or(|until| Instant::now() < until) {
        if let Some(status) = relay.process.ended() {
            bail!("the relay ended by itself ({status})");
        }
        if let Some(status) = sample.as_mut().and_then(crate::server::Running::ended) {
            bail!("the sample lesson ended by itself ({status})");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The address by which other machines reach this one, if it has a route at all.
fn own_address() -> Option<IpAddr> {
    // Connecting a UDP socket sends nothing; it only asks the system which address it would use.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn print_qr(link: &str) -> Result<()> {
    let code = qrcode::QrCode::new(link)?;
    let drawn = code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build();
    for line in drawn.lines() {
        println!("      {line}");
    }
    Ok(())
}
