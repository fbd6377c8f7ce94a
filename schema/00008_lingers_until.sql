-- +goose Up

-- Until when the activity that made the call waits for the message's receipts, at most. It learns of them from here, so that
-- they need no signal meanwhile. The constraint holds for all that is there: to look it up would read the whole table under
-- a lock.
ALTER TABLE attempts ADD COLUMN lingers_until timestamptz,
    ADD CONSTRAINT attempts_lingers_accepted CHECK (lingers_until IS NULL OR state = 'accepted') NOT VALID;
