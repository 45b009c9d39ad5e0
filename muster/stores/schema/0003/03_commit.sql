-- commit_change_v1 with the ops pin, unpin, reminder and unsent. For all that the release before sends it is the
-- same function: two branches are new, and nobody older names their ops.

CREATE OR REPLACE FUNCTION commit_change_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb, p_subject uuid,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_known    bigint := (SELECT e.seq FROM entries e WHERE e.room_id = p_room AND e.author = p_author
                          AND e.client_id = p_client);
    v_room     rooms;
    v_relation text;
BEGIN
    IF v_known IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'known', p_room, v_known); RETURN;
    END IF;
    IF p_op = 'create' THEN
        RETURN QUERY SELECT * FROM create_room_v1(p_idx, p_room, p_author, p_client, p_body); RETURN;
    END IF;
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    v_relation := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author);
    IF v_room.room_id IS NULL OR NOT (may_v1(p_allow, v_room.kind, v_relation)
                                      OR may_v1(p_allow_other, v_room.kind, v_relation)) THEN
        -- A room one is not in is the same as a room that is not there.
        RETURN NEXT verdict_v1(p_idx, CASE WHEN v_room.room_id IS NULL OR v_relation IS NULL
            OR v_relation IN ('left', 'kicked') THEN 'not_found' ELSE 'permission_denied' END, p_room, 0);
        RETURN;
    END IF;
    IF v_room.archived_at IS NOT NULL AND p_op NOT IN ('settings', 'leave', 'kick', 'delete') THEN
        RETURN NEXT verdict_v1(p_idx, 'archived', p_room, 0); RETURN;
    END IF;
    IF p_op IN ('edit', 'delete', 'react', 'unreact') THEN
        RETURN QUERY SELECT * FROM change_message_v1(p_idx, p_op, p_room, p_author, p_client, p_text, p_body,
            p_target, p_target_client, p_allow, p_allow_other, v_room.kind, v_relation);
    ELSIF p_op IN ('join', 'invite', 'leave', 'kick', 'role') THEN
        RETURN QUERY SELECT * FROM change_member_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject,
                                                    v_relation);
    ELSIF p_op = 'settings' THEN
        RETURN QUERY SELECT * FROM change_settings_v1(p_idx, p_room, p_author, p_client, p_body);
    ELSIF p_op IN ('pin', 'unpin') THEN
        RETURN QUERY SELECT * FROM change_pin_v1(p_idx, p_op, p_room, p_author, p_client, p_target);
    ELSIF p_op IN ('reminder', 'unsent') THEN
        -- What a timer tells its owner, in the owner's own log.
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, NULL, p_client, p_text, p_body, NULL);
    ELSIF v_room.kind = 'self' THEN
        RETURN QUERY SELECT * FROM change_own_v1(p_idx, p_op, p_author, p_client, p_body);
    ELSE
        RETURN QUERY SELECT * FROM change_control_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject);
    END IF;
END
$$;
