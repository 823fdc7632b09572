//! The one port, seen from inside, and the addresses classrooms are told.

use super::{Finding, reach};
use crate::config::{Config, TlsMode};
use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};
use tokio::net::lookup_host;

/// How long a server on this machine may take to answer.
const NEAR: Duration = Duration::from_millis(500);

/// Whether the port can be had, or is held by a Nhịp Cầu already.
pub(super) async fn ports(config: &Config) -> Vec<Finding> {
    let listen = config.listen;
    if listen.port() == 0 {
        return vec![
            Finding::warning(
                "port_tcp",
                "listen có cổng 0: mỗi lần chạy là một cổng khác, nên tường lửa không thể mở sẵn.",
                "listen has port 0: every start takes another one, which no firewall can open beforehand.",
            )
            .fix(
                "Đặt một cổng cố định, ví dụ listen = \"0.0.0.0:443\".",
                "Name one, such as listen = \"0.0.0.0:443\".",
            ),
        ];
    }
    let here = near(listen);
    let tcp = match TcpListener::bind(listen) {
        Ok(_) => free("port_tcp", "TCP", listen),
        Err(error) => {
            let ours = error.kind() == ErrorKind::AddrInUse
                && matches!(reach::over_tcp(here, NEAR).await, Ok(Some(_)));
            if ours { running("port_tcp", "TCP", listen) } else { taken("port_tcp", "TCP", listen, &error) }
        }
    };
    let udp = match UdpSocket::bind(listen) {
        Ok(_) => free("port_udp", "UDP", listen),
        Err(error) => {
            let ours = error.kind() == ErrorKind::AddrInUse
                && matches!(reach::over_udp(here, NEAR).await, Ok(Some(_)));
            if ours { running("port_udp", "UDP", listen) } else { taken("port_udp", "UDP", listen, &error) }
        }
    };
    vec![tcp, udp]
}

/// How this machine reaches a server on it that listens there.
fn near(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn free(check: &'static str, protocol: &str, listen: SocketAddr) -> Finding {
    Finding::good(
        check,
        format!("Cổng {protocol} {listen} mở được."),
        format!("{protocol} {listen} can be listened on."),
    )
}

fn running(check: &'static str, protocol: &str, listen: SocketAddr) -> Finding {
    Finding::good(
        check,
        format!("Nhịp Cầu đang chạy và trả lời trên {protocol} {listen}."),
        format!("A Nhịp Cầu is running and answers on {protocol} {listen}."),
    )
}

fn taken(check: &'static str, protocol: &str, listen: SocketAddr, error: &io::Error) -> Finding {
    let port = listen.port();
    let words = (
        format!("Không mở được {protocol} {listen} ({error})."),
        format!("{protocol} {listen} cannot be listened on ({error})."),
    );
    let flag = if protocol == "TCP" { "-ltnp" } else { "-lunp" };
    let fix = match error.kind() {
        ErrorKind::AddrInUse => (
            format!("Chương trình khác đang giữ cổng; xem bằng: ss {flag} 'sport = :{port}', tắt nó đi hoặc đổi listen."),
            format!("Another program holds it; see which with: ss {flag} 'sport = :{port}', stop it or change listen."),
        ),
        ErrorKind::PermissionDenied => (
            "Cổng dưới 1024 cần quyền: dùng tệp dịch vụ systemd kèm theo, hoặc setcap cap_net_bind_service=+ep nhipcau.".to_owned(),
            "Ports below 1024 need a right: use the systemd unit that comes along, or setcap cap_net_bind_service=+ep nhipcau.".to_owned(),
        ),
        _ => (
            "Địa chỉ này không phải của máy: dùng \"0.0.0.0\" hoặc \"[::]\" trong listen; địa chỉ công cộng sau NAT ghi vào announce.".to_owned(),
            "It is no address of this machine: use \"0.0.0.0\" or \"[::]\" in listen; a public address in front of a NAT belongs into announce.".to_owned(),
        ),
    };
    Finding::fault(check, words.0, words.1).fix(fix.0, fix.1)
}

/// Whether the addresses classrooms are told lead here.
pub(super) async fn addresses(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut told = BTreeSet::new();
    for host in &config.announce {
        match resolve(host).await {
            Ok(found) => told.extend(found),
            Err(error) => findings.push(
                Finding::fault(
                    "announce",
                    format!("announce: không tìm được địa chỉ của \"{host}\" ({error})."),
                    format!("announce: no address of {host:?} can be found ({error})."),
                )
                .fix(
                    "Sửa tên, hoặc ghi thẳng địa chỉ IP công cộng của máy chủ.",
                    "Correct the name, or write the server's public IP address instead.",
                ),
            ),
        }
    }
    let own: BTreeSet<IpAddr> =
        if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
    let is_told_nothing = config.announce.is_empty();
    if is_told_nothing {
        told.extend(own.iter().filter(|ip| !ip.is_loopback()));
    }
    for host in public_hosts(config) {
        let leads_to = match resolve(&host).await {
            Ok(found) => found,
            Err(error) => {
                findings.push(
                    Finding::fault(
                        "public_url",
                        format!("Không tìm được địa chỉ của \"{host}\" ({error}): không liên kết nào mở được."),
                        format!("No address of {host:?} can be found ({error}): no link will open."),
                    )
                    .fix(
                        format!("Tạo bản ghi DNS A (và AAAA) cho {host} trỏ tới máy chủ này, hoặc sửa public_url / tls.domains."),
                        format!("Make a DNS record A (and AAAA) of {host} that leads to this server, or correct public_url / tls.domains."),
                    ),
                );
                continue;
            }
        };
        if leads_to.iter().any(IpAddr::is_loopback) {
            continue;
        }
        let shown = leads_to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if leads_to.iter().any(|ip| told.contains(ip)) {
            findings.push(Finding::good(
                "public_url",
                format!("{host} dẫn tới {shown}, cũng là nơi hình và tiếng được gửi tới."),
                format!("{host} leads to {shown}, and so do picture and sound."),
            ));
        } else if is_told_nothing {
            let announce =
                leads_to.iter().map(|ip| format!("{:?}", ip.to_string())).collect::<Vec<_>>().join(", ");
            findings.push(
                Finding::fault(
                    "announce",
                    format!("{host} dẫn tới {shown}, không phải địa chỉ của máy này (NAT hay Docker?): hình và tiếng sẽ không tìm được đường."),
                    format!("{host} leads to {shown}, which is no address of this machine (NAT or Docker?): picture and sound will not find their way."),
                )
                .fix(
                    format!("Đặt announce = [{announce}] và chuyển tiếp cổng {}, cả TCP lẫn UDP, tới máy này.", config.listen.port()),
                    format!("Set announce = [{announce}] and forward port {}, TCP and UDP, to this machine.", config.listen.port()),
                ),
            );
        } else {
            let told = told.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            findings.push(
                Finding::warning(
                    "announce",
                    format!("{host} dẫn tới {shown} nhưng announce là {told}."),
                    format!("{host} leads to {shown}, but announce says {told}."),
                )
                .fix(
                    "Đúng nếu có proxy ngược đứng trước; nếu không, sửa một trong hai.",
                    "Right with a reverse proxy in front; otherwise correct one of the two.",
                ),
            );
        }
    }
    if findings.is_empty() {
        let told = told.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        findings.push(Finding::good(
            "announce",
            format!(
                "Điểm cầu được báo địa chỉ: {told}. Tường lửa của máy này phải mở cổng {}, cả TCP lẫn UDP.",
                config.listen.port()
            ),
            format!(
                "Places are told: {told}. This machine's firewall must let port {} in, TCP and UDP.",
                config.listen.port()
            ),
        ));
    }
    findings
}

/// Hosts that links and certificates name.
fn public_hosts(config: &Config) -> BTreeSet<String> {
    let domains = if config.tls.mode == TlsMode::Acme { config.tls.domains.as_slice() } else { &[] };
    config.public_host().into_iter().chain(domains.iter().cloned()).collect()
}

async fn resolve(host: &str) -> io::Result<BTreeSet<IpAddr>> {
    if let Ok(ip) = host.parse() {
        return Ok([ip].into());
    }
    Ok(lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
}
