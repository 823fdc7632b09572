//! What a page's messages ask for in a lesson: the payloads, and what each stands for in the domain.

use crate::ClientMessage;
use domain::{
    AnswerValue, HelpKind, InvitationId, LessonCommand, NewQuestion, ParticipationCommand, PlaceId,
    SpeakingDevice,
};
use serde::{Deserialize, Deserializer, Serialize};

/// `hand`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandUp {
    /// Up or down.
    pub up: bool,
}

/// A room, or with `null` all of them or none; never absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhichPlace {
    /// Which.
    #[serde(deserialize_with = "Option::deserialize")]
    pub place: Option<PlaceId>,
}

/// A room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnePlace {
    /// Which.
    pub place: PlaceId,
}

/// `speak.accept`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakAccept {
    /// Without picture.
    #[serde(default)]
    pub audio_only: bool,
    /// What the room speaks with.
    pub device: SpeakingDevice,
}

/// `speak.audio_only` and `camera`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// On or off.
    pub on: bool,
}

/// `speak.mute`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakMute {
    /// Which room.
    pub place: PlaceId,
    /// Silenced or heard again.
    pub muted: bool,
}

/// `help`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallHelp {
    /// What for.
    pub kind: HelpKind,
    /// Calling, or no longer.
    pub on: bool,
}

/// `help.clear`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearHelp {
    /// Which room.
    pub place: PlaceId,
    /// Helped with what.
    pub kind: HelpKind,
}

/// `message.send`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessage {
    /// A lead's message: to which room, null for all. A helper's always goes to the leads.
    #[serde(default)]
    pub place: Option<PlaceId>,
    /// Chosen by the page; sent again, it is the same message.
    pub key: String,
    /// 1 to 500 characters.
    pub text: String,
}

/// `question.show`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowResults {
    /// Which question.
    pub question: u32,
    /// Whether everybody sees its results.
    pub shown: bool,
}

/// `answer`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveAnswer {
    /// Which question.
    pub question: u32,
    /// What.
    pub value: AnswerValue,
}

/// `work.show`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowWorks {
    /// Which, at most four; none takes all away.
    pub works: Vec<u32>,
    /// With the rooms' names.
    #[serde(default)]
    pub named: bool,
}

/// `work.keep`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepWork {
    /// Which.
    pub work: u32,
    /// Whether it outlives the lesson.
    pub kept: bool,
}

/// `work.delete`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteWork {
    /// Which.
    pub work: u32,
}

/// `lesson.lock`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockLesson {
    /// Locked or open.
    pub locked: bool,
}

/// `charge.give`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveCharge {
    /// The host link that is in charge from now on.
    pub to: InvitationId,
}

/// `remote`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// A lead's: which room. A helper's goes to its own room's screens.
    #[serde(default)]
    pub place: Option<PlaceId>,
    /// What the screens should do.
    pub action: RemoteAction,
}

/// What a screen can be told to do from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteAction {
    /// Play the test sound, once.
    TestSound,
    /// Turn the sound on.
    Unmute,
    /// Turn the sound off.
    Mute,
    /// Louder.
    VolumeUp,
    /// Quieter.
    VolumeDown,
    /// Load the page anew.
    Reload,
    /// Begin the check of the room.
    Check,
}

/// `name`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnName {
    /// 1 to 100 characters.
    pub name: String,
}

impl ClientMessage {
    /// The lesson command it stands for, if it is one.
    pub fn lesson_command(&self) -> Option<LessonCommand> {
        match self {
            ClientMessage::LessonTest => Some(LessonCommand::Test),
            ClientMessage::LessonStart => Some(LessonCommand::Start),
            ClientMessage::LessonEnd => Some(LessonCommand::End),
            ClientMessage::LessonLock(LockLesson { locked }) => Some(LessonCommand::Lock(*locked)),
            ClientMessage::PlaceRemove(OnePlace { place }) => Some(LessonCommand::Remove(*place)),
            ClientMessage::PlaceReadmit(OnePlace { place }) => Some(LessonCommand::Readmit(*place)),
            ClientMessage::ChargeGive(GiveCharge { to }) => Some(LessonCommand::HandOver(*to)),
            _ => None,
        }
    }

    /// What it asks of the rooms' part in the lesson, if it does.
    pub fn participation_command(&self) -> Option<ParticipationCommand> {
        use ParticipationCommand as Command;
        Some(match self.clone() {
            ClientMessage::Hand(HandUp { up }) => Command::RaiseHand(up),
            ClientMessage::HandLower(WhichPlace { place }) => Command::LowerHand(place),
            ClientMessage::SpeakCall(OnePlace { place }) => Command::Call(place),
            ClientMessage::SpeakAccept(SpeakAccept { audio_only, device }) => {
                Command::Accept { audio_only, device }
            }
            ClientMessage::SpeakStop => Command::Stop,
            ClientMessage::SpeakPass => Command::Pass,
            ClientMessage::SpeakAudioOnly(Switch { on }) => Command::AudioOnly(on),
            ClientMessage::SpeakEnd(OnePlace { place }) => Command::EndTurn(place),
            ClientMessage::SpeakGive(OnePlace { place }) => Command::Give(place),
            ClientMessage::SpeakMute(SpeakMute { place, muted }) => Command::Mute(place, muted),
            ClientMessage::Pin(WhichPlace { place }) => Command::Pin(place),
            ClientMessage::Camera(Switch { on }) => Command::ShowCamera(on),
            ClientMessage::Help(CallHelp { kind, on }) => Command::CallHelp(kind, on),
            ClientMessage::HelpClear(ClearHelp { place, kind }) => Command::ClearHelp(place, kind),
            ClientMessage::MessageSend(SendMessage { place, key, text }) => {
                Command::Message { to: place, key, text }
            }
            ClientMessage::QuestionOpen(question) => Command::Ask(question),
            ClientMessage::QuestionClose => Command::CloseQuestion,
            ClientMessage::QuestionShow(ShowResults { question, shown }) => {
                Command::ShowResults(question, shown)
            }
            ClientMessage::Answer(GiveAnswer { question, value }) => Command::Answer(question, value),
            ClientMessage::WorkShow(ShowWorks { works, named }) => Command::ShowWorks(works, named),
            ClientMessage::WorkKeep(KeepWork { work, kept }) => Command::KeepWork(work, kept),
            ClientMessage::WorkDelete(DeleteWork { work }) => Command::DeleteWork(work),
            _ => return None,
        })
    }
}

/// A question as it travels; see [`NewQuestion`].
pub type OpenQuestion = NewQuestion;

/// Reads the name a page gave its message, if it is one: 1 to 64 bytes.
pub(crate) fn reference<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    // A bad name makes the message nameless, not malformed: the page then waits for nothing.
    let value = Option::<serde_json::Value>::deserialize(field)?;
    let text = value.and_then(|value| value.as_str().map(str::to_owned));
    Ok(text.filter(|text| (1..=64).contains(&text.len())))
}
