//! What can go wrong with the database, told apart where somebody acts on it.

use sqlx::error::{DatabaseError, ErrorKind};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// A kind of thing the store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A lesson.
    Lesson,
    /// A place.
    Place,
    /// An invitation.
    Invitation,
    /// A unit above places.
    Unit,
    /// A helper's phone.
    Helper,
    /// A photo of a pupil's work.
    Work,
    /// A token of a place or helper.
    Token,
    /// A file a backup should be written to.
    BackupFile,
    /// An observer's sheet.
    Sheet,
    /// A picture on a sheet.
    Picture,
    /// A version of an observation form.
    Form,
    /// A comment on the shared timeline.
    Comment,
    /// The minutes of a lesson.
    Minutes,
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Entity::Lesson => "lesson",
            Entity::Place => "place",
            Entity::Invitation => "invitation",
            Entity::Unit => "unit",
            Entity::Helper => "helper",
            Entity::Work => "pupil's work",
            Entity::Token => "token",
            Entity::BackupFile => "backup file",
            Entity::Sheet => "sheet",
            Entity::Picture => "picture",
            Entity::Form => "form",
            Entity::Comment => "comment",
            Entity::Minutes => "minutes",
        })
    }
}

/// A failed call to the store. A failed write has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such thing.
    #[error("no such {what}")]
    NotFound {
        /// What was looked for.
        what: Entity,
    },
    /// It exists already, or refers to something that does not.
    #[error("the {what} conflicts with what is stored")]
    Conflict {
        /// What was to be stored.
        what: Entity,
    },
    /// There is as much of it as there may be.
    #[error("no more room for this {what}")]
    Full {
        /// What there is too much of.
        what: Entity,
    },
    /// No room on the disk.
    #[error("no space left on the disk that holds {}; free some and try again", path.display())]
    DiskFull {
        /// The database file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{} cannot be written; check the owner and rights of the file and its folder", path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },
    /// The file is damaged, or is no database.
    #[error(
        "{} is damaged or is not a Nhịp Cầu database ({detail}); restore a backup, or move the file away to start empty",
        path.display()
    )]
    Corrupted {
        /// The database file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file was written by a newer version of the program.
    #[error("{} was written by a newer version (it has migration {version}); install that version", path.display())]
    FromNewerVersion {
        /// The database file.
        path: PathBuf,
        /// A migration this program does not know.
        version: i64,
    },
    /// The database and a copy that should be put into it are of different versions of the program.
    #[error(
        "{} is at migration {found:?}, the copy at {expected:?}; stop the server, start this version once, then restore",
        path.display()
    )]
    VersionMismatch {
        /// The database file.
        path: PathBuf,
        /// Its newest migration.
        found: Option<i64>,
        /// The copy's, after it was brought to this version.
        expected: Option<i64>,
    },
    /// The file or its folder cannot be opened or created.
    #[error("cannot open {}: {detail}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// Everything else: our fault, or the machine's.
    #[error("database {}: {source}", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What happened.
        source: sqlx::Error,
    },
}

impl StoreError {
    pub(crate) fn cannot_open(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path },
            _ => StoreError::CannotOpen { path, detail: error.to_string() },
        }
    }

    /// Sorts a failure of `SQLite` by its primary result code (<https://www.sqlite.org/rescode.html>).
    pub(crate) fn from_sqlx(path: &Path, error: sqlx::Error) -> Self {
        let path = path.to_path_buf();
        let database = error.as_database_error();
        let code = database.and_then(DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
        match code.map(|code| code & 0xff) {
            Some(SQLITE_FULL) => StoreError::DiskFull { path },
            Some(SQLITE_READONLY) => StoreError::ReadOnly { path },
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => StoreError::Corrupted { path, detail: message(&error) },
            Some(SQLITE_CANTOPEN | SQLITE_PERM) => StoreError::CannotOpen { path, detail: message(&error) },
            _ => StoreError::Database { path, source: error },
        }
    }

    /// The same failure of another file: the one a person named, not our copy of it.
    pub(crate) fn about(self, named: &Path) -> Self {
        let path = named.to_path_buf();
        match self {
            StoreError::Corrupted { detail, .. } => StoreError::Corrupted { path, detail },
            StoreError::FromNewerVersion { version, .. } => StoreError::FromNewerVersion { path, version },
            other => other,
        }
    }

    /// Turns a broken rule of the tables into a conflict over `what`.
    pub(crate) fn or_conflict(self, what: Entity) -> Self {
        match &self {
            StoreError::Database { source: sqlx::Error::Database(error), .. } => match error.kind() {
                ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation => StoreError::Conflict { what },
                // SQLITE_CONSTRAINT_TRIGGER: how SQLite names what `ON DELETE RESTRICT` holds back.
                // The number alone would also be that of a trigger's own refusal.
                _ if error.code().as_deref() == Some("1811") && error.message().contains("FOREIGN KEY") => {
                    StoreError::Conflict { what }
                }
                _ => self,
            },
            _ => self,
        }
    }
}

fn message(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

const SQLITE_PERM: i32 = 3;
const SQLITE_READONLY: i32 = 8;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_NOTADB: i32 = 26;
