//! Slides as still images, for whoever does not get them moving: a weak link, or a page that has just come.
//!
//! The newest one is kept in memory while the lesson is on the air, and nowhere else: a lesson leaves no pictures behind.

use super::{call::FetchedStill, peers::Peer, room::Room};
use crate::{
    clock::Clock,
    media::{PeerRole, StillUnderWay},
};
use bytes::Bytes;
use domain::{Action, Bitrate, Identity, Slot};
use signalling::{Problem, ProblemCode, ServerMessage, Still, StillNews};
use std::time::Duration;

/// Of what a link is believed to carry, this much may be in use with a still on its way.
const USE_OF_LINK: f64 = 0.85;
/// Words on slides go before the teacher's moving picture, so of what the voice leaves a still gets this much whatever else is being
/// sent: what is too much then is taken from the pictures. At what happened to be left over a slide took three seconds or ten.
const SHARE: f64 = 0.45;
/// The voice and its copy: they come, if they do not yet.
const VOICE: Bitrate = Bitrate::from_kbps(60);
/// A still goes at least this fast: one that never comes helps nobody.
const SPARE_LEAST: Bitrate = Bitrate::from_kbps(22);

/// A link with this much to spare is no weak one: the still goes as it is.
const SPARE_ENOUGH: Bitrate = Bitrate::from_kbps(1_500);
/// How fast a still goes where nobody knows what the link carries.
const SPARE_UNKNOWN: Bitrate = Bitrate::from_kbps(150);
/// The link is searched again after this, whether the still has come or not.
const FETCHED_WITHIN: Duration = Duration::from_secs(10);

/// The newest still.
#[derive(Default)]
pub(super) struct Stills {
    last: u32,
    newest: Option<(Still, Bytes)>,
}

/// A queue of this length is let drain first: the voice stands in it.
const DRAINS_FROM: Duration = Duration::from_millis(300);

/// What a link that is believed to carry `estimate`, over which `rate` is sent now and on which `queue` stands, has for a still.
fn spare(estimate: Bitrate, rate: Bitrate, queue: Duration) -> Bitrate {
    if queue >= DRAINS_FROM {
        return SPARE_LEAST;
    }
    let left = estimate.scale(USE_OF_LINK) - rate.max(VOICE);
    left.max((estimate - VOICE).scale(SHARE)).max(SPARE_LEAST)
}

impl Room {
    /// A new slide is on the host's screen.
    pub(super) fn put_still(&mut self, who: Identity, image: Bytes) -> Result<u32, Problem> {
        self.lesson.permits(who, Action::Publish)?;
        self.stills.last += 1;
        let still = Still { no: self.stills.last, bytes: image.len(), at: Clock::wall() };
        self.stills.newest = Some((still, image));
        self.broadcast(&ServerMessage::Still(StillNews { still: Some(still) }));
        Ok(still.no)
    }

    /// Slides are over: nobody looks at a still of what the teacher no longer shows.
    pub(super) fn drop_still(&mut self) {
        if self.stills.newest.take().is_some() {
            self.broadcast(&ServerMessage::Still(StillNews { still: None }));
        }
    }

    /// What a page that comes now is told.
    pub(super) fn still_news(&self) -> Option<ServerMessage> {
        let (still, _) = self.stills.newest.as_ref()?;
        Some(ServerMessage::Still(StillNews { still: Some(*still) }))
    }

    /// The still, and what the link of whoever asks has to spare.
    pub(super) fn get_still(&mut self, who: Identity, no: u32) -> Result<FetchedStill, Problem> {
        self.lesson.permits(who, Action::Watch)?;
        let newest = self.stills.newest.as_ref().filter(|_| self.is_shown_to(who));
        // An older one is of no use any more: the page has heard of the newer one meanwhile.
        let (_, image) = newest.filter(|(still, _)| still.no == no).ok_or(ProblemCode::StillUnknown)?;
        let image = image.clone();
        let theirs = |peer: &Peer| peer.who == who && peer.role == PeerRole::Viewer;
        let viewers = self.peers.values().filter(|peer| theirs(peer));
        let measured = viewers.filter_map(|peer| {
            let stats = peer.stats?;
            let queue = stats.ladder.map_or(Duration::ZERO, |ladder| ladder.queue);
            Some(spare(stats.estimate?, stats.rate, queue))
        });
        // A page fetches its first still before its media has said anything of the link.
        let carried = who.place().and_then(|place| self.carried.get(&place));
        let pace = measured.min().or_else(|| Some(spare(*carried?, VOICE, Duration::ZERO)));
        let pace = Some(pace.unwrap_or(SPARE_UNKNOWN)).filter(|pace| *pace < SPARE_ENOUGH);
        if let Some(rate) = pace {
            let takes = rate.time_for(image.len() as u64).min(FETCHED_WITHIN);
            let still = StillUnderWay { until: self.tools.media.now() + takes, rate };
            for peer in self.peers.values_mut().filter(|peer| theirs(peer)) {
                peer.seen.fetches(still);
            }
            self.settle_terms();
        }
        Ok(FetchedStill { image, pace })
    }

    /// Follows the slides: without them there is no still.
    pub(super) fn follow_slides(&mut self, stopped: Slot) {
        if stopped == Slot::SlidesVideo {
            self.drop_still();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_does_not_wait_for_the_teachers_picture() {
        let after = |estimate, rate, queue_ms| {
            let queue = Duration::from_millis(queue_ms);
            spare(Bitrate::from_kbps(estimate), Bitrate::from_kbps(rate), queue).as_kbps()
        };
        let kbps = |estimate, rate| after(estimate, rate, 0);
        assert_eq!(kbps(1_000, 100), 750, "what is left over, where much is");
        assert_eq!(kbps(240, 200), 81, "whatever is on a thin link: 15 kB in a second and a half");
        assert_eq!(kbps(80, 60), 22, "on the thinnest the voice goes first");
        assert_eq!(kbps(150, 0), 67, "the voice has not begun, and will");
        assert_eq!(after(240, 200, 400), 22, "a queue that stands is not made longer");
        assert_eq!(kbps(20, 20), 22, "one that never comes helps nobody");
    }
}
