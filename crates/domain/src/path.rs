//! How a lesson reaches a screen.

use serde::{Deserialize, Serialize};

/// The way media comes, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaPath {
    /// WebRTC over UDP.
    WebrtcUdp,
    /// WebRTC, the page cannot tell over what.
    Webrtc,
    /// WebRTC over TCP, where UDP is blocked.
    WebrtcTcp,
    /// Segments over the page's own connection, where WebRTC is blocked or missing.
    Segments,
    /// A playlist for the browser's own player, where nothing else works; some seconds behind.
    Hls,
    /// A way this server does not know yet.
    #[serde(other)]
    Other,
}
