-- append_entry_v1 that strips what a body leaves out, and nothing inside its `meta`: a null there is somebody's value.

CREATE OR REPLACE FUNCTION append_entry_v1(
    p_idx integer, p_status text, p_room uuid, p_kind text, p_author uuid, p_subject uuid, p_client text,
    p_text text, p_body jsonb, p_target bigint
) RETURNS committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_at  timestamptz := date_trunc('milliseconds', clock_timestamp());
    v_row committed_v1;
BEGIN
    UPDATE rooms SET head = head + 1, last_at = v_at WHERE rooms.room_id = p_room
        RETURNING rooms.head, rooms.msg_no INTO v_row.seq, v_row.msg_no;
    INSERT INTO entries (room_id, seq, msg_no, kind, author, subject, client_id, at, text, body, target)
        VALUES (p_room, v_row.seq, v_row.msg_no, p_kind, p_author, p_subject, p_client, v_at, p_text,
                (SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(p_body) f WHERE f.value <> 'null'), p_target);
    v_row.idx := p_idx; v_row.status := p_status; v_row.room_id := p_room; v_row.kind := p_kind;
    v_row.at_ms := (extract(epoch FROM v_at) * 1000)::bigint;
    v_row.author := p_author; v_row.subject := p_subject; v_row.target := p_target; v_row.body := p_body;
    RETURN v_row;
END
$$;
