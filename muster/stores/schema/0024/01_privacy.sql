-- What people consent to, the copies of what is kept of them, and who is to be forgotten.

-- One row per change, never touched again: who agreed to what, which version, and when they took it back. `about` is the
-- event that sharing one's place is about. Rows stay: they prove what was done by leave.
CREATE TABLE consents (
    person_id uuid        NOT NULL,
    n         bigint      GENERATED ALWAYS AS IDENTITY,
    purpose   text        NOT NULL,
    about     uuid,
    version   text        NOT NULL DEFAULT '',
    -- off: taken back. For places: ghost or on.
    given     text        NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (person_id, n)
);

-- By triggers, so that it is noted whichever release is told.
CREATE FUNCTION note_place_consent_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO consents (person_id, purpose, given) VALUES (NEW.person_id, 'place', NEW.sharing);
    RETURN NULL;
END
$$;
CREATE TRIGGER place_defaults_consent AFTER INSERT OR UPDATE ON place_defaults
    FOR EACH ROW EXECUTE FUNCTION note_place_consent_v1();

CREATE FUNCTION note_event_consent_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.sharing <> 'off' OR TG_OP = 'UPDATE' AND NEW.sharing <> OLD.sharing THEN
        INSERT INTO consents (person_id, purpose, about, given)
            VALUES (NEW.person_id, 'place', NEW.room_id, NEW.sharing);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER event_roster_consent AFTER INSERT OR UPDATE OF sharing ON event_roster
    FOR EACH ROW EXECUTE FUNCTION note_event_consent_v1();

-- Copies that people asked for. The bytes lie in a depot, under a key made of `export_id` and `secret`.
CREATE TABLE exports (
    export_id  uuid        PRIMARY KEY,
    person_id  uuid        NOT NULL,
    state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'failed', 'gone')),
    secret     text        NOT NULL,
    asked_at   timestamptz NOT NULL DEFAULT now(),
    ready_at   timestamptz,
    expires_at timestamptz,
    bytes      bigint      NOT NULL DEFAULT 0,
    attempts   integer     NOT NULL DEFAULT 0,
    -- Whoever is at it says so until then.
    lease      uuid,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX exports_of_person ON exports (person_id, asked_at);
CREATE INDEX exports_waiting ON exports (leased_until) WHERE state = 'waiting';
CREATE INDEX exports_over ON exports (expires_at) WHERE state = 'ready';

-- Who is to be forgotten, from when on, and how far that has come. A row stays: it proves that it was done.
CREATE TABLE erasures (
    person_id  uuid        PRIMARY KEY,
    asked_at   timestamptz NOT NULL DEFAULT now(),
    -- self, staff, operator
    asked_as   text        NOT NULL,
    due_at     timestamptz NOT NULL,
    -- Until then to log in takes it back.
    began_at   timestamptz,
    step       text        NOT NULL DEFAULT '',
    -- The room that was done with last, in a step that goes through rooms.
    room_id    uuid,
    step_at    timestamptz NOT NULL DEFAULT now(),
    done_at    timestamptz
);
CREATE INDEX erasures_due ON erasures (due_at) WHERE done_at IS NULL;

-- Since when somebody is forgotten.
ALTER TABLE people ADD COLUMN erased_at timestamptz;

-- Whoever logs in while they may still go back stays, whatever way they come in and whichever release lets them. Once
-- the time has come nothing takes it back, though no process has begun yet: an app that logs in by itself would.
CREATE FUNCTION stay_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM erasures e WHERE e.person_id = NEW.person_id AND e.began_at IS NULL
        AND e.due_at > clock_timestamp();
    RETURN NULL;
END
$$;
CREATE TRIGGER sessions_stay AFTER INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION stay_v1();

-- What is somebody's is looked for by them.
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX reports_of_reporter ON reports (reporter);
CREATE INDEX contacts_of_other ON contacts (other_id);

-- Somebody asks for a copy. Answers ok, `busy` (one is being made) or `often` (too many in the last day).
CREATE FUNCTION ask_export_v1(p_export uuid, p_person uuid, p_secret text, p_most integer) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_person::text, 24));
    IF EXISTS (SELECT 1 FROM exports x WHERE x.person_id = p_person AND x.state = 'waiting') THEN
        RETURN 'busy';
    ELSIF (SELECT count(*) FROM exports x WHERE x.person_id = p_person AND x.state <> 'failed'
           AND x.asked_at > now() - interval '1 day') >= p_most THEN
        RETURN 'often';
    END IF;
    INSERT INTO exports (export_id, person_id, secret) VALUES (p_export, p_person, p_secret);
    RETURN 'ok';
END
$$;

-- Somebody is to be forgotten. All their sessions end, by entries that every process hears of. Asking again changes
-- nothing but that it may be sooner. p_by: who asks; null: an operator.
CREATE FUNCTION ask_erasure_v1(p_person uuid, p_by uuid, p_days double precision, p_reason text) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    v_control constant uuid := '00000000-0000-7000-8000-000000000001';
    v_rooms uuid[];
    v_heads bigint[];
    v_as    text := CASE WHEN p_by IS NULL THEN 'operator' WHEN p_by = p_person THEN 'self' ELSE 'staff' END;
    v_due   timestamptz;
BEGIN
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(ARRAY[v_control]);
    IF NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_person AND p.erased_at IS NULL) THEN
        RETURN NULL;
    END IF;
    INSERT INTO erasures AS e (person_id, asked_as, due_at)
        VALUES (p_person, v_as, clock_timestamp() + p_days * interval '1 day')
        ON CONFLICT (person_id) DO UPDATE SET due_at = least(e.due_at, excluded.due_at)
        RETURNING e.due_at INTO v_due;
    PERFORM revoke_v1(0, 'side', v_control, coalesce(p_by, p_person), NULL, p_person, NULL);
    IF v_as <> 'self' THEN
        PERFORM audit_v1(v_control, coalesce(p_by, '00000000-0000-0000-0000-000000000000'),
                         CASE v_as WHEN 'operator' THEN v_as ELSE acting_as_v1(v_control, p_by, 'ban') END, 'erase',
                         p_person, NULL, NULL, NULL, v_due, p_reason);
    END IF;
    PERFORM owe_entries_v1(v_rooms, v_heads);
    RETURN v_due;
END
$$;

-- Staff take that back, while it has not begun; whether there was something to take back.
CREATE FUNCTION spare_v1(p_person uuid, p_by uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_control constant uuid := '00000000-0000-7000-8000-000000000001';
BEGIN
    PERFORM lock_heads_v1(ARRAY[v_control]);
    DELETE FROM erasures e WHERE e.person_id = p_person AND e.began_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM audit_v1(v_control, p_by, acting_as_v1(v_control, p_by, 'ban'), 'spare', p_person, NULL, NULL, NULL, NULL,
                     NULL);
    RETURN true;
END
$$;

-- A copy is there; its person is told in their own log. False: somebody else is at it, or nobody wants it any more.
CREATE FUNCTION ready_export_v1(p_export uuid, p_lease uuid, p_bytes bigint, p_days double precision) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_person uuid;
    v_rooms  uuid[];
    v_heads  bigint[];
BEGIN
    UPDATE exports x SET state = 'ready', ready_at = now(), bytes = p_bytes, lease = NULL,
        expires_at = now() + p_days * interval '1 day'
        WHERE x.export_id = p_export AND x.lease = p_lease AND x.state = 'waiting' RETURNING x.person_id INTO v_person;
    IF v_person IS NULL THEN
        RETURN false;
    END IF;
    SELECT * INTO v_rooms, v_heads FROM lock_heads_v1(ARRAY[v_person]);
    PERFORM append_entry_v1(0, 'side', v_person, 'notice', '00000000-0000-0000-0000-000000000000', v_person, NULL, NULL,
                            '{"state": "export_ready"}', NULL);
    PERFORM owe_entries_v1(v_rooms, v_heads);
    RETURN true;
END
$$;
