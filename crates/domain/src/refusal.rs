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
            Refusal::RateLimited { .. } => "rate_limited",
        }
    }
}
