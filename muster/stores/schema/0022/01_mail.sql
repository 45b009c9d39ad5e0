-- Addresses of people, and the mails that are sent to them. Addresses lie sealed, with a blind index.

-- Of one person there is at most one that is verified, and one that waits to be.
CREATE TABLE emails (
    email_id       uuid        PRIMARY KEY,
    person_id      uuid        NOT NULL REFERENCES people,
    address_sealed bytea       NOT NULL,
    -- Of the address in the form in which it is unique.
    address_blind  bytea       NOT NULL,
    -- In which mails to it are written.
    language       text        NOT NULL,
    made_at        timestamptz NOT NULL DEFAULT now(),
    verified_at    timestamptz
);
-- Whoever verifies an address first has it; that somebody waits for one keeps nobody else from it.
CREATE UNIQUE INDEX emails_one_owner ON emails (address_blind) WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX emails_of_person ON emails (person_id, (verified_at IS NULL));
CREATE INDEX emails_seal_key ON emails (seal_key_v1(address_sealed), email_id);

-- A mail, and the word that stands in it. It is written before anybody knows whether there is an account with the
-- address, so that asking for a new password takes the same time for all.
CREATE TABLE mails (
    mail_id     uuid        PRIMARY KEY,
    kind        text        NOT NULL,
    language    text        NOT NULL,
    person_id   uuid        REFERENCES people,
    -- Which address is to be verified.
    email_id    uuid        REFERENCES emails ON DELETE SET NULL,
    -- Emptied when it was sent, or given up.
    to_sealed   bytea,
    to_blind    bytea       NOT NULL,
    -- What it says besides: a handle, a service's name. No address.
    about       text        NOT NULL DEFAULT '',
    -- SHA-256 of the word, which is signed besides (muster/mail_word.py).
    word_hash   bytea,
    expires_at  timestamptz NOT NULL,
    tries       integer     NOT NULL DEFAULT 0,
    used_at     timestamptz,
    -- Of the person when it was asked for: once the password is another, the word is good for nothing.
    password_no integer,
    made_at     timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz,
    -- Why it never will be: an SMTP code, or a word. No address.
    failure     text
);
CREATE INDEX mails_to ON mails (to_blind, made_at);
CREATE INDEX mails_of_person ON mails (person_id, made_at);
CREATE INDEX mails_of_email ON mails (email_id, made_at);
CREATE INDEX mails_age ON mails (made_at);
CREATE INDEX mails_seal_key ON mails (seal_key_v1(to_sealed), mail_id);

-- Keep a mail and the job that sends it; false if this address, or this person, was sent too many of late.
CREATE FUNCTION add_mail_v1(
    p_mail uuid, p_kind text, p_language text, p_person uuid, p_email uuid, p_to_sealed bytea, p_to_blind bytea,
    p_about text, p_word_hash bytea, p_expires timestamptz, p_job uuid, p_payload jsonb,
    p_address_hour integer, p_address_day integer, p_person_hour integer
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- One at a time per address and per person, so that the counts below are exact.
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_to_blind, 'hex'), 21));
    IF (SELECT count(*) FROM mails m WHERE m.to_blind = p_to_blind AND m.made_at > now() - interval '1 hour')
           >= p_address_hour
       OR (SELECT count(*) FROM mails m WHERE m.to_blind = p_to_blind AND m.made_at > now() - interval '1 day')
           >= p_address_day THEN
        RETURN false;
    END IF;
    IF p_person IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_person::text, 21));
        IF (SELECT count(*) FROM mails m WHERE m.person_id = p_person AND m.made_at > now() - interval '1 hour')
               >= p_person_hour THEN
            RETURN false;
        END IF;
    END IF;
    -- Old ones of anybody go with each new one.
    DELETE FROM mails m USING (
        SELECT mail_id FROM mails WHERE made_at < now() - interval '30 days'
        ORDER BY made_at LIMIT 20 FOR UPDATE SKIP LOCKED
    ) old WHERE m.mail_id = old.mail_id;
    INSERT INTO mails (mail_id, kind, language, person_id, email_id, to_sealed, to_blind, about, word_hash, expires_at,
                       password_no)
    VALUES (p_mail, p_kind, p_language, p_person, p_email, p_to_sealed, p_to_blind, p_about, p_word_hash, p_expires,
            (SELECT p.password_no FROM people p WHERE p.person_id = p_person));
    PERFORM add_job_v1(p_job, 'mail', NULL, now(), p_payload, 0, interval '1 day');
    RETURN true;
END
$$;

-- From now on the address is this person's, and the one before is not: what that was. Nothing: it waits no more, or
-- somebody else has it.
CREATE FUNCTION verify_email_v1(p_email uuid, p_person uuid)
RETURNS TABLE (outcome text, old_email uuid, old_sealed bytea, old_language text) LANGUAGE plpgsql AS $$
DECLARE
    v_email emails;
    v_old   emails;
BEGIN
    PERFORM 1 FROM people p WHERE p.person_id = p_person FOR NO KEY UPDATE;
    SELECT * INTO v_email FROM emails e WHERE e.email_id = p_email AND e.person_id = p_person FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'gone', NULL::uuid, NULL::bytea, NULL::text; RETURN;
    ELSIF v_email.verified_at IS NOT NULL THEN
        RETURN QUERY SELECT 'verified', NULL::uuid, NULL::bytea, NULL::text; RETURN;
    END IF;
    -- Two who verify one address at once: one of them has it.
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(v_email.address_blind, 'hex'), 22));
    IF EXISTS (SELECT FROM emails e WHERE e.address_blind = v_email.address_blind AND e.verified_at IS NOT NULL
                   AND e.person_id <> p_person) THEN
        DELETE FROM emails e WHERE e.email_id = p_email;
        RETURN QUERY SELECT 'taken', NULL::uuid, NULL::bytea, NULL::text; RETURN;
    END IF;
    DELETE FROM emails e WHERE e.person_id = p_person AND e.verified_at IS NOT NULL
        RETURNING * INTO v_old;
    UPDATE emails e SET verified_at = now() WHERE e.email_id = p_email;
    -- What lies in the mailbox of before opens nothing any more.
    UPDATE mails m SET used_at = now() WHERE m.person_id = p_person AND m.kind = 'reset' AND m.used_at IS NULL;
    RETURN QUERY SELECT 'verified', v_old.email_id, v_old.address_sealed, v_old.language;
END
$$;
