//! The links of helpers' phones.

use crate::{Entity, Store, StoreError, TokenHash};
use domain::{HELPERS_PER_PLACE_MAX, HelperId, HelperLink, PlaceId, UnixMillis};
use sqlx::{FromRow, sqlite::SqliteRow};

#[derive(FromRow)]
struct HelperRow {
    id: String,
    place_id: String,
    label: Option<String>,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl Store {
    /// Stores the link of a phone and the hash of its token. A ninth phone of a place ([`HELPERS_PER_PLACE_MAX`])
    /// withdraws the one that came first; these come back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the place does not exist; [`StoreError::Conflict`] when id or token do.
    pub async fn insert_helper(
        &self,
        link: &HelperLink,
        token: TokenHash,
    ) -> Result<Vec<HelperId>, StoreError> {
        let mut transaction = self.begin().await?;
        self.place_in(&mut transaction, link.place).await?;
        let withdrawn: Vec<String> = sqlx::query_scalar(
            "UPDATE helpers SET revoked_at = ?1
             WHERE id IN (
                 SELECT id FROM helpers
                 WHERE place_id = ?2 AND revoked_at IS NULL AND expires_at > ?1
                 ORDER BY created_at DESC, id
                 LIMIT -1 OFFSET ?3)
             RETURNING id",
        )
        .bind(link.created_at.get())
        .bind(link.place.to_string())
        .bind(i64::from(HELPERS_PER_PLACE_MAX) - 1)
        .fetch_all(&mut *transaction)
        .await
        .map_err(|error| self.failed(error))?;
        sqlx::query(
            "INSERT INTO helpers (id, token_hash, place_id, label, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(link.id.to_string())
        .bind(&token.0[..])
        .bind(link.place.to_string())
        .bind(&link.label)
        .bind(link.created_at.get())
        .bind(link.expires_at.get())
        .execute(&mut *transaction)
        .await
        .map_err(|error| self.failed(error).or_conflict(Entity::Token))?;
        self.commit(transaction).await?;
        withdrawn.iter().map(|id| id.parse().map_err(|error| self.corrupted(&error))).collect()
    }

    /// The phones of a place, newest first, those that no longer work too.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn helpers(&self, place: PlaceId) -> Result<Vec<HelperLink>, StoreError> {
        let rows = sqlx::query("SELECT * FROM helpers WHERE place_id = ? ORDER BY created_at DESC, id")
            .bind(place.to_string())
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(|row| self.read_helper(row)).collect()
    }

    /// One phone's link.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn helper(&self, id: HelperId) -> Result<HelperLink, StoreError> {
        let row = sqlx::query("SELECT * FROM helpers WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        self.read_helper(&row.ok_or(StoreError::NotFound { what: Entity::Helper })?)
    }

    /// The phone a token belongs to, also when it no longer works; `None` when there is none.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn helper_by_token(&self, token: TokenHash) -> Result<Option<HelperLink>, StoreError> {
        let row = sqlx::query("SELECT * FROM helpers WHERE token_hash = ?")
            .bind(&token.0[..])
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        row.map(|row| self.read_helper(&row)).transpose()
    }

    /// Withdraws a phone's link. Doing it twice is fine; the first time counts.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_helper(&self, id: HelperId, now: UnixMillis) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE helpers SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?")
            .bind(now.get())
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Helper }) }
    }

    fn read_helper(&self, row: &SqliteRow) -> Result<HelperLink, StoreError> {
        let row = HelperRow::from_row(row).map_err(|error| self.failed(error))?;
        Ok(HelperLink {
            id: row.id.parse().map_err(|error| self.corrupted(&error))?,
            place: row.place_id.parse().map_err(|error| self.corrupted(&error))?,
            label: row.label,
            created_at: UnixMillis::clamped(row.created_at),
            expires_at: UnixMillis::clamped(row.expires_at),
            revoked_at: row.revoked_at.map(UnixMillis::clamped),
        })
    }
}
