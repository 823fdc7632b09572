//! How the voice is protected on a link that loses packets: by time to ask again, or by redundancy.
//!
//! Two regimes. Who only watches can wait: a longer playout leaves time to ask for a lost packet once or twice, which costs almost
//! nothing. Who is called to speak cannot: then every packet carries its predecessors (RFC 2198), as many as the loss demands. The
//! same redundancy fills in until a longer playout has come into effect.

use domain::{Bitrate, Timestamp};
use std::time::Duration;

/// Below this share lost nothing needs protection.
const LOSS_FELT: f64 = 0.01;
/// From this on one predecessor is not enough, and asking again may fail twice.
const LOSS_HEAVY: f64 = 0.10;
/// Mean length of a run of losses from which one predecessor is often lost too.
const RUN_LONG: f64 = 1.7;
/// Time a browser takes to notice a gap and ask, and what a packet needs to be played when it is there.
const ASKING: Duration = Duration::from_millis(60);
/// No playout is asked to be longer.
const PLAYOUT_MAX: Duration = Duration::from_millis(1_400);
/// Playout is told in steps of this.
const PLAYOUT_STEP_MS: u64 = 100;
/// It is shortened only after the link has been better for so long: a change is heard.
const SHORTEN_AFTER: Duration = Duration::from_mins(1);
/// Round trip where none is known.
const RTT_UNKNOWN: Duration = Duration::from_millis(150);
/// A handshake that took longer than this was not across the town: the voice waits for repair from its first second on.
const FAR: Duration = Duration::from_millis(100);
/// More is not made of a handshake, which may have been repeated.
const FIRST_PLAYOUT_MAX: Duration = Duration::from_millis(500);
/// Redundancy is spent only while the link carries this many times the protected voice.
const ROOM: f64 = 1.1;

/// What protection has to go by.
#[derive(Debug, Clone, Copy)]
pub struct VoiceLink {
    /// Share of packets lost.
    pub loss: f64,
    /// Mean length of a run of losses.
    pub loss_run: f64,
    /// Round trip.
    pub rtt: Option<Duration>,
    /// How much later than the quickest nine packets of ten arrive.
    pub spread: Duration,
    /// What the link carries.
    pub estimate: Bitrate,
    /// What the voice costs, all headers counted, and its payload alone.
    pub voice: Bitrate,
    /// See `voice`.
    pub payload: Bitrate,
    /// The receiver asks for lost voice again.
    pub can_ask: bool,
    /// The receiver takes redundancy.
    pub can_redundancy: bool,
    /// The receiver's playout can be lengthened, and its class is not speaking.
    pub can_wait: bool,
}

/// What is done for one receiver's voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protection {
    /// Predecessors every packet carries, 0 to 2.
    pub redundancy: u8,
    /// Playout the receiver should use; zero: its own choice.
    pub playout: Duration,
}

/// Chooses the protection over time.
#[derive(Debug, Clone, Default)]
pub struct Protector {
    current: Protection,
    /// When the playout was lengthened: it takes a while to come into effect.
    lengthened_at: Option<Timestamp>,
    shorter_since: Option<Timestamp>,
    /// What the handshake asks for, until the receiver is known to be able to wait.
    first: Duration,
}

impl Protector {
    /// For a receiver whose handshake was answered after `answered`: the first packets are lost before anything is known of the
    /// loss, and a playout that grows then makes up sound while it grows.
    pub fn new(answered: Option<Duration>) -> Self {
        Self { first: first_playout(answered), ..Self::default() }
    }

    /// The protection for now; call it about once a second.
    pub fn update(&mut self, now: Timestamp, link: &VoiceLink) -> Protection {
        let first = if link.can_wait { std::mem::take(&mut self.first) } else { Duration::ZERO };
        let needed = playout(link).max(first);
        let playout = self.settle(now, needed, link.can_wait);
        let waits = link.can_wait && self.in_effect(now, playout);
        let redundancy = if link.can_redundancy { redundancy(link, waits) } else { 0 };
        self.current = Protection { redundancy, playout };
        self.current
    }

    /// What was chosen last.
    pub fn current(&self) -> Protection {
        self.current
    }

    fn settle(&mut self, now: Timestamp, needed: Duration, can_wait: bool) -> Duration {
        let current = self.current.playout;
        if !can_wait {
            self.shorter_since = None;
            return Duration::ZERO;
        }
        if needed > current {
            self.lengthened_at = Some(now);
            self.shorter_since = None;
            return needed;
        }
        let much_shorter = needed + Duration::from_millis(2 * PLAYOUT_STEP_MS) <= current;
        if !much_shorter {
            self.shorter_since = None;
            return current;
        }
        let since = *self.shorter_since.get_or_insert(now);
        if now.saturating_since(since) >= SHORTEN_AFTER {
            self.shorter_since = None;
            return needed;
        }
        current
    }

    /// A browser's voice buffer grows by about a tenth of real time.
    fn in_effect(&self, now: Timestamp, playout: Duration) -> bool {
        self.lengthened_at.is_none_or(|at| now.saturating_since(at) >= playout * 8)
    }
}

/// What a receiver whose handshake was answered after `answered` waits from its first voice on; zero for a near one.
pub fn first_playout(answered: Option<Duration>) -> Duration {
    answered
        .filter(|&answered| answered > FAR)
        .map_or(Duration::ZERO, |answered| in_steps(answered + ASKING).min(FIRST_PLAYOUT_MAX))
}

/// The playout that leaves time to ask again, once or twice.
fn playout(link: &VoiceLink) -> Duration {
    if !link.can_wait || (link.loss < LOSS_FELT && link.spread < ASKING) {
        return Duration::ZERO;
    }
    let rtt = link.rtt.unwrap_or(RTT_UNKNOWN);
    let asks = match link.loss {
        loss if loss < LOSS_FELT || !link.can_ask => 0,
        loss if loss < LOSS_HEAVY / 2.0 => 1,
        _ => 2,
    };
    in_steps((link.spread + (rtt + ASKING) * asks).min(PLAYOUT_MAX))
}

fn in_steps(playout: Duration) -> Duration {
    Duration::from_millis((playout.as_millis() as u64).next_multiple_of(PLAYOUT_STEP_MS))
}

fn redundancy(link: &VoiceLink, waits: bool) -> u8 {
    let wanted = if waits && link.can_ask {
        // Asking again does the work; where it may fail twice in a row, one predecessor helps.
        u8::from(link.loss >= LOSS_HEAVY * 1.5)
    } else if link.loss < LOSS_FELT {
        0
    } else if link.loss >= LOSS_HEAVY || link.loss_run >= RUN_LONG {
        2
    } else {
        1
    };
    // Redundancy that does not fit would only make the loss worse.
    (0..=wanted)
        .rev()
        .find(|&distance| {
            let cost = link.voice + link.payload.scale(f64::from(distance));
            distance == 0 || cost.scale(ROOM) <= link.estimate
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: VoiceLink = VoiceLink {
        loss: 0.0,
        loss_run: 1.0,
        rtt: Some(Duration::from_millis(40)),
        spread: Duration::from_millis(5),
        estimate: Bitrate::from_kbps(700),
        voice: Bitrate::from_kbps(58),
        payload: Bitrate::from_kbps(32),
        can_ask: true,
        can_redundancy: true,
        can_wait: true,
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_good_link_costs_nothing_and_waits_for_nothing() {
        assert_eq!(Protector::default().update(at(1), &GOOD), Protection::default());
    }

    #[test]
    fn a_tv_in_the_rain_first_hears_twice_and_then_waits_long_enough_to_ask_again() {
        let rain = VoiceLink {
            loss: 0.08,
            rtt: Some(Duration::from_millis(250)),
            spread: Duration::from_millis(140),
            ..GOOD
        };
        let mut protector = Protector::default();
        let first = protector.update(at(1), &rain);
        assert_eq!(first, Protection { redundancy: 1, playout: Duration::from_millis(800) });
        let later = protector.update(at(30), &rain);
        assert_eq!(later, Protection { redundancy: 0, playout: Duration::from_millis(800) });
    }

    #[test]
    fn a_far_place_waits_from_its_first_second_and_a_near_one_never() {
        let after = |ms| Protector::new(Some(Duration::from_millis(ms)));
        assert_eq!(after(30).update(at(1), &GOOD).playout, Duration::ZERO);
        assert_eq!(after(240).update(at(1), &GOOD).playout, Duration::from_millis(300));
        assert_eq!(
            after(3_000).update(at(1), &GOOD).playout,
            FIRST_PLAYOUT_MAX,
            "a repeated handshake is no distance"
        );
        let mut speaker = after(240);
        let speaking = VoiceLink { can_wait: false, ..GOOD };
        assert_eq!(speaker.update(at(1), &speaking).playout, Duration::ZERO);
    }

    #[test]
    fn a_class_called_to_speak_hears_at_once_and_redundantly() {
        let mut protector = Protector::default();
        let rain = VoiceLink { loss: 0.12, rtt: Some(Duration::from_millis(250)), ..GOOD };
        protector.update(at(1), &rain);
        let speaking = VoiceLink { can_wait: false, ..rain };
        assert_eq!(protector.update(at(2), &speaking), Protection { redundancy: 2, playout: Duration::ZERO });
    }

    #[test]
    fn losses_in_a_row_need_two_predecessors() {
        let link = VoiceLink { loss: 0.04, loss_run: 2.5, can_wait: false, ..GOOD };
        assert_eq!(Protector::default().update(at(1), &link).redundancy, 2);
    }

    #[test]
    fn redundancy_that_does_not_fit_is_left_out() {
        let link = VoiceLink { loss: 0.12, can_wait: false, ..GOOD };
        let redundancy_at = |kbps| {
            let link = VoiceLink { estimate: Bitrate::from_kbps(kbps), ..link };
            Protector::default().update(at(1), &link).redundancy
        };
        assert_eq!([redundancy_at(70), redundancy_at(110), redundancy_at(150)], [0, 1, 2]);
    }

    #[test]
    fn a_playout_is_not_shortened_for_one_quiet_minute_less_a_second() {
        let mut protector = Protector::default();
        protector.update(at(0), &VoiceLink { loss: 0.08, rtt: Some(Duration::from_millis(250)), ..GOOD });
        let long = protector.current().playout;
        for second in 1..=60 {
            assert_eq!(protector.update(at(second), &GOOD).playout, long);
        }
        assert_eq!(protector.update(at(61), &GOOD).playout, Duration::ZERO);
    }
}
