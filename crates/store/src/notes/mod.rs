//! Observers' sheets, forms, and what a group makes of its sheets. The rules live in the crate `notes`.

mod forms;
mod group;
mod sheets;

pub use forms::StoredForm;
pub use group::{Comment, LessonNotes, StoredMinutes, TimelineDoor};
pub use sheets::{Merged, PictureInfo, SheetRecord, Weight};
