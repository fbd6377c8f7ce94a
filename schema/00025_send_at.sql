-- +goose Up

-- A scheduled send starts at send_at. Until then it is a row and nothing else: no workflow and no timer. A sweeper starts it when
-- its turn comes, and sets started_at in the statement that claims it. Its sweep_at is infinity until then, so the sweeper's claims
-- of other sends do not meet it. No old row has a value, so the rows need not be read.
ALTER TABLE sends
    ADD COLUMN send_at timestamptz,
    ADD COLUMN started_at timestamptz,
    ADD CONSTRAINT sends_send_at CHECK (send_at > accepted_at AND send_at < expires_at) NOT VALID,
    ADD CONSTRAINT sends_started_at CHECK (started_at IS NULL OR send_at IS NOT NULL AND started_at >= send_at) NOT VALID;

-- The scheduled sends, in the order in which they start, and in the order of the lists. Other sends have no entry.
CREATE INDEX sends_scheduled ON sends (send_at) WHERE send_at IS NOT NULL AND started_at IS NULL AND finished_at IS NULL;
CREATE INDEX sends_scheduled_ids ON sends (id) WHERE send_at IS NOT NULL AND started_at IS NULL AND finished_at IS NULL;

-- The rate at which scheduled sends start, in all processes together. A claim adds the time that its sends take up at the rate to
-- free_at. granted is how many sends the newest claim got.
CREATE TABLE scheduled_pace (
    free_at timestamptz NOT NULL,
    granted integer     NOT NULL CHECK (granted >= 0),
    one     boolean     NOT NULL DEFAULT true UNIQUE CHECK (one)
);
INSERT INTO scheduled_pace (free_at, granted) VALUES (now(), 0);
