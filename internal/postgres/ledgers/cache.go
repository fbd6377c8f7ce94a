package ledgers

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/backstophq/backstop"
)

// cachedSends is how many ledgers a process keeps: what happens to most sends happens within seconds. One takes as much as
// its texts and some KB.
const cachedSends = 2000

// cache keeps ledgers as this process has last saved them, so that the next change need not read them. A cached ledger may
// be older than its row, and is no fact: a change of it is saved only if it was not, and what would change nothing is
// decided on what Postgres has.
type cache struct {
	ledgers *lru.Cache[string, backstop.Ledger]
}

func newCache() cache {
	ledgers, err := lru.New[string, backstop.Ledger](cachedSends)
	if err != nil {
		panic(err) // only of a size below 1
	}
	return cache{ledgers}
}

// get returns a copy of its own to each caller.
func (c cache) get(send string) (*backstop.Ledger, bool) {
	l, ok := c.ledgers.Get(send)
	if !ok {
		return nil, false
	}
	return l.Clone(), true
}

// put takes in a ledger that was saved. An older one that comes later costs a statement and does no harm.
func (c cache) put(l *backstop.Ledger) { c.ledgers.Add(l.Send.ID, *l.Clone()) }

func (c cache) drop(send string) { c.ledgers.Remove(send) }
