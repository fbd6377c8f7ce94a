package pool

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// What was broken off because of somebody else is tried again at once: of those who want the same row one gets on in
// each round, and there are few writers of one send.
const (
	tries    = 20
	tryPause = 2 * time.Millisecond // times the try, with jitter

	// knownWithin bounds how long UntilKnown asks for what became of a lost statement, in pauses of maxPause at most.
	knownWithin = 3 * time.Second
	maxPause    = 100 * time.Millisecond
)

// ErrMoved says that what was read has changed before it could be written.
var ErrMoved = errors.New("changed meanwhile")

// UntilDone runs f again after a deadlock, a serialization failure or ErrMoved, so f must begin by resetting what it
// returns through its closure.
func UntilDone(ctx context.Context, what string, f func() error) error {
	var err error
	for try := range tries {
		if err = f(); !again(err) {
			break
		}
		pause(ctx, time.Duration(try+1)*tryPause)
	}
	return Failed(ctx, what, err)
}

// UntilKnown is UntilDone for an f that recognises what it has written before: f also runs again after a lost answer, as
// MayHaveRun reports it, until the database says what it has, for 3 s at most. From then on isRepeated is true. If the
// error at the end leaves open what was written, MayHaveRun reports that of it too.
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
		case lost == nil && (!again(err) || try == tries), lost != nil && !away(err):
			return Failed(ctx, what, err)
		}
		if ctx.Err() != nil || (lost != nil && time.Now().After(end)) {
			return Failed(ctx, what, cmp.Or(lost, err))
		}
		pause(ctx, min(time.Duration(try)*tryPause, maxPause))
	}
}

// InTx runs f in a transaction and commits it, or rolls it back if f fails; like UntilDone, it may run f again.
func (p *Pool) InTx(ctx context.Context, what string, f func(*sqlx.Tx) error) error {
	return UntilDone(ctx, what, func() error { return p.runTx(ctx, f) })
}

func (p *Pool) runTx(ctx context.Context, f func(*sqlx.Tx) error) error {
	tx, err := p.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
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

func again(err error) bool {
	return errors.Is(err, ErrMoved) || pq.As(err, pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected) != nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter needs no secret randomness
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
