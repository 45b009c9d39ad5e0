-- Which database the log was written in, so that a dump restored elsewhere is noticed: a physical copy has another
-- timeline, but a dump brings the row that tells the timeline along with everything else.

-- Server, database and table: a dump makes the table anew, so at least one of them differs from what was recorded. A
-- server that hides its identifier (some managed ones may) is told by the other two.
CREATE FUNCTION origin_v1() RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_server bigint := 0;
BEGIN
    BEGIN
        SELECT c.system_identifier INTO v_server FROM pg_control_system() c;
    EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
        NULL;
    END;
    RETURN concat_ws('/', v_server, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()),
                     'installation'::regclass::oid);
END
$$;

-- Null until a process of this release has started: what was restored before that cannot be told.
ALTER TABLE installation ADD COLUMN origin text;
