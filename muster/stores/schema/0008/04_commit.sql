-- commit_change_v1 with the op draft and with mentions looked up in edits; commit_batch_v2 and v3 with commit_posts_v2;
-- polls with mentions looked up. For all that the release before sends they are the same functions: one branch is new,
-- and the look-up leaves alone what does not ask for it.

CREATE OR REPLACE FUNCTION commit_change_v1(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb, p_subject uuid,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_known    bigint := (SELECT e.seq FROM entries e WHERE e.room_id = p_room AND e.author = p_author
                          AND e.client_id = p_client);
    v_room     rooms;
    v_relation text;
BEGIN
    IF v_known IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'known', p_room, v_known); RETURN;
    END IF;
    IF p_op = 'create' THEN
        RETURN QUERY SELECT * FROM create_room_v1(p_idx, p_room, p_author, p_client, p_body); RETURN;
    END IF;
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    v_relation := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author);
    IF v_room.room_id IS NULL OR NOT (may_v1(p_allow, v_room.kind, v_relation)
                                      OR may_v1(p_allow_other, v_room.kind, v_relation)) THEN
        -- A room one is not in is the same as a room that is not there.
        RETURN NEXT verdict_v1(p_idx, CASE WHEN v_room.room_id IS NULL OR v_relation IS NULL
            OR v_relation IN ('left', 'kicked') THEN 'not_found' ELSE 'permission_denied' END, p_room, 0);
        RETURN;
    END IF;
    IF v_room.archived_at IS NOT NULL AND p_op NOT IN ('settings', 'leave', 'kick', 'delete') THEN
        RETURN NEXT verdict_v1(p_idx, 'archived', p_room, 0); RETURN;
    END IF;
    IF p_op IN ('edit', 'delete', 'react', 'unreact') THEN
        RETURN QUERY SELECT * FROM change_message_v1(p_idx, p_op, p_room, p_author, p_client, p_text,
            mention_v1(p_room, v_room.kind, v_relation, p_body), p_target, p_target_client, p_allow, p_allow_other,
            v_room.kind, v_relation);
    ELSIF p_op IN ('join', 'invite', 'leave', 'kick', 'role') THEN
        RETURN QUERY SELECT * FROM change_member_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject,
                                                    v_relation);
    ELSIF p_op = 'settings' THEN
        RETURN QUERY SELECT * FROM change_settings_v1(p_idx, p_room, p_author, p_client, p_body);
    ELSIF p_op IN ('pin', 'unpin') THEN
        RETURN QUERY SELECT * FROM change_pin_v1(p_idx, p_op, p_room, p_author, p_client, p_target);
    ELSIF p_op IN ('reminder', 'unsent') THEN
        -- What a timer tells its owner, in the owner's own log.
        RETURN NEXT append_entry_v1(p_idx, 'ok', p_room, p_op, p_author, NULL, p_client, p_text, p_body, NULL);
    ELSIF p_op = 'draft' THEN
        RETURN QUERY SELECT * FROM change_draft_v1(p_idx, p_author, p_client, p_text, p_body);
    ELSIF v_room.kind = 'self' THEN
        RETURN QUERY SELECT * FROM change_own_v1(p_idx, p_op, p_author, p_client, p_body);
    ELSE
        RETURN QUERY SELECT * FROM change_control_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION commit_batch_v2(
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
        RETURN QUERY SELECT * FROM commit_posts_v2(p_op, p_room, p_author, p_client, p_text, p_body, p_allow);
    END IF;
    -- Rooms with posts in this batch have no changes in it (muster/writer.py), so the two need no common order.
    FOR i IN 1 .. cardinality(p_op) LOOP
        IF p_op[i] <> 'post' THEN
            RETURN QUERY SELECT * FROM commit_change_v2(i, p_op[i], p_room[i], p_author[i], p_client[i], p_text[i],
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

-- As before, and it answers the body, in which mentions may have been found.
CREATE OR REPLACE FUNCTION post_poll_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_at     timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_poll   jsonb := p_body -> 'poll';
    v_closes timestamptz := to_timestamp((v_poll ->> 'closes_at_ms')::bigint / 1000.0);
    v_row    committed_v1;
BEGIN
    IF v_closes <= clock_timestamp() OR v_closes > clock_timestamp() + interval '366 days' THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    END IF;
    UPDATE rooms SET head = head + 1, msg_no = rooms.msg_no + 1, last_post = head + 1, last_at = v_at
        WHERE rooms.room_id = p_room RETURNING rooms.head, rooms.msg_no INTO v_row.seq, v_row.msg_no;
    INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text, body)
        VALUES (p_room, v_row.seq, v_row.msg_no, 'post', p_author, p_client, v_at, p_text, p_body);
    INSERT INTO polls (room_id, target, options, multiple, anonymous, closes_at)
        VALUES (p_room, v_row.seq, jsonb_array_length(v_poll -> 'options'),
                coalesce((v_poll ->> 'multiple')::boolean, false), coalesce((v_poll ->> 'anonymous')::boolean, false),
                v_closes);
    IF v_closes IS NOT NULL THEN
        INSERT INTO jobs (job_id, kind, due_at, payload, next_at)
            VALUES (poll_job_v1(p_room, v_row.seq), 'poll', v_closes,
                    jsonb_build_object('room', p_room, 'seq', v_row.seq), v_closes);
    END IF;
    v_row.idx := p_idx; v_row.status := 'ok'; v_row.room_id := p_room; v_row.kind := 'post';
    v_row.at_ms := (extract(epoch FROM v_at) * 1000)::bigint; v_row.author := p_author;
    v_row.body := p_body;
    RETURN NEXT v_row;
END
$$;

CREATE OR REPLACE FUNCTION commit_change_v3(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb, p_subject uuid,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_known    bigint;
    v_room     rooms;
    v_relation text;
BEGIN
    IF p_op NOT IN ('poll', 'vote', 'poll_closed', 'preview') THEN
        -- What people have been asked stays as they were asked it.
        IF p_op = 'edit' AND EXISTS (
            SELECT 1 FROM poll_of_v1(p_room, p_author, p_target, p_target_client) p JOIN entries e
                ON e.room_id = p_room AND e.seq = p.target AND e.author = p_author) THEN
            RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
        END IF;
        RETURN QUERY SELECT * FROM commit_change_v2(p_idx, p_op, p_room, p_author, p_client, p_text, p_body, p_subject,
            p_target, p_target_client, p_allow, p_allow_other);
        RETURN;
    END IF;
    SELECT e.seq INTO v_known FROM entries e
        WHERE e.room_id = p_room AND e.author = p_author AND e.client_id = p_client;
    IF v_known IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'known', p_room, v_known); RETURN;
    END IF;
    SELECT * INTO v_room FROM rooms r WHERE r.room_id = p_room;
    v_relation := (SELECT m.relation FROM members m WHERE m.room_id = p_room AND m.person_id = p_author);
    IF v_room.room_id IS NULL OR NOT may_v1(p_allow, v_room.kind, v_relation) THEN
        RETURN NEXT verdict_v1(p_idx, CASE WHEN v_room.room_id IS NULL OR v_relation IS NULL
            OR v_relation IN ('left', 'kicked') THEN 'not_found' ELSE 'permission_denied' END, p_room, 0);
        RETURN;
    END IF;
    IF v_room.archived_at IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'archived', p_room, 0); RETURN;
    END IF;
    CASE p_op
    WHEN 'poll' THEN
        RETURN QUERY SELECT * FROM post_poll_v1(p_idx, p_room, p_author, p_client, p_text,
            mention_v1(p_room, v_room.kind, v_relation, p_body));
    WHEN 'vote' THEN
        RETURN QUERY SELECT * FROM vote_v1(p_idx, p_room, p_author, p_client, p_body, p_target, p_target_client);
    WHEN 'poll_closed' THEN
        RETURN QUERY SELECT * FROM close_poll_v1(p_idx, p_room, p_author, p_client, p_target, p_target_client,
                                                 may_v1(p_allow_other, v_room.kind, v_relation));
    WHEN 'preview' THEN
        RETURN QUERY SELECT * FROM change_preview_v1(p_idx, p_room, p_author, p_client, p_body, p_target);
    END CASE;
END
$$;

CREATE OR REPLACE FUNCTION commit_batch_v3(
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
        RETURN QUERY SELECT * FROM commit_posts_v2(p_op, p_room, p_author, p_client, p_text, p_body, p_allow);
    END IF;
    -- Rooms with posts in this batch have no changes in it (muster/writer.py), so the two need no common order.
    FOR i IN 1 .. cardinality(p_op) LOOP
        IF p_op[i] <> 'post' THEN
            RETURN QUERY SELECT * FROM commit_change_v3(i, p_op[i], p_room[i], p_author[i], p_client[i], p_text[i],
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
