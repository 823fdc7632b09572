//! What a group makes of its sheets: the organiser's choices, comments, minutes.

use crate::{Entity, Store, StoreError};
use domain::{CommentId, LessonId, SheetId, UnixMillis};
use notes::{FormRef, Minutes};
use sqlx::FromRow;

/// When observers see each other's shared rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimelineDoor {
    /// When the lesson has ended.
    #[default]
    After,
    /// Now.
    Open,
    /// Not at all.
    Closed,
}

impl TimelineDoor {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            TimelineDoor::After => "after",
            TimelineDoor::Open => "open",
            TimelineDoor::Closed => "closed",
        }
    }

    /// The door of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::After, Self::Open, Self::Closed].into_iter().find(|door| door.as_str() == name)
    }
}

/// What an organiser chose for the notes of a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LessonNotes {
    /// The form new sheets begin on; `None`: the first one offered.
    pub form: Option<FormRef>,
    /// When observers see each other's shared rows.
    pub timeline: TimelineDoor,
}

/// A comment on a row of the shared timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// Who wrote it; `None`: the organiser.
    pub author: Option<SheetId>,
    /// The sheet of the row.
    pub on_sheet: SheetId,
    /// The row.
    pub on_row: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: UnixMillis,
}

/// Minutes as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMinutes {
    /// Grows with every change, from 1.
    pub revision: u64,
    /// When they last changed.
    pub changed_at: UnixMillis,
    /// What they say.
    pub minutes: Minutes,
}

#[derive(FromRow)]
struct CommentRow {
    id: String,
    author: Option<String>,
    on_sheet: String,
    on_row: String,
    text: String,
    created_at: i64,
}

impl Store {
    /// The organiser's choices for a lesson's notes.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn lesson_notes(&self, lesson: LessonId) -> Result<LessonNotes, StoreError> {
        let row: Option<(Option<String>, Option<i64>, String)> =
            sqlx::query_as("SELECT form_id, form_version, timeline FROM lesson_notes WHERE lesson_id = ?")
                .bind(lesson.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        let Some((id, version, timeline)) = row else { return Ok(LessonNotes::default()) };
        let version = version.and_then(|version| u32::try_from(version).ok());
        let form = id.zip(version).map(|(id, version)| FormRef { id, version });
        let timeline = TimelineDoor::from_name(&timeline);
        Ok(LessonNotes { form, timeline: timeline.ok_or_else(|| self.corrupted(&"a timeline's door"))? })
    }

    /// Stores the organiser's choices.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the lesson.
    pub async fn set_lesson_notes(&self, lesson: LessonId, notes: &LessonNotes) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO lesson_notes (lesson_id, form_id, form_version, timeline) VALUES (?, ?, ?, ?)
             ON CONFLICT (lesson_id) DO UPDATE
             SET form_id = excluded.form_id, form_version = excluded.form_version, timeline = excluded.timeline",
        )
        .bind(lesson.to_string())
        .bind(notes.form.as_ref().map(|form| &form.id))
        .bind(notes.form.as_ref().map(|form| i64::from(form.version)))
        .bind(notes.timeline.as_str())
        .execute(&self.writer)
        .await
        .map_err(|error| self.missing(error, Entity::Lesson))?;
        Ok(())
    }

    /// Stores a comment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when its lesson or a sheet is gone; [`StoreError::Full`] when the lesson has `max`.
    pub async fn insert_comment(
        &self,
        lesson: LessonId,
        comment: &Comment,
        max: u64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM note_comments WHERE lesson_id = ?")
            .bind(lesson.to_string())
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        if count.unsigned_abs() >= max {
            return Err(StoreError::Full { what: Entity::Comment });
        }
        sqlx::query(
            "INSERT INTO note_comments (id, lesson_id, author, on_sheet, on_row, text, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(comment.id.to_string())
        .bind(lesson.to_string())
        .bind(comment.author.map(String::from))
        .bind(comment.on_sheet.to_string())
        .bind(&comment.on_row)
        .bind(&comment.text)
        .bind(comment.created_at.get())
        .execute(&mut *transaction)
        .await
        .map_err(|error| self.missing(error, Entity::Sheet))?;
        self.commit(transaction).await
    }

    /// The comments of a lesson, oldest first.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn comments(&self, lesson: LessonId) -> Result<Vec<Comment>, StoreError> {
        let rows: Vec<CommentRow> = sqlx::query_as(
            "SELECT id, author, on_sheet, on_row, text, created_at FROM note_comments
             WHERE lesson_id = ? ORDER BY created_at, id",
        )
        .bind(lesson.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        rows.into_iter().map(|row| self.read_comment(row)).collect()
    }

    /// The comments somebody wrote with a sheet.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn comments_by(&self, author: SheetId) -> Result<Vec<Comment>, StoreError> {
        let rows: Vec<CommentRow> = sqlx::query_as(
            "SELECT id, author, on_sheet, on_row, text, created_at FROM note_comments
             WHERE author = ? ORDER BY created_at, id",
        )
        .bind(author.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        rows.into_iter().map(|row| self.read_comment(row)).collect()
    }

    /// Removes a comment of a lesson; `author` limits it to those of one sheet.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_comment(
        &self,
        lesson: LessonId,
        id: CommentId,
        author: Option<SheetId>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "DELETE FROM note_comments WHERE lesson_id = ?1 AND id = ?2 AND (?3 IS NULL OR author = ?3)",
        )
        .bind(lesson.to_string())
        .bind(id.to_string())
        .bind(author.map(String::from))
        .execute(&self.writer)
        .await
        .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Comment }) }
    }

    /// Everything that changes what a lesson's timeline shows, as one text that differs whenever it does.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn timeline_version(&self, lesson: LessonId) -> Result<String, StoreError> {
        let (sheets, changes, changed_at, comments, last): (i64, i64, i64, i64, Option<String>) =
            sqlx::query_as(
                "SELECT (SELECT count(*) FROM sheets WHERE lesson_id = ?1),
                    (SELECT coalesce(sum(seq), 0) FROM sheets WHERE lesson_id = ?1),
                    (SELECT coalesce(max(changed_at), 0) FROM sheets WHERE lesson_id = ?1),
                    (SELECT count(*) FROM note_comments WHERE lesson_id = ?1),
                    (SELECT max(created_at || id) FROM note_comments WHERE lesson_id = ?1)",
            )
            .bind(lesson.to_string())
            .fetch_one(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(format!("{sheets}-{changes}-{changed_at}-{comments}-{}", last.unwrap_or_default()))
    }

    /// The minutes of a lesson; `None` while nobody has saved any.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] when this program cannot read them.
    pub async fn minutes(&self, lesson: LessonId) -> Result<Option<StoredMinutes>, StoreError> {
        let row: Option<(i64, i64, String)> =
            sqlx::query_as("SELECT revision, changed_at, body FROM lesson_minutes WHERE lesson_id = ?")
                .bind(lesson.to_string())
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        row.map(|(revision, changed_at, body)| {
            let minutes = serde_json::from_str(&body)
                .map_err(|error| self.corrupted(&format_args!("the minutes of {lesson}: {error}")))?;
            let changed_at = UnixMillis::clamped(changed_at);
            Ok(StoredMinutes { revision: revision.unsigned_abs(), changed_at, minutes })
        })
        .transpose()
    }

    /// Stores the minutes over revision `over` (0: there are none yet) and gives the new revision.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else has saved since; [`StoreError::NotFound`] without the lesson.
    pub async fn save_minutes(
        &self,
        lesson: LessonId,
        over: u64,
        minutes: &Minutes,
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        let body = serde_json::to_string(minutes).map_err(|error| self.corrupted(&error))?;
        let over = i64::try_from(over).unwrap_or(i64::MAX);
        let query = if over == 0 {
            sqlx::query(
                "INSERT INTO lesson_minutes (revision, changed_at, body, lesson_id) VALUES (1 + ?, ?, ?, ?)
                 ON CONFLICT (lesson_id) DO NOTHING",
            )
        } else {
            sqlx::query(
                "UPDATE lesson_minutes SET revision = ?1 + 1, changed_at = ?2, body = ?3
                 WHERE lesson_id = ?4 AND revision = ?1",
            )
        };
        let done = query
            .bind(over)
            .bind(now.get())
            .bind(body)
            .bind(lesson.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.missing(error, Entity::Lesson))?;
        match done.rows_affected() {
            1 => Ok(over.unsigned_abs() + 1),
            _ => Err(StoreError::Conflict { what: Entity::Minutes }),
        }
    }

    /// A broken foreign key: what it points to is gone.
    fn missing(&self, error: sqlx::Error, what: Entity) -> StoreError {
        match self.failed(error).or_conflict(what) {
            StoreError::Conflict { what } => StoreError::NotFound { what },
            other => other,
        }
    }

    fn read_comment(&self, row: CommentRow) -> Result<Comment, StoreError> {
        Ok(Comment {
            id: row.id.parse().map_err(|error| self.corrupted(&error))?,
            author: row
                .author
                .map(|author| author.parse())
                .transpose()
                .map_err(|error| self.corrupted(&error))?,
            on_sheet: row.on_sheet.parse().map_err(|error| self.corrupted(&error))?,
            on_row: row.on_row,
            text: row.text,
            created_at: UnixMillis::clamped(row.created_at),
        })
    }
}
