-- +goose Up

-- The provider accounts that the API stores. Settings has no secrets. Sealed has them all, encrypted under a key that the
-- database does not have; see package keyring.
CREATE TABLE accounts (
    name                 text             PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    provider             text             NOT NULL CHECK (provider <> ''),
    channel              channel          NOT NULL,
    settings             jsonb            NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    sealed               bytea            NOT NULL CHECK (octet_length(sealed) > 0),
    on_unknown           text             NOT NULL CHECK (on_unknown IN ('resend', 'hold')),
    when_unhealthy       text             NOT NULL CHECK (when_unhealthy IN ('fall_back', 'hold')),
    call_timeout_seconds integer          NOT NULL CHECK (call_timeout_seconds BETWEEN 1 AND 20),
    calls_per_second     double precision NOT NULL CHECK (calls_per_second BETWEEN 0 AND 10000), -- 0: no limit
    calls_at_once        integer          NOT NULL CHECK (calls_at_once BETWEEN 0 AND 10000), -- 0: no limit
    countries            text[]           NOT NULL, -- empty: every country
    disabled             boolean          NOT NULL,
    version              integer          NOT NULL CHECK (version >= 1),
    created_at           timestamptz      NOT NULL,
    updated_at           timestamptz      NOT NULL,
    CONSTRAINT accounts_countries_shape CHECK (
        cardinality(countries) <= 250
        AND array_position(countries, NULL) IS NULL
        AND array_to_string(countries, ',') ~ '^([A-Z]{2}(,[A-Z]{2})*)?$'
    )
);

-- Each statement that may change an account adds one to the mark. A process reads this row every few seconds, and the accounts
-- only if the mark has changed. The row is locked until the change is committed, so the order of marks is the order of changes.
CREATE TABLE account_changes (
    mark bigint  NOT NULL,
    one  boolean NOT NULL DEFAULT true UNIQUE CHECK (one)
);
INSERT INTO account_changes (mark) VALUES (1);

-- +goose StatementBegin
CREATE FUNCTION mark_account_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE account_changes SET mark = mark + 1;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER accounts_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts
FOR EACH STATEMENT EXECUTE FUNCTION mark_account_change();
