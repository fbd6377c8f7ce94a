-- +goose Up

-- The people who want no messages, or none of a category, over both channels and all accounts.
CREATE TABLE opt_outs (
    recipient text        NOT NULL CHECK (recipient ~ '^\+[1-9][0-9]{6,14}$'),
    category  text        NOT NULL CHECK (category IN ('all', 'authentication', 'utility', 'marketing')),
    id        uuid        NOT NULL,
    since     timestamptz NOT NULL, -- when the person opted out, as far as the source says
    source    text        NOT NULL CHECK (source IN ('message', 'preference', 'provider', 'api', 'console', 'import')),
    channel   text        NOT NULL CHECK (channel IN ('', 'whatsapp', 'sms')),
    provider  text        NOT NULL,
    account   text        NOT NULL,
    code      text        NOT NULL, -- the provider's
    send      uuid,                 -- that the provider refused; no foreign key: the send may be deleted
    inbound   text        NOT NULL, -- the provider's id of the person's message
    note      text        NOT NULL CHECK (char_length(note) <= 200),
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (recipient, category)
);

CREATE UNIQUE INDEX opt_outs_by_id ON opt_outs (id);
CREATE INDEX opt_outs_by_end ON opt_outs (reverse(recipient) text_pattern_ops);

-- Who opted out and in again, when, and how that became known. It is kept as a proof, also after the entry is gone.
CREATE TABLE opt_out_changes (
    id        uuid        PRIMARY KEY,
    recipient text        NOT NULL,
    category  text        NOT NULL,
    is_out    boolean     NOT NULL, -- false: the opt-out ended
    at        timestamptz NOT NULL, -- as the source says
    source    text        NOT NULL CHECK (source IN ('message', 'preference', 'provider', 'api', 'console', 'import')),
    channel   text        NOT NULL,
    provider  text        NOT NULL,
    account   text        NOT NULL,
    code      text        NOT NULL,
    send      uuid,
    inbound   text        NOT NULL,
    note      text        NOT NULL,
    stored_at timestamptz NOT NULL
);

CREATE INDEX opt_out_changes_by_recipient ON opt_out_changes (recipient, id);

-- The purpose of the messages that a STOP or a START is about; empty: the person did not say.
ALTER TABLE inbound ADD COLUMN category text NOT NULL DEFAULT '';
