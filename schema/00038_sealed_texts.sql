-- +goose Up

SET LOCAL lock_timeout = '2s';

-- The texts, the parameters of the template and the metadata of a send, encrypted under a key that the database does not have; see
-- package seals. Null: they are in the other columns. Otherwise those have marks. No old row has a value, so the rows need not be
-- read.
ALTER TABLE sends
    ADD COLUMN sealed_content bytea,
    ADD CONSTRAINT sends_sealed_once CHECK (
        sealed_content IS NULL OR text IN ('', '•') AND sms_text = '•' AND content_removed_at IS NULL
    ) NOT VALID;

-- The text of a message that a person wrote, in the same way.
ALTER TABLE inbound
    ADD COLUMN sealed_text bytea,
    ADD CONSTRAINT inbound_sealed_once CHECK (sealed_text IS NULL OR text = '•') NOT VALID;
