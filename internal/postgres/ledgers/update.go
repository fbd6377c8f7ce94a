package ledgers

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// saved is a ledger as it was saved, or as it was found when nothing was to be changed.
type saved struct {
	*backstop.Ledger

	ids  []string // of the stored receipts, in their order
	news []int    // the steps whose message id the change brought
}

// update reads the ledger of a send, lets change change it, and saves it in one statement that writes nothing if the send
// has changed since. Then, and when the answer of the statement was lost, it starts over: the ledger recognises a change that
// was saved.
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
	err = pool.UntilKnown(ctx, what, func(bool) error {
		for {
			l, isCached := s.cache.get(id)
			if !isCached {
				if l, err = s.load(ctx, id); err != nil {
					return err
				}
			}
			before := l.Clone()
			if result, err = change(l, s.pool.Now()); err == nil && isChanged(before, l) {
				after, err = s.save(ctx, before, l)
				return err
			}
			if after = (saved{Ledger: l}); !isCached {
				return err
			}
			s.cache.drop(id) // nothing may be so only because what is cached is old
		}
	})
	return result, after, err
}
