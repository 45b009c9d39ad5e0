-- What somebody wants of pushes: at all (op `push`), and of one room (op `mute`).

CREATE FUNCTION change_push_v1(p_idx integer, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_level  text := p_body ->> 'level';
    v_from   integer := (p_body ->> 'quiet_from_min')::integer;
    v_to     integer := (p_body ->> 'quiet_to_min')::integer;
    v_urgent boolean := (p_body ->> 'urgent_through')::boolean;
BEGIN
    UPDATE push_wishes w SET level = coalesce(v_level, w.level), quiet_from_min = coalesce(v_from, w.quiet_from_min),
        quiet_to_min = coalesce(v_to, w.quiet_to_min), urgent_through = coalesce(v_urgent, w.urgent_through)
        WHERE w.person_id = p_author
          AND (w.level, w.quiet_from_min, w.quiet_to_min, w.urgent_through) IS DISTINCT FROM
              (coalesce(v_level, w.level), coalesce(v_from, w.quiet_from_min), coalesce(v_to, w.quiet_to_min),
               coalesce(v_urgent, w.urgent_through));
    IF NOT FOUND THEN
        INSERT INTO push_wishes (person_id, level, quiet_from_min, quiet_to_min, urgent_through)
            SELECT p_author, n.level, n.quiet_from, n.quiet_to, n.urgent
            FROM (SELECT coalesce(v_level, 'all') AS level, coalesce(v_from, 0) AS quiet_from,
                         coalesce(v_to, 0) AS quiet_to, coalesce(v_urgent, false) AS urgent) n
            WHERE (n.level, n.quiet_from, n.quiet_to, n.urgent) <> ('all', 0, 0, false)
            ON CONFLICT DO NOTHING;
    END IF;
    IF FOUND THEN
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, 'push', p_author, NULL, p_client, NULL, NULL, NULL);
    ELSE
        RETURN NEXT verdict_v1(p_idx, 'same', p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author));
    END IF;
END
$$;

-- `level` of the body: all, mentions, none; default: nothing is chosen any more; absent: it stays. The entry says the
-- level that is then in force.
CREATE FUNCTION mute_room_v1(p_idx integer, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room  uuid := (p_body ->> 'room')::uuid;
    v_until timestamptz := to_timestamp((p_body ->> 'muted_until_ms')::bigint / 1000.0);
    v_kind  text := (SELECT r.kind FROM rooms r WHERE r.room_id = v_room);
    v_was   members;
    v_level text;
BEGIN
    SELECT * INTO v_was FROM members m WHERE m.room_id = v_room AND m.person_id = p_author
        AND m.relation IN ('member', 'moderator', 'owner');
    IF NOT FOUND THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_author, 0); RETURN;
    END IF;
    v_level := nullif(coalesce(p_body ->> 'level', v_was.chosen_level), 'default');
    IF (v_level, v_until) IS NOT DISTINCT FROM (v_was.chosen_level, v_was.muted_until) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author)); RETURN;
    END IF;
    UPDATE members m SET chosen_level = v_level, level = coalesce(v_level, 'all'), muted_until = v_until
        WHERE m.room_id = v_room AND m.person_id = p_author;
    IF p_body ? 'level' THEN
        p_body := jsonb_set(p_body, '{level}', to_jsonb(level_v1(v_level, v_kind)));
    END IF;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, 'mute', p_author, NULL, p_client, NULL, p_body, NULL);
END
$$;

-- change_own_v1 with these two; for what the release before sends it does the same.
CREATE OR REPLACE FUNCTION change_own_v1(p_idx integer, p_op text, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_before  uuid;
    v_picture uuid;
    v_row     committed_v1;
BEGIN
    IF p_op = 'push' THEN
        RETURN QUERY SELECT * FROM change_push_v1(p_idx, p_author, p_client, p_body); RETURN;
    END IF;
    IF p_op = 'mute' THEN
        RETURN QUERY SELECT * FROM mute_room_v1(p_idx, p_author, p_client, p_body); RETURN;
    END IF;
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
