-- Ids are the 13 characters people see in links and logs, so that a technician can follow them by hand.
-- Times are milliseconds since the Unix epoch, UTC. Tokens are stored only as SHA-256 hashes.

CREATE TABLE lessons (
    id          TEXT    PRIMARY KEY CHECK (length(id) = 13),
    title       TEXT    NOT NULL,
    host_place  TEXT,
    state       TEXT    NOT NULL CHECK (state IN ('scheduled', 'test_run', 'live', 'ended')),
    invites_all INTEGER NOT NULL CHECK (invites_all IN (0, 1)),
    created_at  INTEGER NOT NULL,
    starts_at   INTEGER,
    started_at  INTEGER,
    ended_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE places (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 13),
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The places of a lesson that is not for all of them (lessons.invites_all = 0).
CREATE TABLE lesson_places (
    lesson_id TEXT NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    place_id  TEXT NOT NULL REFERENCES places (id) ON DELETE CASCADE,
    PRIMARY KEY (lesson_id, place_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lesson_places_by_place ON lesson_places (place_id);

-- A place has one link, and one token for every screen that was paired by code. A withdrawn token keeps
-- its row, so that a screen which still uses it learns that it was withdrawn.
CREATE TABLE place_tokens (
    token_hash BLOB    PRIMARY KEY CHECK (length(token_hash) = 32),
    place_id   TEXT    NOT NULL REFERENCES places (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL CHECK (kind IN ('link', 'screen')),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX place_tokens_one_link ON place_tokens (place_id) WHERE kind = 'link' AND revoked_at IS NULL;
CREATE INDEX place_tokens_by_place ON place_tokens (place_id, created_at);

CREATE TABLE invitations (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 13),
    token_hash BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    lesson_id  TEXT    REFERENCES lessons (id) ON DELETE CASCADE,
    role       TEXT    NOT NULL CHECK (role IN ('host', 'organiser', 'observer')),
    label      TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    CHECK (role = 'organiser' OR lesson_id IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_lesson ON invitations (lesson_id, created_at);

-- What happened in a lesson, in order; payload is the event as JSON. Append-only.
CREATE TABLE lesson_events (
    lesson_id TEXT    NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    payload   TEXT    NOT NULL CHECK (json_valid(payload)),
    PRIMARY KEY (lesson_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER lesson_events_never_change BEFORE UPDATE ON lesson_events
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
END;

-- Only together with its lesson: the cascade runs when the lesson's row is already gone.
CREATE TRIGGER lesson_events_never_vanish BEFORE DELETE ON lesson_events
WHEN EXISTS (SELECT 1 FROM lessons WHERE id = OLD.lesson_id)
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
