package pool

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	clockEvery   = time.Minute
	clockTimeout = 5 * time.Second // bounds one reading
	clockProbes  = 3               // round trips of one reading; the fastest counts

	// maxDrift is how many seconds a local clock may drift in a second: 500 ppm, the rate at which NTP slews it.
	maxDrift = 500e-6
	// maxHold is the limit of a step back that Now hides: Now stands still until the clock has caught up.
	maxHold = time.Second
	// maxSkew is the largest difference from the database's clock that is not logged as a warning.
	maxSkew = time.Second
)

// clock shows the database's time: that of the last reading, plus the local time since. So all processes of one database have
// the same clock, even if the clocks of their machines differ.
type clock struct {
	local func() time.Time // has a monotonic reading, so setting the machine's clock does no harm
	log   *slog.Logger

	mu     sync.Mutex
	read   reading
	last   time.Time     // the last result of Now
	warned time.Duration // the skew of the last warning; 0: none
}

// reading is the time of both clocks at one moment, exact to err.
type reading struct {
	local, database time.Time
	err             time.Duration // half the round trip
}

// skew is how far the local clock is ahead.
func (r reading) skew() time.Duration { return r.local.Round(0).Sub(r.database) }

// at returns the database's time when the local clock shows t.
func (r reading) at(t time.Time) time.Time { return r.database.Add(t.Sub(r.local)) }

// errorAt returns the largest error of at(t).
func (r reading) errorAt(t time.Time) time.Duration {
	return r.err + time.Duration(float64(t.Sub(r.local))*maxDrift)
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.read.at(c.local())
	if back := c.last.Sub(t); back > 0 && back < maxHold {
		t = c.last
	}
	c.last = t
	return Stamp(t)
}

// put replaces the last reading if the new one is more exact or contradicts it.
func (c *clock) put(ctx context.Context, r reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, now := c.read, r.local
	apart := old.at(now).Sub(r.database).Abs()
	if old.local.IsZero() || r.err <= old.errorAt(now) || apart > r.err+old.errorAt(now) {
		c.read = r
	}
	c.warn(ctx, c.read.skew())
}

// warn logs a large skew once, and again if it changes by more than maxSkew.
func (c *clock) warn(ctx context.Context, skew time.Duration) {
	isLarge := skew.Abs() > maxSkew
	switch {
	case isLarge && (c.warned == 0 || (skew-c.warned).Abs() > maxSkew):
		c.log.WarnContext(ctx, "the clock of this machine differs from the database's, which is used instead",
			"ahead_seconds", skew.Round(time.Millisecond).Seconds())
		c.warned = skew
	case !isLarge && c.warned != 0:
		c.log.InfoContext(ctx, "the clock of this machine agrees with the database's again")
		c.warned = 0
	}
}
