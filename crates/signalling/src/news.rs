//! What the server tells pages of a lesson's rooms: the payloads.

use domain::{
    AnswerMode, AnswerValue, Hand, HelpCall, InvitationId, Pinned, PlaceId, PrivateMessage, Question,
    QuestionKind, Tally, Tile, Turn, UnixMillis, Work,
};
use serde::{Deserialize, Serialize};

/// `ack`: a message that had a `ref` was carried out, and what it changed is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The message's name.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// `room`: how a room takes part, for its own pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomNews {
    /// Which.
    pub place: PlaceId,
    /// Its raised hand.
    pub hand: Option<OwnHand>,
    /// Its call or speech.
    pub turn: Option<Turn>,
    /// Whether it has the word: it is heard by everybody.
    pub word: bool,
    /// Its camera as the observers' view of pupils.
    pub pinned: Option<Pinned>,
    /// Whether it may connect camera and microphone now (WHIP, `?slot=extra`).
    pub may_connect: bool,
    /// What it asked help for.
    pub help: Vec<HelpCall>,
    /// Its answer to the current question.
    pub answer: Option<OwnAnswer>,
    /// Pages of helpers that are open.
    pub helpers: usize,
}

/// A room's hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnHand {
    /// Since when it is up.
    pub since: UnixMillis,
    /// Its position in the queue, from 1.
    pub position: usize,
}

/// A room's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAnswer {
    /// To which question.
    pub question: u32,
    /// What.
    pub value: AnswerValue,
    /// Whether it came after the close.
    pub late: bool,
}

/// `floor`: who speaks, for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FloorNews {
    /// Rooms that were called, in the order of their calls.
    pub turns: Vec<NamedTurn>,
    /// The room that is heard.
    pub word: Option<PlaceId>,
    /// The room whose camera observers see.
    pub pinned: Option<NamedPin>,
}

/// A turn with the room's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTurn {
    /// The room's name.
    pub name: String,
    /// Its turn.
    #[serde(flatten)]
    pub turn: Turn,
}

/// A pinned camera with the room's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPin {
    /// The room's name.
    pub name: String,
    /// Its camera.
    #[serde(flatten)]
    pub pinned: Pinned,
}

/// `hands`: the queue, for the leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandsNews {
    /// First come first.
    pub hands: Vec<Hand>,
}

/// `board`: rooms as they are, for the leads, at most twice a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardNews {
    /// Every room is here; rooms known from before and not here are none of the lesson's any more.
    pub full: bool,
    /// Observers connected.
    pub observers: usize,
    /// Rooms: all, or those that changed.
    pub tiles: Vec<Tile>,
}

/// `question`: the question that is open or whose results are shown, for everybody; null: none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionNews {
    /// The question.
    pub question: Option<ShownQuestion>,
}

/// A question as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownQuestion {
    /// Its number.
    pub no: u32,
    /// What is asked.
    pub kind: QuestionKind,
    /// How rooms answer.
    pub mode: AnswerMode,
    /// Number of options.
    pub options: u8,
    /// In words.
    pub prompt: Option<String>,
    /// When it was asked.
    pub opened_at: UnixMillis,
    /// When it was closed.
    pub closed_at: Option<UnixMillis>,
    /// The results, while they are shown to everybody.
    pub results: Option<Results>,
}

/// Results without the rooms' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// All rooms together.
    #[serde(flatten)]
    pub tally: Tally,
    /// Answers to a text question, in the order they came, at most 50.
    pub texts: Vec<String>,
}

/// Texts of answers shown to everybody.
const TEXTS_MAX: usize = 50;

impl From<&Question> for ShownQuestion {
    fn from(question: &Question) -> Self {
        let results = || {
            let mut answers: Vec<_> = question.answers.values().collect();
            answers.sort_by_key(|answer| answer.at);
            let text = |value: &AnswerValue| match value {
                AnswerValue::Text(text) => Some(text.clone()),
                AnswerValue::Option(_) | AnswerValue::Counts(_) => None,
            };
            let texts = answers.iter().filter_map(|answer| text(&answer.value)).take(TEXTS_MAX).collect();
            Results { tally: question.tally(), texts }
        };
        Self {
            no: question.no,
            kind: question.kind,
            mode: question.mode,
            options: question.options,
            prompt: question.prompt.clone(),
            opened_at: question.opened_at,
            closed_at: question.closed_at,
            results: question.shown.then(results),
        }
    }
}

/// `tally`: what rooms answer, for the leads, at most twice a second and at once when a question is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyNews {
    /// Which question.
    pub question: u32,
    /// All rooms together.
    #[serde(flatten)]
    pub tally: Tally,
    /// Each room's answer, or those that are new since the last tally.
    pub answers: Vec<RoomAnswer>,
    /// Whether `answers` holds all of them.
    pub full: bool,
}

/// One room's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAnswer {
    /// Which room.
    pub place: PlaceId,
    /// What.
    pub value: AnswerValue,
    /// When it came.
    pub at: UnixMillis,
    /// Whether after the close.
    pub late: bool,
}

/// `message`: a private message, for the leads and the helpers of its room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageNews {
    /// The message.
    #[serde(flatten)]
    pub message: PrivateMessage,
}

/// `messages`: what was said before a page came, the newest 200, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesNews {
    /// The messages.
    pub messages: Vec<PrivateMessage>,
}

/// `works`: photos of pupils' works, for the leads and, their own room's, for helpers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorksNews {
    /// Oldest first.
    pub works: Vec<Work>,
}

/// `exhibit`: the works on the screens, for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExhibitNews {
    /// At most four.
    pub works: Vec<Exhibit>,
}

/// One work on the screens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// Its number: `GET /api/lessons/{lesson}/works/{no}` is the picture.
    pub no: u32,
    /// The room's name, when the host shows it.
    pub name: Option<String>,
}

/// `charge`: the lesson's host links and which of them is in charge, for the leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeNews {
    /// The link in charge; null: every host link may lead.
    pub in_charge: Option<InvitationId>,
    /// The page's own link, for a host.
    pub own: Option<InvitationId>,
    /// Links that could take over.
    pub hosts: Vec<HostLink>,
}

/// A host link of the lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostLink {
    /// Its id.
    pub id: InvitationId,
    /// The organiser's note on it.
    pub label: Option<String>,
    /// Whether a page of it is open.
    pub connected: bool,
}

/// `observers`: who observes, for the leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObserversNews {
    /// Their names, as they gave them; null: none given.
    pub names: Vec<Option<String>>,
}
