//! Encryption: whether browsers will trust what this server shows, today and next week.

use super::Finding;
use crate::{
    config::{Config, TlsMode},
    tls,
};
use std::{
    fs,
    net::IpAddr,
    time::{Duration, SystemTime},
};
use tokio::{net::TcpStream, time::timeout};

const DAY: Duration = Duration::from_hours(24);
/// Another program has had its chance to renew by then (certbot does so thirty days before the end).
const SOON: Duration = Duration::from_hours(24 * 14);
/// The way to an ACME server.
const PATIENCE: Duration = Duration::from_secs(5);
/// The only port a TLS-ALPN-01 validation comes to (RFC 8737 section 3).
const VALIDATED_PORT: u16 = 443;

/// Looks at what `tls.mode` asks for.
pub(super) async fn examine(config: &Config, now: SystemTime) -> Vec<Finding> {
    match config.tls.mode {
        TlsMode::Off => vec![off(config)],
        TlsMode::SelfSigned => vec![self_signed(config)],
        TlsMode::Files => match tls::certificate_of(config) {
            Ok(Some(certificate)) => vec![judge(config, &certificate, now)],
            Ok(None) => Vec::new(),
            Err(error) => vec![
                Finding::fault(
                    "certificate",
                    format!("Không dùng được chứng chỉ: {error:#}."),
                    format!("The certificate cannot be used: {error:#}."),
                )
                .fix(
                    "Kiểm tra tls.certificate (fullchain.pem) và tls.key (privkey.pem): đúng cặp, đúng đường dẫn, người dùng chạy nhipcau đọc được.",
                    "Check tls.certificate (fullchain.pem) and tls.key (privkey.pem): one pair, right paths, readable by the user that runs nhipcau.",
                ),
            ],
        },
        TlsMode::Acme => acme(config, now).await,
    }
}

fn off(config: &Config) -> Finding {
    if config.listen.ip().is_loopback() || !config.trusted_proxies.is_empty() {
        return Finding::good(
            "certificate",
            "Không mã hóa: chỉ máy này và các proxy trong trusted_proxies được phục vụ; proxy phải lo chứng chỉ.",
            "No encryption: only this machine and the proxies of trusted_proxies are served; the proxy must have the certificate.",
        );
    }
    let fix = (
        "Đặt tls.mode = \"acme\" (có tên miền) hay \"self_signed\" (mạng trường); có proxy ngược thì khai báo trusted_proxies.",
        "Set tls.mode = \"acme\" (with a domain) or \"self_signed\" (a school's network); name a reverse proxy in trusted_proxies.",
    );
    if config.tls.plain_http {
        return Finding::warning(
            "certificate",
            "Không mã hóa: trình duyệt sẽ không cho giáo viên dạy dùng camera và mic, trừ trên chính máy này.",
            "No encryption: browsers give the host no camera and microphone, except on this very machine.",
        )
        .fix(fix.0, fix.1);
    }
    Finding::fault(
        "certificate",
        "Không mã hóa và không có proxy: máy khác không được phục vụ.",
        "No encryption and no proxy: no other machine is served.",
    )
    .fix(fix.0, fix.1)
}

fn self_signed(config: &Config) -> Finding {
    let name = config.public_host().filter(|host| host.parse::<IpAddr>().is_err() && !is_local(host));
    let Some(name) = name else {
        // What the page /chung-chi shows too: who installs the root compares both.
        let der =
            fs::read(tls::authority_file(&config.data_dir)).ok().and_then(|pem| tls::first_certificate(&pem));
        let print = der.map_or_else(|| "–".to_owned(), |der| tls::fingerprint(&der));
        return Finding::good(
            "certificate",
            format!(
                "Chứng chỉ do máy chủ tự ký: hợp với mạng trường. Trang /chung-chi chỉ cách cài để trình duyệt không cảnh báo. Dấu vân tay SHA-256: {print}"
            ),
            format!(
                "A certificate of the server's own: right for a school's network. The page /chung-chi tells how devices come to trust it. SHA-256: {print}"
            ),
        );
    };
    Finding::warning(
        "certificate",
        format!("Chứng chỉ tự ký: ai mở https://{name} cũng gặp cảnh báo của trình duyệt."),
        format!("A certificate of the server's own: whoever opens https://{name} is warned by the browser."),
    )
    .fix(
        format!("Có tên miền thì dùng tls.mode = \"acme\" với tls.domains = [\"{name}\"]."),
        format!("With a domain, use tls.mode = \"acme\" and tls.domains = [{name:?}]."),
    )
}

/// Names that no authority of the internet signs for.
fn is_local(host: &str) -> bool {
    !host.contains('.') || [".local", ".lan", ".internal", ".home.arpa"].iter().any(|end| host.ends_with(end))
}

/// A certificate that can be read: is it good now, for this name, for every browser?
fn judge(config: &Config, certificate: &tls::Certificate, now: SystemTime) -> Finding {
    let renew = (
        "Gia hạn chứng chỉ (certbot renew); máy chủ tự đọc lại tệp, không cần khởi động lại.",
        "Renew it (certbot renew); the server reads the files again by itself.",
    );
    let days = |from: SystemTime, to: SystemTime| {
        to.duration_since(from).unwrap_or_default().as_secs() / DAY.as_secs()
    };
    if certificate.ends <= now {
        let since = days(certificate.ends, now);
        return Finding::fault(
            "certificate",
            format!("Chứng chỉ đã hết hạn {since} ngày."),
            format!("The certificate expired {since} days ago."),
        )
        .fix(renew.0, renew.1);
    }
    if certificate.begins > now {
        return Finding::fault(
            "certificate",
            "Chứng chỉ chưa có hiệu lực; có lẽ đồng hồ máy chạy chậm.",
            "The certificate is not valid yet; perhaps the clock is slow.",
        )
        .fix("Xem lại ngày giờ của máy.", "Check this machine's date and time.");
    }
    if let Some(host) = config.public_host()
        && !certificate.is_for(&host)
    {
        let names = certificate.names.join(", ");
        return Finding::fault(
            "certificate",
            format!("Chứng chỉ dành cho {names}, không phải cho {host} trong public_url."),
            format!("The certificate is for {names}, not for {host} of public_url."),
        )
        .fix(
            format!("Xin chứng chỉ cho {host}, hoặc sửa public_url."),
            format!("Get one for {host}, or correct public_url."),
        );
    }
    if certificate.lacks_issuer {
        return Finding::fault(
            "certificate",
            "Tệp chứng chỉ thiếu chứng chỉ trung gian: nhiều TV và điện thoại sẽ không tin.",
            "The file lacks the certificates between it and the authority: many TVs and phones will not trust it.",
        )
        .fix("Dùng fullchain.pem thay cho cert.pem.", "Use fullchain.pem instead of cert.pem.");
    }
    let left = days(now, certificate.ends);
    let words = (
        format!("Chứng chỉ còn hạn {left} ngày."),
        format!("The certificate is valid for {left} more days."),
    );
    if now + SOON >= certificate.ends {
        return Finding::warning("certificate", words.0, words.1).fix(renew.0, renew.1);
    }
    Finding::good("certificate", words.0, words.1)
}

async fn acme(config: &Config, now: SystemTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(Some(kept)) = tls::certificate_of(config) {
        findings.push(judge(config, &kept, now));
    } else {
        findings.push(Finding::warning(
            "certificate",
            "Chưa có chứng chỉ nào; máy chủ sẽ xin khi chạy, trong lúc đó dùng chứng chỉ tự ký.",
            "There is no certificate yet; the server fetches one when it runs, and shows one of its own until then.",
        ));
    }
    if config.listen.port() != VALIDATED_PORT {
        let port = config.listen.port();
        findings.push(
            Finding::warning(
                "acme_port",
                format!("Nơi cấp chứng chỉ chỉ kiểm tra ở cổng 443, còn máy chủ nghe ở cổng {port}."),
                format!("The authority validates at port 443 only, but the server listens on {port}."),
            )
            .fix(
                format!("Đặt listen = \"0.0.0.0:443\", hoặc để NAT chuyển cổng 443 tới {port}."),
                format!("Set listen = \"0.0.0.0:443\", or let the NAT forward 443 to {port}."),
            ),
        );
    }
    let directory: Option<axum::http::Uri> = config.tls.directory.parse().ok();
    let authority = directory.as_ref().and_then(|uri| Some((uri.host()?, uri.port_u16().unwrap_or(443))));
    if let Some((host, port)) = authority {
        let reached = timeout(PATIENCE, TcpStream::connect((host.trim_matches(['[', ']']), port))).await;
        if let Ok(Ok(_)) = reached {
            findings.push(Finding::good(
                "acme_directory",
                format!("Tới được nơi cấp chứng chỉ {host}."),
                format!("The authority {host} can be reached."),
            ));
        } else {
            findings.push(
                Finding::fault(
                    "acme_directory",
                    format!("Không tới được nơi cấp chứng chỉ {host}:{port}."),
                    format!("The authority {host}:{port} cannot be reached."),
                )
                .fix(
                    "Máy chủ cần ra được internet (TCP 443); mạng không có internet thì dùng tls.mode = \"self_signed\".",
                    "The server must reach the internet (TCP 443); on an island without, use tls.mode = \"self_signed\".",
                ),
            );
        }
    }
    findings
}
