-- The newest check of each room before a lesson; payload is the result as JSON.
CREATE TABLE room_checks (
    lesson_id TEXT    NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    place_id  TEXT    NOT NULL REFERENCES places (id) ON DELETE CASCADE,
    at        INTEGER NOT NULL,
    payload   TEXT    NOT NULL CHECK (json_valid(payload)),
    PRIMARY KEY (lesson_id, place_id)
) STRICT, WITHOUT ROWID;

-- Who received what of a lesson; kind 'place' (who = place id) or 'observer' (who = seat). The place's row stays when
-- the place is deleted: a report must not lose what was. payload is the account as JSON.
CREATE TABLE attendance (
    lesson_id TEXT    NOT NULL REFERENCES lessons (id) ON DELETE CASCADE,
    kind      TEXT    NOT NULL CHECK (kind IN ('place', 'observer')),
    who       TEXT    NOT NULL,
    payload   TEXT    NOT NULL CHECK (json_valid(payload)),
    PRIMARY KEY (lesson_id, kind, who)
) STRICT, WITHOUT ROWID;
