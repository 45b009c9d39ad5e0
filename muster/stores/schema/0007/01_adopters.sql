-- Who somebody is elsewhere, what lets them in from there, and the keys of the app's own servers.

-- `realm` is a trusted issuer, or empty: what the app itself calls its people. The same subject in two realms is two
-- people.
CREATE TABLE externals (
    realm     text NOT NULL,
    subject   text NOT NULL,
    person_id uuid NOT NULL REFERENCES people,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (realm, subject)
);
CREATE INDEX externals_of_person ON externals (person_id);

-- A word that lets somebody in once; only its SHA-256 is kept.
CREATE TABLE grants (
    grant_hash bytea PRIMARY KEY,
    person_id  uuid NOT NULL REFERENCES people,
    expires_at timestamptz NOT NULL
);
CREATE INDEX grants_age ON grants (expires_at);

CREATE TABLE service_keys (
    key_id      uuid PRIMARY KEY,
    name        text NOT NULL,
    -- SHA-256 of the secret: 256 random bits need no slow hash.
    secret_hash bytea NOT NULL,
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    -- To about a minute.
    used_at     timestamptz,
    revoked_at  timestamptz
);

-- The person of this subject: the one known, or a new one with the first of these handles that is free. No handle
-- free: no row.
CREATE FUNCTION arrive_v1(
    p_person uuid, p_realm text, p_subject text, p_handles text[], p_name text, p_bio text
) RETURNS TABLE (person_id uuid, fresh boolean) LANGUAGE plpgsql AS $$
DECLARE
    v_person uuid;
    v_handle text;
BEGIN
    -- Two first sights at once are one person.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_subject, hashtextextended(p_realm, 1886413170)));
    SELECT x.person_id INTO v_person FROM externals x WHERE x.realm = p_realm AND x.subject = p_subject;
    IF v_person IS NOT NULL THEN
        RETURN QUERY SELECT v_person, false; RETURN;
    END IF;
    FOREACH v_handle IN ARRAY p_handles LOOP
        INSERT INTO people AS p (person_id, handle, handle_shown, name, bio)
            VALUES (p_person, folded_v1(v_handle), v_handle, p_name, p_bio)
            ON CONFLICT (handle) DO NOTHING RETURNING p.person_id INTO v_person;
        EXIT WHEN v_person IS NOT NULL;
    END LOOP;
    IF v_person IS NOT NULL THEN
        PERFORM add_self_log_v1(v_person);
        INSERT INTO externals (realm, subject, person_id) VALUES (p_realm, p_subject, v_person);
        RETURN QUERY SELECT v_person, true;
    END IF;
END
$$;
