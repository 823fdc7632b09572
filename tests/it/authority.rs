//! An authority of a test's own, and browsers that trust it.

use crate::rig::{PATIENCE, Rig};
use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use std::{path::Path, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

/// Signs certificates that only a test trusts.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// A certificate for `name` and its key, PEM.
    fn make(&self, name: &str) -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Writes a certificate for `name` and its key into `folder`, as certbot does.
    pub(crate) fn issue(&self, folder: &Path, name: &str) -> Result<()> {
        let (certificate, key) = self.make(name)?;
        std::fs::write(folder.join("fullchain.pem"), certificate)?;
        std::fs::write(folder.join("privkey.pem"), key)?;
        Ok(())
    }

    /// The same with the authority's own certificate behind it, valid from the first of `years` to the second.
    pub(crate) fn issue_chain(&self, folder: &Path, name: &str, years: (i32, i32)) -> Result<()> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let chain = format!("{}{}", params.signed_by(&key, &self.issuer)?.pem(), self.pem);
        std::fs::write(folder.join("fullchain.pem"), chain)?;
        std::fs::write(folder.join("privkey.pem"), key.serialize_pem())?;
        Ok(())
    }

    /// Signs a request (PKCS #10, DER) as it stands; the certificate holds from `years.0` to `years.1`.
    pub(crate) fn sign(&self, request: &[u8], years: (i32, i32)) -> Result<String> {
        let mut request = CertificateSigningRequestParams::from_der(&request.into())?;
        request.params.not_before = date_time_ymd(years.0, 1, 1);
        request.params.not_after = date_time_ymd(years.1, 1, 1);
        Ok(request.signed_by(&self.issuer)?.pem())
    }

    /// What a TLS server called `name` needs.
    pub(crate) fn server(&self, name: &str) -> Result<ServerConfig> {
        let (certificate, key) = self.make(name)?;
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        Ok(builder.with_single_cert(chain, key)?)
    }
}

/// A browser that trusts `authority` opens a connection to the server under `name`.
pub(crate) async fn open(rig: &Rig, authority: &str, name: &str) -> Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(rig.addr()).await?;
    let name = ServerName::try_from(name.to_owned())?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

/// Asks for a path and gives the whole answer.
pub(crate) async fn get(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    host: &str,
    path: &str,
) -> Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A peer that closes without saying so has said everything all the same.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.context("no answer in time")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
