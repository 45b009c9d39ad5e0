-- Events that anybody may find, by when they start; where they are has indexes already (events_area).
CREATE INDEX events_starts ON events (starts_at, room_id) WHERE visibility = 'public' AND over_at IS NULL;

-- By the words of their titles. Posts change neither the kind nor the title of a room, so that they stay HOT.
CREATE INDEX rooms_event_titles ON rooms USING gin (to_tsvector('pg_catalog.simple'::regconfig, title))
    WHERE kind = 'event';

-- With the kind `notice`. What the release before asks for is a part of it.
DROP INDEX entries_notices;
CREATE INDEX entries_notices ON entries (room_id, seq)
    WHERE kind IN ('invited', 'request', 'contact', 'reminder', 'unsent', 'room_added', 'room_removed', 'role', 'notice');

-- The address by which a calendar reads the events of somebody, one each. SHA-256 of its code: the code is kept nowhere.
CREATE TABLE calendar_feeds (
    person_id uuid        PRIMARY KEY,
    code_hash bytea       NOT NULL UNIQUE,
    made_at   timestamptz NOT NULL DEFAULT now()
);
