//! One timeline for every track of a lesson, and the host's wall clock beside it.

use domain::Timestamp;
use media::{ClockReading, NtpTime};
use std::time::Duration;

/// A moment of the lesson: microseconds on the relay's clock at which it would have arrived without jitter.
///
/// Tracks and layers share it, so sound and picture play together and a change of layer leaves no gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MediaTime(pub u64);

impl MediaTime {
    /// This moment, `later` later.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later.as_micros() as u64))
    }

    /// Time since `earlier`; zero when that is later.
    pub fn saturating_since(self, earlier: MediaTime) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// In ticks of a clock of `rate` Hz, rounded.
    pub(crate) fn ticks(self, rate: u32) -> u64 {
        ((u128::from(self.0) * u128::from(rate) + 500_000) / 1_000_000) as u64
    }
}

/// Clocks that are further apart than this are of two machines, or one of them was set.
pub(crate) const SAME_CLOCK_US: i64 = 1_000_000;
/// A correction for drift is spread: more at once would be heard.
const SLEW_US: i64 = 5_000;
/// Beyond this it is no drift: the host's wall clock was set.
const JUMP_US: i64 = 500_000;
/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_TO_UNIX_S: i64 = 2_208_988_800;

fn ntp_micros(ntp: NtpTime) -> i64 {
    ((u128::from(ntp.0) * 1_000_000) >> 32) as i64
}

/// How far the media timeline is ahead of a host's wall clock; shared by all tracks of one host.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallClock {
    offset_us: Option<i64>,
}

/// RTP timestamps of one stream on the lesson's timeline.
///
/// Until the host has said what its clocks show (an RTCP sender report) the first packet's arrival says where the stream begins.
#[derive(Debug, Clone)]
pub(crate) struct TrackClock {
    rate: u32,
    newest: Option<(u32, i64)>,
    /// Extended RTP time, and the moment it means.
    anchor: Option<(i64, i64)>,
    disciplined: bool,
    /// Where this stream's host has another wall clock than the lesson's first one.
    own_offset_us: Option<i64>,
}

impl TrackClock {
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate, newest: None, anchor: None, disciplined: false, own_offset_us: None }
    }

    fn extend(&mut self, rtp: u32) -> i64 {
        let extended = match self.newest {
            None => i64::from(rtp),
            Some((newest, extended)) => extended + i64::from(rtp.wrapping_sub(newest).cast_signed()),
        };
        if self.newest.is_none_or(|(_, newest)| extended > newest) {
            self.newest = Some((rtp, extended));
        }
        extended
    }

    fn at(&self, extended: i64, (from, moment): (i64, i64)) -> i64 {
        let ticks = i128::from(extended - from);
        moment + (ticks * 1_000_000 / i128::from(self.rate)) as i64
    }

    /// The moment of a packet's timestamp.
    pub(crate) fn time(&mut self, rtp: u32, arrival: Timestamp) -> MediaTime {
        let extended = self.extend(rtp);
        let anchor = *self.anchor.get_or_insert((extended, arrival.as_micros().cast_signed()));
        MediaTime(self.at(extended, anchor).max(0).cast_unsigned())
    }

    /// The host's clocks were read.
    pub(crate) fn on_reading(&mut self, reading: &ClockReading, host: &mut WallClock) {
        let extended = self.extend(reading.rtp);
        let wall = ntp_micros(reading.ntp);
        let seen = reading.arrival.as_micros().cast_signed() - wall;
        let shared = *host.offset_us.get_or_insert(seen);
        let offset = match self.own_offset_us {
            Some(own) => own,
            // A later reading that differs is the same clock set anew, which the jump below takes in.
            None if self.disciplined || (shared - seen).abs() < SAME_CLOCK_US => shared,
            None => *self.own_offset_us.insert(seen),
        };
        let wanted = wall + offset;
        let Some(anchor) = self.anchor.filter(|_| self.disciplined) else {
            self.anchor = Some((extended, wanted));
            self.disciplined = true;
            return;
        };
        let now = self.at(extended, anchor);
        let error = wanted - now;
        if error.abs() < JUMP_US {
            self.anchor = Some((extended, now + error.clamp(-SLEW_US, SLEW_US)));
        } else {
            // Pictures go on as they were; only what time it is at the host has changed.
            let corrected = offset - error;
            match &mut self.own_offset_us {
                Some(own) => *own = corrected,
                None => host.offset_us = Some(corrected),
            }
        }
    }

    /// Where the host's wall clock `ntp` is on the timeline, microseconds; `None` before it is known, or on a clock of its own.
    pub(crate) fn placed(&self, ntp: NtpTime, host: &WallClock) -> Option<i64> {
        let offset = host.offset_us.filter(|_| self.disciplined && self.own_offset_us.is_none())?;
        Some(ntp_micros(ntp) + offset)
    }

    /// What the host's wall clock showed at a moment, milliseconds since the Unix epoch; `None` before it said so.
    pub(crate) fn wall_ms(&self, moment: MediaTime, host: &WallClock) -> Option<u64> {
        let offset = self.own_offset_us.or(host.offset_us)?;
        let micros = moment.0.cast_signed() - offset - NTP_TO_UNIX_S * 1_000_000;
        u64::try_from((micros + 500) / 1_000).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 86_400;

    fn ntp(unix_ms: u64) -> NtpTime {
        let ms = u128::from(unix_ms + NTP_TO_UNIX_S.cast_unsigned() * 1_000);
        NtpTime(((ms << 32) / 1_000) as u64)
    }

    fn reading(unix_ms: u64, rtp: u32, arrival_ms: u64) -> ClockReading {
        ClockReading { generation: 1, ntp: ntp(unix_ms), rtp, arrival: Timestamp::from_millis(arrival_ms) }
    }

    /// Milliseconds, because NTP's fractions round.
    fn ms(time: MediaTime) -> u64 {
        (time.0 + 500) / 1_000
    }

    #[test]
    fn sound_and_picture_captured_together_play_together_whatever_their_clocks_began_with() {
        let mut host = WallClock::default();
        let (mut sound, mut picture) = (TrackClock::new(48_000), TrackClock::new(90_000));
        let noon = 20_000 * DAY_S * 1_000;
        // Sound took 30 ms to arrive, the picture 180.
        assert_eq!(ms(sound.time(7_000, Timestamp::from_millis(5_030))), 5_030);
        assert_eq!(ms(picture.time(u32::MAX - 500, Timestamp::from_millis(5_180))), 5_180);
        sound.on_reading(&reading(noon, 7_000, 5_030), &mut host);
        picture.on_reading(&reading(noon + 100, (u32::MAX - 500).wrapping_add(9_000), 5_160), &mut host);
        let later =
            (sound.time(7_000 + 48_000, Timestamp::ZERO), picture.time(90_000 - 501, Timestamp::ZERO));
        assert_eq!((ms(later.0), ms(later.1)), (6_030, 6_030));
        assert_eq!(picture.wall_ms(later.1, &host), Some(noon + 1_000));
    }

    #[test]
    fn drift_is_corrected_little_by_little_and_a_clock_that_is_set_moves_no_picture() {
        let mut host = WallClock::default();
        let mut clock = TrackClock::new(90_000);
        let noon = 20_000 * DAY_S * 1_000;
        clock.on_reading(&reading(noon, 0, 1_000), &mut host);
        // The sound card runs 20 ms a second too fast: never more than 5 ms are corrected at once.
        clock.on_reading(&reading(noon + 980, 90_000, 1_980), &mut host);
        assert_eq!(ms(clock.time(90_000, Timestamp::ZERO)), 1_995);
        // The teacher's laptop finds out what time it is: an hour later.
        clock.on_reading(&reading(noon + 3_600_000 + 1_960, 180_000, 2_960), &mut host);
        let moment = clock.time(180_000, Timestamp::ZERO);
        assert_eq!(ms(moment), 2_995, "the picture goes on");
        assert_eq!(clock.wall_ms(moment, &host), Some(noon + 3_600_000 + 1_960));
    }

    #[test]
    fn slides_from_another_machine_keep_their_own_clock() {
        let mut host = WallClock::default();
        let (mut camera, mut slides) = (TrackClock::new(90_000), TrackClock::new(90_000));
        let noon = 20_000 * DAY_S * 1_000;
        camera.on_reading(&reading(noon, 0, 1_000), &mut host);
        slides.on_reading(&reading(noon - 600_000, 0, 1_010), &mut host);
        assert_eq!(ms(slides.time(0, Timestamp::ZERO)), 1_010, "not ten minutes ago");
        assert_eq!(camera.wall_ms(MediaTime(1_000_000), &host), Some(noon));
        assert_eq!(slides.wall_ms(MediaTime(1_010_000), &host), Some(noon - 600_000));
    }
}
