-- Observers' sheets. A sheet belongs to its writer: it has a token of its own and outlives its lesson's deletion, so
-- `lesson_id` is no foreign key. Rules: crates/notes/MERGE.md.
CREATE TABLE sheets (
    id           TEXT    PRIMARY KEY CHECK (length(id) = 13),
    token_hash   BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    lesson_id    TEXT    NOT NULL,
    lesson_title TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    -- Grows with every change of a register; a page asks for what came after the number it knows.
    seq          INTEGER NOT NULL DEFAULT 0,
    -- Of all registers and pictures.
    bytes        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX sheets_by_lesson ON sheets (lesson_id, created_at);

CREATE TABLE sheet_registers (
    sheet_id TEXT    NOT NULL REFERENCES sheets (id) ON DELETE CASCADE,
    key      TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    register TEXT    NOT NULL CHECK (json_valid(register)),
    PRIMARY KEY (sheet_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX sheet_registers_by_seq ON sheet_registers (sheet_id, seq);

CREATE TABLE sheet_pictures (
    sheet_id   TEXT    NOT NULL REFERENCES sheets (id) ON DELETE CASCADE,
    id         TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    bytes      BLOB    NOT NULL,
    PRIMARY KEY (sheet_id, id)
) STRICT;

-- Versions are never changed, so that an old sheet keeps its form; a form that is no longer offered is retired.
CREATE TABLE forms (
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version > 0),
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    body       TEXT    NOT NULL CHECK (json_valid(body)),
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

-- What the organiser chose for a lesson's notes; no row: the defaults.
CREATE TABLE lesson_notes (
    lesson_id    TEXT PRIMARY KEY REFERENCES lessons (id) ON DELETE CASCADE,
    form_id      TEXT,
    form_version INTEGER,
    timeline     TEXT NOT NULL CHECK (timeline IN ('after', 'open', 'closed'))
) STRICT, WITHOUT ROWID;

CREATE TABLE note_comments (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 13),
    lesson_id  TEXT    NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    -- The sheet of who wrote it; NULL: the organiser.
    author     TEXT    REFERENCES sheets (id) ON DELETE CASCADE,
    on_sheet   TEXT    NOT NULL REFERENCES sheets (id) ON DELETE CASCADE,
    on_row     TEXT    NOT NULL,
    text       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX note_comments_by_lesson ON note_comments (lesson_id, created_at);
CREATE INDEX note_comments_by_author ON note_comments (author);
CREATE INDEX note_comments_by_sheet ON note_comments (on_sheet);

CREATE TABLE lesson_minutes (
    lesson_id  TEXT    PRIMARY KEY REFERENCES lessons (id) ON DELETE CASCADE,
    revision   INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    body       TEXT    NOT NULL CHECK (json_valid(body))
) STRICT, WITHOUT ROWID;
