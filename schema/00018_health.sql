-- +goose Up

-- The circuit breakers of the accounts, which all processes share; see package health. A row is written when an account's calls
-- end, by each process once a second at most. An account without a row has had no calls.
CREATE TABLE account_health (
    account      text        PRIMARY KEY CHECK (account <> ''),
    state        text        NOT NULL CHECK (state IN ('closed', 'open')),
    reason       text        NOT NULL CHECK (reason IN ('', 'account_faults', 'down', 'unknown_ends')),
    since        timestamptz NOT NULL, -- the begin of the state
    retry_at     timestamptz, -- of an open circuit: no call before it
    probe_by     text        NOT NULL, -- the lease of the one call that is a probe; empty: none
    probe_until  timestamptz,
    window_start timestamptz NOT NULL,
    calls        integer     NOT NULL CHECK (calls >= 0), -- of the window; so are the next three
    faults       integer     NOT NULL CHECK (faults >= 0),
    unavailable  integer     NOT NULL CHECK (unavailable >= 0),
    unknown      integer     NOT NULL CHECK (unknown >= 0),
    changed_by   text        NOT NULL, -- the report that began the state, so that a process recognises its own after a lost answer
    CONSTRAINT account_health_open CHECK (
        (state = 'open') = (reason <> '') AND (state = 'open') = (retry_at IS NOT NULL)
    ),
    CONSTRAINT account_health_lease CHECK (
        (probe_by <> '') = (probe_until IS NOT NULL) AND (probe_by = '' OR state = 'open')
    )
);
