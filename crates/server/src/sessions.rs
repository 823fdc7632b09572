//! The WHIP and WHEP sessions that live: what an address `/session/{secret}` stands for.

use crate::media::PeerRole;
use domain::{Identity, LessonId, PeerId};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// SHA-256 of a session's secret.
pub(crate) type SecretHash = [u8; 32];

/// One media connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaSession {
    /// The connection.
    pub(crate) peer: PeerId,
    /// Its lesson.
    pub(crate) lesson: LessonId,
    /// Whose token opened it; only the same identity may change or end it.
    pub(crate) who: Identity,
    /// Publisher or viewer.
    pub(crate) role: PeerRole,
    /// The ICE session (our user name fragment): the entity tag of RFC 9725 section 4.3.1.
    pub(crate) ice: String,
}

/// All sessions, found by secret or by connection.
///
/// full: bounded by `media.peers_max`; an entry exists exactly while the media workers have the connection.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_secret: HashMap<SecretHash, MediaSession>,
    secret_of: HashMap<PeerId, SecretHash>,
}

impl Sessions {
    /// A connection was opened.
    pub(crate) fn insert(&self, secret: SecretHash, session: MediaSession) {
        let mut inner = self.lock();
        inner.secret_of.insert(session.peer, secret);
        inner.by_secret.insert(secret, session);
    }

    /// The session of a secret, if `who` opened it. To everybody else it does not exist.
    pub(crate) fn find(&self, secret: &SecretHash, who: Identity) -> Option<MediaSession> {
        self.lock().by_secret.get(secret).filter(|session| session.who == who).cloned()
    }

    /// ICE restarted.
    pub(crate) fn set_ice(&self, secret: &SecretHash, ice: String) {
        if let Some(session) = self.lock().by_secret.get_mut(secret) {
            session.ice = ice;
        }
    }

    /// The connection is over.
    pub(crate) fn remove(&self, peer: PeerId) -> Option<MediaSession> {
        let mut inner = self.lock();
        let secret = inner.secret_of.remove(&peer)?;
        inner.by_secret.remove(&secret)
    }

    /// The connections of those whom `which` names.
    pub(crate) fn of(&self, which: impl Fn(&MediaSession) -> bool) -> Vec<PeerId> {
        self.lock().by_secret.values().filter(|session| which(session)).map(|session| session.peer).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{InvitationId, PlaceId};

    #[test]
    fn a_session_belongs_to_the_link_that_opened_it() {
        let sessions = Sessions::default();
        let who = Identity::Place { place: PlaceId(1) };
        let thief = Identity::Observer { invitation: InvitationId(2), lesson: LessonId(3) };
        let session = MediaSession {
            peer: PeerId(7),
            lesson: LessonId(3),
            who,
            role: PeerRole::Viewer,
            ice: "abcd".to_owned(),
        };
        sessions.insert([1; 32], session.clone());
        assert_eq!(sessions.find(&[1; 32], who), Some(session));
        assert_eq!(sessions.find(&[1; 32], thief), None);
        sessions.set_ice(&[1; 32], "efgh".to_owned());
        assert_eq!(sessions.remove(PeerId(7)).map(|session| session.ice).as_deref(), Some("efgh"));
        assert_eq!(sessions.find(&[1; 32], who), None);
        assert_eq!(sessions.remove(PeerId(7)), None);
    }
}
