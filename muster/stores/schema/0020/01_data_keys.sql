-- The keys that fields are sealed with, each wrapped by a master key that is not in any database.
CREATE TABLE data_keys (
    key_id     integer     PRIMARY KEY CHECK (key_id > 0),
    purpose    text        NOT NULL CHECK (purpose IN ('blind', 'seal')),
    -- Which master key wraps it: a hash of that, no secret.
    master     text        NOT NULL,
    wrapped    bytea       NOT NULL,
    -- It seals from then on, until a later one does. By then every process knows it.
    seals_from timestamptz NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now()
);
-- Values are looked up by what this key makes of them: another one would find nothing.
CREATE UNIQUE INDEX data_keys_one_blind ON data_keys (purpose) WHERE purpose = 'blind';

-- The id of the key that something is sealed under: the four bytes after the first. Every sealed column has an index
-- that begins with this, so that what is under older keys is found without looking at the rest.
CREATE FUNCTION seal_key_v1(p_sealed bytea) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN length(p_sealed) < 5 THEN 0
    ELSE ((get_byte(p_sealed, 1) & 127) << 24) | (get_byte(p_sealed, 2) << 16) | (get_byte(p_sealed, 3) << 8)
         | get_byte(p_sealed, 4) END;
