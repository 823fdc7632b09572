//! A receiver in numbers.

use adaptive::{Cause, Protection, Rung};
use domain::{Bitrate, Layer, Slot, Timestamp};
use std::time::Duration;

/// One receiver; counters run from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReceiverStats {
    /// Where it stands on the ladder.
    pub rung: Rung,
    /// Why not higher; `None`: it has all it wants.
    pub cause: Option<Cause>,
    /// Slides are wanted and not sent moving.
    pub stills: bool,
    /// How its voice is protected, and the playout its player should use.
    pub protection: Protection,
    /// The queue that stands on its link.
    pub queue: Duration,
    /// What the link is believed to carry.
    pub estimate: Bitrate,
    /// What was sent in the last second.
    pub rate: Bitrate,
    /// Loss in the last reports, 0–1.
    pub loss: f32,
    /// Round trip, where a report told it.
    pub rtt: Option<Duration>,
    /// RTP packets sent, repairs included.
    pub packets: u64,
    /// Bytes of those, headers included.
    pub bytes: u64,
    /// Packets asked for again.
    pub nacked: u64,
    /// Repairs sent.
    pub repaired: u64,
    /// Keyframes asked for.
    pub keyframe_requests: u64,
    /// Packets dropped because the link or a queue was full.
    pub dropped: u64,
    /// Each slot, in the order of [`Slot::ALL`].
    pub slots: [SlotStats; Slot::COUNT],
}

/// One slot of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotStats {
    /// Layer being sent; `None` when nothing is. Audio counts as `High`.
    pub layer: Option<Layer>,
    /// Layer the page asked for; `None` when it does not want the slot.
    pub wanted: Option<Layer>,
}

/// One slot's outgoing RTP clock on the relay's clock: a receiver who sees RTP time `rtp` sees what was captured at
/// `captured`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureClock {
    /// RTP time as sent to this receiver.
    pub rtp: u32,
    /// When it was captured, by the fastest of the host's reports.
    pub captured: Timestamp,
    /// Ticks a second.
    pub rate: u32,
}
