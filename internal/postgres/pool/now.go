package pool

import (
	"context"
	"fmt"
	"time"
)

const databaseTime = `SELECT clock_timestamp()`

// readClock asks the database for its time.
func (p *Pool) readClock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	var best reading
	for range clockProbes {
		var database time.Time
		before := p.clock.local()
		if err := p.db.GetContext(ctx, &database, databaseTime); err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		half := p.clock.local().Sub(before) / 2
		if best.local.IsZero() || half < best.err {
			best = reading{local: before.Add(half), database: database, err: half}
		}
	}
	p.clock.put(ctx, best)
	return nil
}

// followClock reads the clock once a minute until ctx is done. If the database is not available, the last reading stays in use.
func (p *Pool) followClock(ctx context.Context) {
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = p.readClock(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Now returns the time by the database's clock, truncated to microseconds as Postgres stores it. It makes no query.
func (p *Pool) Now() time.Time { return p.clock.now() }

// Skew returns how far the clock of this machine was ahead of the database's at the last reading.
func (p *Pool) Skew() time.Duration {
	p.clock.mu.Lock()
	defer p.clock.mu.Unlock()
	return p.clock.read.skew()
}
