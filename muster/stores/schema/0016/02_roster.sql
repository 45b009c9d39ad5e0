-- Who is asked to an event, who comes, who waits. All under the head lock of the event's room, so that the last place is
-- given once.

-- Once per statement, however many rows: the head lock of the room is held, so nobody else counts meanwhile.
CREATE FUNCTION count_answers_v1(p_rooms uuid[], p_answers text[], p_sign integer) RETURNS void LANGUAGE sql AS $$
    UPDATE events e SET going = e.going + p_sign * c.going, maybe = e.maybe + p_sign * c.maybe,
                        waitlist = e.waitlist + p_sign * c.waitlist, invited = e.invited + p_sign * c.invited
    FROM (SELECT room_id, count(*) FILTER (WHERE answer = 'going') AS going,
                 count(*) FILTER (WHERE answer = 'maybe') AS maybe,
                 count(*) FILTER (WHERE answer = 'waitlist') AS waitlist,
                 count(*) FILTER (WHERE answer = 'invited') AS invited
          FROM unnest(p_rooms, p_answers) r (room_id, answer) GROUP BY room_id) c
    WHERE e.room_id = c.room_id
$$;
CREATE FUNCTION roster_came_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_answers_v1(array_agg(n.room_id), array_agg(n.answer), 1) FROM fresh_rows n;
    RETURN NULL;
END
$$;
CREATE FUNCTION roster_went_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_answers_v1(array_agg(o.room_id), array_agg(o.answer), -1) FROM old_rows o;
    RETURN NULL;
END
$$;
CREATE FUNCTION roster_changed_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_rooms uuid[];
    v_were  text[];
    v_are   text[];
BEGIN
    SELECT array_agg(n.room_id), array_agg(o.answer), array_agg(n.answer) INTO v_rooms, v_were, v_are
        FROM fresh_rows n JOIN old_rows o USING (room_id, person_id) WHERE n.answer <> o.answer;
    IF v_rooms IS NOT NULL THEN
        PERFORM count_answers_v1(v_rooms, v_were, -1);
        PERFORM count_answers_v1(v_rooms, v_are, 1);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER event_roster_came AFTER INSERT ON event_roster REFERENCING NEW TABLE AS fresh_rows
    FOR EACH STATEMENT EXECUTE FUNCTION roster_came_v1();
CREATE TRIGGER event_roster_went AFTER DELETE ON event_roster REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION roster_went_v1();
CREATE TRIGGER event_roster_changed AFTER UPDATE ON event_roster
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS fresh_rows
    FOR EACH STATEMENT EXECUTE FUNCTION roster_changed_v1();

-- Whether one more may come.
CREATE FUNCTION event_full_v1(p_event events) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_event.going >= p_event.capacity, false)
$$;

-- Places that are free go to who has waited longest. They are told, and let into the room, by a job: their own logs are
-- not among the locks.
CREATE FUNCTION promote_v1(p_room uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_event events;
BEGIN
    SELECT * INTO v_event FROM events e WHERE e.room_id = p_room;
    IF event_over_v1(v_event) OR event_full_v1(v_event) THEN
        RETURN;
    END IF;
    UPDATE event_roster g SET answer = 'going', since = clock_timestamp(), owed = true
        FROM (SELECT w.person_id FROM event_roster w WHERE w.room_id = p_room AND w.answer = 'waitlist'
              ORDER BY w.since, w.person_id
              LIMIT v_event.capacity - v_event.going) w
        WHERE g.room_id = p_room AND g.person_id = w.person_id;
    IF FOUND THEN
        PERFORM put_job_v1(event_job_v1('event_up', p_room), 'event_up', clock_timestamp(),
                           jsonb_build_object('room', p_room));
    END IF;
END
$$;

-- My own devices learn that my answer, or what I share, is another now.
CREATE FUNCTION told_answer_v1(p_idx integer, p_room uuid, p_person uuid, p_author uuid, p_state text)
RETURNS committed_v1 LANGUAGE sql AS $$
    SELECT append_entry_v1(p_idx, 'side', p_person, 'event', p_author, p_person, NULL, NULL,
                           jsonb_build_object('room', p_room, 'state', p_state), NULL)
$$;

CREATE FUNCTION notice_event_v1(p_idx integer, p_room uuid, p_person uuid, p_author uuid, p_state text)
RETURNS committed_v1 LANGUAGE sql AS $$
    SELECT append_entry_v1(p_idx, 'side', p_person, 'notice', p_author, p_person, NULL, NULL, jsonb_build_object(
        'room', p_room, 'state', p_state, 'title', (SELECT r.title FROM rooms r WHERE r.room_id = p_room)), NULL)
$$;

-- rsvp: `answer` (going, maybe, no) and `sharing`; what is absent stays.
CREATE FUNCTION answer_event_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_relation text)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_head    bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
    v_event   events;
    v_mine    event_roster;
    v_answer  text := p_body ->> 'answer';
    v_sharing text;
BEGIN
    SELECT * INTO v_event FROM events e WHERE e.room_id = p_room;
    IF NOT event_visible_v1(v_event, p_author) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF event_over_v1(v_event) THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
    END IF;
    SELECT * INTO v_mine FROM event_roster g WHERE g.room_id = p_room AND g.person_id = p_author;
    IF v_answer IS NULL AND v_mine.person_id IS NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    ELSIF v_answer = 'going' AND coalesce(v_mine.answer, 'no') <> 'going' AND event_full_v1(v_event) THEN
        v_answer := 'waitlist';
    END IF;
    v_answer := coalesce(v_answer, v_mine.answer);
    v_sharing := coalesce(p_body ->> 'sharing', CASE WHEN v_answer = 'no' THEN 'off' ELSE v_mine.sharing END, 'off');
    IF (v_answer, v_sharing) = (v_mine.answer, v_mine.sharing) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    END IF;
    INSERT INTO event_roster AS g (room_id, person_id, answer, sharing, since)
        VALUES (p_room, p_author, v_answer, v_sharing, clock_timestamp())
        ON CONFLICT (room_id, person_id) DO UPDATE SET answer = excluded.answer, sharing = excluded.sharing,
            since = CASE g.answer WHEN excluded.answer THEN g.since ELSE excluded.since END,
            owed = g.owed AND excluded.answer = 'going';
    IF v_event.joins_on = 'answer' AND v_answer IN ('going', 'maybe') AND p_body ? 'answer'
       AND coalesce(p_relation, 'left') IN ('left', 'invited') THEN
        RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_author, p_author, 'member', p_client);
        UPDATE event_roster g SET owed = false WHERE g.room_id = p_room AND g.person_id = p_author AND g.owed;
    ELSIF v_answer = 'no' AND p_relation = 'member' THEN
        RETURN QUERY SELECT * FROM dismiss_v1(p_idx, p_room, p_author, p_author, 'leave', p_client);
    ELSE
        RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
    END IF;
    RETURN NEXT told_answer_v1(p_idx, p_room, p_author, p_author, v_answer);
    IF v_mine.answer = 'going' AND v_answer <> 'going' THEN
        PERFORM promote_v1(p_room);
    END IF;
END
$$;

-- A host puts somebody on the roster. A block stays invisible to the blocked; who is near to nobody is not there.
CREATE FUNCTION invite_event_v1(p_idx integer, p_room uuid, p_author uuid, p_subject uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_head bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject
                   AND (p.may_message <> 'nobody' OR p_subject = p_author)) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF EXISTS (SELECT 1 FROM events e WHERE e.room_id = p_room AND event_over_v1(e)) THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
    ELSIF EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = p_room AND g.person_id = p_subject)
          OR EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p_subject AND b.blocked = p_author) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    ELSIF (SELECT e.invited FROM events e WHERE e.room_id = p_room) >= 10000 THEN
        RETURN NEXT verdict_v1(p_idx, 'limit_exceeded', p_room, 0); RETURN;
    END IF;
    UPDATE members m SET relation = 'left' WHERE m.room_id = p_room AND m.person_id = p_subject
        AND m.relation = 'kicked';
    INSERT INTO event_roster (room_id, person_id, answer, invited_by) VALUES (p_room, p_subject, 'invited', p_author);
    RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
    RETURN NEXT notice_event_v1(p_idx, p_room, p_subject, p_author, 'invited');
END
$$;

-- A host puts somebody out: off the roster, out of the room, and back only by invitation.
CREATE FUNCTION drop_guest_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_subject uuid, p_relation text
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_subject);
    v_head     bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
BEGIN
    IF p_subject = p_author OR v_relation = 'owner' OR (v_relation = 'moderator' AND p_relation <> 'owner') THEN
        RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0); RETURN;
    ELSIF v_relation IN ('invited', 'member', 'moderator') THEN
        -- Kicked, they leave the roster too: roster_follows_v1.
        RETURN QUERY SELECT * FROM change_member_v1(p_idx, 'kick', p_room, p_author, p_client, NULL, p_subject,
                                                    p_relation);
    ELSIF EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = p_room AND g.person_id = p_subject) THEN
        INSERT INTO members (room_id, person_id, relation) VALUES (p_room, p_subject, 'kicked')
            ON CONFLICT (room_id, person_id) DO UPDATE SET relation = 'kicked';
        RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
    ELSE
        RETURN NEXT verdict_v1(p_idx, CASE v_relation WHEN 'kicked' THEN 'same' ELSE 'not_found' END, p_room, v_head);
        RETURN;
    END IF;
    RETURN NEXT told_answer_v1(p_idx, p_room, p_subject, p_author, 'removed');
END
$$;

-- The owner makes somebody a host (a moderator of the room), or a guest again.
CREATE FUNCTION host_event_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_subject uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_subject);
    v_head     bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
BEGIN
    IF v_relation = 'owner' AND p_body ->> 'role' = 'moderator' THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head);
    ELSIF v_relation IN ('member', 'moderator', 'owner') THEN
        RETURN QUERY SELECT * FROM change_member_v1(p_idx, 'role', p_room, p_author, p_client, p_body, p_subject,
                                                    'owner');
    ELSIF NOT EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = p_room AND g.person_id = p_subject) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0);
    ELSIF p_body ->> 'role' = 'moderator' THEN
        RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_subject, p_author, 'moderator', p_client);
    ELSE
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head);
    END IF;
END
$$;

-- Somebody who moved up is told, and let into the room where answers do that. By nobody (the job), once.
CREATE FUNCTION seat_guest_v1(p_idx integer, p_room uuid, p_author uuid, p_subject uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_subject);
    v_head     bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
BEGIN
    UPDATE event_roster g SET owed = false WHERE g.room_id = p_room AND g.person_id = p_subject AND g.owed;
    IF NOT FOUND OR EXISTS (SELECT 1 FROM events e WHERE e.room_id = p_room AND e.state = 'cancelled') THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    ELSIF coalesce(v_relation, 'left') IN ('left', 'invited')
          AND EXISTS (SELECT 1 FROM events e WHERE e.room_id = p_room AND e.joins_on = 'answer') THEN
        RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_subject, p_subject, 'member', NULL);
    ELSE
        RETURN NEXT verdict_v1(p_idx, 'ok', p_room, v_head);
    END IF;
    RETURN NEXT notice_event_v1(p_idx, p_room, p_subject, p_author, 'waitlist_up');
END
$$;

-- Whoever makes somebody a moderator of the room makes them a host; whoever is put out of it is off the roster.
CREATE FUNCTION roster_follows_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    IF NEW.relation = 'kicked' THEN
        DELETE FROM event_roster g WHERE g.room_id = NEW.room_id AND g.person_id = NEW.person_id
            RETURNING g.answer INTO v_answer;
        IF v_answer = 'going' THEN
            PERFORM promote_v1(NEW.room_id);
        END IF;
    ELSIF NEW.relation IN ('moderator', 'owner') THEN
        INSERT INTO event_roster AS g (room_id, person_id, answer, is_host)
            SELECT e.room_id, NEW.person_id, 'invited', true FROM events e WHERE e.room_id = NEW.room_id
            ON CONFLICT (room_id, person_id) DO UPDATE SET is_host = true;
    ELSE
        UPDATE event_roster g SET is_host = false
            WHERE g.room_id = NEW.room_id AND g.person_id = NEW.person_id AND g.is_host;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER members_roster_came AFTER INSERT ON members FOR EACH ROW
    WHEN (NEW.relation IN ('kicked', 'moderator', 'owner') AND NEW.room_id <> NEW.person_id)
    EXECUTE FUNCTION roster_follows_v1();
CREATE TRIGGER members_roster_changed AFTER UPDATE OF relation ON members FOR EACH ROW
    WHEN (OLD.relation <> NEW.relation
          AND (NEW.relation IN ('kicked', 'moderator', 'owner') OR OLD.relation IN ('moderator', 'owner')))
    EXECUTE FUNCTION roster_follows_v1();
