-- Whom somebody knows, whom they let near, and what they have not let near yet.

-- Circles, from wide to narrow; each holds those after it. muster/privacy.py names them.
ALTER TABLE people
    ADD COLUMN may_message     text NOT NULL DEFAULT 'contacts'
        CHECK (may_message IN ('everyone', 'room-mates', 'contacts', 'nobody')),
    ADD COLUMN may_find        text NOT NULL DEFAULT 'contacts'
        CHECK (may_find IN ('everyone', 'room-mates', 'contacts', 'nobody')),
    ADD COLUMN may_find_handle text NOT NULL DEFAULT 'everyone'
        CHECK (may_find_handle IN ('everyone', 'room-mates', 'contacts', 'nobody')),
    ADD COLUMN may_see_online  text NOT NULL DEFAULT 'contacts'
        CHECK (may_see_online IN ('everyone', 'room-mates', 'contacts', 'nobody')),
    ADD COLUMN may_see_events  text NOT NULL DEFAULT 'contacts'
        CHECK (may_see_events IN ('everyone', 'room-mates', 'contacts', 'nobody'));

-- One row per side. A contact that is no more stays as `removed`: lists of changes tell it.
CREATE TABLE contacts (
    person_id uuid        NOT NULL,
    other_id  uuid        NOT NULL,
    state     text        NOT NULL CHECK (state IN ('requested', 'incoming', 'accepted', 'removed')),
    -- The entry of person_id's own log that made it so, and when.
    seq       bigint      NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (person_id, other_id)
);
CREATE INDEX contacts_changes ON contacts (person_id, seq);

-- A direct room that lies in this member's Requests: they have not let it near by a word of theirs.
ALTER TABLE members ADD COLUMN request boolean NOT NULL DEFAULT false;

-- Letters as they compare when somebody is looked for: whatever the locale of the database.
CREATE FUNCTION folded_v1(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lower(p_text COLLATE "pg_c_utf8");

-- Only people whom strangers may find at all are looked through; contacts are few and come by their own index.
CREATE INDEX people_found_by_handle ON people (handle text_pattern_ops)
    WHERE may_find IN ('everyone', 'room-mates');
CREATE INDEX people_found_by_name ON people (folded_v1(name) text_pattern_ops)
    WHERE may_find IN ('everyone', 'room-mates');

CREATE FUNCTION allows_v1(p_circle text, p_owner uuid, p_other uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    -- Whether p_other is within this circle of p_owner. Rooms that anyone may join make nobody a room-mate.
    SELECT CASE p_circle
        WHEN 'everyone' THEN true
        WHEN 'nobody' THEN false
        ELSE EXISTS (SELECT 1 FROM contacts c WHERE c.person_id = p_owner AND c.other_id = p_other
                     AND c.state = 'accepted')
             OR (p_circle = 'room-mates' AND EXISTS (
                 SELECT 1 FROM members m JOIN members o USING (room_id) JOIN rooms r USING (room_id)
                 WHERE m.person_id = p_owner AND m.relation IN ('member', 'moderator', 'owner')
                   AND o.person_id = p_other AND o.relation IN ('member', 'moderator', 'owner')
                   AND r.kind IN ('group', 'event')))
        END
$$;

CREATE FUNCTION set_contact_v1(
    p_idx integer, p_status text, p_person uuid, p_other uuid, p_author uuid, p_client text, p_state text
) RETURNS committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_row committed_v1;
BEGIN
    v_row := append_entry_v1(p_idx, p_status, p_person, 'contact', p_author, p_other, p_client, NULL,
                             jsonb_build_object('state', p_state), NULL);
    INSERT INTO contacts (person_id, other_id, state, seq, at)
        VALUES (p_person, p_other, p_state, v_row.seq, to_timestamp(v_row.at_ms / 1000.0))
        ON CONFLICT (person_id, other_id) DO UPDATE SET state = excluded.state, seq = excluded.seq, at = excluded.at;
    RETURN v_row;
END
$$;

-- What lay in the Requests of either, because they were no contacts, lies there no longer.
CREATE FUNCTION accept_requests_v1(p_idx integer, p_one uuid, p_other uuid, p_author uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_member members;
BEGIN
    FOR v_member IN
        UPDATE members m SET request = false FROM members o
        WHERE m.request AND m.person_id IN (p_one, p_other)
          AND o.room_id = m.room_id AND o.person_id IN (p_one, p_other) AND o.person_id <> m.person_id
        RETURNING m.*
    LOOP
        RETURN NEXT append_entry_v1(p_idx, 'side', v_member.person_id, 'request', p_author, v_member.person_id, NULL,
                                    NULL, jsonb_build_object('room', v_member.room_id, 'state', 'accepted'), NULL);
    END LOOP;
END
$$;

-- Ask somebody, or say yes to who has asked. Both self logs are locked.
CREATE FUNCTION add_contact_v1(p_idx integer, p_author uuid, p_client text, p_subject uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_mine    text := (SELECT state FROM contacts c WHERE c.person_id = p_author AND c.other_id = p_subject);
    v_theirs  text := (SELECT state FROM contacts c WHERE c.person_id = p_subject AND c.other_id = p_author);
    -- A block stays invisible to the blocked: the request is accepted and goes nowhere.
    v_blocked boolean := EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p_subject AND b.blocked = p_author);
BEGIN
    IF EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p_author AND b.blocked = p_subject) THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_author, 0);
    ELSIF v_mine = 'accepted' OR (v_mine = 'requested' AND (v_blocked OR v_theirs = 'incoming')) THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author));
    ELSIF v_theirs = 'requested' AND NOT v_blocked THEN
        RETURN NEXT set_contact_v1(p_idx, 'ok', p_author, p_subject, p_author, p_client, 'accepted');
        RETURN NEXT set_contact_v1(p_idx, 'side', p_subject, p_author, p_author, NULL, 'accepted');
        RETURN QUERY SELECT * FROM accept_requests_v1(p_idx, p_author, p_subject, p_author);
    ELSIF (SELECT count(*) FROM contacts c WHERE c.person_id = p_author
           AND c.state IN ('requested', 'accepted')) >= 5000 THEN
        RETURN NEXT verdict_v1(p_idx, 'limit_exceeded', p_author, 0);
    ELSE
        RETURN NEXT set_contact_v1(p_idx, 'ok', p_author, p_subject, p_author, p_client, 'requested');
        IF NOT v_blocked THEN
            RETURN NEXT set_contact_v1(p_idx, 'side', p_subject, p_author, p_author, NULL, 'incoming');
        END IF;
    END IF;
END
$$;

-- Decline, withdraw or remove, and what a block does: nothing is left on either side. `p_status` is that of the
-- author's own entry.
CREATE FUNCTION drop_contact_v1(p_idx integer, p_status text, p_author uuid, p_client text, p_subject uuid)
RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM contacts c WHERE c.person_id = p_author AND c.other_id = p_subject
               AND c.state <> 'removed') THEN
        RETURN NEXT set_contact_v1(p_idx, p_status, p_author, p_subject, p_author, p_client, 'removed');
    ELSIF p_status <> 'side' THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_author, (SELECT head FROM rooms r WHERE r.room_id = p_author));
    END IF;
    IF EXISTS (SELECT 1 FROM contacts c WHERE c.person_id = p_subject AND c.other_id = p_author
               AND c.state <> 'removed') THEN
        RETURN NEXT set_contact_v1(p_idx, 'side', p_subject, p_author, p_author, NULL, 'removed');
    END IF;
END
$$;
