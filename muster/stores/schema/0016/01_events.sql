-- Making, changing and ending events. Every function is called with the head of the event's room locked, and that of the
-- control log where its op says so (muster/hosting.py); what phones and hosts see of an event is told by its room's log.

-- An event's cover is its room's picture, as title and topic are the room's.
ALTER TABLE events DROP COLUMN cover;
-- Moved up from the waitlist, and neither told nor put into the room yet.
ALTER TABLE event_roster ADD COLUMN owed boolean NOT NULL DEFAULT false;
CREATE INDEX event_roster_owed ON event_roster (room_id, person_id) WHERE owed;
CREATE INDEX events_over ON events (over_at) WHERE over_at IS NOT NULL;

-- Where an event is by the clock, unless it was ended or cancelled.
CREATE FUNCTION event_state_v1(p_doors timestamptz, p_starts timestamptz, p_ends timestamptz, p_at timestamptz)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_at >= p_ends THEN 'ended' WHEN p_at >= p_starts THEN 'live'
                WHEN p_at >= p_doors THEN 'doors_open' ELSE 'scheduled' END
$$;

-- Whether somebody may know of an event: who is on its roster or in its room; of a public one anybody whom no owner of it
-- blocks. Nobody who was put out.
CREATE FUNCTION event_visible_v1(p_event events, p_person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(m.relation, 'left') <> 'kicked' AND (
        coalesce(m.relation, 'left') IN ('invited', 'member', 'moderator', 'owner')
        OR EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = p_event.room_id AND g.person_id = p_person)
        OR p_event.visibility = 'public' AND NOT EXISTS (
            SELECT 1 FROM blocks b JOIN members o ON o.room_id = p_event.room_id AND o.person_id = b.blocker
            WHERE b.blocked = p_person AND o.relation = 'owner'))
    FROM (SELECT 1) one LEFT JOIN members m ON m.room_id = p_event.room_id AND m.person_id = p_person
$$;

-- Nothing is answered or changed any more; at its end, whether or not the timer has fired.
CREATE FUNCTION event_over_v1(p_event events) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_event.over_at IS NOT NULL OR p_event.ends_at <= clock_timestamp()
$$;

CREATE FUNCTION put_job_v1(p_job uuid, p_kind text, p_due timestamptz, p_payload jsonb) RETURNS void LANGUAGE sql AS $$
    -- Whoever is at it loses the lease, and what is wished for now is done after that.
    INSERT INTO jobs (job_id, kind, due_at, payload, next_at) VALUES (p_job, p_kind, p_due, p_payload, p_due)
        ON CONFLICT (job_id) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload,
            next_at = excluded.next_at, lease = NULL, attempts = 0, dead_at = NULL, failure = NULL
$$;

CREATE FUNCTION event_job_v1(p_kind text, p_room uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(p_kind || ':' || p_room)::uuid
$$;

-- The timers of an event as its times now are: the next turn of its state, and the reminder p_soon before it starts.
CREATE FUNCTION time_event_v1(p_room uuid, p_soon interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_now   timestamptz := clock_timestamp();
    v_event events;
    v_due   timestamptz;
BEGIN
    SELECT * INTO v_event FROM events e WHERE e.room_id = p_room;
    IF v_event.over_at IS NOT NULL THEN
        DELETE FROM jobs j WHERE j.job_id IN (event_job_v1('event', p_room), event_job_v1('event_soon', p_room));
        RETURN;
    END IF;
    v_due := CASE WHEN v_event.doors_at > v_now THEN v_event.doors_at
                  WHEN v_event.starts_at > v_now THEN v_event.starts_at ELSE v_event.ends_at END;
    PERFORM put_job_v1(event_job_v1('event', p_room), 'event', v_due, jsonb_build_object('room', p_room));
    IF p_soon IS NULL THEN
        RETURN;
    ELSIF v_event.starts_at - p_soon > v_now THEN
        PERFORM put_job_v1(event_job_v1('event_soon', p_room), 'event_soon', v_event.starts_at - p_soon,
                           jsonb_build_object('room', p_room));
    ELSE
        DELETE FROM jobs j WHERE j.job_id = event_job_v1('event_soon', p_room);
    END IF;
END
$$;

-- What is to be told to everybody on the roster but p_by. While it waits, further changes join it.
CREATE FUNCTION tell_event_v1(
    p_room uuid, p_state text, p_seq bigint, p_by uuid, p_changed jsonb, p_after interval
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_job uuid := event_job_v1('event_notice:' || p_state, p_room);
    v_was jobs;
BEGIN
    SELECT * INTO v_was FROM jobs j WHERE j.job_id = v_job AND j.lease IS NULL AND j.dead_at IS NULL FOR UPDATE;
    IF FOUND THEN
        SELECT jsonb_agg(DISTINCT c) INTO p_changed
            FROM jsonb_array_elements(p_changed || (v_was.payload -> 'changed')) c;
    END IF;
    PERFORM put_job_v1(
        v_job, 'event_notice', coalesce(v_was.due_at, clock_timestamp() + coalesce(p_after, interval '0')),
        jsonb_build_object('room', p_room, 'state', p_state, 'seq', p_seq, 'by', p_by, 'changed', p_changed));
END
$$;

-- The event as its hosts write it: the keys are those of an op's body, and of what is told as changed.
CREATE FUNCTION event_facts_v1(p_event events, p_room rooms) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'title', p_room.title, 'topic', p_room.topic, 'cover', p_room.picture, 'about', p_event.about,
        'doors_at_ms', (extract(epoch FROM p_event.doors_at) * 1000)::bigint,
        'starts_at_ms', (extract(epoch FROM p_event.starts_at) * 1000)::bigint,
        'ends_at_ms', (extract(epoch FROM p_event.ends_at) * 1000)::bigint,
        'zone', p_event.zone, 'place_name', p_event.place_name, 'address', p_event.address,
        'point', CASE WHEN p_event.lat IS NOT NULL THEN jsonb_build_object('lat', p_event.lat, 'lon', p_event.lon) END,
        'fence', p_event.fence, 'visibility', p_event.visibility, 'capacity', p_event.capacity,
        'joins_on', p_event.joins_on, 'dwell_ms', p_event.dwell_ms)
$$;

CREATE FUNCTION ms_v1(p_ms jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp((p_ms #>> '{}')::bigint / 1000.0)
$$;

-- A box of p_box: [west, south, east, north] in degrees; x is the longitude.
CREATE FUNCTION box_v1(p_box jsonb) RETURNS box LANGUAGE sql IMMUTABLE AS $$
    SELECT box(point((p_box ->> 0)::float8, (p_box ->> 1)::float8), point((p_box ->> 2)::float8, (p_box ->> 3)::float8))
$$;

-- Writes all of p_facts but what is the room's; `boxes` of p_body come with a new fence. False: the times do not go
-- together, or there is a fence and no point.
CREATE FUNCTION write_event_v1(p_room uuid, p_facts jsonb, p_body jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_doors  timestamptz := ms_v1(p_facts -> 'doors_at_ms');
    v_starts timestamptz := ms_v1(p_facts -> 'starts_at_ms');
    v_ends   timestamptz := ms_v1(p_facts -> 'ends_at_ms');
    v_fence  jsonb := nullif(p_facts -> 'fence', 'null');
    v_lat    float8 := (p_facts -> 'point' ->> 'lat')::float8;
    v_lon    float8 := (p_facts -> 'point' ->> 'lon')::float8;
    v_at     box := CASE WHEN v_lat IS NOT NULL THEN box(point(v_lon, v_lat), point(v_lon, v_lat)) END;
    v_now    timestamptz := clock_timestamp();
BEGIN
    IF NOT (v_doors <= v_starts AND v_starts < v_ends AND v_ends > v_now AND v_ends - v_starts <= interval '31 days'
            AND v_starts - v_doors <= interval '7 days') OR (v_fence IS NOT NULL AND v_lat IS NULL) THEN
        RETURN false;
    END IF;
    INSERT INTO events AS e (room_id, state, visibility, about, doors_at, starts_at, ends_at, zone, place_name, address,
                             lat, lon, fence, area, area_beyond, capacity, joins_on, dwell_ms, secret)
        VALUES (p_room, event_state_v1(v_doors, v_starts, v_ends, v_now), p_facts ->> 'visibility', p_facts ->> 'about',
                v_doors, v_starts, v_ends, p_facts ->> 'zone', p_facts ->> 'place_name', p_facts ->> 'address', v_lat,
                v_lon, v_fence, CASE WHEN v_fence IS NULL THEN v_at ELSE coalesce(box_v1(p_body -> 'boxes' -> 0), v_at) END,
                box_v1(p_body -> 'boxes' -> 1), (p_facts ->> 'capacity')::integer, p_facts ->> 'joins_on',
                (p_facts ->> 'dwell_ms')::integer, sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea))
        ON CONFLICT (room_id) DO UPDATE SET state = excluded.state, visibility = excluded.visibility,
            about = excluded.about, doors_at = excluded.doors_at, starts_at = excluded.starts_at,
            ends_at = excluded.ends_at, zone = excluded.zone, place_name = excluded.place_name,
            address = excluded.address, lat = excluded.lat, lon = excluded.lon, fence = excluded.fence,
            area = CASE WHEN v_fence IS NULL OR p_body ? 'boxes' THEN excluded.area ELSE e.area END,
            area_beyond = CASE WHEN v_fence IS NULL OR p_body ? 'boxes' THEN excluded.area_beyond ELSE e.area_beyond END,
            capacity = excluded.capacity, joins_on = excluded.joins_on, dwell_ms = excluded.dwell_ms;
    RETURN true;
END
$$;

-- Tells every process that what it judges by has changed.
CREATE FUNCTION control_event_v1(p_idx integer, p_room uuid, p_author uuid) RETURNS committed_v1 LANGUAGE sql AS $$
    SELECT append_entry_v1(p_idx, 'side', '00000000-0000-7000-8000-000000000001', 'event', p_author, NULL, NULL, NULL,
                           jsonb_build_object('room', p_room), NULL)
$$;

CREATE FUNCTION create_event_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_cover uuid := (p_body ->> 'cover')::uuid;
BEGIN
    IF EXISTS (SELECT 1 FROM rooms r WHERE r.room_id = p_room) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, (SELECT head FROM rooms r WHERE r.room_id = p_room)); RETURN;
    ELSIF v_cover IS NOT NULL AND NOT lock_picture_v1(v_cover, p_author, 'room_picture') THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    ELSIF NOT write_event_v1(p_room, p_body, p_body) THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    END IF;
    INSERT INTO rooms (room_id, kind, history, title, topic, picture, created_by)
        VALUES (p_room, 'event', 'all', p_body ->> 'title', p_body ->> 'topic', v_cover, p_author);
    PERFORM use_picture_v1(v_cover, NULL, p_room);
    INSERT INTO event_roster (room_id, person_id, answer, is_host) VALUES (p_room, p_author, 'going', true);
    RETURN QUERY SELECT * FROM admit_v1(p_idx, p_room, p_author, p_author, 'owner', p_client);
    PERFORM time_event_v1(p_room, (p_body ->> 'soon_ms')::bigint * interval '1 millisecond');
    IF jsonb_typeof(p_body -> 'fence') = 'object' THEN
        RETURN NEXT control_event_v1(p_idx, p_room, p_author);
    END IF;
END
$$;

CREATE FUNCTION change_event_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb)
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
        WHERE k IN ('doors_at_ms', 'starts_at_ms', 'ends_at_ms', 'zone', 'place_name', 'address', 'point');
    IF v_new IS NOT NULL THEN
        PERFORM tell_event_v1(p_room, 'changed', v_row.seq, p_author, v_new,
                              (p_body ->> 'settle_ms')::bigint * interval '1 millisecond');
    END IF;
END
$$;

-- cancel_event and end_event by a host, turn_event by nobody (the timer): whatever its time, the state that is then due.
CREATE FUNCTION turn_event_v1(p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_now   timestamptz := clock_timestamp();
    v_head  bigint := (SELECT head FROM rooms r WHERE r.room_id = p_room);
    v_event events;
    v_state text;
    v_row   committed_v1;
BEGIN
    SELECT * INTO v_event FROM events e WHERE e.room_id = p_room;
    v_state := CASE p_op WHEN 'cancel_event' THEN 'cancelled' WHEN 'end_event' THEN 'ended'
               ELSE event_state_v1(v_event.doors_at, v_event.starts_at, v_event.ends_at, v_now) END;
    IF v_event.state = v_state OR (v_event.over_at IS NOT NULL AND p_op = 'turn_event') THEN
        PERFORM time_event_v1(p_room, NULL);
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_head); RETURN;
    ELSIF v_event.over_at IS NOT NULL OR (p_op = 'end_event' AND v_event.doors_at > v_now)
          OR (p_op = 'cancel_event' AND v_event.ends_at <= v_now) THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
    END IF;
    UPDATE events e SET state = v_state, version = e.version + 1,
        over_at = CASE WHEN p_op <> 'turn_event' THEN v_now WHEN v_state = 'ended' THEN e.ends_at END
        WHERE e.room_id = p_room RETURNING * INTO v_event;
    -- The timer may bring it to the same state twice, if it was moved meanwhile: its entries go by no client id.
    v_row := append_entry_v1(p_idx, 'ok', p_room, 'event', p_author, NULL,
                             CASE WHEN p_op <> 'turn_event' THEN p_client END, NULL,
                             jsonb_build_object('state', v_state), NULL);
    RETURN NEXT v_row;
    PERFORM time_event_v1(p_room, NULL);
    IF v_event.over_at IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM jobs j WHERE j.job_id = event_job_v1('event_notice:changed', p_room);
    IF v_state = 'cancelled' THEN
        PERFORM tell_event_v1(p_room, 'cancelled', v_row.seq, p_author, '[]', interval '0');
    END IF;
    IF v_event.fence IS NOT NULL THEN
        RETURN NEXT control_event_v1(p_idx, p_room, p_author);
    END IF;
END
$$;
