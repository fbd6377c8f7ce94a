package pool

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// A statement that fails because of a concurrent one is retried. In each round one writer of a row succeeds, and a send has few
// concurrent writers.
const (
	tries    = 20
	tryPause = 2 * time.Millisecond // multiplied by the number of the try, with jitter

	// knownWithin bounds the retries of UntilKnown after a lost answer. maxPause is the longest pause between two of them.
	knownWithin = 3 * time.Second
	maxPause    = 100 * time.Millisecond
)

// UntilDone runs f, and again after a deadlock, a serialization failure or ErrMoved. So f must first reset the results that it
// returns through its closure.
func UntilDone(ctx context.Context, what string, f func() error) error {
	var err error
	for try := range tries {
		if err = f(); !mustRepeat(err) {
			break
		}
		pauseFor(ctx, time.Duration(try+1)*tryPause)
	}
	return Failed(ctx, what, err)
}

// UntilKnown is UntilDone for an idempotent f. It also runs f again after a lost answer (see MayHaveRun), until the database
// answers, for at most 3 s. After a lost answer isRepeated is true. If the database does not answer, UntilKnown returns an
// error for which MayHaveRun is true.
func UntilKnown(ctx context.Context, what string, f func(isRepeated bool) error) error {
	var lost error
	var end time.Time
	for try := 1; ; try++ {
		err := f(lost != nil)
		switch {
		case MayHaveRun(err):
			if lost == nil {
				end = time.Now().Add(knownWithin)
			}
			lost = err
		case lost == nil && (!mustRepeat(err) || try == tries), lost != nil && !isAway(err):
			return Failed(ctx, what, err)
		}
		if ctx.Err() != nil || (lost != nil && time.Now().After(end)) {
			return Failed(ctx, what, cmp.Or(lost, err))
		}
		pauseFor(ctx, min(time.Duration(try)*tryPause, maxPause))
	}
}

// InTx runs f in a transaction and commits it, or rolls it back if f fails. The changes are by the actor of the context. Like
// UntilDone, it may run f again.
func (p *Pool) InTx(ctx context.Context, what string, f func(*sqlx.Tx) error) error {
	return UntilDone(ctx, what, func() error { return p.runTx(ctx, f) })
}

func (p *Pool) runTx(ctx context.Context, f func(*sqlx.Tx) error) error {
	tx, err := p.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := nameActor(ctx, tx); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Begin begins a transaction, which the caller ends.
func (p *Pool) Begin(ctx context.Context, o *sql.TxOptions) (*sqlx.Tx, error) {
	tx, err := p.db.BeginTxx(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return tx, nil
}

// Execute runs a statement that returns nothing.
func Execute(ctx context.Context, tx *sqlx.Tx, statement string, args ...any) error {
	if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
		verb, _, _ := strings.Cut(statement, "\n")
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter needs no secret randomness
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
