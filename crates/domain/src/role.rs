//! Who somebody is: the role a link gives, and the identity a token proved.

use crate::{HelperId, InvitationId, LessonId, PlaceId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a link lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// *Giáo viên dạy*: teaches, publishes camera, slides and voice, starts and ends the lesson.
    Host,
    /// *Người tổ chức*: manages lessons, places and links; may start and end a lesson.
    Organiser,
    /// *Người dự giờ*: watches and takes notes; publishes nothing.
    Observer,
    /// *Điểm cầu*: a classroom and its screens.
    Place,
    /// *Giáo viên hỗ trợ tại lớp*: the phone of the local teacher, bound to one place.
    Helper,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] = [Role::Host, Role::Organiser, Role::Observer, Role::Place, Role::Helper];

    /// The name used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Host => "host",
            Role::Organiser => "organiser",
            Role::Observer => "observer",
            Role::Place => "place",
            Role::Helper => "helper",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is host, organiser, observer, place or helper; got {found:?}")]
pub struct ParseRoleError {
    found: String,
}

impl FromStr for Role {
    type Err = ParseRoleError;
    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| ParseRoleError { found: text.chars().take(32).collect() })
    }
}

/// What a token proved: a role, within its scope. Every permission question starts from one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    /// The host teacher of one lesson. All devices that opened the same link are the same host.
    Host {
        /// The link that was opened.
        invitation: InvitationId,
        /// The only lesson it is good for.
        lesson: LessonId,
    },
    /// An organiser of the whole server, or of one lesson.
    Organiser {
        /// The link that was opened.
        invitation: InvitationId,
        /// `None`: every lesson, every place.
        lesson: Option<LessonId>,
    },
    /// An observer of one lesson. A whole group may share one link.
    Observer {
        /// The link that was opened.
        invitation: InvitationId,
        /// The only lesson it is good for.
        lesson: LessonId,
    },
    /// A classroom, for every lesson it is invited to.
    Place {
        /// Which classroom.
        place: PlaceId,
    },
    /// The helper of a classroom, for every lesson the classroom is invited to.
    Helper {
        /// Which classroom.
        place: PlaceId,
        /// The link of this phone.
        link: HelperId,
    },
}

impl Identity {
    /// The role alone.
    pub fn role(self) -> Role {
        match self {
            Identity::Host { .. } => Role::Host,
            Identity::Organiser { .. } => Role::Organiser,
            Identity::Observer { .. } => Role::Observer,
            Identity::Place { .. } => Role::Place,
            Identity::Helper { .. } => Role::Helper,
        }
    }

    /// The invitation behind it; `None` for a place and its helpers, whose links are their own.
    pub fn invitation(self) -> Option<InvitationId> {
        match self {
            Identity::Host { invitation, .. }
            | Identity::Organiser { invitation, .. }
            | Identity::Observer { invitation, .. } => Some(invitation),
            Identity::Place { .. } | Identity::Helper { .. } => None,
        }
    }

    /// The classroom it is, screen or helper.
    pub fn place(self) -> Option<PlaceId> {
        match self {
            Identity::Place { place } | Identity::Helper { place, .. } => Some(place),
            _ => None,
        }
    }

    /// The helper's link, when it is one.
    pub fn helper(self) -> Option<HelperId> {
        match self {
            Identity::Helper { link, .. } => Some(link),
            _ => None,
        }
    }

    /// The one lesson this identity is bound to; `None` for a place, its helpers and an organiser of the server.
    pub fn lesson(self) -> Option<LessonId> {
        match self {
            Identity::Host { lesson, .. } | Identity::Observer { lesson, .. } => Some(lesson),
            Identity::Organiser { lesson, .. } => lesson,
            Identity::Place { .. } | Identity::Helper { .. } => None,
        }
    }

    /// Whether it organises the whole server: creates lessons and places, confirms pairings.
    pub fn organises_server(self) -> bool {
        matches!(self, Identity::Organiser { lesson: None, .. })
    }

    /// Whether it organises `lesson`.
    pub fn organises(self, lesson: LessonId) -> bool {
        matches!(self, Identity::Organiser { lesson: scope, .. } if scope.is_none_or(|scope| scope == lesson))
    }
}
