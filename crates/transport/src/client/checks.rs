//! The controlling side of ICE towards an ICE-lite relay: nominating checks to its candidates, then consent (RFC 7675).

use crate::sdp::Credentials;
use crate::stun::{self, CheckResult, Transaction};
use crate::{PeerSecrets, Remote};
use domain::Timestamp;
use rtc_crypto::RTCCrypto;
use std::{collections::VecDeque, time::Duration};

const FIRST_INTERVAL: Duration = Duration::from_millis(50);
const MOST_INTERVAL: Duration = Duration::from_millis(500);
/// RFC 7675 section 5.1: every 4 to 6 s.
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
const CONSENT: Duration = Duration::from_secs(30);
/// Candidates of one answer that are tried.
const MAX_CANDIDATES: usize = 16;
/// Checks whose response is still awaited. Full: the oldest is given up.
const MAX_OUTSTANDING: usize = 64;

pub(super) struct Checks {
    secrets: PeerSecrets,
    theirs: Credentials,
    candidates: Vec<Remote>,
    sent: u32,
    outstanding: VecDeque<(Transaction, Remote)>,
    selected: Option<Remote>,
    interval: Duration,
    next: Timestamp,
    /// When the relay last answered; the beginning before it did.
    answered: Timestamp,
    unanswered: bool,
}

impl Checks {
    pub(super) fn new(
        secrets: PeerSecrets,
        theirs: Credentials,
        candidates: Vec<Remote>,
        now: Timestamp,
    ) -> Self {
        let mut candidates = candidates;
        candidates.truncate(MAX_CANDIDATES);
        Self {
            secrets,
            theirs,
            candidates,
            sent: 0,
            outstanding: VecDeque::new(),
            selected: None,
            interval: FIRST_INTERVAL,
            next: now,
            answered: now,
            unanswered: false,
        }
    }

    pub(super) fn selected(&self) -> Option<Remote> {
        self.selected
    }

    pub(super) fn expired(&self, now: Timestamp) -> bool {
        now.saturating_since(self.answered) >= CONSENT
    }

    pub(super) fn poll_timeout(&self) -> Timestamp {
        self.next.min(self.answered + CONSENT)
    }

    /// Checks that are due.
    pub(super) fn handle_timeout(
        &mut self,
        now: Timestamp,
        crypto: &dyn RTCCrypto,
    ) -> Vec<(Remote, Vec<u8>)> {
        if now < self.next {
            return Vec::new();
        }
        let targets = match self.selected {
            Some(selected) => vec![selected],
            None => self.candidates.clone(),
        };
        self.interval =
            if self.selected.is_some() && !self.unanswered { CONSENT_INTERVAL } else { self.interval };
        let mut checks = Vec::new();
        for to in targets {
            let transaction = self.secrets.transaction_id(self.sent);
            self.sent = self.sent.wrapping_add(1);
            if self.outstanding.len() >= MAX_OUTSTANDING {
                self.outstanding.pop_front();
            }
            self.outstanding.push_back((transaction, to));
            checks.extend(
                stun::write_check(
                    transaction,
                    &self.theirs,
                    &self.secrets.ufrag(),
                    self.secrets.tie_breaker(),
                    crypto,
                )
                .map(|bytes| (to, bytes)),
            );
        }
        // The next comes soon until this one is answered.
        self.unanswered = true;
        self.interval = if self.interval == CONSENT_INTERVAL {
            MOST_INTERVAL
        } else {
            (self.interval * 2).min(MOST_INTERVAL)
        };
        self.next = now + self.interval;
        checks
    }

    /// A STUN datagram; true when an address was selected by it.
    pub(super) fn handle(
        &mut self,
        now: Timestamp,
        from: Remote,
        datagram: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> bool {
        let Some((transaction, CheckResult::Success)) = stun::read_response(datagram, &self.theirs, crypto)
        else {
            return false;
        };
        let Some(at) = self.outstanding.iter().position(|(id, to)| *id == transaction && *to == from) else {
            return false;
        };
        self.outstanding.remove(at);
        self.answered = now;
        self.unanswered = false;
        let first = self.selected.is_none();
        self.selected.get_or_insert(from);
        // Every check nominates, and the relay keeps to the newest nomination: with several candidates that is
        // whichever was checked last, not the one that answered first. One more check brings both to the same.
        if first && self.candidates.len() > 1 {
            self.next = now;
        } else if self.selected == Some(from) {
            self.next = now + CONSENT_INTERVAL;
        }
        first
    }
}
