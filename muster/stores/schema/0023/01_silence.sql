-- Silence and slow mode: who may write nothing until a time, and how long members of a room wait between two messages.
-- All of it is judged where posts are committed, under the room's lock.

ALTER TABLE members ADD COLUMN silenced_until timestamptz;
ALTER TABLE rooms ADD COLUMN slow_s integer NOT NULL DEFAULT 0;

-- By staff, everywhere. Few rows, most of the time none.
CREATE TABLE silences (
    person_id uuid PRIMARY KEY,
    until     timestamptz NOT NULL
);

-- When a member last wrote into a room while it was slow. Other rooms have no rows here, and their posts write none.
CREATE TABLE slow_marks (
    room_id   uuid NOT NULL,
    person_id uuid NOT NULL,
    posted_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, person_id)
) WITH (fillfactor = 70);

-- Until when somebody may write nothing into this room; null: they may.
CREATE FUNCTION silenced_v1(p_room uuid, p_person uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT max(u.until) FROM (
        SELECT m.silenced_until AS until FROM members m WHERE m.room_id = p_room AND m.person_id = p_person
            AND m.relation IN ('member', 'moderator', 'owner')
        UNION ALL
        SELECT s.until FROM silences s WHERE s.person_id = p_person) u
    WHERE u.until > clock_timestamp()
$$;

-- When a member may write again; null: now. Moderators and owners do not wait.
CREATE FUNCTION slowed_v1(p_room uuid, p_person uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT k.posted_at + r.slow_s * interval '1 second'
    FROM rooms r JOIN members m USING (room_id) JOIN slow_marks k USING (room_id, person_id)
    WHERE r.room_id = p_room AND m.person_id = p_person AND r.slow_s > 0 AND m.relation = 'member'
      AND k.posted_at + r.slow_s * interval '1 second' > clock_timestamp()
$$;

-- Members have written into slow rooms. Each pair once.
CREATE FUNCTION mark_slow_v1(p_rooms uuid[], p_people uuid[], p_at timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO slow_marks (room_id, person_id, posted_at)
    SELECT u.room, u.person, p_at FROM unnest(p_rooms, p_people) u (room, person)
        JOIN rooms r ON r.room_id = u.room JOIN members m ON m.room_id = u.room AND m.person_id = u.person
    WHERE r.slow_s > 0 AND m.relation = 'member'
    ON CONFLICT (room_id, person_id) DO UPDATE SET posted_at = excluded.posted_at
$$;

-- A refusal that says until when.
CREATE FUNCTION wait_v1(p_idx integer, p_status text, p_room uuid, p_until timestamptz) RETURNS committed_v1
LANGUAGE sql AS $$
    SELECT ROW(p_idx, p_status, p_room, 0, 0, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, NULL::text,
               NULL::uuid, NULL::uuid, NULL::bigint,
               jsonb_build_object('until_ms', ceil(extract(epoch FROM p_until) * 1000)::bigint))::committed_v1
$$;

-- Whether somebody in a room may act against a member of it, as in a kick: nobody against themselves or an owner,
-- and against a moderator only an owner (or the app).
CREATE FUNCTION outranks_v1(p_author uuid, p_relation text, p_subject uuid, p_subject_relation text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_author <> p_subject AND p_subject_relation IS DISTINCT FROM 'owner'
       AND (p_subject_relation IS DISTINCT FROM 'moderator' OR coalesce(p_relation, 'owner') = 'owner')
$$;

-- The op `silence` or `unsilence`, permission judged. In a room it is an entry there, on the control log it holds
-- everywhere; either way the silenced are told in their own log, with the reason.
CREATE FUNCTION change_silence_v1(
    p_idx integer, p_op text, p_room uuid, p_kind text, p_author uuid, p_relation text, p_client text,
    p_body jsonb, p_subject uuid
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_until    timestamptz := CASE p_op WHEN 'silence' THEN to_timestamp((p_body ->> 'until_ms')::bigint / 1000.0) END;
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_subject);
    v_before   timestamptz;
    v_body     jsonb;
    v_row      committed_v1;
BEGIN
    IF p_op = 'silence' AND (v_until IS NULL OR v_until <= clock_timestamp()
                             OR v_until > clock_timestamp() + interval '366 days') THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    ELSIF p_kind <> 'control' AND coalesce(v_relation NOT IN ('member', 'moderator', 'owner'), true)
          OR p_kind = 'control' AND NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF p_kind <> 'control' AND NOT outranks_v1(p_author, p_relation, p_subject, v_relation) THEN
        RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0); RETURN;
    END IF;
    IF p_kind = 'control' THEN
        SELECT s.until INTO v_before FROM silences s WHERE s.person_id = p_subject AND s.until > clock_timestamp();
        DELETE FROM silences s WHERE s.person_id = p_subject;
        INSERT INTO silences (person_id, until) SELECT p_subject, v_until WHERE v_until IS NOT NULL;
    ELSE
        SELECT m.silenced_until INTO v_before FROM members m
            WHERE m.room_id = p_room AND m.person_id = p_subject AND m.silenced_until > clock_timestamp();
        UPDATE members m SET silenced_until = v_until WHERE m.room_id = p_room AND m.person_id = p_subject;
    END IF;
    IF v_before IS NOT DISTINCT FROM v_until THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, (SELECT head FROM rooms r WHERE r.room_id = p_room)); RETURN;
    END IF;
    v_body := jsonb_strip_nulls(jsonb_build_object('until_ms', (extract(epoch FROM v_until) * 1000)::bigint));
    v_row := append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, p_subject, p_client, NULL, v_body, NULL);
    RETURN NEXT v_row;
    IF p_kind <> 'control' THEN
        v_body := v_body || jsonb_build_object('room', p_room, 'at_seq', v_row.seq);
    END IF;
    -- Who did it is in the room's log; of staff, nobody is told who it was.
    v_row := append_entry_v1(p_idx, 'side', p_subject, p_op,
                             CASE p_kind WHEN 'control' THEN '00000000-0000-0000-0000-000000000000' ELSE p_author END,
                             p_subject, NULL, nullif(p_body ->> 'reason', ''), v_body, NULL);
    -- A side entry's words reach the lanes by its body.
    v_row.body := v_row.body || jsonb_strip_nulls(jsonb_build_object('text', nullif(p_body ->> 'reason', '')));
    RETURN NEXT v_row;
END
$$;

-- As 0009 made it, with `slow_s`; for all that the release before sends it is the same.
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
                         WHEN 'slow_s' THEN to_jsonb(v_room.slow_s)
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
    IF p_body ? 'slow_s' THEN
        UPDATE rooms r SET slow_s = (p_body ->> 'slow_s')::integer WHERE r.room_id = p_room;
        IF p_body ->> 'slow_s' = '0' THEN
            DELETE FROM slow_marks k WHERE k.room_id = p_room;
        END IF;
    END IF;
    UPDATE rooms r SET title = coalesce(p_body ->> 'title', title), topic = coalesce(p_body ->> 'topic', topic),
        history = coalesce(p_body ->> 'history', history),
        archived_at = CASE (p_body ->> 'archived')::boolean WHEN true THEN now() WHEN false THEN NULL ELSE archived_at END
        WHERE r.room_id = p_room;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, 'settings', p_author, NULL, p_client, NULL, p_body, NULL);
END
$$;

-- Rows of silences that are over say nothing any more; the first p_most of them go. How many.
CREATE FUNCTION lapse_silences_v1(p_most integer) RETURNS integer LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM silences s WHERE s.until <= now() AND s.person_id IN (
            SELECT o.person_id FROM silences o WHERE o.until <= now() LIMIT p_most) RETURNING 1
    ) SELECT count(*)::integer FROM gone
$$;
