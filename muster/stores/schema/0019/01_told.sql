-- Which visits others may be told of. Default sharing lets public events judge somebody who said nothing of them: what
-- comes of that is for this person alone, in no number, list or room, or anybody could draw a fence around a home.

-- no: for its person alone. ghost: a number. on: a name as well, as far as the roster says. Written when they come and
-- when they say something themselves, so that no deed of a host (to invite, to put out) changes what is told.
ALTER TABLE event_visits ADD COLUMN told text NOT NULL DEFAULT 'on' CHECK (told IN ('no', 'ghost', 'on'));
UPDATE event_visits v SET told = coalesce(
    (SELECT nullif(g.sharing, 'off') FROM event_roster g WHERE g.room_id = v.room_id AND g.person_id = v.person_id),
    CASE WHEN v.source NOT IN ('hand', 'qr', 'host') THEN 'no'
         WHEN (SELECT d.sharing FROM place_defaults d WHERE d.person_id = v.person_id) = 'ghost' THEN 'ghost'
         ELSE 'on' END);

-- What others go by. A ghost is one until they themselves say otherwise; who is not on the roster shares nothing.
CREATE FUNCTION shown_v1(p_roster text, p_default text, p_told text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_roster = 'on' THEN 'on'
            WHEN p_roster = 'ghost' OR p_told = 'ghost' OR (p_roster IS NULL AND p_default = 'ghost') THEN 'ghost'
            ELSE 'off' END;

CREATE FUNCTION told_follows_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE event_visits v SET told = NEW.sharing
        WHERE v.room_id = NEW.room_id AND v.person_id = NEW.person_id AND v.told <> NEW.sharing
          AND (v.told <> 'no' OR v.left_at IS NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER event_roster_told AFTER INSERT OR UPDATE OF sharing ON event_roster
    FOR EACH ROW WHEN (NEW.sharing <> 'off') EXECUTE FUNCTION told_follows_v1();

-- As 0017 made it, but that it writes `told`.
CREATE OR REPLACE FUNCTION visit_v1(p_idx integer, p_person uuid, p_client text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room       constant uuid := (p_body ->> 'room')::uuid;
    v_source     constant text := p_body ->> 'source';
    v_confidence constant text := p_body ->> 'confidence';
    v_deeds      constant text[] := ARRAY['hand', 'qr', 'host'];
    v_levels     constant text[] := ARRAY['low', 'medium', 'high'];
    v_is_deed    constant boolean := v_source = ANY (v_deeds);
    v_event      events;
    v_last       event_visits;
    v_roster     text;
    v_shown      text;
    v_told       text;
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
        v_roster := (SELECT g.sharing FROM event_roster g WHERE g.room_id = v_room AND g.person_id = p_person);
        v_shown := shown_v1(v_roster, (SELECT d.sharing FROM place_defaults d WHERE d.person_id = p_person),
                            CASE WHEN v_last.left_at IS NULL THEN v_last.told END);
        v_told := CASE WHEN NOT v_is_deed AND coalesce(v_roster, 'off') = 'off' THEN 'no'
                       WHEN v_shown = 'ghost' THEN 'ghost' ELSE 'on' END;
        IF v_last.number IS NOT NULL AND v_last.left_at IS NULL THEN
            -- A deed on a visit that others are told nothing of, or a host's on one they are told no name of any more:
            -- since when somebody has been there must not be told with it, so that it begins with the deed.
            IF v_refused IS NULL AND v_is_deed AND (v_last.told = 'no' OR (
                   v_source = 'host' AND v_shown = 'off' AND v_last.source <> ALL (v_deeds))) THEN
                UPDATE event_visits v SET entered_at = v_at, source = v_source, confidence = v_confidence, told = v_told
                    WHERE v.room_id = v_room AND v.person_id = p_person AND v.number = v_last.number;
            ELSE
                -- They are here already; it may be known better now. Of a ghost a host's word changes nothing.
                UPDATE event_visits v SET source = v_source, confidence = v_confidence
                    WHERE v.room_id = v_room AND v.person_id = p_person AND v.number = v_last.number
                      AND v_refused IS NULL AND NOT (v_source = 'host' AND v_shown = 'ghost')
                      AND array_position(v_levels, v_confidence) > array_position(v_levels, v.confidence);
                RETURN NEXT verdict_v1(p_idx, 'same', p_person, (SELECT head FROM rooms r WHERE r.room_id = p_person));
                RETURN;
            END IF;
        -- 200 visits of one person to one event: more is a script, or a fence through somebody's desk.
        ELSIF v_refused IS NOT NULL OR v_last.number >= 200 THEN
            RETURN NEXT verdict_v1(p_idx, coalesce(v_refused, 'limit_exceeded'), p_person, 0); RETURN;
        ELSE
            INSERT INTO event_visits (room_id, person_id, number, entered_at, source, confidence, told)
                VALUES (v_room, p_person, coalesce(v_last.number, 0) + 1, v_at, v_source, v_confidence, v_told);
        END IF;
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
