package ledgers

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// updateLedger reads the ledger of a send, calls change, and saves the ledger in one statement that writes nothing if the send
// has changed since. In that case, and if the answer of the statement is lost, updateLedger starts over: a change that was saved
// has no second effect. As change may run several times, it must first reset the results that it returns through its closure.
func updateLedger[T any](
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
		if isRepeated { // the statement whose answer was lost may be committed
			if isSaved, err := s.publishIfSaved(ctx, after); isSaved || err != nil {
				return err
			}
		}
		result, after, err = changeCachedOrStored(ctx, s, id, change)
		return err
	})
	return result, after, err
}

// changeCachedOrStored tries a change on the cached ledger first, and saves it. If the change fails or has no effect there, it
// tries the change on the stored ledger, because the cached one may be old.
func changeCachedOrStored[T any](
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

// publishIfSaved reports whether a change whose answer was lost has stored receipts that need a signal, and publishes it then.
// Other changes need no such check, because a repetition returns the same.
func (s *Store) publishIfSaved(ctx context.Context, lost saved) (bool, error) {
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
