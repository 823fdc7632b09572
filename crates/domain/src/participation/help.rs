//! Rooms that say what they lack.

use crate::{PlaceId, Role, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a room lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HelpKind {
    /// *Mất tiếng*.
    NoSound,
    /// *Đứng hình*.
    Frozen,
    /// *Cần hỗ trợ*.
    Help,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HelpEvent {
    /// A room called for help.
    HelpCalled {
        /// Which.
        place: PlaceId,
        /// For what.
        kind: HelpKind,
    },
    /// It is helped.
    HelpEnded {
        /// Which.
        place: PlaceId,
        /// With what.
        kind: HelpKind,
        /// Who said so.
        by: Role,
    },
}

/// The rooms that called for help, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Help(BTreeMap<(PlaceId, HelpKind), UnixMillis>);

impl Help {
    /// What a room lacks, and since when.
    pub fn of(&self, place: PlaceId) -> impl Iterator<Item = (HelpKind, UnixMillis)> + '_ {
        let range = (place, HelpKind::NoSound)..=(place, HelpKind::Help);
        self.0.range(range).map(|(&(_, kind), &since)| (kind, since))
    }

    /// Calls that are open.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody calls.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn call(&self, place: PlaceId, kind: HelpKind, on: bool, by: Role) -> Option<HelpEvent> {
        match (on, self.0.contains_key(&(place, kind))) {
            (true, false) => Some(HelpEvent::HelpCalled { place, kind }),
            (false, true) => Some(HelpEvent::HelpEnded { place, kind, by }),
            _ => None,
        }
    }

    pub(super) fn left(&self, place: PlaceId) -> Vec<HelpEvent> {
        self.of(place).map(|(kind, _)| HelpEvent::HelpEnded { place, kind, by: Role::Host }).collect()
    }

    pub(super) fn evolve(&mut self, at: UnixMillis, event: &HelpEvent) {
        match *event {
            HelpEvent::HelpCalled { place, kind } => {
                self.0.insert((place, kind), at);
            }
            HelpEvent::HelpEnded { place, kind, .. } => {
                self.0.remove(&(place, kind));
            }
        }
    }
}
