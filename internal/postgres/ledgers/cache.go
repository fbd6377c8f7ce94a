package ledgers

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/backstophq/backstop"
)

// cachedSends is the size of the cache. It can be small, because most changes of a send come within seconds. A ledger takes
// some KB, and its texts.
const cachedSends = 2000

// cache keeps the ledgers that this process has saved or read, so that the next change need not read them. A cached ledger may
// be older than its row: then a save writes nothing and update starts over. If a change has no effect on a cached ledger,
// changeOnce repeats it on the stored one.
type cache struct {
	ledgers *lru.Cache[string, backstop.Ledger]
}

func newCache() cache {
	ledgers, err := lru.New[string, backstop.Ledger](cachedSends)
	if err != nil {
		panic(err) // only if the size is below 1
	}
	return cache{ledgers}
}

// get returns a copy of the cached ledger.
func (c cache) get(send string) (*backstop.Ledger, bool) {
	l, ok := c.ledgers.Get(send)
	if !ok {
		return nil, false
	}
	return l.Clone(), true
}

// put caches a copy of a saved ledger. If an older ledger replaces a newer one, the next save fails and update starts over.
func (c cache) put(l *backstop.Ledger) { c.ledgers.Add(l.Send.ID, *l.Clone()) }

func (c cache) drop(send string) { c.ledgers.Remove(send) }
