-- +goose Up

-- How many people the accounts with a messaging limit wrote to in the last 24 hours, as it was counted last. A process claims an
-- account: it sets a token, and moves due_at to the end of a lease.
CREATE TABLE account_recipients (
    account        text        PRIMARY KEY CHECK (account <> ''),
    limit_group    text        NOT NULL, -- what the accounts that share the limit have in common, at their provider
    grouped_at     timestamptz NOT NULL, -- calls before it went out by another group
    due_at         timestamptz NOT NULL,
    token          text        NOT NULL, -- of the process that counts now; empty: none does
    most           integer     NOT NULL CHECK (most >= 0), -- the limit; 0: the account has none any more
    recipients     integer     NOT NULL CHECK (recipients >= 0),
    counted_at     timestamptz, -- null: it was not counted yet
    is_near        boolean     NOT NULL,
    reached_at     timestamptz, -- when the limit was reached; null: it is not
    CHECK (counted_at IS NOT NULL OR NOT is_near AND reached_at IS NULL)
);

-- The newest calls of an account. Each WhatsApp message has one entry of about 40 bytes.
CREATE INDEX attempts_by_start ON attempts (account, started_at) WHERE channel = 'whatsapp';
