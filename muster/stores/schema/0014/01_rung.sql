-- About which entry the last alert was that a provider accepted for somebody's room and that was not told since to be
-- read: null, nothing is shown. No index has it, so a row still takes its next version on its page. The release before
-- knows nothing of it and leaves it alone.
ALTER TABLE push_notified ADD COLUMN rung bigint;

-- As v1, and of each: about which entry an alert was accepted (0: none), and up to which all that was shown is no more
-- (0: nothing). Tells which of these alerts were read before this was written: whoever read could not know of them.
CREATE FUNCTION settle_pushes_v2(p_provider text, p_rooms uuid[], p_people uuid[], p_seqs bigint[], p_rung bigint[],
                                 p_gone bigint[])
RETURNS TABLE (person uuid, room uuid)
LANGUAGE sql SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
    INSERT INTO push_notified AS n (room_id, person_id, provider, seq, rung)
    SELECT u.room_id, u.person_id, p_provider, least(u.seq, r.head), CASE WHEN u.rung > 0 THEN least(u.rung, r.head) END
    FROM (SELECT s.room_id, s.person_id, max(s.seq) AS seq, max(s.rung) AS rung
          FROM unnest(p_rooms, p_people, p_seqs, p_rung) s (room_id, person_id, seq, rung)
          GROUP BY s.room_id, s.person_id) u
    JOIN rooms r ON r.room_id = u.room_id
    JOIN members m ON m.room_id = u.room_id AND m.person_id = u.person_id
    WHERE m.relation IN ('member', 'moderator', 'owner')
    ORDER BY u.room_id, u.person_id
    ON CONFLICT (room_id, person_id, provider) DO UPDATE
    SET seq = greatest(n.seq, excluded.seq), rung = greatest(n.rung, excluded.rung)
    WHERE n.seq < excluded.seq OR coalesce(n.rung, 0) < excluded.rung;

    -- What rang later than what was told is still shown.
    UPDATE push_notified n SET rung = NULL
    FROM (SELECT s.room_id, s.person_id, max(s.gone) AS gone
          FROM unnest(p_rooms, p_people, p_gone) s (room_id, person_id, gone) WHERE s.gone > 0
          GROUP BY s.room_id, s.person_id ORDER BY s.room_id, s.person_id) u
    WHERE n.room_id = u.room_id AND n.person_id = u.person_id AND n.provider = p_provider AND n.rung <= u.gone;

    SELECT DISTINCT s.person_id, s.room_id
    FROM unnest(p_rooms, p_people, p_rung) s (room_id, person_id, rung)
    JOIN push_notified n ON n.room_id = s.room_id AND n.person_id = s.person_id AND n.provider = p_provider
    JOIN members m ON m.room_id = s.room_id AND m.person_id = s.person_id
    WHERE s.rung > 0 AND n.rung <= m.read_seq
$$;
