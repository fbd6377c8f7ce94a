-- Copies the finished sends over the last 48 hours, so that the overview shows a day and not a minute, and compares it with the
-- day before. Then WhatsApp refused fewer messages. A copy differs from its original in the ids and the times. Columns come from
-- the schema, so a new column needs no change here.

CREATE TEMPORARY TABLE copies AS
WITH weights (scenario, copies) AS ( -- how many copies of a send, by the last two digits of its recipient
    VALUES ('01', 3600), ('02', 520), ('03', 140), ('04', 120), ('06', 24), ('12', 16), ('13', 18), ('16', 12)
), numbered AS (
    SELECT s.id AS original, w.scenario, s.accepted_at, md5(s.id::text || i) AS noise
    FROM sends AS s JOIN weights AS w ON right(s.recipient, 2) = w.scenario, generate_series(1, w.copies) AS i
    WHERE s.finished_at IS NOT NULL
), aged AS ( -- few sends in the night
    SELECT original, scenario, noise, accepted_at, interval '1 second' * (172000.0 * ('x' || substr(noise, 1, 4))::bit(16)::int / 65536) AS age
    FROM numbered
)
SELECT original, age,
    (lpad(to_hex((extract(epoch FROM accepted_at - age) * 1000)::bigint), 12, '0')
        || '7' || substr(noise, 8, 3) || '8' || substr(noise, 12, 15))::uuid AS id
FROM aged
WHERE ('x' || substr(noise, 28, 4))::bit(16)::int / 65536.0
    < 0.55 + 0.45 * sin(extract(epoch FROM accepted_at - age) / 86400 * 2 * pi() - pi() / 2)
    AND (scenario <> '04' OR age < interval '1 day' OR substr(noise, 27, 1) < '5');

SELECT format(
    'INSERT INTO sends (%s) SELECT %s FROM copies AS c JOIN sends AS s ON s.id = c.original, jsonb_populate_record(s,
        jsonb_build_object(''id'', c.id, ''accepted_at'', s.accepted_at - c.age, ''finished_at'', s.finished_at - c.age,
            ''delivered_at'', s.delivered_at - c.age)) AS r',
    string_agg(quote_ident(column_name), ', '), string_agg('r.' || quote_ident(column_name), ', '))
FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = 'sends' AND is_generated = 'NEVER' \gexec

INSERT INTO attempts
SELECT r.* FROM copies AS c JOIN attempts AS a ON a.send = c.original, jsonb_populate_record(a, jsonb_build_object(
    'send', c.id, 'started_at', a.started_at - c.age, 'ended_at', a.ended_at - c.age,
    'message_id', CASE WHEN a.message_id <> '' THEN a.message_id || c.id ELSE '' END)) AS r;
