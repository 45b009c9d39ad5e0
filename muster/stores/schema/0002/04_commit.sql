-- commit_batch_v2: what commit_batch_v1 does, and the ops that release 0001 did not know. Processes of that release
-- go on calling commit_batch_v1, which stays as it is: it never makes an entry of a kind they cannot read.

CREATE FUNCTION commit_change_v2(
    p_idx integer, p_op text, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb, p_subject uuid,
    p_target bigint, p_target_client text, p_allow bigint, p_allow_other bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_known    bigint;
    v_kind     text;
    v_relation text;
    v_archived boolean;
BEGIN
    IF p_op = ANY (ARRAY['create', 'link_join', 'contact', 'uncontact', 'privacy', 'request', 'link', 'unlink',
                         'invite']) THEN
        SELECT e.seq INTO v_known FROM entries e
            WHERE e.room_id = p_room AND e.author = p_author AND e.client_id = p_client;
        IF v_known IS NOT NULL THEN
            RETURN NEXT verdict_v1(p_idx, 'known', p_room, v_known); RETURN;
        END IF;
    END IF;
    CASE p_op
    WHEN 'create' THEN
        RETURN QUERY SELECT * FROM create_room_v2(p_idx, p_room, p_author, p_client, p_body); RETURN;
    WHEN 'link_join' THEN
        RETURN QUERY SELECT * FROM join_by_link_v1(p_idx, p_room, p_author, p_client, p_body, p_allow); RETURN;
    WHEN 'contact', 'uncontact', 'privacy', 'request', 'link', 'unlink', 'invite' THEN
        SELECT r.kind, m.relation, r.archived_at IS NOT NULL INTO v_kind, v_relation, v_archived
            FROM rooms r LEFT JOIN members m ON m.room_id = r.room_id AND m.person_id = p_author
            WHERE r.room_id = p_room;
    ELSE
        RETURN QUERY SELECT * FROM commit_change_v1(p_idx, p_op, p_room, p_author, p_client, p_text, p_body, p_subject,
            p_target, p_target_client, p_allow, p_allow_other);
        IF p_op = 'block' AND EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p_author AND b.blocked = p_subject) THEN
            RETURN QUERY SELECT * FROM drop_contact_v1(p_idx, 'side', p_author, NULL, p_subject);
        END IF;
        RETURN;
    END CASE;
    IF v_kind IS NULL OR NOT may_v1(p_allow, v_kind, v_relation) THEN
        RETURN NEXT verdict_v1(p_idx, CASE WHEN v_kind IS NULL OR v_relation IS NULL
            OR v_relation IN ('left', 'kicked') THEN 'not_found' ELSE 'permission_denied' END, p_room, 0);
        RETURN;
    END IF;
    IF v_archived AND p_op <> 'unlink' THEN
        RETURN NEXT verdict_v1(p_idx, 'archived', p_room, 0); RETURN;
    END IF;
    IF p_op IN ('contact', 'uncontact')
       AND (p_subject = p_author OR NOT EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject))
       OR p_op = 'invite' AND EXISTS (SELECT 1 FROM people p WHERE p.person_id = p_subject
                                      AND p.may_message = 'nobody' AND p.person_id <> p_author) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    CASE p_op
    WHEN 'contact' THEN
        RETURN QUERY SELECT * FROM add_contact_v1(p_idx, p_author, p_client, p_subject);
    WHEN 'uncontact' THEN
        RETURN QUERY SELECT * FROM drop_contact_v1(p_idx, 'ok', p_author, p_client, p_subject);
    WHEN 'privacy' THEN
        RETURN QUERY SELECT * FROM change_privacy_v1(p_idx, p_author, p_client, p_body);
    WHEN 'request' THEN
        RETURN QUERY SELECT * FROM accept_request_v1(p_idx, p_author, p_client, (p_body ->> 'room')::uuid);
    WHEN 'link', 'unlink' THEN
        RETURN QUERY SELECT * FROM change_link_v1(p_idx, p_op, p_room, p_author, p_body,
                                                  may_v1(p_allow_other, v_kind, v_relation));
    WHEN 'invite' THEN
        RETURN QUERY SELECT * FROM change_member_v1(p_idx, p_op, p_room, p_author, p_client, p_body, p_subject,
                                                    v_relation);
    END CASE;
END
$$;

CREATE FUNCTION commit_batch_v2(
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
        RETURN QUERY SELECT * FROM commit_posts_v1(p_op, p_room, p_author, p_client, p_text, p_body, p_allow);
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
