//! What rooms did in a lesson: the log, and the pictures of pupils' works.

use crate::{Entity, Store, StoreError};
use domain::{Deed, LessonId, ParticipationEvent, WorkEvent};

/// A photo of a pupil's work, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkPicture {
    /// Its number within the lesson.
    pub no: u32,
    /// The re-encoded picture.
    pub jpeg: Vec<u8>,
}

impl std::fmt::Debug for WorkPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkPicture({}, {} bytes)", self.no, self.jpeg.len())
    }
}

impl Store {
    /// Stores what happened, with the pictures that came; pictures of works that the events delete go in the same
    /// transaction. All or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the lesson does not exist (any more).
    pub async fn save_participation(
        &self,
        lesson: LessonId,
        events: &[ParticipationEvent],
        pictures: &[WorkPicture],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let id = lesson.to_string();
        let mut seq: i64 =
            sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM participation_events WHERE lesson_id = ?")
                .bind(&id)
                .fetch_one(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
        for event in events {
            seq += 1;
            let payload = serde_json::to_string(event).map_err(|error| self.corrupted(&error))?;
            sqlx::query("INSERT INTO participation_events (lesson_id, seq, at, payload) VALUES (?, ?, ?, ?)")
                .bind(&id)
                .bind(seq)
                .bind(event.at.get())
                .bind(payload)
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.failed(error).or_conflict(Entity::Lesson))?;
        }
        for picture in pictures {
            sqlx::query("INSERT INTO work_pictures (lesson_id, no, jpeg) VALUES (?, ?, ?)")
                .bind(&id)
                .bind(i64::from(picture.no))
                .bind(&picture.jpeg)
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.failed(error).or_conflict(Entity::Work))?;
        }
        for event in events {
            let Deed::Work(WorkEvent::Deleted { work }) = event.deed else { continue };
            sqlx::query("DELETE FROM work_pictures WHERE lesson_id = ? AND no = ?")
                .bind(&id)
                .bind(i64::from(work))
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
        }
        self.commit(transaction).await
    }

    /// What happened in a lesson, in order.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for an entry this program cannot read.
    pub async fn participation_events(
        &self,
        lesson: LessonId,
    ) -> Result<Vec<ParticipationEvent>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT seq, payload FROM participation_events WHERE lesson_id = ? ORDER BY seq")
                .bind(lesson.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        let read = |(seq, payload): (i64, String)| {
            serde_json::from_str(&payload)
                .map_err(|error| self.corrupted(&format_args!("deed {seq} of lesson {lesson}: {error}")))
        };
        rows.into_iter().map(read).collect()
    }

    /// Lessons of which any picture is left.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn lessons_with_pictures(&self) -> Result<Vec<LessonId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar("SELECT DISTINCT lesson_id FROM work_pictures")
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        ids.iter().map(|id| id.parse().map_err(|error| self.corrupted(&error))).collect()
    }

    /// The picture of a work.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn work_picture(&self, lesson: LessonId, no: u32) -> Result<Vec<u8>, StoreError> {
        let jpeg: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT jpeg FROM work_pictures WHERE lesson_id = ? AND no = ?")
                .bind(lesson.to_string())
                .bind(i64::from(no))
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        jpeg.ok_or(StoreError::NotFound { what: Entity::Work })
    }
}
