package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// A queue of callbacks belongs to one send. Its lease lets one process at a time post. All times are by the database's clock at
// the time of the statement.

// nextCallback reads a queue, its first pending callback and the endpoint of that.
var nextCallback = `SELECT q.send, q.last_seq, q.changes, q.leased_until, q.next_at, clock_timestamp() AS now,
    row_to_json(c) AS next, row_to_json(e) AS endpoint, COALESCE(s.traceparent, '') AS traceparent
FROM callback_queues AS q
JOIN sends AS s ON s.id = q.send
LEFT JOIN LATERAL (
    SELECT ` + storedCallbackColumns.Names() + ` FROM callbacks
    WHERE send = q.send AND state = 'pending' ORDER BY seq LIMIT 1
) AS c ON true
LEFT JOIN callback_endpoints AS e ON e.url = c.url
WHERE q.send = $1`

type queueRow struct {
	Send        string     `db:"send"`
	LastSeq     int        `db:"last_seq"`
	Changes     int        `db:"changes"`
	LeasedUntil *time.Time `db:"leased_until"`
	NextAt      *time.Time `db:"next_at"`
	Now         time.Time  `db:"now"`
	Next        []byte     `db:"next"`
	Endpoint    []byte     `db:"endpoint"`
	Traceparent string     `db:"traceparent"`
}

func (db *DB) queueOf(r queueRow) (backstop.CallbackQueue, error) {
	q := backstop.CallbackQueue{
		Send: r.Send, LastSeq: r.LastSeq, Changes: r.Changes, LeasedUntil: pool.StampPtr(r.LeasedUntil),
		NextAt: pool.StampPtr(r.NextAt), Now: pool.Stamp(r.Now), Traceparent: r.Traceparent,
	}
	if r.Next != nil {
		var next storedCallback
		if err := json.Unmarshal(r.Next, &next); err != nil {
			return q, fmt.Errorf("read callback: %w", err)
		}
		q.Next, q.SinceReplay = new(next.callback()), next.TriesBeforeReplay
	}
	if r.Endpoint != nil {
		var endpoint endpointRow
		if err := json.Unmarshal(r.Endpoint, &endpoint); err != nil {
			return q, fmt.Errorf("read endpoint: %w", err)
		}
		q.Endpoint, q.ProbeUntil = new(db.endpointOf(endpoint)), pool.StampPtr(endpoint.ProbeUntil)
	}
	return q, nil
}

// NextCallback returns the queue of a send with its first pending callback, or an Error of code NotFound if the send has no
// queue.
func (db *DB) NextCallback(ctx context.Context, send string) (backstop.CallbackQueue, error) {
	id, ok := pool.ParseID(send)
	if !ok {
		return backstop.CallbackQueue{}, pool.NotFound("send")
	}
	var row queueRow
	if err := db.pool.Get(ctx, &row, nextCallback, id); err != nil {
		return backstop.CallbackQueue{}, pool.Failed(ctx, "read callbacks", pool.OrNotFound(err, "queue of callbacks"))
	}
	q, err := db.queueOf(row)
	if err == nil {
		q.Lease, err = pool.NewIDAt(q.Now)
	}
	return q, err
}

const (
	leaseQueue = `UPDATE callback_queues SET lease = $5, leased_until = clock_timestamp() + $4 * interval '1 microsecond',
    sweep_at = clock_timestamp() + $4 * interval '1 microsecond' + interval '1 minute', is_due = false
WHERE send = $1 AND last_seq = $2 AND changes = $3
    AND (leased_until IS NULL OR leased_until <= clock_timestamp()) AND (next_at IS NULL OR next_at <= clock_timestamp())`

	leaseEndpoint = `UPDATE callback_endpoints SET probe_until = clock_timestamp() + $2 * interval '1 microsecond'
WHERE url = $1 AND paused_at IS NOT NULL AND retry_at <= clock_timestamp()
    AND (probe_until IS NULL OR probe_until <= clock_timestamp())`
)

// LeaseCallback leases the queue of a send, and the probe of its endpoint if that is paused. It returns false if another process
// has one of the leases, or the queue has changed. It sends each statement once: if an answer is lost, a lease may be stored.
func (db *DB) LeaseCallback(ctx context.Context, q backstop.CallbackQueue, length time.Duration) (bool, error) {
	if q.IsProbe() {
		probes, err := db.pool.Exec(ctx, leaseEndpoint, q.Next.URL, length.Microseconds())
		if err != nil || probes == 0 {
			return false, pool.Failed(ctx, "lease probe", err)
		}
	}
	leased, err := db.pool.Exec(ctx, leaseQueue, q.Send, q.LastSeq, q.Changes, length.Microseconds(), q.Lease)
	return leased > 0, pool.Failed(ctx, "lease callbacks", err)
}

// endCallback stores a try. It ends the other callbacks of the send too if the receiver is gone. It deletes the queue if no
// callback is left, or sets when the next one may be posted.
const endCallback = `WITH c AS (
    UPDATE callbacks SET state = $3, tries = greatest(tries, $2), status = $6,
        ended_at = CASE WHEN $3 <> 'pending' THEN clock_timestamp() END
    WHERE id = $1 AND state = 'pending' RETURNING id
), t AS (
    INSERT INTO callback_tries (callback, number, at, status, latency_us, answer, error)
    SELECT id, $2, $5, $6, $7, $8, $9 FROM c
    ON CONFLICT (callback, number) DO UPDATE SET status = excluded.status, latency_us = excluded.latency_us,
        answer = excluded.answer, error = excluded.error
    RETURNING xmax = 0 AS is_new
), g AS (
    UPDATE callbacks SET state = 'gone', ended_at = clock_timestamp()
    WHERE $3 = 'gone' AND send = $4 AND state = 'pending' AND id <> $1
), d AS (
    DELETE FROM callback_queues WHERE send = $4 AND $3 <> 'pending' AND last_seq = $10 AND changes = $11 AND (
        $3 = 'gone' OR NOT EXISTS (SELECT FROM callbacks WHERE send = $4 AND state = 'pending' AND id <> $1)
    ) RETURNING send
), u AS (
    UPDATE callback_queues SET lease = '', leased_until = NULL,
        next_at = CASE WHEN $3 = 'pending' THEN clock_timestamp() + $12 * interval '1 microsecond' END,
        sweep_at = clock_timestamp() + $12 * interval '1 microsecond' + interval '2 minutes'
    WHERE send = $4 AND lease = $13 AND NOT EXISTS (SELECT FROM d)
)
SELECT (SELECT count(*) FROM d) AS deleted, (SELECT count(*) FROM t WHERE is_new) AS added`

// EndCallback stores a try of a callback, and what it says of the endpoint. It reports whether the queue was empty and is
// deleted. Repeated, it changes nothing. A callback that was delivered does not change any more. The lease of another process
// stays.
func (db *DB) EndCallback(ctx context.Context, q backstop.CallbackQueue, e backstop.CallbackEnding) (isEmpty bool, err error) {
	c, t := q.Next, e.Try
	var done struct {
		Deleted int `db:"deleted"` // queues
		Added   int `db:"added"`   // tries
	}
	err = pool.UntilKnown(ctx, "end callback", func(bool) error {
		return db.pool.Get(ctx, &done, endCallback, c.ID, t.Number, e.State, q.Send, pool.Stamp(t.At), t.Status,
			t.Latency.Microseconds(), db.seals.Hide(seals.Words, pool.Clean(t.Answer)),
			db.seals.Hide(seals.Words, pool.Clean(t.Error)), q.LastSeq, q.Changes,
			e.RetryIn.Microseconds(), q.Lease)
	})
	if err != nil {
		return false, err
	}
	if done.Added > 0 {
		db.observer.CallbackPosted(e.State)
	}
	switch {
	case e.State == backstop.CallbackDelivered && q.Endpoint != nil:
		err = db.endpointSucceeded(ctx, *q.Endpoint)
	case done.Added > 0 && (e.State == backstop.CallbackPending || e.State == backstop.CallbackFailed):
		err = db.endpointFailed(ctx, c.URL, t)
	}
	return done.Deleted > 0, err
}

const dropQueue = `DELETE FROM callback_queues WHERE send = $1 AND last_seq = $2 AND changes = $3
    AND NOT EXISTS (SELECT FROM callbacks WHERE send = $1 AND state = 'pending')`

// DropCallbackQueue deletes a queue without pending callbacks, unless it has changed. It reports whether it has.
func (db *DB) DropCallbackQueue(ctx context.Context, q backstop.CallbackQueue) (bool, error) {
	deleted, err := db.pool.Exec(ctx, dropQueue, q.Send, q.LastSeq, q.Changes)
	return deleted > 0, pool.Failed(ctx, "delete queue", err)
}

const deferQueue = `UPDATE callback_queues SET next_at = $2, sweep_at = $2::timestamptz + interval '2 minutes' WHERE send = $1`

// DeferCallbacks stores that no callback of a send is posted before a time.
func (db *DB) DeferCallbacks(ctx context.Context, send string, until time.Time) error {
	_, err := db.pool.Exec(ctx, deferQueue, send, pool.Stamp(until))
	return pool.Failed(ctx, "defer callbacks", err)
}

const claimCallbacks = `UPDATE callback_queues SET sweep_at = $2 WHERE send = ANY(ARRAY(
    SELECT send FROM callback_queues WHERE sweep_at <= $1 ORDER BY sweep_at LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING send, last_seq, is_due`

// ClaimCallbacks claims queues that are due at a time, as ClaimSends does.
func (db *DB) ClaimCallbacks(
	ctx context.Context, at time.Time, lease time.Duration, limit int,
) ([]handoff.CallbackWake, error) {
	var rows []struct {
		Send    string `db:"send"`
		LastSeq int    `db:"last_seq"`
		IsDue   bool   `db:"is_due"`
	}
	err := db.pool.SelectAll(ctx, &rows, claimCallbacks, pool.Stamp(at), pool.Stamp(at.Add(lease)), limit)
	if err != nil {
		return nil, pool.Failed(ctx, "claim callbacks", err)
	}
	claims := make([]handoff.CallbackWake, len(rows))
	for i, row := range rows {
		claims[i] = handoff.CallbackWake{Send: row.Send, Seq: row.LastSeq, IsDue: row.IsDue}
	}
	return claims, nil
}

// endpointRow is an endpoint that fails. It is read as JSON.
type endpointRow struct {
	URL          string     `db:"url"           json:"url"`
	FailingSince *time.Time `db:"failing_since" json:"failing_since"`
	Failures     int        `db:"failures"      json:"failures"`
	Status       int        `db:"status"        json:"status"`
	Error        string     `db:"error"         json:"error"`
	PausedAt     *time.Time `db:"paused_at"     json:"paused_at"`
	RetryAt      *time.Time `db:"retry_at"      json:"retry_at"`
	ProbeUntil   *time.Time `db:"probe_until"   json:"probe_until"`
}

var endpointColumns = pool.ColumnsOf[endpointRow]()

func (db *DB) endpointOf(r endpointRow) backstop.CallbackEndpoint {
	return backstop.CallbackEndpoint{
		URL: r.URL, FailingSince: pool.StampPtr(r.FailingSince), Failures: r.Failures, Status: r.Status,
		Error:    db.seals.Show(seals.Words, r.Error),
		PausedAt: pool.StampPtr(r.PausedAt), RetryAt: pool.StampPtr(r.RetryAt),
	}
}

func (db *DB) endpointRowOf(e backstop.CallbackEndpoint) endpointRow {
	return endpointRow{
		URL: e.URL, FailingSince: pool.StampPtr(e.FailingSince), Failures: e.Failures, Status: e.Status,
		Error: db.seals.Hide(seals.Words, pool.Clean(e.Error)), PausedAt: pool.StampPtr(e.PausedAt),
		RetryAt: pool.StampPtr(e.RetryAt),
	}
}

const deleteEndpoint = `DELETE FROM callback_endpoints WHERE url = $1`

// releaseQueues makes the callbacks of an endpoint due that wait for a later retry, spread over some seconds.
const releaseQueues = `UPDATE callback_queues
SET next_at = NULL, is_due = true, sweep_at = clock_timestamp() + random() * interval '20 seconds'
WHERE url = $1 AND next_at > clock_timestamp()`

// manyFailures is how many failures in a row delay the callbacks of an endpoint so much that its success makes them due.
const manyFailures = 10

// endpointSucceeded forgets the failures of an endpoint.
func (db *DB) endpointSucceeded(ctx context.Context, e backstop.CallbackEndpoint) error {
	return db.pool.InTx(ctx, "end failures of endpoint", func(tx *sqlx.Tx) error {
		if err := pool.Execute(ctx, tx, deleteEndpoint, e.URL); err != nil {
			return err
		}
		if e.PausedAt == nil && e.Failures < manyFailures {
			return nil
		}
		return pool.Execute(ctx, tx, releaseQueues, e.URL)
	})
}

var (
	// lockEndpoint makes the row if there is none, so that concurrent processes wait for each other.
	lockEndpoint = `INSERT INTO callback_endpoints (url, failing_since, failures, status, error)
VALUES ($1, clock_timestamp(), 1, $2, $3)
ON CONFLICT (url) DO UPDATE SET failures = callback_endpoints.failures + 1
RETURNING ` + endpointColumns.Names() + `, clock_timestamp() AS now`

	updateEndpoint = `UPDATE callback_endpoints SET ` + endpointColumns.Assign() + ` WHERE url = $1`
)

// endpointFailed counts a failure of an endpoint, and pauses it if it has failed for long.
func (db *DB) endpointFailed(ctx context.Context, url string, t backstop.CallbackTry) error {
	return db.pool.InTx(ctx, "count failure of endpoint", func(tx *sqlx.Tx) error {
		var row struct {
			endpointRow

			Now time.Time `db:"now"`
		}
		if err := tx.GetContext(ctx, &row, lockEndpoint, url, t.Status,
			db.seals.Hide(seals.Words, pool.Clean(t.Error))); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		e := db.endpointOf(row.endpointRow)
		e.Failures-- // Fail counts it
		changed := db.endpointRowOf(e.Fail(t, pool.Stamp(row.Now)))
		return pool.Execute(ctx, tx, updateEndpoint, endpointColumns.Values(changed)...)
	})
}

var listEndpoints = `SELECT ` + endpointColumns.Names() + ` FROM callback_endpoints
ORDER BY paused_at NULLS LAST, failing_since, url LIMIT $1`

// FailingEndpoints returns up to limit endpoints whose newest try failed: the paused ones first, then the longest failing.
func (db *DB) FailingEndpoints(ctx context.Context, limit int) ([]backstop.CallbackEndpoint, error) {
	var rows []endpointRow
	if err := db.pool.SelectUnprepared(ctx, &rows, listEndpoints, limit); err != nil {
		return nil, pool.Failed(ctx, "list endpoints", err)
	}
	endpoints := make([]backstop.CallbackEndpoint, len(rows))
	for i, row := range rows {
		endpoints[i] = db.endpointOf(row)
	}
	return endpoints, nil
}
