//! Who is heard and seen: what the floor decides becomes what the media workers forward.

use super::{peers::Peer, room::Room};
use crate::media::{CloseReason, PeerRole, SlotSet};
use domain::{PeerId, Role, Route, Slot};

/// What the workers were told last.
#[derive(Debug, Default)]
pub(super) struct Routing {
    /// Guests that were told to go.
    closing: Vec<PeerId>,
}

impl Room {
    /// Brings what is forwarded in line with floor and lesson. Cheap when nothing changed.
    pub(super) fn route(&mut self) {
        let route = self.participation.floor.route();
        let media = &self.tools.media;
        // First whoever falls silent, then whoever is heard: two rooms never share a slot.
        let mut opened = Vec::new();
        for (&id, peer) in self.peers.iter().filter(|(_, peer)| peer.guest.is_some()) {
            let Some(place) = peer.guest else { continue };
            let granted = granted(peer, route);
            if !self.participation.floor.may_connect(place) || !self.lesson.state().is_on_air() {
                if !self.routing.closing.contains(&id) {
                    self.routing.closing.push(id);
                    media.close(id, CloseReason::Removed);
                }
            } else if granted != peer.granted {
                let loses = Slot::ALL.iter().any(|slot| peer.granted[slot.index()] && !granted[slot.index()]);
                if loses {
                    let both = Slot::ALL.map(|slot| peer.granted[slot.index()] && granted[slot.index()]);
                    media.grant(id, both);
                }
                opened.push((id, granted));
            }
        }
        for (id, granted) in opened {
            self.tools.media.grant(id, granted);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.granted = granted;
            }
        }
        self.routing.closing.retain(|id| self.peers.contains_key(id));
        let kept: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.role == PeerRole::Viewer)
            .map(|(&id, peer)| (id, self.kept_from(peer, route)))
            .collect();
        for (id, blocked) in kept {
            if let Some(peer) = self.peers.get_mut(&id)
                && peer.blocked != blocked
            {
                peer.blocked = blocked;
                if peer.segments {
                    self.tools.watchers.block(id, blocked);
                } else {
                    self.tools.media.block(id, blocked);
                }
            }
        }
        self.settle_terms();
    }

    /// The slots a viewer must not get.
    fn kept_from(&self, viewer: &Peer, route: Route) -> SlotSet {
        if !self.is_shown_to(viewer.who) {
            return [true; Slot::COUNT];
        }
        let mut kept = SlotSet::default();
        let Some(place) = viewer.who.place() else { return kept };
        // A class never hears its own voice come back, and sees itself without the round trip.
        kept[Slot::ExtraAudio.index()] = route.voice == Some(place);
        kept[Slot::ExtraVideo.index()] = route.picture == Some(place) || route.pupils.is_some();
        kept
    }
}

/// The slots that are open to a guest.
fn granted(guest: &Peer, route: Route) -> SlotSet {
    let mut granted = SlotSet::default();
    let Some(place) = guest.guest else { return granted };
    debug_assert!(matches!(guest.who.role(), Role::Place | Role::Helper));
    let has = |routed: Option<domain::PlaceId>| routed == Some(place);
    granted[Slot::ExtraAudio.index()] = has(route.voice);
    granted[Slot::ExtraVideo.index()] = has(route.picture) || has(route.pupils);
    granted
}
