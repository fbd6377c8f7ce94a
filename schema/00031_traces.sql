-- +goose Up

SET LOCAL lock_timeout = '2s';

-- The W3C trace context of the request that made the send, of 55 characters; null: the send is not traced.
ALTER TABLE sends ADD COLUMN traceparent text;

-- The calls of unknown end are few. The index is for the gauge that counts those of open sends.
-- lint: it has few entries; its build reads the table once, about a second per million rows, and writes to it wait meanwhile
CREATE INDEX attempts_unknown ON attempts (send) WHERE state = 'unknown' AND status = '';
