-- +goose NO TRANSACTION
-- +goose Up

-- The W3C trace context of the request that made the send, of 55 characters; null: the send is not traced.
-- +goose StatementBegin
DO $$ BEGIN
    SET LOCAL lock_timeout = '2s';
    ALTER TABLE sends ADD COLUMN IF NOT EXISTS traceparent text;
END $$;
-- +goose StatementEnd

-- The calls of unknown end are few. The index is for the gauge that counts those of open sends.
DROP INDEX CONCURRENTLY IF EXISTS attempts_unknown;
CREATE INDEX CONCURRENTLY attempts_unknown ON attempts (send) WHERE state = 'unknown' AND status = '';
