package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Tally is what a closed loop has done. Its fields travel between processes.
type Tally struct {
	Within int           // operations that ended within the given time, but for the ramp
	All    int           // those too that ended during the ramp or were still under way at the end
	Took   time.Duration // until the last had ended
	IDs    []string      // of the newest, a sample
}

// ramp is the first part of the given time, in which the first operations begin all at once and none has ended.
func ramp(during time.Duration) time.Duration { return during / 5 }

// perSecond is the throughput within the given time. Neither the ramp at its beginning nor the drain at its end counts.
func (t *Tally) perSecond(during time.Duration) float64 {
	return float64(t.Within) / (during - ramp(during)).Seconds()
}

// sampleSize is how many ids a tally keeps.
const sampleSize = 20

// loopFor keeps inFlight operations under way for a time, and then lets them end. It stops at the first error. An
// operation returns the id of what it has done.
func loopFor(ctx context.Context, inFlight int, during time.Duration, one func(context.Context) (string, error)) (Tally, error) {
	began := time.Now()
	return loop(ctx, inFlight, during, func() bool { return time.Since(began) < during }, one)
}

// loopTimes does n operations, inFlight at once.
func loopTimes(ctx context.Context, inFlight, n int, one func(context.Context) (string, error)) (Tally, error) {
	var begun atomic.Int64
	return loop(ctx, inFlight, 0, func() bool { return begun.Add(1) <= int64(n) }, one)
}

// loopOver does an operation for each of some ids, inFlight at once.
func loopOver(ctx context.Context, inFlight int, ids []string, one func(context.Context, string) error) (Tally, error) {
	var begun atomic.Int64
	return loopTimes(ctx, inFlight, len(ids), func(ctx context.Context) (string, error) {
		id := ids[begun.Add(1)-1]
		return id, one(ctx, id)
	})
}

func loop(
	ctx context.Context, inFlight int, during time.Duration, more func() bool, one func(context.Context) (string, error),
) (Tally, error) {
	var (
		t     Tally
		mu    sync.Mutex
		began = time.Now()
	)
	slots, running := errgroup.WithContext(ctx)
	for range inFlight {
		slots.Go(func() error {
			for more() && running.Err() == nil {
				id, err := one(running)
				if err != nil {
					return err
				}
				at := time.Since(began)
				mu.Lock()
				t.count(id, at > ramp(during) && at <= during)
				mu.Unlock()
			}
			return nil
		})
	}
	err := slots.Wait()
	if err == nil {
		err = ctx.Err()
	}
	t.Took = time.Since(began)
	return t, err
}

func (t *Tally) count(id string, within bool) {
	t.All++
	if within {
		t.Within++
	}
	t.IDs = append(t.IDs, id)
	if len(t.IDs) > sampleSize {
		t.IDs = t.IDs[1:]
	}
}

// collector gathers what goroutines find.
type collector struct {
	mu   sync.Mutex
	list []string
}

func (c *collector) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, s)
}
