//! Who is connected to a lesson right now, and how they really are.
//!
//! Beside [`crate::Lesson`], not inside it: connections die with the process and come back by
//! themselves, while a lesson is stored. A roster starts empty and fills as pages reconnect.
//!
//! A *connection* is one page's WebSocket. *Media* is one WHEP playback; it is counted for the identity
//! that opened it, because a plain WHEP player in a classroom has no page.
//!
//! # Several devices, one link
//!
//! - **Host**: the newest page of one host link takes over and the older one is told `replaced`. A
//!   teacher who reloads, or moves from laptop to phone, must not fight her own half-dead connection.
//!   Two *different* host links may both look at the lesson; who may publish is [`crate::Stage`]'s rule.
//! - **Place**: up to [`RosterLimits::screens_per_place`] screens, because a room may have two TVs on one
//!   link; beyond that the oldest is replaced. So a TV that lost power and came back is never refused by
//!   its own ghost.
//! - **Helper**: the newest page of one phone.
//! - **Observer, organiser**: any number; one link is shared by a whole group.
//!
//! A lesson carries [`RosterLimits::connections`]; then observers and organisers are refused with
//! `lesson_full`, while a place or host still gets in: classrooms must not lose their seat to spectators.
//! Places are bounded by the number of places times their screens.

use crate::{
    Codec, CodecSupport, Identity, MediaPath, PeerId, Place, PlaceId, Refusal, Role, Timestamp,
    board::ScreenReport, preferred_codec, screen::Screen,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One page's WebSocket; numbered by the caller, never reused while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// How many connections a lesson carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RosterLimits {
    /// Connections of all kinds after which observers and organisers are refused.
    pub connections: usize,
    /// Screens of one place, at least 1.
    pub screens_per_place: usize,
}

impl Default for RosterLimits {
    fn default() -> Self {
        Self { connections: 2_000, screens_per_place: 4 }
    }
}

/// What a viewer's page says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ViewerReport {
    /// Whether the picture has been standing still although it should move.
    pub frozen: bool,
    /// Whether the sound is off, or the browser has not allowed it yet.
    pub muted: bool,
    /// Level at the output, 0 to 1; `None` when the page cannot measure it.
    pub audio_level: Option<f32>,
    /// Whether the page is in sight, not behind another one.
    pub visible: bool,
    /// Frames decoded since the page began to play.
    pub frames_decoded: u64,
    /// How the lesson reaches it; `None` when the page did not say.
    pub path: Option<MediaPath>,
}

/// How a place is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// Media is flowing to it.
    Watching,
    /// A page is open, no media flows.
    Connected,
    /// Nothing of it is connected.
    Gone,
}

/// One line of the host's board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceStatus {
    /// Which place.
    pub id: PlaceId,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: PlaceState,
    /// Whether any of its screens stands still.
    pub frozen: bool,
    /// Whether all its screens that speak up are without sound.
    pub muted: bool,
    /// How the lesson reaches it: the worst way among its screens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<MediaPath>,
}

/// The host's board.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RosterView {
    /// Places connected or watching.
    pub connected: usize,
    /// Places invited.
    pub total: usize,
    /// Connections of observers.
    pub observers: usize,
    /// Every invited place, in the order given.
    pub places: Vec<PlaceStatus>,
}

#[derive(Debug)]
struct Connection {
    who: Identity,
    codecs: CodecSupport,
    screen: Screen,
}

/// What the open pages of one room are and say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomPages {
    /// Open screens.
    pub screens: usize,
    /// Helpers' open pages.
    pub helpers: usize,
    /// What its screens say of themselves.
    pub reports: Vec<ScreenReport>,
    /// A screen has not reported for too long.
    pub overdue: bool,
    /// Of these, one that had reported before.
    pub stopped: bool,
    /// Something comes out of a loudspeaker of it.
    pub hears: bool,
    /// How the lesson reaches it: the worst way among its screens.
    pub path: Option<MediaPath>,
}

/// Who is connected to one lesson.
#[derive(Debug, Default)]
pub struct Roster {
    limits: RosterLimits,
    /// Ordered by id, so the first of an identity is its oldest.
    connections: BTreeMap<ConnectionId, Connection>,
    media: BTreeMap<PeerId, Identity>,
}

impl Roster {
    /// An empty roster.
    pub fn new(limits: RosterLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Lets a page in. Returns the pages it replaces; they have already left the roster.
    ///
    /// Whether `who` belongs to the lesson is [`crate::Lesson::permits`]' question, asked before.
    ///
    /// # Errors
    /// [`Refusal::LessonFull`] for an observer or organiser beyond the limit.
    pub fn join(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        who: Identity,
        codecs: CodecSupport,
    ) -> Result<Vec<ConnectionId>, Refusal> {
        let same_seat = match who.role() {
            Role::Host | Role::Helper => 1,
            Role::Place => self.limits.screens_per_place.max(1),
            Role::Observer | Role::Organiser if self.connections.len() >= self.limits.connections => {
                return Err(Refusal::LessonFull { limit: self.limits.connections });
            }
            Role::Observer | Role::Organiser => usize::MAX,
        };
        let mine: Vec<_> = self.connections_of(|other| other == who).collect();
        let replaced = mine[..(mine.len() + 1).saturating_sub(same_seat)].to_vec();
        for old in &replaced {
            self.connections.remove(old);
        }
        self.connections.insert(connection, Connection { who, codecs, screen: Screen::new(now) });
        Ok(replaced)
    }

    /// A page closed. Unknown pages are ignored: they may have been replaced a moment before.
    pub fn leave(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
    }

    /// A page says how it is.
    pub fn report(&mut self, now: Timestamp, connection: ConnectionId, report: ViewerReport) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.screen.report(now, report);
        }
    }

    /// Media began to flow to `who`.
    pub fn media_started(&mut self, peer: PeerId, who: Identity) {
        self.media.insert(peer, who);
    }

    /// Media stopped. Unknown peers are ignored.
    pub fn media_stopped(&mut self, peer: PeerId) {
        self.media.remove(&peer);
    }

    /// Every page.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, Identity)> + '_ {
        self.connections.iter().map(|(&id, connection)| (id, connection.who))
    }

    /// How many pages are connected.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether no page is connected.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// The codec the host should send to everybody who is here.
    pub fn preferred_codec(&self) -> Codec {
        let of = |role| {
            let paged = self.connections.values().filter(move |c| c.who.role() == role).map(|c| c.codecs);
            // A player without a page never said what it decodes.
            let unpaged = self.media.values().filter(move |who| who.role() == role && !self.has_page(**who));
            paged.chain(unpaged.map(|_| CodecSupport::UNKNOWN))
        };
        preferred_codec(of(Role::Place), of(Role::Observer))
    }

    /// The host's board for the places the lesson is for.
    ///
    /// `open` are the places with a page open anywhere on the server. A lesson without a planned time is not yet
    /// any screen's lesson, but the teacher who prepares it must see that the classrooms are there.
    pub fn view<'a>(
        &self,
        now: Timestamp,
        invited: impl IntoIterator<Item = &'a Place>,
        open: &BTreeSet<PlaceId>,
    ) -> RosterView {
        let mut seen: BTreeMap<PlaceId, Seen> = BTreeMap::new();
        for connection in self.connections.values() {
            let Identity::Place { place } = connection.who else { continue };
            let seen = seen.entry(place).or_default();
            if let Some(report) = connection.screen.fresh(now) {
                seen.reports += 1;
                seen.frozen |= report.frozen;
                seen.muted += usize::from(report.muted);
                seen.path = seen.path.max(report.path);
            }
        }
        for who in self.media.values() {
            let Identity::Place { place } = *who else { continue };
            seen.entry(place).or_default().watching = true;
        }
        let places: Vec<_> =
            invited.into_iter().map(|place| Seen::status(seen.get(&place.id), place, open)).collect();
        RosterView {
            connected: places.iter().filter(|place| place.state != PlaceState::Gone).count(),
            total: places.len(),
            observers: self.connections_of(|who| who.role() == Role::Observer).count(),
            places,
        }
    }

    /// The open pages of every room that has any.
    pub fn rooms(&self, now: Timestamp) -> BTreeMap<PlaceId, RoomPages> {
        let mut rooms: BTreeMap<PlaceId, RoomPages> = BTreeMap::new();
        for Connection { who, screen, .. } in self.connections.values() {
            match *who {
                Identity::Place { place } => {
                    let room = rooms.entry(place).or_default();
                    room.screens += 1;
                    room.reports.extend(screen.judge(now));
                    room.overdue |= screen.is_overdue(now);
                    room.stopped |= screen.has_stopped(now);
                    room.hears |= screen.hears(now);
                    room.path = room.path.max(screen.fresh(now).and_then(|report| report.path));
                }
                Identity::Helper { place, .. } => rooms.entry(place).or_default().helpers += 1,
                Identity::Host { .. } | Identity::Organiser { .. } | Identity::Observer { .. } => {}
            }
        }
        rooms
    }

    fn has_page(&self, who: Identity) -> bool {
        self.connections_of(|other| other == who).next().is_some()
    }

    fn connections_of(&self, which: impl Fn(Identity) -> bool) -> impl Iterator<Item = ConnectionId> {
        self.connections.iter().filter(move |(_, connection)| which(connection.who)).map(|(&id, _)| id)
    }
}

/// What the screens of one place say together.
#[derive(Default)]
struct Seen {
    watching: bool,
    reports: usize,
    frozen: bool,
    muted: usize,
    path: Option<MediaPath>,
}

impl Seen {
    fn status(seen: Option<&Seen>, place: &Place, open: &BTreeSet<PlaceId>) -> PlaceStatus {
        let state = match seen {
            Some(Seen { watching: true, .. }) => PlaceState::Watching,
            Some(_) => PlaceState::Connected,
            None if open.contains(&place.id) => PlaceState::Connected,
            None => PlaceState::Gone,
        };
        PlaceStatus {
            id: place.id,
            name: place.name.clone(),
            state,
            // One frozen screen is a frozen room, but one speaking TV makes the room hear.
            frozen: seen.is_some_and(|seen| seen.frozen),
            muted: seen.is_some_and(|seen| seen.reports > 0 && seen.muted == seen.reports),
            path: seen.and_then(|seen| seen.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REPORT_STALE_AFTER;
    use crate::{Decoding, InvitationId, LessonId, UnixMillis};

    const LESSON: LessonId = LessonId(1);
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn place(id: u64) -> Identity {
        Identity::Place { place: PlaceId(id) }
    }
    fn host(invitation: u64) -> Identity {
        Identity::Host { invitation: InvitationId(invitation), lesson: LESSON }
    }
    fn observer() -> Identity {
        Identity::Observer { invitation: InvitationId(9), lesson: LESSON }
    }
    fn places(ids: &[u64]) -> Vec<Place> {
        let name = |id: &u64| format!("Phòng {id}");
        ids.iter()
            .map(|id| Place {
                id: PlaceId(*id),
                name: name(id),
                unit: None,
                created_at: UnixMillis::default(),
            })
            .collect()
    }
    /// A roster in which connections 1, 2, 3… are these people.
    fn roster(people: &[Identity]) -> Roster {
        let mut roster = Roster::new(RosterLimits { connections: 6, screens_per_place: 2 });
        for (id, who) in people.iter().enumerate() {
            roster
                .join(Timestamp::ZERO, ConnectionId(id as u64 + 1), *who, CodecSupport::UNKNOWN)
                .expect("there is room");
        }
        roster
    }

    #[test]
    fn the_host_sees_which_rooms_are_there_watching_or_gone() {
        let mut roster = roster(&[place(1), place(2), observer(), host(5)]);
        roster.media_started(PeerId(70), place(2));
        let view = roster.view(NOW, &places(&[1, 2, 3]), &BTreeSet::new());
        assert_eq!((view.connected, view.total, view.observers), (2, 3, 1));
        let states: Vec<_> = view.places.iter().map(|place| place.state).collect();
        assert_eq!(states, [PlaceState::Connected, PlaceState::Watching, PlaceState::Gone]);
    }

    #[test]
    fn a_classroom_that_waits_is_counted_before_the_lesson_is_its_own() {
        let open = BTreeSet::from([PlaceId(2), PlaceId(7)]);
        let view = roster(&[host(5)]).view(NOW, &places(&[1, 2]), &open);
        assert_eq!((view.connected, view.total), (1, 2), "a place that is not invited does not count");
        assert_eq!(view.places[1].state, PlaceState::Connected);
    }

    #[test]
    fn a_frozen_room_is_shown_until_it_moves_or_falls_silent() {
        let mut roster = roster(&[place(1)]);
        let frozen =
            |roster: &Roster, now| roster.view(now, &places(&[1]), &BTreeSet::new()).places[0].frozen;
        roster.report(NOW, ConnectionId(1), ViewerReport { frozen: true, ..Default::default() });
        assert!(frozen(&roster, NOW));
        assert!(!frozen(&roster, NOW + REPORT_STALE_AFTER));
        roster.report(NOW, ConnectionId(1), ViewerReport::default());
        assert!(!frozen(&roster, NOW));
    }

    #[test]
    fn one_speaking_tv_of_two_makes_a_room_hear() {
        let mut roster = roster(&[place(1), place(1)]);
        let muted = ViewerReport { muted: true, ..Default::default() };
        roster.report(NOW, ConnectionId(1), muted);
        assert!(roster.view(NOW, &places(&[1]), &BTreeSet::new()).places[0].muted);
        roster.report(NOW, ConnectionId(2), ViewerReport::default());
        assert!(!roster.view(NOW, &places(&[1]), &BTreeSet::new()).places[0].muted);
        roster.report(NOW, ConnectionId(2), muted);
        assert!(roster.view(NOW, &places(&[1]), &BTreeSet::new()).places[0].muted);
    }

    #[test]
    fn a_teacher_who_reloads_replaces_only_her_own_page() {
        let mut roster = roster(&[host(5), host(6)]);
        let replaced = roster.join(Timestamp::ZERO, ConnectionId(10), host(5), CodecSupport::UNKNOWN);
        assert_eq!(replaced, Ok(vec![ConnectionId(1)]));
        assert_eq!(roster.len(), 2);
    }

    #[test]
    fn a_third_screen_replaces_the_oldest_of_the_room() {
        let mut roster = roster(&[place(1), place(2), place(1)]);
        let replaced = roster.join(Timestamp::ZERO, ConnectionId(10), place(1), CodecSupport::UNKNOWN);
        assert_eq!(replaced, Ok(vec![ConnectionId(1)]));
    }

    #[test]
    fn in_a_full_lesson_a_classroom_still_finds_a_seat() {
        let mut roster = roster(&[observer(), observer(), observer(), observer(), observer(), observer()]);
        let refused = roster.join(Timestamp::ZERO, ConnectionId(10), observer(), CodecSupport::UNKNOWN);
        assert_eq!(refused, Err(Refusal::LessonFull { limit: 6 }));
        assert_eq!(
            roster.join(Timestamp::ZERO, ConnectionId(11), place(1), CodecSupport::UNKNOWN),
            Ok(vec![])
        );
        assert_eq!(
            roster.join(Timestamp::ZERO, ConnectionId(12), host(5), CodecSupport::UNKNOWN),
            Ok(vec![])
        );
    }

    #[test]
    fn a_player_without_a_page_brings_vp8() {
        let chip = CodecSupport { h264: Decoding::Hardware, vp8: Decoding::Software };
        let mut roster = roster(&[]);
        roster.join(Timestamp::ZERO, ConnectionId(1), place(1), chip).expect("there is room");
        roster.media_started(PeerId(70), place(1));
        assert_eq!(roster.preferred_codec(), Codec::H264);
        roster.media_started(PeerId(71), place(2));
        assert_eq!(roster.preferred_codec(), Codec::Vp8);
    }
}
