//! The ICE-lite agent (RFC 8445 section 6.1, RFC 7675): answers checks, remembers which addresses passed one, selects where media goes.

use crate::Remote;
use crate::sdp::Credentials;
use crate::stun::{self, ClaimedRole};
use domain::Timestamp;
use rtc_crypto::RTCCrypto;
use std::{collections::VecDeque, time::Duration};

/// Addresses one peer may have at a time; a laptop with VPN, Wi-Fi and cable, both IP versions, needs six.
/// Full: the stalest that is not selected makes room, unless it was heard within [`STALE`].
const MAX_ADDRESSES: usize = 16;
/// After so long without a check or an authentic packet (clients check every 2.5 to 6 s) an address makes room for others.
const STALE: Duration = Duration::from_secs(7);
/// An address that passed no check for so long is forgotten (RFC 7675 section 5.1).
pub(crate) const CONSENT: Duration = Duration::from_secs(30);
/// A nominating check through a worse pair does not take over while the selected pair is still being nominated: a client that nominates
/// every pair at once would make media hop between them.
const HOLD: Duration = Duration::from_secs(1);
/// Transactions remembered to recognise replays; at a check every 2.5 s more than five minutes.
const REMEMBERED: usize = 128;

/// What a STUN datagram led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not a right check of this peer.
    Dropped,
    /// Send these bytes back.
    Reply {
        bytes: Vec<u8>,
        /// Whether the selected address changed.
        selected: bool,
    },
}

#[derive(Debug)]
struct Address {
    at: Remote,
    heard: Timestamp,
    nominated: Option<Timestamp>,
    priority: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LiteAgent {
    local: Credentials,
    remote_ufrag: String,
    /// Both sides' credentials before an ICE restart, good until checks with the new ones come.
    previous: Option<(Credentials, String)>,
    addresses: Vec<Address>,
    selected: Option<Remote>,
    /// First eight bytes of recent transactions, and where they came from.
    recent: VecDeque<(u64, Remote)>,
}

impl LiteAgent {
    pub(crate) fn new(local: Credentials, remote_ufrag: String) -> Self {
        Self {
            local,
            remote_ufrag,
            previous: None,
            addresses: Vec::new(),
            selected: None,
            recent: VecDeque::new(),
        }
    }

    pub(crate) fn local(&self) -> &Credentials {
        &self.local
    }

    pub(crate) fn previous_ufrag(&self) -> Option<&str> {
        self.previous.as_ref().map(|(local, _)| local.ufrag.as_str())
    }

    pub(crate) fn remote_ufrag(&self) -> &str {
        &self.remote_ufrag
    }

    pub(crate) fn selected(&self) -> Option<Remote> {
        self.selected
    }

    /// Begins an ICE restart (RFC 8445 section 9). Media stays where it is until a check with the new credentials nominates.
    pub(crate) fn restart(&mut self, local: Credentials, remote_ufrag: String) {
        let old = std::mem::replace(&mut self.local, local);
        self.previous = Some((old, std::mem::replace(&mut self.remote_ufrag, remote_ufrag)));
    }

    /// Whether this address passed a check that still counts.
    pub(crate) fn is_valid(&self, from: Remote) -> bool {
        self.addresses.iter().any(|address| address.at == from)
    }

    /// An authentic packet came from there: consent goes on (the sender proved to hold the session's keys).
    pub(crate) fn heard(&mut self, now: Timestamp, from: Remote) {
        if let Some(address) = self.addresses.iter_mut().find(|address| address.at == from) {
            address.heard = now;
        }
    }

    /// When the selected address's consent runs out.
    pub(crate) fn consent_until(&self) -> Option<Timestamp> {
        let selected = self.selected?;
        self.addresses.iter().find(|address| address.at == selected).map(|address| address.heard + CONSENT)
    }

    pub(crate) fn handle(
        &mut self,
        now: Timestamp,
        from: Remote,
        datagram: &[u8],
        crypto: &dyn RTCCrypto,
    ) -> Outcome {
        let current = stun::read_check(datagram, &self.local, &self.remote_ufrag, crypto);
        let (check, restarted) = match (current, &self.previous) {
            (Some(check), _) => (check, true),
            (None, Some((local, remote_ufrag))) => {
                match stun::read_check(datagram, local, remote_ufrag, crypto) {
                    Some(check) => (check, false),
                    None => return Outcome::Dropped,
                }
            }
            (None, None) => return Outcome::Dropped,
        };
        if self.is_replay(&check.transaction, from) {
            return Outcome::Dropped;
        }
        let credentials = if restarted {
            &self.local
        } else {
            self.previous.as_ref().map_or(&self.local, |(local, _)| local)
        };
        if check.role == ClaimedRole::Controlled {
            // We are lite and never control.
            let reply = stun::write_role_conflict(&check, credentials, crypto);
            return reply.map_or(Outcome::Dropped, |bytes| Outcome::Reply { bytes, selected: false });
        }
        let Some(bytes) = stun::write_success(&check, from.addr, credentials, crypto) else {
            return Outcome::Dropped;
        };
        if !self.remember(now, from) {
            return Outcome::Dropped;
        }
        if restarted && check.nominates {
            self.previous = None;
        }
        let before = self.selected;
        self.select(now, from, check.nominates && (restarted || self.previous.is_none()), check.priority);
        Outcome::Reply { bytes, selected: self.selected != before }
    }

    /// The same transaction from another address is somebody's copy of a check: it proves nothing about that address.
    fn is_replay(&mut self, transaction: &stun::Transaction, from: Remote) -> bool {
        let head = transaction.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        if let Some((_, first)) = self.recent.iter().find(|(seen, _)| *seen == head) {
            return *first != from;
        }
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((head, from));
        false
    }

    /// Notes a check from an address; false when there is no room for it.
    fn remember(&mut self, now: Timestamp, from: Remote) -> bool {
        if let Some(address) = self.addresses.iter_mut().find(|address| address.at == from) {
            address.heard = now;
            return true;
        }
        self.addresses.retain(|address| {
            Some(address.at) == self.selected || now.saturating_since(address.heard) < CONSENT
        });
        if self.addresses.len() >= MAX_ADDRESSES {
            let selected = self.selected;
            let others =
                self.addresses.iter().enumerate().filter(|(_, address)| Some(address.at) != selected);
            match others.min_by_key(|(_, address)| address.heard).map(|(at, address)| (at, address.heard)) {
                Some((at, heard)) if now.saturating_since(heard) >= STALE => {
                    self.addresses.swap_remove(at);
                }
                _ => return false,
            }
        }
        self.addresses.push(Address { at: from, heard: now, nominated: None, priority: 0 });
        true
    }

    fn select(&mut self, now: Timestamp, from: Remote, nominates: bool, priority: u32) {
        if !nominates {
            // Until something is nominated DTLS may begin with whoever passed a check first. And a client nominates only once: when its
            // NAT gives it another address it goes on with plain checks from there, while the selected one falls silent.
            let heard = self
                .addresses
                .iter()
                .find(|address| Some(address.at) == self.selected)
                .map(|address| address.heard);
            if heard.is_none_or(|heard| now.saturating_since(heard) >= STALE) {
                self.selected = Some(from);
            }
            return;
        }
        if let Some(address) = self.addresses.iter_mut().find(|address| address.at == from) {
            address.nominated = Some(now);
            address.priority = priority;
        }
        let held = self
            .addresses
            .iter()
            .find(|address| Some(address.at) == self.selected && address.at != from)
            .is_some_and(|address| {
                address.priority > priority
                    && address.nominated.is_some_and(|nominated| now.saturating_since(nominated) < HOLD)
            });
        if !held {
            self.selected = Some(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    struct Story {
        agent: LiteAgent,
        ours: Credentials,
        theirs: String,
        transaction: u8,
        provider: std::sync::Arc<dyn rtc_crypto::RTCCryptoProvider>,
    }

    fn credentials(ufrag: &str) -> Credentials {
        Credentials { ufrag: ufrag.to_owned(), password: format!("{ufrag}-a-password-of-some-length") }
    }

    impl Story {
        fn new() -> Self {
            let provider = rtc_crypto::default_provider().expect("ring is built in");
            let ours = credentials("ours");
            let agent = LiteAgent::new(ours.clone(), "theirs".to_owned());
            Self { agent, ours, theirs: "theirs".to_owned(), transaction: 0, provider }
        }

        fn datagram(&mut self) -> Vec<u8> {
            self.transaction += 1;
            let id = [self.transaction; 12];
            stun::write_check(id, &self.ours, &self.theirs, 1, self.provider.crypto())
                .expect("a check can be written")
        }

        fn check(&mut self, at_ms: u64, from: Remote) -> Outcome {
            let datagram = self.datagram();
            self.deliver(at_ms, from, &datagram)
        }

        fn plain_check(&mut self, at_ms: u64, from: Remote) -> Outcome {
            self.transaction += 1;
            let crypto = self.provider.clone();
            let datagram = stun::tests_support::plain_check(
                [self.transaction; 12],
                &self.ours,
                &self.theirs,
                crypto.crypto(),
            );
            self.deliver(at_ms, from, &datagram)
        }

        fn deliver(&mut self, at_ms: u64, from: Remote, datagram: &[u8]) -> Outcome {
            self.agent.handle(Timestamp::from_millis(at_ms), from, datagram, self.provider.crypto())
        }
    }

    fn address(port: u16) -> Remote {
        SocketAddr::from(([192, 0, 2, 1], port)).into()
    }

    #[test]
    fn media_follows_the_newest_nominated_address() {
        let mut story = Story::new();
        assert!(matches!(story.check(0, address(1)), Outcome::Reply { selected: true, .. }));
        assert!(matches!(story.check(10, address(1)), Outcome::Reply { selected: false, .. }));
        assert!(matches!(story.check(2_000, address(2)), Outcome::Reply { selected: true, .. }));
        assert_eq!(story.agent.selected(), Some(address(2)));
        assert_eq!(story.agent.consent_until(), Some(Timestamp::from_millis(32_000)));
    }

    /// Firefox nominates once and then only asks for consent.
    #[test]
    fn media_follows_a_client_whose_nat_changed_though_it_nominates_no_more() {
        let mut story = Story::new();
        story.check(0, address(1));
        story.plain_check(5_000, address(1));
        assert!(
            matches!(story.plain_check(6_000, address(2)), Outcome::Reply { selected: false, .. }),
            "another path is tried"
        );
        assert_eq!(story.agent.selected(), Some(address(1)));
        assert!(matches!(story.plain_check(12_000, address(2)), Outcome::Reply { selected: true, .. }));
        assert_eq!(story.agent.selected(), Some(address(2)));
    }

    #[test]
    fn a_check_copied_by_a_stranger_does_not_move_the_media() {
        let mut story = Story::new();
        let datagram = story.datagram();
        assert!(matches!(story.deliver(0, address(1), &datagram), Outcome::Reply { .. }));
        assert_eq!(story.deliver(5, address(666), &datagram), Outcome::Dropped);
        assert!(!story.agent.is_valid(address(666)));
        assert!(
            matches!(story.deliver(50, address(1), &datagram), Outcome::Reply { .. }),
            "a retransmission is answered again"
        );
    }

    #[test]
    fn ten_thousand_addresses_take_no_memory_and_do_not_push_out_the_selected_one() {
        let mut story = Story::new();
        story.check(0, address(1));
        for port in 2..10_000u16 {
            story.transaction = (port % 251) as u8;
            let mut id = [0; 12];
            id[..2].copy_from_slice(&port.to_be_bytes());
            id[11] = 1;
            let datagram = stun::write_check(id, &story.ours, &story.theirs, 1, story.provider.crypto())
                .expect("written");
            // Each from its own port, none nominated long enough to matter: the held one is nominated again and again.
            story.deliver(u64::from(port) / 100, address(port), &datagram);
        }
        assert!(story.agent.addresses.len() <= MAX_ADDRESSES);
        assert!(story.agent.recent.len() <= REMEMBERED);
    }

    #[test]
    fn a_peer_that_thinks_we_control_is_told_otherwise() {
        let mut story = Story::new();
        let crypto = story.provider.clone();
        let request = stun::tests_support::controlled_check([9; 12], &story.ours, "theirs", crypto.crypto());
        let Outcome::Reply { bytes, selected: false } = story.deliver(0, address(1), &request) else {
            panic!("a reply is due")
        };
        assert!(
            stun::read_response(&bytes, &story.ours, crypto.crypto())
                .is_some_and(|(_, result)| result == stun::CheckResult::Refused)
        );
        assert!(!story.agent.is_valid(address(1)), "nothing is sent there yet");
    }

    #[test]
    fn after_a_restart_media_moves_only_once_the_new_credentials_nominate() {
        let mut story = Story::new();
        story.check(0, address(1));
        story.agent.restart(credentials("newer"), "their-newer".to_owned());
        assert_eq!(story.agent.previous_ufrag(), Some("ours"));
        story.check(100, address(2));
        assert_eq!(
            story.agent.selected(),
            Some(address(1)),
            "old credentials still answer but no longer nominate"
        );
        (story.ours, story.theirs) = (credentials("newer"), "their-newer".to_owned());
        story.check(5_000, address(2));
        assert_eq!(story.agent.selected(), Some(address(2)));
        (story.ours, story.theirs) = (credentials("ours"), "theirs".to_owned());
        assert_eq!(story.check(5_100, address(1)), Outcome::Dropped);
    }
}
