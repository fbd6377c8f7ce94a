-- +goose Up

-- The messages that people write to our senders: STOP, START and replies. Providers may report one more than once.
CREATE TABLE inbound (
    id          uuid        PRIMARY KEY,
    provider    text        NOT NULL CHECK (provider <> ''),
    account     text        NOT NULL CHECK (account <> ''),
    channel     channel     NOT NULL,
    message_id  text        NOT NULL CHECK (message_id <> ''), -- the provider's
    sender      text        NOT NULL, -- the person's number, E.164; empty if the provider hides it
    recipient   text        NOT NULL, -- the sender ID that the person wrote to, as the provider names it
    text        text        NOT NULL,
    keyword     text        NOT NULL CHECK (keyword IN ('', 'stop', 'start')),
    reply_to    text        NOT NULL, -- the provider's id of the message that it answers
    send        uuid,       -- the send of that message; no foreign key: the send may be deleted
    at          timestamptz NOT NULL, -- by the provider's clock
    received_at timestamptz NOT NULL,
    CONSTRAINT inbound_once UNIQUE (provider, message_id, account)
);

CREATE INDEX inbound_by_sender ON inbound (sender, id);
