-- The way of nearly every batch: messages alone, each sent for the first time by somebody who may. It looks up no client
-- id and gives no verdicts. Where that is too much to hope for it raises (unique_violation for a client id that is
-- known, `MU001` for a message that is not to be taken) and nothing is done: the caller asks commit_batch_v3 instead.
--
-- As there, the heads are locked by a statement of their own; what judges has a fresh snapshot. An archived room has no
-- kind here, so nobody may.

CREATE FUNCTION commit_fresh_v1(
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
    v_at      timestamptz;
BEGIN
    SELECT array_agg(l.room_id), array_agg(l.kind), array_agg(l.head), array_agg(l.msg_no)
    INTO v_rooms, v_kinds, v_heads, v_msg_nos FROM (
        SELECT r.room_id, CASE WHEN r.archived_at IS NULL THEN r.kind END AS kind, r.head, r.msg_no
        FROM rooms r WHERE r.room_id = ANY (p_room) ORDER BY r.room_id FOR NO KEY UPDATE) l;
    v_at := date_trunc('milliseconds', clock_timestamp());

    WITH numbered AS MATERIALIZED (
        SELECT b.*, v_heads[b.place] AS head, v_msg_nos[b.place] AS msg_no,
               CASE WHEN b.body LIKE '%"may_here"%'
                    THEN mention_v1(b.room, v_kinds[b.place], m.relation, b.body::jsonb) END AS said
        FROM (SELECT u.*, array_position(v_rooms, u.room) AS place,
                     row_number() OVER (PARTITION BY u.room ORDER BY u.idx) AS n
              FROM unnest(p_room, p_author, p_client, p_text, p_body, p_allow) WITH ORDINALITY
                   AS u (room, author, client, text, body, allow, idx)) b
        LEFT JOIN LATERAL (SELECT m.relation FROM members m
                           WHERE m.room_id = b.room AND m.person_id = b.author LIMIT 1) m ON true
        WHERE may_v1(b.allow, v_kinds[b.place], m.relation)
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
    at_ms := (extract(epoch FROM v_at) * 1000)::bigint;
END
$$;
