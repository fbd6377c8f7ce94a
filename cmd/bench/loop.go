package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Tally counts the operations of a closed loop. Its fields are exported because net/rpc encodes them.
type Tally struct {
	Within int           // operations that ended within the given time and after the ramp
	All    int           // all operations, including the ramp and the drain after the given time
	Took   time.Duration // from the start to the end of the last operation
	IDs    []string      // of the newest operations, at most sampleSize
}

// rampOf is the first part of the given time. In the ramp all first operations begin at once, so its rate is not typical.
func rampOf(during time.Duration) time.Duration { return during / 5 }

// perSecond is the throughput within the given time, without the ramp before it and the drain after it.
func (t *Tally) perSecond(during time.Duration) float64 {
	return float64(t.Within) / (during - rampOf(during)).Seconds()
}

// sampleSize is the number of ids that a tally keeps.
const sampleSize = 20

// loopFor keeps inFlight operations in flight for a time, and then waits for their ends. It stops at the first error. An
// operation returns the id of its send or workflow.
func loopFor(ctx context.Context, inFlight int, during time.Duration, one func(context.Context) (string, error)) (Tally, error) {
	began := time.Now()
	return runLoop(ctx, inFlight, during, func() bool { return time.Since(began) < during }, one)
}

// loopTimes runs n operations, inFlight at once.
func loopTimes(ctx context.Context, inFlight, n int, one func(context.Context) (string, error)) (Tally, error) {
	var begun atomic.Int64
	return runLoop(ctx, inFlight, 0, func() bool { return begun.Add(1) <= int64(n) }, one)
}

// loopOver runs an operation for each id, inFlight at once.
func loopOver(ctx context.Context, inFlight int, ids []string, one func(context.Context, string) error) (Tally, error) {
	var begun atomic.Int64
	return loopTimes(ctx, inFlight, len(ids), func(ctx context.Context) (string, error) {
		id := ids[begun.Add(1)-1]
		return id, one(ctx, id)
	})
}

func runLoop(
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
				t.count(id, at > rampOf(during) && at <= during)
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

// collector is a list that goroutines may append to.
type collector struct {
	mu   sync.Mutex
	list []string
}

func (c *collector) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, s)
}
