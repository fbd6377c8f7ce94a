-- +goose Up

-- How far a message has come on one channel. Empty: the channel was not used, or nothing is known yet.
CREATE DOMAIN status AS text
    CHECK (VALUE IN ('', 'queued', 'submitted', 'sent', 'failed', 'delivered', 'read'));

CREATE DOMAIN channel AS text
    CHECK (VALUE IN ('whatsapp', 'sms'));

-- The row changes with every receipt. The room left free in each page lets Postgres write the new version beside the
-- old one without touching the indexes, as long as no indexed column changes.
CREATE TABLE sends (
    id                 uuid        PRIMARY KEY,
    recipient          text        NOT NULL CHECK (recipient ~ '^\+[1-9][0-9]{6,14}$'), -- E.164
    country            text        NOT NULL CHECK (country ~ '^([A-Z]{2})?$'),
    text               text        NOT NULL,
    template           json, -- not jsonb: its components are passed through letter for letter
    sms_text           text        NOT NULL CHECK (sms_text <> ''),
    category           text        NOT NULL CHECK (category IN ('', 'authentication', 'utility', 'marketing')),
    expires_at         timestamptz,
    policy_id          uuid        NOT NULL, -- no foreign key: the policy may be deleted, its plan stays
    plan               jsonb       NOT NULL,
    accepted_at        timestamptz NOT NULL,
    whatsapp_status    status      NOT NULL CHECK (whatsapp_status <> ''),
    sms_status         status      NOT NULL,
    fired              text        NOT NULL, -- the name of the newest rule that fired
    fired_reason       text        NOT NULL,
    duplicate_delivery boolean     NOT NULL,
    expired            boolean     NOT NULL,
    finished_at        timestamptz,
    outcome            text        NOT NULL
        CHECK (outcome IN ('pending', 'whatsapp', 'sms', 'unconfirmed', 'expired', 'failed')),
    handed_over        boolean     NOT NULL DEFAULT false, -- the engine has it
    idempotency_key    text        CHECK (idempotency_key ~ '^[ -~]{1,255}$'),
    idempotency_hash   bytea,
    CONSTRAINT sends_id_uuidv7 CHECK (get_byte(uuid_send(id), 6) >> 4 = 7), -- the order of ids is the order of time
    CONSTRAINT sends_text_or_template CHECK ((text <> '') <> (template IS NOT NULL)),
    CONSTRAINT sends_plan_of_policy CHECK ((plan ->> 'policy_id')::uuid IS NOT DISTINCT FROM policy_id),
    CONSTRAINT sends_fired_with_reason CHECK (fired <> '' OR fired_reason = ''),
    CONSTRAINT sends_finished_outcome CHECK ((finished_at IS NOT NULL) = (outcome <> 'pending')),
    CONSTRAINT sends_key_with_hash CHECK ((idempotency_key IS NULL) = (idempotency_hash IS NULL))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX sends_idempotency_key ON sends (idempotency_key) WHERE idempotency_key IS NOT NULL;
-- The lists, newest first. A time range is a range of ids, so each of these serves it too.
CREATE INDEX sends_by_outcome ON sends (outcome, id);
CREATE INDEX sends_by_policy ON sends (policy_id, id);
CREATE INDEX sends_by_recipient ON sends (recipient, id);
CREATE INDEX sends_not_handed_over ON sends (accepted_at) WHERE NOT handed_over;

CREATE TABLE attempts (
    send       uuid        NOT NULL REFERENCES sends,
    step       integer     NOT NULL CHECK (step >= 1),
    number     integer     NOT NULL CHECK (number >= 1), -- of the call within the step
    channel    channel     NOT NULL,
    provider   text        NOT NULL CHECK (provider <> ''),
    rule       text        NOT NULL,
    reason     text        NOT NULL,
    send_id    text        NOT NULL, -- the SMS sender ID
    state      text        NOT NULL
        CHECK (state IN ('calling', 'accepted', 'rejected', 'throttled', 'unavailable', 'unknown')),
    status     status      NOT NULL,
    message_id text        NOT NULL, -- the provider's; a receipt may bring it before the call has ended
    segments   integer     NOT NULL CHECK (segments >= 0),
    failure    jsonb,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (send, step, number),
    CONSTRAINT attempts_rule_of_sms CHECK (channel = 'sms' OR (rule = '' AND reason = '' AND send_id = '')),
    CONSTRAINT attempts_accepted_id CHECK (state <> 'accepted' OR message_id <> ''),
    CONSTRAINT attempts_calling_open CHECK ((state = 'calling') = (ended_at IS NULL)),
    CONSTRAINT attempts_failed_why CHECK ((state IN ('calling', 'accepted')) = (failure IS NULL)),
    CONSTRAINT attempts_failure_kind CHECK (failure IS NULL OR failure ->> 'kind' IS NOT DISTINCT FROM state)
) WITH (fillfactor = 80);

CREATE INDEX attempts_by_message ON attempts (provider, message_id) WHERE message_id <> '';

CREATE TABLE receipts (
    id           uuid        PRIMARY KEY,
    provider     text        NOT NULL CHECK (provider <> ''),
    channel      channel     NOT NULL,
    message_id   text        NOT NULL CHECK (message_id <> ''),
    send         uuid        REFERENCES sends, -- null: it matched no attempt yet
    step         integer     CHECK (step >= 1),
    status       status      NOT NULL CHECK (status IN ('sent', 'failed', 'delivered', 'read')),
    at           timestamptz NOT NULL, -- by the provider's clock
    failure      jsonb,
    received_at  timestamptz NOT NULL, -- by ours
    needs_signal boolean     NOT NULL, -- a workflow waits for it and has not been told
    -- One message reports each status once. The first two columns also find the receipts that wait for an attempt.
    CONSTRAINT receipts_once UNIQUE (provider, message_id, status),
    CONSTRAINT receipts_send_with_step CHECK ((send IS NULL) = (step IS NULL)),
    CONSTRAINT receipts_failure_of_failed CHECK (failure IS NULL OR status = 'failed'),
    CONSTRAINT receipts_signal_to_send CHECK (NOT needs_signal OR send IS NOT NULL)
) WITH (fillfactor = 90);

CREATE INDEX receipts_not_signalled ON receipts (received_at) WHERE needs_signal;

CREATE TABLE events (
    send    uuid        NOT NULL REFERENCES sends,
    seq     integer     NOT NULL CHECK (seq >= 1), -- counted within the send, in the order in which we learned of things
    at      timestamptz NOT NULL,
    kind    text        NOT NULL CHECK (kind IN (
        'accepted', 'attempt', 'receipt', 'gave_up', 'rule_fired', 'averted', 'duplicate_delivery', 'expired',
        'opted_out', 'finished'
    )),
    channel text        NOT NULL CHECK (channel IN ('', 'whatsapp', 'sms')),
    status  status      NOT NULL,
    rule    text        NOT NULL,
    code    text        NOT NULL,
    detail  text        NOT NULL,
    PRIMARY KEY (send, seq)
);
