//! A page for a school's own network without internet: where this server is found, and what there is to do before the first lesson.

use crate::{
    address::ClientAddress,
    clock::Clock,
    config::{Config, TlsMode},
    problem::{Answer, Refused},
    state::AppState,
    tls,
};
use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse as _, Response},
};
use qrcode::{EcLevel, QrCode, render::svg};
use signalling::ProblemCode;
use std::net::{IpAddr, SocketAddr};
use time::{OffsetDateTime, UtcOffset};

const PAGE: &str = include_str!("island.html");
/// Machines with more networks than this have them for containers.
const ADDRESSES_MAX: usize = 4;
const VIETNAM_HOURS: i8 = 7;

/// `GET /mang-lan`: for those in the same network. Others are told nothing about it.
pub(super) async fn page(
    State(state): State<AppState>,
    ClientAddress(from): ClientAddress,
) -> Answer<Response> {
    if !tls::is_private(&from) {
        return Err(Refused::from(ProblemCode::NotFound));
    }
    let scheme = if state.config.tls.mode == TlsMode::Off { "http" } else { "https" };
    let ways: String = addresses(&state.config, state.listen)
        .iter()
        .map(|address| way(&format!("{scheme}://{address}")))
        .collect();
    let (trust_vi, trust_en) = match state.config.tls.mode {
        TlsMode::SelfSigned => (
            "Máy chủ tự ký chứng chỉ vì mạng này không có tên miền. Chọn <i>Nâng cao › Tiếp tục</i>, hoặc cài chứng chỉ gốc một lần theo <a href=\"/chung-chi\">trang này</a>.",
            "The server signs its own certificate: choose <i>Advanced › Proceed</i>, or install the root once as <a href=\"/chung-chi\">this page</a> tells.",
        ),
        TlsMode::Off => (
            "Máy chủ không mã hóa: camera và mic của giáo viên dạy chỉ dùng được trên chính máy chủ.",
            "This server does not encrypt: the host's camera and microphone work on the server itself only.",
        ),
        _ => (
            "Chứng chỉ dành cho tên miền của máy chủ: trong mạng này hãy để tên miền ấy dẫn tới địa chỉ ở trên (DNS nội bộ), hoặc dùng <code>tls.mode = \"self_signed\"</code>.",
            "The certificate is for the server's domain: let that name lead to an address above inside this network, or use <code>tls.mode = \"self_signed\"</code>.",
        ),
    };
    let page = PAGE
        .replace("{ways}", &ways)
        .replace("{trust_vi}", trust_vi)
        .replace("{trust_en}", trust_en)
        .replace("{clock}", &clock());
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Html(page)).into_response())
}

/// `host:port` of this machine in private networks; the port is left out where browsers know it.
pub(crate) fn addresses(config: &Config, listen: SocketAddr) -> Vec<String> {
    let own = if_addrs::get_if_addrs().unwrap_or_default();
    let own = own.iter().map(if_addrs::Interface::ip);
    let own = own.filter(|ip| ip.is_ipv4() && !ip.is_loopback() && tls::is_private(ip));
    let mut found: Vec<IpAddr> = if listen.ip().is_unspecified() { own.collect() } else { vec![listen.ip()] };
    found.truncate(ADDRESSES_MAX);
    let known = if config.tls.mode == TlsMode::Off { 80 } else { 443 };
    let host = |ip: IpAddr| if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
    let port = if listen.port() == known { String::new() } else { format!(":{}", listen.port()) };
    found.into_iter().map(|ip| format!("{}{port}", host(ip))).collect()
}

fn way(url: &str) -> String {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).ok();
    let picture = code.map(|code| code.render::<svg::Color<'_>>().build()).unwrap_or_default();
    // Inside a page the picture needs no XML declaration.
    let code = picture.split_once("?>").map_or(picture.as_str(), |(_, drawn)| drawn);
    format!("<div class=\"way\">{code}<b><a href=\"{url}/\">{url}/</a></b></div>")
}

/// Date and time in Vietnam, as people write them there.
fn clock() -> String {
    let seconds = Clock::wall().get() / 1_000;
    let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let now = now.to_offset(UtcOffset::from_hms(VIETNAM_HOURS, 0, 0).unwrap_or(UtcOffset::UTC));
    format!(
        "{:02}:{:02} · {:02}/{:02}/{}",
        now.hour(),
        now.minute(),
        now.day(),
        u8::from(now.month()),
        now.year()
    )
}
