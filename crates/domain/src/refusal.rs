//! Why a command was not carried out.

use crate::{LessonState, Role, Slot};
use std::time::Duration;

/// A command that is not allowed, or not now.
///
/// [`Refusal::code`] is stable and for programs; the text is English and for logs and developers.
/// Sentences for teachers, in both languages, belong to `signalling::ProblemCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The role, or its scope, does not include this.
    #[error("the role {role} may not do this here")]
    Forbidden {
        /// Who asked.
        role: Role,
    },
    /// The lesson is in another state than the command needs.
    #[error("the lesson is {state}, and the command does not apply in that state")]
    WrongState {
        /// The state it is in.
        state: LessonState,
    },
    /// The lesson is over.
    #[error("the lesson has ended")]
    LessonEnded,
    /// Another host link already publishes into this slot.
    #[error("another host link is publishing the slot {slot:?}")]
    SecondHost {
        /// The slot that is taken.
        slot: Slot,
    },
    /// As many people as one lesson carries are already here.
    #[error("the lesson already has {limit} connections")]
    LessonFull {
        /// How many it carries.
        limit: usize,
    },
    /// The link was withdrawn.
    #[error("the invitation was revoked")]
    InvitationRevoked,
    /// The link's time is over.
    #[error("the invitation has expired")]
    InvitationExpired,
    /// A text is empty where one is needed, or longer than its limit.
    #[error("{field} needs 1 to {max_chars} characters")]
    TextLength {
        /// The field's name on the wire.
        field: &'static str,
        /// Its limit in characters.
        max_chars: usize,
    },
    /// An invitation of this role cannot have this scope.
    #[error("an invitation for the role {role} {expected}")]
    InvitationScope {
        /// The role asked for.
        role: Role,
        /// What it needs.
        expected: &'static str,
    },
    /// Nobody is waiting with this pairing code.
    #[error("no screen is waiting with this pairing code")]
    CodeUnknown,
    /// Another host link holds the lesson; it can be handed over.
    #[error("another host link is in charge of the lesson")]
    NotInCharge,
    /// The place was sent out of this lesson.
    #[error("the place was removed from this lesson")]
    PlaceRemoved,
    /// The lesson is locked, and whoever asks was not there before.
    #[error("the lesson is locked")]
    LessonLocked,
    /// No such place among the invited.
    #[error("no such place among those the lesson is for")]
    PlaceUnknown,
    /// The room was not called to speak, nor asked to be ready.
    #[error("the room was not called to speak")]
    NotCalled,
    /// As many rooms as may speak in turn have been called already.
    #[error("{limit} rooms have been called already")]
    FloorFull {
        /// How many may.
        limit: usize,
    },
    /// A question is open; it has to be closed first.
    #[error("a question is open already")]
    QuestionOpen,
    /// The question takes no answers any more.
    #[error("the question is closed")]
    QuestionClosed,
    /// No such question in this lesson.
    #[error("no such question")]
    QuestionUnknown,
    /// The answer, or the question, is not of the kind that was asked for.
    #[error("unfit: expected {expected}")]
    Unfit {
        /// What would fit.
        expected: &'static str,
    },
    /// No such pupil's work in this lesson.
    #[error("no such pupil's work")]
    WorkUnknown,
    /// As many as may be kept.
    #[error("there are {limit} {what} already")]
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// How many may be.
        limit: usize,
    },
    /// The code of the classroom's screen has expired.
    #[error("no screen shows this ticket")]
    TicketUnknown,
    /// No such unit.
    #[error("no such unit")]
    UnitUnknown,
    /// A unit would be below itself.
    #[error("a unit cannot be below itself")]
    UnitLoop,
    /// Units or places below it are left.
    #[error("the unit is not empty")]
    UnitInUse,
    /// Tried too often.
    #[error("tried too often; again in {} s", retry_after.as_secs().max(1))]
    RateLimited {
        /// When the next try may succeed.
        retry_after: Duration,
    },
}

impl Refusal {
    /// The stable code of the wire protocol (`crates/signalling/PROTOCOL.md`, "Errors").
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Forbidden { .. } => "forbidden",
            Refusal::WrongState { .. } => "wrong_state",
            Refusal::LessonEnded => "lesson_ended",
            Refusal::SecondHost { .. } => "second_host",
            Refusal::LessonFull { .. } => "lesson_full",
            Refusal::InvitationRevoked => "invitation_revoked",
            Refusal::InvitationExpired => "invitation_expired",
            Refusal::TextLength { .. } | Refusal::InvitationScope { .. } => "body_malformed",
            Refusal::CodeUnknown => "code_unknown",
            Refusal::NotInCharge => "not_in_charge",
            Refusal::PlaceRemoved => "place_removed",
            Refusal::LessonLocked => "lesson_locked",
            Refusal::PlaceUnknown => "place_unknown",
            Refusal::NotCalled => "not_called",
            Refusal::FloorFull { .. } => "floor_full",
            Refusal::QuestionOpen => "question_open",
            Refusal::QuestionClosed => "question_closed",
            Refusal::QuestionUnknown => "question_unknown",
            Refusal::Unfit { .. } => "unfit",
            Refusal::WorkUnknown => "work_unknown",
            Refusal::TooMany { .. } => "too_many",
            Refusal::TicketUnknown => "ticket_unknown",
            Refusal::UnitUnknown => "unit_unknown",
            Refusal::UnitLoop => "unit_loop",
            Refusal::UnitInUse => "unit_in_use",
            Refusal::RateLimited { .. } => "rate_limited",
        }
    }
}
