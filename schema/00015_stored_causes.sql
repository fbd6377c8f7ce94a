-- +goose Up

-- A transaction of its own, without the locks of ALTER TABLE: of a million sends these updates take minutes, and the processes of
-- the old version accept sends meanwhile. What those store has no codes.

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

-- The text of a failure is "<kind> (<class>): <reason>", where a class and a reason may be absent. Of a repeated call "(call 2)"
-- follows.
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

-- A channel is given up after its newest call, so that call's failure is the event's.
UPDATE events SET failure = a.failure, code = coalesce(a.failure ->> 'code', '')
FROM attempts AS a
WHERE events.kind = 'gave_up' AND a.send = events.send AND a.channel = events.channel AND a.rule = events.rule
    AND a.state IN ('throttled', 'unavailable') AND a.status = 'failed' AND a.failure IS NOT NULL;
