-- The queue of reports: somebody takes one, and is done with it by an action. What was reported is kept as it was, with
-- what hung on it, until a while after that.

ALTER TABLE reports
    ADD COLUMN taken_by   uuid,
    ADD COLUMN taken_at   timestamptz,
    ADD COLUMN action     text,
    ADD COLUMN resolution text NOT NULL DEFAULT '',
    -- Of the message: when it was said, whether it had been edited, and the rest of proto.entry.Body.
    ADD COLUMN said_at    timestamptz,
    ADD COLUMN edited     boolean NOT NULL DEFAULT false,
    ADD COLUMN body       jsonb,
    -- When its evidence was emptied.
    ADD COLUMN emptied_at timestamptz;
CREATE INDEX reports_of_room ON reports (room_id, at) WHERE room_id IS NOT NULL;
CREATE INDEX reports_of_subject ON reports (subject, at);
CREATE INDEX reports_kept ON reports (closed_at) WHERE closed_at IS NOT NULL AND emptied_at IS NULL;

-- Media that a report keeps from being collected.
CREATE TABLE report_media (
    media_id  uuid NOT NULL,
    report_id uuid NOT NULL,
    PRIMARY KEY (media_id, report_id)
);
CREATE INDEX report_media_of_report ON report_media (report_id);

CREATE FUNCTION keep_reported_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_media (media_id, report_id)
        SELECT x::uuid, NEW.report_id FROM jsonb_array_elements_text(NEW.body -> 'attachments') x
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER reports_keep_media AFTER INSERT ON reports FOR EACH ROW
    WHEN (NEW.body ? 'attachments') EXECUTE FUNCTION keep_reported_v1();

-- As 0009 made it; what a report keeps is looked at again a day later.
CREATE OR REPLACE FUNCTION collect_media_v1(p_most integer) RETURNS TABLE (media_id uuid, secret text) LANGUAGE sql AS $$
    WITH due AS MATERIALIZED (
        SELECT m.* FROM media m WHERE m.collect_at <= now() ORDER BY m.collect_at LIMIT p_most FOR UPDATE SKIP LOCKED
    ), judged AS MATERIALIZED (
        SELECT d.media_id, d.secret, CASE
            WHEN d.state = 'gone' THEN 'gone'
            WHEN EXISTS (SELECT 1 FROM report_media k WHERE k.media_id = d.media_id) THEN 'later'
            WHEN d.freed_at IS NOT NULL THEN 'gone'
            WHEN d.used OR d.client_id IS NOT NULL AND EXISTS (
                SELECT 1 FROM entries e WHERE e.room_id = d.room_id AND e.author = d.owner
                AND e.client_id = d.client_id) THEN 'kept'
            WHEN d.client_id IS NOT NULL AND media_is_said_v1(d.room_id, d.owner, d.client_id) THEN 'later'
            ELSE 'gone' END AS verdict
        FROM due d
    ), settled AS (
        UPDATE media m SET state = CASE j.verdict WHEN 'gone' THEN 'gone' ELSE m.state END,
            collect_at = CASE j.verdict WHEN 'kept' THEN NULL WHEN 'later' THEN now() + interval '1 day'
                         ELSE now() + interval '10 minutes' END
        FROM judged j WHERE m.media_id = j.media_id
    )
    SELECT j.media_id, j.secret FROM judged j WHERE j.verdict = 'gone'
$$;

-- Whether somebody may look at a report: staff at all, a room's moderators and owners at those of their room, but for
-- what is about themselves or made by them.
CREATE FUNCTION may_review_v1(p_report reports, p_person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_report.subject <> p_person AND (
        EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_person AND p.service_role IN ('support', 'admin'))
        OR p_report.reporter <> p_person AND EXISTS (
            SELECT 1 FROM members m JOIN rooms r USING (room_id)
            WHERE m.room_id = p_report.room_id AND m.person_id = p_person
              AND m.relation IN ('moderator', 'owner') AND r.kind IN ('group', 'public', 'announcement', 'event')))
$$;

-- Somebody takes a report, or is done with it (p_action). Answers ok, same, conflict (another has it, or is done with
-- it) or not_found. Judged and written down under the head of its room's log, or of the control log's.
CREATE FUNCTION settle_report_v1(
    p_report uuid, p_by uuid, p_room uuid, p_action text, p_resolution text, p_over boolean
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_report reports;
    v_log    uuid;
BEGIN
    SELECT coalesce(r.room_id, '00000000-0000-7000-8000-000000000001') INTO v_log FROM reports r
        WHERE r.report_id = p_report;
    PERFORM 1 FROM rooms r WHERE r.room_id = v_log FOR NO KEY UPDATE;
    SELECT * INTO v_report FROM reports r WHERE r.report_id = p_report FOR UPDATE;
    IF v_report.report_id IS NULL OR p_room IS NOT NULL AND p_room IS DISTINCT FROM v_report.room_id
       OR NOT may_review_v1(v_report, p_by) THEN
        RETURN 'not_found';
    ELSIF v_report.closed_at IS NOT NULL THEN
        RETURN CASE WHEN (v_report.closed_by, v_report.action) IS NOT DISTINCT FROM (p_by, p_action) THEN 'same'
                    ELSE 'conflict' END;
    ELSIF v_report.taken_by <> p_by AND NOT p_over THEN
        RETURN 'conflict';
    ELSIF p_action IS NULL AND v_report.taken_by = p_by THEN
        RETURN 'same';
    END IF;
    IF p_action IS NULL THEN
        UPDATE reports r SET taken_by = p_by, taken_at = now() WHERE r.report_id = p_report;
    ELSE
        UPDATE reports r SET taken_by = coalesce(r.taken_by, p_by), taken_at = coalesce(r.taken_at, now()),
            closed_at = now(), closed_by = p_by, action = p_action, resolution = p_resolution
            WHERE r.report_id = p_report;
    END IF;
    PERFORM audit_v1(v_log, p_by, CASE WHEN p_room IS NULL THEN acting_as_v1(v_log, p_by, 'ban')
                                       ELSE acting_as_v1(v_log, p_by, 'kick') END,
                     CASE WHEN p_action IS NULL THEN 'take_report' ELSE 'resolve_report' END, v_report.subject, NULL,
                     v_report.seq, p_report, NULL, CASE WHEN p_action IS NULL THEN NULL
                     ELSE concat_ws(': ', p_action, nullif(p_resolution, '')) END);
    RETURN 'ok';
END
$$;

-- What was decided so long ago is emptied: words, what hung on them, and what was written about it. Ids and what was
-- done stay. How many.
CREATE FUNCTION empty_reports_v1(p_days double precision, p_most integer) RETURNS integer LANGUAGE sql AS $$
    WITH old AS MATERIALIZED (
        SELECT r.report_id FROM reports r
        WHERE r.closed_at < now() - p_days * interval '1 day' AND r.closed_at IS NOT NULL AND r.emptied_at IS NULL
        ORDER BY r.closed_at LIMIT p_most FOR UPDATE SKIP LOCKED
    ), let_go AS (
        DELETE FROM report_media k USING old o WHERE k.report_id = o.report_id
    ), emptied AS (
        UPDATE reports r SET evidence = NULL, body = NULL, note = '', resolution = '', emptied_at = now()
        FROM old o WHERE r.report_id = o.report_id RETURNING 1
    )
    SELECT count(*)::integer FROM emptied
$$;
