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

// parkPatience is how often the progress of a long parking is told.
const parkPatience = 10 * time.Second

// park starts n sends and returns them when the engine has each: when its call does not linger any more. Order is called for
// each with its number.
func (b *bench) park(ctx context.Context, inFlight, n int, order func(i int) order) ([]parkedSend, error) {
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
		if time.Since(told) > parkPatience {
			told = time.Now()
			b.say("parked %d of %d", len(list), n)
		}
		mu.Unlock()
		key := callKey{backstop.WhatsApp, accepted.ID}
		return accepted.ID, b.tap.milestones.wait(ctx, key.milestone())
	})
	if err != nil {
		return nil, err
	}
	return list, pause(ctx, b.flags.linger)
}
