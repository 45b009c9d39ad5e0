-- As 0013 made it, and of a self log too: a new phone is silent about the notices of before, as about the messages.
CREATE OR REPLACE FUNCTION forgo_pushes_v1(p_person uuid, p_rooms uuid[], p_provider text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO push_notified AS n (room_id, person_id, provider, seq)
    SELECT m.room_id, m.person_id, d.provider, r.head
    FROM members m JOIN rooms r USING (room_id)
    CROSS JOIN (SELECT DISTINCT d.provider FROM push_devices d
                WHERE d.person_id = p_person AND (p_provider IS NULL OR d.provider = p_provider)) d
    WHERE m.person_id = p_person AND (p_rooms IS NULL OR m.room_id = ANY (p_rooms))
      AND m.relation IN ('member', 'moderator', 'owner')
      AND CASE r.kind WHEN 'self' THEN r.head ELSE r.last_post END > m.read_seq
    ORDER BY m.room_id, d.provider
    ON CONFLICT (room_id, person_id, provider) DO UPDATE SET seq = excluded.seq WHERE n.seq < excluded.seq
$$;
