-- What rooms did in a lesson, in order; payload is the event as JSON. Append-only, as the lesson's own log.
CREATE TABLE participation_events (
    lesson_id TEXT    NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    payload   TEXT    NOT NULL CHECK (json_valid(payload)),
    PRIMARY KEY (lesson_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER participation_events_never_change BEFORE UPDATE ON participation_events
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER participation_events_never_vanish BEFORE DELETE ON participation_events
WHEN EXISTS (SELECT 1 FROM lessons WHERE id = OLD.lesson_id)
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only');
END;

-- Photos of pupils' works, re-encoded. A row is deleted with the photo: at the latest after the lesson, unless kept.
CREATE TABLE work_pictures (
    lesson_id TEXT    NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    no        INTEGER NOT NULL,
    jpeg      BLOB    NOT NULL,
    PRIMARY KEY (lesson_id, no)
) STRICT;
