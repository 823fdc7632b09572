//! Places and their permanent links.

use crate::{Entity, Store, StoreError, TokenHash};
use domain::{Place, PlaceId, Unit, UnixMillis};
use sqlx::{FromRow, Sqlite, Transaction, sqlite::SqliteRow};

/// How many screens paired by code a place keeps; pairing another forgets the oldest.
pub const SCREENS_PER_PLACE_MAX: u32 = 8;

#[derive(FromRow)]
struct PlaceRow {
    id: String,
    name: String,
    unit_id: Option<String>,
    created_at: i64,
}

impl Store {
    /// Stores a new place and the hash of its link's token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when id or token exist.
    pub async fn insert_place(&self, place: &Place, link: TokenHash) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.insert_place_in(&mut transaction, place, link).await?;
        self.commit(transaction).await
    }

    /// Stores what an import brings, all or nothing: new units in an order in which parents come first, new places
    /// with the hashes of their links' tokens, and places with another name or unit.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when an id or token exists; [`StoreError::NotFound`] for a changed place that was deleted
    /// meanwhile.
    pub async fn import(
        &self,
        units: &[Unit],
        new: &[(Place, TokenHash)],
        changed: &[Place],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for unit in units {
            self.put_unit_in(&mut transaction, unit).await?;
        }
        for (place, link) in new {
            self.insert_place_in(&mut transaction, place, *link).await?;
        }
        for place in changed {
            self.update_place_in(&mut transaction, place).await?;
        }
        self.commit(transaction).await
    }

    async fn insert_place_in(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        place: &Place,
        link: TokenHash,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO places (id, name, unit_id, created_at) VALUES (?, ?, ?, ?)")
            .bind(place.id.to_string())
            .bind(&place.name)
            .bind(place.unit.map(String::from))
            .bind(place.created_at.get())
            .execute(&mut **transaction)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Place))?;
        self.insert_token(transaction, place.id, link, "link", place.created_at).await
    }

    /// One place.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn place(&self, id: PlaceId) -> Result<Place, StoreError> {
        let row = sqlx::query("SELECT * FROM places WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        self.read_place(&row.ok_or(StoreError::NotFound { what: Entity::Place })?)
    }

    /// All places, oldest first. (Sorting by name is the page's work: it knows Vietnamese collation.)
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn places(&self) -> Result<Vec<Place>, StoreError> {
        let rows = sqlx::query("SELECT * FROM places ORDER BY created_at, id")
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(|row| self.read_place(row)).collect()
    }

    /// Stores a changed name or unit.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when the unit does not exist.
    pub async fn update_place(&self, place: &Place) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.update_place_in(&mut transaction, place).await?;
        self.commit(transaction).await
    }

    async fn update_place_in(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        place: &Place,
    ) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE places SET name = ?, unit_id = ? WHERE id = ?")
            .bind(&place.name)
            .bind(place.unit.map(String::from))
            .bind(place.id.to_string())
            .execute(&mut **transaction)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Unit))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Place }) }
    }

    /// Removes a place, its link and its screens' tokens; lessons forget that it was invited.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_place(&self, id: PlaceId) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM places WHERE id = ?")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Place }) }
    }

    /// Gives a place a new link. The old link, *every paired screen's token and every helper's phone* stop working: an
    /// organiser presses this when something leaked, and cannot know which of them it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when the token exists.
    pub async fn rotate_place_link(
        &self,
        id: PlaceId,
        link: TokenHash,
        now: UnixMillis,
    ) -> Result<Place, StoreError> {
        let mut transaction = self.begin().await?;
        let place = self.place_in(&mut transaction, id).await?;
        sqlx::query("UPDATE place_tokens SET revoked_at = ? WHERE place_id = ? AND revoked_at IS NULL")
            .bind(now.get())
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        sqlx::query("UPDATE helpers SET revoked_at = ? WHERE place_id = ? AND revoked_at IS NULL")
            .bind(now.get())
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        self.insert_token(&mut transaction, id, link, "link", now).await?;
        self.commit(transaction).await?;
        Ok(place)
    }

    /// Stores the token of a screen that was paired by code, beside the place's link.
    ///
    /// A ninth screen ([`SCREENS_PER_PLACE_MAX`]) withdraws the token of the one paired first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when the token exists.
    pub async fn add_place_screen(
        &self,
        id: PlaceId,
        token: TokenHash,
        now: UnixMillis,
    ) -> Result<Place, StoreError> {
        let mut transaction = self.begin().await?;
        let place = self.place_in(&mut transaction, id).await?;
        sqlx::query(
            "UPDATE place_tokens SET revoked_at = ?1
             WHERE token_hash IN (
                 SELECT token_hash FROM place_tokens
                 WHERE place_id = ?2 AND kind = 'screen' AND revoked_at IS NULL
                 ORDER BY created_at DESC, token_hash
                 LIMIT -1 OFFSET ?3)",
        )
        .bind(now.get())
        .bind(id.to_string())
        .bind(i64::from(SCREENS_PER_PLACE_MAX) - 1)
        .execute(&mut *transaction)
        .await
        .map_err(|error| self.failed(error))?;
        self.insert_token(&mut transaction, id, token, "screen", now).await?;
        self.commit(transaction).await?;
        Ok(place)
    }

    /// The place a working token belongs to, link or paired screen; `None` for a withdrawn or foreign one.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn place_by_token(&self, token: TokenHash) -> Result<Option<Place>, StoreError> {
        let found = self.place_of_any_token(token).await?;
        Ok(found.and_then(|(place, revoked_at)| revoked_at.is_none().then_some(place)))
    }

    /// The place a token belongs or belonged to, and when it was withdrawn.
    pub(crate) async fn place_of_any_token(
        &self,
        token: TokenHash,
    ) -> Result<Option<(Place, Option<UnixMillis>)>, StoreError> {
        let row = sqlx::query(
            "SELECT places.*, revoked_at FROM place_tokens JOIN places ON places.id = place_id WHERE token_hash = ?",
        )
        .bind(&token.0[..])
        .fetch_optional(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        let Some(row) = row else { return Ok(None) };
        let revoked_at: Option<i64> =
            sqlx::Row::try_get(&row, "revoked_at").map_err(|error| self.failed(error))?;
        Ok(Some((self.read_place(&row)?, revoked_at.map(UnixMillis::clamped))))
    }

    pub(crate) async fn place_in(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        id: PlaceId,
    ) -> Result<Place, StoreError> {
        let row = sqlx::query("SELECT * FROM places WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut **transaction)
            .await
            .map_err(|error| self.failed(error))?;
        self.read_place(&row.ok_or(StoreError::NotFound { what: Entity::Place })?)
    }

    async fn insert_token(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        place: PlaceId,
        token: TokenHash,
        kind: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO place_tokens (token_hash, place_id, kind, created_at) VALUES (?, ?, ?, ?)")
            .bind(&token.0[..])
            .bind(place.to_string())
            .bind(kind)
            .bind(now.get())
            .execute(&mut **transaction)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Token))?;
        Ok(())
    }

    fn read_place(&self, row: &SqliteRow) -> Result<Place, StoreError> {
        let row = PlaceRow::from_row(row).map_err(|error| self.failed(error))?;
        Ok(Place {
            id: row.id.parse().map_err(|error| self.corrupted(&error))?,
            name: row.name,
            unit: row.unit_id.map(|id| id.parse()).transpose().map_err(|error| self.corrupted(&error))?,
            created_at: UnixMillis::clamped(row.created_at),
        })
    }
}
