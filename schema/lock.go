package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Migrate tries to get the lock every second, for 10 minutes at most: the migration that holds it may rewrite a large table.
const (
	lockEvery   = time.Second
	lockTimeout = 10 * time.Minute
)

const (
	// holdLong removes the idle timeout of the transaction that holds the lock, because it is idle during the migrations.
	holdLong = `SET LOCAL idle_in_transaction_session_timeout = 0`
	tryLock  = `SELECT pg_try_advisory_xact_lock($1)`
)

// acquireLock acquires an advisory lock in a separate transaction, because behind a pooler such as PgBouncer a client keeps its
// connection to Postgres only during a transaction. The caller must call unlock.
func acquireLock(ctx context.Context, db *sql.DB, id int64) (unlock func(), err error) {
	waiting, stop := context.WithTimeout(ctx, lockTimeout)
	defer stop()
	for {
		tx, isLocked, err := tryToLock(ctx, db, id)
		if err == nil && !isLocked {
			err = waitForRetry(waiting)
		}
		switch {
		case err != nil:
			return nil, err
		case isLocked:
			return func() { _ = tx.Rollback() }, nil // the transaction has written nothing
		}
	}
}

func tryToLock(ctx context.Context, db *sql.DB, id int64) (tx *sql.Tx, isLocked bool, err error) {
	tx, err = db.BeginTx(ctx, nil)
	if err != nil {
		return nil, false, fmt.Errorf("begin: %w", err)
	}
	// The second statement ends the snapshot of the query. CREATE INDEX CONCURRENTLY would wait for it for ever.
	if err = tx.QueryRowContext(ctx, tryLock, id).Scan(&isLocked); err == nil {
		_, err = tx.ExecContext(ctx, holdLong)
	}
	if err != nil || !isLocked {
		return nil, false, errors.Join(err, tx.Rollback())
	}
	return tx, true, nil
}

func waitForRetry(ctx context.Context) error {
	select {
	case <-time.After(lockEvery):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
