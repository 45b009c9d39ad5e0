-- The devices that pushes reach, what people want of pushes, and who chose which level for a room.

CREATE TABLE push_devices (
    -- The id that sockets, sessions and pointers have: UUIDv5 of person and install id.
    device_id     uuid        PRIMARY KEY,
    person_id     uuid        NOT NULL,
    -- SHA-256 of the install id, hexadecimal: which installation it is, whoever is logged in there.
    install       text        NOT NULL,
    provider      text        NOT NULL CHECK (provider IN ('apns', 'fcm')),
    environment   text        NOT NULL CHECK (environment IN ('production', 'sandbox')),
    -- The app's bundle id (APNs), the Firebase project (FCM).
    topic         text        NOT NULL,
    token         text        NOT NULL,
    target_kind   text        NOT NULL CHECK (target_kind IN ('token', 'fid')),
    locale        text        NOT NULL,
    -- An IANA time zone.
    zone          text        NOT NULL,
    app_version   text        NOT NULL DEFAULT '',
    privacy       text        NOT NULL DEFAULT 'full' CHECK (privacy IN ('full', 'sender', 'generic', 'ids')),
    shows_local   boolean     NOT NULL DEFAULT false,
    -- The app last said that this token is its own; the device last refreshed a session.
    registered_at timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now(),
    session_id    uuid        NOT NULL,
    -- From then on its session has ended by age, unless it was refreshed since: pushed at `generic`. Written with
    -- seen_at, at most once a day, and therefore a day late.
    session_until timestamptz NOT NULL DEFAULT 'infinity',
    -- One owner at a time.
    UNIQUE (provider, topic, environment, token)
);
CREATE INDEX push_devices_of_person ON push_devices (person_id);
CREATE INDEX push_devices_of_session ON push_devices (session_id);
CREATE INDEX push_devices_age ON push_devices (seen_at);

-- A row only for who ever changed something. Minutes of the day in a device's zone; equal: no quiet hours.
CREATE TABLE push_wishes (
    person_id      uuid    PRIMARY KEY,
    level          text    NOT NULL DEFAULT 'all' CHECK (level IN ('all', 'mentions', 'none')),
    quiet_from_min integer NOT NULL DEFAULT 0 CHECK (quiet_from_min BETWEEN 0 AND 1439),
    quiet_to_min   integer NOT NULL DEFAULT 0 CHECK (quiet_to_min BETWEEN 0 AND 1439),
    urgent_through boolean NOT NULL DEFAULT false
);

-- What a member chose for a room; null: nothing, and the room's kind says (level_v1). `level` stays beside it for
-- the release before, which reads and shows it; change_own_v1 writes both.
ALTER TABLE members ADD COLUMN chosen_level text CHECK (chosen_level IN ('all', 'mentions', 'none'));
UPDATE members SET chosen_level = level WHERE level <> 'all';

-- The level in force.
CREATE FUNCTION level_v1(p_chosen text, p_kind text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_chosen, CASE WHEN p_kind IN ('public', 'announcement', 'event') THEN 'mentions' ELSE 'all' END);

-- Who wants every message of a large room: few, found without reading its members. In direct rooms and groups
-- everybody is a candidate who did not choose otherwise.
CREATE INDEX members_loud ON members (room_id, person_id)
    WHERE chosen_level = 'all' AND relation IN ('member', 'moderator', 'owner');
