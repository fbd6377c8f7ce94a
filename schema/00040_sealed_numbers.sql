-- +goose Up

SET LOCAL lock_timeout = '2s';

-- Whether phone numbers, and what may repeat them, are stored as tokens, which are encrypted under a key that the database does not have;
-- see package seals. A process with another setting or another key refuses to start. The command that converts the rows also adds and
-- drops the constraints that hold the tables to the mode.
CREATE TABLE number_mode (
    mode  text    NOT NULL CHECK (mode IN ('plain', 'sealed', 'converting')),
    key   text    NOT NULL, -- its id; empty: the rows are plain, or become so
    proof text    NOT NULL, -- of the key
    one   boolean NOT NULL DEFAULT true UNIQUE CHECK (one)
);
INSERT INTO number_mode (mode, key, proof) VALUES ('plain', '', '');

-- The processes that serve, and when each was seen. The rows are not converted while there are any.
CREATE TABLE serving (
    process uuid        PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- A token has another form than a number and a mask. No old row has one, so the rows need not be read.
ALTER TABLE sends
    DROP CONSTRAINT sends_recipient_check,
    ADD CONSTRAINT sends_recipient_check CHECK (
        recipient ~ '^\+[1-9][0-9]{6,14}$' OR recipient ~ '^\+([1-9][0-9])?•{5}([0-9]{2})?$' OR recipient ~ '^~n[A-Za-z0-9_-]{47}$'
    ) NOT VALID;
ALTER TABLE opt_outs
    DROP CONSTRAINT opt_outs_recipient_check,
    DROP CONSTRAINT opt_outs_note_check,
    ADD CONSTRAINT opt_outs_recipient_check CHECK (
        recipient ~ '^\+[1-9][0-9]{6,14}$' OR recipient ~ '^~n[A-Za-z0-9_-]{47}$'
    ) NOT VALID,
    ADD CONSTRAINT opt_outs_note_check CHECK (
        char_length(note) <= 200 OR char_length(note) <= 1200 AND note ~ '^~w[A-Za-z0-9_-]{26,}$'
    ) NOT VALID;
ALTER TABLE erasures
    DROP CONSTRAINT erasures_recipient_check,
    ADD CONSTRAINT erasures_recipient_check CHECK (
        recipient ~ '^\+[1-9][0-9]{6,14}$' OR recipient ~ '^~n[A-Za-z0-9_-]{47}$'
    ) NOT VALID;

-- The conversion changes entries of the audit too, by a door of its own.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    door text := coalesce(current_setting('backstop.audit_door', true), '');
BEGIN
    IF TG_OP = 'DELETE' AND door = 'drop' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND door IN ('mask', 'convert')
        AND to_jsonb(NEW) - ARRAY['recipient', 'before', 'after'] = to_jsonb(OLD) - ARRAY['recipient', 'before', 'after'] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
-- +goose StatementEnd

-- The conversion of an opt-out is no change of it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit_opt_out() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden text[] := ARRAY['recipient', 'stored_at'];
    o      opt_outs := coalesce(NEW, OLD);
    was    jsonb;
    now_is jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('backstop.audit_door', true) = 'convert' THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - hidden;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now_is := to_jsonb(NEW) - hidden;
    END IF;
    PERFORM audit_write(NULL, audit_action(TG_OP), 'opt_out', o.id::text, o.category, o.recipient, was, now_is);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
