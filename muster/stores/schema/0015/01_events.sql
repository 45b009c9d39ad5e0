-- Events: a room of kind `event` with a row here; its id is the room's. Every table has room_id in its key.

CREATE TABLE events (
    room_id       uuid PRIMARY KEY,
    -- Grows with every change, under the room's head lock; fence_version is that of the fence's last change.
    version       bigint      NOT NULL DEFAULT 1,
    fence_version bigint      NOT NULL DEFAULT 1,
    state         text        NOT NULL DEFAULT 'scheduled'
                  CHECK (state IN ('scheduled', 'doors_open', 'live', 'ended', 'cancelled')),
    visibility    text        NOT NULL CHECK (visibility IN ('public', 'link', 'invited')),
    -- Title and topic are the room's.
    about         text        NOT NULL DEFAULT '',
    cover         uuid,
    doors_at      timestamptz NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    -- When it was ended or cancelled, before its time or at it.
    over_at       timestamptz,
    zone          text        NOT NULL,
    place_name    text        NOT NULL DEFAULT '',
    address       text        NOT NULL DEFAULT '',
    lat           double precision,
    lon           double precision,
    -- muster.venue.Shape as JSON; the boxes around it in degrees, two where it crosses the date line.
    fence         jsonb,
    area          box,
    area_beyond   box,
    capacity      integer CHECK (capacity > 0),
    -- When somebody is put into the room: with their answer, when they enter, or never by itself.
    joins_on      text        NOT NULL DEFAULT 'answer' CHECK (joins_on IN ('answer', 'entry', 'never')),
    dwell_ms      integer,
    -- Of the codes for checking in; never shown.
    secret        bytea       NOT NULL,
    CHECK (doors_at <= starts_at AND starts_at < ends_at),
    CHECK ((lat IS NULL) = (lon IS NULL)),
    CHECK (fence IS NULL OR (area IS NOT NULL AND lat IS NOT NULL))
);
CREATE INDEX events_area ON events USING gist (area) WHERE visibility = 'public' AND over_at IS NULL;
CREATE INDEX events_area_beyond ON events USING gist (area_beyond) WHERE visibility = 'public' AND over_at IS NULL;
CREATE INDEX events_ends ON events (ends_at) WHERE over_at IS NULL;

-- Who is asked, who comes. A waitlist is in order of `since`, then person.
CREATE TABLE event_roster (
    room_id    uuid        NOT NULL,
    person_id  uuid        NOT NULL,
    answer     text        NOT NULL CHECK (answer IN ('invited', 'going', 'maybe', 'waitlist', 'no')),
    is_host    boolean     NOT NULL DEFAULT false,
    sharing    text        NOT NULL DEFAULT 'off' CHECK (sharing IN ('off', 'ghost', 'on')),
    invited_by uuid,
    since      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (room_id, person_id)
);
CREATE INDEX event_roster_of_person ON event_roster (person_id, room_id);
CREATE INDEX event_roster_answers ON event_roster (room_id, answer, since, person_id);

-- What somebody lets public events judge that they are not on the roster of; no row: off.
CREATE TABLE place_defaults (
    person_id uuid PRIMARY KEY,
    sharing   text NOT NULL CHECK (sharing IN ('off', 'ghost', 'on'))
);

-- That somebody was there. At most one visit of a person to an event is open.
CREATE TABLE event_visits (
    room_id     uuid        NOT NULL,
    person_id   uuid        NOT NULL,
    number      integer     NOT NULL,
    entered_at  timestamptz NOT NULL,
    left_at     timestamptz,
    source      text        NOT NULL,
    confidence  text        NOT NULL,
    left_source text,
    PRIMARY KEY (room_id, person_id, number),
    CHECK (left_at >= entered_at)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX event_visits_open ON event_visits (room_id, person_id) WHERE left_at IS NULL;
CREATE INDEX event_visits_of_person ON event_visits (person_id, room_id);
