-- The links of helpers' phones.
CREATE TABLE helpers (
    id         TEXT    PRIMARY KEY CHECK (length(id) = 13),
    token_hash BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    place_id   TEXT    NOT NULL REFERENCES places (id) ON DELETE CASCADE,
    label      TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX helpers_by_place ON helpers (place_id, created_at);
