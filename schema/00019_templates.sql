-- +goose Up

-- The WhatsApp templates of the accounts, as their providers reported them last. The texts are the providers' words in small letters.
CREATE TABLE message_templates (
    account           text COLLATE "C" NOT NULL,
    name              text COLLATE "C" NOT NULL,
    language          text COLLATE "C" NOT NULL,
    status            text             NOT NULL,
    reason            text             NOT NULL,
    category          text             NOT NULL,
    previous_category text             NOT NULL, -- empty: the provider did not change the category
    quality           text             NOT NULL,
    format            text             NOT NULL CHECK (format IN ('positional', 'named')),
    ttl_seconds       integer          NOT NULL CHECK (ttl_seconds >= 0), -- 0: the default of the category
    parameters        jsonb            NOT NULL CHECK (jsonb_typeof(parameters) = 'object'),
    components        json             NOT NULL CHECK (json_typeof(components) = 'array'), -- as they are written
    updated_at        timestamptz      NOT NULL,
    PRIMARY KEY (account, name, language)
);

-- What was read of an account's provider, and when it is read again. A process claims an account: it sets a token, and moves due_at
-- to the end of a lease.
CREATE TABLE account_syncs (
    account           text        PRIMARY KEY,
    version           integer     NOT NULL, -- of the account that was read: a newer one is due at once
    due_at            timestamptz NOT NULL,
    token             text        NOT NULL, -- of the process that reads now; empty: none does
    is_outdated       boolean     NOT NULL, -- a notice came while the process was reading
    failures          integer     NOT NULL CHECK (failures >= 0), -- in a row
    fault             text        NOT NULL, -- of the newest reading
    profile           jsonb CHECK (jsonb_typeof(profile) = 'object'),
    profile_read_at   timestamptz,
    templates_read_at timestamptz,
    CHECK ((profile IS NULL) = (profile_read_at IS NULL))
);
