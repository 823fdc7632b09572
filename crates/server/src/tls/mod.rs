//! TLS on the one port: where the certificate comes from, and how it is renewed without anybody noticing.
//!
//! | `tls.mode` | certificate | renewed |
//! |---|---|---|
//! | `files` | what another program (certbot, the school's own authority) keeps in two files | read again when they change |
//! | `acme` | fetched from Let's Encrypt or another RFC 8555 server, proven over this same port | when two thirds of its life are over |
//! | `self_signed` | made here, signed by an authority made here | when addresses change or it ends |
//! | `off` | none: plain HTTP, for this machine and named proxies | – |
//!
//! A connection keeps the certificate it began with, so a renewal interrupts no lesson.

mod acme;
mod certificates;
mod explain;
mod files;
mod self_signed;

use acme::Acme;
pub(crate) use acme::VALIDATION;
use certificates::Certificates;
pub(crate) use certificates::{Certificate, provider};
pub(crate) use explain::explain;

use crate::config::{Config, TlsMode};
use anyhow::Context as _;
use files::Files;
use self_signed::SelfSigned;
pub(crate) use self_signed::is_private;
use sha2::{Digest as _, Sha256};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often files and addresses are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Protocols offered inside TLS. HTTP/1.1 alone: a WebSocket needs it, and a page loads a handful of files.
const ALPN: &[u8] = b"http/1.1";

/// What keeps the certificate good.
enum Source {
    Files(Files),
    SelfSigned(Box<SelfSigned>),
}

/// TLS of one running server.
pub(crate) struct Tls {
    /// For the acceptor.
    pub(crate) config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
    source: Source,
    acme: Option<Acme>,
}

impl Tls {
    /// Prepares what the configuration asks for; `None` when it asks for no TLS.
    ///
    /// # Errors
    /// When a file cannot be read or holds no certificate with its key; the message names it.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        let folder = config.data_dir.join("tls");
        let mut source = match config.tls.mode {
            TlsMode::Off => return Ok(None),
            TlsMode::Files => Source::Files(Files::new(&config.tls.certificate, &config.tls.key)),
            // One of the server's own stands in until the first one has been fetched.
            TlsMode::SelfSigned | TlsMode::Acme => {
                Source::SelfSigned(Box::new(SelfSigned::open(&folder, names(config))?))
            }
        };
        let certificates = Arc::new(Certificates::default());
        certificates.set(source.look()?.context("the first look at a certificate finds one")?);
        let acme = (config.tls.mode == TlsMode::Acme)
            .then(|| Acme::new(&config.tls, &folder, Arc::clone(&certificates)));
        if let Some(kept) = acme.as_ref().and_then(Acme::kept) {
            certificates.set(kept);
        }
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificates) as Arc<_>);
        server.alpn_protocols = vec![ALPN.to_vec(), VALIDATION.to_vec()];
        Ok(Some(Self { config: Arc::new(server), certificates, source, acme }))
    }

    /// Keeps the certificate good until `stop`.
    pub(crate) async fn tend(mut self, stop: CancellationToken) {
        if let Some(acme) = self.acme {
            return acme.tend(stop).await;
        }
        let mut turn = interval(LOOK_EVERY);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complained = String::new();
        loop {
            tokio::select! {
                _ = turn.tick() => {}
                () = stop.cancelled() => return,
            }
            match self.source.look() {
                Ok(None) => {}
                Ok(Some(fresh)) => {
                    self.certificates.set(fresh);
                    complained.clear();
                    info!("a new certificate is in use; open connections keep the one they have");
                }
                Err(error) => {
                    // The one in use stays. The same complaint every ten seconds would bury everything else.
                    let words = format!("{error:#}");
                    if words != complained {
                        warn!("the new certificate cannot be used, the old one stays: {words}");
                        complained = words;
                    }
                }
            }
        }
    }
}

impl Source {
    /// A certificate, when there is a newer one than at the last look.
    fn look(&mut self) -> anyhow::Result<Option<Certificate>> {
        match self {
            Source::Files(files) => files.look(),
            Source::SelfSigned(own) => own.look(),
        }
    }
}

/// The names and addresses a certificate made here is for, besides this machine's interfaces.
fn names(config: &Config) -> Vec<String> {
    config.public_host().into_iter().chain(config.announce.iter().cloned()).collect()
}

/// The certificate the files of a configuration hold, for an examination: nothing is made or fetched. `None`: there is none yet.
///
/// # Errors
/// When files are named that hold none that can be used.
pub(crate) fn certificate_of(config: &Config) -> anyhow::Result<Option<Certificate>> {
    match config.tls.mode {
        TlsMode::Files => Files::new(&config.tls.certificate, &config.tls.key).look(),
        TlsMode::Acme => Ok(Acme::new(&config.tls, &config.data_dir.join("tls"), Arc::default()).kept()),
        TlsMode::SelfSigned | TlsMode::Off => Ok(None),
    }
}

/// The file of the authority that signs certificates made here, for devices that are to trust it.
pub(crate) fn authority_file(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("tls").join(self_signed::AUTHORITY)
}

/// What people compare: SHA-256 of a certificate, in hexadecimal.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    let print = data_encoding::HEXUPPER.encode(&Sha256::digest(der));
    let pairs: Vec<_> = print.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
    pairs.join(":")
}

/// The first certificate of a PEM file, DER.
pub(crate) fn first_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::from_pem_slice(pem).ok().map(|certificate| certificate.to_vec())
}
