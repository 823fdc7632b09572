//! The certificate a side proves itself with, and certificate fingerprints (RFC 8122).

use ring::digest;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::crypto::Certificate;
use std::{fmt, sync::Arc};

/// Why a certificate could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The crypto provider refused; without one nothing works.
    #[error("no certificate: {0}")]
    Certificate(String),
}

/// A self-signed certificate with its key; [`generate`](Self::generate) makes ECDSA P-256. One serves every peer of a process; keep it over restarts with [`to_pem`](Self::to_pem).
#[derive(Clone)]
pub struct Identity {
    pub(crate) certificate: Certificate,
    pub(crate) provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// A new certificate, its key drawn from the system's random source.
    ///
    /// # Errors
    /// [`IdentityError`] when the provider fails.
    pub fn generate() -> Result<Self, IdentityError> {
        let provider = provider()?;
        let certificate = Certificate::generate_self_signed(vec!["webrtc".to_owned()], provider.crypto())
            .map_err(refuse)?;
        Self::new(certificate, provider)
    }

    /// Reads what [`to_pem`](Self::to_pem) wrote, or any PKCS #8 key (ECDSA P-256, Ed25519 or RSA) followed by its certificate.
    ///
    /// # Errors
    /// [`IdentityError`] when `pem` is not a key followed by a certificate.
    pub fn from_pem(pem: &str) -> Result<Self, IdentityError> {
        let provider = provider()?;
        let certificate =
            Certificate::from_pem(&pem.replace(STANDARD_TAG, RTC_TAG), provider.crypto()).map_err(refuse)?;
        Self::new(certificate, provider)
    }

    /// Key and certificate as PEM. Secret.
    ///
    /// # Errors
    /// [`IdentityError`] when the provider does not export keys; ours does.
    pub fn to_pem(&self) -> Result<String, IdentityError> {
        self.certificate.serialize_pem().map(|pem| pem.replace(RTC_TAG, STANDARD_TAG)).map_err(refuse)
    }

    /// What SDP announces: SHA-256 of the certificate.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn new(certificate: Certificate, provider: Arc<dyn RTCCryptoProvider>) -> Result<Self, IdentityError> {
        let leaf = certificate
            .certificate
            .first()
            .ok_or_else(|| IdentityError::Certificate("the chain is empty".to_owned()))?;
        let fingerprint = Fingerprint {
            hash: Hash::Sha256,
            digest: digest::digest(&digest::SHA256, leaf).as_ref().to_vec(),
        };
        Ok(Self { certificate, provider, fingerprint })
    }
}

/// RFC 7468 section 10; rtc-dtls writes and wants an underscore.
const STANDARD_TAG: &str = "PRIVATE KEY-----";
const RTC_TAG: &str = "PRIVATE_KEY-----";

fn provider() -> Result<Arc<dyn RTCCryptoProvider>, IdentityError> {
    rtc_crypto::default_provider().map_err(refuse)
}

fn refuse(error: impl fmt::Display) -> IdentityError {
    IdentityError::Certificate(error.to_string())
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

    fn name(self) -> &'static str {
        match self {
            Hash::Sha256 => "sha-256",
            Hash::Sha384 => "sha-384",
            Hash::Sha512 => "sha-512",
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        }
    }
}

/// Hash of a certificate: SHA-256, SHA-384 or SHA-512. SHA-1 and MD5 are not accepted.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    digest: Vec<u8>,
}

impl Fingerprint {
    /// Reads the value of an `a=fingerprint:` line, such as `sha-256 AB:CD:…`; `None` for an unknown hash or a wrong length.
    pub fn parse(value: &str) -> Option<Self> {
        let (name, hex) = value.trim().split_once(' ')?;
        let hash = Hash::ALL.into_iter().find(|hash| name.eq_ignore_ascii_case(hash.name()))?;
        let digest = hex.trim().split(':').map(byte).collect::<Option<Vec<u8>>>()?;
        (digest.len() == hash.algorithm().output_len()).then_some(Self { hash, digest })
    }

    /// Whether `certificate` (DER) has this fingerprint.
    pub fn matches(&self, certificate: &[u8]) -> bool {
        digest::digest(self.hash.algorithm(), certificate).as_ref() == self.digest
    }
}

/// Two hexadecimal digits.
fn byte(pair: &str) -> Option<u8> {
    let digits = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(pair, 16).ok().filter(|_| digits)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        for (n, byte) in self.digest.iter().enumerate() {
            write!(f, "{}{byte:02X}", if n == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({} …)", self.hash.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_survives_being_written_and_read_and_fits_only_its_certificate() {
        let identity = Identity::generate().expect("ring makes a certificate");
        let text = identity.fingerprint().to_string();
        let read = Fingerprint::parse(&text.to_lowercase()).expect("lower case is legal");
        assert_eq!(&read, identity.fingerprint());
        let leaf = identity.certificate.certificate[0].to_vec();
        assert!(read.matches(&leaf));
        assert!(!read.matches(&leaf[1..]));
    }

    #[test]
    fn an_identity_survives_a_restart() {
        let identity = Identity::generate().expect("ring makes a certificate");
        let again =
            Identity::from_pem(&identity.to_pem().expect("our keys export")).expect("it reads its own PEM");
        assert_eq!(again.fingerprint(), identity.fingerprint());
    }

    #[test]
    fn weak_or_broken_fingerprints_are_refused() {
        let sha1 = format!("sha-1 {}", ["AB"; 20].join(":"));
        let short = format!("sha-256 {}", ["AB"; 31].join(":"));
        let signed = format!("sha-256 {}", ["+1"; 32].join(":"));
        for text in [sha1.as_str(), &short, &signed, "sha-256", "", "sha-256 zz"] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }
}
