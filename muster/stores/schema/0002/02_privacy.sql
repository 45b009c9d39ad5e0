-- Privacy settings, and what they do to new rooms and to invitations.

CREATE FUNCTION change_privacy_v1(p_idx integer, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
BEGIN
    UPDATE people p SET may_message = coalesce(p_body ->> 'message', may_message),
        may_find = coalesce(p_body ->> 'find', may_find),
        may_find_handle = coalesce(p_body ->> 'find_by_handle', may_find_handle),
        may_see_online = coalesce(p_body ->> 'online', may_see_online),
        may_see_events = coalesce(p_body ->> 'events', may_see_events)
        WHERE p.person_id = p_author
          AND (may_message, may_find, may_find_handle, may_see_online, may_see_events) IS DISTINCT FROM
              (coalesce(p_body ->> 'message', may_message), coalesce(p_body ->> 'find', may_find),
               coalesce(p_body ->> 'find_by_handle', may_find_handle),
               coalesce(p_body ->> 'online', may_see_online), coalesce(p_body ->> 'events', may_see_events));
    IF FOUND THEN
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, 'privacy', p_author, NULL, p_client, NULL, NULL, NULL);
    ELSE
        RETURN NEXT verdict_v1(p_idx, 'same', p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author));
    END IF;
END
$$;

-- Take a direct room out of my Requests.
CREATE FUNCTION accept_request_v1(p_idx integer, p_author uuid, p_client text, p_room uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
BEGIN
    UPDATE members m SET request = false WHERE m.room_id = p_room AND m.person_id = p_author AND m.request;
    IF FOUND THEN
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, 'request', p_author, p_author, p_client, NULL,
                                    jsonb_build_object('room', p_room, 'state', 'accepted'), NULL);
    ELSE
        RETURN NEXT verdict_v1(p_idx, CASE WHEN EXISTS (
                SELECT 1 FROM members m WHERE m.room_id = p_room AND m.person_id = p_author
                AND m.relation IN ('member', 'moderator', 'owner')) THEN 'same' ELSE 'not_found' END,
            p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author));
    END IF;
END
$$;

CREATE FUNCTION create_room_v2(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_fresh boolean := NOT EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = p_room);
    v_peer  uuid;
BEGIN
    -- Who lets nobody near is as if they were not there.
    IF v_fresh AND EXISTS (SELECT 1 FROM jsonb_array_elements_text(p_body -> 'people') x(id)
                           JOIN people p ON p.person_id = x.id::uuid
                           WHERE p.may_message = 'nobody' AND p.person_id <> p_author) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    RETURN QUERY SELECT * FROM create_room_v1(p_idx, p_room, p_author, p_client, p_body);
    IF NOT v_fresh OR p_body ->> 'kind' <> 'direct' THEN
        RETURN;
    END IF;
    UPDATE members m SET request = true FROM people p
        WHERE m.room_id = p_room AND m.person_id <> p_author AND p.person_id = m.person_id
          AND (NOT allows_v1(p.may_message, p.person_id, p_author)
               OR EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p.person_id AND b.blocked = p_author))
        RETURNING m.person_id INTO v_peer;
    IF v_peer IS NOT NULL THEN
        RETURN NEXT append_entry_v1(p_idx, 'side', v_peer, 'request', p_author, v_peer, NULL, NULL,
                                    jsonb_build_object('room', p_room, 'state', 'requested'), NULL);
    END IF;
END
$$;
