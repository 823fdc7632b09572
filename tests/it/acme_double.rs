//! A small certificate authority that speaks ACME (RFC 8555) with TLS-ALPN-01 (RFC 8737), as strict as Let's Encrypt.

use crate::authority::Authority;
use anyhow::{Context as _, Result, bail, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, head, post},
};
use data_encoding::BASE64URL_NOPAD;
use ring::{digest, signature};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring::default_provider, verify_tls13_signature_with_raw_key},
        pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
        version::TLS13,
    },
    server::TlsStream,
};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

const ALPN: &[u8] = b"acme-tls/1";
/// id-pe-acmeIdentifier (RFC 8737 section 6.1).
const ACME_IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";

/// The authority, running until dropped.
pub(crate) struct AcmeDouble {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    addr: SocketAddr,
    authority: Authority,
    years: (i32, i32),
    state: Mutex<Book>,
    /// Where port 443 of every domain leads to, once known.
    domains_at: watch::Sender<Option<SocketAddr>>,
}

/// What has happened so far.
#[derive(Default)]
struct Book {
    nonces: HashSet<String>,
    given: u64,
    refused_one: bool,
    account: Option<Value>,
    orders: Vec<Order>,
}

struct Order {
    domain: String,
    status: &'static str,
    certificate: Option<String>,
}

impl Drop for AcmeDouble {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AcmeDouble {
    /// An authority whose certificates hold from the first of `years` to the second.
    pub(crate) async fn start(years: (i32, i32)) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let authority = Authority::new()?;
        let acceptor = TlsAcceptor::from(Arc::new(authority.server("127.0.0.1")?));
        let shared = Arc::new(Shared {
            addr: listener.local_addr()?,
            authority,
            years,
            state: Mutex::default(),
            domains_at: watch::Sender::new(None),
        });
        let app = Router::new()
            .route("/directory", get(directory))
            .route("/nonce", head(async |State(shared): State<Arc<Shared>>| shared.nonce()))
            .route("/{what}", post(posted))
            .route("/{what}/{number}", post(posted))
            .with_state(Arc::clone(&shared));
        let listener = Listener { listener, acceptor };
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { shared, task })
    }

    pub(crate) fn directory(&self) -> String {
        self.shared.url("directory")
    }

    /// Its root certificate, PEM: of its own server and of what it issues.
    pub(crate) fn root(&self) -> &str {
        &self.shared.authority.pem
    }

    /// Port 443 of every domain leads to `addr` from now on; `None`: validations wait.
    pub(crate) fn domains_lead_to(&self, addr: impl Into<Option<SocketAddr>>) {
        self.shared.domains_at.send_replace(addr.into());
    }

    /// The state of each order so far (RFC 8555 section 7.1.6).
    pub(crate) fn orders(&self) -> Vec<&'static str> {
        self.shared.book().orders.iter().map(|order| order.status).collect()
    }
}

impl Shared {
    fn url(&self, path: &str) -> String {
        format!("https://{}/{path}", self.addr)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A header with a nonce that is good once (RFC 8555 section 6.5).
    fn nonce(&self) -> [(&'static str, String); 2] {
        let mut book = self.book();
        book.given += 1;
        let nonce = format!("nonce{}", book.given);
        book.nonces.insert(nonce.clone());
        [("replay-nonce", nonce), ("cache-control", "no-store".to_owned())]
    }

    fn order(&self, number: usize) -> Value {
        let book = self.book();
        let order = &book.orders[number];
        let mut json = json!({
            "status": order.status,
            "identifiers": [{ "type": "dns", "value": order.domain }],
            "authorizations": [self.url(&format!("authorization/{number}"))],
            "finalize": self.url(&format!("finalize/{number}")),
        });
        if order.certificate.is_some() {
            json["certificate"] = json!(self.url(&format!("certificate/{number}")));
        }
        json
    }

    fn challenge(&self, number: usize) -> Value {
        let status = match self.book().orders[number].status {
            "pending" => "pending",
            "invalid" => "invalid",
            _ => "valid",
        };
        let url = self.url(&format!("challenge/{number}"));
        json!({ "type": "tls-alpn-01", "url": url, "token": token(number), "status": status })
    }
}

fn token(number: usize) -> String {
    format!("token-{number}-DGyRejmCefe7v4NfDGDKfA")
}

async fn directory(State(shared): State<Arc<Shared>>) -> axum::Json<Value> {
    axum::Json(json!({
        "newNonce": shared.url("nonce"),
        "newAccount": shared.url("account"),
        "newOrder": shared.url("orders"),
        "revokeCert": shared.url("revoke"),
        "keyChange": shared.url("key"),
    }))
}

/// Everything that is signed: each request is one flattened JWS (RFC 8555 section 6.2).
async fn posted(
    State(shared): State<Arc<Shared>>,
    path: Path<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parts: Vec<&str> = path.0.iter().map(|(_, value)| value.as_str()).collect();
    let is_jose = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/jose+json");
    let answered = match opened(&shared, &parts.join("/"), &body) {
        _ if !is_jose => Err(("malformed", "not application/jose+json".to_owned())),
        Ok(payload) => answer(&shared, &parts, &payload).map_err(|error| ("malformed", format!("{error:#}"))),
        Err(refusal) => Err(refusal),
    };
    let response = match answered {
        Ok(response) => response,
        Err((kind, detail)) => {
            let body = json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail });
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
        }
    };
    (shared.nonce(), response).into_response()
}

/// Checks a JWS and gives what was signed; `Null` for POST-as-GET.
fn opened(shared: &Shared, path: &str, body: &[u8]) -> Result<Value, (&'static str, String)> {
    let malformed = |error: anyhow::Error| ("malformed", format!("{error:#}"));
    let (header, payload) = checked(shared, path, body).map_err(malformed)?;
    let nonce = header["nonce"].as_str().unwrap_or_default();
    let mut book = shared.book();
    let is_known = book.nonces.remove(nonce);
    // Any server may lose its nonces, so one good one is refused too (RFC 8555 section 6.5: "the client SHOULD retry").
    if !is_known || !std::mem::replace(&mut book.refused_one, true) {
        return Err(("badNonce", format!("{nonce:?} is not good")));
    }
    if let Some(key) = header.get("jwk") {
        book.account = Some(key.clone());
    }
    Ok(payload)
}

fn checked(shared: &Shared, path: &str, body: &[u8]) -> Result<(Value, Value)> {
    let jws: Value = serde_json::from_slice(body)?;
    let field = |name: &str| jws[name].as_str().with_context(|| format!("no {name}"));
    let decoded = |name: &str| -> Result<Vec<u8>> { Ok(BASE64URL_NOPAD.decode(field(name)?.as_bytes())?) };
    let header: Value = serde_json::from_slice(&decoded("protected")?)?;
    ensure!(header["alg"] == "ES256" && header["url"] == shared.url(path), "{header}");
    let key = if path == "account" {
        header["jwk"].clone()
    } else {
        ensure!(header["kid"] == shared.url("account/1"), "{header}");
        shared.book().account.clone().context("no account")?
    };
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        point.extend(BASE64URL_NOPAD.decode(key[coordinate].as_str().context("no key")?.as_bytes())?);
    }
    let signed = format!("{}.{}", field("protected")?, field("payload")?);
    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decoded("signature")?)
        .ok()
        .context("the signature is wrong")?;
    let payload = decoded("payload")?;
    let payload = if payload.is_empty() { Value::Null } else { serde_json::from_slice(&payload)? };
    Ok((header, payload))
}

fn answer(shared: &Arc<Shared>, path: &[&str], payload: &Value) -> Result<Response> {
    let number: usize = path.get(1).map_or(Ok(0), |number| number.parse())?;
    let is_known = number < shared.book().orders.len();
    Ok(match path[0] {
        "account" => {
            ensure!(payload["termsOfServiceAgreed"] == true, "the terms are not agreed to");
            let at = [(header::LOCATION, shared.url("account/1"))];
            (StatusCode::CREATED, at, axum::Json(json!({ "status": "valid" }))).into_response()
        }
        "orders" => {
            let [identifier] = payload["identifiers"].as_array().context("no identifiers")?.as_slice() else {
                bail!("this authority takes one domain at a time");
            };
            let domain = identifier["value"].as_str().context("no domain")?.to_owned();
            let number = {
                let orders = &mut shared.book().orders;
                orders.push(Order { domain, status: "pending", certificate: None });
                orders.len() - 1
            };
            let at = [(header::LOCATION, shared.url(&format!("order/{number}")))];
            (StatusCode::CREATED, at, axum::Json(shared.order(number))).into_response()
        }
        _ if !is_known => bail!("there is no {path:?}"),
        "order" => axum::Json(shared.order(number)).into_response(),
        "authorization" => {
            let challenge = shared.challenge(number);
            let other =
                json!({ "type": "http-01", "url": shared.url("other"), "token": "x", "status": "pending" });
            let domain = shared.book().orders[number].domain.clone();
            axum::Json(json!({
                "status": challenge["status"],
                "identifier": { "type": "dns", "value": domain },
                "challenges": [other, challenge],
            }))
            .into_response()
        }
        "challenge" => {
            if *payload == json!({}) {
                tokio::spawn(judge(Arc::clone(shared), number));
            }
            axum::Json(shared.challenge(number)).into_response()
        }
        "finalize" => {
            ensure!(shared.book().orders[number].status == "ready", "the order is not ready");
            let request = BASE64URL_NOPAD.decode(payload["csr"].as_str().context("no csr")?.as_bytes())?;
            let chain = shared.authority.sign(&request, shared.years)?;
            {
                let order = &mut shared.book().orders[number];
                order.status = "valid";
                order.certificate = Some(chain);
            }
            axum::Json(shared.order(number)).into_response()
        }
        "certificate" => {
            let chain = shared.book().orders[number].certificate.clone().context("not issued")?;
            ([(header::CONTENT_TYPE, "application/pem-certificate-chain")], chain).into_response()
        }
        other => bail!("there is no {other}"),
    })
}

/// Validates a domain and writes down what came of it.
async fn judge(shared: Arc<Shared>, number: usize) {
    let verdict = validated(&shared, number).await;
    let status = match verdict {
        Ok(()) => "ready",
        Err(error) => {
            eprintln!("the domain is not validated: {error:#}");
            "invalid"
        }
    };
    shared.book().orders[number].status = status;
}

/// Does what RFC 8737 section 3 asks of a server.
async fn validated(shared: &Shared, number: usize) -> Result<()> {
    let (domain, key) = {
        let book = shared.book();
        (book.orders[number].domain.clone(), book.account.clone().context("no account")?)
    };
    // RFC 7638: members in alphabetic order, no space between.
    let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, key["x"], key["y"]);
    let thumbprint = digest::digest(&digest::SHA256, thumbprint.as_bytes());
    let authorization = format!("{}.{}", token(number), BASE64URL_NOPAD.encode(thumbprint.as_ref()));
    let expected = digest::digest(&digest::SHA256, authorization.as_bytes());

    let at = shared.domains_at.subscribe().wait_for(Option::is_some).await?.context("known by now")?;
    let provider = Arc::new(default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let stream = TcpStream::connect(at).await?;
    let name = ServerName::try_from(domain.clone())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (_, tls) = stream.get_ref();
    ensure!(tls.alpn_protocol() == Some(ALPN), "another protocol was agreed on");
    let shown = tls.peer_certificates().and_then(<[_]>::first).context("no certificate was shown")?;
    let (_, shown) = parse_x509_certificate(shown)?;
    let names = shown.subject_alternative_name()?.context("a certificate without names")?;
    let [GeneralName::DNSName(named)] = names.value.general_names.as_slice() else {
        bail!("not for the domain alone: {names:?}");
    };
    ensure!(*named == domain, "for {named}");
    let proof = shown.extensions().iter().find(|extension| extension.oid.to_id_string() == ACME_IDENTIFIER);
    let proof = proof.context("no acmeIdentifier")?;
    // An OCTET STRING of 32 bytes (RFC 8737 section 3).
    let digest = proof.value.strip_prefix(&[4, 32]).context("no digest")?;
    ensure!(proof.critical && digest == expected.as_ref(), "the proof is another one's");
    Ok(())
}

/// A validation looks at the certificate itself, so any is taken at first.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, tokio_rustls::rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, tokio_rustls::rustls::Error> {
        Err(tokio_rustls::rustls::Error::General("TLS 1.3 was asked for".to_owned()))
    }

    /// By the certificate's key alone: the usual way reads the whole certificate, and refuses one with a critical extension it does
    /// not know, which is just what a proof is.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, tokio_rustls::rustls::Error> {
        let (_, certificate) = parse_x509_certificate(certificate)
            .map_err(|error| tokio_rustls::rustls::Error::General(error.to_string()))?;
        let key = SubjectPublicKeyInfoDer::from(certificate.tbs_certificate.subject_pki.raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Encrypted connections for axum.
struct Listener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok((stream, from)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
