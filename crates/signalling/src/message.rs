//! The WebSocket messages of both directions (`PROTOCOL.md`, "WebSocket").

use crate::{LessonInfo, PlaceInfo, ProblemCode};
use domain::{
    Codec, CodecSupport, Decoding, Layer, LessonCommand, PlaceStatus, Role, RosterView, Slot, UnixMillis,
    ViewerReport,
};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The version of the protocol spoken here, in `hello` and `welcome`.
pub const PROTOCOL_VERSION: u32 = 1;

/// What a page says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ClientMessage {
    /// The first message: who the page is.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// Begin a test run.
    #[serde(rename = "lesson.test")]
    LessonTest,
    /// Start the lesson.
    #[serde(rename = "lesson.start")]
    LessonStart,
    /// End the test run or the lesson.
    #[serde(rename = "lesson.end")]
    LessonEnd,
    /// The size at which a viewer shows a slot.
    #[serde(rename = "demand")]
    Demand(Demand),
    /// How a viewer's screen is.
    #[serde(rename = "report")]
    Report(Report),
    /// Answered with the same `t`.
    #[serde(rename = "ping")]
    Ping {
        /// Anything; comes back unchanged.
        #[serde(default)]
        t: serde_json::Value,
    },
}

impl ClientMessage {
    /// Every `type` a page may send.
    pub const TYPES: [&'static str; 7] =
        ["hello", "lesson.test", "lesson.start", "lesson.end", "demand", "report", "ping"];

    /// The lesson command it stands for, if it is one.
    pub fn lesson_command(&self) -> Option<LessonCommand> {
        match self {
            ClientMessage::LessonTest => Some(LessonCommand::Test),
            ClientMessage::LessonStart => Some(LessonCommand::Start),
            ClientMessage::LessonEnd => Some(LessonCommand::End),
            _ => None,
        }
    }
}

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    /// *Tiếng Việt*.
    #[default]
    Vi,
    /// English.
    En,
}

/// The first message of a page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol the page speaks.
    pub v: u32,
    /// The token of its link.
    pub token: String,
    /// Its language.
    #[serde(default)]
    pub lang: Lang,
    /// What it runs on.
    pub device: Device,
}

// Written by hand so that no log line can hold the token.
impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Hello { v, token: _, lang, device } = self;
        f.debug_struct("Hello")
            .field("v", v)
            .field("lang", lang)
            .field("device", device)
            .finish_non_exhaustive()
    }
}

/// What a page runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// A TV, or a browser on a computer or phone.
    pub kind: DeviceKind,
    /// The picture codecs it decodes. Codecs we do not know are skipped.
    #[serde(default, deserialize_with = "known_codecs")]
    pub codecs: Vec<DeviceCodec>,
}

impl Device {
    /// Its decoders in the domain's terms. A page that names no codec is not known to lack any.
    pub fn codec_support(&self) -> CodecSupport {
        if self.codecs.is_empty() {
            return CodecSupport::UNKNOWN;
        }
        let best = |wanted| {
            let ways = self.codecs.iter().filter(|offer| offer.codec == wanted);
            ways.map(|offer| if offer.hardware { Decoding::Hardware } else { Decoding::Software })
                .max()
                .unwrap_or(Decoding::No)
        };
        CodecSupport { h264: best(VideoCodec::H264), vp8: best(VideoCodec::Vp8) }
    }
}

/// The kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A classroom's TV page.
    Tv,
    /// Any other page.
    Browser,
}

/// One codec a device decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCodec {
    /// Which.
    pub codec: VideoCodec,
    /// Whether on a video chip.
    pub hardware: bool,
}

/// A picture codec the relay carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// RFC 6184.
    H264,
    /// RFC 7741.
    Vp8,
}

/// The size at which a viewer shows a slot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The secret of its WHEP session (the last part of `Location`).
    pub peer: String,
    /// Which slot.
    pub slot: Slot,
    /// The layer that fits the size; `None`: not shown. Null on the wire, never absent: a forgotten
    /// field must not switch a picture off.
    #[serde(deserialize_with = "Option::deserialize")]
    pub layer: Option<Layer>,
}

// The session secret grants control over the session: kept out of logs like a token.
impl std::fmt::Debug for Demand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Demand { peer: _, slot, layer } = self;
        f.debug_struct("Demand").field("slot", slot).field("layer", layer).finish_non_exhaustive()
    }
}

/// How a viewer's screen is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Frames decoded since the page began to play.
    pub frames_decoded: u64,
    /// Whether the picture stands still although it should move.
    pub frozen: bool,
    /// Level at the output, 0 to 1; null when the page cannot measure it.
    #[serde(default)]
    pub audio_level: Option<f32>,
    /// Whether the sound is off.
    pub muted: bool,
    /// Whether the page is in sight.
    pub visible: bool,
    /// How the lesson reaches it.
    pub path: MediaPath,
}

impl From<Report> for ViewerReport {
    fn from(report: Report) -> Self {
        Self {
            frozen: report.frozen,
            muted: report.muted,
            audio_level: report.audio_level.map(|level| level.clamp(0.0, 1.0)),
            visible: report.visible,
            frames_decoded: report.frames_decoded,
        }
    }
}

/// How the lesson reaches a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaPath {
    /// A WHEP session.
    Webrtc,
    /// A way this server does not know yet.
    #[serde(other)]
    Other,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// The lesson's state changed, or a place has another lesson.
    Lesson {
        /// The lesson; `None`: the place has none now.
        lesson: Option<LessonInfo>,
    },
    /// What is published right now; a slot that is absent is silent.
    Media {
        /// Published slots.
        slots: BTreeMap<Slot, SlotMedia>,
    },
    /// The board, for host and organiser, at most once a second.
    Roster(RosterMessage),
    /// For the host: the codec every viewer can decode.
    Codec {
        /// The better one.
        prefer: VideoCodec,
    },
    /// For the host, every 2 s while publishing: how her own link is.
    Uplink(Uplink),
    /// The last message before the server closes the WebSocket.
    Closing {
        /// Why.
        reason: ClosingReason,
        /// Whether the page should connect again by itself.
        retry: bool,
    },
    /// A message was refused; the connection goes on unless a close follows.
    Error(ErrorMessage),
    /// The answer to `ping`.
    Pong {
        /// What came.
        t: serde_json::Value,
    },
}

impl ServerMessage {
    /// Every `type` the server sends.
    pub const TYPES: [&'static str; 9] =
        ["welcome", "lesson", "media", "roster", "codec", "uplink", "closing", "error", "pong"];

    /// As text for the WebSocket.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("messages have string keys and finite numbers only")
    }

    /// The preferred codec, for the host.
    pub fn prefer(codec: Codec) -> Self {
        let prefer = if codec == Codec::H264 { VideoCodec::H264 } else { VideoCodec::Vp8 };
        ServerMessage::Codec { prefer }
    }

    /// What is being published.
    pub fn media(slots: impl IntoIterator<Item = (Slot, Codec)>) -> Self {
        ServerMessage::Media {
            slots: slots.into_iter().map(|(slot, codec)| (slot, SlotMedia { codec })).collect(),
        }
    }
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Version of the protocol the server speaks.
    pub v: u32,
    /// What the token is good for.
    pub role: Role,
    /// The lesson; for a place the one it should show.
    pub lesson: Option<LessonInfo>,
    /// The place, for a place.
    pub place: Option<PlaceInfo>,
    /// The server's clock.
    pub server_time: UnixMillis,
}

/// What is published into a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotMedia {
    /// Its codec.
    pub codec: Codec,
}

/// The host's board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterMessage {
    /// Places connected or watching.
    pub connected: usize,
    /// Places invited.
    pub total: usize,
    /// Observers connected.
    pub observers: usize,
    /// Every invited place.
    pub places: Vec<PlaceStatus>,
}

impl From<RosterView> for ServerMessage {
    fn from(view: RosterView) -> Self {
        let RosterView { connected, total, observers, places } = view;
        ServerMessage::Roster(RosterMessage { connected, total, observers, places })
    }
}

/// The host's own link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Uplink {
    /// Share of her packets that did not arrive, 0 to 1, before repair.
    pub loss: f32,
    /// Round trip, ms; `None` when not measured yet.
    pub rtt_ms: Option<u32>,
    /// What arrives, kbit/s.
    pub kbps: u32,
}

/// Why the server closes a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingReason {
    /// The server is shutting down.
    Draining,
    /// The link was revoked.
    Revoked,
    /// Another page of the same link took over.
    Replaced,
    /// An organiser removed this page or place.
    Removed,
    /// The lesson was deleted.
    LessonDeleted,
}

/// A refused message, or news of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage {
    /// For programs.
    pub code: ProblemCode,
    /// For teachers.
    pub detail_vi: String,
    /// The same in English.
    pub detail: String,
}

/// Reads a list of codecs, skipping those we do not carry: a TV that also decodes AV1 is welcome.
fn known_codecs<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<DeviceCodec>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Known(DeviceCodec),
        Other(serde::de::IgnoredAny),
    }
    let entries = Vec::<Entry>::deserialize(list)?;
    let known = entries.into_iter().filter_map(|entry| match entry {
        Entry::Known(codec) => Some(codec),
        Entry::Other(_) => None,
    });
    Ok(known.collect())
}
