//! Where places belong: Sở → cụm trường → trường → phòng. Names, levels and depth are data.
//!
//! A [`Unit`] is anything above a classroom. What kind of unit it is, is a word people give it ("Cụm trường"), so that
//! a reorganisation of the administration needs no new program. Two units, usually schools, can be partners
//! (*trường kết nghĩa*).

use crate::{Place, PlaceId, Refusal, UnitId, place::clean_name};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Deepest hierarchy; deeper ones are a mistake, and every walk upwards is bounded by it.
pub const UNIT_DEPTH_MAX: usize = 16;

/// A school, a cluster of schools, a department …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// The unit it belongs to; `None`: it is at the top.
    pub parent: Option<UnitId>,
    /// What kind of unit it is, in people's words ("Trường"), 1 to 200 characters.
    pub level: String,
    /// Its name, 1 to 200 characters.
    pub name: String,
}

/// All units and the partnerships between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Units {
    units: BTreeMap<UnitId, Unit>,
    /// Each pair once, the smaller id first.
    partners: BTreeSet<(UnitId, UnitId)>,
}

impl Units {
    /// Units and partnerships as they were stored.
    pub fn new(
        units: impl IntoIterator<Item = Unit>,
        partners: impl IntoIterator<Item = (UnitId, UnitId)>,
    ) -> Self {
        Self {
            units: units.into_iter().map(|unit| (unit.id, unit)).collect(),
            partners: partners.into_iter().map(|(one, other)| pair(one, other)).collect(),
        }
    }

    /// A unit.
    pub fn get(&self, id: UnitId) -> Option<&Unit> {
        self.units.get(&id)
    }

    /// Every unit.
    pub fn all(&self) -> impl Iterator<Item = &Unit> {
        self.units.values()
    }

    /// Every partnership once.
    pub fn partners(&self) -> impl Iterator<Item = (UnitId, UnitId)> + '_ {
        self.partners.iter().copied()
    }

    /// The partners of one unit.
    pub fn partners_of(&self, id: UnitId) -> Vec<UnitId> {
        let other = |&(one, other): &(UnitId, UnitId)| match id {
            _ if id == one => Some(other),
            _ if id == other => Some(one),
            _ => None,
        };
        self.partners.iter().filter_map(other).collect()
    }

    /// The units from the top down to `id`, itself included.
    pub fn path(&self, id: Option<UnitId>) -> Vec<&Unit> {
        let mut path = Vec::new();
        let mut next = id;
        while let Some(unit) = next.and_then(|id| self.units.get(&id)) {
            path.push(unit);
            // Only a database edited by hand holds a loop.
            if path.len() >= UNIT_DEPTH_MAX {
                break;
            }
            next = unit.parent;
        }
        path.reverse();
        path
    }

    /// Whether `id` is `above` or belongs to it.
    pub fn is_within(&self, id: Option<UnitId>, above: UnitId) -> bool {
        self.path(id).iter().any(|unit| unit.id == above)
    }

    /// The places that belong to any of `units`, at any depth.
    pub fn places_within<'a>(
        &self,
        units: &BTreeSet<UnitId>,
        places: impl IntoIterator<Item = &'a Place>,
    ) -> BTreeSet<PlaceId> {
        let belongs = |place: &&Place| self.path(place.unit).iter().any(|unit| units.contains(&unit.id));
        places.into_iter().filter(belongs).map(|place| place.id).collect()
    }

    /// Checks a new or changed unit and takes it; it comes back with its texts trimmed.
    ///
    /// # Errors
    /// [`Refusal::TextLength`], [`Refusal::UnitUnknown`] for a parent that does not exist, [`Refusal::UnitLoop`] when it would
    /// be below itself or too deep.
    pub fn put(&mut self, unit: &Unit) -> Result<Unit, Refusal> {
        let (level, name) = (clean_name("level", &unit.level)?, clean_name("name", &unit.name)?);
        let unit = Unit { level, name, ..*unit };
        if let Some(parent) = unit.parent {
            if !self.units.contains_key(&parent) {
                return Err(Refusal::UnitUnknown);
            }
            let above = self.path(Some(parent));
            if above.len() + self.depth_below(unit.id) >= UNIT_DEPTH_MAX
                || above.iter().any(|up| up.id == unit.id)
            {
                return Err(Refusal::UnitLoop);
            }
        }
        self.units.insert(unit.id, unit.clone());
        Ok(unit)
    }

    /// Removes a unit that nothing belongs to.
    ///
    /// # Errors
    /// [`Refusal::UnitUnknown`], [`Refusal::UnitInUse`].
    pub fn remove<'a>(
        &mut self,
        id: UnitId,
        places: impl IntoIterator<Item = &'a Place>,
    ) -> Result<(), Refusal> {
        if !self.units.contains_key(&id) {
            return Err(Refusal::UnitUnknown);
        }
        let has_units = self.units.values().any(|unit| unit.parent == Some(id));
        if has_units || places.into_iter().any(|place| place.unit == Some(id)) {
            return Err(Refusal::UnitInUse);
        }
        self.units.remove(&id);
        self.partners.retain(|(one, other)| *one != id && *other != id);
        Ok(())
    }

    /// Makes two units partners; the pair as it is stored.
    ///
    /// # Errors
    /// [`Refusal::UnitUnknown`], [`Refusal::UnitLoop`] for a unit and itself.
    pub fn pair(&mut self, one: UnitId, other: UnitId) -> Result<(UnitId, UnitId), Refusal> {
        if !self.units.contains_key(&one) || !self.units.contains_key(&other) {
            return Err(Refusal::UnitUnknown);
        }
        if one == other {
            return Err(Refusal::UnitLoop);
        }
        let pair = pair(one, other);
        self.partners.insert(pair);
        Ok(pair)
    }

    /// Ends a partnership; the pair as it was stored.
    pub fn unpair(&mut self, one: UnitId, other: UnitId) -> (UnitId, UnitId) {
        let pair = pair(one, other);
        self.partners.remove(&pair);
        pair
    }

    /// The unit below `parent` with this name, as an import looks for it.
    pub fn find(&self, parent: Option<UnitId>, name: &str) -> Option<&Unit> {
        self.units.values().find(|unit| unit.parent == parent && unit.name == name)
    }

    /// Levels of units below `id`.
    fn depth_below(&self, id: UnitId) -> usize {
        let depth = |unit: &Unit| {
            let path = self.path(Some(unit.id));
            path.iter().position(|up| up.id == id).map_or(0, |at| path.len() - 1 - at)
        };
        self.units.values().map(depth).max().unwrap_or(0)
    }
}

fn pair(one: UnitId, other: UnitId) -> (UnitId, UnitId) {
    (one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMillis;

    fn unit(id: u64, parent: Option<u64>, level: &str) -> Unit {
        let parent = parent.map(UnitId);
        Unit { id: UnitId(id), parent, level: level.into(), name: format!("{level} {id}") }
    }

    fn hanoi() -> Units {
        let mut units = Units::default();
        for new in [
            unit(1, None, "Sở"),
            unit(2, Some(1), "Cụm trường"),
            unit(3, Some(2), "Trường"),
            unit(4, Some(2), "Trường"),
            unit(5, None, "Sở"),
            unit(6, Some(5), "Trường"),
        ] {
            units.put(&new).expect("a good unit");
        }
        units
    }

    fn room(id: u64, unit: u64) -> Place {
        let name = format!("Phòng {id}");
        Place { id: PlaceId(id), name, unit: Some(UnitId(unit)), created_at: UnixMillis::default() }
    }

    #[test]
    fn a_cluster_invites_every_room_below_it_and_no_other() {
        let rooms = [room(1, 3), room(2, 4), room(3, 6), room(4, 2)];
        let invited = |ids: &[u64]| -> Vec<u64> {
            let units = ids.iter().copied().map(UnitId).collect();
            hanoi().places_within(&units, &rooms).iter().map(|place| place.0).collect()
        };
        assert_eq!(invited(&[2]), [1, 2, 4]);
        assert_eq!(invited(&[3, 5]), [1, 3]);
        assert_eq!(invited(&[]), [0; 0]);
        let names: Vec<_> = hanoi().path(Some(UnitId(3))).iter().map(|unit| unit.level.clone()).collect();
        assert_eq!(names, ["Sở", "Cụm trường", "Trường"]);
    }

    #[test]
    fn a_unit_never_ends_up_below_itself() {
        let mut units = hanoi();
        assert_eq!(units.put(&unit(1, Some(3), "Sở")), Err(Refusal::UnitLoop));
        assert_eq!(units.put(&unit(2, Some(2), "Cụm trường")), Err(Refusal::UnitLoop));
        assert_eq!(units.put(&unit(9, Some(99), "Trường")), Err(Refusal::UnitUnknown));
        assert_eq!(units, hanoi(), "a refused change changes nothing");
        units.put(&unit(2, Some(5), "Cụm trường")).expect("a cluster may move to another department");
        assert!(units.is_within(Some(UnitId(3)), UnitId(5)));
    }

    #[test]
    fn a_hierarchy_grows_to_any_depth_that_makes_sense_and_no_further() {
        let mut units = Units::default();
        let refused = (0..100).find(|&id| units.put(&unit(id, id.checked_sub(1), "Cấp")).is_err());
        assert_eq!(refused, Some(UNIT_DEPTH_MAX as u64));
    }

    #[test]
    fn a_unit_with_rooms_or_units_stays() {
        let (mut units, rooms) = (hanoi(), [room(1, 3)]);
        assert_eq!(units.remove(UnitId(2), &rooms), Err(Refusal::UnitInUse));
        assert_eq!(units.remove(UnitId(3), &rooms), Err(Refusal::UnitInUse));
        units.pair(UnitId(4), UnitId(6)).expect("two schools");
        assert_eq!(units.remove(UnitId(4), &rooms), Ok(()));
        assert_eq!(units.partners().count(), 0, "its partnership goes with it");
    }

    #[test]
    fn partners_know_each_other_from_both_sides() {
        let mut units = hanoi();
        assert_eq!(units.pair(UnitId(6), UnitId(3)), Ok((UnitId(3), UnitId(6))));
        assert_eq!(units.pair(UnitId(3), UnitId(6)), Ok((UnitId(3), UnitId(6))));
        assert_eq!(
            (units.partners_of(UnitId(3)), units.partners_of(UnitId(6))),
            (vec![UnitId(6)], vec![UnitId(3)])
        );
        assert_eq!(units.pair(UnitId(3), UnitId(3)), Err(Refusal::UnitLoop));
        units.unpair(UnitId(6), UnitId(3));
        assert_eq!(units.partners().count(), 0);
    }
}
