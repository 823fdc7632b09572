//! The synthetic host: plays the sample lesson over WHIP for ever, as a teacher's browser would.
//!
//! It is built on the async `webrtc` client, which shares no code with the relay's own transport above DTLS, so that the two
//! check each other: real ICE, DTLS, simulcast by rid, sender reports, repair on NACK, key frames on PLI and FIR.

mod feedback;
mod peer;
mod player;
mod signal;

use crate::whip::{Door, DoorError};
use domain::{Bitrate, Codec};
pub use player::{Due, Group, Player};
pub use signal::{SignalError, start_lesson};
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// What to play and where.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// `http://host:port` of the server.
    pub server: String,
    /// The lesson's id.
    pub lesson: String,
    /// A host token of the lesson, or the link it came in.
    pub token: String,
    /// Of the camera; slides are always VP8.
    pub codec: Codec,
    /// Make the lesson live before publishing into it, as the teacher's button does.
    pub start: bool,
    /// Publish slides beside the camera.
    pub slides: bool,
    /// Publish the voice.
    pub voice: bool,
    /// UDP port of the server to send media to, where another one is announced than the host can reach.
    pub media_port: Option<u16>,
    /// Fill the highest camera layer up to this rate with bytes every decoder skips; `None` plays the fixture as it is.
    pub fill_to: Option<Bitrate>,
}

impl HostConfig {
    /// Everything the sample lesson has: VP8 camera in three layers, slides and voice.
    pub fn new(server: &str, lesson: &str, token: &str) -> Self {
        Self {
            server: server.to_owned(),
            lesson: lesson.to_owned(),
            token: token.to_owned(),
            codec: Codec::Vp8,
            start: false,
            slides: true,
            voice: true,
            media_port: None,
            fill_to: None,
        }
    }
}

/// What the host is doing, for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostStatus {
    /// Connected and playing right now.
    pub playing: bool,
    /// How often a connection was made.
    pub connections: u32,
    /// Packets sent on all connections.
    pub packets: u64,
    /// Key frames the relay asked for (PLI or FIR), whether or not they were worth a skip.
    pub keyframe_requests: u64,
}

/// Why the host gave up.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The server refused in a way that asking again cannot change.
    #[error(transparent)]
    Refused(#[from] DoorError),
    /// The link holds no token.
    #[error("the host link holds no token (expected {{base}}/day#t={{token}} or the bare token)")]
    NoToken,
}

/// Plays the lesson until `stop` becomes true (or its sender is gone), reconnecting for ever.
///
/// `status` is updated about four times a second and on every change of connection.
///
/// # Errors
/// [`HostError`] when the very first attempt is refused for good; later refusals are tried again, since a server that restarts
/// says many things before it is ready.
pub async fn run(
    config: HostConfig,
    status: watch::Sender<HostStatus>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), HostError> {
    let token = crate::whip::token_of(&config.token).ok_or(HostError::NoToken)?;
    let door = Door::new(&config.server, token)?;
    let mut backoff = Backoff::default();
    let (mut ever_connected, mut live) = (false, false);
    loop {
        if *stop.borrow() {
            return Ok(());
        }
        if config.start
            && !live
            && let Err(error) = start_lesson(&config.server, token).await
        {
            // Publishing works in every state but "ended": classrooms just do not watch yet.
            warn!(%error, "the lesson is not live");
        } else {
            live = true;
        }
        let outcome = tokio::select! {
            outcome = peer::publish(&config, &door, &status, stop.clone()) => outcome,
            () = stopped(&mut stop) => return Ok(()),
        };
        status.send_modify(|status| status.playing = false);
        match outcome {
            Ok(peer::Ended::Stopped) => return Ok(()),
            Ok(peer::Ended::Lost) => {
                info!("the connection to the relay is lost; connecting again");
                ever_connected = true;
                backoff = Backoff::default();
            }
            Err(peer::PublishError::Door(refusal)) if refusal.is_final() && !ever_connected => {
                return Err(refusal.into());
            }
            Err(error) => warn!(%error, "the lesson could not be published; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next()) => {}
            () = stopped(&mut stop) => return Ok(()),
        }
    }
}

/// Resolves when the caller wants the host to end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A closed channel means that whoever started us is gone.
    let _ = stop.wait_for(|&stop| stop).await;
}

/// 0.25 s, doubling to 5 s, each shortened at random by up to half so that many hosts do not return together.
#[derive(Debug, Default)]
struct Backoff {
    attempt: u32,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let longest = Duration::from_millis(250 << self.attempt.min(5)).min(Duration::from_secs(5));
        self.attempt += 1;
        longest.mul_f64(0.5 + rand::random::<f64>() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_but_never_beyond_five_seconds() {
        let mut backoff = Backoff::default();
        assert!(backoff.next() <= Duration::from_millis(250));
        for _ in 0..40 {
            assert!(backoff.next() <= Duration::from_secs(5));
        }
        assert!(backoff.next() >= Duration::from_millis(2_500));
    }
}
