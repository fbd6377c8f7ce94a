-- +goose Up

-- What a caller adds to a send for its own use.
ALTER TABLE sends
    ADD COLUMN correlation_id     text    NOT NULL DEFAULT '' CHECK (length(correlation_id) <= 128),
    ADD COLUMN correlation_unique boolean NOT NULL DEFAULT false, -- no other send with this flag has the correlation_id
    ADD COLUMN metadata           jsonb   CHECK (jsonb_typeof(metadata) = 'object'), -- null: none
    ADD CONSTRAINT sends_unique_with_correlation CHECK (correlation_id <> '' OR NOT correlation_unique);

-- A send without a correlation_id has no entry in these indexes.
CREATE INDEX sends_by_correlation ON sends (correlation_id, id) WHERE correlation_id <> '';
CREATE UNIQUE INDEX sends_correlation_unique ON sends (correlation_id) WHERE correlation_unique;

-- A send may have rules of its own in place of a policy.
ALTER TABLE sends
    ALTER COLUMN policy_id DROP NOT NULL,
    DROP CONSTRAINT sends_plan_of_policy,
    ADD CONSTRAINT sends_plan_of_policy
        CHECK (nullif(plan ->> 'policy_id', '')::uuid IS NOT DISTINCT FROM policy_id);
