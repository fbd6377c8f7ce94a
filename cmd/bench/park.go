package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop"
)

// parkedSend is a send whose workflow waits for the deadline of its rule.
type parkedSend struct {
	id       string
	deadline time.Time
}

// progressPeriod is the time between two lines about the progress of parkSends.
const progressPeriod = 10 * time.Second

// parkSends starts n sends and returns them when the receipt wait of each is over, so its workflow has no task. The function
// input returns the input of the i-th send.
func (b *bench) parkSends(ctx context.Context, inFlight, n int, input func(i int) sendInput) ([]parkedSend, error) {
	var (
		mu   sync.Mutex
		list []parkedSend
		next atomic.Int64
	)
	printed := time.Now()
	_, err := loopTimes(ctx, inFlight, n, func(ctx context.Context) (string, error) {
		in := input(int(next.Add(1) - 1))
		accepted, err := b.send.post(ctx, in)
		if err != nil {
			return "", err
		}
		mu.Lock()
		list = append(list, parkedSend{id: accepted.ID, deadline: accepted.AcceptedAt.Add(in.wait)})
		if time.Since(printed) > progressPeriod {
			printed = time.Now()
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
