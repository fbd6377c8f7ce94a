-- +goose NO TRANSACTION
-- +goose Up

-- The sends of test keys, in the order of the lists. Other sends have no entry.
DROP INDEX CONCURRENTLY IF EXISTS sends_test;
CREATE INDEX CONCURRENTLY sends_test ON sends (id) WHERE is_test;
