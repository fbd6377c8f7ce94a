-- +goose Up

-- The API keys. BACKSTOP_API_KEY is not among them. Each process reads the whole table every second.
CREATE TABLE api_keys (
    id            uuid        PRIMARY KEY,
    name          text        NOT NULL CHECK (name <> ''),
    kind          text        NOT NULL CHECK (kind IN ('live', 'test')),
    scopes        text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    policies      text[]      NOT NULL, -- empty: all; a policy that is deleted stays named, so that the key does not get more
    accounts      text[]      NOT NULL, -- empty: all
    rate_limit    integer     NOT NULL CHECK (rate_limit >= 0), -- requests a second; 0: none
    callback      jsonb,      -- of sends that have none; null: that of the configuration
    expires_at    timestamptz,
    prefix        text        NOT NULL, -- of the secret
    digest        bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32), -- SHA-256 of the secret
    former_prefix text        NOT NULL,
    former_digest bytea       UNIQUE CHECK (octet_length(former_digest) = 32), -- null: the key was not rotated
    former_until  timestamptz CHECK ((former_until IS NULL) = (former_digest IS NULL)),
    last_used_at  timestamptz,
    version       integer     NOT NULL CHECK (version >= 1),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX api_keys_name_key ON api_keys (lower(name));

SET LOCAL lock_timeout = '2s';

-- The key with which a session was made, and with which it ends; null: BACKSTOP_API_KEY. The table has few rows.
ALTER TABLE console_sessions ADD COLUMN key uuid;
ALTER TABLE console_sessions ADD CONSTRAINT console_sessions_key
    FOREIGN KEY (key) REFERENCES api_keys (id) ON DELETE CASCADE NOT VALID;

-- A send of a test key goes to the sandbox.
ALTER TABLE sends ADD COLUMN is_test boolean NOT NULL DEFAULT false;
