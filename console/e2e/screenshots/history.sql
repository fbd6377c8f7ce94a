-- Copies the finished sends over the last 24 hours, so that the overview shows a day and not a minute. A copy differs from its
-- original in the id and the times. Columns come from the schema, so a new column needs no change here.

CREATE TEMPORARY TABLE copies AS
WITH weights (scenario, copies) AS ( -- how many copies of a send, by the last two digits of its recipient
    VALUES ('01', 1800), ('02', 260), ('03', 70), ('04', 60), ('06', 12), ('12', 8), ('13', 9), ('16', 6)
), numbered AS (
    SELECT s.id AS original, s.accepted_at, md5(s.id::text || i) AS noise
    FROM sends AS s JOIN weights AS w ON right(s.recipient, 2) = w.scenario, generate_series(1, w.copies) AS i
    WHERE s.finished_at IS NOT NULL
), aged AS ( -- few sends in the night
    SELECT original, noise, accepted_at, interval '1 second' * (86000.0 * ('x' || substr(noise, 1, 4))::bit(16)::int / 65536) AS age
    FROM numbered
)
SELECT original, age,
    (lpad(to_hex((extract(epoch FROM accepted_at - age) * 1000)::bigint), 12, '0')
        || '7' || substr(noise, 8, 3) || '8' || substr(noise, 12, 15))::uuid AS id
FROM aged
WHERE ('x' || substr(noise, 28, 4))::bit(16)::int / 65536.0
    < 0.55 + 0.45 * sin(extract(epoch FROM accepted_at - age) / 86400 * 2 * pi() - pi() / 2);

SELECT format(
    'INSERT INTO sends (%s) SELECT %s FROM copies AS c JOIN sends AS s ON s.id = c.original, jsonb_populate_record(s,
        jsonb_build_object(''id'', c.id, ''accepted_at'', s.accepted_at - c.age, ''finished_at'', s.finished_at - c.age,
            ''delivered_at'', s.delivered_at - c.age)) AS r',
    string_agg(quote_ident(column_name), ', '), string_agg('r.' || quote_ident(column_name), ', '))
FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = 'sends' AND is_generated = 'NEVER' \gexec
