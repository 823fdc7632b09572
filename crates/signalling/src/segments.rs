//! The words beside the segments on `/api/segments` (`PROTOCOL.md`, "Segments").

use crate::{ClosingReason, ErrorMessage, Problem};
use domain::{Layer, LessonId, Slot, UnixMillis};
use serde::{Deserialize, Serialize};

/// What a page says there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SegmentsRequest {
    /// The first message: who, and which lesson.
    Play(SegmentsPlay),
    /// The size at which a slot is shown.
    Want(SegmentsWant),
}

/// Who wants to watch what.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentsPlay {
    /// The token of its link.
    pub token: String,
    /// The lesson.
    pub lesson: LessonId,
    /// An observer's seat: lets her player into a locked lesson.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
}

// Written by hand so that no log line can hold the token.
impl std::fmt::Debug for SegmentsPlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SegmentsPlay { token: _, lesson, seat: _ } = self;
        f.debug_struct("SegmentsPlay").field("lesson", lesson).finish_non_exhaustive()
    }
}

/// The size at which a slot is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentsWant {
    /// Which slot.
    pub slot: Slot,
    /// The layer that fits the size; null: not shown. Never absent: a forgotten field must not switch a picture off.
    #[serde(deserialize_with = "Option::deserialize")]
    pub layer: Option<Layer>,
}

/// What the server says there, in text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SegmentsWord {
    /// The highest layer the link is trusted with now; null: sound alone.
    Rung {
        /// The layer.
        layer: Option<Layer>,
    },
    /// The lesson's timeline on the relay's wall clock, which all viewers share: `timeline` was at `at`. Said once, when the page is in.
    Clock {
        /// Microseconds on the timeline.
        timeline: u64,
        /// The wall clock there.
        at: UnixMillis,
    },
    /// The last word before the server closes.
    Closing {
        /// Why.
        reason: ClosingReason,
        /// Whether the page should connect again by itself.
        retry: bool,
    },
    /// The request was refused; a close follows.
    Error(ErrorMessage),
}

impl SegmentsWord {
    /// A refusal.
    pub fn error(problem: &Problem) -> Self {
        let Problem { code, detail_vi, detail, .. } = problem.clone();
        Self::Error(ErrorMessage { code, detail_vi, detail, reference: None })
    }

    /// The last word.
    pub fn closing(reason: ClosingReason, retry: bool) -> Self {
        Self::Closing { reason, retry }
    }

    /// As text for the WebSocket.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("words have string keys and plain values only")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProblemCode;

    #[test]
    fn the_words_of_protocol_md_are_read_and_written() {
        let play: SegmentsRequest =
            serde_json::from_str(r#"{"type":"play","token":"SECRET","lesson":"0000000000007"}"#)
                .expect("play");
        assert!(matches!(&play, SegmentsRequest::Play(play) if play.lesson == LessonId(7)));
        assert!(!format!("{play:?}").contains("SECRET"));
        let want: SegmentsRequest =
            serde_json::from_str(r#"{"type":"want","slot":"slides_video","layer":null}"#).expect("want");
        assert_eq!(want, SegmentsRequest::Want(SegmentsWant { slot: Slot::SlidesVideo, layer: None }));
        assert!(serde_json::from_str::<SegmentsRequest>(r#"{"type":"want","slot":"slides_video"}"#).is_err());
        assert_eq!(SegmentsWord::Rung { layer: None }.to_json(), r#"{"type":"rung","layer":null}"#);
        let clock = SegmentsWord::Clock { timeline: 7, at: UnixMillis::clamped(1_791_765_000_000) };
        assert_eq!(clock.to_json(), r#"{"type":"clock","timeline":7,"at":1791765000000}"#);
        let closing = SegmentsWord::closing(ClosingReason::Draining, true);
        assert_eq!(closing.to_json(), r#"{"type":"closing","reason":"draining","retry":true}"#);
        let error = SegmentsWord::error(&ProblemCode::LessonFull.into()).to_json();
        assert!(error.starts_with(r#"{"type":"error","code":"lesson_full","detail_vi":""#), "{error}");
    }
}
