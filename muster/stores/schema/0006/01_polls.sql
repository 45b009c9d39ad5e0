-- Polls. A poll is a post whose body says what may be chosen; here stands what that comes to. Nothing of its words.

CREATE TABLE polls (
    room_id    uuid     NOT NULL,
    target     bigint   NOT NULL,
    options    smallint NOT NULL,
    multiple   boolean  NOT NULL,
    anonymous  boolean  NOT NULL,
    closes_at  timestamptz,
    -- The entry that closed it. Past `closes_at` it is closed without one.
    closed_seq bigint,
    PRIMARY KEY (room_id, target)
);

-- Votes in force: all that somebody chose, in order; empty where they took it back.
CREATE TABLE poll_votes (
    room_id   uuid       NOT NULL,
    target    bigint     NOT NULL,
    person_id uuid       NOT NULL,
    choices   smallint[] NOT NULL,
    seq       bigint     NOT NULL,
    -- The retry of an anonymous vote is known by this: its entry carries no client id.
    client_id text       NOT NULL,
    PRIMARY KEY (room_id, target, person_id)
);

CREATE FUNCTION poll_job_v1(p_room uuid, p_target bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT md5('poll:' || p_room || ':' || p_target)::uuid
$$;

-- Posts a message that is a poll, as commit_posts_v1 posts others, with the timer that closes it.
CREATE FUNCTION post_poll_v1(p_idx integer, p_room uuid, p_author uuid, p_client text, p_text text, p_body jsonb)
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
    RETURN NEXT v_row;
END
$$;

-- The poll that is meant, as far as p_reader may see it; null where there is none.
CREATE FUNCTION poll_of_v1(p_room uuid, p_reader uuid, p_target bigint, p_target_client text) RETURNS polls
LANGUAGE sql STABLE AS $$
    SELECT p FROM polls p
    WHERE p.room_id = p_room
      AND p.target = coalesce(p_target, (SELECT t.seq FROM entries t WHERE t.room_id = p_room
                                         AND t.author = p_reader AND t.client_id = p_target_client))
      AND EXISTS (SELECT 1 FROM spans s WHERE s.room_id = p_room AND s.person_id = p_reader
                  AND p.target >= s.from_seq AND (s.to_seq IS NULL OR p.target <= s.to_seq))
$$;

CREATE FUNCTION vote_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_target bigint, p_target_client text
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_poll    polls := poll_of_v1(p_room, p_author, p_target, p_target_client);
    v_choices smallint[] := ARRAY(SELECT DISTINCT c::smallint FROM jsonb_array_elements_text(p_body -> 'choices') c
                                  ORDER BY 1);
    v_mine    poll_votes;
    v_row     committed_v1;
BEGIN
    IF v_poll.target IS NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    SELECT * INTO v_mine FROM poll_votes v
        WHERE v.room_id = p_room AND v.target = v_poll.target AND v.person_id = p_author;
    IF v_mine.client_id = p_client THEN
        RETURN NEXT verdict_v1(p_idx, 'known', p_room, v_mine.seq); RETURN;
    ELSIF v_poll.closed_seq IS NOT NULL OR v_poll.closes_at <= clock_timestamp() THEN
        RETURN NEXT verdict_v1(p_idx, 'conflict', p_room, 0); RETURN;
    ELSIF v_choices[cardinality(v_choices)] >= v_poll.options
          OR (cardinality(v_choices) > 1 AND NOT v_poll.multiple) THEN
        RETURN NEXT verdict_v1(p_idx, 'bad_request', p_room, 0); RETURN;
    ELSIF coalesce(v_mine.choices, '{}') = v_choices THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, coalesce(v_mine.seq, v_poll.target)); RETURN;
    END IF;
    INSERT INTO poll_votes AS v VALUES (p_room, v_poll.target, p_author, v_choices, 0, p_client)
        ON CONFLICT (room_id, target, person_id) DO UPDATE SET choices = excluded.choices, client_id = excluded.client_id;
    IF v_poll.anonymous THEN
        -- What travels is what it came to. Who voted learns it on their other devices from their own log.
        v_row := append_entry_v1(p_idx, 'ok', p_room, 'vote', '00000000-0000-0000-0000-000000000000', NULL, NULL,
                                 NULL, anonymous_result_v1(p_room, v_poll.target, v_poll.options), v_poll.target);
        RETURN NEXT append_entry_v1(p_idx, 'side', p_author, 'vote', p_author, NULL, NULL, NULL, jsonb_build_object(
            'room', p_room, 'at_seq', v_poll.target, 'choices', to_jsonb(v_choices)), NULL);
    ELSE
        v_row := append_entry_v1(p_idx, 'ok', p_room, 'vote', p_author, NULL, p_client, NULL, jsonb_build_object(
            'choices', to_jsonb(v_choices), 'was', to_jsonb(coalesce(v_mine.choices, '{}'))), v_poll.target);
    END IF;
    UPDATE poll_votes v SET seq = v_row.seq
        WHERE v.room_id = p_room AND v.target = v_poll.target AND v.person_id = p_author;
    RETURN NEXT v_row;
END
$$;

-- How often each option is chosen, and by how many people. Of everybody: to leave out whom a reader blocks would
-- tell what they chose.
CREATE FUNCTION anonymous_result_v1(p_room uuid, p_target bigint, p_options smallint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'counts', (SELECT jsonb_agg(coalesce(c.n, 0) ORDER BY o.option) FROM generate_series(0, p_options - 1) o (option)
                   LEFT JOIN (SELECT x.option, count(*) AS n FROM poll_votes v, unnest(v.choices) x (option)
                              WHERE v.room_id = p_room AND v.target = p_target GROUP BY x.option) c
                   ON c.option = o.option),
        'voters', (SELECT count(*) FROM poll_votes v
                   WHERE v.room_id = p_room AND v.target = p_target AND v.choices <> '{}'))
$$;

-- By its author or who may close others'; by nobody (the timer) once its time is over.
CREATE FUNCTION close_poll_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_target bigint, p_target_client text, p_may_other boolean
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_timer boolean := p_author = '00000000-0000-0000-0000-000000000000';
    v_poll  polls;
    v_row   committed_v1;
BEGIN
    IF v_timer THEN
        SELECT * INTO v_poll FROM polls p
            WHERE p.room_id = p_room AND p.target = p_target AND p.closes_at <= clock_timestamp();
    ELSE
        v_poll := poll_of_v1(p_room, p_author, p_target, p_target_client);
    END IF;
    IF v_poll.target IS NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    ELSIF NOT (v_timer OR p_may_other OR EXISTS (SELECT 1 FROM entries e WHERE e.room_id = p_room
                                                 AND e.seq = v_poll.target AND e.author = p_author)) THEN
        RETURN NEXT verdict_v1(p_idx, 'permission_denied', p_room, 0); RETURN;
    ELSIF v_poll.closed_seq IS NOT NULL THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_poll.closed_seq); RETURN;
    END IF;
    v_row := append_entry_v1(p_idx, 'ok', p_room, 'poll_closed', p_author, NULL, p_client, NULL, NULL, v_poll.target);
    UPDATE polls p SET closed_seq = v_row.seq WHERE p.room_id = p_room AND p.target = v_poll.target;
    DELETE FROM jobs j WHERE NOT v_timer AND j.job_id = poll_job_v1(p_room, v_poll.target);
    RETURN NEXT v_row;
END
$$;

-- A process of the release before edits without knowing of polls: what may be chosen stays.
CREATE FUNCTION keep_poll_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.body := coalesce(NEW.body, '{}') || jsonb_build_object('poll', OLD.body -> 'poll');
    RETURN NEW;
END
$$;
CREATE TRIGGER entries_keep_poll BEFORE UPDATE ON entries FOR EACH ROW
    WHEN (OLD.kind = 'post' AND NEW.deleted_seq IS NULL AND OLD.body ? 'poll')
    EXECUTE FUNCTION keep_poll_v1();
