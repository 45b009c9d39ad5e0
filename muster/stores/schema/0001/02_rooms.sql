-- Rooms, their members, and the room log. Every room-scoped table has room_id in its key (the distribution column).

CREATE TABLE rooms (
    -- A person's self log is the room whose id is the person's id.
    room_id     uuid PRIMARY KEY,
    kind        text NOT NULL
                CHECK (kind IN ('direct', 'group', 'public', 'announcement', 'event', 'self', 'control')),
    history     text NOT NULL DEFAULT 'all' CHECK (history IN ('all', 'from_join')),
    title       text NOT NULL DEFAULT '',
    topic       text NOT NULL DEFAULT '',
    created_by  uuid,
    created_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    -- The log's last seq, how many of its entries are messages, and what retention has removed.
    head        bigint NOT NULL DEFAULT 0,
    msg_no      bigint NOT NULL DEFAULT 0,
    floor       bigint NOT NULL DEFAULT 0,
    last_post   bigint NOT NULL DEFAULT 0,
    last_at     timestamptz NOT NULL DEFAULT now(),
    members     integer NOT NULL DEFAULT 0
) WITH (fillfactor = 60);

-- The list of rooms that anyone may join; no update of a head or a count touches it.
CREATE INDEX rooms_public ON rooms (room_id) WHERE kind IN ('public', 'announcement') AND archived_at IS NULL;

INSERT INTO rooms (room_id, kind) VALUES ('00000000-0000-7000-8000-000000000001', 'control');

CREATE TABLE members (
    room_id     uuid NOT NULL,
    person_id   uuid NOT NULL,
    relation    text NOT NULL
                CHECK (relation IN ('invited', 'member', 'moderator', 'owner', 'kicked', 'left')),
    -- The first seq this member may see in the present span.
    from_seq    bigint NOT NULL DEFAULT 0,
    read_seq    bigint NOT NULL DEFAULT 0,
    read_msg_no bigint NOT NULL DEFAULT 0,
    muted_until timestamptz,
    level       text NOT NULL DEFAULT 'all' CHECK (level IN ('all', 'mentions', 'none')),
    since       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (room_id, person_id)
) WITH (fillfactor = 80);
CREATE INDEX members_of_person ON members (person_id, room_id);

-- Which seqs of a room a person may see: closed spans are over, the open one (to_seq is null) is present.
CREATE TABLE spans (
    room_id   uuid   NOT NULL,
    person_id uuid   NOT NULL,
    joined    bigint NOT NULL,
    from_seq  bigint NOT NULL,
    to_seq    bigint,
    PRIMARY KEY (room_id, person_id, joined)
);

CREATE TABLE device_pointers (
    room_id   uuid NOT NULL,
    device_id uuid NOT NULL,
    received  bigint NOT NULL,
    PRIMARY KEY (room_id, device_id)
) WITH (fillfactor = 70);

CREATE TABLE entries (
    room_id     uuid        NOT NULL,
    seq         bigint      NOT NULL,
    msg_no      bigint      NOT NULL,
    kind        text        NOT NULL,
    author      uuid        NOT NULL,
    subject     uuid,
    -- Null on entries the server made by itself (self log, transfer of ownership).
    client_id   text,
    at          timestamptz NOT NULL,
    text        text,
    -- The rest of proto.entry.Body.
    body        jsonb,
    target      bigint,
    edited_seq  bigint,
    deleted_seq bigint,
    PRIMARY KEY (room_id, seq)
) PARTITION BY HASH (room_id);
CREATE UNIQUE INDEX entries_client ON entries (room_id, author, client_id);
CREATE INDEX entries_target ON entries (room_id, target) WHERE target IS NOT NULL;

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE entries_%s PARTITION OF entries FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                       lpad(part::text, 2, '0'), part);
    END LOOP;
END
$$;

-- Reactions in force. PRIMARY KEY order serves "mine on this message" and "all on this message".
CREATE TABLE reactions (
    room_id   uuid   NOT NULL,
    target    bigint NOT NULL,
    person_id uuid   NOT NULL,
    emoji     text   NOT NULL,
    seq       bigint NOT NULL,
    PRIMARY KEY (room_id, target, person_id, emoji)
);

-- What a writer connection has committed and perhaps not yet published; past `until`, any hub publishes it.
CREATE TABLE publish_leases (
    writer    uuid PRIMARY KEY,
    until     timestamptz NOT NULL,
    rooms     uuid[]   NOT NULL,
    from_seqs bigint[] NOT NULL,
    to_seqs   bigint[] NOT NULL
) WITH (fillfactor = 50);

-- The log of a person's own, in which they are the only member: made with the person.
CREATE FUNCTION add_self_log_v1(p_person uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO rooms (room_id, kind, created_by, members) VALUES (p_person, 'self', p_person, 1);
    INSERT INTO members (room_id, person_id, relation, from_seq) VALUES (p_person, p_person, 'owner', 1);
    INSERT INTO spans (room_id, person_id, joined, from_seq) VALUES (p_person, p_person, 0, 1);
$$;
