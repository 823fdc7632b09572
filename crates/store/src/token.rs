//! Tokens of links, as hashes, and what they lead to.

use crate::{Store, StoreError};
use domain::{HelperLink, Identity, Invitation, Place, Refusal, UnixMillis};
use std::fmt;

/// SHA-256 of a token. The caller hashes; the token itself never comes here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough to tell two apart in a test's output.
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// What a known token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A link of a host, observer or organiser.
    Invitation(Invitation),
    /// A helper's phone.
    Helper(HelperLink),
    /// A place's link, or a screen paired with it.
    Place {
        /// The place.
        place: Place,
        /// When the token was withdrawn, because the place got a new link.
        revoked_at: Option<UnixMillis>,
    },
}

impl Credential {
    /// Who somebody is who brings this token at `now`.
    ///
    /// # Errors
    /// [`Refusal::InvitationRevoked`] or [`Refusal::InvitationExpired`].
    pub fn open(&self, now: UnixMillis) -> Result<Identity, Refusal> {
        match self {
            Credential::Invitation(invitation) => invitation.open(now),
            Credential::Helper(link) => link.open(now),
            Credential::Place { revoked_at: Some(_), .. } => Err(Refusal::InvitationRevoked),
            Credential::Place { place, revoked_at: None } => Ok(Identity::Place { place: place.id }),
        }
    }
}

impl Store {
    /// What a token belongs to; `None` when it is not one of ours.
    ///
    /// A withdrawn token is found too: its holder should be told that it was withdrawn.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn credential(&self, token: TokenHash) -> Result<Option<Credential>, StoreError> {
        if let Some(invitation) = self.invitation_by_token(token).await? {
            return Ok(Some(Credential::Invitation(invitation)));
        }
        if let Some(link) = self.helper_by_token(token).await? {
            return Ok(Some(Credential::Helper(link)));
        }
        let place = self.place_of_any_token(token).await?;
        Ok(place.map(|(place, revoked_at)| Credential::Place { place, revoked_at }))
    }
}
