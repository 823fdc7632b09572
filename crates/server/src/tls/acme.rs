//! A certificate from Let's Encrypt or another ACME server (RFC 8555), proven over this same port (TLS-ALPN-01, RFC 8737).

use super::{
    certificates::{Certificate, Certificates},
    self_signed::write_private,
};
use crate::config::TlsConfig;
use anyhow::{Context as _, bail, ensure};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// ALPN protocol of a validation (RFC 8737 section 6.2).
pub(crate) const VALIDATION: &[u8] = b"acme-tls/1";

const ACCOUNT: &str = "acme-account.json";
const CHAIN: &str = "acme.pem";
const KEY: &str = "acme-key.pem";
/// After a failure: Let's Encrypt allows five of them an hour.
const RETRY: (Duration, Duration) = (Duration::from_mins(15), Duration::from_hours(12));
/// How often it is looked whether the certificate must be renewed.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// How long a server may take to validate and to issue.
const PATIENCE: Duration = Duration::from_mins(2);

/// Fetches and renews.
pub(crate) struct Acme {
    domains: Vec<String>,
    contact: String,
    directory: String,
    /// Root of a private ACME server's own certificate; empty: what the system trusts.
    root: PathBuf,
    folder: PathBuf,
    certificates: Arc<Certificates>,
}

impl Acme {
    pub(crate) fn new(config: &TlsConfig, folder: &Path, certificates: Arc<Certificates>) -> Self {
        Self {
            domains: config.domains.clone(),
            contact: config.contact.clone(),
            directory: config.directory.clone(),
            root: config.directory_root.clone(),
            folder: folder.to_owned(),
            certificates,
        }
    }

    /// The certificate of the last run, if it is for all domains and not over.
    pub(crate) fn kept(&self) -> Option<Certificate> {
        let read = |name| fs::read(self.folder.join(name)).ok();
        let kept = Certificate::from_pem(&read(CHAIN)?, &read(KEY)?).ok()?;
        let is_for_all = self.domains.iter().all(|domain| kept.names.contains(domain));
        (is_for_all && kept.ends > SystemTime::now()).then_some(kept)
    }

    /// Fetches what is missing, renews what has lived two thirds of its life, until `stop`.
    pub(crate) async fn tend(self, stop: CancellationToken) {
        let mut current = self.kept();
        let mut retry = RETRY.0;
        loop {
            let mut wait = LOOK_EVERY;
            if current.as_ref().is_none_or(|current| current.is_due(SystemTime::now())) {
                match self.order().await {
                    Ok(fresh) => {
                        info!("a certificate from {} is in use now", self.directory);
                        self.certificates.set(fresh.clone());
                        current = Some(fresh);
                        retry = RETRY.0;
                    }
                    Err(error) => {
                        warn!(
                            "no certificate from {}: {error:#}; the next try is in {} minutes",
                            self.directory,
                            retry.as_secs() / 60
                        );
                        wait = retry;
                        retry = (retry * 2).min(RETRY.1);
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One order, from account to certificate.
    async fn order(&self) -> anyhow::Result<Certificate> {
        let account = self.account().await?;
        let names: Vec<_> = self.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await.context("the order was refused")?;
        let proven = self.prove(&mut order).await;
        let retries = RetryPolicy::default().timeout(PATIENCE);
        let status = match proven {
            Ok(()) => order.poll_ready(&retries).await.context("the domains were not validated"),
            Err(error) => Err(error),
        };
        self.certificates.clear_challenges();
        match status? {
            OrderStatus::Ready | OrderStatus::Valid => {}
            other => bail!(
                "the domains were not validated ({other:?}): port 443 of {} must lead to this server's port",
                self.domains.join(", ")
            ),
        }
        let key = order.finalize().await.context("the order was not completed")?;
        let chain = order.poll_certificate(&retries).await.context("no certificate was issued")?;
        let fresh = Certificate::from_pem(chain.as_bytes(), key.as_bytes())
            .context("the certificate cannot be used")?;
        write_private(&self.folder.join(KEY), &key)?;
        let file = self.folder.join(CHAIN);
        fs::write(&file, &chain).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(fresh)
    }

    /// Puts up a proof for each domain and says so.
    async fn prove(&self, order: &mut instant_acme::Order) -> anyhow::Result<()> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.context("an authorization cannot be read")?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let Identifier::Dns(domain) = authorization.identifier().identifier.clone() else {
                bail!("the server asks for a proof that is not for a domain");
            };
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .with_context(|| format!("the server offers no proof of {domain} over TLS (tls-alpn-01)"))?;
            let (chain, key) = proof(&domain, challenge.key_authorization().digest().as_ref())?;
            self.certificates.set_challenge(domain.clone(), chain.as_bytes(), key.as_bytes())?;
            challenge.set_ready().await.with_context(|| format!("the proof of {domain} was refused"))?;
        }
        Ok(())
    }

    /// The account of earlier runs, or a new one.
    async fn account(&self) -> anyhow::Result<Account> {
        let builder = || {
            if self.root.as_os_str().is_empty() {
                Account::builder()
            } else {
                Account::builder_with_root(&self.root)
            }
        };
        let file = self.folder.join(ACCOUNT);
        if let Ok(known) = fs::read_to_string(&file)
            && let Ok(Known { directory, credentials }) = serde_json::from_str(&known)
            && directory == self.directory
        {
            return builder()?
                .from_credentials(credentials)
                .await
                .context("the ACME server cannot be reached");
        }
        let contact = format!("mailto:{}", self.contact);
        let contact: &[&str] = if self.contact.is_empty() { &[] } else { &[&contact] };
        let wanted = NewAccount { contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder()?
            .create(&wanted, self.directory.clone(), None)
            .await
            .context("the ACME server gave no account")?;
        let known = serde_json::to_string(&Known { directory: self.directory.clone(), credentials })?;
        write_private(&file, &known)?;
        Ok(account)
    }
}

/// An account and the server it is at.
#[derive(serde::Serialize, serde::Deserialize)]
struct Known {
    directory: String,
    credentials: AccountCredentials,
}

/// The certificate that proves a domain (RFC 8737 section 3): for its name alone, with the digest in a critical extension.
fn proof(domain: &str, digest: &[u8]) -> anyhow::Result<(String, String)> {
    ensure!(digest.len() == 32, "a digest of {} bytes, expected 32", digest.len());
    let mut params = CertificateParams::new(vec![domain.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}
