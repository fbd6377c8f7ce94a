-- +goose Up

-- Where the events of a send are posted; null: nowhere. Most sends of an installation have the same URL.
ALTER TABLE sends ADD COLUMN callback json;

-- One row per event that is posted. It is written by the statement that stores the event, so no event is lost. The id is the
-- webhook-id of all its tries.
CREATE TABLE callbacks (
    id         uuid        PRIMARY KEY,
    send       uuid        NOT NULL REFERENCES sends,
    seq        integer     NOT NULL CHECK (seq >= 1), -- of the event
    event      text        NOT NULL CHECK (event <> ''),
    url        text        NOT NULL CHECK (url <> ''),
    state      text        NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'gone')),
    created_at timestamptz NOT NULL,
    queued_at  timestamptz NOT NULL, -- created_at, or the time of the newest replay: its retries end some days later
    tries      integer     NOT NULL CHECK (tries >= 0),
    tries_before_replay integer NOT NULL DEFAULT 0,
    status     integer     NOT NULL DEFAULT 0, -- of HTTP, of the newest try; 0: no answer
    ended_at   timestamptz,
    CONSTRAINT callbacks_ended CHECK ((state = 'pending') = (ended_at IS NULL)),
    CONSTRAINT callbacks_once UNIQUE (send, seq),
    CONSTRAINT callbacks_id_uuidv7 CHECK (get_byte(uuid_send(id), 6) >> 4 = 7) -- the order of ids is the order of time
) WITH (fillfactor = 80);

CREATE INDEX callbacks_by_url ON callbacks (url, id);
-- Few callbacks are in another state, so these indexes are small.
CREATE INDEX callbacks_undelivered ON callbacks (state, id) WHERE state <> 'delivered';
CREATE INDEX callbacks_by_status ON callbacks (status, id) WHERE status NOT BETWEEN 200 AND 299;

CREATE TABLE callback_tries (
    callback   uuid        NOT NULL REFERENCES callbacks ON DELETE CASCADE,
    number     integer     NOT NULL CHECK (number >= 1),
    at         timestamptz NOT NULL,
    status     integer     NOT NULL CHECK (status BETWEEN 0 AND 999), -- of HTTP; 0: no answer
    latency_us bigint      NOT NULL CHECK (latency_us >= 0),
    answer     text        NOT NULL, -- its first bytes
    error      text        NOT NULL,
    PRIMARY KEY (callback, number)
);

-- One row per send that has pending callbacks. It is deleted when they are done. One process at a time posts the callbacks of a
-- send: the one that has the lease.
CREATE TABLE callback_queues (
    send         uuid        PRIMARY KEY REFERENCES sends ON DELETE CASCADE,
    url          text        NOT NULL,
    last_seq     integer     NOT NULL, -- of the newest event in the queue
    changes      integer     NOT NULL DEFAULT 0, -- counts the additions, so that a row with a new one is not deleted
    lease        text        NOT NULL DEFAULT '', -- names the lease, so that a process that was frozen does not end another one
    leased_until timestamptz,
    next_at      timestamptz, -- no callback is posted before it
    is_due       boolean     NOT NULL DEFAULT false, -- the workflow must not wait for the retry that it has planned
    sweep_at     timestamptz NOT NULL -- a sweeper wakes the workflow then
);
CREATE INDEX callback_queues_sweep ON callback_queues (sweep_at);

-- The URLs whose newest tries have failed. A row is deleted by the first success.
CREATE TABLE callback_endpoints (
    url           text        PRIMARY KEY,
    failing_since timestamptz NOT NULL,
    failures      integer     NOT NULL CHECK (failures >= 1), -- in a row
    status        integer     NOT NULL, -- of HTTP, of the newest failure; 0: no answer
    error         text        NOT NULL,
    paused_at     timestamptz,
    retry_at      timestamptz, -- of a paused endpoint: the next probe
    probe_until   timestamptz, -- the lease of a probe
    CONSTRAINT callback_endpoints_paused CHECK ((paused_at IS NULL) = (retry_at IS NULL))
);
