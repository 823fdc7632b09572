//! Where a peer's bytes come from and go to, and what a relay announces of itself.

use std::{fmt, net::SocketAddr};

/// Names one TCP connection among those of whoever owns the sockets; never given out twice while a peer lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// The other end of a path: an address that datagrams come from, or one TCP connection (RFC 6544) and the address behind it.
///
/// Two connections from one address are two remotes: each has to prove itself with a connectivity check of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Remote {
    /// The address.
    pub addr: SocketAddr,
    /// The connection; `None` for UDP.
    pub stream: Option<StreamId>,
}

impl Remote {
    /// The far end of a TCP connection.
    pub fn stream(addr: SocketAddr, stream: StreamId) -> Self {
        Self { addr, stream: Some(stream) }
    }
}

/// Datagrams.
impl From<SocketAddr> for Remote {
    fn from(addr: SocketAddr) -> Self {
        Self { addr, stream: None }
    }
}

/// Whether it is this address, reached by datagrams.
impl PartialEq<SocketAddr> for Remote {
    fn eq(&self, addr: &SocketAddr) -> bool {
        self.stream.is_none() && self.addr == *addr
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.stream.is_some() { "tcp" } else { "udp" };
        write!(f, "{protocol} {}", self.addr)
    }
}

/// How a candidate is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// A TCP connection that the peer opens (`tcptype passive`, RFC 6544 section 4.5).
    Tcp,
}

/// An address of ours that answers announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The address.
    pub addr: SocketAddr,
    /// How it is reached.
    pub protocol: Protocol,
}

impl Candidate {
    /// A host candidate over TCP.
    pub fn tcp(addr: SocketAddr) -> Self {
        Self { addr, protocol: Protocol::Tcp }
    }
}

/// A host candidate over UDP.
impl From<SocketAddr> for Candidate {
    fn from(addr: SocketAddr) -> Self {
        Self { addr, protocol: Protocol::Udp }
    }
}
