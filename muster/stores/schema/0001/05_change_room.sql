-- create, join, invite, leave, kick, role, settings: who is in a room, as what, and what the room is.

CREATE FUNCTION create_room_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_person uuid;
BEGIN
    IF EXISTS (SELECT 1 FROM jsonb_array_elements_text(p_body -> 'people') x(id)
               WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = x.id::uuid)) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    INSERT INTO rooms (room_id, kind, history, title, topic, created_by)
        VALUES (p_room, p_body ->> 'kind', p_body ->> 'history', coalesce(p_body ->> 'title', ''),
                coalesce(p_body ->> 'topic', ''), p_author)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, (SELECT head FROM rooms r WHERE r.room_id = p_room)); RETURN;
    END IF;
    RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_author, p_author,
                                        CASE p_body ->> 'kind' WHEN 'direct' THEN 'member' ELSE 'owner' END, p_client);
    -- Whoever blocks the author is not put into a group: as an invitation, it goes nowhere.
    FOR v_person IN
        SELECT x::uuid FROM jsonb_array_elements_text(p_body -> 'people') x WHERE x::uuid <> p_author
            AND (p_body ->> 'kind' = 'direct'
                 OR NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = x::uuid AND b.blocked = p_author))
    LOOP
        RETURN QUERY SELECT a.idx, 'side', a.room_id, a.seq, a.msg_no, a.at_ms, a.kind, a.author, a.subject, a.target,
                            a.body
            FROM admit_v1(p_idx, p_room, v_person, p_author, 'member', NULL) a;
    END LOOP;
END
$$;

CREATE FUNCTION change_member_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_subject uuid,
    p_relation text
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_head    bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
    v_subject text := (SELECT relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_subject);
    v_present constant text[] := ARRAY['member', 'moderator', 'owner'];
BEGIN
    CASE p_op
    WHEN 'join' THEN
        IF p_relation = ANY (v_present) THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
        END IF;
        RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_author, p_author, 'member', p_client);
    WHEN 'invite' THEN
        IF NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject) THEN
            RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
        END IF;
        -- A block stays invisible to the blocked: the invitation is accepted and goes nowhere.
        IF v_subject = 'invited' OR v_subject = ANY (v_present)
           OR EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p_subject AND b.blocked = p_author) THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
        END IF;
        INSERT INTO members (room_id, person_id, relation) VALUES (p_room, p_subject, 'invited')
            ON CONFLICT (room_id, person_id) DO UPDATE SET relation = 'invited', since = now();
        RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
        RETURN NEXT append_entry_v1(p_idx, 'side', p_subject, 'invited', p_author, p_subject, NULL, NULL,
                                    jsonb_build_object('room', p_room), NULL);
    WHEN 'leave' THEN
        IF p_relation = 'invited' THEN
            UPDATE members m SET relation = 'left' WHERE m.room_id = p_room AND m.person_id = p_author;
            RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
            RETURN NEXT append_entry_v1(p_idx, 'side', p_author, 'room_removed', p_author, p_author, NULL, NULL,
                                        jsonb_build_object('room', p_room, 'at_seq', v_head), NULL);
        ELSIF p_relation = ANY (v_present) THEN
            RETURN QUERY SELECT * FROM dismiss_v1(p_idx, p_room, p_author, p_author, 'leave', p_client);
        ELSE
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head);
        END IF;
    WHEN 'kick' THEN
        IF v_subject IS NULL OR v_subject IN ('left', 'kicked') THEN
            RETURN NEXT verdict_v1(p_idx, CASE v_subject WHEN 'kicked' THEN 'same' ELSE 'not_found' END, p_room, v_head);
        ELSIF p_subject = p_author OR v_subject = 'owner' OR (v_subject = 'moderator' AND p_relation <> 'owner') THEN
            RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0);
        ELSIF v_subject = 'invited' THEN
            UPDATE members m SET relation = 'kicked' WHERE m.room_id = p_room AND m.person_id = p_subject;
            RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
            RETURN NEXT append_entry_v1(p_idx, 'side', p_subject, 'room_removed', p_author, p_subject, NULL, NULL,
                                        jsonb_build_object('room', p_room, 'at_seq', v_head), NULL);
        ELSE
            RETURN QUERY SELECT * FROM dismiss_v1(p_idx, p_room, p_subject, p_author, 'kick', p_client);
        END IF;
    WHEN 'role' THEN
        IF v_subject IS NULL OR v_subject <> ALL (v_present) THEN
            RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0);
        ELSIF v_subject = p_body ->> 'role' THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head);
        ELSIF v_subject = 'owner' AND (SELECT count(*) FROM members m WHERE m.room_id = p_room
                                       AND m.relation = 'owner') = 1 THEN
            RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0);
        ELSE
            UPDATE members m SET relation = p_body ->> 'role' WHERE m.room_id = p_room AND m.person_id = p_subject;
            RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, 'role', p_author, p_subject, p_client, NULL,
                                        jsonb_build_object('role', p_body ->> 'role'), NULL);
            RETURN NEXT append_entry_v1(p_idx, 'side', p_subject, 'role', p_author, p_subject, NULL, NULL,
                                        jsonb_build_object('role', p_body ->> 'role', 'room', p_room), NULL);
        END IF;
    END CASE;
END
$$;

CREATE FUNCTION change_settings_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room rooms;
BEGIN
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    -- Only what differs is an entry.
    SELECT coalesce(jsonb_object_agg(c.key, c.value), '{}') INTO p_body FROM jsonb_each(p_body) c
        WHERE c.value <> CASE c.key WHEN 'title' THEN to_jsonb(v_room.title) WHEN 'topic' THEN to_jsonb(v_room.topic)
                         WHEN 'history' THEN to_jsonb(v_room.history)
                         WHEN 'archived' THEN to_jsonb(v_room.archived_at IS NOT NULL) ELSE c.value END;
    IF p_body = '{}' THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_room.head); RETURN;
    END IF;
    UPDATE rooms r SET title = coalesce(p_body ->> 'title', title), topic = coalesce(p_body ->> 'topic', topic),
        history = coalesce(p_body ->> 'history', history),
        archived_at = CASE (p_body ->> 'archived')::boolean WHEN true THEN now() WHEN false THEN NULL ELSE archived_at END
        WHERE r.room_id = p_room;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, 'settings', p_author, NULL, p_client, NULL, p_body, NULL);
END
$$;
