-- +goose Up

-- Why a rule fired and why a message failed, as codes: their texts are for people. Null in the rows that have neither, so those
-- take no room.
ALTER TABLE sends ADD COLUMN fired_cause text NOT NULL DEFAULT ''
    CHECK (fired_cause IN ('', 'failed', 'not_sent', 'not_delivered', 'not_read', 'too_late'));
ALTER TABLE attempts ADD COLUMN cause text
    CHECK (cause IN ('failed', 'not_sent', 'not_delivered', 'not_read', 'too_late'));
ALTER TABLE events
    ADD COLUMN cause text CHECK (cause IN ('failed', 'not_sent', 'not_delivered', 'not_read', 'too_late')),
    ADD COLUMN failure jsonb;
