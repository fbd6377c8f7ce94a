package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/backstophq/backstop/internal/postgres/pool"
)

// maxCounted bounds what the statement below counts: each part reads so many entries of an index at most.
const maxCounted = 10_000

// unknownAge is how old a call of unknown end may be to be counted. The others are of sends that ended long ago.
const unknownAge = 3 * 24 * time.Hour

// readGauges counts the rows that wait. In health each backlog is empty: the process that stores a row hands it over at once, and
// sweep_at is 5 s later. A claim moves sweep_at, so a row that is being handed over does not count.
const readGauges = `SELECT row_to_json(g) FROM (SELECT
    (SELECT json_build_object('rows', count(*), 'since', min(COALESCE(started_at, accepted_at))) FROM (
        SELECT accepted_at, started_at FROM sends WHERE NOT handed_over AND sweep_at < 'infinity' ORDER BY sweep_at LIMIT $1
    ) AS s WHERE COALESCE(started_at, accepted_at) < $2) AS sends,
    (SELECT json_build_object('rows', count(*), 'since', min(received_at)) FROM (
        SELECT received_at FROM receipts WHERE needs_signal ORDER BY id LIMIT $1
    ) AS r WHERE received_at < $2) AS receipts,
    (SELECT json_build_object('rows', count(*), 'since', min(receipt_by)) FROM (
        SELECT receipt_by FROM sends WHERE receipt_by IS NOT NULL AND greatest(receipt_by, sweep_at) <= $2
        ORDER BY greatest(receipt_by, sweep_at) LIMIT $1
    ) AS o) AS overdue,
    (SELECT json_build_object('rows', count(*), 'since', min(sweep_at)) FROM (
        SELECT sweep_at FROM callback_queues WHERE sweep_at <= $2 ORDER BY sweep_at LIMIT $1
    ) AS c) AS callbacks,
    (SELECT count(*) FROM (
        SELECT FROM attempts AS a JOIN sends AS s ON s.id = a.send
        WHERE a.state = 'unknown' AND a.status = '' AND a.send > $3 AND s.finished_at IS NULL LIMIT $1
    ) AS u) AS unknowns,
    (SELECT count(*) FROM (
        SELECT FROM sends WHERE send_at IS NOT NULL AND started_at IS NULL AND finished_at IS NULL LIMIT $1
    ) AS t) AS scheduled,
    (SELECT count(*) FROM callback_endpoints WHERE paused_at IS NULL) AS failing,
    (SELECT count(*) FROM callback_endpoints WHERE paused_at IS NOT NULL) AS paused,
    (SELECT COALESCE(json_object_agg(account, state = 'open'), '{}') FROM account_health) AS circuits
) AS g`

// Gauges are the rows that wait, and what fails. Every process reads the same.
type Gauges struct {
	Sends, Receipts, Overdue, Callbacks Waiting
	Unknowns                            int             // calls of unknown end of open sends
	Scheduled                           int             // sends whose turn has not come
	Failing, Paused                     int             // endpoints of callbacks
	Circuits                            map[string]bool // by account: whether it is open
}

// Waiting is rows that wait.
type Waiting struct {
	Rows   int           // at most 10,000
	Oldest time.Duration // how long the oldest of them has waited; 0 without rows
}

// waitingSince is how long a row may wait for the request that stored it, before it counts.
const waitingSince = 5 * time.Second

// waitingRow is read as JSON.
type waitingRow struct {
	Rows  int        `json:"rows"`
	Since *time.Time `json:"since"`
}

func (r waitingRow) at(now time.Time) Waiting {
	w := Waiting{Rows: r.Rows}
	if r.Since != nil {
		w.Oldest = max(now.Sub(*r.Since), 0)
	}
	return w
}

// gaugesRow is read as JSON.
type gaugesRow struct {
	Sends     waitingRow      `json:"sends"`
	Receipts  waitingRow      `json:"receipts"`
	Overdue   waitingRow      `json:"overdue"`
	Callbacks waitingRow      `json:"callbacks"`
	Unknowns  int             `json:"unknowns"`
	Scheduled int             `json:"scheduled"`
	Failing   int             `json:"failing"`
	Paused    int             `json:"paused"`
	Circuits  map[string]bool `json:"circuits"`
}

// Gauges reads the gauges, in one statement of some milliseconds.
func (db *DB) Gauges(ctx context.Context) (Gauges, error) {
	now := db.Now()
	var text []byte
	err := db.pool.GetUnprepared(ctx, &text, readGauges, maxCounted, pool.Stamp(now.Add(-waitingSince)),
		pool.MinID(now.Add(-unknownAge)))
	if err != nil {
		return Gauges{}, pool.Failed(ctx, "read gauges", err)
	}
	var row gaugesRow
	if err := json.Unmarshal(text, &row); err != nil {
		return Gauges{}, fmt.Errorf("read gauges: %w", err)
	}
	return Gauges{
		Sends: row.Sends.at(now), Receipts: row.Receipts.at(now), Overdue: row.Overdue.at(now), Callbacks: row.Callbacks.at(now),
		Unknowns: row.Unknowns, Scheduled: row.Scheduled, Failing: row.Failing, Paused: row.Paused, Circuits: row.Circuits,
	}, nil
}

// Pool describes the connections of this process.
type Pool struct {
	Max, InUse, Idle int
	Waits            int64 // for a connection, since the start
	Waited           time.Duration
}

// Pool returns the state of the pool of connections.
func (db *DB) Pool() Pool {
	s := db.pool.DB().Stats()
	return Pool{Max: s.MaxOpenConnections, InUse: s.InUse, Idle: s.Idle, Waits: s.WaitCount, Waited: s.WaitDuration}
}
