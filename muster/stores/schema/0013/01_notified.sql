-- Up to which entry of a room somebody's devices of a provider have rung, or were decided not to: what is after it
-- and after the read pointer is owed, if it is to ring at all (muster/owed.py).

-- No row is 0: the read pointer, which a join moves to itself, then says alone where the unread begins. Only `seq` ever
-- changes and no index has it, so a page with room takes the next version too.
CREATE TABLE push_notified (
    room_id   uuid   NOT NULL,
    person_id uuid   NOT NULL,
    provider  text   NOT NULL CHECK (provider IN ('apns', 'fcm')),
    seq       bigint NOT NULL,
    PRIMARY KEY (room_id, person_id, provider)
) WITH (fillfactor = 70);

CREATE FUNCTION settle_pushes_v1(p_provider text, p_rooms uuid[], p_people uuid[], p_seqs bigint[]) RETURNS void
LANGUAGE sql SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
    -- In one order, so that two never wait for each other crosswise. Never past the head: whoever read it before a
    -- failover may know entries that are no more. A row is for members alone.
    INSERT INTO push_notified AS n (room_id, person_id, provider, seq)
    SELECT u.room_id, u.person_id, p_provider, least(u.seq, r.head)
    FROM (SELECT s.room_id, s.person_id, max(s.seq) AS seq
          FROM unnest(p_rooms, p_people, p_seqs) s (room_id, person_id, seq) GROUP BY s.room_id, s.person_id) u
    JOIN rooms r ON r.room_id = u.room_id
    JOIN members m ON m.room_id = u.room_id AND m.person_id = u.person_id
    WHERE m.relation IN ('member', 'moderator', 'owner')
    ORDER BY u.room_id, u.person_id
    ON CONFLICT (room_id, person_id, provider) DO UPDATE SET seq = excluded.seq WHERE n.seq < excluded.seq
$$;

-- What was said until now is not told, neither now nor after a loss of the queue: of these rooms (null: all) to the
-- devices of this provider (null: of each). Where all is read no row is needed to say so.
CREATE FUNCTION forgo_pushes_v1(p_person uuid, p_rooms uuid[], p_provider text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO push_notified AS n (room_id, person_id, provider, seq)
    SELECT m.room_id, m.person_id, d.provider, r.head
    FROM members m JOIN rooms r USING (room_id)
    CROSS JOIN (SELECT DISTINCT d.provider FROM push_devices d
                WHERE d.person_id = p_person AND (p_provider IS NULL OR d.provider = p_provider)) d
    WHERE m.person_id = p_person AND (p_rooms IS NULL OR m.room_id = ANY (p_rooms))
      AND m.relation IN ('member', 'moderator', 'owner') AND r.last_post > m.read_seq
    ORDER BY m.room_id, d.provider
    ON CONFLICT (room_id, person_id, provider) DO UPDATE SET seq = excluded.seq WHERE n.seq < excluded.seq
$$;
