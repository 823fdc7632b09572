//! One peer of a worker: its connection and what it is here for.

use super::{
    api::{CloseReason, PeerRole},
    burst::Path,
    guests::SlotSet,
    publisher::Publisher,
    registry::NewPeer,
};
use domain::{Bitrate, Layer, LessonId, Slot, Timestamp};
use relay::ReceiverTerms;
use std::time::Duration;
use transport::{DropCounts, Peer, Remote};

/// Addresses one peer may be reached at: every pair of a browser's interfaces and ours, with room for a walk through a
/// few networks. Full: the oldest goes.
const ADDRESSES_MAX: usize = 16;
/// Datagrams a viewer may send, a second and at once. Browsers send less than a hundred.
const DATAGRAMS_PER_SECOND: u32 = 1_000;
const DATAGRAMS_AT_ONCE: u32 = 500;

/// An address that passed a connectivity check of the peer's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    pub(super) path: Path,
    /// Worker whose socket the kernel gives its datagrams to.
    pub(super) via: usize,
}

/// What a peer is here for.
pub(super) enum Part {
    Publisher(Box<Publisher>),
    /// Its position among the lesson's receivers, once it is connected.
    Viewer(Option<usize>),
}

/// See the module's description.
pub(super) struct Member {
    pub(super) lesson: LessonId,
    pub(super) peer: Peer,
    pub(super) part: Part,
    pub(super) wanted: [Option<Layer>; Slot::COUNT],
    /// Slots that are kept from it whatever its page wants.
    pub(super) blocked: SlotSet,
    /// What the lesson knows of it that its link cannot tell.
    pub(super) terms: ReceiverTerms,
    /// What its link carried when it was last here.
    pub(super) carried: Option<Bitrate>,
    /// When its last feedback came.
    pub(super) heard_at: Option<Timestamp>,
    pub(super) addresses: Vec<Address>,
    pub(super) created_at: Timestamp,
    pub(super) connected_at: Option<Timestamp>,
    /// Why we are closing it.
    pub(super) closing: Option<CloseReason>,
    /// When a viewer's statistics go to the lesson again.
    pub(super) stats_due: Timestamp,
    /// Refusals that are in the metrics already.
    pub(super) refused: DropCounts,
    datagrams_left: u32,
    refilled_at: Timestamp,
}

impl Member {
    pub(super) fn new(now: Timestamp, new: NewPeer) -> Self {
        let part = match new.role {
            PeerRole::Publisher => Part::Publisher(Box::new(Publisher::new(now, new.peer.negotiated()))),
            PeerRole::Viewer => Part::Viewer(None),
        };
        Self {
            lesson: new.lesson,
            peer: new.peer,
            part,
            wanted: new.wanted,
            blocked: new.blocked,
            terms: new.terms,
            carried: new.carried,
            heard_at: None,
            addresses: Vec::new(),
            created_at: new.created_at,
            connected_at: None,
            closing: None,
            stats_due: now,
            refused: DropCounts::default(),
            datagrams_left: DATAGRAMS_AT_ONCE,
            refilled_at: now,
        }
    }

    /// What it may have of what its page wants.
    pub(super) fn granted(&self) -> [Option<Layer>; Slot::COUNT] {
        Slot::ALL.map(|slot| self.wanted[slot.index()].filter(|_| !self.blocked[slot.index()]))
    }

    pub(super) fn role(&self) -> PeerRole {
        match self.part {
            Part::Publisher(_) => PeerRole::Publisher,
            Part::Viewer(_) => PeerRole::Viewer,
        }
    }

    /// Whether a datagram is worth looking at: a viewer that floods us is heard no more often than any needs to be.
    pub(super) fn admits(&mut self, now: Timestamp) -> bool {
        if matches!(self.part, Part::Publisher(_)) {
            return true;
        }
        let passed = now.saturating_since(self.refilled_at);
        if passed >= Duration::from_millis(10) {
            let fresh = passed.as_millis() as u32 * DATAGRAMS_PER_SECOND / 1_000;
            self.datagrams_left = self.datagrams_left.saturating_add(fresh).min(DATAGRAMS_AT_ONCE);
            self.refilled_at = now;
        }
        match self.datagrams_left.checked_sub(1) {
            Some(left) => {
                self.datagrams_left = left;
                true
            }
            None => false,
        }
    }

    /// How to send to one of the peer's addresses.
    pub(super) fn path_to(&self, to: Remote) -> Path {
        let known = self.addresses.iter().find(|address| address.path.to == to);
        known.map_or(Path { to, from: None }, |address| address.path)
    }

    /// Remembers an address that passed a check. `Some`: the address that had to go for it.
    pub(super) fn learn(&mut self, address: Address) -> Option<Address> {
        let full = self.addresses.len() >= ADDRESSES_MAX;
        let gone = full.then(|| self.addresses.remove(0));
        self.addresses.push(address);
        gone
    }

    pub(super) fn knows(&self, to: Remote) -> bool {
        self.addresses.iter().any(|address| address.path.to == to)
    }
}
