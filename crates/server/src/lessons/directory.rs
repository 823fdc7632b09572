//! What is known of all lessons and places, for everybody to read at any moment.

use domain::{
    Identity, Invited, LessonId, LessonRecord, LessonState, Place, PlaceId, UnitId, Units, UnixMillis,
    lesson_for_place,
};
use signalling::PlaceInfo;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Lessons and places as they are stored. Cloning costs two counters: readers keep what they saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory {
    pub(super) lessons: Arc<BTreeMap<LessonId, LessonRecord>>,
    pub(super) places: Arc<BTreeMap<PlaceId, Place>>,
    pub(super) units: Arc<Units>,
}

impl Directory {
    /// A lesson.
    pub(crate) fn lesson(&self, id: LessonId) -> Option<&LessonRecord> {
        self.lessons.get(&id)
    }

    /// The lessons an organiser sees: those on air first, then the planned ones by time, then the past.
    pub(crate) fn lessons_of(&self, organiser: Identity) -> Vec<&LessonRecord> {
        let mut lessons: Vec<_> =
            self.lessons.values().filter(|lesson| organiser.organises(lesson.id)).collect();
        lessons.sort_by_key(|lesson| {
            let rank = match lesson.state {
                LessonState::Live => 0,
                LessonState::TestRun => 1,
                LessonState::Scheduled => 2,
                LessonState::Ended => 3,
            };
            let newest_first = -lesson.started_at.unwrap_or(lesson.created_at).get();
            let soonest_first = lesson.starts_at.map_or(i64::MAX, UnixMillis::get);
            let order = if rank == 2 { soonest_first } else { newest_first };
            (rank, order, lesson.id)
        });
        lessons
    }

    /// A place.
    pub(crate) fn place(&self, id: PlaceId) -> Option<&Place> {
        self.places.get(&id)
    }

    /// A place as people who do not know it tell it from others: "THCS Mèo Vạc · Lớp 9A". Every school has a 9A.
    pub(crate) fn full_name(&self, place: &Place) -> String {
        let path = self.units.path(place.unit);
        let school = path.last().map(|unit| unit.name.as_str());
        match school.filter(|school| !place.name.contains(school)) {
            Some(school) => format!("{school} · {}", place.name),
            None => place.name.clone(),
        }
    }

    /// A place as its own pages show it.
    pub(crate) fn shown_place(&self, id: PlaceId) -> Option<PlaceInfo> {
        let place = self.place(id)?;
        Some(PlaceInfo { name: self.full_name(place), ..PlaceInfo::from(place) })
    }

    /// Every place, by id.
    pub(crate) fn place_map(&self) -> &BTreeMap<PlaceId, Place> {
        &self.places
    }

    /// Every lesson.
    pub(crate) fn all_lessons(&self) -> impl Iterator<Item = &LessonRecord> {
        self.lessons.values()
    }

    /// Every place, by name.
    pub(crate) fn places(&self) -> Vec<&Place> {
        let mut places: Vec<_> = self.places.values().collect();
        places.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        places
    }

    /// Where places belong.
    pub(crate) fn units(&self) -> &Units {
        &self.units
    }

    /// Who is invited when these places and all places below these units are: everybody, when neither is named.
    pub(crate) fn invite(
        &self,
        places: Option<BTreeSet<PlaceId>>,
        units: Option<&BTreeSet<UnitId>>,
    ) -> Invited {
        match (places, units) {
            (None, None) => Invited::All,
            (places, units) => {
                let mut all = places.unwrap_or_default();
                if let Some(units) = units {
                    all.extend(self.units.places_within(units, self.places.values()));
                }
                Invited::Only(all)
            }
        }
    }

    /// The places a lesson is for, by name.
    pub(crate) fn invited(&self, lesson: &LessonRecord) -> Vec<&Place> {
        let mut places = self.places();
        places.retain(|place| lesson.invited.includes(place.id));
        places
    }

    /// The lesson the page of `who` is about: its own, or for a place the one it should show now.
    pub(crate) fn lesson_of(
        &self,
        who: Identity,
        current: Option<LessonId>,
        now: UnixMillis,
    ) -> Option<&LessonRecord> {
        let id = match who {
            Identity::Place { place } | Identity::Helper { place, .. } => {
                lesson_for_place(place, current, now, self.lessons.values())
            }
            _ => who.lesson(),
        };
        id.and_then(|id| self.lesson(id))
    }
}
