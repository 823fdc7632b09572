//! What lies between ICE and media on both sides: DTLS, the fingerprint, the SRTP keys.

use crate::dtls::{Dtls, DtlsEvent, Shown};
use crate::endpoint::Shared;
use crate::srtp::{OpenError, OpenedRtp, Opener, RtcpOpener, RtcpSealer, SrtpKeys};
use crate::{CloseReason, Fingerprint, Sealer};
use domain::Timestamp;
use std::{sync::Arc, time::Duration};

/// News of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionEvent {
    Connected,
    Ended(CloseReason),
}

struct Keyed {
    opener: Opener,
    rtcp_opener: RtcpOpener,
    rtcp_sealer: RtcpSealer,
}

pub(crate) struct Session {
    shared: Arc<Shared>,
    fingerprints: Vec<Fingerprint>,
    /// SSRCs we send with, in the order of their stream indices.
    ssrcs: Vec<u32>,
    dtls: Option<Dtls>,
    keyed: Option<Keyed>,
    sealer: Option<Sealer>,
    ended: bool,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, fingerprints: Vec<Fingerprint>, ssrcs: Vec<u32>) -> Self {
        Self { shared, fingerprints, ssrcs, dtls: None, keyed: None, sealer: None, ended: false }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.keyed.is_some() && !self.ended
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.dtls.is_some()
    }

    /// Opens DTLS as its client.
    pub(crate) fn connect(&mut self, now: Timestamp) -> Option<SessionEvent> {
        let (dtls, event) = Dtls::client(self.shared.clone(), now);
        self.dtls = Some(dtls);
        event.map(|event| self.digest(now, event))
    }

    /// One DTLS datagram; a first one makes us the server. The flag says whether it was dropped.
    pub(crate) fn handle_dtls(&mut self, now: Timestamp, datagram: &[u8]) -> (Option<SessionEvent>, bool) {
        let shared = &self.shared;
        let (event, dropped) =
            self.dtls.get_or_insert_with(|| Dtls::server(shared.clone(), now)).handle(now, datagram);
        (event.map(|event| self.digest(now, event)), dropped)
    }

    fn digest(&mut self, now: Timestamp, event: DtlsEvent) -> SessionEvent {
        let outcome = match event {
            DtlsEvent::Ended(reason) => Err(reason),
            DtlsEvent::Connected { keys, certificate } => self.key(&keys, &certificate),
        };
        match outcome {
            Ok(()) => SessionEvent::Connected,
            Err(reason) => {
                self.close(now);
                SessionEvent::Ended(reason)
            }
        }
    }

    fn key(&mut self, keys: &SrtpKeys, certificate: &[u8]) -> Result<(), CloseReason> {
        if !self.fingerprints.iter().any(|fingerprint| fingerprint.matches(certificate)) {
            return Err(CloseReason::FingerprintMismatch);
        }
        let crypto = self.shared.identity.provider.crypto();
        let sealer = Sealer::new(keys, &self.ssrcs, crypto).map_err(|_| CloseReason::NoSrtp)?;
        let keyed = (|| {
            Ok::<_, rtc_crypto::CryptoError>(Keyed {
                opener: Opener::new(keys, crypto)?,
                rtcp_opener: RtcpOpener::new(keys, crypto)?,
                rtcp_sealer: RtcpSealer::new(keys, crypto)?,
            })
        })()
        .map_err(|_| CloseReason::NoSrtp)?;
        self.sealer = Some(sealer);
        self.keyed = Some(keyed);
        Ok(())
    }

    pub(crate) fn shown(&self) -> Option<Shown> {
        self.dtls.as_ref()?.shown()
    }

    pub(crate) fn answered(&self) -> Option<Duration> {
        self.dtls.as_ref()?.answered()
    }

    pub(crate) fn take_sealer(&mut self) -> Option<Sealer> {
        self.sealer.take()
    }

    pub(crate) fn open_rtp(&mut self, packet: &mut [u8]) -> Result<OpenedRtp, OpenError> {
        self.keyed.as_mut().ok_or(OpenError::BadTag)?.opener.open_rtp(packet)
    }

    pub(crate) fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        self.keyed.as_mut().ok_or(OpenError::BadTag)?.rtcp_opener.open(packet)
    }

    pub(crate) fn seal_rtcp(&mut self, compound: &[u8]) -> Option<Vec<u8>> {
        self.keyed.as_mut()?.rtcp_sealer.seal(compound)
    }

    /// Ends it from our side. What DTLS still wants to say can be polled.
    pub(crate) fn close(&mut self, now: Timestamp) {
        self.ended = true;
        self.sealer = None;
        if let Some(dtls) = &mut self.dtls {
            dtls.close(now);
        }
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.dtls.as_mut()?.poll_transmit()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        self.dtls.as_ref()?.poll_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Timestamp) -> Option<SessionEvent> {
        let event = self.dtls.as_mut()?.handle_timeout(now)?;
        Some(self.digest(now, event))
    }
}
