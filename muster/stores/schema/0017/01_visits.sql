-- Visits: somebody comes to an event, and goes (op `visit`, on their own log, whose head lock orders what two phones say).

-- What somebody lets their place be used for at one event: as its roster says, else at a public one as they say of all.
CREATE FUNCTION sharing_v1(p_roster text, p_visibility text, p_default text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_roster, CASE p_visibility WHEN 'public' THEN p_default END, 'off');

-- Whether hosts are told a name with a visit: of who shares, and of who shares nothing but checked in by a deed (theirs,
-- or a host's own). A ghost has no name.
CREATE FUNCTION named_v1(p_sharing text, p_source text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_sharing = 'on' OR (p_sharing = 'off' AND p_source IN ('hand', 'qr', 'host'));

-- Why an enter is not taken, as a name of proto.codes.Code; null: it is. `p_host`: who checks somebody else in.
CREATE FUNCTION enter_verdict_v1(p_event events, p_person uuid, p_source text, p_host uuid) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_relation text := (SELECT m.relation FROM members m WHERE m.room_id = p_event.room_id AND m.person_id = p_person);
    v_roster   event_roster;
BEGIN
    SELECT * INTO v_roster FROM event_roster r WHERE r.room_id = p_event.room_id AND r.person_id = p_person;
    IF p_event.room_id IS NULL OR NOT coalesce(event_visible_v1(p_event, p_person), false) THEN
        RETURN 'not_found';
    ELSIF p_source IN ('gps', 'region') THEN
        -- Leave may have been taken back since the fix was judged.
        IF sharing_v1(v_roster.sharing, p_event.visibility,
                      (SELECT d.sharing FROM place_defaults d WHERE d.person_id = p_person)) = 'off' THEN
            RETURN 'permission_denied';
        END IF;
    ELSIF p_source = 'host' THEN
        IF NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = p_event.room_id AND m.person_id = p_host
                       AND m.relation IN ('moderator', 'owner')) THEN
            RETURN 'permission_denied';
        ELSIF v_roster.answer IS NULL AND v_relation IS NULL THEN
            RETURN 'not_found';
        END IF;
    END IF;
    IF p_event.over_at IS NOT NULL OR p_event.state IN ('ended', 'cancelled')
       OR clock_timestamp() < p_event.doors_at OR clock_timestamp() >= p_event.ends_at THEN
        RETURN 'conflict';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION visit_v1(p_idx integer, p_person uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room       constant uuid := (p_body ->> 'room')::uuid;
    v_source     constant text := p_body ->> 'source';
    v_confidence constant text := p_body ->> 'confidence';
    v_levels     constant text[] := ARRAY['low', 'medium', 'high'];
    v_event      events;
    v_last       event_visits;
    v_refused    text;
    v_at         timestamptz;
BEGIN
    SELECT * INTO v_last FROM event_visits v WHERE v.room_id = v_room AND v.person_id = p_person
        ORDER BY v.number DESC LIMIT 1;
    -- Nobody comes or goes in the future, or before they came or went the last time.
    v_at := greatest(least(to_timestamp((p_body ->> 'moment_ms')::bigint / 1000.0),
                           date_trunc('milliseconds', clock_timestamp())),
                     coalesce(v_last.left_at, v_last.entered_at));
    IF p_body ->> 'state' = 'entered' THEN
        -- Shared: enters do not wait for each other, and what ends the event (wish_departures_v1) waits for those that
        -- began before it. Either they find it over, or it finds them. Not a lock of the row: answers write it too.
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(v_room::text, 1986622068));
        SELECT * INTO v_event FROM events e WHERE e.room_id = v_room;
        v_refused := enter_verdict_v1(v_event, p_person, v_source, (p_body ->> 'host')::uuid);
        IF v_last.number IS NOT NULL AND v_last.left_at IS NULL THEN
            -- They are here already; it may be known better now.
            UPDATE event_visits v SET source = v_source, confidence = v_confidence
                WHERE v.room_id = v_room AND v.person_id = p_person AND v.number = v_last.number
                  AND v_refused IS NULL
                  AND array_position(v_levels, v_confidence) > array_position(v_levels, v.confidence);
            RETURN NEXT verdict_v1(p_idx, 'same', p_person, (SELECT head FROM rooms r WHERE r.room_id = p_person));
            RETURN;
        -- 200 visits of one person to one event: more is a script, or a fence through somebody's desk.
        ELSIF v_refused IS NOT NULL OR v_last.number >= 200 THEN
            RETURN NEXT verdict_v1(p_idx, coalesce(v_refused, 'limit_exceeded'), p_person, 0); RETURN;
        END IF;
        INSERT INTO event_visits (room_id, person_id, number, entered_at, source, confidence)
            VALUES (v_room, p_person, coalesce(v_last.number, 0) + 1, v_at, v_source, v_confidence);
    ELSE
        UPDATE event_visits v SET left_at = v_at, left_source = v_source
            WHERE v.room_id = v_room AND v.person_id = p_person AND v.left_at IS NULL;
        IF NOT FOUND THEN
            RETURN NEXT verdict_v1(p_idx, 'same', p_person, (SELECT head FROM rooms r WHERE r.room_id = p_person));
            RETURN;
        END IF;
    END IF;
    RETURN NEXT append_entry_v1(p_idx, 'ok', p_person, 'visit', p_person, NULL, p_client, NULL, p_body - 'host' ||
        jsonb_build_object('moment_ms', (extract(epoch FROM v_at) * 1000)::bigint), NULL);
END
$$;

-- change_own_v1 with it; for what the release before sends it does the same.
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
    IF p_op = 'visit' THEN
        RETURN QUERY SELECT * FROM visit_v1(p_idx, p_author, p_client, p_body); RETURN;
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
