-- Link previews: what is to be looked at, what came of it, and what goes with the words.

-- The preview in force of a message; `link` is how its text names it.
CREATE TABLE previews (
    room_id uuid   NOT NULL,
    target  bigint NOT NULL,
    seq     bigint NOT NULL,
    link    text   NOT NULL,
    card    jsonb  NOT NULL,
    PRIMARY KEY (room_id, target)
);

-- Pages looked at lately, by the hash of their address; `card` is null where nothing came of it, or not yet.
CREATE TABLE link_pages (
    link_hash bytea PRIMARY KEY,
    card      jsonb,
    known     boolean NOT NULL,
    -- Until when that counts; of one that is being looked at, until when nobody else does.
    until     timestamptz NOT NULL
);
CREATE INDEX link_pages_until ON link_pages (until);

-- The page of this link: `fetch` (it is ours to look at for p_claim), `known`, or `busy` (somebody else is at it).
CREATE FUNCTION claim_page_v1(p_hash bytea, p_claim interval, OUT state text, OUT card jsonb) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM link_pages l USING (
        SELECT o.link_hash FROM link_pages o WHERE o.until < clock_timestamp() - interval '1 minute' AND o.link_hash <> p_hash
        ORDER BY o.until LIMIT 50 FOR UPDATE SKIP LOCKED) old WHERE l.link_hash = old.link_hash;
    INSERT INTO link_pages AS l VALUES (p_hash, NULL, false, clock_timestamp() + p_claim)
        ON CONFLICT (link_hash) DO UPDATE SET card = NULL, known = false, until = excluded.until
            WHERE l.until <= clock_timestamp();
    IF FOUND THEN
        state := 'fetch'; RETURN;
    END IF;
    SELECT CASE WHEN l.known THEN 'known' ELSE 'busy' END, l.card INTO state, card
        FROM link_pages l WHERE l.link_hash = p_hash;
    state := coalesce(state, 'busy');
END
$$;

-- The wish to look at a message's link, in the transaction that commits the message: no crash loses it, and it costs
-- only messages that may hold one. It names the message, never its words; one per message, made anew by an edit, also
-- while it is being fired.
CREATE FUNCTION wish_preview_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    INSERT INTO jobs AS j (job_id, kind, due_at, payload, next_at)
        VALUES (md5('preview:' || NEW.room_id || ':' || NEW.seq)::uuid, 'preview', v_now,
                jsonb_build_object('room', NEW.room_id, 'seq', NEW.seq), v_now)
        ON CONFLICT (job_id) DO UPDATE SET due_at = excluded.due_at, next_at = excluded.next_at, lease = NULL,
            attempts = 0, dead_at = NULL, failure = NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER entries_link AFTER INSERT ON entries FOR EACH ROW
    WHEN (NEW.kind = 'post' AND NEW.text LIKE '%://%')
    EXECUTE FUNCTION wish_preview_v1();
CREATE TRIGGER entries_link_edited AFTER UPDATE ON entries FOR EACH ROW
    WHEN (NEW.kind = 'post' AND NEW.text IS DISTINCT FROM OLD.text AND NEW.text LIKE '%://%')
    EXECUTE FUNCTION wish_preview_v1();

-- Whichever release edits or deletes: a preview goes with its link, a poll's votes with its words.
CREATE FUNCTION forget_words_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM previews p WHERE p.room_id = NEW.room_id AND p.target = NEW.seq
        AND (NEW.deleted_seq IS NOT NULL OR strpos(NEW.text, p.link) = 0);
    IF FOUND THEN
        UPDATE entries e SET body = NULL
            WHERE e.room_id = NEW.room_id AND e.target = NEW.seq AND e.kind = 'preview' AND e.body IS NOT NULL;
    END IF;
    IF NEW.deleted_seq IS NOT NULL AND OLD.body ? 'poll' THEN
        DELETE FROM polls p WHERE p.room_id = NEW.room_id AND p.target = NEW.seq;
        DELETE FROM poll_votes v WHERE v.room_id = NEW.room_id AND v.target = NEW.seq;
        DELETE FROM jobs j WHERE j.job_id = poll_job_v1(NEW.room_id, NEW.seq);
        UPDATE entries e SET body = NULL WHERE e.room_id = NEW.room_id AND e.target = NEW.seq AND e.kind = 'vote';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER entries_forget AFTER UPDATE ON entries FOR EACH ROW
    WHEN (NEW.kind = 'post' AND NEW.text IS DISTINCT FROM OLD.text)
    EXECUTE FUNCTION forget_words_v1();

-- What the page behind a message's link says, as an entry; nothing where the message no longer names that link.
CREATE FUNCTION change_preview_v1(
    p_idx integer, p_room uuid, p_author uuid, p_client text, p_body jsonb, p_target bigint
) RETURNS SETOF committed_v1 LANGUAGE plpgsql AS $$
DECLARE
    v_card jsonb := p_body -> 'preview';
    v_old  previews;
    v_row  committed_v1;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM entries e WHERE e.room_id = p_room AND e.seq = p_target AND e.kind = 'post'
                   AND e.author = p_author AND e.deleted_seq IS NULL AND strpos(e.text, v_card ->> 'link') > 0) THEN
        RETURN NEXT verdict_v1(p_idx, 'not_found', p_room, 0); RETURN;
    END IF;
    SELECT * INTO v_old FROM previews p WHERE p.room_id = p_room AND p.target = p_target;
    IF v_old.card = v_card THEN
        RETURN NEXT verdict_v1(p_idx, 'same', p_room, v_old.seq); RETURN;
    END IF;
    v_row := append_entry_v1(p_idx, 'ok', p_room, 'preview', p_author, NULL, p_client, NULL, p_body, p_target);
    INSERT INTO previews VALUES (p_room, p_target, v_row.seq, v_card ->> 'link', v_card)
        ON CONFLICT (room_id, target) DO UPDATE SET seq = excluded.seq, link = excluded.link, card = excluded.card;
    RETURN NEXT v_row;
END
$$;
