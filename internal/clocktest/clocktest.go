// Package clocktest is a clock for tests. Its time changes only when a test sets it.
package clocktest

import (
	"sync"
	"time"
)

// Clock is a clock with a fixed time. Its methods may be called concurrently.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// New returns a clock with this time.
func New(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
