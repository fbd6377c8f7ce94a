package ledgers

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// saved is a ledger as it was saved, or as it was found when nothing was to be changed.
type saved struct {
	*backstop.Ledger

	ids  []string // of the stored receipts, in their order
	news []int    // the steps whose message id the change brought
}

// update reads the ledger of a send, lets change alter it, and saves it in one statement that writes nothing if the send
// has changed since. Then, and when the answer of the statement was lost, it starts over: a change that was saved is
// recognised. So change begins by resetting what it returns through its closure.
func update[T any](
	ctx context.Context, s *Store, what, id string, change func(l *backstop.Ledger, now time.Time) (T, error),
) (result T, after saved, err error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return result, saved{}, pool.NotFound("send")
	}
	unlock, err := s.locks.Lock(ctx, id)
	if err != nil {
		return result, saved{}, pool.Failed(ctx, what, err)
	}
	defer unlock()
	err = pool.UntilKnown(ctx, what, func(isRepeated bool) error {
		if isRepeated { // after may be what a lost statement has saved
			if isSaved, err := s.isSaved(ctx, after); isSaved || err != nil {
				return err
			}
		}
		result, after, err = changeOnce(ctx, s, id, change)
		return err
	})
	return result, after, err
}

// changeOnce makes a change once. What would change nothing is decided on what Postgres has: it may be so only because what
// is cached is old.
func changeOnce[T any](
	ctx context.Context, s *Store, id string, change func(l *backstop.Ledger, now time.Time) (T, error),
) (result T, after saved, err error) {
	if l, isCached := s.cache.get(id); isCached {
		before := l.Clone()
		if result, err = change(l, s.pool.Now()); err == nil && isChanged(before, l) {
			after, err = s.save(ctx, before, l)
			return result, after, err
		}
		s.cache.drop(id)
	}
	l, err := s.load(ctx, id)
	if err != nil {
		return result, saved{}, err
	}
	before := l.Clone()
	if result, err = change(l, s.pool.Now()); err != nil || !isChanged(before, l) {
		return result, saved{Ledger: l}, err
	}
	after, err = s.save(ctx, before, l)
	return result, after, err
}

const countReceipts = `SELECT count(*) FROM receipts WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND needs_signal`

// isSaved reports whether a change whose answer was lost has stored receipts that need a signal. Other changes need not be
// asked for: made again, they return the same.
func (s *Store) isSaved(ctx context.Context, lost saved) (bool, error) {
	if len(lost.ids) == 0 {
		return false, nil
	}
	var n int
	if err := s.pool.Get(ctx, &n, countReceipts, pq.StringArray(lost.ids)); err != nil {
		return false, fmt.Errorf("count receipts: %w", err)
	}
	if n > 0 {
		s.publish(lost.Ledger)
	}
	return n > 0, nil
}
