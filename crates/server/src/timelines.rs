//! Shared timelines as they were last asked for.

use axum::body::Bytes;
use domain::LessonId;
use std::sync::{Mutex, PoisonError};

/// Timelines kept ready. full: the one made longest ago goes.
const KEPT_MAX: usize = 16;

/// The timelines last asked for, as JSON: fifty observers who ask every few seconds cost one look at their sheets.
#[derive(Default)]
pub(crate) struct Timelines(Mutex<Vec<Kept>>);

struct Kept {
    lesson: LessonId,
    tag: String,
    body: Bytes,
}

impl Timelines {
    /// The timeline of a lesson, if it is still as `tag` says.
    pub(crate) fn find(&self, lesson: LessonId, tag: &str) -> Option<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|kept| kept.lesson == lesson && kept.tag == tag).map(|kept| kept.body.clone())
    }

    /// Keeps a timeline for the next who asks.
    pub(crate) fn keep(&self, lesson: LessonId, tag: &str, body: Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.lesson != lesson);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Kept { lesson, tag: tag.to_owned(), body });
    }
}
