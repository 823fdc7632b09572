//! One lesson: what it is, what state it is in, and who may do what to it.
//!
//! The aggregate is event-sourced in miniature: [`Lesson::apply`] decides and returns events,
//! [`Lesson::evolve`] is the only code that changes state, and replaying the stored events over the
//! first record gives the same lesson again. Who is *connected* is not here but in [`crate::Roster`]:
//! connections die with the process, a lesson does not.
//!
//! # Who may do what, when
//!
//! The role is judged before the state, so that a stranger learns nothing about the lesson. A host or
//! observer of another lesson, an organiser of another lesson and a place that is not invited get
//! `forbidden` for everything.
//!
//! | action | who | scheduled | test run | live | ended |
//! |---|---|---|---|---|---|
//! | `Test` | host, organiser | → test run | `wrong_state` | `wrong_state` | `lesson_ended` |
//! | `Start` | host, organiser | → live | → live | `wrong_state` | `lesson_ended` |
//! | `End` | host, organiser | `wrong_state` | → scheduled | → ended | `lesson_ended` |
//! | `Edit` | organiser | yes | yes | yes | `lesson_ended` |
//! | `Invite` | organiser | yes | yes | yes | `lesson_ended` |
//! | `ManageLinks` (list, revoke) | organiser | yes | yes | yes | yes |
//! | `Delete` | organiser | yes | yes | `wrong_state` | yes |
//! | `Publish` | host | yes | yes | yes | `lesson_ended` |
//! | `Watch` | host, organiser | yes | yes | yes | `lesson_ended` |
//! | `Watch` | observer, place | `wrong_state` | yes | yes | `lesson_ended` |
//! | `Look` (title, state, times) | everybody | yes | yes | yes | yes |
//!
//! Three rules are worth a sentence. A host may publish before the lesson starts, to see and hear
//! herself come back, but no classroom sees it until test run or live. Ending a test run returns to
//! *scheduled*, so a rehearsal can be held as often as wanted; only a live lesson can end for good.
//! A live lesson cannot be deleted: one wrong click must not put two hundred screens out.

use crate::{Identity, LessonId, PlaceId, Refusal, Role, UnixMillis, place::clean_name};
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
}

/// What somebody wants to do with a lesson; the rows of the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Begin a test run.
    Test,
    /// Go live.
    Start,
    /// End the test run, or the lesson.
    End,
    /// Change title, host place, time or invited places.
    Edit,
    /// Make an invitation link.
    Invite,
    /// List and revoke invitation links.
    ManageLinks,
    /// Remove the lesson and everything about it.
    Delete,
    /// Send pictures and sound.
    Publish,
    /// Receive pictures and sound.
    Watch,
    /// Know title, state and times.
    Look,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 10] = [
        Action::Test,
        Action::Start,
        Action::End,
        Action::Edit,
        Action::Invite,
        Action::ManageLinks,
        Action::Delete,
        Action::Publish,
        Action::Watch,
        Action::Look,
    ];
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
}

impl LessonCommand {
    /// The row of the table it is judged by.
    pub fn action(&self) -> Action {
        match self {
            LessonCommand::Test => Action::Test,
            LessonCommand::Start => Action::Start,
            LessonCommand::End => Action::End,
            LessonCommand::Edit(_) => Action::Edit,
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
            | LessonEvent::Edited { at, .. } => *at,
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

    /// Judges one cell of the table at the top of this file.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], [`Refusal::WrongState`] or [`Refusal::LessonEnded`], as the table says.
    pub fn permits(&self, who: Identity, action: Action) -> Result<(), Refusal> {
        use LessonState::{Ended, Live, Scheduled, TestRun};
        let role = who.role();
        if !self.concerns(who) || !role_may(role, action) {
            return Err(Refusal::Forbidden { role });
        }
        let state = self.record.state;
        let fits = match (action, state) {
            (Action::Look | Action::ManageLinks, _)
            | (Action::Delete, Scheduled | TestRun | Ended)
            | (Action::Test | Action::Start, Scheduled)
            | (Action::Start, TestRun)
            | (Action::End | Action::Watch, TestRun | Live)
            | (Action::Edit | Action::Invite | Action::Publish, Scheduled | TestRun | Live) => true,
            (Action::Watch, Scheduled) => matches!(role, Role::Host | Role::Organiser),
            (Action::Test, TestRun | Live)
            | (Action::Start | Action::Delete, Live)
            | (Action::End, Scheduled) => false,
            (_, Ended) => return Err(Refusal::LessonEnded),
        };
        if fits { Ok(()) } else { Err(Refusal::WrongState { state }) }
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
        let event = match command {
            LessonCommand::Test => LessonEvent::TestStarted { at: now },
            LessonCommand::Start => LessonEvent::WentLive { at: now },
            LessonCommand::End if self.record.state == LessonState::TestRun => {
                LessonEvent::TestEnded { at: now }
            }
            // The wall clock may have been set back since the start; a lesson never ends before it began.
            LessonCommand::End => {
                LessonEvent::Ended { at: self.record.started_at.map_or(now, |start| now.max(start)) }
            }
            LessonCommand::Edit(edit) => match self.edited(now, edit)? {
                Some(event) => event,
                None => return Ok(Vec::new()),
            },
        };
        self.evolve(&event);
        Ok(vec![event])
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
            LessonEvent::Edited { title, host_place, starts_at, invited, .. } => {
                record.title.clone_from(title);
                record.host_place.clone_from(host_place);
                record.starts_at = *starts_at;
                record.invited.clone_from(invited);
            }
        }
    }

    /// Whether this lesson is within what `who` proved.
    fn concerns(&self, who: Identity) -> bool {
        match who {
            Identity::Host { lesson, .. } | Identity::Observer { lesson, .. } => lesson == self.record.id,
            Identity::Organiser { .. } => who.organises(self.record.id),
            Identity::Place { place } => self.record.invited.includes(place),
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
        let changed = title != old.title
            || host_place != old.host_place
            || starts_at != old.starts_at
            || invited != old.invited;
        Ok(changed.then_some(LessonEvent::Edited { at, title, host_place, starts_at, invited }))
    }
}

/// The "who" column of the table.
fn role_may(role: Role, action: Action) -> bool {
    match action {
        Action::Test | Action::Start | Action::End => matches!(role, Role::Host | Role::Organiser),
        Action::Edit | Action::Invite | Action::ManageLinks | Action::Delete => role == Role::Organiser,
        Action::Publish => role == Role::Host,
        Action::Watch | Action::Look => true,
    }
}

#[cfg(test)]
mod tests;
