-- +goose Up

-- Until when the receipt of a send's last SMS is waited for here, and by no workflow. Few sends have it, and not for long.
ALTER TABLE sends ADD COLUMN receipt_by timestamptz,
    ADD CONSTRAINT sends_receipt_by CHECK (receipt_by IS NULL OR finished_at IS NULL AND sms_status <> '');

CREATE INDEX sends_receipt_by ON sends (receipt_by) WHERE receipt_by IS NOT NULL;
