-- edit, delete, react, unreact: entries about an earlier message of the same room.

CREATE FUNCTION change_message_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint, p_kind text, p_relation text
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_post entries;
    v_seq  bigint;
    v_row  committed_v1;
BEGIN
    SELECT * INTO v_post FROM entries e
        WHERE e.room_id = p_room AND e.kind = 'post'
          AND e.seq = coalesce(p_target, (SELECT t.seq FROM entries t WHERE t.room_id = p_room
                                          AND t.author = p_author AND t.client_id = p_target_client));
    -- What lies outside one's spans is not there.
    IF v_post.seq IS NULL OR NOT EXISTS (
        SELECT 1 FROM spans s WHERE s.room_id = p_room AND s.person_id = p_author
            AND v_post.seq >= s.from_seq AND (s.to_seq IS NULL OR v_post.seq <= s.to_seq)) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    IF NOT may_v1(CASE WHEN v_post.author = p_author OR p_op IN ('react', 'unreact') THEN p_allow
                       ELSE p_allow_other END, p_kind, p_relation) THEN
        RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0); RETURN;
    END IF;
    IF p_op = 'delete' AND v_post.deleted_seq IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_post.deleted_seq); RETURN;
    ELSIF v_post.deleted_seq IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;

    IF p_op = 'edit' THEN
        -- An edit replaces the text and what hangs on it; reply and attachments stay.
        p_body := coalesce(p_body, '{}') || jsonb_strip_nulls(jsonb_build_object(
            'reply_to', v_post.body -> 'reply_to', 'attachments', v_post.body -> 'attachments'));
        IF v_post.text = p_text AND coalesce(v_post.body, '{}') = p_body THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, coalesce(v_post.edited_seq, v_post.seq)); RETURN;
        END IF;
        v_row := append_entry_v1(p_idx, 'ok', p_room, 'edit', p_author, NULL, p_client, p_text,
                                 p_body - 'reply_to' - 'attachments', v_post.seq);
        UPDATE entries e SET text = p_text, body = nullif(p_body, '{}'), edited_seq = v_row.seq
            WHERE e.room_id = p_room AND e.seq = v_post.seq;
    ELSIF p_op = 'delete' THEN
        v_row := append_entry_v1(p_idx, 'ok', p_room, 'delete', p_author, NULL, p_client, NULL, NULL, v_post.seq);
        -- The words go, here and in every edit; the place in the log stays.
        UPDATE entries e SET text = NULL, body = NULL, deleted_seq = v_row.seq
            WHERE e.room_id = p_room AND e.seq = v_post.seq;
        UPDATE entries e SET text = NULL, body = NULL
            WHERE e.room_id = p_room AND e.target = v_post.seq AND e.kind = 'edit';
        DELETE FROM reactions r WHERE r.room_id = p_room AND r.target = v_post.seq;
    ELSE
        SELECT r.seq INTO v_seq FROM reactions r WHERE r.room_id = p_room AND r.target = v_post.seq
            AND r.person_id = p_author AND r.emoji = p_body ->> 'emoji';
        IF (v_seq IS NOT NULL) = (p_op = 'react') THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_room, coalesce(v_seq, v_post.seq)); RETURN;
        END IF;
        -- 20 reactions of one person on one message: more is a script, not a person.
        IF p_op = 'react' AND (SELECT count(*) FROM reactions r WHERE r.room_id = p_room AND r.target = v_post.seq
                               AND r.person_id = p_author) >= 20 THEN
            RETURN NEXT verdict_v1(p_idx, 'limit_exceeded', p_room, 0); RETURN;
        END IF;
        v_row := append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, NULL, p_client, NULL, p_body, v_post.seq);
        IF p_op = 'react' THEN
            INSERT INTO reactions VALUES (p_room, v_post.seq, p_author, p_body ->> 'emoji', v_row.seq);
        ELSE
            DELETE FROM reactions r WHERE r.room_id = p_room AND r.target = v_post.seq
                AND r.person_id = p_author AND r.emoji = p_body ->> 'emoji';
        END IF;
    END IF;
    RETURN NEXT v_row;
END
$$;
