//! Which frame is due when: plays the endless lesson on a clock given from outside.
//!
//! A file cannot make a key frame when a receiver asks for one. Instead the player skips ahead to the next key frame in the file
//! (at most 1.92 s away in the camera, 3.84 s in the slides); all layers of a picture skip together, so their frame numbers
//! always agree, as those of one real encoder do. RTP time follows the clock, not the content, and goes on evenly.

use crate::fixture::{Frame, Frames, ROUND};
use std::time::Duration;

/// A key frame this near is simply waited for.
const NEAR: Duration = Duration::from_millis(250);
/// At most one skip in this time; a real encoder, too, spaces its key frames.
const SKIP_INTERVAL: Duration = Duration::from_secs(1);
/// Later than this the program was asleep: go on from now instead of sending the past at once.
const ASLEEP: Duration = Duration::from_secs(1);

/// Streams that skip together. A voice never skips.
pub type Group = usize;

/// Plays several streams of the lesson against one clock.
#[derive(Debug)]
pub struct Player {
    streams: Vec<Stream>,
    groups: Vec<GroupState>,
}

#[derive(Debug)]
struct Stream {
    group: Group,
    frames: Frames,
    /// Counts on through the rounds.
    next: u64,
}

#[derive(Debug, Default, Clone)]
struct GroupState {
    /// Content time minus clock time.
    ahead: Duration,
    skipped_at: Option<Duration>,
    keyframe_at: Option<Duration>,
    /// Clock time lost while the program was asleep.
    asleep: Duration,
}

/// A frame whose time has come.
#[derive(Debug)]
pub struct Due<'a> {
    /// Index of the stream as given to [`Player::new`].
    pub stream: usize,
    /// What to send.
    pub frame: &'a Frame,
    /// When it was due on the clock: the basis of its RTP timestamp.
    pub at: Duration,
}

impl Player {
    /// Starts all streams at clock zero. Streams with the same group number skip together.
    pub fn new(streams: impl IntoIterator<Item = (Group, Frames)>) -> Self {
        let streams: Vec<_> =
            streams.into_iter().map(|(group, frames)| Stream { group, frames, next: 0 }).collect();
        let groups = streams.iter().map(|stream| stream.group + 1).max().unwrap_or(0);
        Self { streams, groups: vec![GroupState::default(); groups] }
    }

    /// When the next frame is due; `None` without streams.
    pub fn next_due(&self) -> Option<Duration> {
        (0..self.streams.len()).filter_map(|stream| self.due_at(stream)).min()
    }

    /// The next frame that is due at `now`, in order of time.
    pub fn pop_due(&mut self, now: Duration) -> Option<Due<'_>> {
        let (mut at, stream) = (0..self.streams.len())
            .filter_map(|stream| self.due_at(stream).map(|at| (at, stream)))
            .min()
            .filter(|&(at, _)| at <= now)?;
        let late = now.saturating_sub(at);
        if late > ASLEEP {
            for group in &mut self.groups {
                group.asleep += late;
            }
            at = now;
        }
        let Stream { group, frames, next } = &mut self.streams[stream];
        let frame = &frames[(*next % frames.len() as u64) as usize];
        *next += 1;
        if frame.keyframe {
            self.groups[*group].keyframe_at = Some(at);
        }
        Some(Due { stream, frame, at })
    }

    /// A receiver wants a key frame of `stream`: skip its group ahead to the next one, unless one is near or just went out.
    pub fn request_keyframe(&mut self, now: Duration, stream: usize) {
        let Some(wanted) = self.streams.get(stream) else { return };
        let group = wanted.group;
        let state = &self.groups[group];
        let within = |since: Option<Duration>, span| since.is_some_and(|at| now.saturating_sub(at) < span);
        if within(state.skipped_at, SKIP_INTERVAL) || within(state.keyframe_at, NEAR) {
            return;
        }
        let frames = wanted.frames.len() as u64;
        let Some(keyframe) =
            (wanted.next..wanted.next + frames).find(|n| wanted.frames[(n % frames) as usize].keyframe)
        else {
            return;
        };
        let content = content_time(&wanted.frames, keyframe);
        let wait = (content + state.asleep).saturating_sub(state.ahead + now);
        if wait < NEAR {
            return;
        }
        let state = &mut self.groups[group];
        state.ahead += wait;
        state.skipped_at = Some(now);
        for stream in self.streams.iter_mut().filter(|stream| stream.group == group) {
            while content_time(&stream.frames, stream.next) < content {
                stream.next += 1;
            }
        }
    }

    fn due_at(&self, stream: usize) -> Option<Duration> {
        let Stream { group, frames, next } = self.streams.get(stream)?;
        let state = &self.groups[*group];
        (!frames.is_empty()).then(|| (content_time(frames, *next) + state.asleep).saturating_sub(state.ahead))
    }
}

/// When frame number `n`, counted on through the rounds, is shown, from the start of the first round.
fn content_time(frames: &Frames, n: u64) -> Duration {
    let len = frames.len() as u64;
    ROUND * (n / len) as u32 + frames[(n % len) as usize].at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use domain::Codec;

    const MS: Duration = Duration::from_millis(1);

    fn camera_and_voice() -> Player {
        let [low, mid, high] = fixture::camera(Codec::Vp8);
        Player::new([(0, fixture::voice()), (1, low), (1, mid), (1, high)])
    }

    /// (stream, clock time, key frame) of everything sent up to `until`.
    fn play(player: &mut Player, until: Duration) -> Vec<(usize, Duration, bool)> {
        let mut sent = Vec::new();
        while let Some(due) = player.pop_due(until) {
            sent.push((due.stream, due.at, due.frame.keyframe));
        }
        sent
    }

    #[test]
    fn the_lesson_starts_again_without_a_seam() {
        let mut player = camera_and_voice();
        let mut sent = Vec::new();
        for step in 0..60 {
            sent.extend(play(&mut player, MS * 500 * step));
        }
        for (stream, period) in [(0, MS * 20), (1, MS * 160), (2, MS * 80), (3, MS * 40)] {
            let times: Vec<_> = sent.iter().filter(|(s, ..)| *s == stream).map(|(_, at, _)| *at).collect();
            assert!(times.windows(2).all(|pair| pair[1] == pair[0] + period), "stream {stream}");
            assert!(times.last().unwrap() > &ROUND);
        }
    }

    #[test]
    fn a_request_brings_a_keyframe_of_every_layer_at_once_and_leaves_the_voice_alone() {
        let mut player = camera_and_voice();
        play(&mut player, MS * 990);
        player.request_keyframe(MS * 1_000, 3);
        let sent = play(&mut player, MS * 1_100);
        let keyframes: Vec<_> = sent.iter().filter(|(stream, _, key)| *key && *stream > 0).collect();
        assert_eq!(keyframes.iter().map(|(stream, ..)| *stream).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(keyframes.iter().all(|(_, at, _)| *at == MS * 1_000));
        let voice = sent.iter().filter(|(stream, ..)| *stream == 0).count();
        assert_eq!(voice, 6);
    }

    #[test]
    fn a_storm_of_requests_costs_one_keyframe_a_second() {
        let mut player = camera_and_voice();
        let mut keyframes = 0;
        for ms in 0..10_000 {
            player.request_keyframe(MS * ms, 1);
            keyframes +=
                play(&mut player, MS * ms).iter().filter(|(stream, _, key)| *stream == 3 && *key).count();
        }
        assert!((9..=12).contains(&keyframes), "{keyframes}");
    }

    #[test]
    fn a_host_that_was_asleep_goes_on_from_now() {
        let mut player = camera_and_voice();
        play(&mut player, MS * 100);
        let woken = MS * 60_100;
        assert!(play(&mut player, woken).len() < 8);
        assert!(play(&mut player, woken + MS * 1_000).len() < 110);
    }
}
