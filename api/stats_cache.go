package api

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/backstophq/backstop"
)

// Postgres needs about a second to count a day of many sends, and each open console polls the statistics.
const (
	statsFreshFor  = 10 * time.Second // the contract promises it
	maxCachedStats = 100              // kept at once
	maxLoadsAtOnce = 2                // for other ranges than those already being counted
	slotTimeout    = 5 * time.Second  // for a place among those
)

// statsCache is a cache of one kind of statistics. Concurrent requests for the same statistics share one query.
type statsCache[T any] struct {
	load    func(context.Context, backstop.StatsFilter) (T, error)
	now     func() time.Time
	flights singleflight.Group
	slots   statsSlots

	mu      sync.Mutex
	entries map[string]cacheEntry[T]
}

type cacheEntry[T any] struct {
	stats T
	at    time.Time
}

func newStatsCache[T any](
	load func(context.Context, backstop.StatsFilter) (T, error), now func() time.Time, slots statsSlots,
) *statsCache[T] {
	return &statsCache[T]{load: load, now: now, slots: slots, entries: map[string]cacheEntry[T]{}}
}

// statsSlots bounds the statistics of all kinds that are counted at once.
type statsSlots chan struct{}

func newStatsSlots() statsSlots { return make(statsSlots, maxLoadsAtOnce) }

// statsKey returns the cache key of a request. A bound that the request leaves out moves with the clock, so the key has an empty
// text for it and all such requests share an entry.
func statsKey(p GetStatsParams) string {
	name := []string{canonicalID(orZero(p.PolicyID)), "", ""}
	for i, at := range []*time.Time{p.From, p.Until} {
		if at != nil {
			name[i+1] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	return strings.Join(name, " ")
}

// get returns the cached statistics of a key, or loads them. If ctx ends, get returns, but the query goes on: other requests may
// wait for it, and the next one finds its result in the cache.
func (c *statsCache[T]) get(ctx context.Context, name string, filter backstop.StatsFilter) (T, error) {
	detached := context.WithoutCancel(ctx)
	flight := c.flights.DoChan(name, func() (any, error) {
		if stats, found := c.find(name); found {
			return stats, nil
		}
		free, err := c.slots.acquire()
		if err != nil {
			return nil, err
		}
		defer free()
		began := c.now()
		stats, err := c.load(detached, filter)
		if err != nil {
			return nil, err
		}
		c.put(name, cacheEntry[T]{stats: stats, at: began})
		return stats, nil
	})
	select {
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	case landed := <-flight:
		stats, _ := landed.Val.(T)
		return stats, landed.Err
	}
}

func (s statsSlots) acquire() (free func(), err error) {
	patience := time.NewTimer(slotTimeout)
	defer patience.Stop()
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-patience.C:
		return nil, &backstop.Error{
			Code: backstop.TryLater, Message: "the server is busy with other statistics: try again later",
		}
	}
}

func (c *statsCache[T]) find(name string) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, found := c.entries[name]
	return k.stats, found && c.now().Sub(k.at) < statsFreshFor
}

func (c *statsCache[T]) put(name string, fresh cacheEntry[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	maps.DeleteFunc(c.entries, func(_ string, k cacheEntry[T]) bool { return now.Sub(k.at) >= statsFreshFor })
	if len(c.entries) >= maxCachedStats {
		clear(c.entries) // simpler than to find the oldest entry, and cheap: the entries are loaded again
	}
	c.entries[name] = fresh
}
