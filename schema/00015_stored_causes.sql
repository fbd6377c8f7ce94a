-- +goose Up

-- These updates are in a migration of their own, because with a million sends they take minutes. So they do not hold the locks of
-- ALTER TABLE. Processes of the old version go on, and the rows that they store have no codes.

-- The codes of stored rows come from their texts. A text of other words has no code.
CREATE TEMPORARY TABLE causes (cause, words) ON COMMIT DROP AS VALUES
    ('failed', 'the WhatsApp message failed%'),
    ('not_sent', 'not sent within %'),
    ('not_delivered', 'not delivered within %'),
    ('not_read', 'not read within %'),
    ('too_late', 'handed over after the wait had ended%');
UPDATE sends SET fired_cause = causes.cause FROM causes WHERE fired_reason LIKE words;
UPDATE attempts SET cause = causes.cause FROM causes WHERE reason LIKE words;
UPDATE events SET cause = causes.cause FROM causes WHERE kind = 'rule_fired' AND detail LIKE words;

-- The text of a failure is "<kind> (<class>): <reason>". The class and the reason may be absent. A repeated call has "(call 2)" at
-- the end.
UPDATE events SET failure = jsonb_strip_nulls(jsonb_build_object(
    'kind', f.part[1], 'class', f.part[2], 'code', nullif(events.code, ''), 'reason', nullif(f.part[3], '')
))
FROM (
    SELECT send, seq, regexp_match(
        CASE kind WHEN 'attempt' THEN regexp_replace(detail, ' \(call \d+\)$', '') ELSE detail END,
        '^(rejected|throttled|unavailable|unknown)(?: \((recipient|template|account|opted_out|expired)\))?(?:: (.*))?$'
    ) AS part
    FROM events WHERE kind IN ('attempt', 'receipt') AND detail <> ''
) AS f
WHERE f.part IS NOT NULL AND events.send = f.send AND events.seq = f.seq;

-- A channel is given up after its newest call. So the event has the failure of that call.
UPDATE events SET failure = a.failure, code = coalesce(a.failure ->> 'code', '')
FROM attempts AS a
WHERE events.kind = 'gave_up' AND a.send = events.send AND a.channel = events.channel AND a.rule = events.rule
    AND a.state IN ('throttled', 'unavailable') AND a.status = 'failed' AND a.failure IS NOT NULL;
