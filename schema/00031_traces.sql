-- +goose Up

-- The W3C trace context of the request that made the send, of 55 characters; null: the send is not traced.
ALTER TABLE sends ADD COLUMN traceparent text;

-- The calls of unknown end are few. The index is for the gauge that counts those of open sends. Its build reads the table once, and
-- writes to the table wait meanwhile: about a second per million rows.
CREATE INDEX attempts_unknown ON attempts (send) WHERE state = 'unknown' AND status = '';
