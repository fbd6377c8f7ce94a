-- +goose Up

-- A sweeper claims overdue sends in the order of this index. Claimed sends leave its beginning until their lease ends, so a claim
-- reads only rows that it gets, however many others are leased.
DROP INDEX sends_receipt_by;
CREATE INDEX sends_overdue ON sends (greatest(receipt_by, sweep_at)) WHERE receipt_by IS NOT NULL;
