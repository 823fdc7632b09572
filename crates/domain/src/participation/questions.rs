//! *Câu hỏi nhanh*: a question to all rooms, and what they answered.
//!
//! One question is open at a time. A room may correct its answer while the question is open: the last one
//! counts. An answer that comes within [`LATE_GRACE`] after the close was given before it, on a slow link: it counts
//! and is marked late. After that it is refused.

use super::messages::clean_text;
use crate::{PlaceId, Refusal, UnixMillis, place::clean_name};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Questions of one lesson.
pub const QUESTIONS_MAX: usize = 200;
/// How long after the close an answer still counts, as a late one.
pub const LATE_GRACE: Duration = Duration::from_secs(10);
/// Largest number of pupils for one option.
pub const COUNT_MAX: u16 = 999;
/// Longest answer in words, characters.
pub const TEXT_ANSWER_CHARS_MAX: usize = 200;
/// Longest question, characters.
pub const PROMPT_CHARS_MAX: usize = 200;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// One of the options A, B, C …
    Choice,
    /// Option 0 is yes, option 1 no.
    YesNo,
    /// A few words.
    Text,
}

/// How a room answers a question with options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerMode {
    /// The room agrees on one answer.
    #[default]
    Room,
    /// The helper counts raised hands for each option.
    Counts,
}

/// A question as a lead asks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewQuestion {
    /// What is asked.
    pub kind: QuestionKind,
    /// How rooms answer.
    #[serde(default)]
    pub mode: AnswerMode,
    /// Number of options of a choice, 2 to 6; 4 when absent. Other kinds have none of their own.
    #[serde(default)]
    pub options: Option<u8>,
    /// The question in words; absent when the teacher says it or shows it on a slide.
    #[serde(default)]
    pub prompt: Option<String>,
}

/// What a room answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerValue {
    /// One option, from 0.
    Option(u8),
    /// Pupils for each option.
    Counts(Vec<u16>),
    /// A few words.
    Text(String),
}

/// A room's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What.
    pub value: AnswerValue,
    /// When it came.
    pub at: UnixMillis,
    /// Whether it came after the close, on a slow link.
    pub late: bool,
    /// How often the room had answered before.
    pub changes: u32,
}

/// A question and its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its number within the lesson, from 1.
    pub no: u32,
    /// What is asked.
    pub kind: QuestionKind,
    /// How rooms answer.
    pub mode: AnswerMode,
    /// Number of options; 0 for a text.
    pub options: u8,
    /// In words.
    pub prompt: Option<String>,
    /// When it was asked.
    pub opened_at: UnixMillis,
    /// When it was closed; `None` while it is open.
    pub closed_at: Option<UnixMillis>,
    /// Whether everybody sees the results.
    pub shown: bool,
    /// Each room's last answer.
    pub answers: BTreeMap<PlaceId, Answer>,
}

/// The answers of all rooms together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Rooms that answered.
    pub rooms: u32,
    /// Rooms whose answer came after the close.
    pub late: u32,
    /// For each option: rooms that chose it, or pupils counted for it. Empty for a text.
    pub totals: Vec<u32>,
}

impl Question {
    /// The answers of all rooms together.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally { totals: vec![0; usize::from(self.options)], ..Tally::default() };
        for answer in self.answers.values() {
            tally.rooms += 1;
            tally.late += u32::from(answer.late);
            match &answer.value {
                AnswerValue::Option(option) => {
                    if let Some(total) = tally.totals.get_mut(usize::from(*option)) {
                        *total += 1;
                    }
                }
                AnswerValue::Counts(counts) => {
                    for (total, count) in tally.totals.iter_mut().zip(counts) {
                        *total += u32::from(*count);
                    }
                }
                AnswerValue::Text(_) => {}
            }
        }
        tally
    }

    /// The answer as it is stored, if it fits the question.
    fn fit(&self, value: AnswerValue) -> Result<AnswerValue, Refusal> {
        match (value, self.kind, self.mode) {
            (AnswerValue::Text(text), QuestionKind::Text, _) => {
                Ok(AnswerValue::Text(clean_text("text", &text, TEXT_ANSWER_CHARS_MAX)?))
            }
            (_, QuestionKind::Text, _) => Err(Refusal::Unfit { expected: "a text" }),
            (AnswerValue::Option(option), _, AnswerMode::Room) if option < self.options => {
                Ok(AnswerValue::Option(option))
            }
            (_, _, AnswerMode::Room) => Err(Refusal::Unfit { expected: "one of the options" }),
            (AnswerValue::Counts(counts), _, AnswerMode::Counts)
                if counts.len() == usize::from(self.options)
                    && counts.iter().all(|count| *count <= COUNT_MAX) =>
            {
                Ok(AnswerValue::Counts(counts))
            }
            (_, _, AnswerMode::Counts) => {
                Err(Refusal::Unfit { expected: "a number of pupils, at most 999, for each option" })
            }
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum QuestionEvent {
    /// A question was asked.
    Opened {
        /// What is asked.
        kind: QuestionKind,
        /// How rooms answer.
        mode: AnswerMode,
        /// Number of options.
        options: u8,
        /// In words.
        prompt: Option<String>,
    },
    /// The open question was closed.
    Closed,
    /// Everybody sees the results, or no longer.
    Shown {
        /// Of which question.
        question: u32,
        /// Whether they see them.
        shown: bool,
    },
    /// A room answered.
    Answered {
        /// Which question.
        question: u32,
        /// Which room.
        place: PlaceId,
        /// What.
        value: AnswerValue,
        /// Whether after the close.
        late: bool,
    },
}

/// The questions of a lesson, in the order they were asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Questions(Vec<Question>);

impl Questions {
    /// All of them.
    pub fn all(&self) -> &[Question] {
        &self.0
    }

    /// The one that is open, else the newest one whose results are shown.
    pub fn current(&self) -> Option<&Question> {
        self.open().or_else(|| self.0.iter().rev().find(|question| question.shown))
    }

    /// The one that is open.
    pub fn open(&self) -> Option<&Question> {
        self.0.last().filter(|question| question.closed_at.is_none())
    }

    /// One of them.
    pub fn get(&self, no: u32) -> Option<&Question> {
        self.0.get((no as usize).checked_sub(1)?)
    }

    pub(super) fn ask(&self, question: NewQuestion) -> Result<QuestionEvent, Refusal> {
        if self.open().is_some() {
            return Err(Refusal::QuestionOpen);
        }
        if self.0.len() >= QUESTIONS_MAX {
            return Err(Refusal::TooMany { what: "questions", limit: QUESTIONS_MAX });
        }
        let NewQuestion { kind, mode, options, prompt } = question;
        let options = match kind {
            QuestionKind::Choice => options.unwrap_or(4),
            QuestionKind::YesNo => 2,
            QuestionKind::Text => 0,
        };
        if kind == QuestionKind::Choice && !(2..=6).contains(&options) {
            return Err(Refusal::Unfit { expected: "2 to 6 options" });
        }
        if kind == QuestionKind::Text && mode == AnswerMode::Counts {
            return Err(Refusal::Unfit { expected: "options, to count hands for" });
        }
        let prompt = prompt.filter(|prompt| !prompt.trim().is_empty());
        let prompt = prompt.map(|prompt| clean_name("prompt", &prompt)).transpose()?;
        Ok(QuestionEvent::Opened { kind, mode, options, prompt })
    }

    pub(super) fn close(&self) -> Result<QuestionEvent, Refusal> {
        self.open().map(|_| QuestionEvent::Closed).ok_or(Refusal::QuestionClosed)
    }

    pub(super) fn show(&self, question: u32, shown: bool) -> Result<Option<QuestionEvent>, Refusal> {
        let known = self.get(question).ok_or(Refusal::QuestionUnknown)?;
        Ok((known.shown != shown).then_some(QuestionEvent::Shown { question, shown }))
    }

    pub(super) fn answer(
        &self,
        now: UnixMillis,
        no: u32,
        place: PlaceId,
        value: AnswerValue,
    ) -> Result<Option<QuestionEvent>, Refusal> {
        let question = self.get(no).ok_or(Refusal::QuestionUnknown)?;
        let value = question.fit(value)?;
        let late = question.closed_at.is_some();
        if question.answers.get(&place).is_some_and(|known| known.value == value) {
            // Sent again because its acknowledgement was lost.
            return Ok(None);
        }
        if question.closed_at.is_some_and(|closed_at| now > closed_at.plus(LATE_GRACE)) {
            return Err(Refusal::QuestionClosed);
        }
        Ok(Some(QuestionEvent::Answered { question: no, place, value, late }))
    }

    pub(super) fn evolve(&mut self, at: UnixMillis, event: &QuestionEvent) {
        match event {
            QuestionEvent::Opened { kind, mode, options, prompt } => {
                // Results of the question before make room for the new one.
                for earlier in &mut self.0 {
                    earlier.shown = false;
                }
                self.0.push(Question {
                    no: self.0.len() as u32 + 1,
                    kind: *kind,
                    mode: *mode,
                    options: *options,
                    prompt: prompt.clone(),
                    opened_at: at,
                    closed_at: None,
                    shown: false,
                    answers: BTreeMap::new(),
                });
            }
            QuestionEvent::Closed => {
                if let Some(last) = self.0.last_mut() {
                    last.closed_at = Some(at);
                }
            }
            QuestionEvent::Shown { question, shown } => {
                for known in &mut self.0 {
                    known.shown = known.no == *question && *shown;
                }
            }
            QuestionEvent::Answered { question, place, value, late } => {
                let known = (*question as usize).checked_sub(1).and_then(|index| self.0.get_mut(index));
                let Some(known) = known else { return };
                let changes = known.answers.get(place).map_or(0, |before| before.changes + 1);
                known.answers.insert(*place, Answer { value: value.clone(), at, late: *late, changes });
            }
        }
    }
}
