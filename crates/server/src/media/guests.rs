//! Rooms that speak: publishers whose packets reach the others only while their lesson says so.
//!
//! A guest connects like any publisher, and what it sends is dropped at its own worker until
//! [`MediaHandle::grant`] opens a slot for it. A granted guest goes before the host's own extra camera or slides' sound, and
//! when the grant ends the host's publisher takes the slot back by itself. Who may not receive a slot (a speaking room its
//! own voice, classrooms the observers' camera) is kept per receiver, beside what its page wants.

use super::{
    api::MediaEvent,
    handle::MediaHandle,
    inbox::Command,
    registry::{Registry, Source},
};
use domain::{LessonId, PeerId, Slot};
use std::collections::hash_map;

/// A set of slots, by [`Slot::index`].
pub(crate) type SlotSet = [bool; Slot::COUNT];

/// What a change of a guest's grant leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Regranted {
    /// Its worker, if one has it, and the slots it must let go of or may claim now.
    pub(super) worker: Option<usize>,
    pub(super) lost: Vec<Slot>,
    pub(super) won: Vec<Slot>,
    /// Slots that had been announced and carry nothing now.
    pub(super) stopped: Vec<(LessonId, Slot)>,
}

impl Registry {
    /// Opens these slots to a guest, and closes its others.
    pub(super) fn regrant(&mut self, peer: PeerId, slots: SlotSet) -> Regranted {
        let worker = self.worker_of(peer);
        let Some(entry) = self.peers.get_mut(&peer) else { return Regranted::default() };
        // Only guests have grants; everybody else's slots are open.
        let Some(before) = entry.granted else { return Regranted::default() };
        entry.granted = Some(slots);
        let lesson = entry.lesson;
        let mut changed = Regranted { worker, ..Regranted::default() };
        for slot in Slot::ALL {
            match (before[slot.index()], slots[slot.index()]) {
                (true, false) => {
                    changed.lost.push(slot);
                    if let hash_map::Entry::Occupied(source) = self.sources.entry((lesson, slot))
                        && source.get().peer == peer
                        && source.remove().announced.is_some()
                    {
                        changed.stopped.push((lesson, slot));
                    }
                }
                (false, true) => changed.won.push(slot),
                _ => {}
            }
        }
        changed
    }

    /// Whether a peer may feed a slot at all, and whether it goes before peers that merely connected later.
    pub(super) fn standing(&self, peer: PeerId, slot: Slot) -> Standing {
        match self.peers.get(&peer).map(|entry| entry.granted) {
            Some(Some(granted)) if granted[slot.index()] => Standing::Called,
            Some(Some(_)) | None => Standing::Closed,
            Some(None) => Standing::Own,
        }
    }
}

/// By what right a peer feeds a slot; the later ones go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It may not.
    Closed,
    /// It is the host's.
    Own,
    /// Its room was given the slot.
    Called,
}

impl Source {
    /// Whether a claim with this standing takes the slot from the source.
    pub(super) fn yields_to(&self, standing: Standing, connected_at: domain::Timestamp) -> bool {
        (self.standing, self.connected_at) <= (standing, connected_at)
    }
}

impl MediaHandle {
    /// Opens these slots to a guest's packets, and closes its others at once.
    pub(crate) fn grant(&self, peer: PeerId, slots: SlotSet) {
        let changed = self.shared().registry().regrant(peer, slots);
        for (lesson, slot) in changed.stopped {
            self.tell(0, Command::Emit(MediaEvent::SlotStopped { lesson, slot }));
        }
        let Some(worker) = changed.worker else { return };
        for slot in changed.lost {
            self.tell(worker, Command::SlotLost { peer, slot });
        }
        for slot in changed.won {
            self.tell(worker, Command::SlotOpen { peer, slot });
        }
    }

    /// Keeps these slots from a viewer, and gives it the others as its page wants them.
    pub(crate) fn block(&self, peer: PeerId, slots: SlotSet) {
        let mut registry = self.shared().registry();
        if let Some(new) = registry.expected(peer) {
            new.blocked = slots;
        } else if let Some(worker) = registry.worker_of(peer) {
            self.tell(worker, Command::Block { peer, slots });
        }
    }
}
