-- +goose Up

-- The time of the newest event of a send, by the database's clock. The times of a timeline never go back.
ALTER TABLE sends ADD COLUMN changed_at timestamptz;
UPDATE sends SET changed_at = coalesce((SELECT max(at) FROM events WHERE events.send = sends.id), accepted_at);
ALTER TABLE sends ALTER COLUMN changed_at SET NOT NULL;

-- One row per step: it counts the calls of the step and holds the newest one. A call may be accepted without a message
-- id; then a receipt brings the id.
DELETE FROM attempts AS older USING attempts AS newer
WHERE older.send = newer.send AND older.step = newer.step AND older.number < newer.number;
ALTER TABLE attempts
    DROP CONSTRAINT attempts_pkey,
    DROP CONSTRAINT attempts_accepted_id,
    ADD COLUMN token text NOT NULL DEFAULT '',            -- made by the caller before the call is begun
    ADD COLUMN reported smallint NOT NULL DEFAULT 0,      -- the statuses of the receipts, as a bit set
    ADD COLUMN refusal jsonb,                             -- why the message failed after it was accepted
    ADD CONSTRAINT attempts_refusal_reported CHECK (refusal IS NULL OR status IN ('failed', 'delivered', 'read'));

-- The step of an attempt is now derived from its channel, rule and resend: WhatsApp is 1 and its resend 2, the SMS of
-- the plan's rule i (from 0) is 3 + 2i and its resend 4 + 2i. Before, steps were counted.
CREATE TEMPORARY TABLE steps ON COMMIT DROP AS
SELECT a.send, a.step AS counted,
    CASE a.channel WHEN 'whatsapp' THEN 1 ELSE 3 + 2 * coalesce((
        SELECT r.place::int - 1 FROM jsonb_array_elements(s.plan -> 'rules') WITH ORDINALITY AS r (rule, place)
        WHERE r.rule ->> 'name' = a.rule LIMIT 1
    ), 0) END + least(row_number() OVER (PARTITION BY a.send, a.channel, a.rule ORDER BY a.step) - 1, 1)::int AS derived
FROM attempts AS a JOIN sends AS s ON s.id = a.send;

-- If there are more than two attempts of one kind, the first and the newest are kept.
DELETE FROM attempts USING steps AS older JOIN steps AS newer USING (send, derived)
WHERE attempts.send = older.send AND attempts.step = older.counted AND older.counted < newer.counted;
UPDATE receipts SET step = steps.derived FROM steps WHERE receipts.send = steps.send AND receipts.step = steps.counted;
UPDATE attempts SET step = steps.derived FROM steps WHERE attempts.send = steps.send AND attempts.step = steps.counted;
ALTER TABLE attempts ADD PRIMARY KEY (send, step);

UPDATE attempts SET reported = r.bits, refusal = CASE WHEN attempts.status <> 'sent' THEN r.refusal END
FROM (
    SELECT send, step, message_id,
        bit_or(CASE status WHEN 'sent' THEN 8 WHEN 'failed' THEN 16 WHEN 'delivered' THEN 32 ELSE 64 END) AS bits,
        (array_agg(failure) FILTER (WHERE status = 'failed' AND failure IS NOT NULL))[1] AS refusal
    FROM receipts WHERE send IS NOT NULL GROUP BY send, step, message_id
) AS r
WHERE attempts.send = r.send AND attempts.step = r.step AND attempts.message_id = r.message_id
    AND attempts.status IN ('sent', 'failed', 'delivered', 'read');

-- A provider may answer after its call was ended as unknown. The answer is kept like a receipt until it is signalled.
ALTER TABLE receipts
    DROP CONSTRAINT receipts_status_check,
    ADD CONSTRAINT receipts_status_check CHECK (status IN ('submitted', 'sent', 'failed', 'delivered', 'read'));
