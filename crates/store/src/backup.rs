//! Copies of the whole database, and putting one back, while the server goes on.
//!
//! A copy is made by a connection of its own, so a lesson's writes do not wait for it. Putting a copy back replaces the
//! content of every table in one transaction: a running server sees either everything as it was or everything as it
//! is in the copy, and finds out by [`Store::restored`] that it has to read everything anew. What was there before is
//! kept in a copy of its own.

use crate::{BUSY_TIMEOUT, Entity, Store, StoreError, check_health, connect_options};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tracing::info;

/// The setting that changes with every copy that is put back.
const RESTORED: &str = "restored";

impl Store {
    /// Writes a consistent copy to `target` while lessons go on, compacted; see [`copy`].
    ///
    /// # Errors
    /// As [`copy`].
    pub async fn backup_to(&self, target: impl AsRef<Path>) -> Result<(), StoreError> {
        copy(&self.path, target).await
    }

    /// A value that changes when somebody puts a copy back.
    ///
    /// # Errors
    /// Only failures of the database.
    pub async fn restored(&self) -> Result<Option<String>, StoreError> {
        self.setting(RESTORED).await
    }
}

/// Writes a consistent copy of the database `path` to `target`, whether or not a server has it open, compacted. The copy
/// appears under its name only when it is whole. Blocks its thread for the final `fsync`.
///
/// # Errors
/// [`StoreError::Conflict`] when `target` exists; [`StoreError::DiskFull`] naming `target`; [`StoreError::Corrupted`].
pub async fn copy(path: &Path, target: impl AsRef<Path>) -> Result<(), StoreError> {
    let target = target.as_ref();
    if target.exists() {
        return Err(StoreError::Conflict { what: Entity::BackupFile });
    }
    let partial = beside(target, "partial");
    let io_failed = |error: io::Error| StoreError::cannot_open(target, &error);
    remove(&partial).map_err(io_failed)?;
    let written = vacuum_into(path, &partial).await;
    if let Err(error) = written {
        // Half a copy is worth nothing; if it cannot be removed, the next backup tries again.
        let _ = fs::remove_file(&partial);
        // What is wrong may be the source (damaged) or the target (no room, no rights).
        let at = if is_damage(&error) { path } else { target };
        return Err(StoreError::from_sqlx(at, error));
    }
    fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io_failed)?;
    fs::rename(&partial, target).map_err(io_failed)?;
    info!("database copied to a backup file");
    Ok(())
}

/// Puts the copy `from` back into the database `path`, whether or not a server has it open. Returns the file in which what
/// was there before is kept; `None` when there was nothing.
///
/// # Errors
/// [`StoreError::Corrupted`], [`StoreError::FromNewerVersion`] or [`StoreError::CannotOpen`] naming `from`, and nothing has
/// changed; [`StoreError::VersionMismatch`] when the database is an older or newer program's.
pub async fn restore(path: &Path, from: &Path, kept_as: &str) -> Result<Option<PathBuf>, StoreError> {
    if !from.is_file() {
        let missing = io::Error::new(io::ErrorKind::NotFound, "no such file");
        return Err(StoreError::cannot_open(from, &missing));
    }
    // A copy of the copy: it is brought to this version, and the original stays as it is.
    let fresh = beside(path, "restoring");
    let io_failed = |error: io::Error| StoreError::cannot_open(&fresh, &error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(io_failed)?;
    }
    remove_database(&fresh).map_err(io_failed)?;
    let done = prepare(from, &fresh).await;
    let done = match done {
        Ok(()) if path.exists() => replace(path, &fresh, kept_as).await.map(Some),
        Ok(()) => fs::rename(&fresh, path).map(|()| None).map_err(io_failed),
        Err(error) => Err(error),
    };
    // If it cannot be removed, the next time does.
    let _ = remove_database(&fresh);
    if done.is_ok() {
        info!("database restored from a backup file");
    }
    done
}

/// Copies `from` to `fresh`, checks it and brings it to this version.
async fn prepare(from: &Path, fresh: &Path) -> Result<(), StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(SqliteConnectOptions::new().filename(from).read_only(true).busy_timeout(BUSY_TIMEOUT))
        .await
        .map_err(|error| StoreError::from_sqlx(from, error))?;
    let healthy = check_health(from, &pool).await;
    let ours: Result<Option<i64>, _> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&pool).await;
    pool.close().await;
    healthy?;
    if let Err(error) = ours {
        return Err(StoreError::Corrupted { path: from.to_path_buf(), detail: error.to_string() });
    }
    vacuum_into(from, fresh).await.map_err(|error| StoreError::from_sqlx(from, error))?;
    let store = Store::open(fresh).await.map_err(|error| error.about(from))?;
    store.close().await;
    Ok(())
}

/// Puts the content of `fresh` into the tables of `path`.
async fn replace(path: &Path, fresh: &Path, kept_as: &str) -> Result<PathBuf, StoreError> {
    let kept = beside(path, kept_as);
    copy(path, &kept).await?;
    let failed = |error| StoreError::from_sqlx(path, error);
    // Foreign keys are off: tables are emptied and filled one by one, and the copy holds together as a whole.
    let mut connection = connect_options(path).foreign_keys(false).connect().await.map_err(failed)?;
    sqlx::query("ATTACH DATABASE ? AS copy")
        .bind(fresh.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    let version = "SELECT max(version) FROM";
    let versions: (Option<i64>, Option<i64>) = (
        scalar(&mut connection, &format!("{version} main._sqlx_migrations")).await.map_err(failed)?,
        scalar(&mut connection, &format!("{version} copy._sqlx_migrations")).await.map_err(failed)?,
    );
    if versions.0 != versions.1 {
        return Err(StoreError::VersionMismatch {
            path: path.to_path_buf(),
            found: versions.0,
            expected: versions.1,
        });
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // Triggers guard logs against everybody else; here the whole log is exchanged.
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger'")
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM main.sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(failed)?;
    let mut statements: Vec<String> =
        triggers.iter().map(|(name, _)| format!("DROP TRIGGER main.{}", quoted(name))).collect();
    for table in &tables {
        let table = quoted(table);
        statements.push(format!("DELETE FROM main.{table}"));
        statements.push(format!("INSERT INTO main.{table} SELECT * FROM copy.{table}"));
    }
    statements.extend(triggers.into_iter().map(|(_, sql)| sql));
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await.map_err(failed)?;
    }
    sqlx::query(
        "INSERT INTO main.settings (key, value) VALUES (?, hex(randomblob(16)))
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(RESTORED)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    Ok(kept)
}

async fn scalar(connection: &mut SqliteConnection, sql: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await
}

async fn vacuum_into(path: &Path, target: &Path) -> Result<(), sqlx::Error> {
    // A connection of its own: a backup of a big file must not keep a lesson's writes waiting.
    let mut connection = connect_options(path).create_if_missing(false).connect().await?;
    let target = target.to_string_lossy().into_owned();
    let copied = sqlx::query("VACUUM INTO ?").bind(target).execute(&mut connection).await;
    connection.close().await?;
    copied.map(drop)
}

fn is_damage(error: &sqlx::Error) -> bool {
    let message = error.as_database_error().map(sqlx::error::DatabaseError::message);
    message.is_some_and(|message| message.contains("malformed") || message.contains("not a database"))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `path` with `.suffix` behind its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A database with its write-ahead log and shared memory.
fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        remove(Path::new(&name))?;
    }
    Ok(())
}
