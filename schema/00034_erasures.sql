-- +goose Up

-- The people who are to be removed, and those who were. The number is here until the erasure is done.
CREATE TABLE erasures (
    id           uuid        PRIMARY KEY,
    recipient    text        CHECK (recipient ~ '^\+[1-9][0-9]{6,14}$'),
    keep_opt_out boolean     NOT NULL,
    created_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    changed      jsonb       NOT NULL DEFAULT '{}', -- rows, by table
    cancelled    integer     NOT NULL DEFAULT 0, -- sends that had not ended
    pending      integer     NOT NULL DEFAULT 0, -- sends that have not ended yet
    CONSTRAINT erasures_done CHECK ((recipient IS NULL) = (finished_at IS NOT NULL))
);

-- One erasure of a person runs at a time.
CREATE UNIQUE INDEX erasures_running ON erasures (recipient) WHERE finished_at IS NULL;

-- An erasure is in the audit, without the number.
-- +goose StatementBegin
CREATE FUNCTION audit_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_write(
        NULL, 'create', 'erasure', NEW.id::text, '', '', NULL, jsonb_build_object('keep_opt_out', NEW.keep_opt_out)
    );
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_erasures AFTER INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION audit_erasure();
