//! What each room did in a lesson, counted from its log.

use super::{Deed, FloorEvent, HelpEvent, ParticipationEvent, QuestionEvent, WorkEvent};
use crate::{PlaceId, UnixMillis};
use std::collections::{BTreeMap, BTreeSet};

/// What one room did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomDeeds {
    /// Times it raised its hand.
    pub hands: u32,
    /// Time it was on the air, ms.
    pub spoke_ms: u64,
    /// Questions it answered.
    pub answers: u32,
    /// Photos it sent in.
    pub works: u32,
    /// Times it called for help.
    pub help: u32,
}

/// What the rooms did from `from` on; a speech that goes on at `until` is counted up to it.
pub fn room_deeds<'a>(
    log: impl IntoIterator<Item = &'a ParticipationEvent>,
    from: UnixMillis,
    until: UnixMillis,
) -> BTreeMap<PlaceId, RoomDeeds> {
    let mut rooms: BTreeMap<PlaceId, RoomDeeds> = BTreeMap::new();
    let mut on_air: BTreeMap<PlaceId, UnixMillis> = BTreeMap::new();
    let mut answered = BTreeSet::new();
    let span = |since: UnixMillis, at: UnixMillis| at.get().saturating_sub(since.get()).max(0).unsigned_abs();
    for event in log.into_iter().filter(|event| event.at >= from) {
        match event.deed {
            Deed::Floor(FloorEvent::HandRaised { place }) => rooms.entry(place).or_default().hands += 1,
            Deed::Floor(FloorEvent::OnAir { place }) => {
                on_air.insert(place, event.at);
            }
            Deed::Floor(FloorEvent::TurnEnded { place, .. } | FloorEvent::Interrupted { place }) => {
                if let Some(since) = on_air.remove(&place) {
                    rooms.entry(place).or_default().spoke_ms += span(since, event.at);
                }
            }
            Deed::Help(HelpEvent::HelpCalled { place, .. }) => rooms.entry(place).or_default().help += 1,
            Deed::Question(QuestionEvent::Answered { question, place, .. }) => {
                if answered.insert((question, place)) {
                    rooms.entry(place).or_default().answers += 1;
                }
            }
            Deed::Work(WorkEvent::Offered { place, .. }) => rooms.entry(place).or_default().works += 1,
            Deed::Floor(_) | Deed::Help(_) | Deed::Message(_) | Deed::Question(_) | Deed::Work(_) => {}
        }
    }
    for (place, since) in on_air {
        rooms.entry(place).or_default().spoke_ms += span(since, until);
    }
    rooms
}
