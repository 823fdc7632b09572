//! One lesson: what it is, what state it is in, and who may do what to it.
//!
//! The aggregate is event-sourced in miniature: [`Lesson::apply`] decides and returns events,
//! [`Lesson::evolve`] is the only code that changes state, and replaying the stored events over the
//! first record gives the same lesson again. Who is *connected* is not here but in [`crate::Roster`]:
//! connections die with the process, a lesson does not.
//!
//! Who may do what, when, is the table in `action.rs`.

use crate::{Action, Identity, InvitationId, LessonId, PlaceId, Refusal, UnixMillis, place::clean_name};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Where a lesson is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LessonState {
    /// Planned; screens show its title and wait.
    Scheduled,
    /// *Chạy thử*: pictures and sound flow, so that every room can be checked.
    TestRun,
    /// *Đang phát trực tiếp*.
    Live,
    /// Over, for good.
    Ended,
}

impl LessonState {
    /// Every state, in the order of a lesson's life.
    pub const ALL: [LessonState; 4] =
        [LessonState::Scheduled, LessonState::TestRun, LessonState::Live, LessonState::Ended];

    /// The name used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            LessonState::Scheduled => "scheduled",
            LessonState::TestRun => "test_run",
            LessonState::Live => "live",
            LessonState::Ended => "ended",
        }
    }

    /// Whether classrooms and observers receive what the host publishes.
    pub fn is_on_air(self) -> bool {
        matches!(self, LessonState::TestRun | LessonState::Live)
    }
}

impl fmt::Display for LessonState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a lesson is scheduled, test_run, live or ended; got {found:?}")]
pub struct ParseStateError {
    found: String,
}

impl FromStr for LessonState {
    type Err = ParseStateError;
    fn from_str(text: &str) -> Result<Self, ParseStateError> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| ParseStateError { found: text.chars().take(32).collect() })
    }
}

/// Which places a lesson is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invited {
    /// Every place of the server, also those added later.
    #[default]
    All,
    /// Only these.
    Only(BTreeSet<PlaceId>),
}

impl Invited {
    /// Whether `place` is invited.
    pub fn includes(&self, place: PlaceId) -> bool {
        match self {
            Invited::All => true,
            Invited::Only(places) => places.contains(&place),
        }
    }
}

/// Everything stored about a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonRecord {
    /// Its id.
    pub id: LessonId,
    /// What it is called, 1 to 200 characters.
    pub title: String,
    /// *Điểm cầu chính* in words ("THPT Đan Phượng, lớp 11A2"), 1 to 200 characters.
    pub host_place: Option<String>,
    /// Where it is in its life.
    pub state: LessonState,
    /// Which places it is for.
    pub invited: Invited,
    /// When it was planned.
    pub created_at: UnixMillis,
    /// When it should begin.
    pub starts_at: Option<UnixMillis>,
    /// When it went live; set exactly in the states live and ended.
    pub started_at: Option<UnixMillis>,
    /// When it ended; set exactly in the state ended, never before `started_at`.
    pub ended_at: Option<UnixMillis>,
    /// The control that leads have over it.
    pub control: LessonControl,
}

/// Who holds a lesson and whom it keeps out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LessonControl {
    /// Since when nobody may come in who was not there before; `None`: it is open.
    pub locked_at: Option<UnixMillis>,
    /// Places that were sent out.
    pub removed: BTreeSet<PlaceId>,
    /// The host link in charge; `None` until the lesson is handed over: every host link may lead.
    pub in_charge: Option<InvitationId>,
    /// Whether places are asked to check themselves before the day (*tổng duyệt*).
    pub rehearsal: bool,
}

/// A change somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LessonCommand {
    /// Begin a test run.
    Test,
    /// Go live.
    Start,
    /// End the test run, or the lesson.
    End,
    /// Change what is planned.
    Edit(LessonEdit),
    /// Let nobody in who was not there before, or open the door again.
    Lock(bool),
    /// Send a place out.
    Remove(PlaceId),
    /// Let a place in again that was sent out.
    Readmit(PlaceId),
    /// Give the lesson to another host link. The caller has checked that this link is one of the lesson's.
    HandOver(InvitationId),
}

impl LessonCommand {
    /// The row of the table it is judged by.
    pub fn action(&self) -> Action {
        match self {
            LessonCommand::Test => Action::Test,
            LessonCommand::Start => Action::Start,
            LessonCommand::End => Action::End,
            LessonCommand::Edit(_) => Action::Edit,
            LessonCommand::Lock(_) => Action::Lock,
            LessonCommand::Remove(_) | LessonCommand::Readmit(_) => Action::Remove,
            LessonCommand::HandOver(_) => Action::HandOver,
        }
    }
}

/// New values; `None` keeps the old one, `Some(None)` clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LessonEdit {
    /// A new title.
    pub title: Option<String>,
    /// A new host place.
    pub host_place: Option<Option<String>>,
    /// A new time to begin.
    pub starts_at: Option<Option<UnixMillis>>,
    /// Other places.
    pub invited: Option<Invited>,
    /// Open or close the rehearsal.
    pub rehearsal: Option<bool>,
}

/// Something that happened to a lesson; what the event log stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LessonEvent {
    /// A test run began.
    TestStarted {
        /// When.
        at: UnixMillis,
    },
    /// The test run ended; the lesson is scheduled again.
    TestEnded {
        /// When.
        at: UnixMillis,
    },
    /// The lesson went live.
    WentLive {
        /// When.
        at: UnixMillis,
    },
    /// The lesson ended.
    Ended {
        /// When.
        at: UnixMillis,
    },
    /// What is planned changed; all values as they are now.
    Edited {
        /// When.
        at: UnixMillis,
        /// The title.
        title: String,
        /// The host place.
        host_place: Option<String>,
        /// The time to begin.
        starts_at: Option<UnixMillis>,
        /// The invited places.
        invited: Invited,
        /// Whether the rehearsal is open. Absent in logs of older versions.
        #[serde(default)]
        rehearsal: bool,
    },
    /// The lesson was locked.
    Locked {
        /// When.
        at: UnixMillis,
    },
    /// The lesson was opened again.
    Unlocked {
        /// When.
        at: UnixMillis,
    },
    /// A place was sent out.
    PlaceRemoved {
        /// When.
        at: UnixMillis,
        /// Which.
        place: PlaceId,
    },
    /// A place was let in again.
    PlaceReadmitted {
        /// When.
        at: UnixMillis,
        /// Which.
        place: PlaceId,
    },
    /// Another host link is in charge, or (`None`) every one is again: the one that was is revoked.
    HandedOver {
        /// When.
        at: UnixMillis,
        /// Which.
        to: Option<InvitationId>,
    },
}

impl LessonEvent {
    /// When it happened.
    pub fn at(&self) -> UnixMillis {
        match self {
            LessonEvent::TestStarted { at }
            | LessonEvent::TestEnded { at }
            | LessonEvent::WentLive { at }
            | LessonEvent::Ended { at }
            | LessonEvent::Edited { at, .. }
            | LessonEvent::Locked { at }
            | LessonEvent::Unlocked { at }
            | LessonEvent::PlaceRemoved { at, .. }
            | LessonEvent::PlaceReadmitted { at, .. }
            | LessonEvent::HandedOver { at, .. } => *at,
        }
    }

    /// Whether classrooms and observers must stop receiving because of it.
    pub fn takes_off_air(&self) -> bool {
        matches!(self, LessonEvent::TestEnded { .. } | LessonEvent::Ended { .. })
    }
}

/// One lesson and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    record: LessonRecord,
}

impl Lesson {
    /// Plans a lesson.
    ///
    /// # Errors
    /// [`Refusal::TextLength`] when title or host place is blank or too long.
    pub fn schedule(
        id: LessonId,
        title: &str,
        host_place: Option<&str>,
        starts_at: Option<UnixMillis>,
        invited: Invited,
        now: UnixMillis,
    ) -> Result<Self, Refusal> {
        let record = LessonRecord {
            id,
            title: clean_name("title", title)?,
            host_place: host_place.map(|text| clean_name("host_place", text)).transpose()?,
            state: LessonState::Scheduled,
            invited,
            created_at: now,
            starts_at,
            started_at: None,
            ended_at: None,
            control: LessonControl::default(),
        };
        Ok(Self { record })
    }

    /// A lesson as it was stored.
    pub fn restore(record: LessonRecord) -> Self {
        Self { record }
    }

    /// Its id.
    pub fn id(&self) -> LessonId {
        self.record.id
    }

    /// Where it is in its life.
    pub fn state(&self) -> LessonState {
        self.record.state
    }

    /// Everything stored about it.
    pub fn record(&self) -> &LessonRecord {
        &self.record
    }

    /// Judges one cell of the table in `action.rs`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], [`Refusal::PlaceRemoved`], [`Refusal::NotInCharge`], [`Refusal::WrongState`] or
    /// [`Refusal::LessonEnded`], in this order.
    pub fn permits(&self, who: Identity, action: Action) -> Result<(), Refusal> {
        let (role, control) = (who.role(), &self.record.control);
        if !self.concerns(who) || !role.may(action) {
            return Err(Refusal::Forbidden { role });
        }
        if who.place().is_some_and(|place| control.removed.contains(&place)) {
            return Err(Refusal::PlaceRemoved);
        }
        let other_leads = |own| control.in_charge.is_some_and(|lead| lead != own);
        if matches!(who, Identity::Host { invitation, .. } if action.needs_charge() && other_leads(invitation))
        {
            return Err(Refusal::NotInCharge);
        }
        // Places that check themselves before the day look whether media comes through; nothing is shown to them.
        let rehearses = action == Action::Watch && who.place().is_some() && control.rehearsal;
        if rehearses && self.record.state == LessonState::Scheduled {
            return Ok(());
        }
        self.record.state.allows(role, action)
    }

    /// Whether `place` takes part: it is invited and was not sent out.
    pub fn includes(&self, place: PlaceId) -> bool {
        self.record.invited.includes(place) && !self.record.control.removed.contains(&place)
    }

    /// Carries out a command, or says why not; a refused command changes nothing.
    ///
    /// # Errors
    /// What [`Lesson::permits`] says, or [`Refusal::TextLength`] for an edit that cannot be shown.
    pub fn apply(
        &mut self,
        now: UnixMillis,
        who: Identity,
        command: LessonCommand,
    ) -> Result<Vec<LessonEvent>, Refusal> {
        self.permits(who, command.action())?;
        let Some(event) = self.event_of(now, command)? else { return Ok(Vec::new()) };
        self.evolve(&event);
        Ok(vec![event])
    }

    /// A host link was revoked. If it was in charge, every other host link may lead again.
    pub fn release(&mut self, now: UnixMillis, link: InvitationId) -> Option<LessonEvent> {
        let event = (self.record.control.in_charge == Some(link))
            .then_some(LessonEvent::HandedOver { at: now, to: None })?;
        self.evolve(&event);
        Some(event)
    }

    /// What a permitted command leads to; `None` when nothing would change.
    fn event_of(&self, now: UnixMillis, command: LessonCommand) -> Result<Option<LessonEvent>, Refusal> {
        let (record, at) = (&self.record, now);
        let control = &record.control;
        let event = match command {
            LessonCommand::Test => LessonEvent::TestStarted { at },
            LessonCommand::Start => LessonEvent::WentLive { at },
            LessonCommand::End if record.state == LessonState::TestRun => LessonEvent::TestEnded { at },
            // The wall clock may have been set back since the start; a lesson never ends before it began.
            LessonCommand::End => {
                LessonEvent::Ended { at: record.started_at.map_or(now, |start| now.max(start)) }
            }
            LessonCommand::Edit(edit) => return self.edited(now, edit),
            LessonCommand::Lock(locked) if locked == control.locked_at.is_some() => return Ok(None),
            LessonCommand::Lock(true) => LessonEvent::Locked { at },
            LessonCommand::Lock(false) => LessonEvent::Unlocked { at },
            LessonCommand::Remove(place) | LessonCommand::Readmit(place)
                if !record.invited.includes(place) =>
            {
                return Err(Refusal::PlaceUnknown);
            }
            LessonCommand::Remove(place) if control.removed.contains(&place) => return Ok(None),
            LessonCommand::Remove(place) => LessonEvent::PlaceRemoved { at, place },
            LessonCommand::Readmit(place) if !control.removed.contains(&place) => return Ok(None),
            LessonCommand::Readmit(place) => LessonEvent::PlaceReadmitted { at, place },
            LessonCommand::HandOver(to) if control.in_charge == Some(to) => return Ok(None),
            LessonCommand::HandOver(to) => LessonEvent::HandedOver { at, to: Some(to) },
        };
        Ok(Some(event))
    }

    /// Follows what happened. Replaying a lesson's events over its first record rebuilds it.
    pub fn evolve(&mut self, event: &LessonEvent) {
        let record = &mut self.record;
        match event {
            LessonEvent::TestStarted { .. } => record.state = LessonState::TestRun,
            LessonEvent::TestEnded { .. } => record.state = LessonState::Scheduled,
            LessonEvent::WentLive { at } => {
                record.state = LessonState::Live;
                record.started_at = Some(*at);
            }
            LessonEvent::Ended { at } => {
                record.state = LessonState::Ended;
                record.ended_at = Some(*at);
            }
            LessonEvent::Edited { title, host_place, starts_at, invited, rehearsal, .. } => {
                record.title.clone_from(title);
                record.host_place.clone_from(host_place);
                record.starts_at = *starts_at;
                record.invited.clone_from(invited);
                record.control.rehearsal = *rehearsal;
            }
            LessonEvent::Locked { at } => record.control.locked_at = Some(*at),
            LessonEvent::Unlocked { .. } => record.control.locked_at = None,
            LessonEvent::PlaceRemoved { place, .. } => {
                record.control.removed.insert(*place);
            }
            LessonEvent::PlaceReadmitted { place, .. } => {
                record.control.removed.remove(place);
            }
            LessonEvent::HandedOver { to, .. } => record.control.in_charge = *to,
        }
        // A rehearsal's lock and removals end with it; a lesson that ended needs neither.
        if event.takes_off_air() {
            record.control.locked_at = None;
            if matches!(event, LessonEvent::TestEnded { .. }) {
                record.control.removed.clear();
            }
        }
    }

    /// Whether this lesson is within what `who` proved.
    fn concerns(&self, who: Identity) -> bool {
        match who {
            Identity::Host { lesson, .. } | Identity::Observer { lesson, .. } => lesson == self.record.id,
            Identity::Organiser { .. } => who.organises(self.record.id),
            Identity::Place { place } | Identity::Helper { place, .. } => self.record.invited.includes(place),
        }
    }

    /// The event an edit leads to; `None` when nothing would change.
    fn edited(&self, at: UnixMillis, edit: LessonEdit) -> Result<Option<LessonEvent>, Refusal> {
        let old = &self.record;
        let title = edit.title.map_or_else(|| Ok(old.title.clone()), |text| clean_name("title", &text))?;
        let host_place = match edit.host_place {
            None => old.host_place.clone(),
            Some(text) => text.map(|text| clean_name("host_place", &text)).transpose()?,
        };
        let starts_at = edit.starts_at.unwrap_or(old.starts_at);
        let invited = edit.invited.unwrap_or_else(|| old.invited.clone());
        let rehearsal = edit.rehearsal.unwrap_or(old.control.rehearsal);
        let changed = title != old.title
            || host_place != old.host_place
            || starts_at != old.starts_at
            || invited != old.invited
            || rehearsal != old.control.rehearsal;
        Ok(changed.then_some(LessonEvent::Edited { at, title, host_place, starts_at, invited, rehearsal }))
    }
}

#[cfg(test)]
mod tests;
