//! Units above places, and partnerships.

use crate::{Entity, Store, StoreError};
use domain::{Unit, UnitId, Units};
use sqlx::{Sqlite, Transaction};

impl Store {
    /// All units and partnerships.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn units(&self) -> Result<Units, StoreError> {
        let mut transaction = self.readers.begin().await.map_err(|error| self.failed(error))?;
        let rows: Vec<(String, Option<String>, String, String)> =
            sqlx::query_as("SELECT id, parent, level, name FROM units")
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| self.failed(error))?;
        let pairs: Vec<(String, String)> = sqlx::query_as("SELECT one, other FROM partners")
            .fetch_all(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        let id = |text: &str| text.parse::<UnitId>().map_err(|error| self.corrupted(&error));
        let mut units = Vec::with_capacity(rows.len());
        for (unit, parent, level, name) in rows {
            units.push(Unit { id: id(&unit)?, parent: parent.as_deref().map(id).transpose()?, level, name });
        }
        let partners = pairs.iter().map(|(one, other)| Ok((id(one)?, id(other)?)));
        Ok(Units::new(units, partners.collect::<Result<Vec<_>, StoreError>>()?))
    }

    /// Stores a new or changed unit.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its parent does not exist.
    pub async fn put_unit(&self, unit: &Unit) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.put_unit_in(&mut transaction, unit).await?;
        self.commit(transaction).await
    }

    pub(crate) async fn put_unit_in(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        unit: &Unit,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO units (id, parent, level, name) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, level = excluded.level, name = excluded.name",
        )
        .bind(unit.id.to_string())
        .bind(unit.parent.map(String::from))
        .bind(&unit.level)
        .bind(&unit.name)
        .execute(&mut **transaction)
        .await
        .map_err(|error| self.failed(error).or_conflict(Entity::Unit))?;
        Ok(())
    }

    /// Removes a unit with its partnerships.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] while units belong to it.
    pub async fn delete_unit(&self, id: UnitId) -> Result<(), StoreError> {
        let done = sqlx::query("DELETE FROM units WHERE id = ?")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Unit))?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: Entity::Unit }) }
    }

    /// Stores a partnership, the smaller id first, or ends it. Doing it twice is fine.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a unit does not exist.
    pub async fn set_partners(&self, pair: (UnitId, UnitId), partners: bool) -> Result<(), StoreError> {
        let sql = if partners {
            "INSERT INTO partners (one, other) VALUES (?, ?) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM partners WHERE one = ? AND other = ?"
        };
        sqlx::query(sql)
            .bind(pair.0.to_string())
            .bind(pair.1.to_string())
            .execute(&self.writer)
            .await
            .map_err(|error| self.failed(error).or_conflict(Entity::Unit))?;
        Ok(())
    }
}
