//! The random values of one peer, all drawn from a seed the caller gives.

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};

/// 256 random bits, from which one peer's ICE credentials, SSRCs and names are derived. Never use one seed for two peers.
#[derive(Clone)]
pub struct PeerSecrets {
    seed: [u8; 32],
}

impl PeerSecrets {
    /// From 32 bytes of a cryptographic random source (a test may use any).
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed }
    }

    fn derive(&self, label: &str, counter: u32) -> [u8; 32] {
        let mut input = Vec::with_capacity(64);
        input.extend_from_slice(&self.seed);
        input.extend_from_slice(label.as_bytes());
        input.extend_from_slice(&counter.to_be_bytes());
        let mut output = [0; 32];
        output.copy_from_slice(digest(&SHA256, &input).as_ref());
        output
    }

    /// ICE user name fragment: 12 ice-chars, 72 bits, so that ufrags of living peers never collide.
    pub(crate) fn ufrag(&self) -> String {
        BASE64.encode(&self.derive("ufrag", 0)[..9])
    }

    /// ICE password: 24 ice-chars, 144 bits (RFC 8445 section 5.3 asks for 128).
    pub(crate) fn password(&self) -> String {
        BASE64.encode(&self.derive("password", 0)[..18])
    }

    /// The `n`-th SSRC of this peer; not zero. Two different `n` may collide once in 2^32: the caller skips values in use.
    pub(crate) fn ssrc(&self, n: u32) -> u32 {
        let bytes = self.derive("ssrc", n);
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).max(1)
    }

    /// CNAME: opaque, per session (RFC 7022).
    pub(crate) fn cname(&self) -> String {
        BASE64.encode(&self.derive("cname", 0)[..12])
    }

    /// The `o=` line's session id: 62 bits, as RFC 8829 section 5.2.1 asks.
    pub(crate) fn session_id(&self) -> u64 {
        let bytes = self.derive("session", 0);
        u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
            >> 2
    }

    /// 64 bits for the ICE tie-breaker.
    pub(crate) fn tie_breaker(&self) -> u64 {
        let bytes = self.derive("tie", 0);
        u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])
    }

    /// The `n`-th STUN transaction id.
    pub(crate) fn transaction_id(&self, n: u32) -> [u8; 12] {
        let bytes = self.derive("stun", n);
        let mut id = [0; 12];
        id.copy_from_slice(&bytes[..12]);
        id
    }
}

impl std::fmt::Debug for PeerSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerSecrets(…)")
    }
}
