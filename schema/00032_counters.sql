-- +goose Up

SET LOCAL lock_timeout = '2s';

-- Counts of sends by day (UTC) of acceptance, so that the statistics need no rows of old sends. A day has two kinds of counts. Those
-- with is_gone are of sends that were removed: they were added in the transaction that removed the sends. The others are of the sends
-- that are there, as they were at counted_at.
CREATE TABLE stats_counts (
    day       date             NOT NULL,
    is_gone   boolean          NOT NULL,
    part      text             NOT NULL CHECK (part IN ('time', 'plan', 'delay', 'sms', 'code', 'change')), -- what is counted by
    policy_id uuid             NOT NULL, -- zero: the sends have rules of their own
    key       text             NOT NULL, -- a JSON array: the group, as the query of the part has it
    count     bigint           NOT NULL CHECK (count > 0),
    longest   double precision NOT NULL, -- delay of the group, in seconds
    newest    timestamptz      NOT NULL, -- acceptance
    PRIMARY KEY (day, is_gone, part, policy_id, key)
);

-- The days with counts. Each transaction that writes counts of a day writes its row here, so that one of two that overlap fails or
-- waits.
CREATE TABLE stats_days (
    day        date        PRIMARY KEY,
    counted_at timestamptz, -- null: the sends that are there are counted when asked
    open       bigint      NOT NULL DEFAULT 0 -- sends that had not ended at counted_at
);

-- The plans of the counted sends, by their digest.
CREATE TABLE stats_plans (
    digest bigint PRIMARY KEY,
    plan   jsonb  NOT NULL
);

-- How far each removal has come. A removal takes the sends in the order of their ids, and starts over under another name if its
-- settings change. The row is locked by the process that removes.
CREATE TABLE removals (
    name    text        PRIMARY KEY, -- what is removed, and the categories
    through uuid        NOT NULL, -- all sends up to this one were removed, or are in removals_later
    removed bigint      NOT NULL DEFAULT 0,
    ran_at  timestamptz NOT NULL
);

-- The sends that could not be removed when it was their turn: they had not ended, or had callbacks to post.
CREATE TABLE removals_later (
    name   text        NOT NULL,
    send   uuid        NOT NULL, -- no foreign key: the send may be deleted
    due_at timestamptz NOT NULL,
    PRIMARY KEY (name, send)
);
CREATE INDEX removals_later_due ON removals_later (name, due_at);

-- A number that was removed leaves a mask. No old row has one, so the rows need not be read.
ALTER TABLE sends
    ADD COLUMN content_removed_at timestamptz, -- the texts, the parameters of the template and the metadata are gone
    DROP CONSTRAINT sends_recipient_check,
    ADD CONSTRAINT sends_recipient_check CHECK (
        recipient ~ '^\+[1-9][0-9]{6,14}$' OR recipient ~ '^\+([1-9][0-9])?•{5}([0-9]{2})?$'
    ) NOT VALID;
