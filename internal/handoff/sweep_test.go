package handoff_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// Two sweepers at once hand each row over once.
func TestHandoff_Sweep_together(t *testing.T) {
	t.Parallel()
	const n = 60
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	var sends []backstop.Send
	for range n {
		sends = append(sends, r.insert())
	}
	r.sweep(n, r.handoff(later), r.handoff(later))
	r.requireMarked()
	for _, send := range sends {
		runID(t, c, send.ID)
		deliver(t, r.handoffWith(r.db, newEngineThat(func(string) error { return errDied }), nil), receipt(send.ID, backstop.Sent))
	}
	r.sweep(n, r.handoff(later), r.handoff(later))
	r.requireMarked()
	for id, times := range r.engine.starts {
		require.Equal(t, 1, times, id)
	}
	for _, send := range sends {
		require.Len(t, signals(t, c, send.ID), 1)
	}
	require.Len(t, r.engine.starts, n)
	require.Equal(t, 2*n, r.store.swept())
}

// A process that died after it started a workflow, or signalled one, and before it wrote that down.
func TestHandoff_Sweep_unmarked(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	r.store.mark = errDied
	h := r.handoff(nil)
	send := accept(t, h)
	r.deliverAndDie(h, receipt(send.ID, backstop.Sent))
	first := runID(t, c, send.ID)

	r.sweep(2, r.handoff(later))
	r.requireMarked()
	require.Equal(t, first, runID(t, c, send.ID), "it was not started twice")
	told := signals(t, c, send.ID)
	require.Len(t, told, 2)
	require.Equal(t, told[0], told[1])
}

// The sweeper leaves alone what a request may be handing over just now.
func TestHandoff_Sweep_grace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.insert()
	defer r.sweeping(r.handoff(nil))()
	time.Sleep(1200 * time.Millisecond) // one sweep at the start, one after a second
	starts, _ := r.engine.calls()
	require.Zero(t, starts)
}

// More rows that Temporal refuses for good than a sweep takes come first in every sweep: the others are handed over
// nevertheless, at once and not one sweep later, and requests too.
func TestHandoff_Sweep_refused(t *testing.T) {
	t.Parallel()
	const bad, good = 60, 70
	r := newRig(t, nil)
	poison := make([]string, bad)
	for i := range poison {
		poison[i] = r.insert().ID
	}
	for range good {
		r.insert()
	}
	r.engine.fails(refuse(poison...))
	stop := r.sweeping(r.handoff(later))
	require.Eventually(t, func() bool { return r.store.swept() == good }, longest, moment)
	h := r.handoff(nil)
	accept(t, h)
	stop()
	sends, _ := r.unmarked()
	require.Equal(t, bad, sends)
	for _, id := range poison {
		require.Equal(t, 1, r.engine.starts["send/"+id], "it is tried again after a minute, not in every sweep")
	}
	require.Contains(t, r.log.String(), "temporal refuses a hand-over")
	require.Contains(t, r.log.String(), poison[0])
	require.NotContains(t, r.log.String(), to)
	require.NotContains(t, r.log.String(), text)

	r.engine.fails(nil)
	r.sweep(bad, r.handoff(later)) // a new process
	r.requireMarked()
}

// A refused receipt keeps no other from being signalled.
func TestHandoff_Sweep_refusedReceipt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	poison := accept(t, h)
	r.deliverAndDie(h, receipt(poison.ID, backstop.Sent))
	for range 3 {
		send := accept(t, h)
		r.deliverAndDie(h, receipt(send.ID, backstop.Sent))
	}
	r.engine.fails(refuse(poison.ID))
	r.sweep(3, r.handoff(later))
	_, receipts := r.unmarked()
	require.Equal(t, 1, receipts)
}

// Temporal does not answer for the oldest row alone, as when one of its shards is down: the others follow.
func TestHandoff_Sweep_oneUnavailable(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	oldest := r.insert()
	for range 5 {
		r.insert()
	}
	r.engine.fails(func(id string) error {
		if id == "send/"+oldest.ID {
			return serviceerror.NewUnavailable("its shard is down")
		}
		return nil
	})
	r.sweep(5, r.handoff(later))
	sends, _ := r.unmarked()
	require.Equal(t, 1, sends)
}

// Temporal answers so slowly that a sweep has no time for all of its rows: what it did is kept, and the receipts have
// their turn.
func TestHandoff_Sweep_slow(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 8 {
		r.insert()
	}
	old := accept(t, r.handoff(nil))
	r.deliverAndDie(r.handoff(nil), receipt(old.ID, backstop.Sent))
	_, before := r.engine.calls()
	slow := &clock{now: later()}
	r.engine.fails(func(string) error { slow.advance(time.Second); return nil })
	stop := r.sweeping(r.handoff(slow.Now))
	require.Eventually(t, func() bool {
		_, told := r.engine.calls()
		return told > before
	}, longest, moment)
	stop()
	sends, _ := r.unmarked()
	require.Positive(t, sends, "there was no time for all")
	require.Positive(t, r.store.swept())
	r.sweep(sends, r.handoff(slow.Now))
	r.requireMarked()
}

// A sweeper that is stopped in the middle marks nothing wrongly and takes its stop for no outage.
func TestHandoff_Sweep_stopped(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 3 {
		r.insert()
	}
	ctx, stop := context.WithCancel(t.Context())
	r.engine.fails(func(string) error { stop(); return serviceerror.NewCanceled("stopped") })
	h := r.handoff(later)
	h.Sweep(ctx)
	require.Zero(t, r.store.swept())
	require.Eventually(t, func() bool { // Postgres lets go of the rows when it notices that the sweeper is gone
		sends, _ := r.unmarked()
		return sends == 3
	}, longest, moment)
	require.NotContains(t, r.log.String(), "away")
	r.engine.fails(nil)
	r.sweep(3, h)
	r.requireMarked()
}

// A database that is away is tried again.
func TestHandoff_Sweep_storeFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.insert()
	flaky := &flaky{store: r.store}
	h := r.handoffWith(flaky, r.engine, later)
	r.sweep(1, h)
	r.requireMarked()
	require.Contains(t, r.log.String(), "sweep failed")
}

// flaky fails its first sweep.
type flaky struct {
	*store

	failed bool
}

func (f *flaky) SweepSends(
	ctx context.Context, olderThan time.Time, limit int, give func(context.Context, backstop.Send) error,
) (offered, marked int, err error) {
	if !f.failed {
		f.failed = true
		return 0, 0, errors.New("postgres is away")
	}
	return f.store.SweepSends(ctx, olderThan, limit, give)
}

var _ handoff.Store = (*flaky)(nil)

// The sweeper ends sends that were handed back and whose receipt does not come, whether Temporal is there or not.
func TestHandoff_Sweep_overdue(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	overdue, waiting := accept(t, h), accept(t, h)
	for id, wait := range map[string]time.Duration{overdue.ID: time.Second, waiting.ID: time.Hour} {
		attempt, err := r.db.Begin(t.Context(), backstop.Attempt{
			Ref: backstop.Ref{Send: id, Step: 1}, Channel: backstop.SMS, Provider: "twilio", Rule: "undelivered", SendID: "Acme",
			StartedAt: time.Now(),
		}, func(backstop.Send, *backstop.Attempt) bool { return true })
		require.NoError(t, err)
		_, err = r.db.End(t.Context(), attempt.End(backstop.Submission{MessageID: id}, nil, time.Now()), wait)
		require.NoError(t, err)
	}
	r.engine.fails(func(string) error { return serviceerror.NewUnavailable("away") })
	outcome := func(id string) backstop.Outcome {
		s, err := r.db.Send(t.Context(), id)
		require.NoError(t, err)
		return s.Outcome
	}
	defer r.sweeping(r.handoff(nil))()
	require.Eventually(t, func() bool { return outcome(overdue.ID) == backstop.OutcomeUnconfirmed }, longest, moment)
	require.Equal(t, backstop.OutcomePending, outcome(waiting.ID))
	require.Contains(t, r.log.String(), `"what":"overdue"`)
}
