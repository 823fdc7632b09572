//! Lessons and the log of what happened in them.

use crate::{Entity, Store, StoreError};
use domain::{Invited, LessonControl, LessonEvent, LessonId, LessonRecord, PlaceId, UnixMillis};
use sqlx::{AssertSqlSafe, FromRow, Sqlite, Transaction, sqlite::SqliteRow};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of a lesson's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its number within the lesson, from 1, without gaps.
    pub seq: u64,
    /// What happened.
    pub event: LessonEvent,
}

#[derive(FromRow)]
struct LessonRow {
    id: String,
    title: String,
    host_place: Option<String>,
    state: String,
    invites_all: bool,
    created_at: i64,
    starts_at: Option<i64>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    locked_at: Option<i64>,
    in_charge: Option<String>,
    rehearsal: bool,
}

/// The places a lesson names.
#[derive(Default)]
struct Named {
    invited: BTreeSet<PlaceId>,
    removed: BTreeSet<PlaceId>,
}

impl Store {
    /// Stores a new lesson.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id exists or an invited place does not.
    pub async fn insert_lesson(&self, lesson: &LessonRecord) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO lessons (title, host_place, state, invites_all, starts_at, started_at, ended_at,
                                  locked_at, in_charge, rehearsal, id, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&lesson.title)
        .bind(&lesson.host_place)
        .bind(lesson.state.as_str())
        .bind(lesson.invited == Invited::All)
        .bind(lesson.starts_at.map(UnixMillis::get))
        .bind(lesson.started_at.map(UnixMillis::get))
        .bind(lesson.ended_at.map(UnixMillis::get))
        .bind(lesson.control.locked_at.map(UnixMillis::get))
        .bind(lesson.control.in_charge.map(String::from))
        .bind(lesson.control.rehearsal)
        .bind(lesson.id.to_string())
        .bind(lesson.created_at.get())
        .execute(&mut *transaction)
        .await
        .map_err(|error| self.failed(error).or_conflict(Entity::Lesson))?;
        self.write_places(&mut transaction, lesson).await?;
        self.commit(transaction).await
    }

    /// Stores what a command did: the lesson as it is now and the events that led there, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when an invited place does not exist.
    pub async fn save_lesson(&self, lesson: &LessonRecord, events: &[LessonEvent]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "UPDATE lessons
             SET title = ?, host_place = ?, state = ?, invites_all = ?, starts_at = ?, started_at = ?, ended_at = ?,
                 locked_at = ?, in_charge = ?, rehearsal = ?
             WHERE id = ?",
        )
        .bind(&lesson.title)
        .bind(&lesson.host_place)
        .bind(lesson.state.as_str())
        .bind(lesson.invited == Invited::All)
        .bind(lesson.starts_at.map(UnixMillis::get))
        .bind(lesson.started_at.map(UnixMillis::get))
        .bind(lesson.ended_at.map(UnixMillis::get))
        .bind(lesson.control.locked_at.map(UnixMillis::get))
        .bind(lesson.control.in_charge.map(String::from))
        .bind(lesson.control.rehearsal)
        .bind(lesson.id.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: Entity::Lesson });
        }
        self.write_places(&mut transaction, lesson).await?;
        for event in events {
            let payload = serde_json::to_string(event).map_err(|error| self.corrupted(&error))?;
            sqlx::query(
                "INSERT INTO lesson_events (lesson_id, seq, at, payload)
                 SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3 FROM lesson_events WHERE lesson_id = ?1",
            )
            .bind(lesson.id.to_string())
            .bind(event.at().get())
            .bind(payload)
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        }
        self.commit(transaction).await
    }

    /// One lesson.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn lesson(&self, id: LessonId) -> Result<LessonRecord, StoreError> {
        // One snapshot for both tables.
        let mut transaction = self.readers.begin().await.map_err(|error| self.failed(error))?;
        let row = sqlx::query("SELECT * FROM lessons WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        let row = row.ok_or(StoreError::NotFound { what: Entity::Lesson })?;
        let mut named = Named::default();
        for (table, places) in [("lesson_places", &mut named.invited), ("lesson_removed", &mut named.removed)]
        {
            let sql = format!("SELECT place_id FROM {table} WHERE lesson_id = ?");
            let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(id.to_string())
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
            *places = ids.iter().map(|id| self.read_place_id(id)).collect::<Result<_, _>>()?;
        }
        self.read_lesson(&row, named)
    }

    /// All lessons: the next to begin first, then those without a time, oldest first.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn lessons(&self) -> Result<Vec<LessonRecord>, StoreError> {
        let mut transaction = self.readers.begin().await.map_err(|error| self.failed(error))?;
        let rows = sqlx::query("SELECT * FROM lessons ORDER BY starts_at IS NULL, starts_at, created_at, id")
            .fetch_all(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        let mut named: BTreeMap<String, Named> = BTreeMap::new();
        for (table, is_invitation) in [("lesson_places", true), ("lesson_removed", false)] {
            let sql = format!("SELECT lesson_id, place_id FROM {table}");
            let pairs: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(sql))
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
            for (lesson, place) in pairs {
                let named = named.entry(lesson).or_default();
                let places = if is_invitation { &mut named.invited } else { &mut named.removed };
                places.insert(self.read_place_id(&place)?);
            }
        }
        let id_of = |row: &SqliteRow| -> Result<String, StoreError> {
            sqlx::Row::try_get(row, "id").map_err(|error| self.failed(error))
        };
        rows.iter().map(|row| self.read_lesson(row, named.remove(&id_of(row)?).unwrap_or_default())).collect()
    }

    /// Removes a lesson with its invitations and its log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_lesson(&self, id: LessonId) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM lessons WHERE id = ?")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Lesson }) }
    }

    /// What happened in a lesson after entry number `after` (0: everything), in order.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for an entry this program cannot read.
    pub async fn lesson_events(&self, id: LessonId, after: u64) -> Result<Vec<LoggedEvent>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT seq, payload FROM lesson_events WHERE lesson_id = ? AND seq > ? ORDER BY seq",
        )
        .bind(id.to_string())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        let read = |(seq, payload): (i64, String)| {
            let event = serde_json::from_str(&payload)
                .map_err(|error| self.corrupted(&format_args!("event {seq} of lesson {id}: {error}")))?;
            Ok(LoggedEvent { seq: seq.unsigned_abs(), event })
        };
        rows.into_iter().map(read).collect()
    }

    async fn write_places(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        lesson: &LessonRecord,
    ) -> Result<(), StoreError> {
        let id = lesson.id.to_string();
        sqlx::query("DELETE FROM lesson_places WHERE lesson_id = ?")
            .bind(&id)
            .execute(&mut **transaction)
            .await
            .map_err(|error| self.failed(error))?;
        if let Invited::Only(places) = &lesson.invited {
            for place in places {
                sqlx::query("INSERT INTO lesson_places (lesson_id, place_id) VALUES (?, ?)")
                    .bind(&id)
                    .bind(place.to_string())
                    .execute(&mut **transaction)
                    .await
                    .map_err(|error| self.failed(error).or_conflict(Entity::Place))?;
            }
        }
        sqlx::query("DELETE FROM lesson_removed WHERE lesson_id = ?")
            .bind(&id)
            .execute(&mut **transaction)
            .await
            .map_err(|error| self.failed(error))?;
        for place in &lesson.control.removed {
            // A place that was deleted meanwhile needs no keeping out.
            sqlx::query(
                "INSERT INTO lesson_removed (lesson_id, place_id) SELECT ?, id FROM places WHERE id = ?",
            )
            .bind(&id)
            .bind(place.to_string())
            .execute(&mut **transaction)
            .await
            .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn read_lesson(&self, row: &SqliteRow, named: Named) -> Result<LessonRecord, StoreError> {
        let row = LessonRow::from_row(row).map_err(|error| self.failed(error))?;
        Ok(LessonRecord {
            id: row.id.parse().map_err(|error| self.corrupted(&error))?,
            title: row.title,
            host_place: row.host_place,
            state: row.state.parse().map_err(|error| self.corrupted(&error))?,
            invited: if row.invites_all { Invited::All } else { Invited::Only(named.invited) },
            created_at: UnixMillis::clamped(row.created_at),
            starts_at: row.starts_at.map(UnixMillis::clamped),
            started_at: row.started_at.map(UnixMillis::clamped),
            ended_at: row.ended_at.map(UnixMillis::clamped),
            control: LessonControl {
                locked_at: row.locked_at.map(UnixMillis::clamped),
                removed: named.removed,
                in_charge: row
                    .in_charge
                    .map(|id| id.parse())
                    .transpose()
                    .map_err(|error| self.corrupted(&error))?,
                rehearsal: row.rehearsal,
            },
        })
    }

    fn read_place_id(&self, text: &str) -> Result<PlaceId, StoreError> {
        text.parse().map_err(|error| self.corrupted(&error))
    }
}
