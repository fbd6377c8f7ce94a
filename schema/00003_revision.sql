-- +goose Up

-- Who changes a send reads it, decides, and writes only if its revision is still the one that was read. The events that
-- a change adds have the numbers after the revision that was read; the new revision is the number of the last of them,
-- or the next one if there is none.
ALTER TABLE sends ADD COLUMN revision integer NOT NULL DEFAULT 1; -- a new send has one event

UPDATE sends SET revision = e.seq
FROM (SELECT send, max(seq) AS seq FROM events GROUP BY send) AS e
WHERE e.send = sends.id;
