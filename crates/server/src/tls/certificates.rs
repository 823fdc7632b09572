//! The certificate in use, read and checked.

use super::VALIDATION;
use anyhow::{Context as _, ensure};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio_rustls::rustls::{
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// Cipher suites and keys: ring, as everywhere in the house.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate with its key, ready to be used.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    key: Arc<CertifiedKey>,
    /// When it begins and ends.
    pub(crate) begins: SystemTime,
    pub(crate) ends: SystemTime,
    /// DNS names and addresses it is for.
    pub(crate) names: Vec<String>,
    /// Whether the chain ends with it although another one signed it: clients that never saw that one will not trust it.
    pub(crate) lacks_issuer: bool,
}

impl Certificate {
    /// Reads a chain, the server's own certificate first, and its private key, both PEM.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or the key is another one's.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> anyhow::Result<Self> {
        let (chain, key) = read_pem(chain, key)?;
        let leaf = describe(&chain[0])?;
        let lacks_issuer = chain.len() == 1 && !leaf.is_own_issuer;
        let key =
            CertifiedKey::from_der(chain, key, &provider()).context("certificate and key do not fit")?;
        let Leaf { begins, ends, names, .. } = leaf;
        Ok(Self { key: Arc::new(key), begins, ends, names, lacks_issuer })
    }

    /// Whether a browser takes it for this host (RFC 6125 section 6.4.3: `*` stands for one label).
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            let wild = name.strip_prefix("*.").zip(host.split_once('.'));
            name == host || wild.is_some_and(|(domain, (_, rest))| domain == rest)
        })
    }

    /// Whether two thirds of its life are over: time to fetch the next one.
    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        let life = self.ends.duration_since(self.begins).unwrap_or_default();
        now + life / 3 >= self.ends
    }
}

fn read_pem(
    chain: &[u8],
    key: &[u8],
) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .context("the certificate is no PEM that can be read")?;
    ensure!(!chain.is_empty(), "there is no certificate in it");
    let key = PrivateKeyDer::from_pem_slice(key).context("the private key is no PEM that can be read")?;
    Ok((chain, key))
}

/// What a certificate says.
struct Leaf {
    begins: SystemTime,
    ends: SystemTime,
    names: Vec<String>,
    is_own_issuer: bool,
}

fn describe(certificate: &CertificateDer<'_>) -> anyhow::Result<Leaf> {
    let (_, parsed) = parse_x509_certificate(certificate).context("the certificate is no X.509")?;
    let time =
        |seconds: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let validity = parsed.validity();
    let (begins, ends) = (time(validity.not_before.timestamp()), time(validity.not_after.timestamp()));
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    let names = names.collect();
    Ok(Leaf { begins, ends, names, is_own_issuer: parsed.issuer() == parsed.subject() })
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(std::net::IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(std::net::IpAddr::from);
    v4.or_else(v6).map(|address| address.to_string())
}

/// The certificate in use; new connections get what was set last.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    current: RwLock<Option<Certificate>>,
    /// Proofs for an ACME server that is validating these domains.
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    /// Uses another one from now on.
    pub(crate) fn set(&self, certificate: Certificate) {
        let left = certificate.ends.duration_since(SystemTime::now()).unwrap_or_default();
        metrics::gauge!("nhipcau_certificate_seconds_left").set(left.as_secs_f64());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// Shows this proof, PEM, to whoever validates `domain`.
    ///
    /// # Errors
    /// When chain or key cannot be read.
    pub(crate) fn set_challenge(&self, domain: String, chain: &[u8], key: &[u8]) -> anyhow::Result<()> {
        let (chain, key) = read_pem(chain, key)?;
        let key = provider().key_provider.load_private_key(key).context("the private key cannot be used")?;
        // Not compared with each other as usual: rustls reads no certificate with the critical extension that makes it a proof.
        let proof = Arc::new(CertifiedKey::new(chain, key));
        self.challenges.write().unwrap_or_else(PoisonError::into_inner).insert(domain, proof);
        Ok(())
    }

    /// The validation is over.
    pub(crate) fn clear_challenges(&self) {
        self.challenges.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == VALIDATION)) {
            let challenges = self.challenges.read().unwrap_or_else(PoisonError::into_inner);
            return challenges.get(hello.server_name()?).cloned();
        }
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|certificate| Arc::clone(&certificate.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn certificate(names: &[&str]) -> Certificate {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
                .expect("right names");
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 4, 1);
        let key = KeyPair::generate().expect("a key");
        let signed = params.self_signed(&key).expect("signed");
        Certificate::from_pem(signed.pem().as_bytes(), key.serialize_pem().as_bytes()).expect("read")
    }

    #[test]
    fn a_certificate_of_ninety_days_is_renewed_after_sixty() {
        let certificate = certificate(&["cau.truong.vn"]);
        let after = |days: u64| certificate.begins + Duration::from_hours(24 * days);
        assert!(!certificate.is_due(after(59)));
        assert!(certificate.is_due(after(61)));
        assert!(certificate.is_due(after(1_000)), "one that is over, too");
    }

    #[test]
    fn a_star_stands_for_one_label() {
        let certificate = certificate(&["*.truong.vn", "truong.vn", "192.168.1.10"]);
        for host in ["cau.truong.vn", "CAU.Truong.vn", "truong.vn", "192.168.1.10"] {
            assert!(certificate.is_for(host), "{host}");
        }
        for host in ["a.b.truong.vn", "cautruong.vn", "vn", "192.168.1.11"] {
            assert!(!certificate.is_for(host), "{host}");
        }
    }
}
