-- What people upload. The bytes lie in a depot (muster/depot.py) under keys made of `media_id` and `secret`.

CREATE TABLE media (
    media_id    uuid PRIMARY KEY,
    owner       uuid NOT NULL,
    purpose     text NOT NULL CHECK (purpose IN ('avatar', 'room_picture', 'attachment', 'voice', 'file')),
    state       text NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'processing', 'ready', 'refused', 'gone')),
    -- In every key: whoever has an address has been given it.
    secret      text NOT NULL,
    -- As the uploader said, then as found.
    type        text NOT NULL,
    name        text NOT NULL DEFAULT '',
    -- Reserved against the quota: as announced, then all that is kept, thumbnails too.
    bytes       bigint NOT NULL,
    width       integer,
    height      integer,
    blurhash    text,
    duration_ms integer,
    refusal     text,
    -- The message it hangs on, by what its author calls it: known before the message has a seq. Of a room's picture: the room.
    room_id     uuid,
    client_id   text,
    claimed_at  timestamptz,
    -- A picture that is shown.
    used        boolean NOT NULL DEFAULT false,
    made_at     timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    -- Its message was deleted, or another picture took its place.
    freed_at    timestamptz,
    -- When to look whether anybody still needs it. Null: somebody does.
    collect_at  timestamptz
) WITH (fillfactor = 80);
CREATE INDEX media_of_owner ON media (owner, made_at);
CREATE INDEX media_of_message ON media (room_id, owner, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX media_due ON media (collect_at) WHERE collect_at IS NOT NULL;

ALTER TABLE people ADD COLUMN picture uuid;
ALTER TABLE rooms ADD COLUMN picture uuid;

-- Answers `open`, or the name of the quota that is used up. The same id twice is one row.
CREATE FUNCTION open_media_v1(
    p_media uuid, p_owner uuid, p_purpose text, p_secret text, p_type text, p_name text, p_bytes bigint,
    p_duration integer, p_wait interval, p_day_count bigint, p_day_bytes bigint, p_total_bytes bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_day_count bigint;
    v_day_bytes bigint;
    v_total     bigint;
BEGIN
    -- One at a time per owner, so that the sums below are exact.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_owner::text, 1835361385));
    IF EXISTS (SELECT 1 FROM media m WHERE m.media_id = p_media) THEN
        RETURN 'open';
    END IF;
    SELECT count(*) FILTER (WHERE m.made_at > now() - interval '1 day'),
           coalesce(sum(m.bytes) FILTER (WHERE m.made_at > now() - interval '1 day'), 0),
           coalesce(sum(m.bytes) FILTER (WHERE m.state NOT IN ('gone', 'refused')), 0)
        INTO v_day_count, v_day_bytes, v_total FROM media m WHERE m.owner = p_owner;
    IF v_day_count >= p_day_count THEN
        RETURN 'day_count';
    ELSIF v_day_bytes + p_bytes > p_day_bytes THEN
        RETURN 'day_bytes';
    ELSIF v_total + p_bytes > p_total_bytes THEN
        RETURN 'total_bytes';
    END IF;
    INSERT INTO media (media_id, owner, purpose, secret, type, name, bytes, duration_ms, collect_at)
        VALUES (p_media, p_owner, p_purpose, p_secret, p_type, p_name, p_bytes, p_duration, now() + p_wait);
    RETURN 'open';
END
$$;

-- Whether what a message's author called so is in the log, deleted or not, or waits for its time.
CREATE FUNCTION media_is_said_v1(p_room uuid, p_author uuid, p_client text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM entries e WHERE e.room_id = p_room AND e.author = p_author AND e.client_id = p_client)
        OR EXISTS (SELECT 1 FROM jobs j WHERE j.owner = p_author AND j.kind = 'post' AND j.dead_at IS NULL
                   AND j.payload ->> 'client_id' = p_client AND j.payload ->> 'room' = p_room::text)
$$;

-- Hangs media on a message that is about to be posted. Answers `ok`; `known` where the message is in the log already,
-- whatever became of its media; `used` where another message has them; else `missing`. Again for the same message: `ok`.
CREATE FUNCTION claim_media_v1(p_author uuid, p_room uuid, p_client text, p_media uuid[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_mine integer;
    v_free integer;
BEGIN
    IF EXISTS (SELECT 1 FROM entries e WHERE e.room_id = p_room AND e.author = p_author AND e.client_id = p_client) THEN
        RETURN 'known';
    END IF;
    PERFORM 1 FROM media m WHERE m.media_id = ANY (p_media) ORDER BY m.media_id FOR UPDATE;
    -- A claim whose message never came is dead after longer than any commit may take.
    SELECT count(*), count(*) FILTER (WHERE m.client_id IS NULL OR (m.room_id, m.client_id) = (p_room, p_client)
            OR m.claimed_at < clock_timestamp() - interval '10 seconds'
               AND NOT media_is_said_v1(m.room_id, m.owner, m.client_id))
        INTO v_mine, v_free FROM media m
        WHERE m.media_id = ANY (p_media) AND m.owner = p_author AND m.state = 'ready' AND m.freed_at IS NULL
          AND m.purpose IN ('attachment', 'voice', 'file');
    IF v_mine < (SELECT count(DISTINCT x) FROM unnest(p_media) x) THEN
        RETURN 'missing';
    ELSIF v_free < v_mine THEN
        RETURN 'used';
    END IF;
    UPDATE media m SET room_id = p_room, client_id = p_client, claimed_at = clock_timestamp(),
                       collect_at = now() + interval '1 day'
        WHERE m.media_id = ANY (p_media);
    RETURN 'ok';
END
$$;

-- The message was refused for good: its media are free for another.
CREATE FUNCTION unclaim_media_v1(p_author uuid, p_room uuid, p_client text) RETURNS void LANGUAGE sql AS $$
    UPDATE media m SET room_id = NULL, client_id = NULL, claimed_at = NULL
    WHERE m.room_id = p_room AND m.owner = p_author AND m.client_id = p_client
      AND NOT media_is_said_v1(p_room, p_author, p_client)
$$;

-- A deletion frees what hung on the message, whichever release wrote it. No post pays for this: only statements that
-- set deleted_seq look here, and of those only such as had attachments.
CREATE FUNCTION free_media_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE media m SET freed_at = now(), collect_at = now() + interval '1 day'
        WHERE m.room_id = OLD.room_id AND m.owner = OLD.author AND m.client_id = OLD.client_id AND m.freed_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER entries_free_media AFTER UPDATE OF deleted_seq ON entries FOR EACH ROW
    WHEN (NEW.deleted_seq IS NOT NULL AND OLD.deleted_seq IS NULL AND OLD.body ? 'attachments')
    EXECUTE FUNCTION free_media_v1();

-- The first p_most whose time has come: those that nobody needs are `gone` from now on and named, to be removed from
-- the depot; they are named again later unless forget_media_v1 says that they are.
CREATE FUNCTION collect_media_v1(p_most integer) RETURNS TABLE (media_id uuid, secret text) LANGUAGE sql AS $$
    WITH due AS MATERIALIZED (
        SELECT m.* FROM media m WHERE m.collect_at <= now() ORDER BY m.collect_at LIMIT p_most FOR UPDATE SKIP LOCKED
    ), judged AS MATERIALIZED (
        SELECT d.media_id, d.secret, CASE
            WHEN d.state = 'gone' OR d.freed_at IS NOT NULL THEN 'gone'
            WHEN d.used OR d.client_id IS NOT NULL AND EXISTS (
                SELECT 1 FROM entries e WHERE e.room_id = d.room_id AND e.author = d.owner
                AND e.client_id = d.client_id) THEN 'kept'
            WHEN d.client_id IS NOT NULL AND media_is_said_v1(d.room_id, d.owner, d.client_id) THEN 'later'
            ELSE 'gone' END AS verdict
        FROM due d
    ), settled AS (
        UPDATE media m SET state = CASE j.verdict WHEN 'gone' THEN 'gone' ELSE m.state END,
            collect_at = CASE j.verdict WHEN 'kept' THEN NULL WHEN 'later' THEN now() + interval '1 day'
                         ELSE now() + interval '10 minutes' END
        FROM judged j WHERE m.media_id = j.media_id
    )
    SELECT j.media_id, j.secret FROM judged j WHERE j.verdict = 'gone'
$$;

-- They are out of the depot. A row stays for a day: it counts in its owner's day.
CREATE FUNCTION forget_media_v1(p_media uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM media m WHERE m.media_id = ANY (p_media) AND m.state = 'gone'
        AND m.made_at < now() - interval '1 day';
    UPDATE media m SET collect_at = m.made_at + interval '25 hours'
        WHERE m.media_id = ANY (p_media) AND m.state = 'gone';
$$;
