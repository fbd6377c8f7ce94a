-- +goose Up

-- What the statistics count and no column says yet. None of these is in an index, so that a change of a send stays as
-- cheap as it was.
ALTER TABLE sends
    ADD COLUMN delivered_at timestamptz, -- the first receipt that says delivered or read, of either channel, by our clock
    ADD COLUMN delivered_by text NOT NULL DEFAULT '', -- the channel that it was about
    ADD COLUMN fallback_reason text NOT NULL DEFAULT '' -- why the first of its rules fired
        CHECK (fallback_reason IN ('', 'failed', 'not_sent', 'not_delivered', 'not_read', 'too_late')),
    ADD CONSTRAINT sends_delivered_by CHECK (delivered_by = '' AND delivered_at IS NULL
        OR delivered_by IN ('whatsapp', 'sms') AND delivered_at IS NOT NULL),
    ADD CONSTRAINT sends_fallback_of_fired CHECK (fired <> '' OR fallback_reason = '');

UPDATE sends SET delivered_at = e.at, delivered_by = e.channel
FROM (
    SELECT DISTINCT ON (send) send, at, channel FROM events
    WHERE kind = 'receipt' AND status IN ('delivered', 'read') ORDER BY send, seq
) AS e
WHERE e.send = sends.id;

-- The reason of the first rule that fired, leaving out those that were averted before any SMS may have gone out. The words
-- are those that the timeline has for it; of others the reason stays unknown.
UPDATE sends SET fallback_reason = CASE
    WHEN f.detail LIKE 'the WhatsApp message failed%' THEN 'failed'
    WHEN f.detail LIKE 'not sent within %' THEN 'not_sent'
    WHEN f.detail LIKE 'not delivered within %' THEN 'not_delivered'
    WHEN f.detail LIKE 'not read within %' THEN 'not_read'
    WHEN f.detail LIKE 'handed over after the wait had ended%' THEN 'too_late'
    ELSE '' END
FROM (
    SELECT DISTINCT ON (e.send) e.send, e.detail FROM events AS e
    WHERE e.kind = 'rule_fired' AND NOT EXISTS (
        SELECT FROM events AS averted
        WHERE averted.send = e.send AND averted.kind = 'averted' AND averted.seq > e.seq AND NOT EXISTS (
            SELECT FROM attempts AS sms
            WHERE sms.send = e.send AND sms.channel = 'sms' AND sms.state IN ('calling', 'accepted', 'unknown')
                AND sms.started_at <= averted.at
        )
    )
    ORDER BY e.send, e.seq
) AS f
WHERE f.send = sends.id AND sends.fired <> '';

-- By it the statistics know alike plans without reading them. As the last change of the table it also leaves no room taken
-- by the rows as they were before: it writes the table anew.
ALTER TABLE sends ADD COLUMN plan_digest bigint GENERATED ALWAYS AS (jsonb_hash_extended(plan, 0)) STORED;

-- Few sends are averted; the others cost this index nothing.
CREATE INDEX events_averted ON events (send) WHERE kind = 'averted';
