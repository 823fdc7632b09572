//! Observation forms that organisers made. Versions never change.

use crate::{Entity, Store, StoreError};
use domain::UnixMillis;
use notes::{Form, FormRef};

/// A form as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredForm {
    /// The form.
    pub form: Form,
    /// Since when it is no longer offered for new sheets.
    pub retired_at: Option<UnixMillis>,
}

impl Store {
    /// Stores `form` as the next version of its id, whatever version it carries, and gives it back with that
    /// version. A retired form is offered again. `first` is the version of a form that is not here yet: 2 for a form
    /// that every server brings as version 1.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn insert_form(&self, mut form: Form, first: u32, now: UnixMillis) -> Result<Form, StoreError> {
        let mut transaction = self.begin().await?;
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM forms WHERE id = ?")
            .bind(&form.id)
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        form.version = newest.map_or(first, |newest| u32::try_from(newest + 1).unwrap_or(u32::MAX));
        let body = serde_json::to_string(&form).map_err(|error| self.corrupted(&error))?;
        sqlx::query("INSERT INTO forms (id, version, created_at, body) VALUES (?, ?, ?, ?)")
            .bind(&form.id)
            .bind(i64::from(form.version))
            .bind(now.get())
            .bind(body)
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Form))?;
        sqlx::query("UPDATE forms SET retired_at = NULL WHERE id = ?")
            .bind(&form.id)
            .execute(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        self.commit(transaction).await?;
        Ok(form)
    }

    /// The newest version of every form, by title.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for a form this program cannot read.
    pub async fn forms(&self) -> Result<Vec<StoredForm>, StoreError> {
        let rows: Vec<(String, Option<i64>)> = sqlx::query_as(
            "SELECT body, retired_at FROM forms AS one
             WHERE version = (SELECT max(version) FROM forms WHERE id = one.id)",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(|error| self.failed(error))?;
        let read = |(body, retired_at): (String, Option<i64>)| {
            Ok(StoredForm { form: self.read_form(&body)?, retired_at: retired_at.map(UnixMillis::clamped) })
        };
        let mut forms: Vec<StoredForm> = rows.into_iter().map(read).collect::<Result<_, StoreError>>()?;
        forms.sort_by(|one, other| one.form.title.cmp(&other.form.title));
        Ok(forms)
    }

    /// One version of a form.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn form(&self, wanted: &FormRef) -> Result<Form, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM forms WHERE id = ? AND version = ?")
            .bind(&wanted.id)
            .bind(i64::from(wanted.version))
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        self.read_form(&body.ok_or(StoreError::NotFound { what: Entity::Form })?)
    }

    /// Offers a form no longer; sheets that are on it keep it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn retire_form(&self, id: &str, now: UnixMillis) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE forms SET retired_at = coalesce(retired_at, ?) WHERE id = ?")
            .bind(now.get())
            .bind(id)
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error))?;
        if done.rows_affected() > 0 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Form }) }
    }

    fn read_form(&self, body: &str) -> Result<Form, StoreError> {
        serde_json::from_str(body).map_err(|error| self.corrupted(&format_args!("a form: {error}")))
    }
}
