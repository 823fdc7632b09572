//! The certificate in use, read and checked.

use anyhow::{Context as _, ensure};
use std::{
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
    /// When it ends.
    pub(crate) ends: SystemTime,
    /// DNS names and addresses it is for.
    pub(crate) names: Vec<String>,
}

impl Certificate {
    /// Reads a chain, the server's own certificate first, and its private key, both PEM.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or the key is another one's.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> anyhow::Result<Self> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .context("the certificate is no PEM that can be read")?;
        ensure!(!chain.is_empty(), "there is no certificate in it");
        let key = PrivateKeyDer::from_pem_slice(key).context("the private key is no PEM that can be read")?;
        let (ends, names) = describe(&chain[0])?;
        let key =
            CertifiedKey::from_der(chain, key, &provider()).context("certificate and key do not fit")?;
        Ok(Self { key: Arc::new(key), ends, names })
    }
}

/// The end and the names of a certificate.
fn describe(certificate: &CertificateDer<'_>) -> anyhow::Result<(SystemTime, Vec<String>)> {
    let (_, parsed) = parse_x509_certificate(certificate).context("the certificate is no X.509")?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    let ends = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|names| &names.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    Ok((ends, names.collect()))
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(std::net::IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(std::net::IpAddr::from);
    v4.or_else(v6).map(|address| address.to_string())
}

/// The certificate in use; new connections get what was set last.
#[derive(Debug, Default)]
pub(crate) struct Certificates(RwLock<Option<Certificate>>);

impl Certificates {
    /// Uses another one from now on.
    pub(crate) fn set(&self, certificate: Certificate) {
        let left = certificate.ends.duration_since(SystemTime::now()).unwrap_or_default();
        metrics::gauge!("nhipcau_certificate_seconds_left").set(left.as_secs_f64());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(|certificate| Arc::clone(&certificate.key))
    }
}
