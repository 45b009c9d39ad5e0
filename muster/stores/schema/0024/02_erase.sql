-- Forgetting somebody, in small steps that may each be done again (muster/stores/postgres/erasing.py). What others see
-- change is told through the logs, in kinds that every release and phone knows; whoever looks for leases that ran out
-- publishes it.

CREATE FUNCTION lock_heads_v1(p_rooms uuid[], OUT rooms uuid[], OUT heads bigint[]) LANGUAGE sql AS $$
    SELECT array_agg(l.room_id), array_agg(l.head) FROM (
        SELECT r.room_id, r.head FROM rooms r WHERE r.room_id = ANY (p_rooms) ORDER BY r.room_id FOR NO KEY UPDATE) l
$$;

-- What was added to these logs since they were locked is published by somebody else.
CREATE FUNCTION owe_entries_v1(p_rooms uuid[], p_heads bigint[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO publish_leases (writer, until, rooms, from_seqs, to_seqs)
    SELECT gen_random_uuid(), clock_timestamp(), array_agg(r.room_id), array_agg(h.head + 1), array_agg(r.head)
    FROM unnest(p_rooms, p_heads) h (room_id, head) JOIN rooms r USING (room_id) WHERE r.head > h.head
    HAVING count(*) > 0
$$;

-- First: nobody finds them any more, and they come in by no way. Their id stays, and is all that they are.
CREATE FUNCTION erase_person_v1(p_person uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_control constant uuid := '00000000-0000-7000-8000-000000000001';
    v_rooms uuid[];
    v_heads bigint[];
BEGIN
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(ARRAY[v_control]);
    UPDATE people p SET handle = 'deleted-' || replace(p_person::text, '-', ''),
        handle_shown = 'deleted-' || replace(p_person::text, '-', ''), name = 'Deleted person', bio = '',
        password_hash = NULL, password_no = p.password_no + 1, service_role = 'user', picture = NULL,
        may_message = 'nobody', may_find = 'nobody', may_find_handle = 'nobody', may_see_online = 'nobody',
        may_see_events = 'nobody', updated_at = now(), erased_at = coalesce(p.erased_at, now())
        WHERE p.person_id = p_person;
    -- Whoever logged in just as this began is out again. After that update: a login holds the row until its session is
    -- there to be seen, and one that comes later finds nobody.
    PERFORM revoke_v1(0, 'side', v_control, p_person, NULL, p_person, NULL);
    PERFORM owe_entries_v1(v_rooms, v_heads);
    -- What they were to say later would be said in direct rooms, of which they stay a member, after their words went.
    DELETE FROM jobs j WHERE j.owner = p_person AND j.dead_at IS NULL;
    DELETE FROM externals x WHERE x.person_id = p_person;
    DELETE FROM grants g WHERE g.person_id = p_person;
    DELETE FROM half_logins h WHERE h.person_id = p_person;
    DELETE FROM oauth_flows f WHERE f.person_id = p_person;
    DELETE FROM mails m WHERE m.person_id = p_person;
    DELETE FROM emails e WHERE e.person_id = p_person;
END
$$;

-- Their contacts are told that they are no more; how many.
CREATE FUNCTION erase_contacts_v1(p_person uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_others uuid[];
    v_other  uuid;
    v_rooms  uuid[];
    v_heads  bigint[];
BEGIN
    SELECT array_agg(o.other) INTO v_others FROM (
        SELECT c.other_id AS other FROM contacts c WHERE c.person_id = p_person AND c.state <> 'removed'
        UNION SELECT c.person_id FROM contacts c WHERE c.other_id = p_person AND c.state <> 'removed'
        LIMIT p_most) o;
    IF v_others IS NULL THEN
        RETURN 0;
    END IF;
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(v_others || p_person);
    FOREACH v_other IN ARRAY v_others LOOP
        PERFORM drop_contact_v1(0, 'side', p_person, NULL, v_other);
    END LOOP;
    PERFORM owe_entries_v1(v_rooms, v_heads);
    RETURN cardinality(v_others);
END
$$;

-- Their words in a room go, as if they had deleted each message; how many.
CREATE FUNCTION erase_posts_v1(p_person uuid, p_room uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_rooms uuid[];
    v_heads bigint[];
    v_seq   bigint;
    v_row   committed_v1;
    v_count integer := 0;
BEGIN
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(ARRAY[p_room]);
    -- By the index of what each author wrote: in order of seq, a room of millions would be read through for them.
    FOR v_seq IN WITH theirs AS MATERIALIZED (
                     SELECT e.seq FROM entries e WHERE e.room_id = p_room AND e.author = p_person AND e.kind = 'post'
                     AND e.deleted_seq IS NULL)
                 SELECT t.seq FROM theirs t ORDER BY t.seq LIMIT p_most LOOP
        v_row := append_entry_v1(0, 'side', p_room, 'delete', p_person, NULL, NULL, NULL, NULL, v_seq);
        UPDATE entries e SET text = NULL, body = NULL, deleted_seq = v_row.seq
            WHERE e.room_id = p_room AND e.seq = v_seq;
        UPDATE entries e SET text = NULL, body = NULL
            WHERE e.room_id = p_room AND e.target = v_seq AND e.kind = 'edit';
        DELETE FROM reactions r WHERE r.room_id = p_room AND r.target = v_seq;
        v_count := v_count + 1;
    END LOOP;
    PERFORM owe_entries_v1(v_rooms, v_heads);
    RETURN v_count;
END
$$;

-- Their reactions are taken back, and their votes in polls that are open; how many. What a closed poll came to stays.
CREATE FUNCTION erase_marks_v1(p_person uuid, p_room uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_rooms uuid[];
    v_heads bigint[];
    v_mark  reactions;
    v_vote  poll_votes;
    v_count integer := 0;
BEGIN
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(ARRAY[p_room, p_person]);
    FOR v_mark IN SELECT r.* FROM entries e JOIN reactions r ON r.room_id = p_room AND r.seq = e.seq
                  AND r.target = e.target AND r.person_id = p_person
                  WHERE e.room_id = p_room AND e.author = p_person AND e.kind = 'react' LIMIT p_most LOOP
        PERFORM append_entry_v1(0, 'side', p_room, 'unreact', p_person, NULL, gen_random_uuid()::text, NULL,
                                jsonb_build_object('emoji', v_mark.emoji), v_mark.target);
        DELETE FROM reactions r WHERE r.room_id = p_room AND r.target = v_mark.target AND r.person_id = p_person
            AND r.emoji = v_mark.emoji;
        v_count := v_count + 1;
    END LOOP;
    FOR v_vote IN SELECT v.* FROM polls p JOIN poll_votes v ON v.room_id = p_room AND v.target = p.target
                  AND v.person_id = p_person
                  WHERE p.room_id = p_room AND (v.client_id <> '' OR v.choices = '{}') LIMIT p_most LOOP
        PERFORM vote_v1(0, p_room, p_person, gen_random_uuid()::text, '{"choices": []}', v_vote.target, NULL);
        DELETE FROM poll_votes v WHERE v.room_id = p_room AND v.target = v_vote.target AND v.person_id = p_person
            AND v.choices = '{}';
        UPDATE poll_votes v SET client_id = '' WHERE v.room_id = p_room AND v.target = v_vote.target
            AND v.person_id = p_person;
        v_count := v_count + 1;
    END LOOP;
    PERFORM owe_entries_v1(v_rooms, v_heads);
    RETURN v_count;
END
$$;

-- Whether somebody is the only one who answers for a room: its last member, or an event's only host.
CREATE FUNCTION alone_in_v1(p_person uuid, p_room uuid, p_kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_kind NOT IN ('direct', 'self', 'control')
       AND EXISTS (SELECT 1 FROM members m WHERE m.room_id = p_room AND m.person_id = p_person
                   AND m.relation IN ('member', 'moderator', 'owner')
                   AND (p_kind <> 'event' OR m.relation <> 'member'))
       AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = p_room AND m.person_id <> p_person
                       AND m.relation IN ('member', 'moderator', 'owner')
                       AND (p_kind <> 'event' OR m.relation <> 'member'))
$$;

-- Nobody answers for this room any more: it is archived, and what it said of itself goes.
CREATE FUNCTION orphan_room_v1(p_person uuid, p_room uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rooms r SET title = '', topic = '', picture = NULL, archived_at = coalesce(archived_at, now())
        WHERE r.room_id = p_room;
    PERFORM append_entry_v1(0, 'side', p_room, 'settings', p_person, NULL, NULL, NULL,
                            '{"title": "", "topic": "", "archived": true}', NULL);
    UPDATE entries e SET body = e.body - 'title' - 'topic' - 'about' WHERE e.room_id = p_room AND e.author = p_person
        AND e.kind IN ('settings', 'event') AND e.body ?| ARRAY['title', 'topic', 'about'];
    UPDATE events e SET about = '', place_name = '', address = '', lat = NULL, lon = NULL, fence = NULL, area = NULL,
        area_beyond = NULL WHERE e.room_id = p_room;
END
$$;

-- They leave a room for good, and what is kept of them there goes: everything but the words (erase_posts_v1) and that
-- they were a member. An event whose only host they were is called off.
CREATE FUNCTION leave_for_good_v1(p_person uuid, p_room uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_control constant uuid := '00000000-0000-7000-8000-000000000001';
    v_rooms uuid[];
    v_heads bigint[];
    v_kind  text;
    v_alone boolean;
    v_going text;
BEGIN
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(ARRAY[p_room, p_person, v_control]);
    v_kind := (SELECT r.kind FROM rooms r WHERE r.room_id = p_room);
    v_alone := alone_in_v1(p_person, p_room, v_kind);
    IF v_alone AND v_kind = 'event' THEN
        PERFORM turn_event_v1(0, 'cancel_event', p_room, p_person, NULL);
    END IF;
    IF v_alone THEN
        PERFORM orphan_room_v1(p_person, p_room);
    END IF;
    IF v_kind NOT IN ('direct', 'self', 'control') AND EXISTS (
            SELECT 1 FROM members m WHERE m.room_id = p_room AND m.person_id = p_person
            AND m.relation IN ('member', 'moderator', 'owner')) THEN
        PERFORM dismiss_v1(0, p_room, p_person, p_person, 'leave', NULL);
    END IF;
    UPDATE members m SET relation = CASE m.relation WHEN 'invited' THEN 'left' ELSE m.relation END,
        muted_until = NULL, level = 'all', chosen_level = NULL, silenced_until = NULL
        WHERE m.room_id = p_room AND m.person_id = p_person;
    DELETE FROM event_visits v WHERE v.room_id = p_room AND v.person_id = p_person;
    DELETE FROM event_roster g WHERE g.room_id = p_room AND g.person_id = p_person RETURNING g.answer INTO v_going;
    IF v_going = 'going' THEN
        PERFORM promote_v1(p_room);
    END IF;
    DELETE FROM push_notified n WHERE n.room_id = p_room AND n.person_id = p_person;
    DELETE FROM slow_marks k WHERE k.room_id = p_room AND k.person_id = p_person;
    DELETE FROM drafts d WHERE d.person_id = p_person AND d.room_id = p_room;
    DELETE FROM links l WHERE l.room_id = p_room AND l.created_by = p_person;
    DELETE FROM room_bans b WHERE b.room_id = p_room AND b.person_id = p_person;
    UPDATE room_bans b SET reason = '' WHERE b.room_id = p_room AND b.banned_by = p_person AND b.reason <> '';
    DELETE FROM device_pointers d USING sessions s
        WHERE s.person_id = p_person AND d.room_id = p_room AND d.device_id = s.device_id;
    UPDATE rooms r SET picture = NULL FROM media m
        WHERE r.room_id = p_room AND m.media_id = r.picture AND m.owner = p_person;
    IF FOUND THEN
        PERFORM append_entry_v1(0, 'side', p_room, 'settings', p_person, NULL, NULL, NULL,
                                '{"picture": "00000000-0000-0000-0000-000000000000"}', NULL);
    END IF;
    PERFORM owe_entries_v1(v_rooms, v_heads);
END
$$;

-- What entries of theirs in a room still say, once everybody was told: how they called their messages, with which
-- emoji they reacted, and why they silenced somebody. How many entries.
CREATE FUNCTION erase_traces_v1(p_person uuid, p_room uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM lock_heads_v1(ARRAY[p_room]);
    UPDATE entries s SET text = NULL FROM entries e
        WHERE e.room_id = p_room AND e.author = p_person AND e.kind IN ('silence', 'unsilence')
          AND e.client_id IS NOT NULL AND s.room_id = e.subject AND s.author = p_person AND s.kind = e.kind
          AND s.text IS NOT NULL;
    WITH part AS MATERIALIZED (
        SELECT e.seq FROM entries e WHERE e.room_id = p_room AND e.author = p_person AND e.client_id IS NOT NULL
        ORDER BY e.client_id LIMIT p_most
    )
    UPDATE entries e SET client_id = NULL,
        body = CASE WHEN e.kind IN ('react', 'unreact') THEN e.body || '{"emoji": "×"}' ELSE e.body END
        FROM part s WHERE e.room_id = p_room AND e.seq = s.seq;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

-- Their own log, which nobody else reads; how many entries. It stays as a place, and begins after what is gone.
CREATE FUNCTION erase_self_log_v1(p_person uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    PERFORM lock_heads_v1(ARRAY[p_person]);
    WITH part AS MATERIALIZED (
        SELECT e.seq FROM entries e WHERE e.room_id = p_person ORDER BY e.seq LIMIT p_most
    )
    DELETE FROM entries e USING part s WHERE e.room_id = p_person AND e.seq = s.seq;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE rooms r SET floor = r.head WHERE r.room_id = p_person AND r.floor < r.head AND v_count < p_most;
    RETURN v_count;
END
$$;

-- What they wrote about others to moderators, and what others wrote or kept about them; how many reports.
CREATE FUNCTION erase_reports_v1(p_person uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_theirs  integer;
    v_reports uuid[];
BEGIN
    UPDATE reports r SET note = '' WHERE r.report_id IN (
        SELECT o.report_id FROM reports o WHERE o.reporter = p_person AND o.note <> '' LIMIT p_most);
    GET DIAGNOSTICS v_theirs = ROW_COUNT;
    SELECT array_agg(o.report_id) INTO v_reports FROM (
        SELECT r.report_id FROM reports r WHERE r.subject = p_person AND r.emptied_at IS NULL LIMIT p_most) o;
    DELETE FROM report_media k WHERE k.report_id = ANY (v_reports);
    UPDATE reports r SET evidence = NULL, body = NULL, note = '', resolution = '', emptied_at = now()
        WHERE r.report_id = ANY (v_reports);
    RETURN v_theirs + coalesce(cardinality(v_reports), 0);
END
$$;

-- The audit stays as it is: its rows name a mark, and after this nothing says whose it was, nor what was written about
-- them or by them. How many reasons went; the mark goes with the last.
CREATE FUNCTION erase_audit_v1(p_person uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_mark  uuid := (SELECT a.mark FROM audit_people a WHERE a.person_id = p_person);
    v_count integer;
BEGIN
    DELETE FROM audit_words w USING (
        SELECT o.log_id, o.n FROM audit_words o JOIN (
            SELECT a.log_id, a.n FROM audit a WHERE a.subject = v_mark
            UNION SELECT a.log_id, a.n FROM audit a WHERE a.actor = v_mark) a USING (log_id, n)
        LIMIT p_most) gone WHERE w.log_id = gone.log_id AND w.n = gone.n;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count < p_most THEN
        DELETE FROM audit_people a WHERE a.person_id = p_person;
    END IF;
    RETURN v_count;
END
$$;

-- Rooms they left keep nothing of it. Of a direct room, and of their own log, the membership stays as an id.
CREATE FUNCTION erase_members_v1(p_person uuid, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_rooms uuid[];
BEGIN
    SELECT array_agg(o.room_id) INTO v_rooms FROM (
        SELECT m.room_id FROM members m JOIN rooms r USING (room_id)
        WHERE m.person_id = p_person AND r.kind NOT IN ('direct', 'self') LIMIT p_most) o;
    DELETE FROM spans s WHERE s.person_id = p_person AND s.room_id = ANY (v_rooms);
    DELETE FROM members m WHERE m.person_id = p_person AND m.room_id = ANY (v_rooms);
    RETURN coalesce(cardinality(v_rooms), 0);
END
$$;
