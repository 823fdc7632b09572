//! What each viewer's link may carry, and where it stands on the ladder.
//!
//! Downwards: what a page can do and a person allows, and who speaks, become the terms its media worker allocates by.
//! Upwards: the rung, its cause and the playout go to the page, which says them in the classroom's words.

use super::{peers::Peer, room::Room, rung};
use crate::media::{PeerRole, PeerStats, ReceiverTerms, Rung, StillUnderWay};
use domain::{Bitrate, Codec, ConnectionId, Identity, MediaKind, PeerId, PlaceId, Slot};
use signalling::{LinkNews, PageTerms, ServerMessage};
use std::collections::BTreeMap;

/// What is left to a place that has used up its megabytes: voice, its protection and stills.
const SPENT_CEILING: Bitrate = Bitrate::from_kbps(64);
/// The lowest ceiling a page may ask for. The voice does not stop.
const CEILING_LEAST: Bitrate = Bitrate::from_kbps(40);
/// The estimate is told anew after so many beats when nothing else changed.
const ESTIMATE_BEATS: u64 = 10;

/// Bytes of media each place has got in this lesson over connections that are gone.
pub(super) type Spent = BTreeMap<PlaceId, u64>;

/// What each place's link carried, as far as the place was heard.
pub(super) type Carried = BTreeMap<PlaceId, Bitrate>;

/// What a viewer's page said of itself, and what it was told.
#[derive(Default)]
pub(super) struct Viewing {
    page: Option<ConnectionId>,
    can: PageAbilities,
    settled: ReceiverTerms,
    /// The still it asked for last.
    still: StillUnderWay,
    told: Option<LinkNews>,
    on: Option<OnRung>,
}

/// What a page can do, and what a person allows it to use ([`PageTerms`]).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PageAbilities {
    stills: bool,
    can_wait: bool,
    ceiling: Option<Bitrate>,
    /// Bytes a lesson.
    allowance: Option<u64>,
}

impl PageAbilities {
    pub(crate) fn new(
        stills: bool,
        can_wait: bool,
        ceiling_kbps: Option<u32>,
        ceiling_mb: Option<u32>,
    ) -> Self {
        Self {
            stills,
            can_wait,
            ceiling: ceiling_kbps.map(|kbps| Bitrate::from_kbps(kbps.into()).max(CEILING_LEAST)),
            allowance: ceiling_mb.map(|megabytes| u64::from(megabytes) * 1_000_000),
        }
    }
}

impl Viewing {
    /// Of a page that said what it can do with its offer.
    pub(super) fn of(can: PageAbilities) -> Self {
        Self { can, ..Self::default() }
    }

    /// A still is on its way to it; the one before is of no use any more.
    pub(super) fn fetches(&mut self, still: StillUnderWay) {
        self.still = still;
    }

    /// Counts the viewer on its rung.
    pub(super) fn climb(&mut self, rung: Option<Rung>) {
        if self.on.as_ref().map(|on| on.0) != rung {
            self.on = rung.map(OnRung::new);
        }
    }
}

/// One viewer in `nhipcau_viewers_on_rung`, for as long as this lives.
struct OnRung(Rung);

impl OnRung {
    fn new(rung: Rung) -> Self {
        Self::gauge(rung).increment(1.0);
        Self(rung)
    }

    fn gauge(rung: Rung) -> metrics::Gauge {
        metrics::gauge!("nhipcau_viewers_on_rung", "rung" => rung.number().to_string())
    }
}

impl Drop for OnRung {
    fn drop(&mut self) {
        Self::gauge(self.0).decrement(1.0);
    }
}

impl Room {
    /// A page says what its media session may carry.
    pub(super) fn take_terms(
        &mut self,
        connection: ConnectionId,
        who: Identity,
        peer: PeerId,
        terms: &PageTerms,
    ) {
        let Some(peer) = self.peers.get_mut(&peer) else { return };
        if peer.who != who || peer.role != PeerRole::Viewer {
            return;
        }
        let PageTerms { peer: _, stills, can_wait, ceiling_kbps, ceiling_mb } = *terms;
        peer.seen.can = PageAbilities::new(stills, can_wait, ceiling_kbps, ceiling_mb);
        // Another page is told everything.
        if peer.seen.page.replace(connection) != Some(connection) {
            peer.seen.told = None;
        }
        self.settle_terms();
    }

    /// Brings what the workers know of each viewer in line with floor, pages and allowances. Cheap when nothing changed.
    pub(super) fn settle_terms(&mut self) {
        let somebody_speaks = self.participation.floor.route().picture.is_some();
        let changed: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.role == PeerRole::Viewer)
            .map(|(&id, peer)| (id, self.terms_of(peer, somebody_speaks)))
            .collect();
        for (id, terms) in changed {
            if let Some(peer) = self.peers.get_mut(&id)
                && peer.seen.settled != terms
            {
                peer.seen.settled = terms;
                self.tools.media.set_terms(id, terms);
            }
        }
    }

    fn terms_of(&self, peer: &Peer, somebody_speaks: bool) -> ReceiverTerms {
        let PageAbilities { stills, can_wait, ceiling, allowance } = peer.seen.can;
        let place = peer.who.place();
        let speaks = place
            .is_some_and(|place| self.participation.floor.turns().iter().any(|turn| turn.place == place));
        let spent = allowance.is_some_and(|allowance| self.spent_by(peer) >= allowance);
        let ceiling = match (spent, ceiling) {
            (true, ceiling) => Some(ceiling.map_or(SPENT_CEILING, |ceiling| ceiling.min(SPENT_CEILING))),
            (false, ceiling) => ceiling,
        };
        let still = peer.seen.still;
        let somebody_speaks = somebody_speaks && !speaks;
        ReceiverTerms { stills, speaks, somebody_speaks, can_wait, still, ceiling }
    }

    /// Bytes of media the peer's place has got in this lesson; of whoever is no place, the peer alone.
    fn spent_by(&self, peer: &Peer) -> u64 {
        let bytes = |peer: &Peer| peer.stats.map_or(0, |stats| stats.bytes);
        let Some(place) = peer.who.place() else { return bytes(peer) };
        let now = self.peers.values().filter(|other| other.who.place() == Some(place) && !other.publishes());
        self.spent.get(&place).copied().unwrap_or(0) + now.map(bytes).sum::<u64>()
    }

    /// What a connection that is gone had used stays used.
    pub(super) fn spend(&mut self, gone: &Peer) {
        if let (Some(place), Some(stats), false) = (gone.who.place(), gone.stats, gone.publishes()) {
            *self.spent.entry(place).or_default() += stats.bytes;
        }
    }

    /// Tells pages where their links stand, when that changed.
    pub(super) fn show_links(&mut self) {
        let anew = self.beats.is_multiple_of(ESTIMATE_BEATS);
        let published = &self.published;
        for peer in self.peers.values_mut() {
            let (Some(page), Some(stats)) = (peer.seen.page, peer.stats.as_ref()) else { continue };
            let (Some(ladder), Some(member)) = (stats.ladder, self.members.get(&page)) else { continue };
            let link = rung::link(stats);
            let news = LinkNews {
                rung: link.rung,
                cause: link.cause,
                estimate_kbps: link.estimate_kbps,
                playout_ms: ladder.playout.as_millis() as u32,
                stills: ladder.stills,
                withheld: withheld(stats, published),
            };
            let same =
                |told: &LinkNews| LinkNews { estimate_kbps: news.estimate_kbps, ..told.clone() } == news;
            let known =
                peer.seen.told.as_ref().is_some_and(|told| if anew { *told == news } else { same(told) });
            if !known {
                peer.seen.told = Some(news.clone());
                member.line.send(&ServerMessage::Link(news));
            }
        }
    }
}

/// Pictures that are there and wanted, and for which the link has no room.
fn withheld(stats: &PeerStats, published: &BTreeMap<Slot, Codec>) -> Vec<Slot> {
    let slots =
        Slot::ALL.into_iter().filter(|slot| slot.kind() == MediaKind::Video && published.contains_key(slot));
    slots
        .filter(|slot| {
            stats.slots[slot.index()].wanted.is_some() && stats.slots[slot.index()].layer.is_none()
        })
        .collect()
}
