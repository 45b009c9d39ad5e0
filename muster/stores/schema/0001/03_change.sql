-- One change of a room that is not a plain message. Called by commit_batch_v1, with every head it touches locked.
-- Each op answers one row with its own idx, and one row of status 'side' per entry it made in another log.

CREATE TYPE committed_v1 AS (
    idx     integer,
    status  text,     -- ok | known | same | side | a name of proto.codes.Code
    room_id uuid,
    seq     bigint,
    msg_no  bigint,
    at_ms   bigint,
    kind    text,     -- null: no entry was made
    author  uuid,
    subject uuid,
    target  bigint,
    body    jsonb
);

CREATE FUNCTION may_v1(p_allow bigint, p_kind text, p_relation text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    -- Bit (8 x kind + relation) of the mask that muster/permission.py computed for this op.
    SELECT p_allow >> (8 * (array_position(ARRAY['direct', 'group', 'public', 'announcement', 'event', 'self',
                                                 'control'], p_kind) - 1)
                       + coalesce(array_position(ARRAY['invited', 'member', 'moderator', 'owner', 'kicked', 'left'],
                                                 p_relation), 0)) & 1 = 1
$$;

CREATE FUNCTION append_entry_v1(
    p_idx integer, p_status text, p_room uuid, p_kind text, p_author uuid, p_subject uuid, p_client text,
    p_text text, p_body jsonb, p_target bigint
) RETURNS committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_at  timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_row committed_v1;
BEGIN
    UPDATE rooms SET head = head + 1, last_at = v_at WHERE rooms.room_id = p_room
        RETURNING rooms.head, rooms.msg_no INTO v_row.seq, v_row.msg_no;
    INSERT INTO entries (room_id, seq, msg_no, kind, author, subject, client_id, at, text, body, target)
        VALUES (p_room, v_row.seq, v_row.msg_no, p_kind, p_author, p_subject, p_client, v_at, p_text,
                nullif(jsonb_strip_nulls(p_body), '{}'), p_target);
    v_row.idx := p_idx; v_row.status := p_status; v_row.room_id := p_room; v_row.kind := p_kind;
    v_row.at_ms := (extract(epoch FROM v_at) * 1000)::bigint;
    v_row.author := p_author; v_row.subject := p_subject; v_row.target := p_target; v_row.body := p_body;
    RETURN v_row;
END
$$;

-- An answer that made no entry: where the log stands for what was asked.
CREATE FUNCTION verdict_v1(p_idx integer, p_status text, p_room uuid, p_seq bigint) RETURNS committed_v1
LANGUAGE sql STABLE AS $$
    SELECT ROW(p_idx, p_status, p_room, p_seq, coalesce(e.msg_no, 0),
               coalesce((extract(epoch FROM e.at) * 1000)::bigint, 0), NULL::text, NULL::uuid, NULL::uuid,
               NULL::bigint, NULL::jsonb
           )::committed_v1
    FROM (SELECT 1) one LEFT JOIN entries e ON e.room_id = p_room AND e.seq = p_seq
$$;

CREATE FUNCTION admit_v1(p_idx integer, p_room uuid, p_person uuid, p_author uuid, p_role text, p_client text)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_row  committed_v1;
    v_room rooms;
BEGIN
    UPDATE rooms SET members = members + 1 WHERE rooms.room_id = p_room RETURNING * INTO v_room;
    v_row := append_entry_v1(p_idx, 'ok', p_room, 'join', p_author, p_person, p_client, NULL,
                             jsonb_build_object('role', p_role, 'members', v_room.members), NULL);
    INSERT INTO members (room_id, person_id, relation, from_seq, read_seq, read_msg_no, since)
        VALUES (p_room, p_person, p_role, CASE v_room.history WHEN 'all' THEN 1 ELSE v_row.seq END,
                v_row.seq, v_row.msg_no, now())
        ON CONFLICT (room_id, person_id) DO UPDATE SET relation = excluded.relation, from_seq = excluded.from_seq,
            read_seq = greatest(members.read_seq, excluded.read_seq),
            read_msg_no = greatest(members.read_msg_no, excluded.read_msg_no), since = excluded.since;
    INSERT INTO spans (room_id, person_id, joined, from_seq)
        VALUES (p_room, p_person, v_row.seq, CASE v_room.history WHEN 'all' THEN 1 ELSE v_row.seq END);
    RETURN NEXT v_row;
    RETURN NEXT append_entry_v1(p_idx, 'side', p_person, 'room_added', p_author, p_person, NULL, NULL,
                                jsonb_build_object('room', p_room, 'at_seq', v_row.seq, 'role', p_role), NULL);
END
$$;

CREATE FUNCTION dismiss_v1(p_idx integer, p_room uuid, p_person uuid, p_author uuid, p_kind text, p_client text)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_row     committed_v1;
    v_members integer;
    v_owner   boolean;
    v_heir    uuid;
BEGIN
    SELECT relation = 'owner' INTO v_owner FROM members m WHERE m.room_id = p_room AND m.person_id = p_person;
    UPDATE rooms SET members = members - 1 WHERE rooms.room_id = p_room RETURNING members INTO v_members;
    v_row := append_entry_v1(p_idx, 'ok', p_room, p_kind, p_author, p_person, p_client, NULL,
                             jsonb_build_object('members', v_members), NULL);
    UPDATE members m SET relation = CASE p_kind WHEN 'kick' THEN 'kicked' ELSE 'left' END
        WHERE m.room_id = p_room AND m.person_id = p_person;
    UPDATE spans s SET to_seq = v_row.seq WHERE s.room_id = p_room AND s.person_id = p_person AND s.to_seq IS NULL;
    RETURN NEXT v_row;
    RETURN NEXT append_entry_v1(p_idx, 'side', p_person, 'room_removed', p_author, p_person, NULL, NULL,
                                jsonb_build_object('room', p_room, 'at_seq', v_row.seq), NULL);
    -- A room is never left without an owner: the longest-serving moderator, else member, takes over.
    IF v_owner AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = p_room AND m.relation = 'owner') THEN
        SELECT m.person_id INTO v_heir FROM members m
            WHERE m.room_id = p_room AND m.relation IN ('moderator', 'member')
            ORDER BY m.relation = 'moderator' DESC, m.since, m.person_id LIMIT 1;
        IF v_heir IS NOT NULL THEN
            UPDATE members m SET relation = 'owner' WHERE m.room_id = p_room AND m.person_id = v_heir;
            RETURN NEXT append_entry_v1(p_idx, 'side', p_room, 'role', p_author, v_heir, NULL, NULL,
                                        jsonb_build_object('role', 'owner'), NULL);
        END IF;
    END IF;
END
$$;
