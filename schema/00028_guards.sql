-- +goose Up

-- The settings of the guards. Each process reads this row once a second.
CREATE TABLE guards (
    settings   jsonb       NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    version    integer     NOT NULL CHECK (version >= 1),
    updated_at timestamptz, -- null: they were never changed
    one        boolean     NOT NULL DEFAULT true UNIQUE CHECK (one)
);
INSERT INTO guards (settings, version) VALUES ('{}', 1);

-- The sends of the last hour that count for a cap, by minutes. A cap is divided among its slots, so that concurrent sends lock
-- different rows.
CREATE TABLE guard_counts (
    guard  text      NOT NULL CHECK (guard IN ('recipient_cap', 'prefix_cap', 'country_cap')),
    key    text      NOT NULL CHECK (key <> ''), -- a number, a prefix of numbers or a country
    slot   smallint  NOT NULL CHECK (slot >= 0),
    minute integer   NOT NULL, -- of the newest count, since 1970
    counts integer[] NOT NULL, -- of this minute and those before it, 61 at most; older ones are 0
    PRIMARY KEY (guard, key, slot)
) WITH (fillfactor = 70); -- a new version of a row fits into its page, and no index changes within a minute

-- To delete the rows whose counts are all older than an hour.
CREATE INDEX guard_counts_by_minute ON guard_counts (minute);

-- The contents that were sent a moment ago, to refuse the same content to the same number.
CREATE TABLE guard_texts (
    digest bytea       PRIMARY KEY CHECK (octet_length(digest) = 32), -- of the number and the content
    send   uuid        NOT NULL, -- no foreign key: the send may be deleted
    at     timestamptz NOT NULL, -- when the send was accepted
    until  timestamptz NOT NULL  -- when the row may be deleted
) WITH (fillfactor = 90);

CREATE INDEX guard_texts_by_end ON guard_texts (until);

-- What the guards did, by hours. Each process adds its counts once a second.
CREATE TABLE guard_results (
    hour    timestamptz NOT NULL,
    guard   text        NOT NULL CHECK (guard IN ('countries', 'same_text', 'recipient_cap', 'prefix_cap', 'country_cap')),
    result  text        NOT NULL CHECK (result IN ('watched', 'refused', 'answered')),
    country text        NOT NULL, -- of the recipient; empty for a number of none
    count   bigint      NOT NULL CHECK (count > 0),
    last_at timestamptz NOT NULL,
    PRIMARY KEY (hour, guard, result, country)
);

-- guard_sum returns how many sends count at a minute. The oldest of the 61 minutes may be partly older than an hour, so a cap
-- never admits more in any hour.
CREATE FUNCTION guard_sum(counts integer[], newest integer, now_minute integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(c), 0) FROM unnest(counts[1:61 - greatest(now_minute - newest, 0)]) AS c
$$;

-- guard_add counts one send more. The shift is how many minutes have passed since the newest count.
CREATE FUNCTION guard_add(counts integer[], shift integer) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN shift <= 0 THEN counts[1] + 1 || counts[2:]
        WHEN shift > 60 THEN '{1}'
        ELSE (1 || array_fill(0, ARRAY[shift - 1]) || counts)[1:61]
    END
$$;

-- guard_share returns the part of a cap that a slot has.
CREATE FUNCTION guard_share(cap integer, slots integer, slot integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT cap / slots + (slot < cap % slots)::integer
$$;

-- guard_count counts a send in a slot, and returns false if the slot is full. The row stays locked until the send is committed.
-- +goose StatementBegin
CREATE FUNCTION guard_count(a_guard text, a_key text, a_slot integer, share integer, now_minute integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF share < 1 THEN
        RETURN false;
    END IF;
    INSERT INTO guard_counts AS c (guard, key, slot, minute, counts) VALUES (a_guard, a_key, a_slot, now_minute, '{1}')
    ON CONFLICT (guard, key, slot) DO UPDATE
    SET minute = greatest(c.minute, now_minute), counts = guard_add(c.counts, now_minute - c.minute)
    WHERE guard_sum(c.counts, c.minute, now_minute) < share;
    RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- guard_free returns the first minute in which a full cap may have a place again.
CREATE FUNCTION guard_free(a_guard text, a_key text, cap integer, slots integer, now_minute integer) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT min(freed) FROM (
        SELECT max(c.minute - older.place::integer + 62) AS freed
        FROM guard_counts AS c, LATERAL (
            SELECT u.place, sum(u.n) OVER (ORDER BY u.place) AS newer
            FROM unnest(c.counts) WITH ORDINALITY AS u (n, place) WHERE u.n > 0
        ) AS older
        WHERE c.guard = a_guard AND c.key = a_key AND c.slot < slots
            AND older.newer >= guard_share(cap, slots, c.slot) AND guard_share(cap, slots, c.slot) > 0
        GROUP BY c.slot
    ) AS of_slots
$$;

-- guard_refusal counts a send in all caps, and stores its digest, if there is one. It returns null, or the reason of a refusal;
-- then it has changed nothing. The content of a send that was deleted or cancelled may be sent again. The locks are taken in the
-- order of the guards, which is the same for all sends, so two sends never wait for each other. A slot that a send has locked and
-- found full stays locked while it looks for another one. It takes one that is not full as of then, so there is no circle either.
-- +goose StatementBegin
CREATE FUNCTION guard_refusal(
    a_send uuid, accepted timestamptz, a_digest bytea, window_seconds integer,
    guards text[], keys text[], caps integer[], slots integer[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now_minute integer := floor(extract(epoch FROM accepted) / 60);
    earlier    uuid;
    a_slot     integer;
    refusal    jsonb;
BEGIN
    IF a_digest IS NOT NULL THEN
        INSERT INTO guard_texts AS t (digest, send, at, until)
        VALUES (a_digest, a_send, accepted, accepted + make_interval(secs => window_seconds))
        ON CONFLICT (digest) DO UPDATE SET send = excluded.send, at = excluded.at, until = excluded.until
        WHERE t.send = a_send OR t.at <= accepted - make_interval(secs => window_seconds);
        IF NOT FOUND THEN
            -- The row is locked now. A statement of its own sees the send of a transaction for which the one before has waited.
            UPDATE guard_texts AS t
            SET send = a_send, at = accepted, until = accepted + make_interval(secs => window_seconds)
            WHERE t.digest = a_digest AND NOT EXISTS (SELECT FROM sends AS s WHERE s.id = t.send AND s.outcome <> 'cancelled');
        END IF;
        IF NOT FOUND THEN
            SELECT t.send INTO earlier FROM guard_texts AS t WHERE t.digest = a_digest;
            refusal := jsonb_build_object('send', earlier);
            RAISE EXCEPTION 'refused' USING ERRCODE = 'BS001';
        END IF;
    END IF;
    FOR i IN 1..cardinality(guards) LOOP
        a_slot := floor(random() * slots[i]);
        WHILE NOT guard_count(guards[i], keys[i], a_slot, guard_share(caps[i], slots[i], a_slot), now_minute) LOOP
            SELECT s INTO a_slot FROM generate_series(0, slots[i] - 1) AS s
            LEFT JOIN guard_counts AS c ON c.guard = guards[i] AND c.key = keys[i] AND c.slot = s
            WHERE coalesce(guard_sum(c.counts, c.minute, now_minute), 0) < guard_share(caps[i], slots[i], s)
            ORDER BY random() LIMIT 1;
            IF NOT FOUND THEN
                refusal := jsonb_build_object('cap', i, 'free',
                    guard_free(guards[i], keys[i], caps[i], slots[i], now_minute));
                RAISE EXCEPTION 'refused' USING ERRCODE = 'BS001';
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'BS001' THEN -- all changes of this function are undone
    RETURN refusal;
END
$$;
-- +goose StatementEnd

-- guard_undo ends a statement whose send was not stored because its idempotency key is used, so that it counts nothing.
-- +goose StatementBegin
CREATE FUNCTION guard_undo(stored bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF stored = 0 THEN
        RAISE EXCEPTION 'the idempotency key is used' USING ERRCODE = 'BS002';
    END IF;
    RETURN true;
END
$$;
-- +goose StatementEnd
