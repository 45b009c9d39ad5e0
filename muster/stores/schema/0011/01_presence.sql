-- What people want others to see of their presence, and when they were last seen. Who is there stands in Redis.

-- A row only for who ever changed something. `version` grows with every change of what is shown, also of the circle
-- in people.may_see_online: of two hubs' notions of it the newer one wins. Milliseconds; 0 is never.
CREATE TABLE presence_profiles (
    person_id     uuid    PRIMARY KEY,
    version       bigint  NOT NULL DEFAULT 1,
    invisible     boolean NOT NULL DEFAULT false,
    busy_until_ms bigint  NOT NULL DEFAULT 0,
    text          text    NOT NULL DEFAULT '' CHECK (length(text) <= 100),
    emoji         text    NOT NULL DEFAULT '' CHECK (length(emoji) <= 32),
    text_until_ms bigint  NOT NULL DEFAULT 0
);

CREATE TABLE last_seen (
    person_id uuid        PRIMARY KEY,
    at        timestamptz NOT NULL
);

CREATE FUNCTION note_circle_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO presence_profiles AS p (person_id) VALUES (NEW.person_id)
        ON CONFLICT (person_id) DO UPDATE SET version = p.version + 1;
    RETURN NULL;
END
$$;
-- A trigger, so that the release before says so too.
CREATE TRIGGER people_note_circle AFTER UPDATE OF may_see_online ON people
    FOR EACH ROW WHEN (OLD.may_see_online IS DISTINCT FROM NEW.may_see_online) EXECUTE FUNCTION note_circle_v1();
