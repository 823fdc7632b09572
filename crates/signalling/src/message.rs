//! The WebSocket messages of both directions (`PROTOCOL.md`, "WebSocket").

use crate::{
    LessonInfo, PlaceInfo, ProblemCode,
    act::{
        CallHelp, ClearHelp, DeleteWork, GiveAnswer, GiveCharge, HandUp, KeepWork, LockLesson, OnePlace,
        OpenQuestion, OwnName, Remote, SendMessage, ShowResults, ShowWorks, SpeakAccept, SpeakMute, Switch,
        WhichPlace,
    },
    news::{
        Ack, BoardNews, ChargeNews, ExhibitNews, FloorNews, HandsNews, MessageNews, MessagesNews,
        ObserversNews, QuestionNews, RoomNews, TallyNews, WorksNews,
    },
};
use domain::{
    Cause, Codec, CodecSupport, Decoding, Layer, MediaPath, PlaceStatus, Role, RosterView, Slot, UnixMillis,
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
    /// What a viewer's page can do, and what a person allows it to use.
    #[serde(rename = "terms")]
    Terms(PageTerms),
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
    /// Lock the lesson, or open it again.
    #[serde(rename = "lesson.lock")]
    LessonLock(LockLesson),
    /// Send a room out of the lesson.
    #[serde(rename = "place.remove")]
    PlaceRemove(OnePlace),
    /// Let it in again.
    #[serde(rename = "place.readmit")]
    PlaceReadmit(OnePlace),
    /// Hand the lesson over to another host link.
    #[serde(rename = "charge.give")]
    ChargeGive(GiveCharge),
    /// Raise or lower the room's hand.
    #[serde(rename = "hand")]
    Hand(HandUp),
    /// A lead lowers a room's hand, or all.
    #[serde(rename = "hand.lower")]
    HandLower(WhichPlace),
    /// A lead calls a room to speak.
    #[serde(rename = "speak.call")]
    SpeakCall(OnePlace),
    /// The room agrees.
    #[serde(rename = "speak.accept")]
    SpeakAccept(SpeakAccept),
    /// The room refuses, or stops speaking.
    #[serde(rename = "speak.stop")]
    SpeakStop,
    /// The room gives the word to the other one.
    #[serde(rename = "speak.pass")]
    SpeakPass,
    /// The room speaks without picture, or with it again.
    #[serde(rename = "speak.audio_only")]
    SpeakAudioOnly(Switch),
    /// A lead ends a room's call or speech.
    #[serde(rename = "speak.end")]
    SpeakEnd(OnePlace),
    /// A lead gives a room the word.
    #[serde(rename = "speak.give")]
    SpeakGive(OnePlace),
    /// A lead silences a room.
    #[serde(rename = "speak.mute")]
    SpeakMute(SpeakMute),
    /// A lead asks for a room's camera for the observers, or ends it.
    #[serde(rename = "pin")]
    Pin(WhichPlace),
    /// The room shows its camera, or closes it.
    #[serde(rename = "camera")]
    Camera(Switch),
    /// The room calls for help, or no longer.
    #[serde(rename = "help")]
    Help(CallHelp),
    /// A lead notes that a room was helped.
    #[serde(rename = "help.clear")]
    HelpClear(ClearHelp),
    /// A private message.
    #[serde(rename = "message.send")]
    MessageSend(SendMessage),
    /// A lead asks all rooms.
    #[serde(rename = "question.open")]
    QuestionOpen(OpenQuestion),
    /// A lead closes the open question.
    #[serde(rename = "question.close")]
    QuestionClose,
    /// A lead shows results to everybody.
    #[serde(rename = "question.show")]
    QuestionShow(ShowResults),
    /// The room answers.
    #[serde(rename = "answer")]
    Answer(GiveAnswer),
    /// A lead shows pupils' works to everybody.
    #[serde(rename = "work.show")]
    WorkShow(ShowWorks),
    /// A lead decides whether a work outlives the lesson.
    #[serde(rename = "work.keep")]
    WorkKeep(KeepWork),
    /// A lead, or the helper it came from, deletes a work.
    #[serde(rename = "work.delete")]
    WorkDelete(DeleteWork),
    /// A room's screens should do something; not stored.
    #[serde(rename = "remote")]
    Remote(Remote),
    /// An observer says her name.
    #[serde(rename = "name")]
    Name(OwnName),
}

impl ClientMessage {
    /// Every `type` a page may send.
    pub const TYPES: [&'static str; 36] = [
        "hello",
        "lesson.test",
        "lesson.start",
        "lesson.end",
        "demand",
        "terms",
        "report",
        "ping",
        "lesson.lock",
        "place.remove",
        "place.readmit",
        "charge.give",
        "hand",
        "hand.lower",
        "speak.call",
        "speak.accept",
        "speak.stop",
        "speak.pass",
        "speak.audio_only",
        "speak.end",
        "speak.give",
        "speak.mute",
        "pin",
        "camera",
        "help",
        "help.clear",
        "message.send",
        "question.open",
        "question.close",
        "question.show",
        "answer",
        "work.show",
        "work.keep",
        "work.delete",
        "remote",
        "name",
    ];
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
    /// An observer's name, as she gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The seat of an earlier `welcome` of this lesson: who was here before a lock gets in again by it, and
    /// a page that reloads is counted once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
}

// Written by hand so that no log line can hold the token, a seat or a person's name.
impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Hello { v, token: _, lang, device, name: _, seat: _ } = self;
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

/// What a viewer's page can do, and what a person allows it to use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageTerms {
    /// The secret of its WHEP session.
    pub peer: String,
    /// It shows slides as still images while they do not come moving.
    pub stills: bool,
    /// Its player can be told to wait longer, so that lost voice can be asked for again.
    pub can_wait: bool,
    /// The most it may use, kbit/s; `None`: what the link carries.
    #[serde(default)]
    pub ceiling_kbps: Option<u32>,
    /// The most it may use in this lesson, megabytes; beyond it come voice and stills alone.
    #[serde(default)]
    pub ceiling_mb: Option<u32>,
}

impl std::fmt::Debug for PageTerms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PageTerms { peer: _, stills, can_wait, ceiling_kbps, ceiling_mb } = self;
        f.debug_struct("PageTerms")
            .field("stills", stills)
            .field("can_wait", can_wait)
            .field("ceiling_kbps", ceiling_kbps)
            .field("ceiling_mb", ceiling_mb)
            .finish_non_exhaustive()
    }
}

/// How a viewer's screen is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Frames decoded since the page began to play.
    pub frames_decoded: u64,
    /// Whether the picture stands still although it should move.
    pub frozen: bool,
    /// Highest level at the output since the last report, 0 to 1; null when the page cannot measure it.
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
            path: Some(report.path),
        }
    }
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
    /// For a viewer's page: where its link stands on the ladder, when that changed.
    Link(LinkNews),
    /// The slide as a still image, for everybody, when there is a new one.
    Still(StillNews),
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
    /// A message with a `ref` was carried out and is stored.
    Ack(Ack),
    /// How a room takes part, for its own pages.
    Room(RoomNews),
    /// Who speaks, for everybody.
    Floor(FloorNews),
    /// The queue of hands, for the leads.
    Hands(HandsNews),
    /// The board, for the leads.
    Board(BoardNews),
    /// The current question, for everybody.
    Question(QuestionNews),
    /// The answers, for the leads.
    Tally(TallyNews),
    /// A private message, for the leads and its room's helpers.
    Message(MessageNews),
    /// What was said before, for the leads and helpers.
    Messages(MessagesNews),
    /// Pupils' works, for the leads and helpers.
    Works(WorksNews),
    /// Works on the screens, for everybody.
    Exhibit(ExhibitNews),
    /// Which host link is in charge, for the leads.
    Charge(ChargeNews),
    /// Who observes, for the leads.
    Observers(ObserversNews),
    /// Do this, for a room's screens.
    Remote(Remote),
}

impl ServerMessage {
    /// Every `type` the server sends.
    pub const TYPES: [&'static str; 25] = [
        "welcome",
        "lesson",
        "media",
        "roster",
        "codec",
        "uplink",
        "link",
        "still",
        "closing",
        "error",
        "pong",
        "ack",
        "room",
        "floor",
        "hands",
        "board",
        "question",
        "tally",
        "message",
        "messages",
        "works",
        "exhibit",
        "charge",
        "observers",
        "remote",
    ];

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
    /// The observer's seat in this lesson, to be shown in the next `hello`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
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

/// Where a viewer's link stands on the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkNews {
    /// What it gets, 0 (nothing) to 6 (everything).
    pub rung: u8,
    /// Why not more; `None`: it has all it wants, or the connection is too young to say.
    pub cause: Option<Cause>,
    /// What the link is believed to carry, kbit/s.
    pub estimate_kbps: Option<u32>,
    /// How long its player should wait before it plays, ms; 0: its own choice.
    pub playout_ms: u32,
    /// Slides do not come moving: show the still.
    pub stills: bool,
    /// Pictures that are published and wanted, and that this link has no room for: they stand, and are not stuck.
    pub withheld: Vec<Slot>,
}

/// The newest still of the slides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillNews {
    /// `None`: there are no slides.
    pub still: Option<Still>,
}

/// A still image of a slide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Still {
    /// Its number in the lesson; the address is `/api/lessons/{id}/stills/{no}`.
    pub no: u32,
    /// Its size.
    pub bytes: usize,
    /// When it was taken.
    pub at: UnixMillis,
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
    /// The name of the message that was refused.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
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
