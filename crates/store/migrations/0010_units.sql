-- Where places belong. Names, levels and depth are data: a unit is anything above a classroom.
CREATE TABLE units (
    id     TEXT PRIMARY KEY CHECK (length(id) = 13),
    parent TEXT REFERENCES units (id) ON DELETE RESTRICT,
    level  TEXT NOT NULL,
    name   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX units_by_parent ON units (parent);

-- Partner schools, each pair once.
CREATE TABLE partners (
    one   TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    other TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    PRIMARY KEY (one, other),
    CHECK (one < other)
) STRICT, WITHOUT ROWID;

ALTER TABLE places ADD COLUMN unit_id TEXT REFERENCES units (id) ON DELETE SET NULL;
CREATE INDEX places_by_unit ON places (unit_id);
