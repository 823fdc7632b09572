//! Who received how much of a lesson.

use crate::{Entity, Store, StoreError};
use domain::{Accounts, Attendance, LessonId, PlaceId, SeatId};
use serde::Serialize;

impl Store {
    /// Stores accounts as they are now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the lesson does not exist (any more).
    pub async fn save_attendance(&self, lesson: LessonId, accounts: &Accounts) -> Result<(), StoreError> {
        let Accounts { rooms, observers } = accounts;
        let mut rows = Vec::with_capacity(rooms.len() + observers.len());
        for (place, account) in rooms {
            rows.push(("place", place.to_string(), self.account(account)?));
        }
        for (seat, account) in observers {
            rows.push(("observer", format!("{:016x}", seat.0), self.account(account)?));
        }
        let mut transaction = self.begin().await?;
        for (kind, who, payload) in rows {
            sqlx::query(
                "INSERT INTO attendance (lesson_id, kind, who, payload) VALUES (?, ?, ?, ?)
                 ON CONFLICT (lesson_id, kind, who) DO UPDATE SET payload = excluded.payload",
            )
            .bind(lesson.to_string())
            .bind(kind)
            .bind(who)
            .bind(payload)
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Lesson))?;
        }
        self.commit(transaction).await
    }

    /// Forgets the accounts of a lesson: they were a rehearsal's.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn clear_attendance(&self, lesson: LessonId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM attendance WHERE lesson_id = ?")
            .bind(lesson.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// The accounts of a lesson.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for an entry this program cannot read.
    pub async fn attendance(&self, lesson: LessonId) -> Result<Attendance, StoreError> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT kind, who, payload FROM attendance WHERE lesson_id = ?")
                .bind(lesson.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        let (mut rooms, mut observers) = (Vec::new(), Vec::new());
        for (kind, who, payload) in rows {
            if kind == "place" {
                let place: PlaceId = who.parse().map_err(|error| self.corrupted(&error))?;
                rooms.push((place, serde_json::from_str(&payload).map_err(|error| self.corrupted(&error))?));
            } else {
                let seat = u64::from_str_radix(&who, 16).map_err(|error| self.corrupted(&error))?;
                let account = serde_json::from_str(&payload).map_err(|error| self.corrupted(&error))?;
                observers.push((SeatId(seat), account));
            }
        }
        Ok(Attendance::restore(rooms, observers))
    }

    fn account(&self, account: &impl Serialize) -> Result<String, StoreError> {
        serde_json::to_string(account).map_err(|error| self.corrupted(&error))
    }
}
