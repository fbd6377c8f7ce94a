-- +goose Up

-- Why a rule fired and why a message failed, as codes. Their texts are for people. A row without a fired rule or a failure has
-- null, which takes no room.
ALTER TABLE sends ADD COLUMN fired_cause text NOT NULL DEFAULT ''
    CHECK (fired_cause IN ('', 'failed', 'not_sent', 'not_delivered', 'not_read', 'too_late'));
ALTER TABLE attempts ADD COLUMN cause text
    CHECK (cause IN ('failed', 'not_sent', 'not_delivered', 'not_read', 'too_late'));
ALTER TABLE events
    ADD COLUMN cause text CHECK (cause IN ('failed', 'not_sent', 'not_delivered', 'not_read', 'too_late')),
    ADD COLUMN failure jsonb;
