package ledgers

import (
	"context"

	"github.com/backstophq/backstop"
)

// Cached returns the cached ledger of a send, or false.
func (s *Store) Cached(send string) (*backstop.Ledger, bool) { return s.cache.get(send) }

// Locks is the keyed mutex of the store.
type Locks struct{ locks locks }

// Lock waits for the lock of a send.
func (l *Locks) Lock(ctx context.Context, send string) (unlock func(), err error) {
	return l.locks.Lock(ctx, send)
}

// Held returns the number of sends whose lock is held or waited for.
func (l *Locks) Held() int { return len(l.locks.held) }
