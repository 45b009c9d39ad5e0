-- How long things stay. Each call does a bounded part, under one room's lock or none.

-- The oldest entries of a log that were written before p_before go, at most p_most of them, with what hangs on them; how
-- many. The log then begins after `floor`: numbers are not given again.
CREATE FUNCTION retain_room_v1(p_room uuid, p_before timestamptz, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_floor bigint;
    v_cut   bigint;
    v_count integer;
BEGIN
    SELECT r.floor INTO v_floor FROM rooms r WHERE r.room_id = p_room FOR NO KEY UPDATE;
    -- In order of seq, up to the first that is to stay.
    SELECT max(x.seq) INTO v_cut FROM (
        SELECT e.seq, bool_and(e.at < p_before) OVER (ORDER BY e.seq) AS is_old FROM (
            SELECT o.seq, o.at FROM entries o WHERE o.room_id = p_room AND o.seq > v_floor ORDER BY o.seq LIMIT p_most) e
    ) x WHERE x.is_old;
    IF v_cut IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE media m SET freed_at = now(), collect_at = now() FROM entries e
        WHERE e.room_id = p_room AND e.seq > v_floor AND e.seq <= v_cut AND e.kind = 'post' AND e.body ? 'attachments'
          AND m.room_id = p_room AND m.owner = e.author AND m.client_id = e.client_id AND m.freed_at IS NULL;
    DELETE FROM jobs j USING polls p
        WHERE p.room_id = p_room AND p.target <= v_cut AND j.job_id = poll_job_v1(p_room, p.target);
    DELETE FROM poll_votes v WHERE v.room_id = p_room AND v.target <= v_cut;
    DELETE FROM polls p WHERE p.room_id = p_room AND p.target <= v_cut;
    DELETE FROM reactions r WHERE r.room_id = p_room AND r.target <= v_cut;
    DELETE FROM previews p WHERE p.room_id = p_room AND p.target <= v_cut;
    DELETE FROM pins p WHERE p.room_id = p_room AND p.target <= v_cut;
    DELETE FROM entries e WHERE e.room_id = p_room AND e.seq > v_floor AND e.seq <= v_cut;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE rooms r SET floor = v_cut WHERE r.room_id = p_room;
    RETURN v_count;
END
$$;

-- Sessions that ended so long ago; how many.
CREATE FUNCTION retain_sessions_v1(p_days double precision, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_old uuid[];
BEGIN
    SELECT array_agg(o.session_id) INTO v_old FROM (
        SELECT s.session_id FROM sessions s
        WHERE least(s.expires_at, coalesce(s.revoked_at, s.expires_at)) < now() - p_days * interval '1 day'
          AND NOT EXISTS (SELECT 1 FROM push_devices d WHERE d.session_id = s.session_id)
        LIMIT p_most FOR UPDATE SKIP LOCKED) o;
    DELETE FROM refresh_tokens t WHERE t.session_id = ANY (v_old);
    DELETE FROM sessions s WHERE s.session_id = ANY (v_old);
    RETURN coalesce(cardinality(v_old), 0);
END
$$;
CREATE INDEX sessions_over ON sessions (least(expires_at, coalesce(revoked_at, expires_at)));

-- Why moderators did things so long ago; the audit itself stays. How many.
CREATE FUNCTION retain_reasons_v1(p_days double precision, p_most integer) RETURNS integer LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM audit_words w USING (
            SELECT o.log_id, o.n FROM audit a JOIN audit_words o USING (log_id, n)
            WHERE a.at < now() - p_days * interval '1 day' ORDER BY a.at LIMIT p_most) old
        WHERE w.log_id = old.log_id AND w.n = old.n RETURNING 1
    ) SELECT count(*)::integer FROM gone
$$;
