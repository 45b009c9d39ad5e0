-- Who is still there when an event is over, or when its fence moves, leaves: a job, written by whatever changes the event,
-- in its transaction, so that no process's death forgets it (muster/departures.py).

CREATE FUNCTION wish_departures_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_source text := CASE WHEN NEW.over_at IS NULL THEN 'moved' ELSE 'closing' END;
    v_at     timestamptz;
BEGIN
    -- Enters that have begun are committed first (visit_v1); none takes longer than a batch.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.room_id::text, 1986622068));
    v_at := least(NEW.over_at, clock_timestamp());
    INSERT INTO jobs (job_id, kind, due_at, payload, next_at)
        VALUES (gen_random_uuid(), 'departures', clock_timestamp(),
                jsonb_build_object('room', NEW.room_id, 'at_ms', (extract(epoch FROM v_at) * 1000)::bigint,
                                   'source', v_source), clock_timestamp());
    RETURN NULL;
END
$$;
CREATE TRIGGER events_over AFTER UPDATE OF over_at ON events
    FOR EACH ROW WHEN (OLD.over_at IS NULL AND NEW.over_at IS NOT NULL) EXECUTE FUNCTION wish_departures_v1();
CREATE TRIGGER events_moved AFTER UPDATE OF fence_version ON events
    FOR EACH ROW WHEN (OLD.over_at IS NULL AND NEW.over_at IS NULL AND OLD.fence_version <> NEW.fence_version)
    EXECUTE FUNCTION wish_departures_v1();
