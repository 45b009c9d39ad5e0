-- Bans from a room: whoever is banned is kicked and comes back by no way, until the ban ends. A kick without one stays
-- what it was: they come back by invitation.

CREATE TABLE room_bans (
    room_id   uuid NOT NULL,
    person_id uuid NOT NULL,
    -- Null: until it is lifted.
    until     timestamptz,
    banned_by uuid NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    reason    text NOT NULL DEFAULT '',
    PRIMARY KEY (room_id, person_id)
);
CREATE INDEX room_bans_until ON room_bans (until) WHERE until IS NOT NULL;

CREATE FUNCTION banned_v1(p_room uuid, p_person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM room_bans b WHERE b.room_id = p_room AND b.person_id = p_person
                   AND (b.until IS NULL OR b.until > clock_timestamp()))
$$;

-- A ban whose time is over leaves somebody as if they had left. Under the room's lock.
CREATE FUNCTION lapse_ban_v1(p_room uuid, p_person uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM room_bans b WHERE b.room_id = p_room AND b.person_id = p_person AND b.until <= clock_timestamp();
    IF FOUND THEN
        UPDATE members m SET relation = 'left'
            WHERE m.room_id = p_room AND m.person_id = p_person AND m.relation = 'kicked';
    END IF;
END
$$;

-- The first p_most bans that are over, lifted; how many. By the clock, so that who is let in again finds the room.
CREATE FUNCTION lapse_bans_v1(p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_rooms  uuid[];
    v_people uuid[];
BEGIN
    SELECT array_agg(b.room_id), array_agg(b.person_id) INTO v_rooms, v_people FROM (
        SELECT b.room_id, b.person_id FROM room_bans b WHERE b.until <= clock_timestamp()
        ORDER BY b.until LIMIT p_most) b;
    PERFORM 1 FROM rooms r WHERE r.room_id = ANY (v_rooms) ORDER BY r.room_id FOR NO KEY UPDATE;
    FOR i IN 1 .. coalesce(cardinality(v_rooms), 0) LOOP
        PERFORM lapse_ban_v1(v_rooms[i], v_people[i]);
    END LOOP;
    RETURN coalesce(cardinality(v_rooms), 0);
END
$$;

-- The op `room_ban` or `room_unban`, permission judged. A ban of somebody who is in the room is a kick, an entry;
-- otherwise the room has not changed.
CREATE FUNCTION change_ban_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_relation text, p_client text,
    p_body jsonb, p_subject uuid
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_head     bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
    v_until    timestamptz := to_timestamp((p_body ->> 'until_ms')::bigint / 1000.0);
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_subject);
BEGIN
    IF p_op = 'room_unban' THEN
        DELETE FROM room_bans b WHERE b.room_id = p_room AND b.person_id = p_subject;
        UPDATE members m SET relation = 'left'
            WHERE m.room_id = p_room AND m.person_id = p_subject AND m.relation = 'kicked';
        RETURN NEXT verdict_v1(p_idx, CASE WHEN FOUND THEN 'ok' ELSE 'same' END, p_room, v_head); RETURN;
    END IF;
    IF v_until <= clock_timestamp() THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    ELSIF NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF NOT outranks_v1(p_author, p_relation, p_subject, v_relation) THEN
        RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0); RETURN;
    ELSIF EXISTS (SELECT 1 FROM room_bans b WHERE b.room_id = p_room AND b.person_id = p_subject
                  AND b.until IS NOT DISTINCT FROM v_until) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    END IF;
    INSERT INTO room_bans AS b (room_id, person_id, until, banned_by, reason)
        VALUES (p_room, p_subject, v_until, p_author, coalesce(p_body ->> 'reason', ''))
        ON CONFLICT (room_id, person_id) DO UPDATE SET until = excluded.until, banned_by = excluded.banned_by,
            at = excluded.at, reason = excluded.reason;
    IF v_relation IN ('member', 'moderator') THEN
        RETURN QUERY SELECT * FROM dismiss_v1(p_idx, p_room, p_subject, p_author, 'kick', p_client); RETURN;
    END IF;
    INSERT INTO members AS m (room_id, person_id, relation) VALUES (p_room, p_subject, 'kicked')
        ON CONFLICT (room_id, person_id) DO UPDATE SET relation = 'kicked' WHERE m.relation <> 'kicked';
    RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
    IF v_relation = 'invited' THEN
        RETURN NEXT append_entry_v1(p_idx, 'side', p_subject, 'room_removed', p_author, p_subject, NULL, NULL,
                                    jsonb_build_object('room', p_room, 'at_seq', v_head), NULL);
    END IF;
END
$$;
