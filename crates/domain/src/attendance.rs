//! Who really received how much of a lesson: the account of every room and observer.
//!
//! A room's time counts while media flows to it, as the server measures it; an open page alone is no attendance.
//! An observer's time counts while her page decodes new frames. Accounts are stored now and then and restored after a
//! restart: at most one interval is lost.

use crate::{PlaceId, Timestamp, UnixMillis};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// Rungs of the ladder: 0 (nothing) to 6 (everything).
pub const RUNGS: usize = 7;
/// A pause in a room's media up to this long is no outage: reports come every 2 s.
const OUTAGE_FROM: Duration = Duration::from_secs(6);
/// Longest time one report of an observer's page vouches for; it reports every 5 s.
const VOUCHED_MAX: Duration = Duration::from_secs(12);
/// Names of observers, characters.
pub const OBSERVER_NAME_CHARS_MAX: usize = 100;

/// What one room received.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomAccount {
    /// When media first and last flowed to it.
    pub first_at: Option<UnixMillis>,
    /// See `first_at`.
    pub last_at: Option<UnixMillis>,
    /// Media connections that came up.
    pub joins: u32,
    /// Time on each rung, ms.
    pub rung_ms: [u64; RUNGS],
    /// Times that nothing came for longer than a moment and then came again.
    pub outages: u32,
    /// Their length together, ms.
    pub outage_ms: u64,
    /// Times its picture stood still.
    pub freezes: u32,
    /// Their length together, ms.
    pub frozen_ms: u64,
}

impl RoomAccount {
    /// Time during which media flowed, ms.
    pub fn received_ms(&self) -> u64 {
        self.rung_ms.iter().sum()
    }
}

/// What one observer received.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ObserverAccount {
    /// Her name, if she gave one.
    pub name: Option<String>,
    /// When her page first and last decoded something.
    pub first_at: Option<UnixMillis>,
    /// See `first_at`.
    pub last_at: Option<UnixMillis>,
    /// Time during which it did, ms.
    pub received_ms: u64,
}

/// One observer's page in a lesson: what its seat says. The same seat is the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeatId(pub u64);

/// Accounts to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// Of rooms.
    pub rooms: Vec<(PlaceId, RoomAccount)>,
    /// Of observers.
    pub observers: Vec<(SeatId, ObserverAccount)>,
}

impl Accounts {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.observers.is_empty()
    }
}

/// How a room is at the moment of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomMoment {
    /// The rung it receives on; `None`: nothing flows.
    pub rung: Option<u8>,
    /// Its picture stands still.
    pub frozen: bool,
}

/// A room went to another rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungStep {
    /// When.
    pub at: UnixMillis,
    /// 0 (nothing) to 6 (everything); `None`: no media flowed.
    pub rung: Option<u8>,
}

/// Steps remembered of each room, for the chart beside the board. Kept in memory only: the accounts are what lasts.
pub const STEPS_MAX: usize = 500;

#[derive(Debug, Clone, Default)]
struct Room {
    account: RoomAccount,
    /// full: the oldest go.
    steps: VecDeque<RungStep>,
    received_at: Option<Timestamp>,
    frozen_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default)]
struct Observer {
    account: ObserverAccount,
    frames: u64,
    counted_at: Option<Timestamp>,
}

/// The accounts of one lesson.
#[derive(Debug, Clone, Default)]
pub struct Attendance {
    rooms: BTreeMap<PlaceId, Room>,
    observers: BTreeMap<SeatId, Observer>,
    /// Changed since they were last stored.
    dirty_rooms: BTreeSet<PlaceId>,
    dirty_observers: BTreeSet<SeatId>,
}

impl Attendance {
    /// Accounts as they were stored.
    pub fn restore(
        rooms: impl IntoIterator<Item = (PlaceId, RoomAccount)>,
        observers: impl IntoIterator<Item = (SeatId, ObserverAccount)>,
    ) -> Self {
        let room = |(place, account)| (place, Room { account, ..Room::default() });
        let observer = |(seat, account)| (seat, Observer { account, ..Observer::default() });
        Self {
            rooms: rooms.into_iter().map(room).collect(),
            observers: observers.into_iter().map(observer).collect(),
            ..Self::default()
        }
    }

    /// Whether a room was in the lesson.
    pub fn knows(&self, place: PlaceId) -> bool {
        self.rooms.contains_key(&place)
    }

    /// Every room that was in the lesson.
    pub fn rooms(&self) -> impl Iterator<Item = (PlaceId, &RoomAccount)> {
        self.rooms.iter().map(|(place, room)| (*place, &room.account))
    }

    /// Every observer that was in the lesson.
    pub fn observers(&self) -> impl Iterator<Item = (SeatId, &ObserverAccount)> {
        self.observers.iter().map(|(seat, observer)| (*seat, &observer.account))
    }

    /// A page of a room opened in the lesson. `true`: its first.
    pub fn entered(&mut self, place: PlaceId) -> bool {
        let is_new = !self.rooms.contains_key(&place);
        if is_new {
            self.rooms.insert(place, Room::default());
            self.dirty_rooms.insert(place);
        }
        is_new
    }

    /// A media connection of a room came up: what it receives counts from here on.
    pub fn joined(&mut self, now: Timestamp, at: UnixMillis, place: PlaceId) {
        self.rooms.entry(place).or_default().account.joins += 1;
        self.dirty_rooms.insert(place);
        self.look(now, at, place, RoomMoment { rung: Some(RUNGS as u8 - 1), frozen: false });
    }

    /// A look at a room; call it for every room every 2 s or so while the lesson is live.
    pub fn look(&mut self, now: Timestamp, at: UnixMillis, place: PlaceId, moment: RoomMoment) {
        let Some(room) = self.rooms.get_mut(&place) else { return };
        let Room { account, received_at, frozen_at, .. } = room;
        if let Some(rung) = moment.rung {
            let since = match (*received_at, account.last_at) {
                (Some(before), _) => Some(now.saturating_since(before)),
                // The server itself was away.
                (None, Some(last_at)) => {
                    Some(Duration::from_millis(at.get().saturating_sub(last_at.get()).max(0).unsigned_abs()))
                }
                (None, None) => None,
            };
            match since {
                Some(gap) if gap > OUTAGE_FROM => {
                    account.outages += 1;
                    account.outage_ms += gap.as_millis() as u64;
                }
                Some(gap) => {
                    account.rung_ms[usize::from(rung).min(RUNGS - 1)] += gap.as_millis() as u64;
                }
                None => {}
            }
            *received_at = Some(now);
            account.first_at = account.first_at.or(Some(at));
            account.last_at = Some(at);
            self.dirty_rooms.insert(place);
        }
        if moment.frozen {
            match *frozen_at {
                None => account.freezes += 1,
                Some(before) => account.frozen_ms += now.saturating_since(before).as_millis() as u64,
            }
            self.dirty_rooms.insert(place);
        }
        *frozen_at = moment.frozen.then_some(now);
    }

    /// Remembers who went to another rung; a room that `moments` does not name receives nothing.
    pub fn follow(&mut self, at: UnixMillis, moments: &BTreeMap<PlaceId, RoomMoment>) {
        for (place, room) in &mut self.rooms {
            let rung = moments.get(place).and_then(|moment| moment.rung);
            if room.steps.back().is_some_and(|last| last.rung == rung) {
                continue;
            }
            if room.steps.len() >= STEPS_MAX {
                room.steps.pop_front();
            }
            room.steps.push_back(RungStep { at, rung });
        }
    }

    /// A room's steps on the ladder since the lesson, or the server, began; oldest first.
    pub fn steps(&self, place: PlaceId) -> impl Iterator<Item = RungStep> + '_ {
        self.rooms.get(&place).into_iter().flat_map(|room| room.steps.iter().copied())
    }

    /// An observer's page is open.
    pub fn seated(&mut self, seat: SeatId, name: Option<&str>) {
        let observer = self.observers.entry(seat).or_default();
        if let Some(name) = name.filter(|name| observer.account.name.as_deref() != Some(name)) {
            observer.account.name = Some(name.to_owned());
        }
        // A new page counts its frames from zero.
        (observer.frames, observer.counted_at) = (0, None);
        self.dirty_observers.insert(seat);
    }

    /// An observer's page says how many frames it decoded since it began to play.
    pub fn observed(&mut self, now: Timestamp, at: UnixMillis, seat: SeatId, frames: u64) {
        let Some(observer) = self.observers.get_mut(&seat) else { return };
        if frames != observer.frames {
            let account = &mut observer.account;
            if let Some(before) = observer.counted_at {
                let vouched = now.saturating_since(before).min(VOUCHED_MAX);
                account.received_ms += vouched.as_millis() as u64;
            }
            account.first_at = account.first_at.or(Some(at));
            account.last_at = Some(at);
            self.dirty_observers.insert(seat);
        }
        (observer.frames, observer.counted_at) = (frames, Some(now));
    }

    /// The accounts that changed since this was last asked.
    pub fn take_changes(&mut self) -> Accounts {
        let rooms = std::mem::take(&mut self.dirty_rooms);
        let observers = std::mem::take(&mut self.dirty_observers);
        let room = |place: &PlaceId| Some((*place, self.rooms.get(place)?.account.clone()));
        let observer = |seat: &SeatId| Some((*seat, self.observers.get(seat)?.account.clone()));
        Accounts {
            rooms: rooms.iter().filter_map(room).collect(),
            observers: observers.iter().filter_map(observer).collect(),
        }
    }

    /// What was taken by [`Attendance::take_changes`] could not be stored: it counts as changed again.
    pub fn give_back(&mut self, accounts: &Accounts) {
        self.dirty_rooms.extend(accounts.rooms.iter().map(|(place, _)| *place));
        self.dirty_observers.extend(accounts.observers.iter().map(|(seat, _)| *seat));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: PlaceId = PlaceId(7);

    fn look(attendance: &mut Attendance, seconds: u64, rung: Option<u8>, frozen: bool) {
        let now = Timestamp::ZERO + Duration::from_secs(seconds);
        let at = UnixMillis::clamped(1_000_000 + seconds.cast_signed() * 1_000);
        attendance.look(now, at, ROOM, RoomMoment { rung, frozen });
    }

    fn account(attendance: &Attendance) -> RoomAccount {
        attendance.rooms().find(|(place, _)| *place == ROOM).expect("the room was there").1.clone()
    }

    #[test]
    fn a_room_is_present_while_media_flows_and_not_while_a_page_is_open() {
        let mut attendance = Attendance::default();
        look(&mut attendance, 0, Some(6), false);
        assert!(!attendance.knows(ROOM), "a room that never entered has no account");
        assert!(attendance.entered(ROOM) && !attendance.entered(ROOM));
        attendance.joined(Timestamp::ZERO, UnixMillis::clamped(1_000_000), ROOM);
        for seconds in (0..=600).step_by(2) {
            let rung = match seconds {
                0..=300 => Some(6),
                302..=400 => None,
                _ => Some(3),
            };
            look(&mut attendance, seconds, rung, false);
        }
        let account = account(&attendance);
        assert_eq!((account.rung_ms[6], account.rung_ms[3]), (300_000, 198_000));
        assert_eq!((account.outages, account.outage_ms), (1, 102_000));
        assert_eq!(account.received_ms(), 498_000);
    }

    #[test]
    fn a_restart_of_the_server_is_an_outage_and_nothing_before_it_is_lost() {
        let mut attendance = Attendance::default();
        attendance.entered(ROOM);
        for seconds in [0, 2, 4] {
            look(&mut attendance, seconds, Some(5), false);
        }
        let changed = attendance.take_changes();
        assert!(attendance.take_changes().is_empty(), "nothing is stored twice");
        let mut restored = Attendance::restore(changed.rooms, changed.observers);
        // The new process counts its own time from zero; the wall clock goes on.
        let at = UnixMillis::clamped(1_000_000 + 34_000);
        restored.look(Timestamp::ZERO, at, ROOM, RoomMoment { rung: Some(5), frozen: false });
        let account = account(&restored);
        assert_eq!((account.received_ms(), account.outages, account.outage_ms), (4_000, 1, 30_000));
    }

    #[test]
    fn freezes_are_counted_once_each_with_their_length() {
        let mut attendance = Attendance::default();
        attendance.entered(ROOM);
        for (seconds, frozen) in
            [(0, false), (2, true), (4, true), (6, true), (8, false), (10, true), (12, false)]
        {
            look(&mut attendance, seconds, Some(6), frozen);
        }
        assert_eq!((account(&attendance).freezes, account(&attendance).frozen_ms), (2, 4_000));
    }

    #[test]
    fn a_rooms_way_on_the_ladder_is_remembered_step_by_step_and_without_end_it_is_not() {
        let mut attendance = Attendance::default();
        attendance.entered(ROOM);
        let mut follow = |seconds: u64, rung: Option<u8>| {
            let moments = rung
                .map(|rung| (ROOM, RoomMoment { rung: Some(rung), frozen: false }))
                .into_iter()
                .collect::<BTreeMap<_, _>>();
            attendance.follow(UnixMillis::clamped(seconds.cast_signed() * 1_000), &moments);
            attendance.steps(ROOM).map(|step| step.rung).collect::<Vec<_>>()
        };
        for (seconds, rung) in [(0, Some(6)), (2, Some(6)), (4, Some(1)), (6, None), (8, None)] {
            follow(seconds, rung);
        }
        assert_eq!(follow(10, Some(5)), [Some(6), Some(1), None, Some(5)]);
        let many = (0..2 * STEPS_MAX as u64).map(|n| follow(20 + n, Some((n % 7) as u8))).last();
        let many = many.expect("it was followed");
        assert_eq!((many.len(), many.last()), (STEPS_MAX, Some(&Some(((2 * STEPS_MAX - 1) % 7) as u8))));
    }

    #[test]
    fn an_observer_counts_while_her_page_decodes() {
        let mut attendance = Attendance::default();
        let seat = SeatId(1);
        let report = |attendance: &mut Attendance, seconds: u64, frames| {
            let now = Timestamp::ZERO + Duration::from_secs(seconds);
            attendance.observed(now, UnixMillis::clamped(seconds.cast_signed() * 1_000), seat, frames);
        };
        report(&mut attendance, 0, 5);
        assert_eq!(attendance.observers().count(), 0);
        attendance.seated(seat, Some("Cô Hoa"));
        for (seconds, frames) in [(0, 10), (5, 100), (10, 100), (15, 200), (100, 300)] {
            report(&mut attendance, seconds, frames);
        }
        attendance.seated(seat, None);
        report(&mut attendance, 110, 4);
        let (_, account) = attendance.observers().next().expect("she was there");
        // 5 s, then a standing picture, then 5 s, then 12 s vouched for by a page that had slept.
        assert_eq!((account.received_ms, account.name.as_deref()), (22_000, Some("Cô Hoa")));
    }
}
