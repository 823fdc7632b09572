//! What rooms' checks before a lesson found.

use crate::{Entity, Store, StoreError};
use domain::{CheckResult, LessonId, PlaceId, UnixMillis};

impl Store {
    /// Stores a room's check; an earlier one is forgotten.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when lesson or place do not exist.
    pub async fn save_check(
        &self,
        lesson: LessonId,
        place: PlaceId,
        at: UnixMillis,
        result: &CheckResult,
    ) -> Result<(), StoreError> {
        let payload = serde_json::to_string(result).map_err(|error| self.corrupted(&error))?;
        sqlx::query(
            "INSERT INTO room_checks (lesson_id, place_id, at, payload) VALUES (?, ?, ?, ?)
             ON CONFLICT (lesson_id, place_id) DO UPDATE SET at = excluded.at, payload = excluded.payload",
        )
        .bind(lesson.to_string())
        .bind(place.to_string())
        .bind(at.get())
        .bind(payload)
        .execute(&self.writer)
        .await
        .map_err(|error| self.failed(error).or_conflict(Entity::Lesson))?;
        Ok(())
    }

    /// The newest check of each room that made one.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for an entry this program cannot read.
    pub async fn checks(
        &self,
        lesson: LessonId,
    ) -> Result<Vec<(PlaceId, UnixMillis, CheckResult)>, StoreError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT place_id, at, payload FROM room_checks WHERE lesson_id = ? ORDER BY place_id",
        )
        .bind(lesson.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        let read = |(place, at, payload): (String, i64, String)| {
            let place = place.parse().map_err(|error| self.corrupted(&error))?;
            let result = serde_json::from_str(&payload).map_err(|error| self.corrupted(&error))?;
            Ok((place, UnixMillis::clamped(at), result))
        };
        rows.into_iter().map(read).collect()
    }
}
