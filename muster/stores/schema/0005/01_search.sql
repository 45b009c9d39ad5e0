-- Words wait in a longer list, and are sorted into the index aside (muster/sorting.py): with a short one it was a commit
-- that had to do it, now and then, while its senders waited.

DO $$
DECLARE
    v_part regclass;
BEGIN
    FOR v_part IN SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'entries_search'::regclass LOOP
        EXECUTE format('ALTER INDEX %s SET (gin_pending_list_limit = 8192)', v_part);
    END LOOP;
END
$$;

-- Sort in what waits in one part of the index, of p_of parts the p_nth from 0 on; how many pages that was, or null while
-- somebody else is at it. Runs as the owner of the index, for only the owner may.
CREATE FUNCTION sort_search_v1(p_nth integer, p_of integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_part  regclass;
    v_pages bigint := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('sort_search', p_nth)) THEN
        RETURN NULL;
    END IF;
    FOR v_part IN SELECT n.inhrelid FROM (SELECT i.inhrelid, row_number() OVER (ORDER BY i.inhrelid) AS nth
                                          FROM pg_inherits i WHERE i.inhparent = 'entries_search'::regclass) n
                  WHERE n.nth % p_of = p_nth LOOP
        v_pages := v_pages + gin_clean_pending_list(v_part);
    END LOOP;
    RETURN v_pages;
END
$$;

CREATE OR REPLACE FUNCTION set_search_language_v1(p_language text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_language text;
BEGIN
    SELECT format('%I.%I', n.nspname, c.cfgname) INTO v_language
        FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
        WHERE c.cfgname = p_language AND pg_ts_config_is_visible(c.oid);
    IF v_language IS NULL THEN
        RAISE EXCEPTION 'no text search configuration is named %', p_language USING ERRCODE = 'undefined_object';
    ELSIF v_language::regconfig = search_language_v1() THEN
        RETURN false;
    END IF;
    DROP INDEX entries_search;
    EXECUTE format('CREATE OR REPLACE FUNCTION search_language_v1() RETURNS regconfig LANGUAGE sql IMMUTABLE AS '
                   '%L', format('SELECT %L::regconfig', v_language));
    EXECUTE format('CREATE OR REPLACE FUNCTION search_vector_v1(p_room uuid, p_text text) RETURNS tsvector '
                   'LANGUAGE sql IMMUTABLE AS %L',
                   format('SELECT to_tsvector(%L::regconfig, p_text) || array_to_tsvector(ARRAY['' '' || p_room::text])',
                          v_language));
    CREATE INDEX entries_search ON entries USING gin (search_vector_v1(room_id, text))
        WITH (fastupdate = on, gin_pending_list_limit = 8192) WHERE kind = 'post' AND text <> '';
    RETURN true;
END
$$;
