package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const (
	circuitClosed = "closed"
	circuitOpen   = "open"
)

// healthRow is the circuit of an account.
type healthRow struct {
	Account     string        `db:"account"`
	State       string        `db:"state"`
	Reason      health.Reason `db:"reason"`
	Since       time.Time     `db:"since"`
	RetryAt     sql.NullTime  `db:"retry_at"`
	ProbeBy     string        `db:"probe_by"`
	ProbeUntil  sql.NullTime  `db:"probe_until"`
	WindowStart time.Time     `db:"window_start"`
	Calls       int           `db:"calls"`
	Faults      int           `db:"faults"`
	Unavailable int           `db:"unavailable"`
	Unknown     int           `db:"unknown"`
	ChangedBy   string        `db:"changed_by"`
}

var healthColumns = pool.ColumnsOf[healthRow]()

func healthRowOf(account string, r health.Record) healthRow {
	state := circuitClosed
	if r.IsOpen {
		state = circuitOpen
	}
	return healthRow{
		Account: account, State: state, Reason: r.Reason, Since: pool.Stamp(r.Since), RetryAt: pool.TimeOrNull(r.RetryAt),
		ProbeBy: r.ProbeBy, ProbeUntil: pool.TimeOrNull(r.ProbeUntil), WindowStart: pool.Stamp(r.WindowStart),
		Calls: r.Window.Calls, Faults: r.Window.Faults, Unavailable: r.Window.Unavailable, Unknown: r.Window.Unknown,
		ChangedBy: r.ChangedBy,
	}
}

func (r healthRow) record() health.Record {
	return health.Record{
		IsOpen: r.State == circuitOpen, Reason: r.Reason, Since: pool.Stamp(r.Since), RetryAt: timeOrZero(r.RetryAt),
		ProbeBy: r.ProbeBy, ProbeUntil: timeOrZero(r.ProbeUntil), WindowStart: pool.Stamp(r.WindowStart),
		Window:    health.Counts{Calls: r.Calls, Faults: r.Faults, Unavailable: r.Unavailable, Unknown: r.Unknown},
		ChangedBy: r.ChangedBy,
	}
}

// timeOrZero returns the zero time for NULL.
func timeOrZero(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return pool.Stamp(t.Time)
}

var listHealth = `SELECT ` + healthColumns.Names() + ` FROM account_health`

// ListHealth returns the circuits of all accounts that have had calls, by name.
func (db *DB) ListHealth(ctx context.Context) (map[string]health.Record, error) {
	var rows []healthRow
	if err := db.pool.SelectAll(ctx, &rows, listHealth); err != nil {
		return nil, pool.Failed(ctx, "list health", err)
	}
	records := make(map[string]health.Record, len(rows))
	for _, row := range rows {
		records[row.Account] = row.record()
	}
	return records, nil
}

var (
	getHealth = `SELECT ` + healthColumns.Names() + ` FROM account_health WHERE account = $1`

	// lockHealth reads the clock with the row: a process may have waited for the row, and its own clock may be late.
	lockHealth = `SELECT ` + healthColumns.Names() + `, clock_timestamp() AS now
FROM account_health WHERE account = $1 FOR UPDATE`

	insertHealth = `INSERT INTO account_health (` + healthColumns.Names() + `) VALUES (` + healthColumns.Params() + `)
ON CONFLICT (account) DO NOTHING`

	updateHealth = `UPDATE account_health SET ` + healthColumns.Assign() + ` WHERE account = $1`
)

// ChangeHealth locks the circuit of an account, and stores what change returns for it. If change returns false, ChangeHealth
// stores nothing. An account without a row has the zero Record. ChangeHealth may call change again.
func (db *DB) ChangeHealth(
	ctx context.Context, account string, change func(r health.Record, now time.Time) (health.Record, bool),
) error {
	return db.pool.InTx(ctx, "change health", func(tx *sqlx.Tx) error {
		var row struct {
			healthRow

			Now time.Time `db:"now"`
		}
		write := updateHealth
		err := tx.GetContext(ctx, &row, lockHealth, account)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			write, row.Now = insertHealth, db.Now()
		case err != nil:
			return fmt.Errorf("lock: %w", err)
		}
		var stored health.Record
		if write == updateHealth {
			stored = row.record()
		}
		changed, ok := change(stored, pool.Stamp(row.Now))
		if !ok {
			return nil
		}
		return writeHealth(ctx, tx, write, healthRowOf(account, changed))
	})
}

// writeHealth returns ErrMoved if another process has inserted the row meanwhile.
func writeHealth(ctx context.Context, tx *sqlx.Tx, statement string, row healthRow) error {
	result, err := tx.ExecContext(ctx, statement, healthColumns.Values(row)...)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	written, err := result.RowsAffected()
	if err == nil && written == 0 {
		err = pool.ErrMoved
	}
	if err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	return nil
}

// leaseProbe compares with the database's clock at the time of the statement, so of two processes only one gets the lease.
var leaseProbe = `UPDATE account_health
SET probe_by = $2, probe_until = clock_timestamp() + $3 * interval '1 microsecond'
WHERE account = $1 AND state = 'open' AND retry_at <= clock_timestamp()
    AND (probe_until IS NULL OR probe_until <= clock_timestamp())
RETURNING ` + healthColumns.Names()

// LeaseProbe stores the lease of a probe, if the circuit of an account is open, RetryAt has passed, and no other lease is valid.
// It returns the circuit afterwards, and whether the lease was stored. It sends the statement once: if the answer is lost, the
// lease may be stored.
func (db *DB) LeaseProbe(
	ctx context.Context, account, lease string, length time.Duration,
) (r health.Record, isLeased bool, err error) {
	var row healthRow
	err = db.pool.GetUnprepared(ctx, &row, leaseProbe, account, lease, length.Microseconds())
	if err == nil {
		return row.record(), true, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = db.pool.GetUnprepared(ctx, &row, getHealth, account)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return health.Record{}, false, nil
	case err != nil:
		return health.Record{}, false, pool.Failed(ctx, "lease probe", err)
	}
	return row.record(), false, nil
}

const deleteHealth = `DELETE FROM account_health WHERE account = $1`

// DeleteHealth deletes the circuit of an account, if there is one.
func (db *DB) DeleteHealth(ctx context.Context, account string) error {
	return pool.Failed(ctx, "delete health", db.pool.ExecUnprepared(ctx, deleteHealth, account))
}
