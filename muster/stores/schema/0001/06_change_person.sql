-- read, mute, profile (a person's own log) and block, unblock, revoke, ban, unban (the control log).

CREATE FUNCTION change_own_v1(p_idx integer, p_op text, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room uuid := (p_body ->> 'room')::uuid;
    v_seq  bigint := (p_body ->> 'at_seq')::bigint;
    v_head bigint := (SELECT head FROM rooms r WHERE r.room_id = p_author);
BEGIN
    IF p_op = 'profile' THEN
        BEGIN
            UPDATE people p SET handle = coalesce(p_body ->> 'handle', handle),
                handle_shown = coalesce(p_body ->> 'handle_shown', handle_shown),
                name = coalesce(p_body ->> 'name', name), bio = coalesce(p_body ->> 'bio', bio), updated_at = now()
                WHERE p.person_id = p_author;
        EXCEPTION WHEN unique_violation THEN
            RETURN NEXT verdict_v1(p_idx, 'conflict', p_author, 0); RETURN;
        END;
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, 'profile', p_author, NULL, p_client, NULL, NULL, NULL);
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = v_room AND m.person_id = p_author
                   AND m.relation IN ('member', 'moderator', 'owner')) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_author, 0); RETURN;
    END IF;
    IF p_op = 'read' THEN
        -- Pointers only move forward, and never past the head.
        UPDATE members m SET read_seq = e.seq, read_msg_no = e.msg_no
            FROM (SELECT e.seq, e.msg_no FROM entries e WHERE e.room_id = v_room
                  AND e.seq = least(v_seq, (SELECT head FROM rooms r WHERE r.room_id = v_room))) e
            WHERE m.room_id = v_room AND m.person_id = p_author AND m.read_seq < e.seq
            RETURNING m.read_seq INTO v_seq;
        IF NOT FOUND THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_author, v_head); RETURN;
        END IF;
        p_body := jsonb_build_object('room', v_room, 'at_seq', v_seq);
    ELSE
        UPDATE members m SET level = coalesce(p_body ->> 'level', level),
            muted_until = to_timestamp((p_body ->> 'muted_until_ms')::bigint / 1000.0)
            WHERE m.room_id = v_room AND m.person_id = p_author
              AND (m.level, m.muted_until) IS DISTINCT FROM
                  (coalesce(p_body ->> 'level', level), to_timestamp((p_body ->> 'muted_until_ms')::bigint / 1000.0));
        IF NOT FOUND THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_author, v_head); RETURN;
        END IF;
    END IF;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, p_op, p_author, NULL, p_client, NULL, p_body, NULL);
END
$$;

-- One entry per session, by its id: exact, whatever the clocks of api and database say.
CREATE FUNCTION revoke_v1(
    p_idx integer, p_status text, p_room uuid, p_author uuid, p_client text, p_subject uuid, p_session uuid
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_session uuid;
BEGIN
    FOR v_session IN
        UPDATE sessions s SET revoked_at = now() WHERE s.person_id = p_subject AND s.revoked_at IS NULL
            AND s.session_id = coalesce(p_session, s.session_id) RETURNING s.session_id
    LOOP
        RETURN NEXT append_entry_v1(p_idx, p_status, p_room, 'revoke', p_author, p_subject, p_client, NULL,
                                    jsonb_build_object('session', v_session), NULL);
        p_status := 'side'; p_client := NULL;
    END LOOP;
END
$$;

CREATE FUNCTION change_control_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_subject uuid
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_head bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    CASE p_op
    WHEN 'block' THEN
        INSERT INTO blocks (blocker, blocked) VALUES (p_author, p_subject) ON CONFLICT DO NOTHING;
    WHEN 'unblock' THEN
        DELETE FROM blocks b WHERE b.blocker = p_author AND b.blocked = p_subject;
    WHEN 'revoke' THEN
        RETURN QUERY SELECT * FROM revoke_v1(p_idx, 'ok', p_room, p_author, p_client, p_subject,
                                             (p_body ->> 'session')::uuid);
        IF NOT FOUND THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head);
        END IF;
        RETURN;
    WHEN 'ban' THEN
        UPDATE people p SET banned_at = now() WHERE p.person_id = p_subject AND p.banned_at IS NULL;
    WHEN 'unban' THEN
        UPDATE people p SET banned_at = NULL WHERE p.person_id = p_subject AND p.banned_at IS NOT NULL;
    END CASE;
    IF NOT FOUND THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    END IF;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, p_subject, p_client, NULL, p_body, NULL);
    IF p_op = 'ban' THEN
        RETURN QUERY SELECT * FROM revoke_v1(p_idx, 'side', p_room, p_author, NULL, p_subject, NULL);
    END IF;
    IF p_op IN ('block', 'unblock') THEN
        RETURN NEXT append_entry_v1(p_idx, 'side', p_author, p_op, p_author, p_subject, NULL, NULL, NULL, NULL);
    END IF;
END
$$;
