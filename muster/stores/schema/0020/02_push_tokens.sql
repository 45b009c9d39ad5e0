-- Push tokens lie sealed (muster/envelope.py), with a blind index by which two devices with one token are found. A
-- process of the release before reads and writes `token` and knows nothing of the others: as long as there may be
-- one (`both`) the token lies plain beside its seal, and what such a process wrote is sealed by a job. Who says that
-- there is none any more (`muster keys data contract`) makes it `sealed`, for good, and the job empties `token`.
ALTER TABLE installation ADD COLUMN push_tokens text NOT NULL DEFAULT 'both' CHECK (push_tokens IN ('both', 'sealed'));
-- An installation that begins now never had the release before.
ALTER TABLE installation ALTER COLUMN push_tokens SET DEFAULT 'sealed';

ALTER TABLE push_devices
    ALTER COLUMN token DROP NOT NULL,
    ADD COLUMN token_sealed bytea,
    ADD COLUMN token_blind bytea,
    ADD CONSTRAINT push_devices_token CHECK (token IS NOT NULL OR (token_sealed IS NOT NULL AND token_blind IS NOT NULL));
-- One owner at a time, as for `token`.
CREATE UNIQUE INDEX push_devices_blind ON push_devices (provider, topic, environment, token_blind);
CREATE INDEX push_devices_seal_key ON push_devices (seal_key_v1(token_sealed), device_id);
CREATE INDEX push_devices_unsealed ON push_devices (device_id) WHERE token_sealed IS NULL;
CREATE INDEX push_devices_plain ON push_devices (device_id) WHERE token IS NOT NULL AND token_sealed IS NOT NULL;

-- A token written plain is not the one that was sealed, whoever writes it.
CREATE FUNCTION unseal_push_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.token_sealed := NULL;
    NEW.token_blind := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER push_devices_unseal BEFORE UPDATE OF token ON push_devices FOR EACH ROW
    WHEN (NEW.token IS NOT NULL AND NEW.token IS DISTINCT FROM OLD.token
          AND NEW.token_sealed IS NOT DISTINCT FROM OLD.token_sealed)
    EXECUTE FUNCTION unseal_push_v1();

-- register_push_v1 with the token sealed. `p_token` is null once nobody needs it plain, and is not kept then.
CREATE FUNCTION register_push_v2(
    p_device uuid, p_person uuid, p_session uuid, p_install text, p_provider text, p_environment text, p_topic text,
    p_token text, p_sealed bytea, p_blind bytea, p_target_kind text, p_locale text, p_zone text, p_app_version text,
    p_privacy text, p_shows_local boolean, p_most integer
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    v_now   timestamptz;
    v_until timestamptz;
    v_plain text := CASE WHEN (SELECT i.push_tokens FROM installation i) = 'both' THEN p_token END;
BEGIN
    -- A revocation waits for this, or this sees it: no row stays behind of a session that is over.
    SELECT s.expires_at INTO v_until FROM sessions s WHERE s.session_id = p_session AND s.revoked_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Two who come with one token come one after the other, also where one is of the release before; what follows
    -- sees what the first did.
    IF p_token IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(' ', p_provider, p_topic, p_environment, p_token), 12));
    END IF;
    PERFORM pg_advisory_xact_lock(
        hashtextextended(concat_ws(' ', p_provider, p_topic, p_environment, encode(p_blind, 'hex')), 19));
    v_now := clock_timestamp();
    v_until := least(v_until, (SELECT max(t.expires_at) FROM refresh_tokens t WHERE t.session_id = p_session))
        + interval '1 day';
    DELETE FROM push_devices d WHERE d.provider = p_provider AND d.topic = p_topic
        AND d.environment = p_environment AND d.token_blind = p_blind AND d.device_id <> p_device;
    DELETE FROM push_devices d WHERE d.provider = p_provider AND d.topic = p_topic
        AND d.environment = p_environment AND d.token = p_token AND d.device_id <> p_device;
    INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, token_sealed,
                              token_blind, target_kind, locale, zone, app_version, privacy, shows_local,
                              registered_at, seen_at, session_id, session_until)
    VALUES (p_device, p_person, p_install, p_provider, p_environment, p_topic, v_plain, p_sealed, p_blind,
            p_target_kind, p_locale, p_zone, p_app_version, p_privacy, p_shows_local, v_now, v_now, p_session, v_until)
    ON CONFLICT (device_id) DO UPDATE SET
        person_id = excluded.person_id, install = excluded.install, provider = excluded.provider,
        environment = excluded.environment, topic = excluded.topic, token = excluded.token,
        token_sealed = excluded.token_sealed, token_blind = excluded.token_blind,
        target_kind = excluded.target_kind, locale = excluded.locale, zone = excluded.zone,
        app_version = excluded.app_version, privacy = excluded.privacy, shows_local = excluded.shows_local,
        registered_at = excluded.registered_at, seen_at = excluded.seen_at, session_id = excluded.session_id,
        session_until = excluded.session_until;
    DELETE FROM push_devices d WHERE d.device_id IN (
        SELECT o.device_id FROM push_devices o WHERE o.person_id = p_person
        ORDER BY o.seen_at DESC, o.device_id OFFSET p_most
    );
    RETURN v_now;
END
$$;

-- Seal what the release before wrote; how many. What has changed meanwhile, or is held by somebody, is left for another
-- time. Of two devices with one token the later one has it.
CREATE FUNCTION seal_push_v1(p_devices uuid[], p_tokens text[], p_sealed bytea[], p_blinds bytea[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_row   push_devices;
    v_count integer := 0;
BEGIN
    FOR i IN 1 .. cardinality(p_devices) LOOP
        SELECT * INTO v_row FROM push_devices d WHERE d.device_id = p_devices[i] AND d.token = p_tokens[i]
            AND d.token_sealed IS NULL FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        -- Never waited for: who holds it may be waiting for this row.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(
            concat_ws(' ', v_row.provider, v_row.topic, v_row.environment, encode(p_blinds[i], 'hex')), 19));
        IF EXISTS (SELECT FROM push_devices d WHERE d.provider = v_row.provider AND d.topic = v_row.topic
                       AND d.environment = v_row.environment AND d.token_blind = p_blinds[i]
                       AND d.registered_at > v_row.registered_at) THEN
            DELETE FROM push_devices d WHERE d.device_id = v_row.device_id;
            CONTINUE;
        END IF;
        DELETE FROM push_devices d WHERE d.provider = v_row.provider AND d.topic = v_row.topic
            AND d.environment = v_row.environment AND d.token_blind = p_blinds[i];
        UPDATE push_devices d SET token_sealed = p_sealed[i], token_blind = p_blinds[i]
            WHERE d.device_id = v_row.device_id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;
