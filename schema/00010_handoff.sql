-- +goose Up

-- No time that comes from outside lies after the year 9999 in UTC: JSON cannot show it, and the engine refuses it. Sends
-- that were accepted with a later end keep the last possible one.
UPDATE sends SET expires_at = '9999-12-31 23:59:59.999999+00' WHERE expires_at >= '10000-01-01 00:00:00+00';

-- sweep_at is when a sweeper may next take the row. A claim moves it to the end of the claim's lease and a refusal to the
-- next try, so a sweeper holds no lock while it calls the engine, and its query leaves out the rows that have to wait. By
-- default a row is left to the request that stored it for 5 seconds. refusals counts how often the engine refused the row.
ALTER TABLE sends
    ADD COLUMN sweep_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN refusals smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT sends_expires_in_bounds CHECK (expires_at < '10000-01-01 00:00:00+00');
ALTER TABLE sends ALTER COLUMN sweep_at SET DEFAULT now() + interval '5 seconds';

DROP INDEX sends_not_handed_over;
CREATE INDEX sends_not_handed_over ON sends (sweep_at) WHERE NOT handed_over;

-- Receipts keep their index by id: few of them are refused, and a scan passes over those.
ALTER TABLE receipts
    ADD COLUMN sweep_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN refusals smallint NOT NULL DEFAULT 0;
ALTER TABLE receipts ALTER COLUMN sweep_at SET DEFAULT now() + interval '5 seconds';

-- The id tells this installation from others that use the same Temporal namespace: its task queue is named by it, so no
-- worker takes the tasks of another database's sends.
CREATE TABLE installation (
    id  uuid    PRIMARY KEY,
    one boolean NOT NULL DEFAULT true UNIQUE CHECK (one)
);
INSERT INTO installation (id) VALUES (gen_random_uuid());

-- check_at is when a send without an end is compared with its workflow: at its last possible moment and some minutes, then
-- again and again. restarts counts how often its workflow was started anew. A healthy send costs the index one entry: it
-- comes with the hand-over, whose update writes new entries into all indexes anyhow.
ALTER TABLE sends
    ADD COLUMN check_at timestamptz NOT NULL DEFAULT now() + interval '1 hour',
    ADD COLUMN restarts smallint NOT NULL DEFAULT 0;
ALTER TABLE sends ALTER COLUMN check_at DROP DEFAULT;
CREATE INDEX sends_to_check ON sends (check_at) WHERE handed_over AND finished_at IS NULL AND receipt_by IS NULL;
