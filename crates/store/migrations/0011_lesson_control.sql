-- Who holds a lesson and whom it keeps out.
ALTER TABLE lessons ADD COLUMN locked_at INTEGER;
-- An invitation of the lesson. No foreign key: when the invitation goes, the lesson is told by the program.
ALTER TABLE lessons ADD COLUMN in_charge TEXT CHECK (in_charge IS NULL OR length(in_charge) = 13);
ALTER TABLE lessons ADD COLUMN rehearsal INTEGER NOT NULL DEFAULT 0 CHECK (rehearsal IN (0, 1));

CREATE TABLE lesson_removed (
    lesson_id TEXT NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    place_id  TEXT NOT NULL REFERENCES places (id) ON DELETE CASCADE,
    PRIMARY KEY (lesson_id, place_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lesson_removed_by_place ON lesson_removed (place_id);
