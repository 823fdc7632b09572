//! JSON bodies of the HTTP API (`PROTOCOL.md`, "HTTP API"); some travel inside WebSocket messages too.

use domain::{
    Invitation, InvitationId, Invited, LessonEdit, LessonId, LessonRecord, LessonState, Place, PlaceId, Role,
    UnitId, UnixMillis,
};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;

/// What everybody in a lesson may know about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonInfo {
    /// Its id.
    pub id: LessonId,
    /// Its title.
    pub title: String,
    /// *Điểm cầu chính* in words.
    pub host_place: Option<String>,
    /// Where it is in its life.
    pub state: LessonState,
    /// When it should begin.
    pub starts_at: Option<UnixMillis>,
    /// When it went live.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub ended_at: Option<UnixMillis>,
    /// Whether nobody may come in who was not there before.
    #[serde(default)]
    pub locked: bool,
    /// Whether places are asked to check themselves before the day.
    #[serde(default)]
    pub rehearsal: bool,
}

impl From<&LessonRecord> for LessonInfo {
    fn from(record: &LessonRecord) -> Self {
        Self {
            id: record.id,
            title: record.title.clone(),
            host_place: record.host_place.clone(),
            state: record.state,
            starts_at: record.starts_at,
            started_at: record.started_at,
            ended_at: record.ended_at,
            locked: record.control.locked_at.is_some(),
            rehearsal: record.control.rehearsal,
        }
    }
}

/// A place as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceInfo {
    /// Its id.
    pub id: PlaceId,
    /// Its name.
    pub name: String,
    /// Its link, only in the answer that made it: the server keeps no token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// The unit it belongs to; only for organisers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<UnitId>,
    /// Whether one of its pages is connected; only for organisers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connected: Option<bool>,
}

impl From<&Place> for PlaceInfo {
    fn from(place: &Place) -> Self {
        Self { id: place.id, name: place.name.clone(), url: None, unit: None, connected: None }
    }
}

/// An invitation as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationInfo {
    /// Its id.
    pub id: InvitationId,
    /// What it lets its holder do.
    pub role: Role,
    /// The organiser's note.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Whether it was withdrawn.
    pub revoked: bool,
    /// Its link, only in the answer that made it: the server keeps no token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
}

impl From<&Invitation> for InvitationInfo {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id,
            role: invitation.role,
            label: invitation.label.clone(),
            created_at: invitation.created_at,
            revoked: invitation.revoked_at.is_some(),
            url: None,
        }
    }
}

/// `GET /api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// What the token is good for.
    pub role: Role,
    /// The lesson it belongs to; for a place the one it should show.
    pub lesson: Option<LessonInfo>,
    /// The place it belongs to.
    pub place: Option<PlaceInfo>,
}

/// `GET /api/lessons`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonList {
    /// The organiser's lessons.
    pub lessons: Vec<LessonInfo>,
}

/// `GET /api/places`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceList {
    /// All places.
    pub places: Vec<PlaceInfo>,
}

/// `GET /api/lessons/{id}/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationList {
    /// The lesson's invitations, also the revoked ones.
    pub invitations: Vec<InvitationInfo>,
}

/// `POST /api/lessons`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLesson {
    /// Its title.
    pub title: String,
    /// *Điểm cầu chính* in words.
    #[serde(default)]
    pub host_place: Option<String>,
    /// When it should begin.
    #[serde(default)]
    pub starts_at: Option<UnixMillis>,
    /// The invited places; absent or null: all.
    #[serde(default)]
    pub places: Option<BTreeSet<PlaceId>>,
    /// Also the places that belong to these units, at any depth.
    #[serde(default)]
    pub units: Option<BTreeSet<UnitId>>,
}

/// `PATCH /api/lessons/{id}`: an absent field keeps its value, null clears it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LessonPatch {
    /// A new title.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// A new host place.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    pub host_place: Option<Option<String>>,
    /// A new time to begin.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    pub starts_at: Option<Option<UnixMillis>>,
    /// Other places; null: all.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "present")]
    pub places: Option<Option<BTreeSet<PlaceId>>>,
    /// Also the places that belong to these units, at any depth.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub units: Option<BTreeSet<UnitId>>,
    /// Open or close the rehearsal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rehearsal: Option<bool>,
}

impl LessonPatch {
    /// The edit it asks for; `invited` is what its `places` and `units` come to, `None` when it names neither.
    pub fn edit(self, invited: Option<Invited>) -> LessonEdit {
        let LessonPatch { title, host_place, starts_at, rehearsal, places: _, units: _ } = self;
        LessonEdit { title, host_place, starts_at, invited, rehearsal }
    }
}

/// `POST /api/lessons/{id}/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInvitation {
    /// What it shall let its holder do.
    pub role: Role,
    /// The organiser's note.
    #[serde(default)]
    pub label: Option<String>,
}

/// The answer to `POST /api/pairings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingOpened {
    /// Six digits to show.
    pub code: String,
    /// What the screen asks with how it stands.
    pub secret: String,
    /// Seconds until the code no longer works.
    pub expires_in_s: u64,
}

/// The answer to `GET /api/pairings/{secret}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PairingStatus {
    /// Nobody has typed the code yet.
    Waiting,
    /// The screen belongs to a place now.
    Paired {
        /// The place's token; told once.
        token: String,
    },
}

/// `POST /api/pairings/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingConfirm {
    /// The digits on the screen.
    pub code: String,
    /// The place it belongs to.
    pub place: PlaceId,
}

/// Reads a field that is there, null or not, as `Some`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_tells_absent_from_null() {
        let patch: LessonPatch = serde_json::from_str(r#"{"host_place":null}"#).expect("a patch");
        assert_eq!(patch, LessonPatch { host_place: Some(None), ..Default::default() });
        let patch: LessonPatch = serde_json::from_str(r#"{"starts_at":1000,"later":true}"#).expect("a patch");
        let starts_at = Some(Some(UnixMillis::clamped(1_000)));
        assert_eq!(patch, LessonPatch { starts_at, ..Default::default() });
    }

    #[test]
    fn a_place_shows_its_link_only_when_it_has_one_to_show() {
        let place =
            PlaceInfo { id: PlaceId(7), name: "Phòng 3A".into(), url: None, unit: None, connected: None };
        let json = serde_json::to_string(&place).expect("it serialises");
        assert_eq!(json, r#"{"id":"0000000000007","name":"Phòng 3A"}"#);
    }
}
