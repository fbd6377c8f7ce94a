-- +goose Up

-- Who is signed in to the console. The id is an HMAC of the cookie's token under the API key: whoever reads this table can
-- neither sign in with it nor guess the key by it, and a new key finds no session that was opened with an older one.
CREATE TABLE console_sessions (
    id         bytea       PRIMARY KEY CHECK (octet_length(id) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT console_sessions_last CHECK (expires_at > created_at)
);

CREATE INDEX console_sessions_by_end ON console_sessions (expires_at);
