-- What happened to the security of accounts, as their owners and staff are told. Rows are added and forgotten, never
-- changed. However often something happens in a minute it is one row, and of a person the newest 500 are kept, so that
-- no flood fills a disk.
CREATE TABLE security_events (
    person_id  uuid        NOT NULL,
    minute     timestamptz NOT NULL,
    kind       text        NOT NULL,
    event_id   uuid        NOT NULL DEFAULT gen_random_uuid(),
    at         timestamptz NOT NULL,
    -- By which it was done or tried, where that is known. No address of anybody is kept.
    session_id uuid,
    device_id  uuid,
    PRIMARY KEY (person_id, minute, kind)
);
CREATE INDEX security_events_at ON security_events (person_id, at, event_id);
CREATE TRIGGER security_events_stay BEFORE UPDATE ON security_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_v1();

CREATE FUNCTION note_security_v1(p_person uuid, p_kind text, p_session uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- In milliseconds, as it is told: pages go by that.
    v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
BEGIN
    INSERT INTO security_events (person_id, minute, kind, at, session_id, device_id)
    SELECT p_person, date_trunc('minute', v_now), p_kind, v_now, p_session,
           (SELECT s.device_id FROM sessions s WHERE s.session_id = p_session)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM security_events e USING (
            SELECT o.minute, o.kind FROM security_events o WHERE o.person_id = p_person
            ORDER BY o.at DESC, o.event_id DESC OFFSET 500) old
        WHERE e.person_id = p_person AND e.minute = old.minute AND e.kind = old.kind;
    END IF;
END
$$;
