//! What a viewer's numbers mean: its rung of the ladder, and why it is not on a higher one.
//!
//! Provisional: the layers that are sent tell the rung, loss and round trip the cause. The allocator itself will say
//! both, and then this file goes.

use crate::media::PeerStats;
use domain::{Cause, Layer, RoomLink, Slot};

/// Loss and round trip from which a link is called lossy or slow.
const LOSSY: f32 = 0.05;
const SLOW_MS: u128 = 400;

/// The highest layer of each slot that any viewer gets right now: what there is to be had.
pub(super) type Best = [Option<Layer>; Slot::COUNT];

/// The highest layers among viewers.
pub(super) fn best<'a>(viewers: impl Iterator<Item = &'a PeerStats>) -> Best {
    let mut best = Best::default();
    for stats in viewers {
        for slot in Slot::ALL {
            best[slot.index()] = best[slot.index()].max(stats.slots[slot.index()].layer);
        }
    }
    best
}

/// The link of one viewer.
pub(super) fn link(stats: &PeerStats, best: Best) -> RoomLink {
    let sent = |slot: Slot| stats.slots[slot.index()].layer;
    // What the page does not want, it does not miss.
    let missed = |slot: Slot| {
        let wanted = stats.slots[slot.index()].wanted.min(best[slot.index()]);
        slot.kind() == domain::MediaKind::Video && wanted > sent(slot)
    };
    let limited = Slot::ALL.into_iter().any(missed);
    let (program, slides) = (sent(Slot::ProgramVideo), sent(Slot::SlidesVideo));
    let voice = sent(Slot::ProgramAudio).is_some();
    let rung = match (program, slides) {
        _ if !limited => 6,
        (Some(Layer::High), _) => 6,
        (Some(Layer::Mid), _) => 5,
        (Some(Layer::Low), Some(_)) => 4,
        (Some(Layer::Low), None) | (None, Some(_)) => 3,
        (None, None) if voice => 1,
        (None, None) => 0,
    };
    let cause = limited.then(|| {
        if stats.loss >= LOSSY {
            Cause::Loss
        } else if stats.rtt.is_some_and(|rtt| rtt.as_millis() >= SLOW_MS) {
            Cause::Delay
        } else {
            Cause::Bandwidth
        }
    });
    RoomLink {
        rung,
        cause,
        estimate_kbps: stats.estimate.map(|estimate| estimate.as_kbps() as u32),
        moving: program.is_some() || sent(Slot::ExtraVideo).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SlotStats;

    fn stats(program: Option<Layer>, slides: Option<Layer>) -> PeerStats {
        let mut stats = PeerStats::default();
        let high = Some(Layer::High);
        stats.slots[Slot::ProgramVideo.index()] = SlotStats { layer: program, wanted: high };
        stats.slots[Slot::SlidesVideo.index()] = SlotStats { layer: slides, wanted: high };
        stats.slots[Slot::ProgramAudio.index()] = SlotStats { layer: high, wanted: high };
        stats
    }

    #[test]
    fn a_room_is_weak_only_when_others_get_what_it_wants() {
        let (high, mid, low) = (Some(Layer::High), Some(Layer::Mid), Some(Layer::Low));
        let room = stats(mid, high);
        assert_eq!(link(&room, best([&room].into_iter())).cause, None, "the host sends no more");
        let good = stats(high, high);
        let all = best([&room, &good].into_iter());
        assert_eq!((link(&room, all).rung, link(&room, all).cause), (5, Some(Cause::Bandwidth)));
        assert_eq!((link(&good, all).rung, link(&good, all).cause), (6, None));
        let rungs = [stats(low, high), stats(low, None), stats(None, high), stats(None, None)];
        assert_eq!(rungs.map(|room| link(&room, all).rung), [4, 3, 3, 1]);
    }

    #[test]
    fn a_lossy_link_is_told_from_a_narrow_one() {
        let all = best([&stats(Some(Layer::High), None)].into_iter());
        let lossy = PeerStats { loss: 0.1, ..stats(Some(Layer::Low), None) };
        assert_eq!(link(&lossy, all).cause, Some(Cause::Loss));
    }
}
