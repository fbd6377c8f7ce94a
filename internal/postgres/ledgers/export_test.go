package ledgers

import (
	"context"

	"github.com/backstophq/backstop"
)

// Cached returns the ledger of a send as this process keeps it, or false.
func (s *Store) Cached(send string) (*backstop.Ledger, bool) { return s.cache.get(send) }

// Locks is the keyed mutex of the changes.
type Locks struct{ locks locks }

// Lock waits for the lock of a send.
func (l *Locks) Lock(ctx context.Context, send string) (unlock func(), err error) {
	return l.locks.Lock(ctx, send)
}

// Held is of how many sends anything is kept.
func (l *Locks) Held() int { return len(l.locks.held) }
