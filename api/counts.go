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

// To count a day of many sends takes Postgres a second, and each open console asks again and again.
const (
	countsKept   = 10 * time.Second // as the contract says
	mostCounts   = 100              // kept at once
	countsAtOnce = 2                // for other ranges than those already being counted
	countsWait   = 5 * time.Second  // for a place among those
)

// counts keeps what was counted for a short while, and counts nothing twice at once.
type counts struct {
	count   func(context.Context, backstop.StatsFilter) (backstop.Stats, error)
	now     func() time.Time
	flights singleflight.Group
	places  chan struct{}

	mu   sync.Mutex
	kept map[string]counted
}

type counted struct {
	stats backstop.Stats
	at    time.Time
}

func newCounts(sends Sends, now func() time.Time) *counts {
	return &counts{count: sends.Stats, now: now, places: make(chan struct{}, countsAtOnce), kept: map[string]counted{}}
}

// countedAs names a request as it was asked: a bound that is left out moves with the clock, and is the same for all who
// leave it out.
func countedAs(p GetStatsParams) string {
	name := []string{canonical(value(p.PolicyID)), "", ""}
	for i, at := range []*time.Time{p.From, p.Until} {
		if at != nil {
			name[i+1] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	return strings.Join(name, " ")
}

// get returns what was counted lately under this name, or counts. It does not end with ctx: others may wait for the same,
// and whoever asked will ask again.
func (c *counts) get(ctx context.Context, name string, filter backstop.StatsFilter) (backstop.Stats, error) {
	detached := context.WithoutCancel(ctx)
	flight := c.flights.DoChan(name, func() (any, error) {
		if stats, found := c.find(name); found {
			return stats, nil
		}
		free, err := c.admit()
		if err != nil {
			return nil, err
		}
		defer free()
		began := c.now()
		stats, err := c.count(detached, filter)
		if err != nil {
			return nil, err
		}
		c.keep(name, counted{stats: stats, at: began})
		return stats, nil
	})
	select {
	case <-ctx.Done():
		return backstop.Stats{}, ctx.Err()
	case landed := <-flight:
		stats, _ := landed.Val.(backstop.Stats)
		return stats, landed.Err
	}
}

func (c *counts) admit() (free func(), err error) {
	patience := time.NewTimer(countsWait)
	defer patience.Stop()
	select {
	case c.places <- struct{}{}:
		return func() { <-c.places }, nil
	case <-patience.C:
		return nil, &backstop.Error{
			Code: backstop.TryLater, Message: "too many other ranges are being counted, try again later",
		}
	}
}

func (c *counts) find(name string) (backstop.Stats, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, found := c.kept[name]
	return k.stats, found && c.now().Sub(k.at) < countsKept
}

func (c *counts) keep(name string, fresh counted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	maps.DeleteFunc(c.kept, func(_ string, k counted) bool { return now.Sub(k.at) >= countsKept })
	if len(c.kept) >= mostCounts {
		clear(c.kept) // to count again harms less than to remember which is the oldest
	}
	c.kept[name] = fresh
}
