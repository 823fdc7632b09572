//! The organiser's board: how every room really is, since when, why, and what to do next.
//!
//! [`assess`] is the judgement of one room as a pure function; [`Board`] remembers since when it holds and which
//! rooms changed since the board was last told, so that two hundred rooms cost only what changes.

use crate::{HelpKind, MediaPath, PlaceId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a room is, in one word; worse ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// Picture and sound arrive as they should.
    Good,
    /// A page is open; nothing flows to it (yet).
    Waiting,
    /// It was not seen in this lesson.
    Absent,
    /// It gets less than it should because its link is weak.
    Weak,
    /// Nobody in the room hears anything.
    NoSound,
    /// The picture stands still, or cannot be seen.
    Frozen,
    /// It was there and is not any more.
    Gone,
}

/// Why a room is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its link carries too little.
    Bandwidth,
    /// Its link loses packets.
    Loss,
    /// It saves data on purpose.
    Saver,
    /// Its sound is off, or its browser has not allowed it.
    Muted,
    /// Sound arrives and comes out as silence while other rooms hear something.
    Silent,
    /// The page decodes no new frames.
    NoFrames,
    /// The page is behind another window, or its screen is off.
    Hidden,
    /// The page has not said for a while how it is.
    NoReport,
    /// The room's helper says so.
    Helper,
}

/// What to do about it; pages have the words ("bật loa", "chuyển sang 4G").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Turn the sound on at the page: press OK on the remote control.
    TurnSoundOn,
    /// Look at loudspeaker, cable and volume.
    CheckSpeaker,
    /// Change the network: 4G instead of Wi-Fi, or the other way round.
    ChangeNetwork,
    /// Stop other uses of the same line.
    FreeTheLine,
    /// Bring the page to the front, wake the screen.
    ShowPage,
    /// Reload the page.
    ReloadPage,
    /// Ring the room up: it may have no power.
    CallRoom,
}

/// A room as the board judges it.
#[expect(clippy::struct_excessive_bools, reason = "independent observations, each with its own word")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomFacts {
    /// Whether classrooms should receive the lesson now.
    pub on_air: bool,
    /// Whether anything of it was in this lesson before.
    pub seen: bool,
    /// Its open screens.
    pub screens: usize,
    /// Its helpers' open pages.
    pub helpers: usize,
    /// Media that flows to it; `None`: none does.
    pub link: Option<RoomLink>,
    /// What its screens say; those of the last seconds only.
    pub reports: Vec<ScreenReport>,
    /// A screen is open and has not reported for too long.
    pub overdue: bool,
    /// Of these, one that had reported before.
    pub stopped: bool,
    /// Other rooms hear something right now.
    pub others_hear: bool,
    /// What its helper says.
    pub help: Vec<(HelpKind, UnixMillis)>,
}

/// How a room's link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomLink {
    /// Rung of the ladder, 0 (nothing) to 6 (everything).
    pub rung: u8,
    /// Why not higher; `None`: it has all it wants.
    pub cause: Option<Cause>,
    /// What the link is believed to carry, kbit/s.
    pub estimate_kbps: Option<u32>,
    /// Whether a moving picture is being sent.
    pub moving: bool,
}

/// What one screen says of itself.
#[expect(clippy::struct_excessive_bools, reason = "independent observations, each with its own word")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScreenReport {
    /// The page says that the picture stands still.
    pub frozen: bool,
    /// Its count of frames has not moved for too long.
    pub stuck: bool,
    /// The sound is off.
    pub muted: bool,
    /// The output has been silent for a while.
    pub silent: bool,
    /// The page is in sight.
    pub visible: bool,
}

/// The judgement of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How it is.
    pub state: RoomState,
    /// Why.
    pub cause: Option<Cause>,
    /// What to do.
    pub next: Option<NextStep>,
}

/// Judges a room. What a class suffers from most comes first: a lost room, a still picture, no sound, a weak link.
pub fn assess(facts: &RoomFacts) -> Health {
    let (state, cause) = verdict(facts);
    let next = match (state, cause) {
        (_, Some(Cause::Muted)) => Some(NextStep::TurnSoundOn),
        (RoomState::NoSound, _) => Some(NextStep::CheckSpeaker),
        (_, Some(Cause::Hidden)) => Some(NextStep::ShowPage),
        (RoomState::Frozen, _) => Some(NextStep::ReloadPage),
        (RoomState::Gone, _) => Some(NextStep::CallRoom),
        (RoomState::Weak, Some(Cause::Bandwidth)) => Some(NextStep::FreeTheLine),
        (RoomState::Weak, Some(Cause::Loss)) => Some(NextStep::ChangeNetwork),
        _ => None,
    };
    Health { state, cause, next }
}

fn verdict(facts: &RoomFacts) -> (RoomState, Option<Cause>) {
    let helper_says = |kind| facts.help.iter().any(|(known, _)| *known == kind).then_some(Cause::Helper);
    let all = |judge: fn(&ScreenReport) -> bool| !facts.reports.is_empty() && facts.reports.iter().all(judge);
    let any = |judge: fn(&ScreenReport) -> bool| facts.reports.iter().any(judge);
    if facts.screens == 0 && facts.link.is_none() {
        let state = match (facts.seen, facts.helpers) {
            (true, _) => RoomState::Gone,
            (false, 0) => RoomState::Absent,
            (false, _) => RoomState::Waiting,
        };
        return (state, None);
    }
    // Neither reports nor media any more: its socket will time out in a few seconds, which is too long to wait for.
    if facts.on_air && facts.seen && facts.link.is_none() && facts.stopped && facts.reports.is_empty() {
        return (RoomState::Gone, None);
    }
    if let Some(cause) = helper_says(HelpKind::Frozen) {
        return (RoomState::Frozen, Some(cause));
    }
    if facts.on_air {
        if any(|screen| screen.frozen) {
            return (RoomState::Frozen, facts.link.and_then(|link| link.cause));
        }
        if facts.link.is_some_and(|link| link.moving) && any(|screen| screen.stuck && screen.visible) {
            return (RoomState::Frozen, Some(Cause::NoFrames));
        }
        if all(|screen| !screen.visible) {
            return (RoomState::Frozen, Some(Cause::Hidden));
        }
        if facts.overdue && facts.link.is_some() && facts.reports.is_empty() {
            return (RoomState::Frozen, Some(Cause::NoReport));
        }
    }
    if let Some(cause) = helper_says(HelpKind::NoSound) {
        return (RoomState::NoSound, Some(cause));
    }
    if all(|screen| screen.muted) {
        return (RoomState::NoSound, Some(Cause::Muted));
    }
    if facts.on_air && facts.others_hear && all(|screen| screen.silent || screen.muted) {
        return (RoomState::NoSound, Some(Cause::Silent));
    }
    match facts.link {
        Some(RoomLink { cause: Some(cause), .. }) => (RoomState::Weak, Some(cause)),
        Some(_) => (RoomState::Good, None),
        None => (RoomState::Waiting, None),
    }
}

/// A room on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// Which.
    pub id: PlaceId,
    /// Its name.
    pub name: String,
    /// The names of the units it belongs to, from the top (Sở, cụm, trường …).
    pub units: Vec<String>,
    /// How it is.
    #[serde(flatten)]
    pub health: Health,
    /// Since when.
    pub since: UnixMillis,
    /// Rung of the ladder, 0 to 6; `None`: no media flows.
    pub rung: Option<u8>,
    /// What its link is believed to carry, kbit/s.
    pub kbps: Option<u32>,
    /// How the lesson reaches it: the worst way among its screens; `None`: they have not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<MediaPath>,
    /// Open screens.
    pub screens: usize,
    /// Open pages of helpers.
    pub helpers: usize,
    /// What its helper asked for, and since when.
    pub help: Vec<HelpCall>,
    /// Whether it was sent out of the lesson.
    pub removed: bool,
}

/// A call for help on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpCall {
    /// What for.
    pub kind: HelpKind,
    /// Since when.
    pub since: UnixMillis,
}

/// What was told of every room, to tell only what changed.
#[derive(Debug, Default)]
pub struct Board {
    tiles: BTreeMap<PlaceId, Tile>,
    changed: BTreeSet<PlaceId>,
}

impl Board {
    /// Takes a room's tile; its `since` is kept while the state is the same.
    pub fn set(&mut self, mut tile: Tile) {
        if let Some(known) = self.tiles.get(&tile.id) {
            if known.health.state == tile.health.state {
                tile.since = known.since;
            }
            if *known == tile {
                return;
            }
        }
        self.changed.insert(tile.id);
        self.tiles.insert(tile.id, tile);
    }

    /// Forgets the rooms that `keep` does not name. `true`: some went.
    pub fn retain(&mut self, keep: impl Fn(PlaceId) -> bool) -> bool {
        let before = self.tiles.len();
        self.tiles.retain(|place, _| keep(*place));
        self.changed.retain(|place| keep(*place));
        self.tiles.len() != before
    }

    /// Every room.
    pub fn tiles(&self) -> impl Iterator<Item = &Tile> {
        self.tiles.values()
    }

    /// The rooms that changed since this was last asked.
    pub fn take_changes(&mut self) -> Vec<Tile> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|place| self.tiles.get(place).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watching() -> RoomFacts {
        RoomFacts {
            on_air: true,
            seen: true,
            screens: 1,
            link: Some(RoomLink { rung: 6, moving: true, ..RoomLink::default() }),
            reports: vec![ScreenReport { visible: true, ..ScreenReport::default() }],
            others_hear: true,
            ..RoomFacts::default()
        }
    }

    #[track_caller]
    fn check(facts: &RoomFacts, state: RoomState, cause: Option<Cause>, next: Option<NextStep>) {
        assert_eq!(assess(facts), Health { state, cause, next });
    }

    #[test]
    fn a_room_is_told_what_it_suffers_from_most_and_what_to_do() {
        let mut room = watching();
        check(&room, RoomState::Good, None, None);
        room.link = Some(RoomLink { rung: 1, cause: Some(Cause::Loss), ..RoomLink::default() });
        check(&room, RoomState::Weak, Some(Cause::Loss), Some(NextStep::ChangeNetwork));
        room.reports[0].silent = true;
        check(&room, RoomState::NoSound, Some(Cause::Silent), Some(NextStep::CheckSpeaker));
        room.reports[0].muted = true;
        check(&room, RoomState::NoSound, Some(Cause::Muted), Some(NextStep::TurnSoundOn));
        room.reports[0].visible = false;
        check(&room, RoomState::Frozen, Some(Cause::Hidden), Some(NextStep::ShowPage));
        room.reports[0].frozen = true;
        check(&room, RoomState::Frozen, Some(Cause::Loss), Some(NextStep::ReloadPage));
        room.screens = 0;
        room.link = None;
        check(&room, RoomState::Gone, None, Some(NextStep::CallRoom));
    }

    #[test]
    fn a_page_that_lies_about_its_picture_is_found_out_by_its_frames() {
        let mut room = watching();
        room.reports[0].stuck = true;
        check(&room, RoomState::Frozen, Some(Cause::NoFrames), Some(NextStep::ReloadPage));
        // On a rung without a moving picture there are no frames to count.
        room.link = Some(RoomLink { rung: 1, cause: Some(Cause::Bandwidth), ..RoomLink::default() });
        check(&room, RoomState::Weak, Some(Cause::Bandwidth), Some(NextStep::FreeTheLine));
        room.reports.clear();
        room.overdue = true;
        check(&room, RoomState::Frozen, Some(Cause::NoReport), Some(NextStep::ReloadPage));
    }

    #[test]
    fn when_nobody_hears_anything_it_is_the_teacher_who_is_silent() {
        let mut room = watching();
        room.reports[0].silent = true;
        room.others_hear = false;
        check(&room, RoomState::Good, None, None);
    }

    #[test]
    fn the_helpers_word_counts_more_than_what_is_measured() {
        let mut room = watching();
        room.help = vec![(HelpKind::NoSound, UnixMillis::default())];
        check(&room, RoomState::NoSound, Some(Cause::Helper), Some(NextStep::CheckSpeaker));
        room.help.push((HelpKind::Frozen, UnixMillis::default()));
        check(&room, RoomState::Frozen, Some(Cause::Helper), Some(NextStep::ReloadPage));
    }

    #[test]
    fn a_room_that_never_came_is_no_alarm() {
        let absent = RoomFacts { on_air: true, ..RoomFacts::default() };
        check(&absent, RoomState::Absent, None, None);
        let waiting = RoomFacts { screens: 1, overdue: true, ..absent };
        check(&waiting, RoomState::Waiting, None, None);
        let lost_power = RoomFacts { seen: true, stopped: true, ..waiting };
        check(&lost_power, RoomState::Gone, None, Some(NextStep::CallRoom));
    }

    #[test]
    fn the_board_tells_what_changed_and_since_when() {
        let mut board = Board::default();
        let tile = |state, at| Tile {
            id: PlaceId(1),
            name: "Phòng 3A".into(),
            units: Vec::new(),
            health: Health { state, cause: None, next: None },
            since: UnixMillis::clamped(at),
            rung: None,
            kbps: None,
            path: None,
            screens: 1,
            helpers: 0,
            help: Vec::new(),
            removed: false,
        };
        board.set(tile(RoomState::Good, 1));
        assert_eq!(board.take_changes().len(), 1);
        board.set(tile(RoomState::Good, 2));
        assert!(board.take_changes().is_empty(), "nothing new");
        board.set(tile(RoomState::Frozen, 3));
        assert_eq!(board.take_changes()[0].since, UnixMillis::clamped(3));
        board.set(Tile { rung: Some(3), ..tile(RoomState::Frozen, 9) });
        assert_eq!(board.take_changes()[0].since, UnixMillis::clamped(3), "it is still frozen");
        assert!(board.retain(|_| false));
        assert_eq!(board.tiles().count(), 0);
    }
}
