-- Secrets of webhooks lie sealed (muster/envelope.py), the one that signs and the one before it in one seal. Codes for
-- checking in to an event are made by a secret that no database has (muster/entry_codes.py).
--
-- A process of the release before reads and writes `secret` of both, and knows nothing of this. Null: there may be one,
-- and secrets lie plain as well. `muster keys data contract` says that there is none any more, for good; what lies plain
-- then goes, of events a while later, since a code is good for some minutes.
ALTER TABLE installation ADD COLUMN secrets_alone_since timestamptz;
-- An installation that begins now never had the release before.
ALTER TABLE installation ALTER COLUMN secrets_alone_since SET DEFAULT now();

ALTER TABLE webhooks
    ALTER COLUMN secret DROP NOT NULL,
    ADD COLUMN secrets_sealed bytea,
    ADD CONSTRAINT webhooks_secret CHECK (secret IS NOT NULL OR secrets_sealed IS NOT NULL);
CREATE INDEX webhooks_seal_key ON webhooks (seal_key_v1(secrets_sealed), webhook_id);

-- A secret written plain is not the one that was sealed, whoever writes it.
CREATE FUNCTION unseal_webhook_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.secrets_sealed := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER webhooks_unseal BEFORE UPDATE OF secret ON webhooks FOR EACH ROW
    WHEN (NEW.secret IS NOT NULL AND NEW.secret IS DISTINCT FROM OLD.secret
          AND NEW.secrets_sealed IS NOT DISTINCT FROM OLD.secrets_sealed)
    EXECUTE FUNCTION unseal_webhook_v1();

-- add_webhook_v1 with the secret sealed. `p_secret` is kept only where the release before may read it.
CREATE FUNCTION add_webhook_v2(
    p_webhook uuid, p_url text, p_events text[], p_secret bytea, p_sealed bytea, p_most integer
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(2003132008);
    IF (SELECT count(*) FROM webhooks) >= p_most THEN
        RETURN false;
    END IF;
    PERFORM tap_webhooks_v1();
    INSERT INTO webhooks (webhook_id, url, events, secret, secrets_sealed) VALUES (p_webhook, p_url, p_events, p_secret, p_sealed);
    RETURN true;
END
$$;

ALTER TABLE events ALTER COLUMN secret DROP NOT NULL;
CREATE INDEX events_plain ON events (room_id) WHERE secret IS NOT NULL;

-- As in 0016, but that an event gets a secret only where the release before may ask for it.
CREATE OR REPLACE FUNCTION write_event_v1(p_room uuid, p_facts jsonb, p_body jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_doors  timestamptz := ms_v1(p_facts -> 'doors_at_ms');
    v_starts timestamptz := ms_v1(p_facts -> 'starts_at_ms');
    v_ends   timestamptz := ms_v1(p_facts -> 'ends_at_ms');
    v_fence  jsonb := nullif(p_facts -> 'fence', 'null');
    v_lat    float8 := (p_facts -> 'point' ->> 'lat')::float8;
    v_lon    float8 := (p_facts -> 'point' ->> 'lon')::float8;
    v_at     box := CASE WHEN v_lat IS NOT NULL THEN box(point(v_lon, v_lat), point(v_lon, v_lat)) END;
    v_now    timestamptz := clock_timestamp();
    v_secret bytea;
BEGIN
    IF NOT (v_doors <= v_starts AND v_starts < v_ends AND v_ends > v_now AND v_ends - v_starts <= interval '31 days'
            AND v_starts - v_doors <= interval '7 days') OR (v_fence IS NOT NULL AND v_lat IS NULL) THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM installation i WHERE i.secrets_alone_since IS NULL) THEN
        v_secret := sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea);
    END IF;
    INSERT INTO events AS e (room_id, state, visibility, about, doors_at, starts_at, ends_at, zone, place_name, address,
                             lat, lon, fence, area, area_beyond, capacity, joins_on, dwell_ms, secret)
        VALUES (p_room, event_state_v1(v_doors, v_starts, v_ends, v_now), p_facts ->> 'visibility', p_facts ->> 'about',
                v_doors, v_starts, v_ends, p_facts ->> 'zone', p_facts ->> 'place_name', p_facts ->> 'address', v_lat,
                v_lon, v_fence, CASE WHEN v_fence IS NULL THEN v_at ELSE coalesce(box_v1(p_body -> 'boxes' -> 0), v_at) END,
                box_v1(p_body -> 'boxes' -> 1), (p_facts ->> 'capacity')::integer, p_facts ->> 'joins_on',
                (p_facts ->> 'dwell_ms')::integer, v_secret)
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
