package meta

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/backstophq/backstop"
)

// Meta allows about one message per 6 s from a number to one user, and 45 at once, which count for the time after them (manual,
// "Messaging limits", pair rate limit). Beyond that it refuses with 131056.
const (
	pairInterval = 6 * time.Second
	pairBurst    = 45
	maxPairs     = 10_000 // recipients that a process keeps; the others begin anew
)

// longestWait is how long a call waits for its turn. Beyond that it counts as throttled, so that it holds no slot of the worker.
const longestWait = 2 * time.Second

// pacer keeps the messages of one number within Meta's limits, as far as this process sends them: Meta then refuses none.
type pacer struct {
	number *rate.Limiter

	mu    sync.Mutex
	pairs *simplelru.LRU[string, *rate.Limiter] // by recipient
}

// newPacer returns the pacer of a number with this throughput, in messages per second.
func newPacer(perSecond int) (*pacer, error) {
	pairs, err := simplelru.NewLRU[string, *rate.Limiter](maxPairs, nil)
	if err != nil {
		return nil, fmt.Errorf("make the pacer: %w", err)
	}
	return &pacer{number: rate.NewLimiter(rate.Limit(perSecond), perSecond), pairs: pairs}, nil
}

// throughputOf reads the number of messages per second.
func throughputOf(setting string) (int, error) {
	perSecond, err := strconv.Atoi(setting)
	if err != nil || perSecond < 1 {
		return 0, fmt.Errorf("read throughput: %q is no positive number", setting)
	}
	return perSecond, nil
}

// await waits for the turn of a message. If the turn is further away than longestWait, it returns a Throttled failure.
func (p *pacer) await(ctx context.Context, to string) error {
	now := time.Now()
	turns := []*rate.Reservation{p.pairOf(to).ReserveN(now, 1), p.number.ReserveN(now, 1)}
	wait := max(turns[0].DelayFrom(now), turns[1].DelayFrom(now))
	giveBack := func() {
		for _, turn := range turns {
			turn.CancelAt(now)
		}
	}
	if wait > longestWait {
		giveBack()
		return &backstop.Failure{
			Kind: backstop.Throttled, RetryAfter: wait,
			Reason: "not called: Meta's limit of messages of this number, or to this user",
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		giveBack()
		return &backstop.Failure{Kind: backstop.Unavailable, Reason: "not called: the call ended before its turn"}
	}
}

func (p *pacer) pairOf(to string) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter, found := p.pairs.Get(to)
	if !found {
		limiter = rate.NewLimiter(rate.Every(pairInterval), pairBurst)
		p.pairs.Add(to, limiter)
	}
	return limiter
}
