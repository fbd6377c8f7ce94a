package handoff_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/internal/handoff"
)

// claims is a store that counts the claims of its sweeper.
type claims struct {
	handoff.Store

	sends   atomic.Int32
	mu      sync.Mutex
	overdue []overdueClaim
}

type overdueClaim struct {
	lease time.Duration
	limit int
}

func (c *claims) ClaimSends(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]handoff.SendClaim, error) {
	rows, err := c.Store.ClaimSends(ctx, at, lease, limit)
	if len(rows) > 0 {
		c.sends.Add(1)
	}
	return rows, err
}

func (c *claims) ClaimOverdue(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]handoff.OverdueClaim, error) {
	c.mu.Lock()
	c.overdue = append(c.overdue, overdueClaim{lease, limit})
	c.mu.Unlock()
	return c.Store.ClaimOverdue(ctx, at, lease, limit)
}

// The sweeper claims the next sends while it starts the workflows of the last ones, and claims no more than their lease allows.
func TestHandoff_Sweep_claimsAhead(t *testing.T) {
	t.Parallel()
	const n = 300
	r := newRig(t, nil)
	for range n {
		r.insertOne()
	}
	answer := make(chan struct{})
	r.engine.fails(func(string) error { <-answer; return nil })
	store := &claims{Store: clocked{Store: r.store, now: later}}
	stop := r.sweeping(r.handoffWith(store, r.engine, nil))
	require.Eventually(t, func() bool {
		starts, _ := r.engine.calls()
		return starts == 32 && store.sends.Load() == 2
	}, longest, moment)
	close(answer)
	require.Eventually(t, func() bool { starts, _ := r.engine.calls(); return starts == n }, longest, moment)
	stop()
	r.requireMarked()
}

// A sweeper dies after a claim. Another sweeper starts the workflows when the lease ends, and not before.
func TestHandoff_Sweep_diedAfterClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 3 {
		r.insertOne()
	}
	clock := clocktest.New(later())
	dying, die := context.WithCancel(t.Context())
	r.engine.fails(func(string) error { die(); return serviceerror.NewCanceled("the process died") })
	died := &forgetful{Store: r.db}
	r.handoffWith(died, r.engine, clock.Now).Sweep(dying)
	r.engine.fails(nil)
	before, _ := r.engine.calls()

	sweeper := r.handoff(clock.Now)
	defer r.sweeping(sweeper)()
	time.Sleep(1200 * time.Millisecond) // one sweep at the start, one after a second
	starts, _ := r.engine.calls()
	require.Equal(t, before, starts, "they are leased")
	clock.Advance(31 * time.Second)
	require.Eventually(t, func() bool { starts, _ := r.engine.calls(); return starts == before+3 }, longest, moment)
	require.Eventually(t, func() bool { return r.store.swept() == 3 }, longest, moment)
}

// forgetful is the store of a process that dies: nothing is written after its claims.
type forgetful struct{ handoff.Store }

func (forgetful) DeferSends(context.Context, []handoff.Deferral) error { return errDied }
func (forgetful) MarkSent(context.Context, []string) error             { return errDied }

// Temporal throttles every third call. A throttled send is started after a pause, and no call is made without the pause.
func TestHandoff_Sweep_throttled(t *testing.T) {
	t.Parallel()
	const n = 60
	r := newRig(t, nil)
	for range n {
		r.insertOne()
	}
	clock := clocktest.New(later())
	var asked atomic.Int32
	r.engine.fails(func(string) error {
		if asked.Add(1)%3 == 0 {
			return &serviceerror.ResourceExhausted{Message: "too many requests"}
		}
		return nil
	})
	defer r.sweeping(r.handoff(clock.Now))()
	require.Eventually(t, func() bool {
		clock.Advance(time.Second)
		return r.store.swept() == n
	}, longest, 250*time.Millisecond)
	require.LessOrEqual(t, int(asked.Load()), n+n/2+1, "every call that was not refused started one")
	var sends int
	r.raw.Row(`SELECT count(*) FROM sends WHERE NOT handed_over OR refusals > 0`, nil, &sends)
	require.Zero(t, sends, "a throttled send is not a refused one")
}

// A hanging inquiry does not delay the inquiries of later sends. No other sweeper claims a send while it still waits for its own
// inquiry.
func TestHandoff_Sweep_overdue_slowInquiry(t *testing.T) {
	t.Parallel()
	const n, atOnce = 140, 8
	const longestWait = 30 // seconds, of an inquiry and a statement
	r := newRig(t, nil)
	for range n {
		send := r.insertOne()
		r.fallBack(send.ID, time.Millisecond)
	}
	answer := make(chan struct{})
	var hanging atomic.Bool
	store := &claims{Store: clocked{Store: r.db, now: later}}
	sweeper, err := handoff.New(handoff.Options{
		Store: store, Engine: r.engine, Installation: installation, Log: slog.New(slog.DiscardHandler),
		Inquire: func(ctx context.Context, send string) (backstop.View, error) {
			if hanging.CompareAndSwap(false, true) {
				select {
				case <-answer:
				case <-ctx.Done():
				}
			}
			return r.db.View(ctx, send)
		},
	})
	require.NoError(t, err)
	stop := r.sweeping(sweeper)
	left := func() (left int) {
		r.raw.Row(`SELECT count(*) FROM sends WHERE finished_at IS NULL`, nil, &left)
		return left
	}
	assert.Eventually(t, func() bool { return left() == 1 }, 15*time.Second, moment, "all but the one that hangs")
	close(answer)
	require.Eventually(t, func() bool { return left() == 0 }, longest, moment)
	stop()
	store.mu.Lock()
	defer store.mu.Unlock()
	for _, c := range store.overdue {
		rounds := (2*c.limit + atOnce - 1) / atOnce // of this claim and the one before
		require.GreaterOrEqual(t, c.lease.Seconds(), float64(rounds*longestWait))
	}
}
