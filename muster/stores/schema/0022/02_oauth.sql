-- Logins by other services that are under way. Who somebody is there stands in `externals` once they are through.
CREATE TABLE oauth_flows (
    flow_id     uuid        PRIMARY KEY,
    provider    text        NOT NULL,
    -- SHA-256 of the state; gone once the service has sent the browser back: once.
    state_hash  bytea       UNIQUE,
    -- SHA-256 of the code with which the app that began this ends it: once.
    code_hash   bytea       UNIQUE,
    -- Of the app that began it (RFC 7636, S256), and whither the browser goes in the end.
    challenge   text        NOT NULL,
    redirect    text        NOT NULL,
    -- Whose account it is to be linked to, and the session that asked; none: it is a login.
    person_id   uuid        REFERENCES people,
    session_id  uuid,
    -- What the service says of whoever came back.
    said_sealed bytea,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX oauth_flows_age ON oauth_flows (expires_at);
CREATE INDEX oauth_flows_of_person ON oauth_flows (person_id);
CREATE INDEX oauth_flows_seal_key ON oauth_flows (seal_key_v1(said_sealed), flow_id);

-- Take one way in away, unless it is the last: another service, or a password.
CREATE FUNCTION unlink_external_v1(p_person uuid, p_realm text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    -- Two that are taken away at once are not both the other's last.
    PERFORM 1 FROM people p WHERE p.person_id = p_person FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM externals x WHERE x.person_id = p_person AND x.realm = p_realm) THEN
        RETURN 'missing';
    ELSIF NOT EXISTS (SELECT FROM people p WHERE p.person_id = p_person AND p.password_hash IS NOT NULL)
          AND NOT EXISTS (SELECT FROM externals x WHERE x.person_id = p_person AND x.realm <> p_realm) THEN
        RETURN 'last';
    END IF;
    DELETE FROM externals x WHERE x.person_id = p_person AND x.realm = p_realm;
    RETURN 'unlinked';
END
$$;

-- Let this subject in as this person from now on: 'linked', or why not.
CREATE FUNCTION link_external_v1(p_person uuid, p_realm text, p_subject text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_person uuid;
BEGIN
    -- As in arrive_v1: a first sight of the same subject waits.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_subject, hashtextextended(p_realm, 1886413170)));
    PERFORM 1 FROM people p WHERE p.person_id = p_person FOR NO KEY UPDATE;
    SELECT x.person_id INTO v_person FROM externals x WHERE x.realm = p_realm AND x.subject = p_subject;
    IF v_person = p_person THEN
        RETURN 'linked';
    ELSIF v_person IS NOT NULL THEN
        RETURN 'taken';
    ELSIF EXISTS (SELECT FROM externals x WHERE x.person_id = p_person AND x.realm = p_realm) THEN
        RETURN 'another';
    END IF;
    INSERT INTO externals (realm, subject, person_id) VALUES (p_realm, p_subject, p_person);
    RETURN 'linked';
END
$$;
