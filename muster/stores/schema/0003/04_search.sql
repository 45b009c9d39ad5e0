-- Full-text search. The index holds each message's words and its room, as one word more that no text can hold (it
-- begins with a blank): a search looks only where the words and the searcher's rooms meet, however common the words are.

-- The language of the words: a name of pg_ts_config. Another one is another index: set_search_language_v1.
CREATE FUNCTION search_language_v1() RETURNS regconfig LANGUAGE sql IMMUTABLE AS $$
    SELECT 'pg_catalog.simple'::regconfig
$$;

CREATE FUNCTION search_vector_v1(p_room uuid, p_text text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT to_tsvector('pg_catalog.simple'::regconfig, p_text) || array_to_tsvector(ARRAY[' ' || p_room::text])
$$;

-- New words wait in a short list that searches read through; sorting them in costs the insert that fills it, so short.
CREATE INDEX entries_search ON entries USING gin (search_vector_v1(room_id, text))
    WITH (fastupdate = on, gin_pending_list_limit = 256) WHERE kind = 'post' AND text <> '';

-- What to look for, or null where the words alone would find nothing or everything ("", "the", "-this").
CREATE FUNCTION search_query_v1(p_words text, p_rooms uuid[]) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN querytree(w.words) NOT IN ('', 'T') AND cardinality(p_rooms) > 0 THEN
        w.words && (SELECT string_agg(quote_literal(' ' || r), ' | ') FROM unnest(p_rooms) r)::tsquery END
    FROM (SELECT websearch_to_tsquery(search_language_v1(), p_words) AS words) w
$$;

-- Makes the functions and the index anew in another language; true if that was needed. Writers wait meanwhile.
CREATE FUNCTION set_search_language_v1(p_language text) RETURNS boolean LANGUAGE plpgsql AS $$
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
        WITH (fastupdate = on, gin_pending_list_limit = 256) WHERE kind = 'post' AND text <> '';
    RETURN true;
END
$$;
