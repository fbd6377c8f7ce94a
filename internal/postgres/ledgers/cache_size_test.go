package ledgers_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
)

// large returns a ledger with texts of some KB, that shares no memory with others.
func large(n int) *backstop.Ledger {
	at := time.Now()
	l := &backstop.Ledger{Send: backstop.Send{
		ID: fmt.Sprint("send ", n), SMSText: strings.Repeat("s", 1600), ExpiresAt: &at,
		Template: &backstop.Template{Name: strings.Repeat("t", 500), Components: []byte(strings.Repeat("c", 30_000))},
	}}
	for step := range 22 {
		l.Attempts = append(l.Attempts, backstop.Attempt{
			Ref: backstop.Ref{Step: step + 1}, Reason: strings.Repeat("r", 100), EndedAt: &at,
			Failure: &backstop.Failure{Kind: backstop.Unavailable, Reason: strings.Repeat("f", 300)},
		})
	}
	return l
}

// The cache stays below its limit in bytes with ledgers of any size. The counted bytes are about the growth of the heap.
func TestCache_bytes(t *testing.T) { //nolint:paralleltest // it measures the heap
	cache := ledgers.NewCache()
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	const first, many = "send 0", 4000
	for n := range many {
		cache.Put(large(n))
		require.LessOrEqual(t, cache.Bytes(), ledgers.CacheBytes)
	}
	require.False(t, cache.Has(first), "the least recently used one is dropped")
	require.True(t, cache.Has(fmt.Sprint("send ", many-1)))
	require.Greater(t, cache.Bytes(), ledgers.CacheBytes*9/10)
	require.InEpsilon(t, cache.Bytes(), heap()-before, 0.3)

	for range 3 {
		cache.Put(large(many - 1)) // replaces itself
	}
	for n := range many {
		cache.Drop(fmt.Sprint("send ", n))
	}
	require.Zero(t, cache.Bytes())
}
