-- +goose Up

-- The stored messages. Each change makes a new version; the newest has the number in the version column.
CREATE TABLE messages (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64 AND name = btrim(name)),
    version    integer     NOT NULL CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX messages_name_key ON messages (lower(name));

CREATE TABLE message_versions (
    message_id uuid        NOT NULL REFERENCES messages ON DELETE CASCADE,
    version    integer     NOT NULL CHECK (version >= 1),
    name       text        NOT NULL,
    content    json        NOT NULL CHECK (json_typeof(content) = 'object'), -- as it is written
    created_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, version)
);

-- The message that a send was made of. The message may be deleted since: the send has its own texts.
ALTER TABLE sends
    ADD COLUMN message_id uuid,
    ADD COLUMN message_name text,
    ADD COLUMN message_version integer,
    ADD CONSTRAINT sends_message_whole CHECK (num_nulls(message_id, message_name, message_version) IN (0, 3)) NOT VALID;
