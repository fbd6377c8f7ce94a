package handoff_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/workflows"
)

// paced is a store whose scheduled sends have a rate of the test, and that counts the claims of such sends.
type paced struct {
	handoff.Store

	rate int

	mu     sync.Mutex
	limits []int
}

func (p *paced) ClaimScheduled(
	ctx context.Context, at time.Time, lease time.Duration, limit, _ int,
) ([]handoff.SendClaim, error) {
	claims, err := p.Store.ClaimScheduled(ctx, at, lease, limit, p.rate)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = append(p.limits, limit)
	return claims, err
}

// insertScheduled stores a send that is due a millisecond after its acceptance.
func (r *rig) insertScheduled() backstop.Send {
	r.t.Helper()
	send := newSend()
	id, err := uuid.NewV7()
	require.NoError(r.t, err)
	send.ID, send.AcceptedAt = id.String(), time.Now()
	send.SendAt = new(send.AcceptedAt.Add(time.Millisecond))
	send.Status.WhatsApp, send.Outcome = backstop.Queued, backstop.OutcomePending
	send, _, err = r.db.InsertSend(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	return send
}

// started returns how many of the sends with these ids were started, and requires that none was started twice.
func (r *rig) started(sends ...backstop.Send) (n int) {
	r.t.Helper()
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	for _, send := range sends {
		times := r.engine.starts[workflows.ID(send.ID)]
		require.LessOrEqual(r.t, times, 1)
		n += times
	}
	return n
}

// A scheduled send is a row and nothing else until its time. Then its workflow starts once, and counts from that moment.
func TestHandoff_scheduled(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	clock := clocktest.New(time.Now().UTC().Truncate(time.Microsecond))
	engine := &inputs{engine: r.engine, all: map[string]workflows.SendInput{}}
	h := r.handoffWith(r.store, engine, clock.Now)
	send := newSend()
	send.SendAt = new(clock.Now().Add(90 * 24 * time.Hour))
	send, created, err := h.Accept(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	require.True(t, send.IsScheduled())

	clock.Advance(90*24*time.Hour - time.Second)
	stop := r.sweeping(h)
	time.Sleep(1200 * time.Millisecond) // one sweep at the start, one after a second
	starts, _ := r.engine.calls()
	require.Zero(t, starts)
	clock.Advance(time.Second)
	require.Eventually(t, func() bool { return r.started(send) == 1 }, longest, moment)
	require.Eventually(t, func() bool { return r.store.swept() == 1 }, longest, moment)
	stop()
	require.Equal(t, *send.SendAt, engine.of(send.ID).Origin)
	require.Zero(t, engine.of(send.ID).Age)
	r.requireMarked()
}

// The accepted send starts at once if its time has come already.
func TestHandoff_Accept_past(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	send := newSend()
	send.SendAt = new(time.Now().Add(-time.Minute))
	send, _, err := h.Accept(t.Context(), send, nil)
	require.NoError(t, err)
	h.Close()
	require.Nil(t, send.SendAt)
	require.Equal(t, 1, r.started(send))
}

// Thousands of scheduled sends are due at one time. While Temporal is slow with them, other sends start: those that are accepted
// and those that a sweeper must start. Three processes start each scheduled send once, in small batches.
func TestHandoff_Sweep_scheduled_crowd(t *testing.T) {
	t.Parallel()
	const due, others, processes, atOnce = 3000, 20, 3, 8
	r := newRig(t, nil)
	var crowd, waiting []backstop.Send
	for range due {
		crowd = append(crowd, r.insertScheduled())
	}
	for range others {
		waiting = append(waiting, r.insertOne())
	}
	isScheduled := map[string]bool{}
	for _, send := range crowd {
		isScheduled[workflows.ID(send.ID)] = true
	}
	answer := make(chan struct{})
	var slow atomic.Int32
	r.engine.fails(func(id string) error {
		if isScheduled[id] && slow.Add(1) <= processes*atOnce {
			<-answer
		}
		return nil
	})
	store := &paced{Store: clocked{Store: r.store, now: later}, rate: 10_000}
	var sweepers []*handoff.Handoff
	for range processes {
		sweepers = append(sweepers, r.handoffWith(store, r.engine, nil))
	}
	stop := r.sweeping(sweepers...)
	require.Eventually(t, func() bool { return slow.Load() == processes*atOnce }, longest, moment)
	for range others {
		waiting = append(waiting, accept(t, r.handoff(nil)))
	}
	require.Eventually(t, func() bool { return r.started(waiting...) == 2*others }, longest, moment)
	require.Equal(t, processes*atOnce, r.started(crowd...), "no more at once, and these have no answer yet")

	close(answer)
	require.Eventually(t, func() bool { return r.started(crowd...) == due }, 4*longest, moment)
	stop()
	r.requireMarked()
	require.LessOrEqual(t, slices.Max(store.limits), 2*atOnce, "the rows of one claim")
}

// Two processes start no more scheduled sends than the rate allows, by the database's clock.
func TestHandoff_Sweep_scheduled_rate(t *testing.T) {
	t.Parallel()
	const due, rate = 100, 30
	r := newRig(t, nil)
	var crowd []backstop.Send
	for range due {
		crowd = append(crowd, r.insertScheduled())
	}
	clock := clocktest.New(later())
	store := &paced{Store: clocked{Store: r.store, now: clock.Now}, rate: rate}
	defer r.sweeping(r.handoffWith(store, r.engine, nil), r.handoffWith(store, r.engine, nil))()
	for _, want := range []int{30, 60, 90, 100} {
		require.Eventually(t, func() bool { return r.started(crowd...) >= want }, longest, moment)
		store.mu.Lock()
		seen := len(store.limits)
		store.mu.Unlock()
		require.Eventually(t, func() bool { // both processes look again
			store.mu.Lock()
			defer store.mu.Unlock()
			return len(store.limits) >= seen+4
		}, longest, moment)
		require.Equal(t, want, r.started(crowd...))
		clock.Advance(time.Second)
	}
}

// A process dies after it has started the workflow of a scheduled send, and before it has marked the row.
func TestHandoff_Sweep_scheduled_unmarked(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	send := r.insertScheduled()
	r.store.mark = errDied
	stop := r.sweeping(r.handoff(later))
	require.Eventually(t, func() bool {
		_, err := c.DescribeWorkflowExecution(t.Context(), workflows.ID(send.ID), "")
		return err == nil
	}, longest, moment)
	stop()
	first := runID(t, c, send.ID)
	sends, _ := r.unmarked()
	require.Equal(t, 1, sends)

	r.store.mark = nil
	r.sweep(1, r.handoff(muchLater))
	r.requireMarked()
	require.Equal(t, first, runID(t, c, send.ID), "it was not started twice")
	require.Equal(t, 2, r.engine.starts[workflows.ID(send.ID)])
}

// A process dies after it has claimed a scheduled send, and before it has started the workflow. The rate does not count the send
// again, and its deadlines count from its turn.
func TestHandoff_Sweep_scheduled_claimed(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	send := r.insertScheduled()
	turn := later().UTC().Truncate(time.Microsecond)
	claims, err := r.db.ClaimScheduled(t.Context(), turn, 30*time.Second, 9, 1)
	require.NoError(t, err)
	require.Len(t, claims, 1)

	engine := &inputs{engine: r.engine, all: map[string]workflows.SendInput{}}
	h := r.handoffWith(r.store, engine, func() time.Time { return turn.Add(30 * time.Second) })
	r.sweep(1, h)
	r.requireMarked()
	require.Equal(t, 1, r.started(send))
	require.Equal(t, turn, engine.of(send.ID).Origin)
	require.Equal(t, 30*time.Second, engine.of(send.ID).Age)
}

// While Temporal is away, scheduled sends keep their place: one is tried at a time.
func TestHandoff_Sweep_scheduled_away(t *testing.T) {
	t.Parallel()
	const due = 50
	r := newRig(t, nil)
	for range due {
		r.insertScheduled()
	}
	r.engine.fails(func(string) error { return serviceerror.NewUnavailable("away") })
	claimed := func() (n int) {
		r.raw.Row(`SELECT count(*) FROM sends WHERE started_at IS NOT NULL`, nil, &n)
		return n
	}
	clock := clocktest.New(later())
	stop := r.sweeping(r.handoff(clock.Now))
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "temporal is away") }, longest, moment)
	time.Sleep(1200 * time.Millisecond) // one more sweep
	require.LessOrEqual(t, claimed(), 32, "two claims")
	r.engine.fails(nil)
	// The clock is fast, but on a slow machine no lease ends before its claim is handed over.
	require.Eventually(t, func() bool { clock.Advance(time.Second); return r.store.swept() == due }, longest, 250*time.Millisecond)
	stop()
	r.requireMarked()
}
