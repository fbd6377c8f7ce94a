-- +goose Up

-- When the caller confirmed that the recipient has acted. The outcome alone does not say it: a send may be confirmed after its end.
ALTER TABLE sends ADD COLUMN confirmed_at timestamptz;

-- No old row has a new outcome or a new kind, so the rows need not be read.
ALTER TABLE sends
    DROP CONSTRAINT sends_outcome_check,
    ADD CONSTRAINT sends_outcome_check CHECK (outcome IN (
        'pending', 'whatsapp', 'sms', 'unconfirmed', 'expired', 'failed', 'cancelled', 'confirmed'
    )) NOT VALID;
ALTER TABLE events
    DROP CONSTRAINT events_kind_check,
    ADD CONSTRAINT events_kind_check CHECK (kind IN (
        'accepted', 'attempt', 'receipt', 'gave_up', 'rule_fired', 'routed', 'averted', 'duplicate_delivery', 'expired',
        'opted_out', 'cancelled', 'confirmed', 'finished'
    )) NOT VALID;
