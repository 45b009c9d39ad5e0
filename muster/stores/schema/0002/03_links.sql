-- Invite links: a word that lets whoever has it into a room, until a time or so many times.

CREATE TABLE links (
    room_id    uuid        NOT NULL,
    code       text        NOT NULL,
    created_by uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    -- Null: as many as like, until it expires.
    uses_most  integer,
    used       integer     NOT NULL DEFAULT 0,
    revoked_at timestamptz,
    PRIMARY KEY (room_id, code)
);
CREATE UNIQUE INDEX links_code ON links (code);

CREATE FUNCTION link_works_v1(p_link links) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_link.revoked_at IS NULL AND p_link.expires_at > now()
           AND (p_link.uses_most IS NULL OR p_link.used < p_link.uses_most)
$$;

-- link, unlink: no entry of the room, which has not changed. Permission is judged already.
CREATE FUNCTION change_link_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_body jsonb, p_others boolean
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_head bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
    v_link links;
BEGIN
    IF p_op = 'link' THEN
        IF (SELECT count(*) FROM links l WHERE l.room_id = p_room AND link_works_v1(l)) >= 100 THEN
            RETURN NEXT verdict_v1(p_idx, 'limit_exceeded', p_room, 0); RETURN;
        END IF;
        INSERT INTO links (room_id, code, created_by, expires_at, uses_most)
            VALUES (p_room, p_body ->> 'code', p_author, to_timestamp((p_body ->> 'expires_at_ms')::bigint / 1000.0),
                    (p_body ->> 'uses')::integer) ON CONFLICT DO NOTHING;
        RETURN NEXT verdict_v1(p_idx, CASE WHEN FOUND THEN 'ok' ELSE 'same' END, p_room, v_head); RETURN;
    END IF;
    SELECT * INTO v_link FROM links l WHERE l.room_id = p_room AND l.code = p_body ->> 'code';
    IF v_link.code IS NULL OR v_link.revoked_at IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    ELSIF v_link.created_by <> p_author AND NOT p_others THEN
        RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0); RETURN;
    END IF;
    UPDATE links l SET revoked_at = now() WHERE l.room_id = p_room AND l.code = v_link.code;
    RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
END
$$;

-- Come in by a link. Under the room's lock, so that the last use is used once. Every no is the same no.
CREATE FUNCTION join_by_link_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_allow bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room     rooms;
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author);
BEGIN
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    IF v_room.room_id IS NULL OR v_room.archived_at IS NOT NULL OR NOT may_v1(p_allow, v_room.kind, v_relation)
       OR NOT EXISTS (SELECT 1 FROM links l WHERE l.room_id = p_room AND l.code = p_body ->> 'code'
                      AND link_works_v1(l)) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0);
    ELSIF v_relation IN ('member', 'moderator', 'owner') THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_room.head);
    ELSE
        UPDATE links l SET used = used + 1 WHERE l.room_id = p_room AND l.code = p_body ->> 'code';
        RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_author, p_author, 'member', p_client);
    END IF;
END
$$;
