-- Webhooks: what happened, told to the app's own servers. While none is registered no trigger exists, and commits cost
-- what they cost before.

CREATE TABLE webhooks (
    webhook_id    uuid PRIMARY KEY,
    url           text NOT NULL,
    events        text[] NOT NULL,
    secret        bytea NOT NULL,
    -- Signs too until its time, so that a receiver may change secrets without losing a delivery.
    old_secret    bytea,
    old_until     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- Why nothing is sent any more; null: it is on.
    disabled      text,
    -- Since when every attempt has failed, and how many in a row.
    failing_since timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    -- When it is looked at next, and who is at it until then.
    next_at       timestamptz NOT NULL DEFAULT now(),
    lease         uuid
);

-- What happened, in about the order of commit. Kept some days, so that it can be told again.
CREATE TABLE webhook_events (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type     text NOT NULL,
    -- Where it can be read: an entry; or a person or report by id, with seq 0.
    room_id  uuid NOT NULL,
    seq      bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Not yet made into deliveries.
    fresh    boolean NOT NULL DEFAULT true
);
CREATE INDEX webhook_events_fresh ON webhook_events (event_id) WHERE fresh;
CREATE INDEX webhook_events_age ON webhook_events (at);

-- What an endpoint is still owed. A delivery that was taken is deleted.
CREATE TABLE webhook_deliveries (
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id   bigint NOT NULL REFERENCES webhook_events ON DELETE CASCADE,
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts   integer NOT NULL DEFAULT 0,
    -- A dead letter: given up, kept as long as its event.
    dead_at    timestamptz,
    failure    text,
    PRIMARY KEY (webhook_id, event_id)
) WITH (fillfactor = 70);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE dead_at IS NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook_id, event_id) WHERE dead_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event_id);

-- Written by the transaction that commits what happened: whoever dies afterwards, it is not lost.
CREATE FUNCTION note_entries_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_events (type, room_id, seq)
    SELECT t.type, n.room_id, n.seq FROM fresh_rows n CROSS JOIN LATERAL (
        SELECT CASE n.kind
            WHEN 'post' THEN 'message.created' WHEN 'edit' THEN 'message.updated' WHEN 'delete' THEN 'message.deleted'
            WHEN 'join' THEN 'member.joined' WHEN 'leave' THEN 'member.left' WHEN 'kick' THEN 'member.kicked'
            WHEN 'ban' THEN 'person.banned' WHEN 'unban' THEN 'person.unbanned'
            WHEN 'settings' THEN CASE n.body ->> 'archived' WHEN 'true' THEN 'room.archived'
                                 WHEN 'false' THEN 'room.restored' ELSE 'room.updated' END END AS type
        -- A room begins with the joining of whoever made it.
        UNION ALL SELECT 'room.created' WHERE n.kind = 'join' AND n.seq = 1) t
    WHERE t.type IN (SELECT unnest(w.events) FROM webhooks w WHERE w.disabled IS NULL)
    ORDER BY n.room_id, n.seq, t.type DESC;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_people_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_events (type, room_id, seq) SELECT 'person.created', n.person_id, 0 FROM fresh_rows n
    WHERE EXISTS (SELECT 1 FROM webhooks w WHERE w.disabled IS NULL AND 'person.created' = ANY (w.events));
    RETURN NULL;
END
$$;

CREATE FUNCTION note_reports_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_events (type, room_id, seq) SELECT 'report.created', n.report_id, 0 FROM fresh_rows n
    WHERE EXISTS (SELECT 1 FROM webhooks w WHERE w.disabled IS NULL AND 'report.created' = ANY (w.events));
    RETURN NULL;
END
$$;

-- Whose calls change triggers: the owner of the tables, whoever serves. One at a time, people first: a batch that holds
-- people goes on to entries, never the other way within one op.
CREATE FUNCTION tap_webhooks_v1() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = 'people'::regclass AND t.tgname = 'tap') THEN
        CREATE TRIGGER tap AFTER INSERT ON people REFERENCING NEW TABLE AS fresh_rows
            FOR EACH STATEMENT EXECUTE FUNCTION note_people_v1();
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = 'reports'::regclass AND t.tgname = 'tap') THEN
        CREATE TRIGGER tap AFTER INSERT ON reports REFERENCING NEW TABLE AS fresh_rows
            FOR EACH STATEMENT EXECUTE FUNCTION note_reports_v1();
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = 'entries'::regclass AND t.tgname = 'tap') THEN
        CREATE TRIGGER tap AFTER INSERT ON entries REFERENCING NEW TABLE AS fresh_rows
            FOR EACH STATEMENT EXECUTE FUNCTION note_entries_v1();
    END IF;
END
$$;

CREATE FUNCTION untap_webhooks_v1() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(2003132008);
    -- Dropping what is not there would lock too.
    IF EXISTS (SELECT 1 FROM webhooks) OR NOT EXISTS (
        SELECT 1 FROM pg_trigger t WHERE t.tgname = 'tap'
        AND t.tgrelid IN ('people'::regclass, 'reports'::regclass, 'entries'::regclass)) THEN
        RETURN;
    END IF;
    -- Readers stand behind this too: not for long, and another time if somebody is in the way.
    PERFORM set_config('lock_timeout', '100ms', true);
    DROP TRIGGER IF EXISTS tap ON people;
    DROP TRIGGER IF EXISTS tap ON reports;
    DROP TRIGGER IF EXISTS tap ON entries;
EXCEPTION WHEN lock_not_available THEN
    RETURN;
END
$$;

-- False: there are p_most already.
CREATE FUNCTION add_webhook_v1(p_webhook uuid, p_url text, p_events text[], p_secret bytea, p_most integer)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- So that a last one that goes meanwhile does not take the triggers with it.
    PERFORM pg_advisory_xact_lock(2003132008);
    IF (SELECT count(*) FROM webhooks) >= p_most THEN
        RETURN false;
    END IF;
    PERFORM tap_webhooks_v1();
    INSERT INTO webhooks (webhook_id, url, events, secret) VALUES (p_webhook, p_url, p_events, p_secret);
    RETURN true;
END
$$;

-- Fresh events become what each endpoint is owed; how many events.
CREATE FUNCTION deal_webhooks_v1(p_most integer) RETURNS integer LANGUAGE sql AS $$
    WITH taken AS (
        UPDATE webhook_events e SET fresh = false
        FROM (SELECT f.event_id FROM webhook_events f WHERE f.fresh ORDER BY f.event_id LIMIT p_most
              FOR UPDATE SKIP LOCKED) f
        WHERE e.event_id = f.event_id RETURNING e.event_id, e.type
    ), owed AS (
        INSERT INTO webhook_deliveries (webhook_id, event_id)
        SELECT w.webhook_id, t.event_id FROM taken t
        JOIN webhooks w ON w.disabled IS NULL AND t.type = ANY (w.events) ON CONFLICT DO NOTHING
    ) SELECT count(*)::integer FROM taken
$$;

-- An endpoint that is owed something, for p_lease_ms ours alone.
CREATE FUNCTION take_webhook_v1(p_lease uuid, p_lease_ms integer) RETURNS SETOF webhooks LANGUAGE sql AS $$
    UPDATE webhooks w SET lease = p_lease, next_at = clock_timestamp() + p_lease_ms * interval '1 millisecond'
    FROM (SELECT d.webhook_id FROM webhooks d
          WHERE d.disabled IS NULL AND d.next_at <= clock_timestamp()
            AND EXISTS (SELECT 1 FROM webhook_deliveries o WHERE o.webhook_id = d.webhook_id AND o.dead_at IS NULL
                        AND o.next_at <= clock_timestamp())
          ORDER BY d.next_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
    WHERE w.webhook_id = due.webhook_id RETURNING w.*
$$;

-- What came of attempts, all of one endpoint: p_failures[i] null is taken, else why not. p_pauses_ms[i] null: given up.
-- Nothing happens once the lease has passed on. Answers why the endpoint was disabled by this, if it was.
CREATE FUNCTION settle_webhook_v1(
    p_webhook uuid, p_lease uuid, p_events bigint[], p_failures text[], p_pauses_ms bigint[], p_rest_ms bigint,
    p_gone boolean, p_patience interval
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_ok       boolean := array_position(p_failures, NULL) IS NOT NULL;
    v_failed   boolean := EXISTS (SELECT 1 FROM unnest(p_failures) f WHERE f IS NOT NULL);
    v_disabled text;
BEGIN
    UPDATE webhooks w SET lease = NULL, next_at = clock_timestamp() + p_rest_ms * interval '1 millisecond',
        failures = CASE WHEN v_ok THEN 0 WHEN v_failed THEN w.failures + 1 ELSE w.failures END,
        failing_since = CASE WHEN v_ok THEN NULL WHEN v_failed THEN coalesce(w.failing_since, clock_timestamp())
                        ELSE w.failing_since END,
        disabled = CASE WHEN p_gone THEN 'gone' WHEN NOT v_ok AND w.failing_since < clock_timestamp() - p_patience
                   THEN 'failing' ELSE w.disabled END
        WHERE w.webhook_id = p_webhook AND w.lease = p_lease RETURNING w.disabled INTO v_disabled;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM webhook_deliveries d USING unnest(p_events, p_failures) o (event_id, failure)
        WHERE d.webhook_id = p_webhook AND d.event_id = o.event_id AND o.failure IS NULL;
    UPDATE webhook_deliveries d SET attempts = d.attempts + 1, failure = o.failure,
        dead_at = CASE WHEN o.pause_ms IS NULL THEN clock_timestamp() END,
        next_at = clock_timestamp() + coalesce(o.pause_ms, 0) * interval '1 millisecond'
        FROM unnest(p_events, p_failures, p_pauses_ms) o (event_id, failure, pause_ms)
        WHERE d.webhook_id = p_webhook AND d.event_id = o.event_id AND o.failure IS NOT NULL;
    RETURN v_disabled;
END
$$;
