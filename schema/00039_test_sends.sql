-- +goose NO TRANSACTION
-- +goose Up

-- The sends of test keys are few among the live ones. The index is for their lists.
DROP INDEX CONCURRENTLY IF EXISTS sends_test;
CREATE INDEX CONCURRENTLY sends_test ON sends (id) WHERE is_test;
