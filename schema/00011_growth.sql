-- +goose Up

-- The receipts of a send: without it, deleting sends reads all receipts for each of them.
CREATE INDEX receipts_by_send ON receipts (send) WHERE send IS NOT NULL;
-- The receipts that match no attempt, by age: ids begin with the time.
CREATE INDEX receipts_orphaned ON receipts (id) WHERE send IS NULL;
-- A list by policy and outcome. Before, it read all sends of the policy to find those of a rare outcome.
CREATE INDEX sends_by_policy_outcome ON sends (policy_id, outcome, id);
