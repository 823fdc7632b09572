//! Invitations: the revocable links of hosts, observers and organisers.

use crate::{Identity, InvitationId, LessonId, Refusal, Role, UnixMillis, place::clean_name};
use serde::{Deserialize, Serialize};

/// A link somebody was given. The token in it is not here: only its hash is ever stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id, by which it is listed and revoked.
    pub id: InvitationId,
    /// The lesson it is good for; `None` only for an organiser of the whole server.
    pub lesson: Option<LessonId>,
    /// What it lets its holder do; never [`Role::Place`] or [`Role::Helper`], which have links of their own.
    pub role: Role,
    /// A note by the organiser on whom it was given to ("Cụm 3"), 1 to 200 characters.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// From when on it no longer works; `None`: it does not expire.
    pub expires_at: Option<UnixMillis>,
    /// When it was withdrawn.
    pub revoked_at: Option<UnixMillis>,
}

impl Invitation {
    /// A new invitation.
    ///
    /// # Errors
    /// [`Refusal::InvitationScope`] for a host or observer without a lesson, and for a place or helper,
    /// [`Refusal::TextLength`] when the label is blank or too long.
    pub fn new(
        id: InvitationId,
        role: Role,
        lesson: Option<LessonId>,
        label: Option<&str>,
        now: UnixMillis,
        expires_at: Option<UnixMillis>,
    ) -> Result<Self, Refusal> {
        match (role, lesson) {
            (Role::Host | Role::Observer, None) => {
                return Err(Refusal::InvitationScope { role, expected: "belongs to one lesson" });
            }
            (Role::Place | Role::Helper, _) => {
                return Err(Refusal::InvitationScope {
                    role,
                    expected: "does not exist: a place and its helpers have their own links",
                });
            }
            _ => {}
        }
        let label = label.map(|label| clean_name("label", label)).transpose()?;
        Ok(Self { id, lesson, role, label, created_at: now, expires_at, revoked_at: None })
    }

    /// Who somebody is who opens this link at `now`.
    ///
    /// # Errors
    /// [`Refusal::InvitationRevoked`] before [`Refusal::InvitationExpired`]: a person can ask for a new
    /// link in both cases, but must know when it was taken away.
    pub fn open(&self, now: UnixMillis) -> Result<Identity, Refusal> {
        if self.revoked_at.is_some() {
            return Err(Refusal::InvitationRevoked);
        }
        if self.expires_at.is_some_and(|end| now >= end) {
            return Err(Refusal::InvitationExpired);
        }
        let invitation = self.id;
        match (self.role, self.lesson) {
            (Role::Host, Some(lesson)) => Ok(Identity::Host { invitation, lesson }),
            (Role::Observer, Some(lesson)) => Ok(Identity::Observer { invitation, lesson }),
            (Role::Organiser, lesson) => Ok(Identity::Organiser { invitation, lesson }),
            // Rows like this cannot be made by `new`; a hand-edited database gets no access.
            (role @ (Role::Host | Role::Observer | Role::Place | Role::Helper), _) => {
                Err(Refusal::Forbidden { role })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis::clamped(1_000);

    fn invite(role: Role, lesson: Option<LessonId>) -> Result<Invitation, Refusal> {
        Invitation::new(InvitationId(1), role, lesson, Some("Cụm 3"), AT, Some(UnixMillis::clamped(5_000)))
    }

    #[test]
    fn a_link_opens_as_its_role_until_it_expires() {
        let link = invite(Role::Observer, Some(LessonId(7))).expect("a lesson was given");
        let observer = Identity::Observer { invitation: InvitationId(1), lesson: LessonId(7) };
        assert_eq!(link.open(UnixMillis::clamped(4_999)), Ok(observer));
        assert_eq!(link.open(UnixMillis::clamped(5_000)), Err(Refusal::InvitationExpired));
    }

    #[test]
    fn a_revoked_link_says_so_even_after_its_time() {
        let mut link = invite(Role::Host, Some(LessonId(7))).expect("a lesson was given");
        link.revoked_at = Some(AT);
        assert_eq!(link.open(AT), Err(Refusal::InvitationRevoked));
        assert_eq!(link.open(UnixMillis::MAX), Err(Refusal::InvitationRevoked));
    }

    #[test]
    fn only_an_organiser_can_be_invited_to_the_whole_server() {
        for role in Role::ALL {
            assert_eq!(invite(role, None).is_ok(), role == Role::Organiser, "{role}");
            let own_link = matches!(role, Role::Place | Role::Helper);
            assert_eq!(invite(role, Some(LessonId(7))).is_ok(), !own_link, "{role}");
        }
    }

    #[test]
    fn a_hand_edited_row_opens_nothing() {
        let mut link = invite(Role::Host, Some(LessonId(7))).expect("a lesson was given");
        link.lesson = None;
        assert_eq!(link.open(AT), Err(Refusal::Forbidden { role: Role::Host }));
    }
}
