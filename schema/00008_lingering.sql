-- +goose Up

-- Whether the activity that made the call still waits for the message's receipts. It learns of them from here, so that they
-- need no signal. The constraint holds for all that is there: to look it up would read the whole table under a lock.
ALTER TABLE attempts ADD COLUMN lingering boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT attempts_lingering CHECK (NOT lingering OR state = 'accepted') NOT VALID;
