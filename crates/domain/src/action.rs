//! Who may do what, when: one table, the same for the WebSocket, HTTP, WHIP and WHEP.
//!
//! The role is judged before the state, so that a stranger learns nothing about the lesson. A host or
//! observer of another lesson, an organiser of another lesson and a place that is not invited get
//! `forbidden` for everything; a place that was removed gets `place_removed`. Leads are host and organiser, the
//! room is the place's screen and its helper's phone. A host link that is not in charge gets `not_in_charge`
//! for every row marked ⚑.
//!
//! | action | who | scheduled | test run | live | ended |
//! |---|---|---|---|---|---|
//! | `Test` ⚑ | leads | → test run | `wrong_state` | `wrong_state` | `lesson_ended` |
//! | `Start` ⚑ | leads | → live | → live | `wrong_state` | `lesson_ended` |
//! | `End` ⚑ | leads | `wrong_state` | → scheduled | → ended | `lesson_ended` |
//! | `Edit` | organiser | yes | yes | yes | `lesson_ended` |
//! | `Invite` | organiser | yes | yes | yes | `lesson_ended` |
//! | `ManageLinks` (list, revoke) | organiser | yes | yes | yes | yes |
//! | `Delete` | organiser | yes | yes | `wrong_state` | yes |
//! | `HandOver` ⚑ | leads | yes | yes | yes | `lesson_ended` |
//! | `Lock` ⚑ | leads | `wrong_state` | yes | yes | `lesson_ended` |
//! | `Remove` ⚑ (and let in again) | leads | `wrong_state` | yes | yes | `lesson_ended` |
//! | `Publish` ⚑ | host | yes | yes | yes | `lesson_ended` |
//! | `Watch` | leads | yes | yes | yes | `lesson_ended` |
//! | `Watch` | observer, room | `wrong_state` (room: yes while a rehearsal is open) | yes | yes | `lesson_ended` |
//! | `Call` ⚑ (rooms to speak, cameras, hands) | leads | `wrong_state` | yes | yes | `lesson_ended` |
//! | `Ask` ⚑ | leads | `wrong_state` | yes | yes | `lesson_ended` |
//! | `ShowWork` ⚑ | leads | `wrong_state` | yes | yes | `lesson_ended` |
//! | `JudgeWork` ⚑ (keep, delete) | leads | yes | yes | yes | yes |
//! | `ClearHelp` | leads | yes | yes | yes | `lesson_ended` |
//! | `Review` (board, answers, checks, report) | leads | yes | yes | yes | yes |
//! | `Message` | leads, helper | yes | yes | yes | `lesson_ended` |
//! | `Remote` (a screen of the room) | leads, helper | yes | yes | yes | `lesson_ended` |
//! | `RaiseHand` | room | `wrong_state` | yes | yes | `lesson_ended` |
//! | `Speak` | room | `wrong_state` | yes | yes | `lesson_ended` |
//! | `Answer` | room | `wrong_state` | yes | yes | `lesson_ended` |
//! | `CallHelp` | room | yes | yes | yes | `lesson_ended` |
//! | `Check` (report a rehearsal's result) | room | yes | yes | yes | `lesson_ended` |
//! | `OfferWork` | helper | `wrong_state` | yes | yes | `lesson_ended` |
//! | `WithdrawWork` (its own) | helper | yes | yes | yes | yes |
//! | `Look` (title, state, times) | everybody | yes | yes | yes | yes |
//!
//! Three rules are worth a sentence. A host may publish before the lesson starts, to see and hear
//! herself come back, but no classroom sees it until test run or live. Ending a test run returns to
//! *scheduled*, so a rehearsal can be held as often as wanted; only a live lesson can end for good.
//! A live lesson cannot be deleted: one wrong click must not put two hundred screens out.

use crate::{LessonState, Refusal, Role};

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
    /// Give the lesson into another host's hands.
    HandOver,
    /// Let nobody in who was not there before.
    Lock,
    /// Send a place out, or let it in again.
    Remove,
    /// Send pictures and sound.
    Publish,
    /// Receive pictures and sound.
    Watch,
    /// Call rooms to speak, end that, ask for their camera, lower hands.
    Call,
    /// Ask all rooms a question.
    Ask,
    /// Show pupils' works to everybody.
    ShowWork,
    /// Keep pupils' works or delete them.
    JudgeWork,
    /// Note that a room was helped.
    ClearHelp,
    /// See how every room is, what it answered, what its checks found.
    Review,
    /// Write between a room's helper and the leads.
    Message,
    /// Work a room's screen from afar.
    Remote,
    /// Raise and lower the room's hand.
    RaiseHand,
    /// Accept or refuse a call, speak, stop.
    Speak,
    /// Answer a question.
    Answer,
    /// Say that sound or picture is missing, or that help is needed.
    CallHelp,
    /// Report what the room's check found.
    Check,
    /// Send in a photo of a pupil's work.
    OfferWork,
    /// Take back the room's own photo.
    WithdrawWork,
    /// Know title, state and times.
    Look,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 28] = [
        Action::Test,
        Action::Start,
        Action::End,
        Action::Edit,
        Action::Invite,
        Action::ManageLinks,
        Action::Delete,
        Action::HandOver,
        Action::Lock,
        Action::Remove,
        Action::Publish,
        Action::Watch,
        Action::Call,
        Action::Ask,
        Action::ShowWork,
        Action::JudgeWork,
        Action::ClearHelp,
        Action::Review,
        Action::Message,
        Action::Remote,
        Action::RaiseHand,
        Action::Speak,
        Action::Answer,
        Action::CallHelp,
        Action::Check,
        Action::OfferWork,
        Action::WithdrawWork,
        Action::Look,
    ];

    /// Whether a host must be in charge for it: the ⚑ of the table.
    pub fn needs_charge(self) -> bool {
        matches!(
            self,
            Action::Test
                | Action::Start
                | Action::End
                | Action::HandOver
                | Action::Lock
                | Action::Remove
                | Action::Publish
                | Action::Call
                | Action::Ask
                | Action::ShowWork
                | Action::JudgeWork
        )
    }
}

impl Role {
    /// The "who" column of the table.
    pub fn may(self, action: Action) -> bool {
        let leads = matches!(self, Role::Host | Role::Organiser);
        match action {
            Action::Test
            | Action::Start
            | Action::End
            | Action::HandOver
            | Action::Lock
            | Action::Remove
            | Action::Call
            | Action::Ask
            | Action::ShowWork
            | Action::JudgeWork
            | Action::ClearHelp
            | Action::Review => leads,
            Action::Edit | Action::Invite | Action::ManageLinks | Action::Delete => self == Role::Organiser,
            Action::Publish => self == Role::Host,
            Action::Message | Action::Remote => leads || self == Role::Helper,
            Action::RaiseHand | Action::Speak | Action::Answer | Action::CallHelp | Action::Check => {
                matches!(self, Role::Place | Role::Helper)
            }
            Action::OfferWork | Action::WithdrawWork => self == Role::Helper,
            Action::Watch | Action::Look => true,
        }
    }
}

impl LessonState {
    /// The four columns of the table, for a role that may.
    ///
    /// # Errors
    /// [`Refusal::WrongState`] or [`Refusal::LessonEnded`].
    pub(crate) fn allows(self, role: Role, action: Action) -> Result<(), Refusal> {
        use LessonState::{Ended, Live, Scheduled, TestRun};
        let fits = match action {
            Action::Look
            | Action::ManageLinks
            | Action::JudgeWork
            | Action::Review
            | Action::WithdrawWork => true,
            Action::Delete => self != Live,
            _ if self == Ended => return Err(Refusal::LessonEnded),
            Action::Test => self == Scheduled,
            Action::Start => matches!(self, Scheduled | TestRun),
            Action::Watch if matches!(role, Role::Host | Role::Organiser) => true,
            Action::End
            | Action::Watch
            | Action::Lock
            | Action::Remove
            | Action::Call
            | Action::Ask
            | Action::ShowWork
            | Action::RaiseHand
            | Action::Speak
            | Action::Answer
            | Action::OfferWork => self.is_on_air(),
            Action::Edit
            | Action::Invite
            | Action::HandOver
            | Action::Publish
            | Action::ClearHelp
            | Action::Message
            | Action::Remote
            | Action::CallHelp
            | Action::Check => true,
        };
        if fits { Ok(()) } else { Err(Refusal::WrongState { state: self }) }
    }
}
