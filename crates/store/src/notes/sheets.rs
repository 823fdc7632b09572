//! Sheets: their registers, merged in one transaction a request, and their pictures.

use crate::{Entity, Store, StoreError, TokenHash};
use domain::{LessonId, SheetId, UnixMillis};
use notes::{Key, Register, Sheet};
use sqlx::{FromRow, Sqlite, Transaction, sqlite::SqliteRow};
use std::collections::BTreeMap;

/// What is known of a sheet beside its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRecord {
    /// Its id.
    pub id: SheetId,
    /// The lesson it was written in; that lesson may be gone.
    pub lesson: LessonId,
    /// What the lesson was called.
    pub lesson_title: String,
    /// When it came here first.
    pub created_at: UnixMillis,
    /// When it last changed here.
    pub changed_at: UnixMillis,
    /// Grows with every change.
    pub seq: u64,
    /// Of all registers and pictures.
    pub bytes: u64,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Merged {
    /// The sheet's number now.
    pub seq: u64,
    /// Registers that the caller does not have like this.
    pub news: BTreeMap<Key, Register>,
}

/// How much a sheet, or a lesson's sheets, weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Registers, or pictures, at most.
    pub count: usize,
    /// Their bytes at most.
    pub bytes: u64,
}

/// A picture of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureInfo {
    /// Its id within the sheet.
    pub id: String,
    /// Its media type.
    pub media_type: String,
    /// Its length.
    pub bytes: u64,
}

#[derive(FromRow)]
struct SheetRow {
    id: String,
    lesson_id: String,
    lesson_title: String,
    created_at: i64,
    changed_at: i64,
    seq: i64,
    bytes: i64,
}

impl Store {
    /// Stores a new sheet and the hash of its token. Storing the same sheet with the same token again changes
    /// nothing: the page's first request may have been answered into a dead network.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id or the token belong to another sheet or lesson.
    pub async fn insert_sheet(
        &self,
        id: SheetId,
        token: TokenHash,
        lesson: LessonId,
        lesson_title: &str,
        now: UnixMillis,
    ) -> Result<SheetRecord, StoreError> {
        if let Some(known) = self.sheet_by_token(token).await? {
            let same = known.id == id && known.lesson == lesson;
            return if same { Ok(known) } else { Err(StoreError::Conflict { what: Entity::Sheet }) };
        }
        sqlx::query(
            "INSERT INTO sheets (id, token_hash, lesson_id, lesson_title, created_at, changed_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(id.to_string())
        .bind(&token.0[..])
        .bind(lesson.to_string())
        .bind(lesson_title)
        .bind(now.get())
        .bind(now.get())
        .execute(&self.writer)
        .await
        .map_err(|error| self.failed(error).or_conflict(Entity::Sheet))?;
        self.sheet(id).await
    }

    /// One sheet.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn sheet(&self, id: SheetId) -> Result<SheetRecord, StoreError> {
        let row = sqlx::query("SELECT * FROM sheets WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        self.read_sheet(&row.ok_or(StoreError::NotFound { what: Entity::Sheet })?)
    }

    /// The sheet a token belongs to.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn sheet_by_token(&self, token: TokenHash) -> Result<Option<SheetRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM sheets WHERE token_hash = ?")
            .bind(&token.0[..])
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        row.map(|row| self.read_sheet(&row)).transpose()
    }

    /// The sheets of a lesson, oldest first.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn sheets(&self, lesson: LessonId) -> Result<Vec<SheetRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM sheets WHERE lesson_id = ? ORDER BY created_at, id")
            .bind(lesson.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(|row| self.read_sheet(row)).collect()
    }

    /// Everything on a sheet.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for a register this program cannot read.
    pub async fn sheet_content(&self, id: SheetId) -> Result<Sheet, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT key, register FROM sheet_registers WHERE sheet_id = ?")
                .bind(id.to_string())
                .fetch_all(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        rows.iter().map(|(key, register)| self.read_register(key, register)).collect()
    }

    /// One register of a sheet.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] when this program cannot read it.
    pub async fn sheet_register(&self, id: SheetId, key: &str) -> Result<Option<Register>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT register FROM sheet_registers WHERE sheet_id = ? AND key = ?")
                .bind(id.to_string())
                .bind(key)
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| self.failed(error))?;
        row.map(|(json,)| Ok(self.read_register(key, &json)?.1)).transpose()
    }

    /// Joins `incoming` into a sheet, all or nothing, and gives what the caller lacks: whatever changed after number
    /// `since` (0: everything), and what came out of the join different from what came in.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Full`] when the sheet would grow beyond `limit`.
    pub async fn merge_sheet(
        &self,
        id: SheetId,
        incoming: &BTreeMap<Key, Register>,
        since: u64,
        limit: Weight,
        now: UnixMillis,
    ) -> Result<Merged, StoreError> {
        if incoming.is_empty() {
            let seq = self.sheet(id).await?.seq;
            let news = self.changed_registers(&self.readers, id, since).await?;
            return Ok(Merged { seq, news });
        }
        let mut transaction = self.begin().await?;
        let row: Option<(i64, i64)> = sqlx::query_as("SELECT seq, bytes FROM sheets WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        let (seq, mut bytes) = row.ok_or(StoreError::NotFound { what: Entity::Sheet })?;
        let news = self.changed_registers(&mut *transaction, id, since).await?;
        let mut merged = Merged { seq: seq.unsigned_abs(), news };
        let mut grown = 0_i64;
        let mut changed = false;
        for (key, register) in incoming {
            let known = self.register(&mut transaction, id, key).await?;
            let before = known.as_ref().map_or(0, |(_, length)| *length);
            let mut joined = known.map_or_else(Register::default, |(known, _)| known);
            if joined.join(register) {
                let json = serde_json::to_string(&joined).map_err(|error| self.corrupted(&error))?;
                bytes += signed(json.len()) - before;
                grown += i64::from(before == 0);
                changed = true;
                self.write_register(&mut transaction, id, key, seq + 1, &json).await?;
            }
            if joined == *register {
                merged.news.remove(key);
            } else {
                merged.news.insert(key.clone(), joined);
            }
        }
        if changed {
            merged.seq = seq.unsigned_abs() + 1;
            self.check_weight(&mut transaction, id, grown, bytes, limit).await?;
            sqlx::query("UPDATE sheets SET seq = ?, bytes = ?, changed_at = ? WHERE id = ?")
                .bind(seq + 1)
                .bind(bytes)
                .bind(now.get())
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
            self.commit(transaction).await?;
        } else {
            transaction.rollback().await.map_err(|error| self.failed(error))?;
        }
        Ok(merged)
    }

    /// Removes a sheet with everything on it and every comment about it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_sheet(&self, id: SheetId) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM sheets WHERE id = ?")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Sheet }) }
    }

    /// Removes every sheet of a lesson and gives their number.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn delete_sheets(&self, lesson: LessonId) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM sheets WHERE lesson_id = ?")
            .bind(lesson.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(done.rows_affected())
    }

    /// Removes the sheets of lessons that are gone, if nothing was written on them since `before`: nobody but their
    /// writers can reach them, and nobody else could ever delete them. Gives their number.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn delete_orphaned_sheets(&self, before: UnixMillis) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM sheets WHERE changed_at < ? AND lesson_id NOT IN (SELECT id FROM lessons)",
        )
        .bind(before.get())
        .execute(&self.writer)
        .await
        .map_err(|error| self.failed(error))?;
        Ok(done.rows_affected())
    }

    /// Stores a picture; the same id again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the sheet; [`StoreError::Full`].
    pub async fn insert_picture(
        &self,
        sheet: SheetId,
        picture: &PictureInfo,
        bytes: &[u8],
        limit: Weight,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let (count, weight): (i64, i64) = sqlx::query_as(
            "SELECT count(*), coalesce(sum(length(bytes)), 0) FROM sheet_pictures WHERE sheet_id = ?",
        )
        .bind(sheet.to_string())
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| self.failed(error))?;
        if count as usize >= limit.count || weight.unsigned_abs() + bytes.len() as u64 > limit.bytes {
            return Err(StoreError::Full { what: Entity::Picture });
        }
        let done = sqlx::query(
            "INSERT INTO sheet_pictures (sheet_id, id, media_type, created_at, bytes) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (sheet_id, id) DO NOTHING",
        )
        .bind(sheet.to_string())
        .bind(&picture.id)
        .bind(&picture.media_type)
        .bind(now.get())
        .bind(bytes)
        .execute(&mut *transaction)
        .await
        .map_err(|error| match self.failed(error).or_conflict(Entity::Sheet) {
            StoreError::Conflict { what } => StoreError::NotFound { what },
            other => other,
        })?;
        if done.rows_affected() == 1 {
            sqlx::query("UPDATE sheets SET bytes = bytes + ? WHERE id = ?")
                .bind(signed(bytes.len()))
                .bind(sheet.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
        }
        self.commit(transaction).await
    }

    /// One picture: its media type and its bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn picture(&self, sheet: SheetId, id: &str) -> Result<(String, Vec<u8>), StoreError> {
        sqlx::query_as("SELECT media_type, bytes FROM sheet_pictures WHERE sheet_id = ? AND id = ?")
            .bind(sheet.to_string())
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?
            .ok_or(StoreError::NotFound { what: Entity::Picture })
    }

    /// The pictures of a sheet, oldest first.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn pictures(&self, sheet: SheetId) -> Result<Vec<PictureInfo>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT id, media_type, length(bytes) FROM sheet_pictures WHERE sheet_id = ? ORDER BY created_at, id",
        )
        .bind(sheet.to_string())
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        let info = |(id, media_type, bytes): (_, _, i64)| PictureInfo {
            id,
            media_type,
            bytes: bytes.unsigned_abs(),
        };
        Ok(rows.into_iter().map(info).collect())
    }

    async fn changed_registers<'c>(
        &self,
        connection: impl sqlx::Executor<'c, Database = Sqlite>,
        id: SheetId,
        since: u64,
    ) -> Result<BTreeMap<Key, Register>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT key, register FROM sheet_registers WHERE sheet_id = ? AND seq > ?")
                .bind(id.to_string())
                .bind(i64::try_from(since).unwrap_or(i64::MAX))
                .fetch_all(connection)
                .await
                .map_err(|error| self.failed(error))?;
        rows.iter().map(|(key, register)| self.read_register(key, register)).collect()
    }

    /// One register and its length as stored.
    async fn register(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        id: SheetId,
        key: &Key,
    ) -> Result<Option<(Register, i64)>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT register FROM sheet_registers WHERE sheet_id = ? AND key = ?")
                .bind(id.to_string())
                .bind(key.as_str())
                .fetch_optional(&mut **transaction)
                .await
                .map_err(|error| self.failed(error))?;
        let read = |(json,): (String,)| Ok((self.read_register(key.as_str(), &json)?.1, signed(json.len())));
        row.map(read).transpose()
    }

    async fn write_register(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        id: SheetId,
        key: &Key,
        seq: i64,
        json: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sheet_registers (sheet_id, key, seq, register) VALUES (?, ?, ?, ?)
             ON CONFLICT (sheet_id, key) DO UPDATE SET seq = excluded.seq, register = excluded.register",
        )
        .bind(id.to_string())
        .bind(key.as_str())
        .bind(seq)
        .bind(json)
        .execute(&mut **transaction)
        .await
        .map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Refuses growth beyond the limit; a sheet that is full can still be changed within its size.
    async fn check_weight(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        id: SheetId,
        grown: i64,
        bytes: i64,
        limit: Weight,
    ) -> Result<(), StoreError> {
        let pictures: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(length(bytes)), 0) FROM sheet_pictures WHERE sheet_id = ?",
        )
        .bind(id.to_string())
        .fetch_one(&mut **transaction)
        .await
        .map_err(|error| self.failed(error))?;
        let too_heavy = (bytes - pictures).unsigned_abs() > limit.bytes;
        let too_many = if grown > 0 {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM sheet_registers WHERE sheet_id = ?")
                .bind(id.to_string())
                .fetch_one(&mut **transaction)
                .await
                .map_err(|error| self.failed(error))?;
            count as usize > limit.count
        } else {
            false
        };
        if too_heavy || too_many { Err(StoreError::Full { what: Entity::Sheet }) } else { Ok(()) }
    }

    fn read_register(&self, key: &str, json: &str) -> Result<(Key, Register), StoreError> {
        let register = serde_json::from_str(json)
            .map_err(|error| self.corrupted(&format_args!("register {key} of a sheet: {error}")))?;
        Ok((key.parse().map_err(|error| self.corrupted(&error))?, register))
    }

    fn read_sheet(&self, row: &SqliteRow) -> Result<SheetRecord, StoreError> {
        let row = SheetRow::from_row(row).map_err(|error| self.failed(error))?;
        Ok(SheetRecord {
            id: row.id.parse().map_err(|error| self.corrupted(&error))?,
            lesson: row.lesson_id.parse().map_err(|error| self.corrupted(&error))?,
            lesson_title: row.lesson_title,
            created_at: UnixMillis::clamped(row.created_at),
            changed_at: UnixMillis::clamped(row.changed_at),
            seq: row.seq.unsigned_abs(),
            bytes: row.bytes.unsigned_abs(),
        })
    }
}

/// A length as `SQLite` counts.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
