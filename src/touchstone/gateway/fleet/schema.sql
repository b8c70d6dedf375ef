-- The log of a fleet: bundles in order, who may serve, and what each gateway did. Safe to run again.
CREATE TABLE IF NOT EXISTS touchstone_fleet_bundles (
    stream text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    digest text NOT NULL,
    previous text,
    data bytea NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, number)
);
CREATE TABLE IF NOT EXISTS touchstone_fleet_members (
    stream text NOT NULL,
    gateway text NOT NULL,
    instance text NOT NULL,
    key text NOT NULL,
    lease_seconds double precision NOT NULL CHECK (lease_seconds > 0),
    renewed_at timestamptz NOT NULL DEFAULT '-infinity',
    obeys bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, gateway)
);
CREATE TABLE IF NOT EXISTS touchstone_fleet_receipts (
    stream text NOT NULL,
    gateway text NOT NULL,
    number bigint NOT NULL,
    data bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, gateway, number)
);

CREATE OR REPLACE FUNCTION touchstone_fleet_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

-- A bundle follows the newest of its stream, in number and by digest, or is the first of all.
CREATE OR REPLACE FUNCTION touchstone_fleet_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE newest touchstone_fleet_bundles;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('touchstone_fleet'), hashtext(NEW.stream));
    SELECT * INTO newest FROM touchstone_fleet_bundles
        WHERE stream = NEW.stream ORDER BY number DESC LIMIT 1;
    IF FOUND AND (NEW.number <> newest.number + 1 OR NEW.previous IS DISTINCT FROM newest.digest) THEN
        RAISE EXCEPTION 'bundle % does not follow bundle %', NEW.number, newest.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.published_at := clock_timestamp();
    PERFORM pg_notify('touchstone_fleet', md5(NEW.stream));
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER touchstone_fleet_next BEFORE INSERT ON touchstone_fleet_bundles
    FOR EACH ROW EXECUTE FUNCTION touchstone_fleet_next();
CREATE OR REPLACE TRIGGER touchstone_fleet_kept BEFORE UPDATE OR DELETE ON touchstone_fleet_bundles
    FOR EACH ROW EXECUTE FUNCTION touchstone_fleet_append_only();
CREATE OR REPLACE TRIGGER touchstone_fleet_whole BEFORE TRUNCATE ON touchstone_fleet_bundles
    FOR EACH STATEMENT EXECUTE FUNCTION touchstone_fleet_append_only();
CREATE OR REPLACE TRIGGER touchstone_fleet_kept BEFORE UPDATE OR DELETE ON touchstone_fleet_receipts
    FOR EACH ROW EXECUTE FUNCTION touchstone_fleet_append_only();
CREATE OR REPLACE TRIGGER touchstone_fleet_whole BEFORE TRUNCATE ON touchstone_fleet_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION touchstone_fleet_append_only();

-- A gateway's name is one process's at a time: another may take it over when the lease has run out.
CREATE OR REPLACE FUNCTION touchstone_fleet_join(
    the_stream text, the_gateway text, the_instance text, the_key text, seconds double precision
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE member touchstone_fleet_members;
BEGIN
    INSERT INTO touchstone_fleet_members (stream, gateway, instance, key, lease_seconds)
        VALUES (the_stream, the_gateway, the_instance, the_key, seconds)
        ON CONFLICT DO NOTHING;
    SELECT * INTO member FROM touchstone_fleet_members
        WHERE stream = the_stream AND gateway = the_gateway FOR UPDATE;
    IF member.instance <> the_instance
        AND clock_timestamp() <= member.renewed_at + make_interval(secs => member.lease_seconds)
    THEN
        RETURN false;
    END IF;
    UPDATE touchstone_fleet_members
        SET instance = the_instance, key = the_key, lease_seconds = seconds,
            -- Who only connected anew still serves under the lease that it has.
            renewed_at = CASE WHEN member.instance = the_instance THEN member.renewed_at
                              ELSE '-infinity' END
        WHERE stream = the_stream AND gateway = the_gateway;
    RETURN true;
END $$;

-- A lease is given to a gateway that obeys the newest bundle. One whose lease still runs also gets
-- it while that bundle is younger than a lease. The row is locked before any clock is read: who
-- asks below whether a bundle is in force everywhere must not be overtaken by a renewal.
CREATE OR REPLACE FUNCTION touchstone_fleet_renew(
    the_stream text, the_gateway text, the_instance text, it_obeys bigint,
    OUT granted boolean, OUT newest bigint, OUT newest_digest text
) LANGUAGE plpgsql AS $$
DECLARE
    member touchstone_fleet_members;
    lease interval;
    published timestamptz;
BEGIN
    SELECT * INTO member FROM touchstone_fleet_members
        WHERE stream = the_stream AND gateway = the_gateway FOR UPDATE;
    granted := FOUND AND member.instance = the_instance;
    SELECT number, digest INTO newest, newest_digest FROM touchstone_fleet_bundles
        WHERE stream = the_stream ORDER BY number DESC LIMIT 1;
    IF NOT granted THEN
        RETURN;
    END IF;
    lease := make_interval(secs => member.lease_seconds);
    SELECT min(published_at) INTO published FROM touchstone_fleet_bundles
        WHERE stream = the_stream AND number > it_obeys;
    IF it_obeys = 0 OR published IS NOT NULL THEN
        granted := it_obeys > 0
            AND clock_timestamp() <= member.renewed_at + lease
            AND clock_timestamp() <= published + lease;
    END IF;
    UPDATE touchstone_fleet_members
        SET obeys = it_obeys,
            renewed_at = CASE WHEN granted THEN clock_timestamp() ELSE renewed_at END
        WHERE stream = the_stream AND gateway = the_gateway;
END $$;

-- How each gateway stands to a bundle: it obeys it or a newer one, or it may serve nothing.
CREATE OR REPLACE FUNCTION touchstone_fleet_standing(the_stream text, the_number bigint)
RETURNS TABLE (gateway text, obeys bigint, alive boolean, silent_seconds double precision)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM touchstone_fleet_members AS m WHERE m.stream = the_stream FOR SHARE;
    RETURN QUERY
        SELECT m.gateway, m.obeys,
            clock_timestamp() <= m.renewed_at + make_interval(secs => m.lease_seconds),
            CASE WHEN m.renewed_at = '-infinity' THEN NULL
                 ELSE extract(epoch FROM clock_timestamp() - m.renewed_at)::double precision END
        FROM touchstone_fleet_members AS m WHERE m.stream = the_stream ORDER BY m.gateway;
END $$;
