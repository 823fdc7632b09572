//! What a viewer's numbers mean for the board: its rung of the ladder, and why it is not on a higher one.

use crate::media::{Ladder, PeerStats};
use domain::{Cause, Layer, RoomLink, Slot};

/// The link of one viewer.
pub(super) fn link(stats: &PeerStats) -> RoomLink {
    let sent = |slot: Slot| stats.slots[slot.index()].layer.is_some();
    RoomLink {
        rung: stats.ladder.map_or(0, |ladder| ladder.rung.number()),
        cause: stats.ladder.and_then(cause),
        estimate_kbps: stats.estimate.map(|estimate| estimate.as_kbps() as u32),
        moving: sent(Slot::ProgramVideo) || sent(Slot::ExtraVideo),
    }
}

/// The link of one who watches as segments, which is trusted with pictures of this size; `None`: with sound alone.
pub(super) fn of_segments(most: Option<Layer>) -> RoomLink {
    let rung = match most {
        Some(Layer::High) => 6,
        // Where such a viewer begins, too: nothing of a weak link yet.
        Some(Layer::Mid) => 5,
        Some(Layer::Low) => 4,
        None => 1,
    };
    let cause = (rung < 5).then_some(Cause::Bandwidth);
    RoomLink { rung, cause, estimate_kbps: None, moving: most.is_some() }
}

fn cause(ladder: Ladder) -> Option<Cause> {
    use crate::media::Cause as Limit;
    match ladder.cause? {
        Limit::Bandwidth => Some(Cause::Bandwidth),
        Limit::Loss => Some(Cause::Loss),
        Limit::Ceiling => Some(Cause::Saver),
        // A connection of the first seconds is no weak one; one that falls silent is noticed by its silence.
        Limit::Starting | Limit::Silence => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{self, Rung};
    use domain::Bitrate;
    use std::time::Duration;

    fn check(limit: Option<media::Cause>, rung: Rung, expected: Option<Cause>) {
        let (stills, playout, queue) = (false, Duration::ZERO, Duration::ZERO);
        let stats = PeerStats {
            ladder: Some(Ladder { rung, cause: limit, stills, playout, queue }),
            estimate: Some(Bitrate::from_kbps(180)),
            ..PeerStats::default()
        };
        let link = link(&stats);
        assert_eq!((link.rung, link.cause, link.estimate_kbps), (rung.number(), expected, Some(180)));
    }

    #[test]
    fn a_screen_fed_with_segments_is_weak_where_only_the_smallest_picture_or_none_goes_through() {
        let seen = |most| (of_segments(most).rung, of_segments(most).cause, of_segments(most).moving);
        assert_eq!(seen(Some(Layer::High)), (6, None, true));
        assert_eq!(seen(Some(Layer::Mid)), (5, None, true));
        assert_eq!(seen(Some(Layer::Low)), (4, Some(Cause::Bandwidth), true));
        assert_eq!(seen(None), (1, Some(Cause::Bandwidth), false));
    }

    #[test]
    fn the_board_says_what_the_ladder_says_but_for_the_first_seconds() {
        use media::Cause as Limit;
        check(None, Rung::Full, None);
        check(Some(Limit::Bandwidth), Rung::OnePicture, Some(Cause::Bandwidth));
        check(Some(Limit::Loss), Rung::Audio, Some(Cause::Loss));
        check(Some(Limit::Ceiling), Rung::MediumPicture, Some(Cause::Saver));
        check(Some(Limit::Starting), Rung::SmallPictures, None);
        check(Some(Limit::Silence), Rung::Outage, None);
    }
}
