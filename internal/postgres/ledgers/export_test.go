package ledgers

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Composed returns the queries that are made of the columns of a row.
func Composed() map[string]string {
	return map[string]string{
		"saveSend": saveSend + noRow, "saveAttempts": saveAttempts + noRow, "saveReceipts": saveReceipts + noRow,
		"saveBegin": saveBegin + noRow, "saveOptOuts": saveOptOuts + noRow, "saveSendCallbacks": saveSend + callbacksAfter(6),
		"saveAttemptsCallbacks": saveAttempts + callbacksAfter(7), "saveReceiptsCallbacks": saveReceipts + callbacksAfter(8),
		"saveBeginCallbacks": saveBegin + callbacksAfter(8), "saveOptOutsCallbacks": saveOptOuts + callbacksAfter(9),
		"readLedger":  readLedger,
		"readLedgers": readLedgers, "listEvents": listEvents, "insertOrphans": insertOrphans, "listOrphans": listOrphans,
	}
}

// AnsweredSends is the query for the sends whose receipt wait has an answer.
const AnsweredSends = answeredSends

// Cached returns the cached ledger of a send, or false.
func (s *Store) Cached(send string) (*backstop.Ledger, bool) { return s.cache.get(send) }

// CacheBytes bounds a Cache.
const CacheBytes = cacheBytes

// Cache is the cache of a store.
type Cache struct{ *cache }

// NewCache returns an empty cache.
func NewCache() Cache { return Cache{newCache()} }

// Put caches a ledger.
func (c Cache) Put(l *backstop.Ledger) { c.put(l) }

// Has reports whether a ledger is cached.
func (c Cache) Has(send string) bool { _, ok := c.get(send); return ok }

// Drop drops a ledger.
func (c Cache) Drop(send string) { c.drop(send) }

// Bytes returns the bytes that the cache counts.
func (c Cache) Bytes() int { return c.bytes }

// Locks is the keyed mutex of the store.
type Locks struct{ locks locks }

// Lock waits for the lock of a send.
func (l *Locks) Lock(ctx context.Context, send string) (unlock func(), err error) {
	return l.locks.Lock(ctx, send)
}

// Held returns the number of sends whose lock is held or waited for.
func (l *Locks) Held() int { return len(l.locks.held) }

// BeginWhile is Begin, with a function that runs between the decision of the ledger that a call may be made and the statement
// that saves it.
func (s *Store) BeginWhile(ctx context.Context, send string, c backstop.Call, meanwhile func()) (backstop.Ruling, error) {
	ruling, _, err := updateLedger(ctx, s, "begin attempt", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Ruling, error) {
			ruling, err := l.Begin(c, now)
			if ruling.Answer == backstop.MayCall {
				meanwhile()
			}
			return ruling, err
		})
	return ruling, err
}

// callbacksAfter returns the end of a statement that queues callbacks, and that has n parameters after those of stateColumns.
func callbacksAfter(n int) string { return AddCallbacks(len(stateColumns)+n+1) + noRow }
