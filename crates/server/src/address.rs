//! Who is asking: the client's address, and the base of links as the client sees this server.

use crate::state::AppState;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header::HOST, request::Parts},
};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// The address limits are counted by: an IPv4 address, or the /64 of an IPv6 one, because a household or
/// school gets at least that much and could otherwise start afresh for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Whether the connection of a request is encrypted by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Secure(pub(crate) bool);

/// The base of links that lead back to this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkBase(pub(crate) String);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let remote = remote(parts);
        Ok(Self(network(client_behind(remote, &parts.headers, &state.config.trusted_proxies))))
    }
}

impl FromRequestParts<AppState> for LinkBase {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        if !state.config.public_url.is_empty() {
            return Ok(Self(state.config.public_url.clone()));
        }
        let proxied = state.config.trusted_proxies.contains(&remote(parts));
        let secure = parts.extensions.get() == Some(&Secure(true));
        let base = base_seen_by_client(&parts.headers, secure, proxied);
        Ok(Self(base.unwrap_or_else(|| crate::links::local_base(state.listen))))
    }
}

/// Who is at the other end of the TCP connection.
fn remote(parts: &Parts) -> IpAddr {
    // Requests made inside the process (a router test) come from nowhere; they count as this machine.
    let remote = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    remote.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(remote)| remote.ip().to_canonical())
}

/// The last address in `X-Forwarded-For` that no trusted proxy has. Everything before it was written by
/// the client itself and proves nothing.
fn client_behind(remote: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&remote) {
        return remote;
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let mut hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    while let Some(hop) = hops.pop() {
        match hop.parse::<IpAddr>() {
            Ok(address) if trusted.contains(&address) => {}
            Ok(address) => return address.to_canonical(),
            Err(_) => break,
        }
    }
    remote
}

/// The address, or the network, that limits are counted by.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

/// `scheme://host` as the browser's address bar shows it. The answer goes only to the client that sent
/// these headers, so a forged host deceives nobody else.
fn base_seen_by_client(headers: &HeaderMap, secure: bool, proxied: bool) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = |name: &str| header(name).filter(|_| proxied);
    let host = forwarded("x-forwarded-host").or_else(|| header(HOST.as_str()))?;
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        None if secure => "https",
        _ => "http",
    };
    is_authority(host).then(|| format!("{scheme}://{host}"))
}

/// Whether a text is a host with perhaps a port, safe to put into a link or a header.
pub(crate) fn is_authority(host: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (1..=255).contains(&host.len()) && host.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }
    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_stranger_cannot_choose_the_address_it_is_counted_by() {
        let forged = headers(&[("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(client_behind(ip("203.0.113.9"), &forged, &[]), ip("203.0.113.9"));
    }

    #[test]
    fn behind_a_trusted_proxy_only_what_the_proxy_wrote_counts() {
        let proxy = [ip("10.0.0.1"), ip("10.0.0.2")];
        let through = headers(&[("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.2")]);
        assert_eq!(client_behind(proxy[0], &through, &proxy), ip("203.0.113.9"));
        let garbage = headers(&[("x-forwarded-for", "1.2.3.4, unknown")]);
        assert_eq!(client_behind(proxy[0], &garbage, &proxy), proxy[0]);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_their_limits() {
        assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::ffff:2")));
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
    }

    #[test]
    fn links_lead_back_to_the_address_the_organiser_uses() {
        let direct = headers(&[("host", "192.168.1.5:7443"), ("x-forwarded-proto", "https")]);
        assert_eq!(base_seen_by_client(&direct, false, false).as_deref(), Some("http://192.168.1.5:7443"));
        assert_eq!(base_seen_by_client(&direct, true, false).as_deref(), Some("https://192.168.1.5:7443"));
        let proxied = headers(&[
            ("host", "127.0.0.1:7443"),
            ("x-forwarded-host", "cau.example.vn"),
            ("x-forwarded-proto", "https"),
        ]);
        assert_eq!(base_seen_by_client(&proxied, false, true).as_deref(), Some("https://cau.example.vn"));
        assert_eq!(base_seen_by_client(&headers(&[("host", "a/<b>")]), false, false), None);
    }
}
