-- Messages that a room keeps in sight. A deleted message's pin is gone: whoever reads or counts looks at deleted_seq.

CREATE TABLE pins (
    room_id   uuid   NOT NULL,
    target    bigint NOT NULL,
    person_id uuid   NOT NULL,
    -- The entry that pinned it.
    seq       bigint NOT NULL,
    PRIMARY KEY (room_id, target)
);

CREATE FUNCTION change_pin_v1(p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_target bigint)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_pinned bigint := (SELECT p.seq FROM pins p WHERE p.room_id = p_room AND p.target = p_target);
    v_row    committed_v1;
BEGIN
    -- Only what its author may see themselves is put before the others.
    IF NOT EXISTS (SELECT 1 FROM entries e WHERE e.room_id = p_room AND e.seq = p_target AND e.kind = 'post'
                   AND e.deleted_seq IS NULL
                   AND EXISTS (SELECT 1 FROM spans s WHERE s.room_id = p_room AND s.person_id = p_author
                               AND s.from_seq <= p_target AND (s.to_seq IS NULL OR s.to_seq >= p_target))) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    IF (v_pinned IS NOT NULL) = (p_op = 'pin') THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, coalesce(v_pinned, p_target)); RETURN;
    END IF;
    IF p_op = 'unpin' THEN
        DELETE FROM pins p WHERE p.room_id = p_room AND p.target = p_target;
    ELSE
        DELETE FROM pins p USING entries e WHERE p.room_id = p_room AND e.room_id = p_room AND e.seq = p.target
            AND e.deleted_seq IS NOT NULL;
        IF (SELECT count(*) FROM pins p WHERE p.room_id = p_room) >= 50 THEN
            RETURN NEXT verdict_v1(p_idx, 'limit_exceeded', p_room, 0); RETURN;
        END IF;
    END IF;
    v_row := append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, NULL, p_client, NULL, NULL, p_target);
    IF p_op = 'pin' THEN
        INSERT INTO pins VALUES (p_room, p_target, p_author, v_row.seq);
    END IF;
    RETURN NEXT v_row;
END
$$;
