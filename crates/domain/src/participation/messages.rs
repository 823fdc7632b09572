//! Private messages between a room's helper and the leads. They never reach a classroom's screen.

use crate::{PlaceId, Refusal, Role, UnixMillis};
use serde::{Deserialize, Serialize};

/// Longest message, characters.
pub const MESSAGE_CHARS_MAX: usize = 500;
/// Messages of one lesson.
pub const MESSAGES_MAX: usize = 5_000;
/// Longest key, bytes.
const KEY_BYTES_MAX: usize = 64;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateMessage {
    /// Its number within the lesson, from 1.
    pub no: u32,
    /// The room it belongs to; `None`: from the leads to all rooms.
    pub place: Option<PlaceId>,
    /// Who wrote it.
    pub from: Role,
    /// Chosen by the page that sent it.
    pub key: String,
    /// What is said, 1 to [`MESSAGE_CHARS_MAX`] characters.
    pub text: String,
    /// When it came.
    pub at: UnixMillis,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MessageEvent {
    /// Somebody wrote.
    Sent {
        /// The room; `None`: all.
        place: Option<PlaceId>,
        /// Who.
        from: Role,
        /// The page's key.
        key: String,
        /// What.
        text: String,
    },
}

/// The messages of a lesson, in the order they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Messages(Vec<PrivateMessage>);

impl Messages {
    /// All of them.
    pub fn all(&self) -> &[PrivateMessage] {
        &self.0
    }

    /// The newest `most` messages that a room's helper may see, oldest first.
    pub fn of(&self, place: PlaceId, most: usize) -> Vec<&PrivateMessage> {
        let visible = self.0.iter().rev().filter(|message| message.place.is_none_or(|to| to == place));
        let mut newest: Vec<_> = visible.take(most).collect();
        newest.reverse();
        newest
    }

    pub(super) fn send(
        &self,
        place: Option<PlaceId>,
        from: Role,
        key: String,
        text: &str,
    ) -> Result<Option<MessageEvent>, Refusal> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Refusal::TextLength { field: "key", max_chars: KEY_BYTES_MAX });
        }
        let text = clean_text("text", text, MESSAGE_CHARS_MAX)?;
        // A page on a bad link sends again what was not acknowledged.
        if self.0.iter().rev().any(|known| known.key == key && known.from == from && known.place == place) {
            return Ok(None);
        }
        if self.0.len() >= MESSAGES_MAX {
            return Err(Refusal::TooMany { what: "messages", limit: MESSAGES_MAX });
        }
        Ok(Some(MessageEvent::Sent { place, from, key, text }))
    }

    pub(super) fn evolve(&mut self, at: UnixMillis, event: &MessageEvent) {
        let MessageEvent::Sent { place, from, key, text } = event.clone();
        let no = self.0.len() as u32 + 1;
        self.0.push(PrivateMessage { no, place, from, key, text, at });
    }
}

/// A text of several lines: trimmed, without control characters and overrides of the writing direction.
pub(super) fn clean_text(field: &'static str, text: &str, max_chars: usize) -> Result<String, Refusal> {
    let is_shown = |c: &char| {
        (!c.is_control() || *c == '\n') && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String = text.trim().chars().filter(is_shown).take(max_chars + 1).collect();
    if clean.trim().is_empty() || clean.chars().count() > max_chars {
        return Err(Refusal::TextLength { field, max_chars });
    }
    Ok(clean.trim().to_owned())
}
