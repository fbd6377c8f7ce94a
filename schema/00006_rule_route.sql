-- +goose Up

-- The SMS provider account that sends; empty: the default one. Which there are is configured, and may change.
ALTER TABLE rules
    ADD COLUMN route text NOT NULL DEFAULT '',
    ADD CONSTRAINT rules_route_shape CHECK (route ~ '^([a-z0-9][a-z0-9_-]{0,63})?$');
