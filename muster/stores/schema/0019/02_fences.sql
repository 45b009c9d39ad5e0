-- As 0016 made it, but that a fence that is drawn anew takes back what guests let be judged by the old one, and that
-- they are told of it.
CREATE OR REPLACE FUNCTION change_event_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_event events;
    v_room  rooms;
    v_facts jsonb;
    v_new   jsonb;
    v_row   committed_v1;
    v_had   boolean;
BEGIN
    SELECT * INTO v_event FROM events e WHERE e.room_id = p_room;
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    v_had := v_event.fence IS NOT NULL;
    IF event_over_v1(v_event) THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
    END IF;
    v_facts := event_facts_v1(v_event, v_room);
    -- Only what differs is an entry.
    SELECT jsonb_object_agg(c.key, c.value) INTO v_new FROM jsonb_each(p_body) c
        WHERE v_facts ? c.key AND c.value <> v_facts -> c.key;
    IF v_new IS NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_room.head); RETURN;
    ELSIF jsonb_typeof(v_new -> 'cover') = 'string'
          AND NOT lock_picture_v1((v_new ->> 'cover')::uuid, p_author, 'room_picture') THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    ELSIF NOT write_event_v1(p_room, v_facts || v_new, p_body) THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    END IF;
    IF v_new ? 'cover' THEN
        PERFORM use_picture_v1((v_new ->> 'cover')::uuid, v_room.picture, p_room);
    END IF;
    UPDATE rooms r SET title = coalesce(v_new ->> 'title', title), topic = coalesce(v_new ->> 'topic', topic),
        picture = CASE WHEN v_new ? 'cover' THEN (v_new ->> 'cover')::uuid ELSE picture END WHERE r.room_id = p_room;
    UPDATE events e SET version = e.version + 1,
        fence_version = CASE WHEN v_new ? 'fence' THEN e.version + 1 ELSE e.fence_version END
        WHERE e.room_id = p_room RETURNING * INTO v_event;
    IF v_new ? 'fence' THEN
        -- What a place may be used for was said of the old fence: else the new one could be drawn around anything.
        UPDATE event_roster g SET sharing = 'off' WHERE g.room_id = p_room AND g.sharing <> 'off' AND NOT g.is_host;
    END IF;
    v_row := append_entry_v1(p_idx, 'ok', p_room, 'event', p_author, NULL, p_client, NULL, jsonb_build_object(
        'state', v_event.state, 'title', v_new -> 'title', 'topic', v_new -> 'topic',
        'picture', CASE WHEN v_new ? 'cover'
                   THEN coalesce(v_new ->> 'cover', '00000000-0000-0000-0000-000000000000') END,
        'changed', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(v_new) k)), NULL);
    RETURN NEXT v_row;
    PERFORM time_event_v1(p_room, (p_body ->> 'soon_ms')::bigint * interval '1 millisecond');
    PERFORM promote_v1(p_room);
    IF (v_had OR v_event.fence IS NOT NULL)
       AND v_new ?| ARRAY['fence', 'visibility', 'doors_at_ms', 'ends_at_ms', 'dwell_ms'] THEN
        RETURN NEXT control_event_v1(p_idx, p_room, p_author);
    END IF;
    SELECT jsonb_agg(k ORDER BY k) INTO v_new FROM jsonb_object_keys(v_new) k
        WHERE k IN ('doors_at_ms', 'starts_at_ms', 'ends_at_ms', 'zone', 'place_name', 'address', 'point', 'fence');
    IF v_new IS NOT NULL THEN
        PERFORM tell_event_v1(p_room, 'changed', v_row.seq, p_author, v_new,
                              (p_body ->> 'settle_ms')::bigint * interval '1 millisecond');
    END IF;
END
$$;
