// Package ledgers is the store of sends: it loads a backstop.Ledger, calls one of its methods, and saves the result. Only the
// Ledger decides what a call, a receipt or an end changes.
package ledgers

import (
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// Store is the store of one database. Its methods may be called concurrently, and a repeated call changes nothing. A method
// returns an Error of code NotFound for an unknown send, and of code TryLater if Postgres is not available.
type Store struct {
	pool    *pool.Pool
	seals   *seals.Seals
	locks   locks
	cache   *cache
	waiters waiters
	optOuts backstop.OptOutRules
	wakes   chan handoff.CallbackWake
	changed func(before, after *backstop.Ledger)
}

// New returns the store on a pool, with the seals of its texts. It calls changed after each change that it has stored, with the
// ledgers before and after it; the latter has the events and the receipts of the change. If the answer of Postgres was lost, it
// does not. Changed must not wait, and keeps no ledger.
func New(
	p *pool.Pool, texts *seals.Seals, optOuts backstop.OptOutRules, changed func(before, after *backstop.Ledger),
) *Store {
	return &Store{
		pool: p, seals: texts, cache: newCache(), optOuts: optOuts, wakes: make(chan handoff.CallbackWake, maxWakes),
		changed: changed,
	}
}

// Remember caches a send that was just stored with its first event.
func (s *Store) Remember(send backstop.Send) {
	s.cache.put(backstop.NewLedger(send))
}

// Now returns the time by the database's clock, which stamps all stored rows.
func (s *Store) Now() time.Time { return s.pool.Now() }
