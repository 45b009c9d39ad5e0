-- Second factors, logins that wait for one, and keys that sign requests.

-- How often the password was changed (not how often its hash was renewed): a login that a change overtook is refused.
ALTER TABLE people ADD COLUMN password_no integer NOT NULL DEFAULT 0;

CREATE TABLE second_factors (
    person_id    uuid PRIMARY KEY REFERENCES people,
    -- Of the time-based codes (RFC 6238).
    secret_sealed bytea      NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT now(),
    -- Until then it is being set up, and nobody is asked for it.
    confirmed_at timestamptz,
    -- The step of the last code that was right: neither it nor an earlier one is right again.
    last_step    bigint      NOT NULL DEFAULT 0,
    -- Codes tried since the last right one, or since it was locked; how often in a row it was locked.
    tries        integer     NOT NULL DEFAULT 0,
    locks        integer     NOT NULL DEFAULT 0,
    locked_until timestamptz
);
CREATE INDEX second_factors_seal_key ON second_factors (seal_key_v1(secret_sealed), person_id);

CREATE TABLE recovery_codes (
    person_id uuid  NOT NULL REFERENCES second_factors ON DELETE CASCADE,
    -- SHA-256 of person and code: 80 random bits need no slow hash.
    code_hash bytea NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

-- Whoever has shown the password of an account with a second factor, and not yet that.
CREATE TABLE half_logins (
    -- SHA-256 of a token that opens nothing but the second step.
    token_hash  bytea PRIMARY KEY,
    person_id   uuid        NOT NULL REFERENCES people,
    device_id   uuid        NOT NULL,
    app         text        NOT NULL DEFAULT '',
    version     text        NOT NULL DEFAULT '',
    platform    text        NOT NULL DEFAULT '',
    password_no integer     NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX half_logins_age ON half_logins (expires_at);
CREATE INDEX half_logins_of_person ON half_logins (person_id);

-- A key that has one signs its requests and is not shown in them.
ALTER TABLE service_keys ADD COLUMN signing_sealed bytea;
CREATE INDEX service_keys_seal_key ON service_keys (seal_key_v1(signing_sealed), key_id);
