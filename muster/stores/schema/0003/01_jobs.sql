-- Durable timers: each row is something to be done once, at its time by this server's clock, by any process.

CREATE TABLE jobs (
    -- UUIDv5 of kind, owner and dedupe key (muster/wishes.py): the same wish twice is one row.
    job_id   uuid PRIMARY KEY,
    kind     text NOT NULL,
    -- Whose it is; null: the service's own.
    owner    uuid,
    due_at   timestamptz NOT NULL,
    payload  jsonb NOT NULL,
    -- When it is looked at next: its time, the end of a lease, or after a failure the end of the pause.
    next_at  timestamptz NOT NULL,
    -- Made anew by whoever takes it. Null: nobody is at it.
    lease    uuid,
    attempts integer NOT NULL DEFAULT 0,
    made_at  timestamptz NOT NULL DEFAULT now(),
    -- A dead letter: given up, kept for a while for a person to look at.
    dead_at  timestamptz,
    failure  text
) WITH (fillfactor = 70);
CREATE INDEX jobs_next ON jobs (next_at) WHERE dead_at IS NULL;
CREATE INDEX jobs_of_owner ON jobs (owner, kind, due_at, job_id) WHERE dead_at IS NULL;
CREATE INDEX jobs_dead ON jobs (dead_at) WHERE dead_at IS NOT NULL;

-- Answers `added`, `same` (it waits already), `past`, `far`, or `full`: its owner has p_most of this kind. What nobody
-- owns is the service's own: as many as it likes, and what is past fires at once.
CREATE FUNCTION add_job_v1(
    p_job uuid, p_kind text, p_owner uuid, p_due timestamptz, p_payload jsonb, p_most integer, p_within interval
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    -- One at a time per owner, so that the count below is exact.
    PERFORM pg_advisory_xact_lock(hashtextextended(coalesce(p_owner, p_job)::text, 1801412467));
    IF EXISTS (SELECT 1 FROM jobs j WHERE j.job_id = p_job AND j.dead_at IS NULL) THEN
        RETURN 'same';
    ELSIF p_owner IS NOT NULL AND p_due <= clock_timestamp() THEN
        RETURN 'past';
    ELSIF p_due > clock_timestamp() + p_within THEN
        RETURN 'far';
    ELSIF p_owner IS NOT NULL AND (SELECT count(*) FROM jobs j WHERE j.owner = p_owner AND j.kind = p_kind
                                   AND j.dead_at IS NULL) >= p_most THEN
        RETURN 'full';
    END IF;
    -- What was given up may be wished for anew.
    INSERT INTO jobs AS j (job_id, kind, owner, due_at, payload, next_at)
        VALUES (p_job, p_kind, p_owner, p_due, p_payload, p_due)
        ON CONFLICT (job_id) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload,
            next_at = excluded.next_at, lease = NULL, attempts = 0, made_at = now(), dead_at = NULL, failure = NULL
            WHERE j.dead_at IS NOT NULL;
    RETURN 'added';
END
$$;

-- The first p_most jobs of these kinds whose time has come and that nobody is at, leased.
CREATE FUNCTION take_jobs_v1(p_kinds text[], p_lease uuid, p_lease_ms integer, p_most integer)
RETURNS TABLE (job_id uuid, kind text, owner uuid, payload jsonb, attempts integer, due_at timestamptz,
               late_s double precision)
LANGUAGE sql AS $$
    UPDATE jobs j SET lease = p_lease, attempts = j.attempts + 1,
                      next_at = clock_timestamp() + p_lease_ms * interval '1 millisecond'
    FROM (SELECT d.job_id FROM jobs d
          WHERE d.dead_at IS NULL AND d.next_at <= clock_timestamp() AND d.kind = ANY (p_kinds)
          ORDER BY d.next_at LIMIT p_most FOR UPDATE SKIP LOCKED) due
    WHERE j.job_id = due.job_id
    RETURNING j.job_id, j.kind, j.owner, j.payload, j.attempts, j.due_at,
              extract(epoch FROM clock_timestamp() - j.due_at)::double precision
$$;
