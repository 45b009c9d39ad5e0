-- When somebody begins to be told more than before, it begins there: what was said while it was not to ring never does.
-- Triggers, because it holds whoever makes the change.

-- The first device of a provider: a new phone does not ring for a year of unread. One more beside it rings for what
-- the others would.
CREATE FUNCTION begin_pushes_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM push_devices d WHERE d.person_id = NEW.person_id AND d.provider = NEW.provider
                   AND d.device_id <> NEW.device_id) THEN
        PERFORM forgo_pushes_v1(NEW.person_id, NULL, NEW.provider);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER push_devices_begin AFTER INSERT ON push_devices
    FOR EACH ROW EXECUTE FUNCTION begin_pushes_v1();
CREATE TRIGGER push_devices_begin_elsewhere AFTER UPDATE OF person_id, provider ON push_devices
    FOR EACH ROW WHEN ((OLD.person_id, OLD.provider) IS DISTINCT FROM (NEW.person_id, NEW.provider))
    EXECUTE FUNCTION begin_pushes_v1();

CREATE FUNCTION level_rank_v1(p_level text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position(ARRAY['none', 'mentions', 'all'], p_level);

-- The level in force: a room's own, else what its kind says, and then never more than the person wants at all.
CREATE FUNCTION push_level_v1(p_chosen text, p_kind text, p_wish text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_chosen, CASE WHEN level_rank_v1(p_wish) < level_rank_v1(level_v1(NULL, p_kind)) THEN p_wish
                               ELSE level_v1(NULL, p_kind) END);

-- A mute that runs out by itself changes no row: what was said before `muted_until` is left out where it is read.
CREATE FUNCTION louder_room_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_kind text := (SELECT r.kind FROM rooms r WHERE r.room_id = NEW.room_id);
    v_wish text := coalesce((SELECT w.level FROM push_wishes w WHERE w.person_id = NEW.person_id), 'all');
BEGIN
    IF level_rank_v1(push_level_v1(NEW.chosen_level, v_kind, v_wish))
           > level_rank_v1(push_level_v1(OLD.chosen_level, v_kind, v_wish))
       OR coalesce(NEW.muted_until, '-infinity') < coalesce(OLD.muted_until, '-infinity')
       OR (OLD.request AND NOT NEW.request) THEN
        PERFORM forgo_pushes_v1(NEW.person_id, ARRAY[NEW.room_id], NULL);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER members_louder AFTER UPDATE OF chosen_level, muted_until, request ON members
    FOR EACH ROW WHEN ((OLD.chosen_level, OLD.muted_until, OLD.request)
                       IS DISTINCT FROM (NEW.chosen_level, NEW.muted_until, NEW.request))
    EXECUTE FUNCTION louder_room_v1();

CREATE FUNCTION louder_person_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM forgo_pushes_v1(NEW.person_id, ARRAY(
        SELECT m.room_id FROM members m JOIN rooms r USING (room_id) WHERE m.person_id = NEW.person_id
            AND level_rank_v1(push_level_v1(m.chosen_level, r.kind, NEW.level))
                > level_rank_v1(push_level_v1(m.chosen_level, r.kind, OLD.level))), NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER push_wishes_louder AFTER UPDATE OF level ON push_wishes
    FOR EACH ROW WHEN (level_rank_v1(NEW.level) > level_rank_v1(OLD.level)) EXECUTE FUNCTION louder_person_v1();

-- Of a direct room all was hidden. In others what was hidden is little beside what was told.
CREATE FUNCTION unblocked_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM forgo_pushes_v1(OLD.blocker, ARRAY(
        SELECT m.room_id FROM members m JOIN members o USING (room_id) JOIN rooms r USING (room_id)
        WHERE m.person_id = OLD.blocker AND o.person_id = OLD.blocked AND r.kind = 'direct'), NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER blocks_unblocked AFTER DELETE ON blocks FOR EACH ROW EXECUTE FUNCTION unblocked_v1();

-- Rows go with the membership. Who comes again begins at their join, to which it moves the read pointer.
CREATE FUNCTION end_pushes_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM push_notified n WHERE n.room_id = NEW.room_id AND n.person_id = NEW.person_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER members_gone AFTER UPDATE OF relation ON members
    FOR EACH ROW WHEN (NEW.relation IN ('kicked', 'left')) EXECUTE FUNCTION end_pushes_v1();
