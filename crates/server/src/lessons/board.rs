//! The board: every invited room as it really is, told to host and organiser.

use super::{
    room::{Room, leads},
    rung,
};
use crate::{clock::Clock, media::PeerRole};
use domain::{
    Board, Codec, HelpCall, Identity, PlaceId, RoomFacts, RoomLink, RoomMoment, RoomPages, RoomState, Slot,
    Tile, Timestamp, UnixMillis, assess,
};
use signalling::{BoardNews, ServerMessage};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Media that moved within this time flows: the workers report every 2 s.
const FLOWS_WITHIN: Duration = Duration::from_millis(5_500);
/// Other rooms must hear something, and so many of them, before one is called silent.
const HEARERS_LEAST: usize = 2;

/// The board and what leads were told of it.
#[derive(Default)]
pub(super) struct Desk {
    board: Board,
    observers: usize,
    /// Rooms went, or their names changed: leads get the whole board.
    anew: bool,
    /// The old board and the codec as hosts and organisers know them.
    roster: Option<ServerMessage>,
    codec: Option<Codec>,
}

impl Room {
    /// Tells leads what changed on the board.
    pub(super) fn show_board(&mut self) {
        if !self.members.values().any(|member| leads(member.who)) {
            return;
        }
        self.look_at_rooms();
        let observers = self.members.values().filter(|member| is_observer(member.who)).count();
        let full = std::mem::take(&mut self.desk.anew);
        let changed = self.desk.board.take_changes();
        if !full && changed.is_empty() && observers == self.desk.observers {
            return;
        }
        self.desk.observers = observers;
        let tiles = if full { self.desk.board.tiles().cloned().collect() } else { changed };
        let message = ServerMessage::Board(BoardNews { full, observers, tiles });
        self.broadcast_to(&message, |member| leads(member.who));
    }

    /// The whole board, for a page that came.
    pub(super) fn board_now(&mut self) -> ServerMessage {
        self.look_at_rooms();
        let observers = self.members.values().filter(|member| is_observer(member.who)).count();
        let tiles = self.desk.board.tiles().cloned().collect();
        ServerMessage::Board(BoardNews { full: true, observers, tiles })
    }

    /// The lesson, its places or their names changed.
    pub(super) fn refresh_board(&mut self) {
        self.desk.anew = true;
    }

    /// Tells hosts and organisers what changed on the old board, and hosts which codec suits everybody.
    pub(super) fn show_roster(&mut self) {
        if !self.members.values().any(|member| leads(member.who)) {
            (self.desk.roster, self.desk.codec) = (None, None);
            return;
        }
        let roster = self.roster_now();
        if self.desk.roster.as_ref() != Some(&roster) {
            self.broadcast_to(&roster, |member| leads(member.who));
            self.desk.roster = Some(roster);
        }
        let codec = self.roster.preferred_codec();
        if self.desk.codec != Some(codec) {
            let message = ServerMessage::prefer(codec);
            self.broadcast_to(&message, |member| matches!(member.who, Identity::Host { .. }));
            self.desk.codec = Some(codec);
        }
    }

    pub(super) fn roster_now(&self) -> ServerMessage {
        let directory = self.lessons.directory();
        let invited = directory.invited(self.lesson.record());
        self.roster.view(self.tools.clock.now(), invited, &self.tools.lines.places()).into()
    }

    /// How every room is that has media or a screen, for the accounts.
    pub(super) fn moments(&self) -> BTreeMap<PlaceId, RoomMoment> {
        let now = self.tools.clock.now();
        let mut links = self.links(now, |who| matches!(who, Identity::Helper { .. }));
        // The screen counts before the phone that goes on listening when the screen has no power.
        links.extend(self.links(now, |who| matches!(who, Identity::Place { .. })));
        let pages = self.roster.rooms(now);
        let places: BTreeSet<_> = links.keys().chain(pages.keys()).copied().collect();
        let moment = |place: PlaceId| {
            let link = links.get(&place);
            let facts = self.facts(place, link, pages.get(&place), false);
            let frozen = assess(&facts).state == RoomState::Frozen;
            RoomMoment { rung: link.map(|link| link.rung), frozen: frozen && link.is_some() }
        };
        places.into_iter().map(|place| (place, moment(place))).collect()
    }

    fn look_at_rooms(&mut self) {
        let (now, at) = (self.tools.clock.now(), Clock::wall());
        let directory = self.lessons.directory();
        let links = self.links(now, |who| matches!(who, Identity::Place { .. }));
        let pages = self.roster.rooms(now);
        let open = self.tools.lines.places();
        let hearers = pages.values().filter(|pages| pages.hears).count();
        let others_hear = hearers >= HEARERS_LEAST && self.published.contains_key(&Slot::ProgramAudio);
        let mut invited = BTreeSet::new();
        for place in directory.invited(self.lesson.record()) {
            invited.insert(place.id);
            let link = links.get(&place.id);
            let mut facts = self.facts(place.id, link, pages.get(&place.id), others_hear);
            if facts.screens == 0 && !facts.seen && open.contains(&place.id) {
                // A page is open, and another lesson (or none) is its own for now.
                facts.screens = 1;
            }
            let units = directory.units().path(place.unit).into_iter().map(|unit| unit.name.clone());
            self.desk.board.set(Tile {
                id: place.id,
                name: place.name.clone(),
                units: units.collect(),
                health: assess(&facts),
                since: at,
                rung: link.map(|link| link.rung),
                kbps: link.and_then(|link| link.estimate_kbps),
                // Without media a way is only what it was.
                path: link.and_then(|_| pages.get(&place.id)).and_then(|pages| pages.path),
                screens: facts.screens,
                helpers: facts.helpers,
                help: facts.help.iter().map(|&(kind, since)| HelpCall { kind, since }).collect(),
                removed: self.lesson.record().control.removed.contains(&place.id),
            });
        }
        self.desk.anew |= self.desk.board.retain(|place| invited.contains(&place));
    }

    fn facts(
        &self,
        place: PlaceId,
        link: Option<&RoomLink>,
        pages: Option<&RoomPages>,
        others_hear: bool,
    ) -> RoomFacts {
        let pages = pages.cloned().unwrap_or_default();
        let help: Vec<(_, UnixMillis)> = self.participation.help.of(place).collect();
        RoomFacts {
            on_air: self.lesson.state().is_on_air(),
            seen: self.attendance.knows(place),
            screens: pages.screens,
            helpers: pages.helpers,
            link: link.copied(),
            overdue: pages.overdue,
            stopped: pages.stopped,
            // Without media there is no picture that could stand still.
            reports: if link.is_some() { pages.reports } else { Vec::new() },
            others_hear,
            help,
        }
    }

    /// The best link of every room to whose viewers of this kind media flows.
    fn links(&self, now: Timestamp, kind: impl Fn(Identity) -> bool) -> BTreeMap<PlaceId, RoomLink> {
        let mut links: BTreeMap<PlaceId, RoomLink> = BTreeMap::new();
        let viewers = self.peers.iter().filter(|(_, peer)| peer.role == PeerRole::Viewer && kind(peer.who));
        for (&id, peer) in viewers {
            let Some(place) = peer.who.place() else { continue };
            let watched = if peer.segments { self.tools.watchers.progress(id) } else { None };
            let moved_at = peer.moved_at.max(watched.map(|watched| watched.at));
            // Connected a moment ago counts as flowing until the first report.
            let moved_at = moved_at.max(peer.connected_at);
            if moved_at.is_none_or(|at| now.saturating_since(at) > FLOWS_WITHIN) {
                continue;
            }
            let unknown = RoomLink { rung: 6, ..RoomLink::default() };
            let link = watched.map(|watched| rung::of_segments(watched.rung));
            let link = link.or_else(|| peer.stats.as_ref().map(rung::link)).unwrap_or(unknown);
            let known = links.entry(place).or_insert(link);
            if link.rung > known.rung {
                *known = link;
            }
        }
        links
    }
}

fn is_observer(who: Identity) -> bool {
    matches!(who, Identity::Observer { .. })
}
