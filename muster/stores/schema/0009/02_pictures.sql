-- Pictures of people and rooms. On the wire and in an op the id of zeros is no picture.

CREATE FUNCTION use_picture_v1(p_picture uuid, p_before uuid, p_room uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE media m SET used = true, room_id = p_room, collect_at = NULL WHERE m.media_id = p_picture;
    UPDATE media m SET freed_at = now(), collect_at = now() + interval '1 day' WHERE m.media_id = p_before;
$$;

-- Whether somebody may make this their picture, or a room's; it cannot change until the transaction ends.
CREATE FUNCTION lock_picture_v1(p_picture uuid, p_author uuid, p_purpose text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM media m WHERE m.media_id = p_picture AND m.owner = p_author AND m.purpose = p_purpose
        AND m.state = 'ready' AND NOT m.used AND m.freed_at IS NULL FOR UPDATE;
    RETURN FOUND;
END
$$;

-- change_settings_v1 with `picture`; for all that the release before sends it is the same.
CREATE OR REPLACE FUNCTION change_settings_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room    rooms;
    v_nothing constant uuid := '00000000-0000-0000-0000-000000000000';
    v_picture uuid;
BEGIN
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    -- Only what differs is an entry.
    SELECT coalesce(jsonb_object_agg(c.key, c.value), '{}') INTO p_body FROM jsonb_each(p_body) c
        WHERE c.value <> CASE c.key WHEN 'title' THEN to_jsonb(v_room.title) WHEN 'topic' THEN to_jsonb(v_room.topic)
                         WHEN 'history' THEN to_jsonb(v_room.history)
                         WHEN 'picture' THEN to_jsonb(coalesce(v_room.picture, v_nothing))
                         WHEN 'archived' THEN to_jsonb(v_room.archived_at IS NOT NULL) ELSE c.value END;
    IF p_body = '{}' THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_room.head); RETURN;
    END IF;
    IF p_body ? 'picture' THEN
        v_picture := nullif((p_body ->> 'picture')::uuid, v_nothing);
        IF v_picture IS NOT NULL AND NOT lock_picture_v1(v_picture, p_author, 'room_picture') THEN
            RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
        END IF;
        PERFORM use_picture_v1(v_picture, v_room.picture, p_room);
        UPDATE rooms r SET picture = v_picture WHERE r.room_id = p_room;
    END IF;
    UPDATE rooms r SET title = coalesce(p_body ->> 'title', title), topic = coalesce(p_body ->> 'topic', topic),
        history = coalesce(p_body ->> 'history', history),
        archived_at = CASE (p_body ->> 'archived')::boolean WHEN true THEN now() WHEN false THEN NULL ELSE archived_at END
        WHERE r.room_id = p_room;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, 'settings', p_author, NULL, p_client, NULL, p_body, NULL);
END
$$;

-- change_own_v1 with `picture` in a profile; everything else goes to the function as it was.
ALTER FUNCTION change_own_v1(integer, text, uuid, text, jsonb) RENAME TO change_own_but_picture_v1;
CREATE FUNCTION change_own_v1(p_idx integer, p_op text, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_before  uuid;
    v_picture uuid;
    v_row     committed_v1;
BEGIN
    IF p_op <> 'profile' OR NOT p_body ? 'picture' THEN
        RETURN QUERY SELECT * FROM change_own_but_picture_v1(p_idx, p_op, p_author, p_client, p_body); RETURN;
    END IF;
    v_before := (SELECT p.picture FROM people p WHERE p.person_id = p_author);
    v_picture := nullif((p_body ->> 'picture')::uuid, '00000000-0000-0000-0000-000000000000');
    IF v_picture IS NOT NULL AND v_picture IS DISTINCT FROM v_before
       AND NOT lock_picture_v1(v_picture, p_author, 'avatar') THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_author, 0); RETURN;
    END IF;
    FOR v_row IN SELECT * FROM change_own_but_picture_v1(p_idx, p_op, p_author, p_client, p_body - 'picture') LOOP
        IF v_row.status = 'ok' AND v_picture IS DISTINCT FROM v_before THEN
            PERFORM use_picture_v1(v_picture, v_before, NULL);
            UPDATE people p SET picture = v_picture WHERE p.person_id = p_author;
        END IF;
        RETURN NEXT v_row;
    END LOOP;
END
$$;
