//! Who is connected, who is still expected, and who feeds which slot: the only state that workers and the
//! HTTP side share under a lock.
//!
//! Nothing here is touched for a media packet. A worker comes here for a datagram from an address it does not
//! know, when a peer changes its state, and when a slot changes hands.

use super::{
    api::{MediaError, OwnerId, PeerRole},
    guests::{SlotSet, Standing},
};
use domain::{Bitrate, Codec, Layer, LessonId, PeerId, Slot, Timestamp};
use relay::ReceiverTerms;
use std::{
    collections::{HashMap, HashSet, hash_map},
    time::Duration,
};
use transport::Peer;

/// A peer that was answered and not yet adopted by a worker.
pub(super) struct NewPeer {
    pub(super) id: PeerId,
    pub(super) lesson: LessonId,
    pub(super) role: PeerRole,
    pub(super) peer: Peer,
    /// The layer the page wants of each slot.
    pub(super) wanted: [Option<Layer>; Slot::COUNT],
    /// Slots that are kept from a viewer whatever its page wants.
    pub(super) blocked: SlotSet,
    /// What the lesson knows of it that its link cannot tell.
    pub(super) terms: ReceiverTerms,
    /// What a viewer's link carried when it was last here.
    pub(super) carried: Option<Bitrate>,
    pub(super) created_at: Timestamp,
}

/// Where a peer is.
enum Whereabouts {
    /// Nobody has heard of it yet.
    Expected(Box<NewPeer>),
    /// With this worker.
    With(usize),
}

pub(super) struct Entry {
    pub(super) lesson: LessonId,
    role: PeerRole,
    owner: OwnerId,
    first_slot: Slot,
    slots: Vec<Slot>,
    /// A guest's open slots; `None`: no guest, all its slots are open.
    pub(super) granted: Option<SlotSet>,
    ufrags: Vec<String>,
    whereabouts: Whereabouts,
}

/// Who somebody is that offers media.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimant {
    pub(super) owner: OwnerId,
    pub(super) first_slot: Slot,
    /// Whether it may feed slots only when granted.
    pub(super) guest: bool,
}

/// Who a peer is, for whoever ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) lesson: LessonId,
    pub(super) role: PeerRole,
}

/// What a connectivity check from an unknown address turned out to be.
pub(super) enum Found {
    /// No peer of ours has this user name, or the check was not authentic.
    Nobody,
    /// It belongs to a peer of this worker.
    Here(PeerId),
    /// It belongs to a peer of another worker.
    There(PeerId, usize),
    /// It is the first authentic check of a new peer: the asking worker owns it from now on.
    Adopted(Box<NewPeer>),
}

pub(super) struct Source {
    pub(super) peer: PeerId,
    worker: usize,
    pub(super) standing: Standing,
    pub(super) connected_at: Timestamp,
    /// What the lesson has been told: `None` while the slot counts as stopped.
    pub(super) announced: Option<Codec>,
}

/// What a publisher takes over when it connects.
#[derive(Debug, Default)]
pub(super) struct Takeover {
    /// Connections to close, each with its worker.
    pub(super) replaced: Vec<(PeerId, usize)>,
    /// Slots it feeds from now on, and what the lesson was told of them.
    pub(super) inherited: Vec<(Slot, Option<Codec>)>,
}

/// What happened when a publisher's first packet of a slot came.
pub(super) enum Claim {
    /// The slot is fed by this peer now.
    Granted {
        /// The peer and worker that fed it before.
        before: Option<(PeerId, usize)>,
    },
    /// A peer that connected later feeds it.
    Refused,
}

/// See the module's description.
#[derive(Default)]
pub(super) struct Registry {
    pub(super) peers: HashMap<PeerId, Entry>,
    by_ufrag: HashMap<String, PeerId>,
    by_lesson: HashMap<LessonId, HashSet<PeerId>>,
    pub(super) sources: HashMap<(LessonId, Slot), Source>,
    draining: bool,
}

impl Registry {
    /// Whether a further peer may come.
    ///
    /// # Errors
    /// [`MediaError::Draining`], [`MediaError::TooManyPeers`].
    pub(super) fn admit(&self, peers_max: usize) -> Result<(), MediaError> {
        if self.draining {
            return Err(MediaError::Draining);
        }
        if self.peers.len() >= peers_max {
            return Err(MediaError::TooManyPeers(peers_max));
        }
        Ok(())
    }

    /// Refuses every further peer.
    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    /// Expects the first check of a new peer.
    ///
    /// # Errors
    /// As [`Registry::admit`]; [`MediaError::SecondHost`] when another owner's publisher has one of its slots.
    pub(super) fn expect(
        &mut self,
        new: NewPeer,
        claimant: Claimant,
        peers_max: usize,
    ) -> Result<(), MediaError> {
        let Claimant { owner, first_slot, guest } = claimant;
        self.admit(peers_max)?;
        let slots: Vec<Slot> = new.peer.negotiated().sections.iter().map(|section| section.slot).collect();
        // A guest feeds nothing until it is granted a slot, and then goes before the host.
        if new.role == PeerRole::Publisher && !guest {
            let mine = |entry: &Entry| entry.owner == owner || entry.granted.is_some();
            let others = self.publishers(new.lesson).filter(|(_, entry)| !mine(entry));
            let taken = others.flat_map(|(_, entry)| &entry.slots).find(|slot| slots.contains(slot));
            if let Some(&slot) = taken {
                return Err(MediaError::SecondHost { slot });
            }
        }
        let (id, ufrag) = (new.id, new.peer.local_ufrag().to_owned());
        self.by_ufrag.insert(ufrag.clone(), id);
        self.by_lesson.entry(new.lesson).or_default().insert(id);
        let entry = Entry {
            lesson: new.lesson,
            role: new.role,
            owner,
            first_slot,
            slots,
            granted: guest.then_some([false; Slot::COUNT]),
            ufrags: vec![ufrag],
            whereabouts: Whereabouts::Expected(Box::new(new)),
        };
        self.peers.insert(id, entry);
        Ok(())
    }

    fn publishers(&self, lesson: LessonId) -> impl Iterator<Item = (PeerId, &Entry)> {
        let ids = self.by_lesson.get(&lesson).into_iter().flatten();
        ids.filter_map(|&id| Some((id, self.peers.get(&id)?)))
            .filter(|(_, entry)| entry.role == PeerRole::Publisher)
    }

    /// Finds whom a check with user name `ufrag` is for. `is_authentic` lets an expected peer look at it; when it says
    /// yes, `worker` gets the peer.
    pub(super) fn find(
        &mut self,
        ufrag: &str,
        worker: usize,
        is_authentic: impl FnOnce(&mut Peer) -> bool,
    ) -> Found {
        let Some(&id) = self.by_ufrag.get(ufrag) else { return Found::Nobody };
        let Some(entry) = self.peers.get_mut(&id) else { return Found::Nobody };
        match &mut entry.whereabouts {
            Whereabouts::With(owner) if *owner == worker => Found::Here(id),
            Whereabouts::With(owner) => Found::There(id, *owner),
            Whereabouts::Expected(new) => {
                if !is_authentic(&mut new.peer) {
                    return Found::Nobody;
                }
                match std::mem::replace(&mut entry.whereabouts, Whereabouts::With(worker)) {
                    Whereabouts::Expected(new) => Found::Adopted(new),
                    Whereabouts::With(_) => Found::Here(id),
                }
            }
        }
    }

    /// The worker for a check with user name `ufrag`: that of its peer, or `turn`'s when the peer is still expected.
    pub(super) fn worker_for(&self, ufrag: &str, turn: impl FnOnce() -> usize) -> Option<usize> {
        let peer = self.by_ufrag.get(ufrag)?;
        match self.peers.get(peer)?.whereabouts {
            Whereabouts::With(worker) => Some(worker),
            Whereabouts::Expected(_) => Some(turn()),
        }
    }

    /// The worker a peer is with; `None` while it is expected or when it is unknown.
    pub(super) fn worker_of(&self, peer: PeerId) -> Option<usize> {
        match self.peers.get(&peer)?.whereabouts {
            Whereabouts::With(worker) => Some(worker),
            Whereabouts::Expected(_) => None,
        }
    }

    /// The peer, while it is still expected.
    pub(super) fn expected(&mut self, peer: PeerId) -> Option<&mut NewPeer> {
        match &mut self.peers.get_mut(&peer)?.whereabouts {
            Whereabouts::Expected(new) => Some(new),
            Whereabouts::With(_) => None,
        }
    }

    /// Lets a peer be found by a further user name (after an ICE restart).
    pub(super) fn add_ufrag(&mut self, peer: PeerId, ufrag: &str) {
        if let Some(entry) = self.peers.get_mut(&peer)
            && !entry.ufrags.iter().any(|known| known == ufrag)
        {
            // The present and the previous credentials are all a peer answers to.
            if entry.ufrags.len() >= 2 {
                self.by_ufrag.remove(&entry.ufrags.remove(0));
            }
            entry.ufrags.push(ufrag.to_owned());
            self.by_ufrag.insert(ufrag.to_owned(), peer);
        }
    }

    /// Forgets a peer. `Some` exactly once: whoever gets it reports the end. The slots it fed come along with what
    /// had been announced of them.
    pub(super) fn remove(&mut self, peer: PeerId) -> Option<(Identity, Vec<Slot>)> {
        let entry = self.peers.remove(&peer)?;
        for ufrag in &entry.ufrags {
            self.by_ufrag.remove(ufrag);
        }
        if let hash_map::Entry::Occupied(mut members) = self.by_lesson.entry(entry.lesson) {
            members.get_mut().remove(&peer);
            if members.get().is_empty() {
                members.remove();
            }
        }
        let mut stopped = Vec::new();
        for slot in Slot::ALL {
            if let hash_map::Entry::Occupied(source) = self.sources.entry((entry.lesson, slot))
                && source.get().peer == peer
                && source.remove().announced.is_some()
            {
                stopped.push(slot);
            }
        }
        Some((Identity { lesson: entry.lesson, role: entry.role }, stopped))
    }

    /// Forgets every peer that has been expected for longer than `patience`.
    pub(super) fn remove_late(&mut self, now: Timestamp, patience: Duration) -> Vec<(PeerId, Identity)> {
        let late = self.peers.iter().filter_map(|(&id, entry)| match &entry.whereabouts {
            Whereabouts::Expected(new) if now.saturating_since(new.created_at) > patience => Some(id),
            _ => None,
        });
        let late: Vec<PeerId> = late.collect();
        late.into_iter().filter_map(|id| Some((id, self.remove(id)?.0))).collect()
    }

    /// Forgets every peer that is still expected.
    pub(super) fn remove_expected(&mut self) -> Vec<(PeerId, Identity)> {
        let ids: Vec<PeerId> =
            self.peers.keys().copied().filter(|&id| self.worker_of(id).is_none()).collect();
        ids.into_iter().filter_map(|id| Some((id, self.remove(id)?.0))).collect()
    }

    /// Every peer of a lesson.
    pub(super) fn members(&self, lesson: LessonId) -> Vec<PeerId> {
        self.by_lesson.get(&lesson).map(|members| members.iter().copied().collect()).unwrap_or_default()
    }

    /// `peer` of `worker` is connected: it takes the place of its owner's earlier connections with the same first slot. What
    /// they fed and had announced is its own from now on, so that nobody hears of a stop that lasts a tenth of a second.
    pub(super) fn take_over(&mut self, peer: PeerId, worker: usize, connected_at: Timestamp) -> Takeover {
        let Some(newer) = self.peers.get(&peer) else { return Takeover::default() };
        let (lesson, owner, first_slot) = (newer.lesson, newer.owner, newer.first_slot);
        let of_newer = newer.slots.clone();
        let replaced: Vec<(PeerId, usize)> = self
            .publishers(lesson)
            .filter(|(id, entry)| *id != peer && entry.owner == owner && entry.first_slot == first_slot)
            .filter_map(|(id, entry)| match entry.whereabouts {
                Whereabouts::With(worker) => Some((id, worker)),
                Whereabouts::Expected(_) => None,
            })
            .collect();
        let mut inherited = Vec::new();
        for slot in of_newer {
            if let Some(source) = self.sources.get_mut(&(lesson, slot))
                && replaced.iter().any(|(old, _)| *old == source.peer)
            {
                inherited.push((slot, source.announced));
                *source = Source { peer, worker, connected_at, ..*source };
            }
        }
        Takeover { replaced, inherited }
    }

    /// A publisher's packet of `slot` came, the first one or the first after it lost the slot. A guest that was granted
    /// the slot wins, else the publisher that connected last.
    pub(super) fn claim(
        &mut self,
        lesson: LessonId,
        slot: Slot,
        peer: PeerId,
        worker: usize,
        connected_at: Timestamp,
    ) -> Claim {
        let standing = self.standing(peer, slot);
        if standing == Standing::Closed {
            return Claim::Refused;
        }
        match self.sources.entry((lesson, slot)) {
            hash_map::Entry::Vacant(place) => {
                place.insert(Source { peer, worker, standing, connected_at, announced: None });
                Claim::Granted { before: None }
            }
            hash_map::Entry::Occupied(mut place) => {
                let source = place.get_mut();
                if source.peer == peer {
                    return Claim::Granted { before: None };
                }
                if !source.yields_to(standing, connected_at) {
                    return Claim::Refused;
                }
                let before = Some((source.peer, source.worker));
                *source = Source { peer, worker, standing, connected_at, announced: source.announced };
                Claim::Granted { before }
            }
        }
    }

    /// The publisher that feeds a slot.
    pub(super) fn source(&self, lesson: LessonId, slot: Slot) -> Option<PeerId> {
        self.sources.get(&(lesson, slot)).map(|source| source.peer)
    }

    /// Notes what the lesson is told of a slot. `true`: it is news, tell it.
    pub(super) fn announce(
        &mut self,
        lesson: LessonId,
        slot: Slot,
        peer: PeerId,
        codec: Option<Codec>,
    ) -> bool {
        match self.sources.get_mut(&(lesson, slot)) {
            Some(source) if source.peer == peer && source.announced != codec => {
                source.announced = codec;
                true
            }
            _ => false,
        }
    }

    /// Peers there are, expected ones included.
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }
}
