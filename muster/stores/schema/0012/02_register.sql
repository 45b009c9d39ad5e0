-- Registering a device, and when a registration goes.

-- When it was registered; null where the session is over. Who had this token before has it no longer; of more than `p_most` devices of this
-- person the one not seen for longest goes.
CREATE FUNCTION register_push_v1(
    p_device uuid, p_person uuid, p_session uuid, p_install text, p_provider text, p_environment text, p_topic text,
    p_token text, p_target_kind text, p_locale text, p_zone text, p_app_version text, p_privacy text,
    p_shows_local boolean, p_most integer
) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    v_now   timestamptz;
    v_until timestamptz;
BEGIN
    -- A revocation waits for this, or this sees it: no row stays behind of a session that is over.
    SELECT s.expires_at INTO v_until FROM sessions s WHERE s.session_id = p_session AND s.revoked_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Two who come with one token come one after the other; what follows sees what the first did.
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(' ', p_provider, p_topic, p_environment, p_token), 12));
    v_now := clock_timestamp();
    v_until := least(v_until, (SELECT max(t.expires_at) FROM refresh_tokens t WHERE t.session_id = p_session))
        + interval '1 day';
    DELETE FROM push_devices d WHERE d.provider = p_provider AND d.topic = p_topic
        AND d.environment = p_environment AND d.token = p_token AND d.device_id <> p_device;
    INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, target_kind, locale,
                              zone, app_version, privacy, shows_local, registered_at, seen_at, session_id,
                              session_until)
    VALUES (p_device, p_person, p_install, p_provider, p_environment, p_topic, p_token, p_target_kind, p_locale,
            p_zone, p_app_version, p_privacy, p_shows_local, v_now, v_now, p_session, v_until)
    ON CONFLICT (device_id) DO UPDATE SET
        person_id = excluded.person_id, install = excluded.install, provider = excluded.provider,
        environment = excluded.environment, topic = excluded.topic, token = excluded.token,
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

-- Logged out, revoked, banned: by a trigger, so that it holds whoever ends the session, the release before too.
CREATE FUNCTION forget_push_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM push_devices d WHERE d.session_id = NEW.session_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER sessions_forget_push AFTER UPDATE OF revoked_at ON sessions
    FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION forget_push_v1();
