-- Committing, with silence and slow mode judged, the ops of moderators, and what moderators did in the audit.
-- commit_batch_v3 is what the release before calls: it does all the same, and is answered what that release can read.

CREATE FUNCTION commit_posts_v3(
    p_op text[], p_room uuid[], p_author uuid[], p_client text[], p_text text[], p_body text[], p_allow bigint[]
) RETURNS SETOF committed_v1 LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    WITH clock AS MATERIALIZED (
        SELECT date_trunc('milliseconds', clock_timestamp()) AS at
    ), batch AS MATERIALIZED (
        SELECT b.*, first_value(b.idx) OVER (PARTITION BY b.room, b.author, b.client ORDER BY b.idx) AS first_idx
        FROM unnest(p_op, p_room, p_author, p_client, p_text, p_body, p_allow) WITH ORDINALITY
             AS b (op, room, author, client, text, body, allow, idx)
        WHERE b.op = 'post'
    ), judged AS MATERIALIZED (
        SELECT b.*, r.head, r.msg_no AS head_msg_no, k.seq AS known_seq, k.msg_no AS known_msg_no, k.at AS known_at,
               r.kind, m.relation, w.next_at, greatest(m.silenced_until, s.until) AS silenced_until,
               r.slow_s > 0 AND m.relation = 'member' AS slow, c.at + r.slow_s * interval '1 second' AS after_at,
               CASE WHEN k.seq IS NOT NULL THEN 'known'
                    WHEN r.room_id IS NULL OR coalesce(m.relation, 'left') IN ('left', 'kicked')
                         AND NOT may_v1(b.allow, r.kind, m.relation) THEN 'not_found'
                    WHEN NOT may_v1(b.allow, r.kind, m.relation) THEN 'permission_denied'
                    WHEN r.archived_at IS NOT NULL THEN 'archived'
                    WHEN greatest(m.silenced_until, s.until) > c.at THEN 'silenced'
                    WHEN b.idx = b.first_idx AND w.next_at > c.at THEN 'slow_mode'
                    ELSE 'ok' END AS verdict
        FROM batch b CROSS JOIN clock c
        LEFT JOIN LATERAL (SELECT * FROM rooms r WHERE r.room_id = b.room LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT * FROM members m WHERE m.room_id = b.room AND m.person_id = b.author LIMIT 1) m ON true
        LEFT JOIN LATERAL (SELECT s.until FROM silences s WHERE s.person_id = b.author LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT k.posted_at + r.slow_s * interval '1 second' AS next_at FROM slow_marks k
                           WHERE r.slow_s > 0 AND m.relation = 'member' AND k.room_id = b.room
                           AND k.person_id = b.author LIMIT 1) w ON true
        LEFT JOIN LATERAL (SELECT e.seq, e.msg_no, e.at FROM entries e WHERE e.room_id = b.room
                           AND e.author = b.author AND e.client_id = b.client LIMIT 1) k ON true
    ), turned AS MATERIALIZED (
        -- Two of one member in one batch: the second waits for the first.
        SELECT j.*, CASE WHEN j.verdict = 'ok' AND j.slow AND j.idx = j.first_idx AND row_number() OVER (
                              PARTITION BY j.room, j.author, j.verdict, j.idx = j.first_idx ORDER BY j.idx) > 1
                         THEN 'slow_mode' ELSE j.verdict END AS ruling
        FROM judged j
    ), ruled AS MATERIALIZED (
        SELECT t.*, first_value(t.ruling) OVER (PARTITION BY t.first_idx ORDER BY t.idx) AS first_ruling FROM turned t
    ), numbered AS MATERIALIZED (
        SELECT j.*, row_number() OVER (PARTITION BY j.room ORDER BY j.idx) AS n,
               CASE WHEN j.body LIKE '%"may_here"%' THEN mention_v1(j.room, j.kind, j.relation, j.body::jsonb)
                    END AS said
        FROM ruled j WHERE j.ruling = 'ok' AND j.idx = j.first_idx
    ), inserted AS (
        INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text, body)
        SELECT n.room, n.head + n.n, n.head_msg_no + n.n, 'post', n.author, n.client, c.at, n.text,
               CASE WHEN n.said IS NULL THEN n.body::jsonb ELSE nullif(n.said, '{}') END
        FROM numbered n CROSS JOIN clock c
    ), moved AS (
        UPDATE rooms r SET head = r.head + c.n, msg_no = r.msg_no + c.n, last_post = r.head + c.n, last_at = k.at
        FROM (SELECT room, max(n) AS n FROM numbered GROUP BY room) c CROSS JOIN clock k
        WHERE r.room_id = c.room
    ), marked AS (
        INSERT INTO slow_marks (room_id, person_id, posted_at)
        SELECT n.room, n.author, c.at FROM numbered n CROSS JOIN clock c WHERE n.slow
        ON CONFLICT (room_id, person_id) DO UPDATE SET posted_at = excluded.posted_at
    )
    SELECT j.idx::integer,
           CASE WHEN j.ruling = 'ok' AND j.first_ruling = 'slow_mode' THEN 'slow_mode'
                WHEN j.ruling = 'ok' AND j.idx <> j.first_idx THEN 'known' ELSE j.ruling END, j.room,
           coalesce(j.known_seq, j.head + n.n, 0), coalesce(j.known_msg_no, j.head_msg_no + n.n, 0),
           (extract(epoch FROM coalesce(j.known_at, c.at)) * 1000)::bigint, 'post', j.author,
           NULL::uuid, NULL::bigint,
           CASE WHEN j.first_ruling IN ('silenced', 'slow_mode') THEN jsonb_build_object('until_ms', ceil(extract(
                    epoch FROM CASE WHEN j.first_ruling = 'silenced' THEN j.silenced_until
                                    WHEN j.next_at > c.at THEN j.next_at ELSE j.after_at END) * 1000)::bigint)
                ELSE n.said END
    FROM ruled j CROSS JOIN clock c LEFT JOIN numbered n ON n.idx = j.first_idx
$$;

-- A staff member takes a message away, in whichever room: as nobody, so that none of its members learns who it was.
CREATE FUNCTION remove_message_v1(p_idx integer, p_room uuid, p_target bigint) RETURNS SETOF committed_v1
LANGUAGE plpgsql AS $$
DECLARE
    v_post entries;
    v_row  committed_v1;
BEGIN
    SELECT * INTO v_post FROM entries e WHERE e.room_id = p_room AND e.seq = p_target AND e.kind = 'post';
    IF v_post.seq IS NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF v_post.deleted_seq IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_post.deleted_seq); RETURN;
    END IF;
    v_row := append_entry_v1(p_idx, 'ok', p_room, 'delete', '00000000-0000-0000-0000-000000000000', NULL, NULL, NULL,
                             NULL, p_target);
    UPDATE entries e SET text = NULL, body = NULL, deleted_seq = v_row.seq
        WHERE e.room_id = p_room AND e.seq = p_target;
    UPDATE entries e SET text = NULL, body = NULL
        WHERE e.room_id = p_room AND e.target = p_target AND e.kind = 'edit';
    DELETE FROM reactions r WHERE r.room_id = p_room AND r.target = p_target;
    RETURN NEXT v_row;
END
$$;

-- The ops silence, unsilence, room_ban, room_unban, remove; everything else goes to the function before.
CREATE FUNCTION moderate_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb, p_subject uuid,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_known    bigint;
    v_kind     text;
    v_relation text;
BEGIN
    IF p_op NOT IN ('silence', 'unsilence', 'room_ban', 'room_unban', 'remove') THEN
        RETURN QUERY SELECT * FROM commit_change_v3(p_idx, p_op, p_room, p_author, p_client, p_text, p_body, p_subject,
            p_target, p_target_client, p_allow, p_allow_other);
        RETURN;
    END IF;
    SELECT e.seq INTO v_known FROM entries e
        WHERE e.room_id = p_room AND e.author = p_author AND e.client_id = p_client;
    IF v_known IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'known', p_room, v_known); RETURN;
    END IF;
    v_kind := (SELECT r.kind FROM rooms r WHERE r.room_id = p_room);
    v_relation := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author);
    IF v_kind IS NULL OR NOT may_v1(p_allow, v_kind, v_relation) THEN
        RETURN NEXT verdict_v1(p_idx, CASE WHEN v_kind IS NULL OR v_relation IS NULL
            OR v_relation IN ('left', 'kicked') THEN 'not_found' ELSE 'permission_denied' END, p_room, 0);
        RETURN;
    END IF;
    CASE
    WHEN p_op IN ('silence', 'unsilence') THEN
        RETURN QUERY SELECT * FROM change_silence_v1(p_idx, p_op, p_room, v_kind, p_author, v_relation, p_client,
                                                     p_body, p_subject);
    WHEN p_op IN ('room_ban', 'room_unban') THEN
        RETURN QUERY SELECT * FROM change_ban_v1(p_idx, p_op, p_room, p_author, v_relation, p_client, p_body,
                                                 p_subject);
    ELSE
        RETURN QUERY SELECT * FROM remove_message_v1(p_idx, p_room, p_target);
    END CASE;
END
$$;

-- Who would come into a room by this op, where a ban of theirs is in the way; null: none is.
CREATE FUNCTION barred_v1(
    p_op text, p_room uuid, p_author uuid, p_subject uuid, p_allow bigint
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_comer uuid := CASE WHEN p_op IN ('join', 'link_join', 'answer_event') THEN p_author ELSE p_subject END;
BEGIN
    PERFORM lapse_ban_v1(p_room, v_comer);
    -- Who is banned learns nothing that a kick does not tell: may_v1 refuses them by themselves.
    IF banned_v1(p_room, v_comer) AND EXISTS (
        SELECT 1 FROM rooms r LEFT JOIN members m ON m.room_id = r.room_id AND m.person_id = p_author
        WHERE r.room_id = p_room AND may_v1(p_allow, r.kind, m.relation)) THEN
        RETURN v_comer;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION commit_change_v4(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb, p_subject uuid,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_until  timestamptz;
    v_action text;
    v_as     text;
    v_row    committed_v1;
    v_seq    bigint;
BEGIN
    IF p_op IN ('poll', 'edit', 'react') THEN
        v_until := silenced_v1(p_room, p_author);
        IF v_until IS NULL AND p_op = 'poll' THEN
            v_until := slowed_v1(p_room, p_author);
            v_as := 'slow_mode';
        END IF;
        -- What is done already is answered so.
        IF v_until IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM entries e WHERE e.room_id = p_room AND e.author = p_author AND e.client_id = p_client) THEN
            RETURN NEXT wait_v1(p_idx, coalesce(v_as, 'silenced'), p_room, v_until); RETURN;
        END IF;
    ELSIF p_op IN ('join', 'link_join', 'answer_event', 'invite', 'invite_event', 'host_event', 'seat_event') THEN
        IF barred_v1(p_op, p_room, p_author, p_subject, p_allow) IS NOT NULL THEN
            RETURN NEXT verdict_v1(p_idx, 'barred', p_room, 0); RETURN;
        END IF;
    END IF;
    v_action := audited_v1(p_op, p_room, p_author, p_subject, p_target, p_body);
    IF v_action IS NULL AND p_op <> 'poll' THEN
        RETURN QUERY SELECT * FROM moderate_v1(p_idx, p_op, p_room, p_author, p_client, p_text, p_body, p_subject,
            p_target, p_target_client, p_allow, p_allow_other);
        RETURN;
    END IF;
    v_as := acting_as_v1(p_room, p_author, p_op);
    FOR v_row IN SELECT * FROM moderate_v1(p_idx, p_op, p_room, p_author, p_client, p_text, p_body, p_subject,
                                           p_target, p_target_client, p_allow, p_allow_other) LOOP
        IF v_row.status = 'ok' THEN
            v_seq := v_row.seq;
        END IF;
        RETURN NEXT v_row;
    END LOOP;
    IF v_seq IS NULL THEN
        RETURN;
    ELSIF p_op = 'poll' THEN
        PERFORM mark_slow_v1(ARRAY[p_room], ARRAY[p_author], clock_timestamp());
    ELSE
        PERFORM audit_v1(p_room, p_author, v_as, v_action, p_subject, v_seq, p_target, NULL,
                         to_timestamp((p_body ->> 'until_ms')::bigint / 1000.0),
                         coalesce(p_body ->> 'reason', CASE p_op WHEN 'role' THEN p_body ->> 'role' END));
    END IF;
END
$$;

CREATE FUNCTION commit_batch_v4(
    p_writer uuid, p_lease_ms integer, p_carry_rooms uuid[], p_carry_from bigint[], p_carry_to bigint[],
    p_locks uuid[], p_op text[], p_room uuid[], p_author uuid[], p_client text[], p_text text[], p_body text[],
    p_subject uuid[], p_target bigint[], p_target_client text[], p_allow bigint[], p_allow_other bigint[]
) RETURNS SETOF committed_v1 LANGUAGE plpgsql SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_rooms uuid[];
    v_heads bigint[];
BEGIN
    -- A statement of its own: what follows must see everything committed before the locks were granted.
    SELECT array_agg(l.room_id), array_agg(l.head) INTO v_rooms, v_heads FROM (
        SELECT r.room_id, r.head FROM rooms r WHERE r.room_id = ANY (p_locks) ORDER BY r.room_id FOR NO KEY UPDATE) l;

    IF 'post' = ANY (p_op) THEN
        RETURN QUERY SELECT * FROM commit_posts_v3(p_op, p_room, p_author, p_client, p_text, p_body, p_allow);
    END IF;
    -- Rooms with posts in this batch have no changes in it (muster/writer.py), so the two need no common order.
    FOR i IN 1 .. cardinality(p_op) LOOP
        IF p_op[i] <> 'post' THEN
            RETURN QUERY SELECT * FROM commit_change_v4(i, p_op[i], p_room[i], p_author[i], p_client[i], p_text[i],
                p_body[i]::jsonb, p_subject[i], p_target[i], p_target_client[i], p_allow[i], p_allow_other[i]);
        END IF;
    END LOOP;

    INSERT INTO publish_leases AS l (writer, until, rooms, from_seqs, to_seqs)
    SELECT p_writer, clock_timestamp() + p_lease_ms * interval '1 millisecond',
           coalesce(array_agg(u.room), '{}'), coalesce(array_agg(u.from_seq), '{}'), coalesce(array_agg(u.to_seq), '{}')
    FROM (SELECT r.room_id AS room, coalesce(h.head, 0) + 1 AS from_seq, r.head AS to_seq
          FROM unnest(p_locks) t (room_id) JOIN rooms r USING (room_id)
          LEFT JOIN unnest(v_rooms, v_heads) h (room_id, head) USING (room_id)
          WHERE r.head > coalesce(h.head, 0)
          UNION ALL
          SELECT * FROM unnest(p_carry_rooms, p_carry_from, p_carry_to)) u
    ON CONFLICT (writer) DO UPDATE SET until = excluded.until, rooms = excluded.rooms,
        from_seqs = excluded.from_seqs, to_seqs = excluded.to_seqs;
END
$$;

-- For the release before: the same, in the words it knows.
CREATE OR REPLACE FUNCTION commit_batch_v3(
    p_writer uuid, p_lease_ms integer, p_carry_rooms uuid[], p_carry_from bigint[], p_carry_to bigint[],
    p_locks uuid[], p_op text[], p_room uuid[], p_author uuid[], p_client text[], p_text text[], p_body text[],
    p_subject uuid[], p_target bigint[], p_target_client text[], p_allow bigint[], p_allow_other bigint[]
) RETURNS SETOF committed_v1 LANGUAGE sql AS $$
    SELECT c.idx, CASE WHEN c.status IN ('silenced', 'slow_mode', 'barred') THEN 'permission_denied' ELSE c.status END,
           c.room_id, c.seq, c.msg_no, c.at_ms, c.kind, c.author, c.subject, c.target, c.body
    FROM commit_batch_v4(p_writer, p_lease_ms, p_carry_rooms, p_carry_from, p_carry_to, p_locks, p_op, p_room, p_author,
                         p_client, p_text, p_body, p_subject, p_target, p_target_client, p_allow, p_allow_other) c
$$;

-- As 0010 made it; who is silenced is not to be taken, nor who must wait in a slow room. Those rooms alone look and mark.
CREATE OR REPLACE FUNCTION commit_fresh_v1(
    p_writer uuid, p_lease_ms integer, p_carry_rooms uuid[], p_carry_from bigint[], p_carry_to bigint[],
    p_room uuid[], p_author uuid[], p_client text[], p_text text[], p_body text[], p_allow bigint[],
    OUT seqs bigint[], OUT msg_nos bigint[], OUT bodies text[], OUT at_ms bigint
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_rooms   uuid[];
    v_kinds   text[];
    v_heads   bigint[];
    v_msg_nos bigint[];
    v_slow    boolean;
    v_refused boolean;
    v_at      timestamptz;
BEGIN
    SELECT array_agg(l.room_id), array_agg(l.kind), array_agg(l.head), array_agg(l.msg_no), bool_or(l.slow_s > 0)
    INTO v_rooms, v_kinds, v_heads, v_msg_nos, v_slow FROM (
        SELECT r.room_id, CASE WHEN r.archived_at IS NULL THEN r.kind END AS kind, r.head, r.msg_no, r.slow_s
        FROM rooms r WHERE r.room_id = ANY (p_room) ORDER BY r.room_id FOR NO KEY UPDATE) l;
    v_at := date_trunc('milliseconds', clock_timestamp());
    v_refused := EXISTS (SELECT 1 FROM silences s WHERE s.person_id = ANY (p_author) AND s.until > v_at);
    IF v_slow AND NOT v_refused THEN
        v_refused := EXISTS (SELECT 1 FROM unnest(p_room, p_author) u (room, author)
                             WHERE slowed_v1(u.room, u.author) IS NOT NULL)
                  OR EXISTS (SELECT 1 FROM unnest(p_room, p_author) u (room, author) GROUP BY u.room, u.author
                             HAVING count(*) > 1);
    END IF;
    IF v_refused THEN
        RAISE EXCEPTION 'not all of these messages are to be taken' USING ERRCODE = 'MU001';
    END IF;

    WITH numbered AS MATERIALIZED (
        SELECT b.*, v_heads[b.place] AS head, v_msg_nos[b.place] AS msg_no,
               CASE WHEN b.body LIKE '%"may_here"%'
                    THEN mention_v1(b.room, v_kinds[b.place], m.relation, b.body::jsonb) END AS said
        FROM (SELECT u.*, array_position(v_rooms, u.room) AS place,
                     row_number() OVER (PARTITION BY u.room ORDER BY u.idx) AS n
              FROM unnest(p_room, p_author, p_client, p_text, p_body, p_allow) WITH ORDINALITY
                   AS u (room, author, client, text, body, allow, idx)) b
        LEFT JOIN LATERAL (SELECT m.relation, m.silenced_until FROM members m
                           WHERE m.room_id = b.room AND m.person_id = b.author LIMIT 1) m ON true
        WHERE may_v1(b.allow, v_kinds[b.place], m.relation) AND coalesce(m.silenced_until <= v_at, true)
    ), ranges AS MATERIALIZED (
        SELECT f.room, f.head, max(f.n) AS n FROM numbered f GROUP BY f.room, f.head
    ), inserted AS (
        INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text, body)
        SELECT f.room, f.head + f.n, f.msg_no + f.n, 'post', f.author, f.client, v_at, f.text,
               CASE WHEN f.said IS NULL THEN f.body::jsonb ELSE nullif(f.said, '{}') END
        FROM numbered f
    ), moved AS (
        UPDATE rooms r SET head = r.head + c.n, msg_no = r.msg_no + c.n, last_post = r.head + c.n, last_at = v_at
        FROM ranges c WHERE r.room_id = c.room
    ), leased AS (
        INSERT INTO publish_leases AS l (writer, until, rooms, from_seqs, to_seqs)
        SELECT p_writer, clock_timestamp() + p_lease_ms * interval '1 millisecond',
               array_agg(u.room), array_agg(u.from_seq), array_agg(u.to_seq)
        FROM (SELECT c.room, c.head + 1 AS from_seq, c.head + c.n AS to_seq FROM ranges c
              UNION ALL
              SELECT * FROM unnest(p_carry_rooms, p_carry_from, p_carry_to)) u
        HAVING count(*) > 0
        ON CONFLICT (writer) DO UPDATE SET until = excluded.until, rooms = excluded.rooms,
            from_seqs = excluded.from_seqs, to_seqs = excluded.to_seqs
    )
    SELECT array_agg(f.head + f.n ORDER BY f.idx), array_agg(f.msg_no + f.n ORDER BY f.idx),
           array_agg(f.said::text ORDER BY f.idx) INTO seqs, msg_nos, bodies FROM numbered f;

    IF cardinality(seqs) IS DISTINCT FROM cardinality(p_room) THEN
        RAISE EXCEPTION 'not all of these messages are to be taken' USING ERRCODE = 'MU001';
    END IF;
    IF v_slow THEN
        PERFORM mark_slow_v1(p_room, p_author, v_at);
    END IF;
    at_ms := (extract(epoch FROM v_at) * 1000)::bigint;
END
$$;
