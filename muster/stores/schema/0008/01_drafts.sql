-- What somebody has begun to write and not sent, one per room, the same on all their devices.

CREATE TABLE drafts (
    person_id uuid        NOT NULL,
    room_id   uuid        NOT NULL,
    text      text        NOT NULL,
    reply_to  bigint,
    -- The entry of person_id's own log that says so, and when.
    seq       bigint      NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (person_id, room_id)
) WITH (fillfactor = 70);

-- The entry that told a draft loses its words when the next one is written: the log holds the words of a room's
-- draft once, however often it changed. Who reads an emptied entry finds the newer one after it.
CREATE FUNCTION forget_draft_v1(p_person uuid, p_room uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE entries e SET text = NULL, body = jsonb_build_object('room', p_room) FROM drafts d
        WHERE d.person_id = p_person AND d.room_id = p_room
          AND e.room_id = p_person AND e.seq = d.seq AND e.kind = 'draft';
    DELETE FROM drafts d WHERE d.person_id = p_person AND d.room_id = p_room;
END
$$;

-- An empty text is no draft.
CREATE FUNCTION change_draft_v1(p_idx integer, p_author uuid, p_client text, p_text text, p_body jsonb)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_room  uuid := (p_body ->> 'room')::uuid;
    v_reply bigint := CASE WHEN p_text IS NOT NULL THEN (p_body ->> 'reply_to')::bigint END;
    v_draft drafts;
    v_row   committed_v1;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM members m JOIN rooms r USING (room_id) WHERE m.room_id = v_room
                   AND m.person_id = p_author AND m.relation IN ('member', 'moderator', 'owner')
                   AND r.kind <> 'self') THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_author, 0); RETURN;
    END IF;
    SELECT * INTO v_draft FROM drafts d WHERE d.person_id = p_author AND d.room_id = v_room;
    IF (v_draft.text, v_draft.reply_to) IS NOT DISTINCT FROM (p_text, v_reply) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_author,
                               coalesce(v_draft.seq, (SELECT head FROM rooms r WHERE r.room_id = p_author)));
        RETURN;
    END IF;
    PERFORM forget_draft_v1(p_author, v_room);
    v_row := append_entry_v1(p_idx, 'ok', p_author, 'draft', p_author, NULL, p_client, p_text,
                             jsonb_strip_nulls(jsonb_build_object('room', v_room, 'reply_to', v_reply)), NULL);
    IF p_text IS NOT NULL THEN
        INSERT INTO drafts VALUES (p_author, v_room, p_text, v_reply, v_row.seq,
                                   to_timestamp(v_row.at_ms / 1000.0));
    END IF;
    RETURN NEXT v_row;
END
$$;

-- dismiss_v1 as it was, and with the member goes their draft. Nobody of the release before has one.
CREATE OR REPLACE FUNCTION dismiss_v1(
    p_idx integer, p_room uuid, p_person uuid, p_author uuid, p_kind text, p_client text
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_row     committed_v1;
    v_members integer;
    v_owner   boolean;
    v_heir    uuid;
BEGIN
    PERFORM forget_draft_v1(p_person, p_room);
    SELECT relation = 'owner' INTO v_owner FROM members m WHERE m.room_id = p_room AND m.person_id = p_person;
    UPDATE rooms SET members = members - 1 WHERE rooms.room_id = p_room RETURNING members INTO v_members;
    v_row := append_entry_v1(p_idx, 'ok', p_room, p_kind, p_author, p_person, p_client, NULL,
                             jsonb_build_object('members', v_members), NULL);
    UPDATE members m SET relation = CASE p_kind WHEN 'kick' THEN 'kicked' ELSE 'left' END
        WHERE m.room_id = p_room AND m.person_id = p_person;
    UPDATE spans s SET to_seq = v_row.seq WHERE s.room_id = p_room AND s.person_id = p_person AND s.to_seq IS NULL;
    RETURN NEXT v_row;
    RETURN NEXT append_entry_v1(p_idx, 'side', p_person, 'room_removed', p_author, p_person, NULL, NULL,
                                jsonb_build_object('room', p_room, 'at_seq', v_row.seq), NULL);
    -- A room is never left without an owner: the longest-serving moderator, else member, takes over.
    IF v_owner AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room_id = p_room AND m.relation = 'owner') THEN
        SELECT m.person_id INTO v_heir FROM members m
            WHERE m.room_id = p_room AND m.relation IN ('moderator', 'member')
            ORDER BY m.relation = 'moderator' DESC, m.since, m.person_id LIMIT 1;
        IF v_heir IS NOT NULL THEN
            UPDATE members m SET relation = 'owner' WHERE m.room_id = p_room AND m.person_id = v_heir;
            RETURN NEXT append_entry_v1(p_idx, 'side', p_room, 'role', p_author, v_heir, NULL, NULL,
                                        jsonb_build_object('role', 'owner'), NULL);
        END IF;
    END IF;
END
$$;
