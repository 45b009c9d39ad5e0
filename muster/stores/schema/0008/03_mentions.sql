-- Who is meant by @handle and @here, judged where the message is: under the room's lock.

-- p_body of a post or edit, as an entry holds it. A door that wants names looked up sends `may_here` (the mask of
-- who may mention everybody) and `handles` (for each @name of the text what it may be, the likeliest first); both
-- are gone afterwards. What has no `may_here` is left as it is: nobody of the release before sends it.
CREATE FUNCTION mention_v1(p_room uuid, p_kind text, p_relation text, p_body jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_mentions jsonb;
BEGIN
    IF NOT coalesce(p_body ? 'may_here', false) THEN
        RETURN p_body;
    END IF;
    SELECT jsonb_agg(m.person ORDER BY m.n) INTO v_mentions FROM (
        SELECT u.person, min(u.n) AS n FROM (
            SELECT g.person, g.n
            FROM jsonb_array_elements_text(coalesce(p_body -> 'mentions', '[]')) WITH ORDINALITY g (person, n)
            UNION ALL
            SELECT (SELECT p.person_id::text FROM jsonb_array_elements_text(w.names) WITH ORDINALITY c (handle, n)
                    JOIN people p ON p.handle = c.handle
                    JOIN members m ON m.room_id = p_room AND m.person_id = p.person_id
                         AND m.relation IN ('member', 'moderator', 'owner')
                    ORDER BY c.n LIMIT 1), 1000 + w.n
            FROM jsonb_array_elements(coalesce(p_body -> 'handles', '[]')) WITH ORDINALITY w (names, n)
        ) u WHERE u.person IS NOT NULL GROUP BY u.person ORDER BY 2 LIMIT 50
    ) m;
    RETURN (p_body - ARRAY['handles', 'may_here', 'mentions', 'here'])
        || CASE WHEN v_mentions IS NULL THEN '{}' ELSE jsonb_build_object('mentions', v_mentions) END
        || CASE WHEN (p_body ->> 'here')::boolean AND may_v1((p_body ->> 'may_here')::bigint, p_kind, p_relation)
                THEN '{"here": true}' ELSE '{}'::jsonb END;
END
$$;

-- commit_posts_v1, with mentions looked up where a body asks for it; only then is a body answered.
CREATE FUNCTION commit_posts_v2(
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
               r.kind, m.relation,
               CASE WHEN k.seq IS NOT NULL THEN 'known'
                    WHEN r.room_id IS NULL OR coalesce(m.relation, 'left') IN ('left', 'kicked')
                         AND NOT may_v1(b.allow, r.kind, m.relation) THEN 'not_found'
                    WHEN NOT may_v1(b.allow, r.kind, m.relation) THEN 'permission_denied'
                    WHEN r.archived_at IS NOT NULL THEN 'archived'
                    ELSE 'ok' END AS verdict
        FROM batch b
        LEFT JOIN LATERAL (SELECT * FROM rooms r WHERE r.room_id = b.room LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT * FROM members m WHERE m.room_id = b.room AND m.person_id = b.author LIMIT 1) m ON true
        LEFT JOIN LATERAL (SELECT e.seq, e.msg_no, e.at FROM entries e WHERE e.room_id = b.room
                           AND e.author = b.author AND e.client_id = b.client LIMIT 1) k ON true
    ), numbered AS MATERIALIZED (
        SELECT j.*, row_number() OVER (PARTITION BY j.room ORDER BY j.idx) AS n,
               CASE WHEN j.body LIKE '%"may_here"%' THEN mention_v1(j.room, j.kind, j.relation, j.body::jsonb)
                    END AS said
        FROM judged j WHERE j.verdict = 'ok' AND j.idx = j.first_idx
    ), inserted AS (
        INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text, body)
        SELECT n.room, n.head + n.n, n.head_msg_no + n.n, 'post', n.author, n.client, c.at, n.text,
               CASE WHEN n.said IS NULL THEN n.body::jsonb ELSE nullif(n.said, '{}') END
        FROM numbered n CROSS JOIN clock c
    ), moved AS (
        UPDATE rooms r SET head = r.head + c.n, msg_no = r.msg_no + c.n, last_post = r.head + c.n, last_at = k.at
        FROM (SELECT room, max(n) AS n FROM numbered GROUP BY room) c CROSS JOIN clock k
        WHERE r.room_id = c.room
    )
    SELECT j.idx::integer, CASE WHEN j.verdict = 'ok' AND j.idx <> j.first_idx THEN 'known' ELSE j.verdict END, j.room,
           coalesce(j.known_seq, j.head + n.n, 0), coalesce(j.known_msg_no, j.head_msg_no + n.n, 0),
           (extract(epoch FROM coalesce(j.known_at, c.at)) * 1000)::bigint, 'post', j.author,
           NULL::uuid, NULL::bigint, n.said
    FROM judged j CROSS JOIN clock c LEFT JOIN numbered n ON n.idx = j.first_idx
$$;
