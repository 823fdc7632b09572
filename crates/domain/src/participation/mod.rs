//! What the rooms of a lesson do in it: hands, speaking, calls for help, private messages, answers, works.
//!
//! Beside [`Lesson`], not inside it: a lesson is planned, starts and ends; this is what happens between. It is
//! event-sourced: [`Participation::apply`] (a person's command) and [`Participation::follow`] (what the server
//! saw) decide and return events, [`Participation::evolve`] is the only code that changes state, and replaying
//! the stored events gives the same state again. So a server that was killed comes back with the queue of
//! hands, the open question and every answer as they were acknowledged.
//!
//! Who may do what is [`Lesson::permits`]' question, asked first; whether it fits the moment (was the room
//! called, is a question open) is decided here.

mod floor;
mod help;
mod messages;
mod questions;
mod summary;
mod works;

pub use floor::{
    CALL_EXPIRES, EndReason, Floor, FloorEvent, Hand, MEDIA_EXPIRES, PinPhase, Pinned, Route, SPEAKERS_MAX,
    SpeakingDevice, Turn, TurnPhase, WARM_HANDS,
};
pub use help::{Help, HelpEvent, HelpKind};
pub use messages::{MESSAGE_CHARS_MAX, MESSAGES_MAX, MessageEvent, Messages, PrivateMessage};
pub use questions::{
    Answer, AnswerMode, AnswerValue, COUNT_MAX, LATE_GRACE, NewQuestion, PROMPT_CHARS_MAX, QUESTIONS_MAX,
    Question, QuestionEvent, QuestionKind, Questions, TEXT_ANSWER_CHARS_MAX, Tally,
};
pub use summary::{RoomDeeds, room_deeds};
pub use works::{WORKS_MAX, WORKS_PER_PLACE_MAX, WORKS_SHOWN_MAX, Work, WorkEvent, Works};

use crate::{Action, Identity, Lesson, PlaceId, Refusal, Role, UnixMillis};
use serde::{Deserialize, Serialize};

/// What somebody asks for. A room's commands are about the room of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParticipationCommand {
    /// Raise or lower the room's hand.
    RaiseHand(bool),
    /// A lead lowers a room's hand, or (`None`) all of them.
    LowerHand(Option<PlaceId>),
    /// A lead calls a room to speak.
    Call(PlaceId),
    /// The room agrees; saying it again changes what it speaks with.
    Accept {
        /// Without picture, because the link is weak or the room wants it so.
        audio_only: bool,
        /// Which of its devices is the camera and microphone.
        device: SpeakingDevice,
    },
    /// The room refuses the call, or stops speaking.
    Stop,
    /// The room gives the word to the other room that was called.
    Pass,
    /// The room's picture is left out, or comes back.
    AudioOnly(bool),
    /// A lead ends a room's call or speech.
    EndTurn(PlaceId),
    /// A lead gives the word to one of the rooms that were called.
    Give(PlaceId),
    /// A lead silences a speaking room, or lets it be heard again.
    Mute(PlaceId, bool),
    /// A lead asks for a room's camera as the observers' view of pupils, or (`None`) ends it.
    Pin(Option<PlaceId>),
    /// The room agrees to show its camera, or closes it.
    ShowCamera(bool),
    /// The room says what it lacks, or that it has it again.
    CallHelp(HelpKind, bool),
    /// A lead notes that a room was helped.
    ClearHelp(PlaceId, HelpKind),
    /// A helper writes to the leads (`to` does not matter), or a lead to a room or (`None`) to all rooms.
    Message {
        /// The room.
        to: Option<PlaceId>,
        /// Chosen by the page; the same key again is the same message.
        key: String,
        /// What is said.
        text: String,
    },
    /// A lead asks all rooms a question.
    Ask(NewQuestion),
    /// A lead closes the open question.
    CloseQuestion,
    /// A lead shows a question's results to everybody, or takes them away.
    ShowResults(u32, bool),
    /// The room answers; another answer while the question is open takes its place.
    Answer(u32, AnswerValue),
    /// A helper sends in a photo, stored under this key (chosen by the page; the same key again is the same photo).
    OfferWork(String),
    /// A lead shows these works to everybody, with or without the rooms' names; an empty list takes all away.
    ShowWorks(Vec<u32>, bool),
    /// A lead decides whether a work outlives the lesson.
    KeepWork(u32, bool),
    /// A lead, or the room it came from, deletes a work.
    DeleteWork(u32),
}

impl ParticipationCommand {
    /// The row of the table in `action.rs` it is judged by when somebody of this role asks.
    pub fn action_of(&self, role: Role) -> Action {
        match self {
            Self::RaiseHand(_) => Action::RaiseHand,
            Self::LowerHand(_)
            | Self::Call(_)
            | Self::EndTurn(_)
            | Self::Give(_)
            | Self::Mute(..)
            | Self::Pin(_) => Action::Call,
            Self::Accept { .. } | Self::Stop | Self::Pass | Self::AudioOnly(_) | Self::ShowCamera(_) => {
                Action::Speak
            }
            Self::CallHelp(..) => Action::CallHelp,
            Self::ClearHelp(..) => Action::ClearHelp,
            Self::Message { .. } => Action::Message,
            Self::Ask(_) | Self::CloseQuestion | Self::ShowResults(..) => Action::Ask,
            Self::Answer(..) => Action::Answer,
            Self::OfferWork(_) => Action::OfferWork,
            Self::ShowWorks(..) => Action::ShowWork,
            Self::DeleteWork(_) if matches!(role, Role::Place | Role::Helper) => Action::WithdrawWork,
            Self::KeepWork(..) | Self::DeleteWork(_) => Action::JudgeWork,
        }
    }
}

/// What the server saw by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// A room's camera and microphone are connected.
    MediaBegan(PlaceId),
    /// They are gone.
    MediaEnded(PlaceId),
    /// What comes of them suffers: the picture goes, so that the voice stays.
    WeakUplink(PlaceId),
    /// A place was sent out of the lesson.
    PlaceLeft(PlaceId),
    /// The lesson went live: what a test run left behind is cleared.
    WentLive,
    /// The lesson is over, or the test run.
    OffAir,
    /// Time passed; call it about once a second.
    Tick,
}

/// Something that happened; what the event log stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipationEvent {
    /// When.
    pub at: UnixMillis,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Deed {
    /// Hands, speaking, cameras.
    Floor(FloorEvent),
    /// Calls for help.
    Help(HelpEvent),
    /// Private messages.
    Message(MessageEvent),
    /// Questions and answers.
    Question(QuestionEvent),
    /// Pupils' works.
    Work(WorkEvent),
}

/// See the module's description.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Participation {
    /// Hands and who speaks.
    pub floor: Floor,
    /// Who called for help.
    pub help: Help,
    /// Private messages.
    pub messages: Messages,
    /// Questions and their answers.
    pub questions: Questions,
    /// Photos of pupils' works.
    pub works: Works,
}

impl Participation {
    /// The state that a log leads to.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a ParticipationEvent>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.evolve(event);
        }
        state
    }

    /// Carries out a command, or says why not; a refused command changes nothing. No events: nothing changed.
    ///
    /// # Errors
    /// What [`Lesson::permits`] says; then what the moment forbids: [`Refusal::PlaceUnknown`] (a room that does not take
    /// part), [`Refusal::NotCalled`], [`Refusal::FloorFull`], [`Refusal::QuestionOpen`], [`Refusal::QuestionClosed`],
    /// [`Refusal::QuestionUnknown`], [`Refusal::Unfit`], [`Refusal::WorkUnknown`], [`Refusal::TooMany`],
    /// [`Refusal::TextLength`].
    pub fn apply(
        &mut self,
        now: UnixMillis,
        lesson: &Lesson,
        who: Identity,
        command: ParticipationCommand,
    ) -> Result<Vec<ParticipationEvent>, Refusal> {
        lesson.permits(who, command.action_of(who.role()))?;
        let deeds = self.decide(now, lesson, who, command)?;
        Ok(self.record(now, deeds))
    }

    /// Follows what the server saw.
    pub fn follow(&mut self, now: UnixMillis, fact: Fact) -> Vec<ParticipationEvent> {
        let deeds = match fact {
            Fact::MediaBegan(place) => floor(self.floor.media_began(place)),
            Fact::MediaEnded(place) => floor(self.floor.media_ended(place)),
            Fact::WeakUplink(place) => floor(self.floor.audio_only(place, true).unwrap_or_default()),
            Fact::PlaceLeft(place) => {
                let help = self.help.left(place).into_iter().map(Deed::Help);
                floor(self.floor.left(place)).into_iter().chain(help).collect()
            }
            Fact::WentLive | Fact::OffAir => {
                let question = self.questions.close().ok().map(Deed::Question);
                let works = self.works.show(&[], false).ok().flatten().map(Deed::Work);
                floor(self.floor.clear()).into_iter().chain(question).chain(works).collect()
            }
            Fact::Tick => floor(self.floor.expire(now)),
        };
        self.record(now, deeds)
    }

    /// Follows what happened.
    pub fn evolve(&mut self, event: &ParticipationEvent) {
        let at = event.at;
        match &event.deed {
            Deed::Floor(event) => self.floor.evolve(at, event),
            Deed::Help(event) => self.help.evolve(at, event),
            Deed::Message(event) => self.messages.evolve(at, event),
            Deed::Question(event) => self.questions.evolve(at, event),
            Deed::Work(event) => self.works.evolve(at, event),
        }
    }

    fn decide(
        &self,
        now: UnixMillis,
        lesson: &Lesson,
        who: Identity,
        command: ParticipationCommand,
    ) -> Result<Vec<Deed>, Refusal> {
        use ParticipationCommand as Command;
        let role = who.role();
        // A room's commands reach this point only from a room.
        let own = || who.place().ok_or(Refusal::Forbidden { role });
        let takes_part = |place| if lesson.includes(place) { Ok(place) } else { Err(Refusal::PlaceUnknown) };
        Ok(match command {
            Command::RaiseHand(up) => floor(self.floor.raise(own()?, up)),
            Command::LowerHand(place) => floor(self.floor.lower(place)),
            Command::Call(place) => floor(self.floor.call(takes_part(place)?)?),
            Command::Accept { audio_only, device } => floor(self.floor.accept(own()?, audio_only, device)?),
            Command::Stop => floor(self.floor.stop(own()?)),
            Command::Pass => floor(self.floor.pass(own()?)?),
            Command::AudioOnly(on) => floor(self.floor.audio_only(own()?, on)?),
            Command::EndTurn(place) => floor(self.floor.end(place, EndReason::Lead)),
            Command::Give(place) => floor(self.floor.give(place)?),
            Command::Mute(place, muted) => floor(self.floor.mute(place, muted)?),
            Command::Pin(Some(place)) => floor(self.floor.pin(Some(takes_part(place)?))),
            Command::Pin(None) => floor(self.floor.pin(None)),
            Command::ShowCamera(on) => floor(self.floor.show_camera(own()?, on)?),
            Command::CallHelp(kind, on) => {
                self.help.call(own()?, kind, on, role).map(Deed::Help).into_iter().collect()
            }
            Command::ClearHelp(place, kind) => {
                self.help.call(place, kind, false, role).map(Deed::Help).into_iter().collect()
            }
            Command::Message { to, key, text } => {
                let place = match who.place() {
                    Some(own) => Some(own),
                    None => to.map(takes_part).transpose()?,
                };
                self.messages.send(place, role, key, &text)?.map(Deed::Message).into_iter().collect()
            }
            Command::Ask(question) => vec![Deed::Question(self.questions.ask(question)?)],
            Command::CloseQuestion => vec![Deed::Question(self.questions.close()?)],
            Command::ShowResults(no, shown) => {
                self.questions.show(no, shown)?.map(Deed::Question).into_iter().collect()
            }
            Command::Answer(no, value) => {
                self.questions.answer(now, no, own()?, value)?.map(Deed::Question).into_iter().collect()
            }
            Command::OfferWork(key) => self.works.offer(own()?, key)?.map(Deed::Work).into_iter().collect(),
            Command::ShowWorks(works, named) => {
                self.works.show(&works, named)?.map(Deed::Work).into_iter().collect()
            }
            Command::KeepWork(work, kept) => {
                self.works.keep(work, kept)?.map(Deed::Work).into_iter().collect()
            }
            Command::DeleteWork(work) => vec![Deed::Work(self.works.delete(work, who.place())?)],
        })
    }

    fn record(&mut self, at: UnixMillis, deeds: Vec<Deed>) -> Vec<ParticipationEvent> {
        let events: Vec<_> = deeds.into_iter().map(|deed| ParticipationEvent { at, deed }).collect();
        for event in &events {
            self.evolve(event);
        }
        events
    }
}

fn floor(events: Vec<FloorEvent>) -> Vec<Deed> {
    events.into_iter().map(Deed::Floor).collect()
}

#[cfg(test)]
mod tests;
