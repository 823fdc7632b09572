//! *Bài làm của học sinh*: photos that helpers send in. Only what is decided about them is here; the pictures
//! are stored beside.

use crate::{PlaceId, Refusal, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Works of one lesson.
pub const WORKS_MAX: usize = 500;
/// Works of one room in a lesson.
pub const WORKS_PER_PLACE_MAX: usize = 20;
/// Works on the screens at a time.
pub const WORKS_SHOWN_MAX: usize = 4;
/// Longest key, bytes.
const KEY_BYTES_MAX: usize = 64;

/// A photo of a pupil's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Its number within the lesson, from 1; never used again.
    pub no: u32,
    /// The room it came from.
    pub place: PlaceId,
    /// When it came.
    pub at: UnixMillis,
    /// Whether it is on the screens now.
    pub shown: bool,
    /// Whether the room's name is shown with it.
    pub named: bool,
    /// Whether a person decided that it outlives the lesson.
    pub kept: bool,
    /// Chosen by the page that sent it.
    #[serde(skip)]
    pub key: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WorkEvent {
    /// A photo came.
    Offered {
        /// Its number.
        work: u32,
        /// The room.
        place: PlaceId,
        /// The page's key.
        key: String,
    },
    /// These are on the screens from now on, and no others.
    Shown {
        /// Their numbers.
        works: Vec<u32>,
        /// With the rooms' names.
        named: bool,
    },
    /// It outlives the lesson, or not.
    Kept {
        /// Its number.
        work: u32,
        /// Whether it does.
        kept: bool,
    },
    /// It is gone.
    Deleted {
        /// Its number.
        work: u32,
    },
}

/// The works of a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Works {
    works: BTreeMap<u32, Work>,
    /// The highest number given out.
    newest: u32,
}

impl Works {
    /// All that are left, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Work> {
        self.works.values()
    }

    /// One of them.
    pub fn get(&self, no: u32) -> Option<&Work> {
        self.works.get(&no)
    }

    /// The work that came with this key of this room.
    pub fn by_key(&self, place: PlaceId, key: &str) -> Option<&Work> {
        self.works.values().find(|work| work.place == place && work.key == key)
    }

    /// What is to be deleted once the lesson is over.
    pub fn not_kept(&self) -> Vec<u32> {
        self.works.values().filter(|work| !work.kept).map(|work| work.no).collect()
    }

    pub(super) fn offer(&self, place: PlaceId, key: String) -> Result<Option<WorkEvent>, Refusal> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Refusal::TextLength { field: "key", max_chars: KEY_BYTES_MAX });
        }
        if self.by_key(place, &key).is_some() {
            return Ok(None);
        }
        if self.works.values().filter(|work| work.place == place).count() >= WORKS_PER_PLACE_MAX {
            return Err(Refusal::TooMany { what: "works of this room", limit: WORKS_PER_PLACE_MAX });
        }
        if self.works.len() >= WORKS_MAX {
            return Err(Refusal::TooMany { what: "works", limit: WORKS_MAX });
        }
        Ok(Some(WorkEvent::Offered { work: self.newest.saturating_add(1), place, key }))
    }

    pub(super) fn show(&self, works: &[u32], named: bool) -> Result<Option<WorkEvent>, Refusal> {
        if works.len() > WORKS_SHOWN_MAX {
            return Err(Refusal::TooMany { what: "works on the screens", limit: WORKS_SHOWN_MAX });
        }
        if works.iter().any(|no| !self.works.contains_key(no)) {
            return Err(Refusal::WorkUnknown);
        }
        let now = |work: &&Work| work.shown;
        let unchanged =
            self.works.values().filter(now).all(|work| works.contains(&work.no) && work.named == named)
                && works.iter().all(|no| self.works.get(no).is_some_and(|work| work.shown));
        Ok((!unchanged).then(|| WorkEvent::Shown { works: works.to_vec(), named }))
    }

    pub(super) fn keep(&self, work: u32, kept: bool) -> Result<Option<WorkEvent>, Refusal> {
        let known = self.works.get(&work).ok_or(Refusal::WorkUnknown)?;
        Ok((known.kept != kept).then_some(WorkEvent::Kept { work, kept }))
    }

    /// `of`: only if it came from this room.
    pub(super) fn delete(&self, work: u32, of: Option<PlaceId>) -> Result<WorkEvent, Refusal> {
        let known = self.works.get(&work).filter(|known| of.is_none_or(|place| place == known.place));
        known.map(|_| WorkEvent::Deleted { work }).ok_or(Refusal::WorkUnknown)
    }

    pub(super) fn evolve(&mut self, at: UnixMillis, event: &WorkEvent) {
        match event {
            WorkEvent::Offered { work: no, place, key } => {
                self.newest = self.newest.max(*no);
                let (no, place, key) = (*no, *place, key.clone());
                let work = Work { no, place, at, shown: false, named: false, kept: false, key };
                self.works.insert(no, work);
            }
            WorkEvent::Shown { works, named } => {
                for work in self.works.values_mut() {
                    work.shown = works.contains(&work.no);
                    work.named = work.shown && *named;
                }
            }
            WorkEvent::Kept { work, kept } => {
                if let Some(work) = self.works.get_mut(work) {
                    work.kept = *kept;
                }
            }
            WorkEvent::Deleted { work } => {
                self.works.remove(work);
            }
        }
    }
}
