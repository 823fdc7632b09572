//! Lessons, places, invitations, observers' notes and settings in one embedded `SQLite` file.
//!
//! The store keeps what must survive a restart and judges nothing: rules live in `domain`. Tokens arrive as
//! SHA-256 hashes, so the file, its backups and its logs open no door.
//!
//! # How it is kept safe
//! - **WAL** journal: readers never wait for a writer, and a killed process loses nothing it acknowledged.
//! - **`synchronous = FULL`**: what was acknowledged also survives a power cut, which rural schools know
//!   well. It costs one `fsync` a transaction; lessons write a few a second, and [`Store::save_lesson`]
//!   takes all events of one command together.
//! - **One writing connection**, so writers queue in order instead of failing with "database is locked";
//!   reading connections cannot write. Another program that has the file open is waited for
//!   [`BUSY_TIMEOUT`].
//! - **Foreign keys on**, `STRICT` tables, an append-only event log held by triggers.
//! - The file is checked when it is opened, so damage is found before a lesson, not in it.

mod attendance;
mod backup;
mod checks;
mod error;
mod helpers;
mod invitations;
mod lessons;
mod notes;
mod participation;
mod places;
mod settings;
mod token;
mod units;

pub use self::notes::{
    Comment, LessonNotes, Merged, PictureInfo, SheetRecord, StoredForm, StoredMinutes, TimelineDoor, Weight,
};
pub use backup::{copy, restore};
pub use error::{Entity, StoreError};
pub use lessons::LoggedEvent;
pub use participation::WorkPicture;
pub use places::SCREENS_PER_PLACE_MAX;
pub use token::{Credential, TokenHash};

use sqlx::{
    Connection, Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tracing::debug;

/// How long a statement waits while another program holds the file.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const READERS: u32 = 4;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The database. Cheap to clone; all clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    path: Arc<Path>,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the file, creates it (and its folder) when it does not exist, and brings it to this version.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] when it is damaged or no database, [`StoreError::FromNewerVersion`] when a newer
    /// program wrote it, [`StoreError::CannotOpen`], [`StoreError::DiskFull`], [`StoreError::ReadOnly`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path: Arc<Path> = path.as_ref().into();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| StoreError::cannot_open(&path, &error))?;
        }
        let options = connect_options(&path);
        // A connection is opened for ever: `SQLite` has no server that could drop it.
        let pool =
            || SqlitePoolOptions::new().idle_timeout(None).max_lifetime(None).test_before_acquire(false);
        let failed = |error| StoreError::from_sqlx(&path, error);
        // SQLite itself rolls back when the disk is full (https://www.sqlite.org/lang_transaction.html); sqlx then
        // believes for ever that a transaction is open. Such a connection is replaced, or one full disk would
        // end all writing until a restart.
        let writer = pool().max_connections(1).after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        });
        let writer = writer.connect_with(options.clone().create_if_missing(true)).await.map_err(failed)?;
        check_health(&path, &writer).await?;
        MIGRATIONS.run(&writer).await.map_err(|error| match error {
            MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => {
                StoreError::FromNewerVersion { path: path.to_path_buf(), version }
            }
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
            other => failed(sqlx::Error::Migrate(Box::new(other))),
        })?;
        let read_only = options.pragma("query_only", "ON");
        let readers = pool().max_connections(READERS).connect_with(read_only).await.map_err(failed)?;
        debug!("database is open");
        Ok(Self { path, writer, readers })
    }

    /// Looks whether [`Store::open`] would take a file, and changes nothing in it; also while a server uses it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn examine(path: &Path) -> Result<(), StoreError> {
        let failed = |error| StoreError::from_sqlx(path, error);
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(failed)?;
        check_health(path, &pool).await?;
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&pool)
            .await
            .map_err(failed)?;
        pool.close().await;
        match newest.filter(|newest| !MIGRATIONS.version_exists(*newest)) {
            Some(version) => Err(StoreError::FromNewerVersion { path: path.to_path_buf(), version }),
            None => Ok(()),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file can be read and written right now; for the readiness probe.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM lessons LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        let transaction = self.begin().await?;
        transaction.rollback().await.map_err(|error| self.failed(error))
    }

    /// Finishes what is being written, folds the write-ahead log into the file and closes it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a writing transaction. Dropped without a commit it changes nothing.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        // IMMEDIATE: a lock that cannot be had fails here, not half-way through.
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.failed(error))
    }

    async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::from_sqlx(&self.path, error)
    }

    /// A row that this program cannot have written.
    fn corrupted(&self, detail: &impl ToString) -> StoreError {
        StoreError::Corrupted { path: self.path.to_path_buf(), detail: detail.to_string() }
    }
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
}

/// Finds damage before a lesson does. A school's file is a few megabytes: this takes milliseconds.
async fn check_health(path: &Path, pool: &SqlitePool) -> Result<(), StoreError> {
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(pool)
        .await
        .map_err(|error| StoreError::from_sqlx(path, error))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Corrupted { path: path.to_path_buf(), detail: verdict })
    }
}

#[cfg(test)]
mod tests;
