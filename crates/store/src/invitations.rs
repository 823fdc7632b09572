//! Invitation links.

use crate::{Entity, Store, StoreError, TokenHash};
use domain::{Invitation, InvitationId, LessonId, UnixMillis};
use sqlx::{FromRow, sqlite::SqliteRow};

#[derive(FromRow)]
struct InvitationRow {
    id: String,
    lesson_id: Option<String>,
    role: String,
    label: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl Store {
    /// Stores a new invitation and the hash of its token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when id or token exist, or the lesson does not.
    pub async fn insert_invitation(
        &self,
        invitation: &Invitation,
        token: TokenHash,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO invitations (id, token_hash, lesson_id, role, label, created_at, expires_at, revoked_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(invitation.id.to_string())
        .bind(&token.0[..])
        .bind(invitation.lesson.map(String::from))
        .bind(invitation.role.as_str())
        .bind(&invitation.label)
        .bind(invitation.created_at.get())
        .bind(invitation.expires_at.map(UnixMillis::get))
        .bind(invitation.revoked_at.map(UnixMillis::get))
        .execute(&self.writer)
        .await
        .map_err(|error| self.failed(error).or_conflict(Entity::Invitation))?;
        Ok(())
    }

    /// One invitation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn invitation(&self, id: InvitationId) -> Result<Invitation, StoreError> {
        let row = sqlx::query("SELECT * FROM invitations WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        self.read_invitation(&row.ok_or(StoreError::NotFound { what: Entity::Invitation })?)
    }

    /// The invitations of a lesson, or (`None`) those to the whole server; oldest first, revoked ones too.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn invitations(&self, lesson: Option<LessonId>) -> Result<Vec<Invitation>, StoreError> {
        let rows = sqlx::query("SELECT * FROM invitations WHERE lesson_id IS ? ORDER BY created_at, id")
            .bind(lesson.map(String::from))
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(|row| self.read_invitation(row)).collect()
    }

    /// The invitation a token belongs to, also when it is revoked or expired; `None` when there is none.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn invitation_by_token(&self, token: TokenHash) -> Result<Option<Invitation>, StoreError> {
        let row = sqlx::query("SELECT * FROM invitations WHERE token_hash = ?")
            .bind(&token.0[..])
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        row.map(|row| self.read_invitation(&row)).transpose()
    }

    /// Withdraws an invitation and returns it. Doing it twice is fine; the first time counts.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_invitation(
        &self,
        id: InvitationId,
        now: UnixMillis,
    ) -> Result<Invitation, StoreError> {
        let row = sqlx::query(
            "UPDATE invitations SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING *",
        )
        .bind(now.get())
        .bind(id.to_string())
        .fetch_optional(&self.writer)
        .await
        .map_err(|error| self.failed(error))?;
        self.read_invitation(&row.ok_or(StoreError::NotFound { what: Entity::Invitation })?)
    }

    /// How many organiser links to the whole server work at `now`. Zero means that nobody can get in: the
    /// first start, or the last link was revoked; the server then makes one and prints it.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn organiser_invitations(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM invitations
             WHERE role = 'organiser' AND lesson_id IS NULL AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > ?)",
        )
        .bind(now.get())
        .fetch_one(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        Ok(count.unsigned_abs())
    }

    fn read_invitation(&self, row: &SqliteRow) -> Result<Invitation, StoreError> {
        let row = InvitationRow::from_row(row).map_err(|error| self.failed(error))?;
        Ok(Invitation {
            id: row.id.parse().map_err(|error| self.corrupted(&error))?,
            lesson: row.lesson_id.map(|id| id.parse()).transpose().map_err(|error| self.corrupted(&error))?,
            role: row.role.parse().map_err(|error| self.corrupted(&error))?,
            label: row.label,
            created_at: UnixMillis::clamped(row.created_at),
            expires_at: row.expires_at.map(UnixMillis::clamped),
            revoked_at: row.revoked_at.map(UnixMillis::clamped),
        })
    }
}
