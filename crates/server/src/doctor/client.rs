//! What a browser does to open a page: a connection, encryption with a certificate it trusts, a request.

use crate::tls::provider;
use anyhow::Context as _;
use axum::{
    body::Body,
    http::{Request, Response, header},
};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};

/// A connection, encrypted or not.
pub(super) type Connection = Box<dyn Stream>;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Opens connections to one server.
pub(super) struct Client {
    host: String,
    verifier: Option<Arc<Curious>>,
    patience: Duration,
}

impl Client {
    /// `is_encrypted`: https; `roots`: DER certificates trusted besides the system's.
    ///
    /// # Errors
    /// When nothing at all is trusted.
    pub(super) fn new(
        host: &str,
        is_encrypted: bool,
        roots: Vec<CertificateDer<'static>>,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let verifier = if is_encrypted {
            let mut trusted = RootCertStore::empty();
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            trusted.add_parsable_certificates(roots);
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), provider());
            let inner = builder.build().context(
                "this machine trusts no authority: install ca-certificates, or name a root with --root",
            )?;
            Some(Arc::new(Curious { inner, doubt: Mutex::default() }))
        } else {
            None
        };
        Ok(Self { host: host.to_owned(), verifier, patience })
    }

    /// Opens one, and tells what a browser would object to in the certificate.
    ///
    /// # Errors
    /// When no connection comes about.
    pub(super) async fn open(
        &self,
        server: SocketAddr,
    ) -> io::Result<(Connection, Option<CertificateError>)> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let stream = timeout(self.patience, TcpStream::connect(server)).await.map_err(late)??;
        let Some(verifier) = &self.verifier else { return Ok((Box::new(stream), None)) };
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(verifier) as Arc<_>)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = timeout(self.patience, handshake).await.map_err(late)??;
        Ok((Box::new(stream), verifier.take()))
    }

    /// Sends a GET and gives the head of the answer.
    ///
    /// # Errors
    /// When no answer comes in time.
    pub(super) async fn get(
        &self,
        connection: Connection,
        path: &str,
        headers: &[(header::HeaderName, &'static str)],
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::get(path).header(header::HOST, &self.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::empty())?;
        let asked = async {
            let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
            tokio::spawn(connection.with_upgrades());
            anyhow::Ok(sender.send_request(request).await?)
        };
        timeout(self.patience, asked).await.context("no answer in time")?
    }
}

/// Lets every certificate pass and remembers what a browser would say: the rest of the way is to be examined too.
#[derive(Debug)]
struct Curious {
    inner: Arc<WebPkiServerVerifier>,
    doubt: Mutex<Option<CertificateError>>,
}

impl Curious {
    fn take(&self) -> Option<CertificateError> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Curious {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let doubt = match self.inner.verify_server_cert(leaf, between, name, ocsp, now) {
            Ok(_) => None,
            Err(rustls::Error::InvalidCertificate(doubt)) => Some(doubt),
            Err(_) => Some(CertificateError::BadEncoding),
        };
        *self.doubt.lock().unwrap_or_else(PoisonError::into_inner) = doubt;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
