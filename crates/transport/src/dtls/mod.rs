//! One DTLS 1.2 association around rtc-dtls: roles, SRTP profile, retransmission, limits.
//!
//! What rtc-dtls 0.21.1 does and this module makes good for:
//! - it takes the *client's* first known SRTP profile, and Chromium lists `SHA1_80` before GCM: so a server first tries a configuration with
//!   GCM alone and falls back to `SHA1_80` when the `ClientHello` has none;
//! - it stops its retransmission timer when any handshake record arrives, even a repeated one, so that two losses can stall both sides
//!   for ever: so repeats are kept from it and answered with a retransmission ([`filter`]);
//! - its retransmission interval is fixed: so ours grows, by calling its timer late;
//! - its buffers take any number of fragments and recurse over them, and a hello in two pieces makes it send its cookie twice: so records
//!   are counted and fragments put together before it sees them.

mod filter;
#[cfg(test)]
mod tests;

use crate::endpoint::Shared;
use crate::srtp::{KEYING_MATERIAL_LABEL, Profile, SrtpKeys};
use crate::{CloseReason, Identity};
use bytes::BytesMut;
use domain::Timestamp;
use filter::{Filter, Verdict};
use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;
use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

/// rtc-dtls tells associations apart by address; ours has only one, wherever its packets come from.
const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// rtc-dtls's own timer: the least time between two sendings of a flight.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// First retransmission; doubles up to [`MOST_INTERVAL`]. rtc-dtls gives up after seven: about ten seconds.
const FIRST_INTERVAL: Duration = Duration::from_millis(250);
const MOST_INTERVAL: Duration = Duration::from_secs(2);
/// Headers of a datagram on an IPv4 path.
const UDP_AND_IP: usize = 28;
/// Datagrams kept until the `ClientHello` is understood, to try another profile on them.
const MAX_EARLY: usize = 8;
/// Repeats of the other side's flight that are answered at once, per flight of ours.
const MAX_PROMPTED: u8 = 3;

/// Resolved handshake configurations; building one costs milliseconds, so there is one each for the whole process.
pub(crate) struct DtlsConfigs {
    server_gcm: Arc<HandshakeConfig>,
    server_sha1: Arc<HandshakeConfig>,
    client: Arc<HandshakeConfig>,
}

impl DtlsConfigs {
    pub(crate) fn new(identity: &Identity) -> Result<Self, String> {
        let gcm = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
        let sha1 = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
        let build = |profiles: Vec<SrtpProtectionProfile>, is_client: bool| {
            ConfigBuilder::default()
                .with_crypto_provider(identity.provider.clone())
                .with_certificates(vec![identity.certificate.clone()])
                // The same list serves both roles: as a server with an ECDSA key rtc-dtls keeps the ECDSA suites of it.
                .with_cipher_suites(vec![
                    CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
                    CipherSuiteId::Tls_Ecdhe_Rsa_With_Aes_128_Gcm_Sha256,
                    CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_256_Cbc_Sha,
                    CipherSuiteId::Tls_Ecdhe_Rsa_With_Aes_256_Cbc_Sha,
                ])
                .with_srtp_protection_profiles(profiles)
                // There is no authority to ask: the certificate is compared with SDP's fingerprint after the handshake
                // (RFC 8827 section 6.5). Possession of its key is still proved: CertificateVerify and the signed
                // ServerKeyExchange are checked whatever this is set to.
                .with_insecure_skip_verify(true)
                .with_client_auth(ClientAuthType::RequireAnyClientCert)
                .with_flight_interval(LEAST_INTERVAL)
                .with_server_name("webrtc".to_owned())
                .build(is_client, None)
                .map(Arc::new)
                .map_err(|error| error.to_string())
        };
        Ok(Self {
            server_gcm: build(vec![gcm], false)?,
            server_sha1: build(vec![sha1], false)?,
            client: build(vec![gcm, sha1], true)?,
        })
    }
}

/// What an association has come to.
#[derive(Debug)]
pub(crate) enum DtlsEvent {
    /// Both sides are done. The fingerprint is not checked yet.
    Connected {
        keys: Box<SrtpKeys>,
        /// The other side's leaf certificate, DER.
        certificate: Vec<u8>,
    },
    Ended(CloseReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Handshaking,
    Connected,
    Ended,
}

/// One association.
pub(crate) struct Dtls {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    is_client: bool,
    phase: Phase,
    filter: Filter,
    /// Accepted datagrams of a server that may still fall back to `SHA1_80`.
    early: Vec<Vec<u8>>,
    fell_back: bool,
    transmits: VecDeque<Vec<u8>>,
    /// The latest sending of anything, repeats included.
    sent_at: Timestamp,
    /// The first sending of the flight that is not yet answered.
    asked_at: Option<Timestamp>,
    answered: Option<Duration>,
    interval: Duration,
    retransmit_at: Option<Timestamp>,
    prompted: u8,
    /// Bytes of the latest flight, UDP and IP headers included; 0 once it was answered or sent again.
    flight_bytes: usize,
    shown: Option<Shown>,
}

/// What a handshake showed of the path: so many bytes went there and an answer came back within that time. The path therefore
/// carries at least their quotient; it may carry far more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Bytes of our flight, UDP and IP headers included.
    pub bytes: usize,
    /// From its departure to the first datagram that answered it, the other side's computing included.
    pub within: Duration,
}

impl Dtls {
    /// Waits for a `ClientHello`.
    pub(crate) fn server(shared: Arc<Shared>, now: Timestamp) -> Self {
        let endpoint = Endpoint::new(REMOTE, TransportProtocol::UDP, Some(shared.dtls.server_gcm.clone()));
        Self::new(shared, endpoint, false, now)
    }

    /// Sends a `ClientHello`.
    pub(crate) fn client(shared: Arc<Shared>, now: Timestamp) -> (Self, Option<DtlsEvent>) {
        let endpoint = Endpoint::new(REMOTE, TransportProtocol::UDP, None);
        let mut dtls = Self::new(shared, endpoint, true, now);
        let config = dtls.shared.dtls.client.clone();
        let begun = dtls.endpoint.connect(dtls.shared.instant(now), REMOTE, config, None);
        dtls.collect(now);
        let event = begun.is_err().then(|| dtls.end(CloseReason::HandshakeFailed));
        (dtls, event)
    }

    fn new(shared: Arc<Shared>, endpoint: Endpoint, is_client: bool, now: Timestamp) -> Self {
        Self {
            shared,
            endpoint,
            is_client,
            phase: Phase::Handshaking,
            filter: Filter::new(is_client),
            early: Vec::new(),
            fell_back: false,
            transmits: VecDeque::new(),
            sent_at: now,
            asked_at: None,
            answered: None,
            interval: FIRST_INTERVAL,
            retransmit_at: None,
            prompted: 0,
            flight_bytes: 0,
            shown: None,
        }
    }

    /// What the largest flight that was answered at its first sending showed of the path.
    pub(crate) fn shown(&self) -> Option<Shown> {
        self.shown
    }

    /// The least time from a flight's first sending to its answer: never less than the path's round trip, and more only when every flight
    /// had to be sent again. So it is known after any handshake, where [`Self::shown`] may not be.
    pub(crate) fn answered(&self) -> Option<Duration> {
        self.answered
    }

    /// Feeds one datagram. The flag says whether it was dropped as a whole.
    pub(crate) fn handle(&mut self, now: Timestamp, datagram: &[u8]) -> (Option<DtlsEvent>, bool) {
        if self.phase == Phase::Ended {
            return (None, true);
        }
        match self.filter.judge(datagram, self.phase == Phase::Connected) {
            Verdict::Drop => (None, true),
            Verdict::Wait => (None, false),
            Verdict::Repeat => {
                if self.prompted < MAX_PROMPTED && now.saturating_since(self.sent_at) >= LEAST_INTERVAL {
                    self.prompted += 1;
                    return (self.retransmit(now), false);
                }
                (None, false)
            }
            Verdict::Feed(records) => {
                if let Some(asked_at) = self.asked_at.take() {
                    let within = now.saturating_since(asked_at);
                    self.answered = Some(self.answered.map_or(within, |least| least.min(within)));
                }
                let bytes = std::mem::take(&mut self.flight_bytes);
                if bytes > self.shown.map_or(0, |shown| shown.bytes) {
                    self.shown = Some(Shown { bytes, within: now.saturating_since(self.sent_at) });
                }
                (self.feed(now, &records), false)
            }
        }
    }

    fn feed(&mut self, now: Timestamp, records: &[u8]) -> Option<DtlsEvent> {
        let may_fall_back = !self.is_client
            && !self.fell_back
            && self.phase == Phase::Handshaking
            && !self.filter.has_answered();
        if may_fall_back {
            if self.early.len() >= MAX_EARLY {
                return None;
            }
            self.early.push(records.to_vec());
        }
        let outcome = self.endpoint.read(self.shared.instant(now), REMOTE, None, BytesMut::from(records));
        if may_fall_back && matches!(outcome, Err(Error::ErrServerNoMatchingSrtpProfile)) {
            return self.fall_back(now);
        }
        let answered = self.collect(now);
        if answered {
            self.filter.answered();
            self.early = Vec::new();
            self.prompted = 0;
            self.interval = FIRST_INTERVAL;
            self.retransmit_at = (self.phase == Phase::Handshaking).then(|| now + self.interval);
        }
        let mut event = None;
        for news in outcome.as_ref().map_or(&[][..], Vec::as_slice) {
            match news {
                EndpointEvent::HandshakeComplete => event = Some(self.finish()),
                EndpointEvent::PeerClosed => event = Some(self.end(CloseReason::Remote)),
                // No data channel is ever negotiated, and the filter keeps application data out.
                _ => {}
            }
        }
        match outcome {
            Ok(_) => event,
            Err(_) if self.phase == Phase::Connected => Some(self.end(CloseReason::Remote)),
            Err(_) => Some(self.end(CloseReason::HandshakeFailed)),
        }
    }

    /// The `ClientHello` has no GCM: begins again with `SHA1_80` on the same datagrams. What the first try wanted to say is dropped with it.
    fn fall_back(&mut self, now: Timestamp) -> Option<DtlsEvent> {
        self.fell_back = true;
        self.endpoint =
            Endpoint::new(REMOTE, TransportProtocol::UDP, Some(self.shared.dtls.server_sha1.clone()));
        let mut event = None;
        for records in std::mem::take(&mut self.early) {
            event = event.or(self.feed(now, &records));
        }
        event
    }

    fn finish(&mut self) -> DtlsEvent {
        self.retransmit_at = None;
        let Some(state) = self.endpoint.get_connection_state(REMOTE) else {
            return self.end(CloseReason::HandshakeFailed);
        };
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::Aes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::Aes128CmSha1_80,
            _ => return self.end(CloseReason::NoSrtp),
        };
        let material = state.export_keying_material(KEYING_MATERIAL_LABEL, &[], profile.material_len());
        let keys = material
            .ok()
            .and_then(|material| SrtpKeys::from_material(profile, material.as_ref(), self.is_client));
        match (keys, state.peer_certificates.first().cloned()) {
            (Some(keys), Some(certificate)) => {
                self.phase = Phase::Connected;
                DtlsEvent::Connected { keys: Box::new(keys), certificate }
            }
            _ => self.end(CloseReason::HandshakeFailed),
        }
    }

    fn end(&mut self, reason: CloseReason) -> DtlsEvent {
        self.phase = Phase::Ended;
        self.retransmit_at = None;
        DtlsEvent::Ended(reason)
    }

    /// Says goodbye, if there is anybody to say it to.
    pub(crate) fn close(&mut self, now: Timestamp) {
        if self.phase != Phase::Ended {
            let instant = self.shared.instant(now);
            drop(self.endpoint.stop(instant, REMOTE));
            self.collect(now);
        }
        self.end(CloseReason::Local);
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.retransmit_at
    }

    pub(crate) fn handle_timeout(&mut self, now: Timestamp) -> Option<DtlsEvent> {
        if self.retransmit_at.is_none_or(|at| now < at) {
            return None;
        }
        self.interval = (self.interval * 2).min(MOST_INTERVAL);
        let event = self.retransmit(now);
        self.retransmit_at = (self.phase == Phase::Handshaking).then(|| now + self.interval);
        event
    }

    fn retransmit(&mut self, now: Timestamp) -> Option<DtlsEvent> {
        let instant = self.shared.instant(now);
        let outcome = self.endpoint.handle_timeout(REMOTE, instant);
        let asked_at = self.asked_at;
        self.collect(now);
        self.asked_at = asked_at;
        // Nobody can tell which of the two sendings an answer is to.
        self.flight_bytes = 0;
        // rtc-dtls ends a handshake after seven retransmissions of a flight; an unknown association only has not begun.
        match outcome {
            Err(Error::InvalidRemoteAddress(_)) | Ok(()) => None,
            Err(_) => Some(self.end(CloseReason::HandshakeFailed)),
        }
    }

    /// Takes what rtc-dtls wants to send; whether that was anything.
    fn collect(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            any = true;
            self.flight_bytes += transmit.message.len() + UDP_AND_IP;
            self.transmits.push_back(transmit.message.to_vec());
        }
        if any {
            self.sent_at = now;
            self.asked_at = Some(now);
            if self.retransmit_at.is_none() && self.phase == Phase::Handshaking {
                self.retransmit_at = Some(now + self.interval);
            }
        }
        any
    }
}
