//! Observers' sheets (*phiếu dự giờ*): what is on them, how copies of one sheet become the same again, what a
//! scored form adds up to, and what a group makes of its sheets together. Pure.
//!
//! The pages follow the same rules in TypeScript (`web/shared/notes`); `tests/fixtures/notes` holds the cases both
//! sides must answer alike. `MERGE.md` beside this crate states the merge rules in words.

mod form;
mod minutes;
mod register;
mod score;
mod sheet;
mod stamp;
mod timeline;
mod view;
pub mod wire;

pub use form::{Band, Field, Form, FormError, FormRef, Group, Item, Layout, Phase, Points, built_in_forms};
pub use minutes::{Minutes, MinutesFacts, draft_minutes};
pub use register::{Head, Register, RegisterError};
pub use score::{Score, ScoreProblem, ScoreRefusal, check_score, score};
pub use sheet::{Key, Sheet, SheetError, SheetLimits};
pub use stamp::{ParseStampError, Replica, Stamp, Tick, TickClock};
pub use timeline::{TimelineEntry, TimelineMinute, merge_by_minute};
pub use view::{At, Closing, Heading, MomentQuality, RowView, Shares, SheetView, Sibling};
