-- +goose Up

-- A number is found by its last digits, so its index has the digits from the end. It also finds whole numbers.
CREATE INDEX sends_by_number_end ON sends (reverse(recipient) text_pattern_ops, id);
DROP INDEX sends_by_recipient;

-- The filters of the lists. A send without a fallback has one entry in the first of these indexes, and none in the others.
CREATE INDEX sends_by_country ON sends (country, id);
CREATE INDEX sends_by_reason ON sends (fallback_reason, id) WHERE fired <> '';
CREATE INDEX sends_by_fired ON sends (fired, id) WHERE fired <> '';
CREATE INDEX sends_duplicate ON sends (id) WHERE duplicate_delivery;
CREATE INDEX attempts_by_sender ON attempts (send_id, send) WHERE channel = 'sms';
CREATE INDEX attempts_by_code ON attempts ((COALESCE(refusal, failure) ->> 'code'), send)
    WHERE refusal IS NOT NULL OR failure IS NOT NULL;
-- Postgres does not use the statistics of a partial index. Without these it expects few rows with a frequent code.
CREATE STATISTICS attempts_code ON (COALESCE(refusal, failure) ->> 'code') FROM attempts;
