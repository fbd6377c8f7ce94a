-- +goose Up

SET LOCAL lock_timeout = '2s';

-- Whose a session is, and what is shown of it. A former version of the program writes none of these columns.
-- lint: the table has a row for each browser that is signed in
ALTER TABLE console_sessions
    ADD COLUMN session     uuid        NOT NULL DEFAULT audit_id(clock_timestamp()), -- its id for people; the primary key is derived from the token
    ADD COLUMN person      text        CHECK (person <> ''), -- the subject at the identity provider; null: the session is of a key
    ADD COLUMN person_name text        NOT NULL DEFAULT '',
    ADD COLUMN role        text        NOT NULL DEFAULT '', -- of the person, as of the sign-in
    ADD COLUMN seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(), -- of the newest request; it may be a minute old
    ADD COLUMN address     text        NOT NULL DEFAULT '', -- from which somebody signed in; empty: unknown
    ADD COLUMN agent       text        NOT NULL DEFAULT '', -- what the browser calls itself
    ADD CONSTRAINT console_sessions_of_one CHECK (person IS NULL OR key IS NULL);

-- lint: as above
CREATE UNIQUE INDEX console_sessions_session ON console_sessions (session);
