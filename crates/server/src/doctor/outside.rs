//! The server as another machine finds it: every way a classroom would take, one after the other.

use super::{Finding, Report, Verdict, client::Client, reach};
use anyhow::Context as _;
use axum::http::{StatusCode, Uri, header};
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::net::{UdpSocket, lookup_host};
use tokio_rustls::rustls::{
    CertificateError, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Clocks further apart than this make programme times and certificates go wrong.
const SKEW_MAX: Duration = Duration::from_mins(2);

/// What is asked of a second machine.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The server, as its links begin: `https://cau.example.vn`.
    pub url: String,
    /// Port of picture and sound, when it is another one than the URL's (behind a reverse proxy).
    pub media_port: Option<u16>,
    /// A root certificate to trust besides the system's, PEM or DER (what the page `/chung-chi` gives).
    pub root: Option<PathBuf>,
    /// How long each step may take.
    pub patience: Duration,
}

/// Tries every way to the server.
///
/// # Errors
/// When the address is none, or there is no root certificate in the file that should hold one.
pub async fn outside(asked: &Outside, now: impl Fn() -> SystemTime) -> anyhow::Result<Report> {
    let uri: Uri = asked.url.parse()?;
    let is_encrypted = uri.scheme_str() == Some("https");
    let host = uri.host().map(|host| host.trim_matches(['[', ']']).to_owned());
    let (Some(host), true) = (host, is_encrypted || uri.scheme_str() == Some("http")) else {
        anyhow::bail!("{} is no address such as https://cau.example.vn", asked.url);
    };
    let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
    let roots = match &asked.root {
        Some(file) => certificates(file).with_context(|| format!("--root {}", file.display()))?,
        None => Vec::new(),
    };
    let client = Client::new(&host, is_encrypted, roots, asked.patience)?;
    let addresses = match lookup_host((host.as_str(), port)).await {
        Ok(found) => found.take(ADDRESSES_MAX).collect::<Vec<_>>(),
        Err(error) => {
            let finding = Finding::fault(
                "name",
                format!("Không tìm được địa chỉ của \"{host}\" ({error})."),
                format!("No address of {host:?} can be found ({error})."),
            )
            .fix(
                "Kiểm tra bản ghi DNS của tên miền và mạng của máy này.",
                "Check the domain's DNS record and this machine's network.",
            );
            return Ok(Report { findings: vec![finding] });
        }
    };
    let mut findings = Vec::new();
    for address in addresses {
        if address.is_ipv6() && !has_route(address).await {
            findings.push(Finding::warning(
                "ipv6",
                format!("Máy này không có IPv6 nên không thử được {}.", address.ip()),
                format!("This machine has no IPv6, so {} was not tried.", address.ip()),
            ));
            continue;
        }
        let media = SocketAddr::new(address.ip(), asked.media_port.unwrap_or(port));
        let mut seen = Ways::default();
        let pages = pages(&client, address, &now).await;
        // A certificate that one has to let pass is a fault of its own.
        let is_barrier =
            |finding: &Finding| finding.verdict == Verdict::Fault && finding.check != "certificate";
        seen.pages = !pages.iter().any(is_barrier);
        findings.extend(pages);
        let (udp, is_open) = over_udp(media, asked.patience).await;
        seen.udp = is_open;
        findings.push(udp);
        let (tcp, is_open) = over_tcp(media, asked.patience).await;
        seen.tcp = is_open;
        findings.push(tcp);
        findings.push(seen.sum(address.ip()));
    }
    Ok(Report { findings })
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let bytes = std::fs::read(file)?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>()?;
    if !found.is_empty() {
        return Ok(found);
    }
    let whole = CertificateDer::from(bytes);
    RootCertStore::empty().add(whole.clone()).context("there is no certificate in it")?;
    Ok(vec![whole])
}

/// Whether this machine knows any way to an address; sends nothing.
async fn has_route(address: SocketAddr) -> bool {
    let any: SocketAddr = ([0_u16; 8], 0).into();
    match UdpSocket::bind(any).await {
        Ok(socket) => socket.connect(address).await.is_ok(),
        Err(_) => false,
    }
}

/// Which ways are open to one address.
#[derive(Default)]
struct Ways {
    pages: bool,
    udp: bool,
    tcp: bool,
}

impl Ways {
    /// What a TV beside this machine will get.
    fn sum(&self, ip: IpAddr) -> Finding {
        let (vi, en) = match self {
            Ways { pages: false, .. } => {
                return Finding::fault(
                    "path",
                    format!("Qua {ip}: TV ở đây không mở được trang."),
                    format!("By {ip}: a TV here cannot open its page."),
                );
            }
            Ways { udp: true, .. } => ("WebRTC qua UDP, đường tốt nhất", "WebRTC over UDP, the best way"),
            Ways { tcp: true, .. } => ("WebRTC qua TCP", "WebRTC over TCP"),
            _ => (
                "từng đoạn hình ngắn qua chính kết nối của trang (trễ hơn 2–3 giây)",
                "short segments over the page's own connection (two or three seconds later)",
            ),
        };
        Finding::good(
            "path",
            format!("Qua {ip}: TV ở đây sẽ nhận {vi}."),
            format!("By {ip}: a TV here will get {en}."),
        )
    }
}

/// Connection, certificate, whose answer it is, its clock, WebSocket.
async fn pages(client: &Client, server: SocketAddr, now: &impl Fn() -> SystemTime) -> Vec<Finding> {
    let (connection, doubt) = match client.open(server).await {
        Ok(opened) => opened,
        Err(error) => {
            return vec![
                Finding::fault(
                    "connection",
                    format!("Không kết nối được TCP {server} ({error})."),
                    format!("TCP {server} cannot be connected to ({error})."),
                )
                .fix(
                    format!("Mở cổng {} TCP trên tường lửa và chuyển tiếp nó ở NAT; xem máy chủ có đang chạy không; http hay https đã đúng chưa.", server.port()),
                    format!("Let TCP port {} through firewall and NAT; see that the server runs; see whether it is http or https.", server.port()),
                ),
            ];
        }
    };
    let mut findings = vec![Finding::good(
        "connection",
        format!("Kết nối được TCP {server}."),
        format!("TCP {server} can be connected to."),
    )];
    findings.extend(doubt.as_ref().map(doubted));
    let before = now();
    match client.get(connection, "/readyz", &[]).await {
        Ok(answer) if answer.status() == StatusCode::OK => {
            findings.push(Finding::good("server", "Máy chủ sẵn sàng nhận lớp.", "The server is ready."));
            let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
            findings.extend(
                date.and_then(|date| httpdate::parse_http_date(date).ok()).map(|date| skew(date, before)),
            );
        }
        Ok(answer) => findings.push(
            Finding::fault(
                "server",
                format!(
                    "Trả lời {} thay vì sẵn sàng: không phải Nhịp Cầu, hoặc nó đang dừng.",
                    answer.status()
                ),
                format!(
                    "The answer is {} instead of ready: it is no Nhịp Cầu, or it is stopping.",
                    answer.status()
                ),
            )
            .fix("Chạy nhipcau doctor trên máy chủ.", "Run nhipcau doctor on the server."),
        ),
        Err(error) => findings.push(
            Finding::fault(
                "server",
                format!("Có kết nối nhưng không có trả lời HTTP ({error:#})."),
                format!("There is a connection but no HTTP answer ({error:#})."),
            )
            .fix("Chạy nhipcau doctor trên máy chủ.", "Run nhipcau doctor on the server."),
        ),
    }
    findings.push(websocket(client, server).await);
    findings
}

fn doubted(doubt: &CertificateError) -> Finding {
    use CertificateError as Doubt;
    let (vi, en, fix) = match doubt {
        Doubt::Expired | Doubt::ExpiredContext { .. } => (
            "đã hết hạn".to_owned(),
            "expired".to_owned(),
            ("Gia hạn chứng chỉ; xem cả ngày giờ của máy này.", "Renew it; check this machine's date too."),
        ),
        Doubt::NotValidYet | Doubt::NotValidYetContext { .. } => (
            "chưa có hiệu lực".to_owned(),
            "not valid yet".to_owned(),
            ("Xem lại ngày giờ của hai máy.", "Check the date of both machines."),
        ),
        Doubt::NotValidForName | Doubt::NotValidForNameContext { .. } => (
            "dành cho tên khác".to_owned(),
            "for another name".to_owned(),
            (
                "Dùng đúng tên trong chứng chỉ, hoặc xin chứng chỉ cho tên này.",
                "Use the name it is for, or get one for this name.",
            ),
        ),
        Doubt::UnknownIssuer => (
            "do nơi máy này không tin ký".to_owned(),
            "signed by somebody this machine does not trust".to_owned(),
            (
                "Mạng trường: cài chứng chỉ gốc theo trang /chung-chi (và dùng --root để thử). Internet: dùng tls.mode = \"acme\", hoặc fullchain.pem.",
                "A school's network: install the root as /chung-chi tells (and try with --root). The internet: use tls.mode = \"acme\", or fullchain.pem.",
            ),
        ),
        other => (
            format!("không dùng được ({other})"),
            format!("of no use ({other})"),
            ("Xin chứng chỉ mới.", "Get a new one."),
        ),
    };
    Finding::fault(
        "certificate",
        format!("Trình duyệt sẽ cảnh báo: chứng chỉ {vi}."),
        format!("Browsers will warn: the certificate is {en}."),
    )
    .fix(fix.0, fix.1)
}

fn skew(theirs: SystemTime, ours: SystemTime) -> Finding {
    let apart = theirs.duration_since(ours).unwrap_or_else(|error| error.duration());
    let seconds = apart.as_secs();
    if apart <= SKEW_MAX {
        return Finding::good("clock", "Đồng hồ hai máy khớp nhau.", "The clocks of both machines agree.");
    }
    Finding::warning(
        "clock",
        format!("Đồng hồ hai máy lệch nhau {seconds} giây."),
        format!("The clocks of the two machines are {seconds} seconds apart."),
    )
    .fix(
        "Bật đồng bộ giờ trên máy sai: timedatectl set-ntp true.",
        "Set the wrong one right: timedatectl set-ntp true.",
    )
}

/// Proxies and content filters that let pages pass stop a `WebSocket` now and then.
async fn websocket(client: &Client, server: SocketAddr) -> Finding {
    let upgrade = [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        // Any sixteen bytes (RFC 6455 section 4.1).
        (header::SEC_WEBSOCKET_KEY, "bmhpcGNhdSBkb2N0b3I/Pw=="),
    ];
    let answered = match client.open(server).await {
        Ok((connection, _)) => {
            client.get(connection, "/api/ws", &upgrade).await.map(|answer| answer.status())
        }
        Err(error) => Err(error.into()),
    };
    let found = match answered {
        Ok(StatusCode::SWITCHING_PROTOCOLS) => {
            return Finding::good("websocket", "WebSocket đi qua được.", "WebSockets get through.");
        }
        Ok(status) => status.to_string(),
        Err(error) => format!("{error:#}"),
    };
    Finding::fault(
        "websocket",
        format!("WebSocket không đi qua được ({found}): trang mở được nhưng không vào được tiết dạy."),
        format!("WebSockets do not get through ({found}): pages open but lessons do not."),
    )
    .fix(
        "Cho proxy ngược hay bộ lọc chuyển tiếp WebSocket (nginx: proxy_http_version 1.1; Upgrade và Connection).",
        "Let the reverse proxy or filter pass them (nginx: proxy_http_version 1.1; Upgrade and Connection).",
    )
}

async fn over_udp(server: SocketAddr, patience: Duration) -> (Finding, bool) {
    let each = patience / 4;
    if let Ok(Some(seen)) = reach::over_udp(server, each).await {
        let good = Finding::good(
            "udp",
            format!("UDP {server} thông; máy chủ thấy máy này là {seen}."),
            format!("UDP {server} is open; the server sees this machine as {seen}."),
        );
        return (good, true);
    }
    let fault = Finding::fault(
        "udp",
        format!("UDP {server} không thông: hình sẽ đi đường vòng qua TCP, kém hơn khi mạng mất gói."),
        format!("UDP {server} is blocked: picture takes the way over TCP, which suffers more from loss."),
    )
    .fix(
        format!("Mở cổng {} UDP ở tường lửa của máy chủ và chuyển tiếp ở NAT; nếu nơi khác thông thì mạng ở đây chặn UDP.", server.port()),
        format!("Let UDP port {} through the server's firewall and NAT; if it is open elsewhere, the network here blocks UDP.", server.port()),
    );
    (fault, false)
}

async fn over_tcp(server: SocketAddr, patience: Duration) -> (Finding, bool) {
    if let Ok(Some(_)) = reach::over_tcp(server, patience).await {
        let good = Finding::good(
            "ice_tcp",
            format!("Hình qua TCP {server} cũng thông."),
            format!("Media over TCP {server} gets through too."),
        );
        return (good, true);
    }
    let warning = Finding::warning(
        "ice_tcp",
        format!("TCP {server} chỉ cho trang web đi qua, không cho hình qua TCP (WebRTC)."),
        format!("TCP {server} lets pages pass but no media (WebRTC over TCP)."),
    )
    .fix(
        "Bộ lọc hay proxy ngược ở giữa chỉ hiểu HTTPS: mở thẳng cổng của nhipcau, hoặc chấp nhận đường từng đoạn hình.",
        "A filter or reverse proxy in between knows only HTTPS: open nhipcau's own port, or be content with segments.",
    );
    (warning, false)
}
