//! What a lesson, a cluster, a period came to: accounts and logs become numbers.

use crate::lessons::{Directory, Looked};
use domain::{
    Attendance, LessonRecord, Participation, ParticipationEvent, PlaceId, RoomAccount, UnitId, UnixMillis,
    room_deeds,
};
use signalling::{
    AskedQuestion, LessonInfo, LessonLine, LessonReport, LessonTotals, ObserverReport, PeriodReport,
    PeriodTotals, PlaceReport, UnitLine,
};
use std::collections::{BTreeMap, BTreeSet};

/// The report of one lesson.
pub(crate) fn lesson(
    looked: &Looked,
    log: &[ParticipationEvent],
    directory: &Directory,
    now: UnixMillis,
) -> LessonReport {
    let Looked { record, participation, attendance } = looked;
    let (from, until) = (record.started_at.unwrap_or(now), record.ended_at.unwrap_or(now));
    let deeds = room_deeds(log, from, until);
    let accounts: BTreeMap<PlaceId, &RoomAccount> = attendance.rooms().collect();
    let invited: BTreeSet<PlaceId> = directory.invited(record).into_iter().map(|place| place.id).collect();
    let rooms: BTreeSet<PlaceId> = invited.iter().chain(accounts.keys()).copied().collect();
    let nothing = RoomAccount::default();
    let mut places: Vec<_> = rooms
        .into_iter()
        .map(|id| {
            let account = accounts.get(&id).copied().unwrap_or(&nothing);
            let deeds = deeds.get(&id).copied().unwrap_or_default();
            let place = directory.place(id);
            let units = directory.units().path(place.and_then(|place| place.unit));
            PlaceReport {
                id,
                name: place.map_or_else(|| id.to_string(), |place| place.name.clone()),
                units: units.into_iter().map(|unit| unit.name.clone()).collect(),
                first_at: account.first_at,
                last_at: account.last_at,
                received_s: seconds(account.received_ms()),
                rung_s: account.rung_ms.map(seconds),
                outages: account.outages,
                outage_s: seconds(account.outage_ms),
                joins: account.joins,
                freezes: account.freezes,
                frozen_s: seconds(account.frozen_ms),
                hands: deeds.hands,
                spoke_s: seconds(deeds.spoke_ms),
                answers: deeds.answers,
                works: deeds.works,
                help: deeds.help,
            }
        })
        .collect();
    places.sort_by(|a, b| (&a.units, &a.name).cmp(&(&b.units, &b.name)));
    let observers = observers(attendance);
    let totals = LessonTotals {
        places_invited: invited.len(),
        places_present: accounts.values().filter(|account| account.received_ms() > 0).count(),
        received_s: seconds(accounts.values().map(|account| account.received_ms()).sum()),
        observers: observers.len(),
    };
    LessonReport {
        lesson: LessonInfo::from(record),
        duration_s: duration_s(record, now),
        places,
        observers,
        questions: questions(participation, from),
        totals,
    }
}

/// Lessons that went live in a period, and what was received of them.
#[derive(Default)]
pub(crate) struct Period {
    lines: Vec<LessonLine>,
    /// For every place: lessons it was in, and what it received, ms.
    places: BTreeMap<PlaceId, (usize, u64)>,
    observers: usize,
}

impl Period {
    /// Adds a lesson; only places for which `counts` holds are counted.
    pub(crate) fn add(
        &mut self,
        record: &LessonRecord,
        attendance: &Attendance,
        now: UnixMillis,
        counts: impl Fn(PlaceId) -> bool,
    ) {
        let present: Vec<_> = attendance
            .rooms()
            .filter(|(place, account)| account.received_ms() > 0 && counts(*place))
            .map(|(place, account)| (place, account.received_ms()))
            .collect();
        let observers = observers(attendance).len();
        self.observers += observers;
        self.lines.push(LessonLine {
            id: record.id,
            title: record.title.clone(),
            started_at: record.started_at,
            duration_s: duration_s(record, now),
            places: present.len(),
            observers,
            received_s: seconds(present.iter().map(|(_, received)| received).sum()),
        });
        for (place, received) in present {
            let (lessons, sum) = self.places.entry(place).or_default();
            *lessons += 1;
            *sum += received;
        }
    }

    /// The report.
    pub(crate) fn report(
        mut self,
        from: Option<UnixMillis>,
        to: Option<UnixMillis>,
        unit: Option<UnitId>,
        directory: &Directory,
    ) -> PeriodReport {
        self.lines.sort_by_key(|line| (line.started_at, line.id));
        let mut units: BTreeMap<UnitId, (usize, usize, u64)> = BTreeMap::new();
        for (place, (lessons, received)) in &self.places {
            let own = directory.place(*place).and_then(|place| place.unit);
            for above in directory.units().path(own) {
                let (places, place_lessons, sum) = units.entry(above.id).or_default();
                *places += 1;
                *place_lessons += lessons;
                *sum += received;
            }
        }
        let within = |id: &UnitId| unit.is_none_or(|above| directory.units().is_within(Some(*id), above));
        let line = |(id, (places, place_lessons, received)): (UnitId, (usize, usize, u64))| {
            let unit = directory.units().get(id)?;
            let (name, level) = (unit.name.clone(), unit.level.clone());
            Some(UnitLine { id, name, level, places, place_lessons, received_s: seconds(received) })
        };
        let totals = PeriodTotals {
            lessons: self.lines.len(),
            places: self.places.len(),
            place_lessons: self.places.values().map(|(lessons, _)| lessons).sum(),
            received_s: seconds(self.places.values().map(|(_, received)| received).sum()),
            observers: self.observers,
        };
        let units = units.into_iter().filter(|(id, _)| within(id)).filter_map(line).collect();
        PeriodReport { from, to, unit, totals, lessons: self.lines, units }
    }
}

fn observers(attendance: &Attendance) -> Vec<ObserverReport> {
    let report = |(_, account): (_, &domain::ObserverAccount)| ObserverReport {
        name: account.name.clone(),
        received_s: seconds(account.received_ms),
    };
    let mut observers: Vec<_> =
        attendance.observers().filter(|(_, account)| account.received_ms > 0).map(report).collect();
    observers.sort_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)));
    observers
}

fn questions(participation: &Participation, from: UnixMillis) -> Vec<AskedQuestion> {
    let asked = participation.questions.all().iter().filter(|question| question.opened_at >= from);
    asked.map(|question| AskedQuestion { answers: Vec::new(), ..AskedQuestion::from(question) }).collect()
}

fn duration_s(record: &LessonRecord, now: UnixMillis) -> u64 {
    let until = record.ended_at.unwrap_or(now);
    record
        .started_at
        .map_or(0, |start| seconds(until.get().saturating_sub(start.get()).max(0).unsigned_abs()))
}

/// Whole seconds, rounded: a minute of 59 999 ms is a minute.
fn seconds(ms: u64) -> u64 {
    (ms + 500) / 1_000
}
