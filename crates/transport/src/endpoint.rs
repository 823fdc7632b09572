//! What every peer of a process shares.

use crate::dtls::DtlsConfigs;
use crate::sdp::{self, Direction, OfferError};
use crate::{Candidate, Identity, Peer, PeerSecrets};
use domain::Timestamp;
use std::{sync::Arc, time::Instant};

/// What an [`Endpoint`] is made of.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Our certificate.
    pub identity: Identity,
    /// Addresses announced as host candidates, the best first; every one is put into every answer.
    pub candidates: Vec<Candidate>,
    /// The instant that is [`Timestamp::ZERO`]; rtc-dtls wants `Instant`s, everything else here counts from it.
    pub epoch: Instant,
}

/// Why an endpoint could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// rtc-dtls refused its configuration.
    #[error("DTLS cannot be set up: {0}")]
    Dtls(String),
}

/// Certificate, prebuilt DTLS configurations and candidate addresses: made once, immutable, cheap to clone, shared by all threads.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) epoch: Instant,
    pub(crate) dtls: DtlsConfigs,
}

impl Shared {
    pub(crate) fn instant(&self, now: Timestamp) -> Instant {
        self.epoch + now.since_start()
    }
}

impl Endpoint {
    /// # Errors
    /// [`EndpointError`] when rtc-dtls does not take the certificate.
    pub fn new(config: EndpointConfig) -> Result<Self, EndpointError> {
        let dtls = DtlsConfigs::new(&config.identity).map_err(EndpointError::Dtls)?;
        let EndpointConfig { identity, candidates, epoch } = config;
        Ok(Self { shared: Arc::new(Shared { identity, candidates, epoch, dtls }) })
    }

    /// Answers an SDP offer with a peer that waits for its first connectivity check.
    ///
    /// # Errors
    /// [`OfferError`] with a stable code when the offer cannot be read or holds nothing we can carry.
    pub fn answer(
        &self,
        offer: &str,
        direction: Direction,
        secrets: &PeerSecrets,
        now: Timestamp,
    ) -> Result<(Peer, String), OfferError> {
        let offer = sdp::Offer::parse(offer)?;
        let agreed = sdp::negotiate(&offer, direction, secrets)?;
        let answer = sdp::write_answer(&offer, &agreed, &self.shared, secrets);
        Ok((Peer::new(self.clone(), agreed, secrets, now), answer))
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("candidates", &self.shared.candidates.len()).finish_non_exhaustive()
    }
}
