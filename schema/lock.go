package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Waiting for another migration: a try each second, for as long as a large table may take to rewrite.
const (
	lockEvery   = time.Second
	lockTimeout = 10 * time.Minute
)

const (
	// holdLong lets the transaction that holds the lock be idle for as long as the migrations take.
	holdLong = `SET LOCAL idle_in_transaction_session_timeout = 0`
	tryLock  = `SELECT pg_try_advisory_xact_lock($1)`
)

// lock holds an advisory lock in a transaction of its own, because a pooler such as PgBouncer keeps a connection of Postgres
// for a client only as long as that. The caller must call unlock.
func lock(ctx context.Context, db *sql.DB, id int64) (unlock func(), err error) {
	waiting, stop := context.WithTimeout(ctx, lockTimeout)
	defer stop()
	for {
		tx, isLocked, err := tryToLock(ctx, db, id)
		if err == nil && !isLocked {
			err = pause(waiting)
		}
		switch {
		case err != nil:
			return nil, err
		case isLocked:
			return func() { _ = tx.Rollback() }, nil // it has written nothing
		}
	}
}

func tryToLock(ctx context.Context, db *sql.DB, id int64) (tx *sql.Tx, isLocked bool, err error) {
	tx, err = db.BeginTx(ctx, nil)
	if err != nil {
		return nil, false, fmt.Errorf("begin: %w", err)
	}
	if _, err = tx.ExecContext(ctx, holdLong); err == nil {
		err = tx.QueryRowContext(ctx, tryLock, id).Scan(&isLocked)
	}
	if err != nil || !isLocked {
		return nil, false, errors.Join(err, tx.Rollback())
	}
	return tx, true, nil
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(lockEvery):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
