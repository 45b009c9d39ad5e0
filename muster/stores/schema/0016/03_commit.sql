-- What was there already, with events in it. For all that the release before sends these are the same functions: it names
-- none of the new ops, and without a row in `events` none of the branches is taken.

-- Rooms that make their members room-mates: those that not just anybody may join.
CREATE FUNCTION makes_mates_v1(p_room uuid, p_kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_kind = 'group' OR (p_kind = 'event' AND NOT EXISTS (
        SELECT 1 FROM events e WHERE e.room_id = p_room AND e.visibility = 'public'))
$$;

-- As before; a room of an event that is public is open to anybody, and makes nobody a room-mate.
CREATE OR REPLACE FUNCTION allows_v1(p_circle text, p_owner uuid, p_other uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE p_circle
        WHEN 'everyone' THEN true
        WHEN 'nobody' THEN false
        ELSE EXISTS (SELECT 1 FROM contacts c WHERE c.person_id = p_owner AND c.other_id = p_other
                     AND c.state = 'accepted')
             OR (p_circle = 'room-mates' AND EXISTS (
                 SELECT 1 FROM members m JOIN members o USING (room_id) JOIN rooms r USING (room_id)
                 WHERE m.person_id = p_owner AND m.relation IN ('member', 'moderator', 'owner')
                   AND o.person_id = p_other AND o.relation IN ('member', 'moderator', 'owner')
                   AND makes_mates_v1(r.room_id, r.kind)))
        END
$$;

-- Who may come into an event's room by themselves: of a public one who may know of it; else who is asked into the room,
-- who said that they might come, a host, and who is there.
CREATE FUNCTION event_open_v1(p_event events, p_person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT event_visible_v1(p_event, p_person) AND (
        p_event.visibility = 'public'
        OR EXISTS (SELECT 1 FROM members m WHERE m.room_id = p_event.room_id AND m.person_id = p_person
                   AND m.relation IN ('invited', 'member', 'moderator', 'owner'))
        OR EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = p_event.room_id AND g.person_id = p_person
                   AND (g.answer IN ('going', 'maybe') OR g.is_host))
        OR EXISTS (SELECT 1 FROM event_visits v WHERE v.room_id = p_event.room_id AND v.person_id = p_person
                   AND v.left_at IS NULL))
$$;

-- Come in by a link; into an event that is onto its roster, and no further: an answer is still owed.
CREATE OR REPLACE FUNCTION join_by_link_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_allow bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room     rooms;
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author);
    v_link     links;
    v_event    events;
BEGIN
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    SELECT * INTO v_link FROM links l WHERE l.room_id = p_room AND l.code = p_body ->> 'code';
    SELECT * INTO v_event FROM events e WHERE e.room_id = p_room;
    IF v_room.room_id IS NULL OR v_room.archived_at IS NOT NULL OR v_link.code IS NULL
       OR NOT may_v1(p_allow, v_room.kind, v_relation) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = p_room AND g.person_id = p_author) THEN
        -- Also by a link whose last use was theirs: the answer may have been lost.
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_room.head); RETURN;
    ELSIF NOT link_works_v1(v_link) OR event_over_v1(v_event) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF v_relation IN ('member', 'moderator', 'owner') THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_room.head); RETURN;
    ELSIF v_event.room_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM blocks b JOIN members o ON o.room_id = p_room AND o.person_id = b.blocker
        WHERE b.blocked = p_author AND o.relation = 'owner') THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    UPDATE links l SET used = used + 1 WHERE l.room_id = p_room AND l.code = v_link.code;
    IF v_event.room_id IS NULL THEN
        RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_author, p_author, 'member', p_client);
    ELSE
        INSERT INTO event_roster (room_id, person_id, answer, invited_by)
            VALUES (p_room, p_author, 'invited', v_link.created_by);
        RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_room.head);
        RETURN NEXT notice_event_v1(p_idx, p_room, p_author, p_author, 'invited');
    END IF;
END
$$;

-- What somebody lets public events judge that they are not on the roster of. `sharing`: off, ghost, on.
CREATE FUNCTION change_place_v1(p_idx integer, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce((SELECT d.sharing FROM place_defaults d WHERE d.person_id = p_author), 'off') = p_body ->> 'sharing' THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author)); RETURN;
    END IF;
    INSERT INTO place_defaults (person_id, sharing) VALUES (p_author, p_body ->> 'sharing')
        ON CONFLICT (person_id) DO UPDATE SET sharing = excluded.sharing;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_author, 'event', p_author, NULL, p_client, NULL, NULL, NULL);
END
$$;

-- The ops about an event, permission judged.
CREATE FUNCTION do_event_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_subject uuid, p_relation text
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM events e WHERE e.room_id = p_room) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    CASE p_op
    WHEN 'change_event' THEN
        RETURN QUERY SELECT * FROM change_event_v1(p_idx, p_room, p_author, p_client, p_body);
    WHEN 'cancel_event', 'end_event', 'turn_event' THEN
        RETURN QUERY SELECT * FROM turn_event_v1(p_idx, p_op, p_room, p_author, p_client);
    WHEN 'answer_event' THEN
        RETURN QUERY SELECT * FROM answer_event_v1(p_idx, p_room, p_author, p_client, p_body, p_relation);
    WHEN 'invite_event' THEN
        RETURN QUERY SELECT * FROM invite_event_v1(p_idx, p_room, p_author, p_subject);
    WHEN 'drop_event' THEN
        RETURN QUERY SELECT * FROM drop_guest_v1(p_idx, p_room, p_author, p_client, p_subject, p_relation);
    WHEN 'host_event' THEN
        RETURN QUERY SELECT * FROM host_event_v1(p_idx, p_room, p_author, p_client, p_body, p_subject);
    WHEN 'seat_event' THEN
        RETURN QUERY SELECT * FROM seat_guest_v1(p_idx, p_room, p_author, p_subject);
    END CASE;
END
$$;

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
    ELSIF p_op = 'create_event' THEN
        RETURN QUERY SELECT * FROM create_event_v1(p_idx, p_room, p_author, p_client, p_body); RETURN;
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
    IF v_room.archived_at IS NOT NULL
       AND p_op NOT IN ('settings', 'leave', 'kick', 'delete', 'cancel_event', 'end_event', 'turn_event') THEN
        RETURN NEXT verdict_v1(p_idx, 'archived', p_room, 0); RETURN;
    END IF;
    IF p_op IN ('edit', 'delete', 'react', 'unreact') THEN
        RETURN QUERY SELECT * FROM change_message_v1(p_idx, p_op, p_room, p_author, p_client, p_text,
            mention_v1(p_room, v_room.kind, v_relation, p_body), p_target, p_target_client, p_allow, p_allow_other,
            v_room.kind, v_relation);
    ELSIF p_op = 'join' AND v_room.kind = 'event'
          AND EXISTS (SELECT 1 FROM events e WHERE e.room_id = p_room AND NOT event_open_v1(e, p_author)) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0);
    ELSIF p_op IN ('join', 'invite', 'leave', 'kick', 'role') THEN
        RETURN QUERY SELECT * FROM change_member_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject,
                                                    v_relation);
    ELSIF p_op = 'settings' THEN
        RETURN QUERY SELECT * FROM change_settings_v1(p_idx, p_room, p_author, p_client, p_body);
    ELSIF p_op IN ('pin', 'unpin') THEN
        RETURN QUERY SELECT * FROM change_pin_v1(p_idx, p_op, p_room, p_author, p_client, p_target);
    ELSIF p_op IN ('reminder', 'unsent', 'notice') THEN
        -- What a timer tells its owner, in the owner's own log.
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, NULL, p_client, p_text, p_body, NULL);
    ELSIF p_op = 'draft' THEN
        RETURN QUERY SELECT * FROM change_draft_v1(p_idx, p_author, p_client, p_text, p_body);
    ELSIF p_op = 'place' THEN
        RETURN QUERY SELECT * FROM change_place_v1(p_idx, p_author, p_client, p_body);
    ELSIF p_op LIKE '%\_event' THEN
        RETURN QUERY SELECT * FROM do_event_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject, v_relation);
    ELSIF v_room.kind = 'self' THEN
        RETURN QUERY SELECT * FROM change_own_v1(p_idx, p_op, p_author, p_client, p_body);
    ELSE
        RETURN QUERY SELECT * FROM change_control_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject);
    END IF;
END
$$;
