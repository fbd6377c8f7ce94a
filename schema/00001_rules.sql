-- +goose Up

CREATE TABLE rules (
    id           uuid        PRIMARY KEY,
    name         text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64 AND name = btrim(name)),
    type         text        NOT NULL CHECK (type IN ('send_failed', 'undelivered', 'unread')),
    wait_seconds integer     NOT NULL CHECK (wait_seconds BETWEEN 0 AND 2592000), -- 0: no wait; at most 30 days
    send_id      text        NOT NULL, -- the SMS sender ID
    countries    text[]      NOT NULL, -- empty: every country
    version      integer     NOT NULL CHECK (version >= 1),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT rules_unread_waits CHECK (type <> 'unread' OR wait_seconds > 0),
    CONSTRAINT rules_send_id_shape CHECK (
        send_id ~ '^\+[1-9][0-9]{6,14}$'
        OR send_id ~ '^[0-9]{3,8}$'
        OR (send_id ~ '^[A-Za-z0-9 _&.+-]{1,11}$' AND send_id ~ '[A-Za-z]' AND send_id = btrim(send_id))
    ),
    CONSTRAINT rules_countries_shape CHECK (
        cardinality(countries) <= 250
        AND array_position(countries, NULL) IS NULL
        AND array_to_string(countries, ',') ~ '^([A-Z]{2}(,[A-Z]{2})*)?$'
    )
);

CREATE UNIQUE INDEX rules_name_key ON rules (lower(name));

CREATE TABLE policies (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64 AND name = btrim(name)),
    version    integer     NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX policies_name_key ON policies (lower(name));

CREATE TABLE policy_rules (
    policy_id uuid     NOT NULL REFERENCES policies ON DELETE CASCADE,
    position  smallint NOT NULL CHECK (position BETWEEN 1 AND 10), -- the order that settles a tie
    rule_id   uuid     NOT NULL REFERENCES rules, -- a rule in use is not deleted
    PRIMARY KEY (policy_id, position),
    CONSTRAINT policy_rules_rule_once UNIQUE (rule_id, policy_id) -- in this order it also finds the policies of a rule
);
