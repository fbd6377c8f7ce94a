package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop"
)

// parkedSend is a send that waits for its rule.
type parkedSend struct {
	id       string
	deadline time.Time // of its rule
}

// progressPeriod is how often the progress of a long parking is told.
const progressPeriod = 10 * time.Second

// parkSends starts n sends and returns them when the engine has each: when its call does not linger any more. Order is called for
// each with its number.
func (b *bench) parkSends(ctx context.Context, inFlight, n int, order func(i int) sendInput) ([]parkedSend, error) {
	var (
		mu   sync.Mutex
		list []parkedSend
		next atomic.Int64
	)
	told := time.Now()
	_, err := loopTimes(ctx, inFlight, n, func(ctx context.Context) (string, error) {
		o := order(int(next.Add(1) - 1))
		accepted, err := b.send.post(ctx, o)
		if err != nil {
			return "", err
		}
		mu.Lock()
		list = append(list, parkedSend{id: accepted.ID, deadline: accepted.AcceptedAt.Add(o.wait)})
		if time.Since(told) > progressPeriod {
			told = time.Now()
			b.logProgress("parked %d of %d", len(list), n)
		}
		mu.Unlock()
		key := callKey{backstop.WhatsApp, accepted.ID}
		return accepted.ID, b.calls.milestones.wait(ctx, key.milestone())
	})
	if err != nil {
		return nil, err
	}
	return list, pauseFor(ctx, b.flags.awaitReceipts)
}
