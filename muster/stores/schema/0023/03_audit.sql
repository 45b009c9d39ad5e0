-- What moderators and staff did: rows that are only ever added. Each log (a room, or the control log for what is of no
-- room) has a chain of its own, numbered without holes, and each row the hash of the one before; the log's head is
-- locked where a row is added, so a chain needs no lock of its own.
--
-- Nobody's id and no words are in it: people are marks, and who a mark is stands beside (audit_people), as do reasons
-- (audit_words), of which a row keeps a salted hash. So somebody can be forgotten without a row being touched.

CREATE TABLE audit (
    log_id   uuid        NOT NULL,
    n        bigint      NOT NULL,
    at       timestamptz NOT NULL,
    actor    uuid        NOT NULL,
    -- What they were when they did it: moderator, owner, support, admin, app, operator.
    actor_as text        NOT NULL,
    action   text        NOT NULL,
    subject  uuid,
    -- The entry it made, and the message it is about.
    seq      bigint,
    target   bigint,
    report   uuid,
    until    timestamptz,
    reason   bytea,
    before   bytea       NOT NULL,
    hash     bytea       NOT NULL,
    PRIMARY KEY (log_id, n)
);
CREATE INDEX audit_at ON audit (at, log_id, n);
CREATE INDEX audit_actor ON audit (actor, at);
CREATE INDEX audit_subject ON audit (subject, at) WHERE subject IS NOT NULL;

CREATE TABLE audit_people (
    mark      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    person_id uuid NOT NULL UNIQUE
);
CREATE TABLE audit_words (
    log_id uuid   NOT NULL,
    n      bigint NOT NULL,
    salt   bytea  NOT NULL,
    reason text   NOT NULL,
    PRIMARY KEY (log_id, n)
);

-- By rights: whoever owns the table may give these back, so that triggers forbid it as well, and the chain tells.
REVOKE ALL ON audit FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM %I', current_user);
END
$$;
CREATE FUNCTION refuse_rewriting_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_v1();

CREATE FUNCTION audit_mark_v1(p_person uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_mark uuid;
BEGIN
    IF p_person IS NULL OR p_person = '00000000-0000-0000-0000-000000000000' THEN
        RETURN p_person;
    END IF;
    SELECT a.mark INTO v_mark FROM audit_people a WHERE a.person_id = p_person;
    IF v_mark IS NULL THEN
        INSERT INTO audit_people AS a (person_id) VALUES (p_person)
            ON CONFLICT (person_id) DO UPDATE SET person_id = excluded.person_id RETURNING a.mark INTO v_mark;
    END IF;
    RETURN v_mark;
END
$$;

-- What a row's hash is of, after the hash before: muster/audit.py works it out as well.
CREATE FUNCTION audit_line_v1(p_row audit) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_string(ARRAY[
        p_row.log_id::text, p_row.n::text, (extract(epoch FROM p_row.at) * 1000)::bigint::text, p_row.actor::text,
        p_row.actor_as, p_row.action, p_row.subject::text, p_row.seq::text, p_row.target::text, p_row.report::text,
        (extract(epoch FROM p_row.until) * 1000)::bigint::text, encode(p_row.reason, 'hex')], '|', '')
$$;

-- Adds a row. The head of p_log is locked by the caller's transaction.
CREATE FUNCTION audit_v1(
    p_log uuid, p_actor uuid, p_as text, p_action text, p_subject uuid, p_seq bigint, p_target bigint, p_report uuid,
    p_until timestamptz, p_reason text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_row  audit;
    v_salt bytea := uuid_send(gen_random_uuid());
BEGIN
    SELECT a.n, a.hash INTO v_row.n, v_row.before FROM audit a WHERE a.log_id = p_log ORDER BY a.n DESC LIMIT 1;
    v_row.log_id := p_log;
    v_row.n := coalesce(v_row.n, 0) + 1;
    v_row.before := coalesce(v_row.before, '');
    v_row.at := date_trunc('milliseconds', clock_timestamp());
    v_row.actor := audit_mark_v1(p_actor);
    v_row.actor_as := p_as;
    v_row.action := p_action;
    v_row.subject := audit_mark_v1(p_subject);
    v_row.seq := p_seq;
    v_row.target := p_target;
    v_row.report := p_report;
    v_row.until := date_trunc('milliseconds', p_until);
    IF coalesce(p_reason, '') <> '' THEN
        v_row.reason := sha256(v_salt || convert_to(p_reason, 'UTF8'));
        INSERT INTO audit_words (log_id, n, salt, reason) VALUES (p_log, v_row.n, v_salt, p_reason);
    END IF;
    v_row.hash := sha256(v_row.before || convert_to(audit_line_v1(v_row), 'UTF8'));
    INSERT INTO audit SELECT v_row.*;
END
$$;

-- What an op is called in the audit; null: nobody acts on others by it. `pin` and such where only ranks may, `delete`
-- and such where it is another's, `revoke` where it is another's session.
CREATE FUNCTION audited_v1(
    p_op text, p_room uuid, p_author uuid, p_subject uuid, p_target bigint, p_body jsonb
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p_op IN ('kick', 'room_ban', 'room_unban', 'silence', 'unsilence', 'role', 'settings', 'ban', 'unban',
                      'remove', 'change_event', 'cancel_event', 'end_event', 'drop_event', 'host_event') THEN p_op
        WHEN p_op IN ('pin', 'unpin') THEN
            (SELECT p_op FROM rooms r WHERE r.room_id = p_room AND r.kind <> 'direct')
        WHEN p_op IN ('delete', 'poll_closed') AND p_target IS NOT NULL
             AND p_author <> '00000000-0000-0000-0000-000000000000' THEN
            (SELECT p_op FROM entries e WHERE e.room_id = p_room AND e.seq = p_target AND e.author <> p_author)
        WHEN p_op = 'unlink' THEN
            (SELECT p_op FROM links l WHERE l.room_id = p_room AND l.code = p_body ->> 'code'
             AND l.created_by <> p_author)
        WHEN p_op = 'revoke' AND p_author <> p_subject THEN p_op
    END
$$;

-- What somebody was who did this: their rank in the room, or in the service.
CREATE FUNCTION acting_as_v1(p_room uuid, p_author uuid, p_op text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p_author = '00000000-0000-0000-0000-000000000000' THEN
            -- Service keys end nobody's sessions; whoever runs the service does, by the command line.
            CASE p_op WHEN 'revoke' THEN 'operator' ELSE 'app' END
        WHEN p_op IN ('ban', 'unban', 'revoke', 'remove')
             OR p_room = '00000000-0000-7000-8000-000000000001' THEN
            (SELECT p.service_role FROM people p WHERE p.person_id = p_author)
        ELSE coalesce((SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author), 'app')
    END
$$;
