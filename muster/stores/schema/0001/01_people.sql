-- People, their sessions, and who blocks whom.

CREATE TABLE installation (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    lanes      integer NOT NULL,
    -- Changed by any restore or lossy failover; positions of another generation get a gap.
    generation uuid    NOT NULL,
    timeline   bigint  NOT NULL
);

CREATE TABLE people (
    person_id     uuid PRIMARY KEY,
    -- Case-folded; `handle_shown` keeps what was typed.
    handle        text NOT NULL UNIQUE,
    handle_shown  text NOT NULL,
    name          text NOT NULL,
    bio           text NOT NULL DEFAULT '',
    service_role  text NOT NULL DEFAULT 'user' CHECK (service_role IN ('user', 'support', 'admin')),
    password_hash text,
    banned_at     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    person_id  uuid NOT NULL REFERENCES people,
    -- Stable for one installation of the app and one person: UUIDv5(person, install id).
    device_id  uuid NOT NULL,
    app        text NOT NULL DEFAULT '',
    version    text NOT NULL DEFAULT '',
    platform   text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    -- The end of the whole refresh family, however often it rotates.
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_of_person ON sessions (person_id) WHERE revoked_at IS NULL;

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token: the token itself is never stored.
    token_hash  bytea PRIMARY KEY,
    session_id  uuid NOT NULL REFERENCES sessions,
    -- The token this one replaced; it stays valid until this one is used once.
    predecessor bytea,
    issued_at   timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    -- Its successor is SHA-256 of token and salt (muster/refresh.py), set when the token is first used.
    salt        bytea,
    -- Set when a successor was used: using this one later revokes the family.
    retired_at  timestamptz
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_age ON refresh_tokens (expires_at);

CREATE TABLE blocks (
    blocker uuid NOT NULL,
    blocked uuid NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (blocker, blocked)
);
CREATE INDEX blocks_of_blocked ON blocks (blocked);

CREATE TABLE reports (
    report_id uuid PRIMARY KEY,
    reporter  uuid NOT NULL,
    -- What is reported: a person, and a message of theirs where there is one, kept as it read at that time.
    subject   uuid NOT NULL,
    room_id   uuid,
    seq       bigint,
    evidence  text,
    reason    text NOT NULL,
    note      text NOT NULL DEFAULT '',
    at        timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    closed_by uuid
);
CREATE INDEX reports_open ON reports (at) WHERE closed_at IS NULL;

CREATE TABLE idempotency_keys (
    person_id   uuid  NOT NULL,
    -- SHA-256 of the key; HMAC of method, path and body under the key itself, which is kept nowhere.
    key         bytea NOT NULL,
    fingerprint bytea NOT NULL,
    status      integer,
    answer      bytea,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (at);
