-- +goose Up

-- Times from outside end with the year 9999 in UTC: JSON cannot represent later ones, and the engine refuses them.
-- Sends that were accepted with a later expiry get the last possible one.
UPDATE sends SET expires_at = '9999-12-31 23:59:59.999999+00' WHERE expires_at >= '10000-01-01 00:00:00+00';

-- sweep_at is when a sweeper may next claim the row. A claim moves it to the end of the lease, and a refusal to the
-- next try. So a sweeper holds no lock while it calls the engine, and its query skips the rows that must wait. For the
-- first 5 seconds only the request that stored the row hands it over. refusals counts the refusals of the engine.
ALTER TABLE sends
    ADD COLUMN sweep_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN refusals smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT sends_expires_in_bounds CHECK (expires_at < '10000-01-01 00:00:00+00');
ALTER TABLE sends ALTER COLUMN sweep_at SET DEFAULT now() + interval '5 seconds';

DROP INDEX sends_not_handed_over;
CREATE INDEX sends_not_handed_over ON sends (sweep_at) WHERE NOT handed_over;

-- Receipts keep their index by id: few of them are refused, so a scan skips few rows.
ALTER TABLE receipts
    ADD COLUMN sweep_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN refusals smallint NOT NULL DEFAULT 0;
ALTER TABLE receipts ALTER COLUMN sweep_at SET DEFAULT now() + interval '5 seconds';

-- The id distinguishes this installation from others that use the same Temporal namespace. It is part of the name of
-- the task queue, so no worker takes tasks of another database's sends.
CREATE TABLE installation (
    id  uuid    PRIMARY KEY,
    one boolean NOT NULL DEFAULT true UNIQUE CHECK (one)
);
INSERT INTO installation (id) VALUES (gen_random_uuid());

-- check_at is when a send that has not ended is compared with its workflow: some minutes after its last possible end,
-- then repeatedly. restarts counts how often its workflow was started again. A healthy send costs the index one entry.
-- The update of the hand-over writes that entry, and writes new entries into all indexes anyway.
ALTER TABLE sends
    ADD COLUMN check_at timestamptz NOT NULL DEFAULT now() + interval '1 hour',
    ADD COLUMN restarts smallint NOT NULL DEFAULT 0;
ALTER TABLE sends ALTER COLUMN check_at DROP DEFAULT;
CREATE INDEX sends_to_check ON sends (check_at) WHERE handed_over AND finished_at IS NULL AND receipt_by IS NULL;
