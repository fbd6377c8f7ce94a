package handoff_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/internal/handoff"
)

// Two concurrent sweepers hand each row over once. On a busy machine the engine may answer too late for a few rows. Those are
// handed over once more.
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
	require.Len(t, r.engine.starts, n)
	starts, signalled := 0, 0
	for _, send := range sends {
		starts += r.engine.starts["send/"+send.ID]
		signalled += len(signals(t, c, send.ID))
	}
	require.InDelta(t, n, starts, n/10)
	require.InDelta(t, n, signalled, n/10)
}

// A process dies after it has started or signalled a workflow, and before it has marked the row.
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
	signalled := signals(t, c, send.ID)
	require.Len(t, signalled, 2)
	require.Equal(t, signalled[0], signalled[1])
}

// The sweeper skips rows that a request may be handing over at the moment.
func TestHandoff_Sweep_grace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.insert()
	defer r.sweeping(r.handoff(nil))()
	time.Sleep(1200 * time.Millisecond) // one sweep at the start, one after a second
	starts, _ := r.engine.calls()
	require.Zero(t, starts)
}

// Temporal refuses the oldest 600 rows. The sweeper hands over the others, and requests are handed over too.
func TestHandoff_Sweep_refused(t *testing.T) {
	t.Parallel()
	const bad, good = 600, 70
	r := newRig(t, nil)
	poison := make([]string, bad)
	for i := range poison {
		poison[i] = r.insertOne().ID
	}
	for range good {
		r.insertOne()
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
		require.Equal(t, 1, r.engine.starts["send/"+id], "it is tried again after a pause, not in every sweep")
	}
	require.Contains(t, r.log.String(), "temporal refuses a hand-over")
	require.Contains(t, r.log.String(), poison[0])
	require.NotContains(t, r.log.String(), to)
	require.NotContains(t, r.log.String(), text)

	r.engine.fails(nil)
	r.sweep(bad, r.handoff(muchLater)) // of a new process
	r.requireMarked()
}

// insertOne stores a send without a hand-over.
func (r *rig) insertOne() backstop.Send {
	r.t.Helper()
	send := newSend()
	id, err := uuid.NewV7()
	require.NoError(r.t, err)
	send.ID, send.AcceptedAt = id.String(), time.Now()
	send.Status.WhatsApp, send.Outcome = backstop.Queued, backstop.OutcomePending
	send, _, err = r.db.InsertSend(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	return send
}

// A send ends after Temporal has refused it 10 times. Its timeline contains the reason.
func TestHandoff_Sweep_givenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	poison, good := r.insertOne(), r.insertOne()
	r.engine.fails(refuse(poison.ID))
	clock := clocktest.New(later())
	began := clock.Now()
	defer r.sweeping(r.handoff(clock.Now))()
	for refused := range 9 {
		var next time.Time
		require.Eventually(t, func() bool {
			var refusals int
			r.raw.Row(`SELECT refusals, sweep_at FROM sends WHERE id = $1`, []any{poison.ID}, &refusals, &next)
			return refusals == refused+1
		}, longest, moment)
		clock.Advance(next.Sub(clock.Now()))
	}
	require.Eventually(t, func() bool {
		send, err := r.db.Send(t.Context(), poison.ID)
		require.NoError(t, err)
		return send.Outcome == backstop.OutcomeFailed
	}, longest, moment)
	require.Greater(t, clock.Now().Sub(began), 30*time.Minute, "an operator has time to mend what is wrong")
	_, events, err := r.db.Timeline(t.Context(), poison.ID)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, backstop.EventGaveUp, events[1].Kind)
	require.Equal(t, "the engine refused it 10 times: InvalidArgument", events[1].Detail)
	require.Equal(t, backstop.EventFinished, events[2].Kind)
	require.Eventually(t, func() bool { sends, _ := r.unmarked(); return sends == 0 }, longest, moment)
	require.Equal(t, 10, r.engine.starts["send/"+poison.ID])
	require.Equal(t, 1, r.engine.starts["send/"+good.ID])
	require.Equal(t, 1, strings.Count(r.log.String(), `"level":"ERROR"`))
}

// A row that cannot be read does not block the others.
func TestHandoff_Sweep_unreadable(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	broken := r.insertOne()
	r.raw.Exec(`UPDATE sends SET plan = plan || '{"rules": 7}', refusals = 9`)
	r.insertOne()
	r.sweep(2, r.handoff(later)) // one is started, the other given up
	r.requireMarked()
	var outcome, why string
	r.raw.Row(`SELECT s.outcome, e.detail FROM sends AS s JOIN events AS e ON send = id WHERE id = $1 AND kind = 'gave_up'`,
		[]any{broken.ID}, &outcome, &why)
	require.Equal(t, "failed", outcome)
	require.Equal(t, "its stored form cannot be read", why)
	starts, _ := r.engine.calls()
	require.Equal(t, 1, starts)
}

// The sweeper makes 32 concurrent starts and locks no row meanwhile, so activities can change the sends.
func TestHandoff_Sweep_parallel(t *testing.T) {
	t.Parallel()
	const n = 100
	r := newRig(t, nil)
	var sends []backstop.Send
	for range n {
		sends = append(sends, r.insertOne())
	}
	answer := make(chan struct{})
	r.engine.fails(func(string) error { <-answer; return nil })
	stop := r.sweeping(r.handoff(later))
	require.Eventually(t, func() bool { starts, _ := r.engine.calls(); return starts == 32 }, longest, moment)
	began := time.Now()
	for _, send := range sends {
		r.begin(send.ID, backstop.Call{Channel: backstop.WhatsApp})
	}
	require.Less(t, time.Since(began), longest)
	starts, _ := r.engine.calls()
	require.Equal(t, 32, starts, "no more at once")
	close(answer)
	require.Eventually(t, func() bool { starts, _ := r.engine.calls(); return starts == n }, longest, moment)
	stop()
	for id, times := range r.engine.starts {
		require.Equal(t, 1, times, id)
	}
}

// A refused receipt does not prevent the signals of others.
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

// Temporal does not answer for the oldest row, because one of its shards is down. The other rows are handed over.
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

// Slow starts do not delay the receipts of other sends.
func TestHandoff_Sweep_slow(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	old := accept(t, r.handoff(nil))
	for range 32 {
		r.insertOne()
	}
	r.deliverAndDie(r.handoff(nil), receipt(old.ID, backstop.Sent))
	_, before := r.engine.calls()
	answer := make(chan struct{})
	r.engine.fails(func(id string) error {
		if id != "send/"+old.ID {
			<-answer
		}
		return nil
	})
	stop := r.sweeping(r.handoff(later))
	require.Eventually(t, func() bool {
		starts, signalled := r.engine.calls()
		return starts == 1+32 && signalled > before
	}, longest, moment)
	close(answer)
	stop()
	r.requireMarked()
}

// A sweeper that is stopped during a sweep marks only the rows that were handed over. Its stop counts as no outage.
func TestHandoff_Sweep_stopped(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for range 3 {
		r.insert()
	}
	ctx, stop := context.WithCancel(t.Context())
	r.engine.fails(func(string) error { stop(); return serviceerror.NewCanceled("stopped") })
	before := r.store.swept()
	h := r.handoff(later)
	h.Sweep(ctx)
	require.Equal(t, before, r.store.swept())
	sends, _ := r.unmarked()
	require.Equal(t, 3, sends)
	require.NotContains(t, r.log.String(), "away")
	r.engine.fails(nil)
	r.sweep(3, h)
	r.requireMarked()
}

// A failed claim is retried.
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

func (f *flaky) ClaimSends(
	ctx context.Context, at time.Time, lease time.Duration, limit int,
) ([]handoff.SendClaim, error) {
	if !f.failed {
		f.failed = true
		return nil, errors.New("postgres is away")
	}
	return f.store.ClaimSends(ctx, at, lease, limit)
}

var _ handoff.Store = (*flaky)(nil)

// The sweeper ends detached sends whose receipt does not come, even if Temporal is away.
func TestHandoff_Sweep_overdue(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	overdue, waiting := accept(t, h), accept(t, h)
	for id, wait := range map[string]time.Duration{overdue.ID: time.Second, waiting.ID: time.Hour} {
		r.fallBack(id, wait)
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

// Before an overdue send ends, the provider is asked, because a receipt may be lost. If the provider does not answer, a later
// sweep tries again.
func TestHandoff_Sweep_overdue_inquires(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	arrived, silent, lost, undecided := accept(t, h), accept(t, h), accept(t, h), accept(t, h)
	for _, send := range []backstop.Send{arrived, silent, lost, undecided} {
		r.fallBack(send.ID, time.Millisecond)
	}
	inquire := func(ctx context.Context, send string) (backstop.View, error) {
		switch send {
		case arrived.ID:
			ref := backstop.Ref{Send: send, Step: backstop.SMSStep(0, 0, false)}
			return r.db.Learn(ctx, backstop.Receipt{
				Provider: "scripted", Channel: backstop.SMS, MessageID: send, Ref: ref, Status: backstop.Delivered, At: time.Now(),
			})
		case silent.ID:
			return backstop.View{}, errors.New("no answer")
		case undecided.ID: // the provider has no clear result, so the inquiry is not retried
			return backstop.View{}, sdk.NewNonRetryableApplicationError("", string(backstop.Unknown), nil)
		default:
			return r.db.View(ctx, send)
		}
	}
	sweeper := func(now func() time.Time) *handoff.Handoff {
		h, err := handoff.New(handoff.Options{
			Store: clocked{Store: r.db, now: now}, Engine: r.engine, Installation: installation, Inquire: inquire,
			Log: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		return h
	}
	outcome := func(id string) backstop.Outcome {
		s, err := r.db.Send(t.Context(), id)
		require.NoError(t, err)
		return s.Outcome
	}
	stop := r.sweeping(sweeper(later))
	require.Eventually(t, func() bool { return outcome(lost.ID) == backstop.OutcomeUnconfirmed }, longest, moment)
	require.Eventually(t, func() bool { return outcome(arrived.ID) == backstop.OutcomeSMS }, longest, moment)
	require.Eventually(t, func() bool { return outcome(undecided.ID) == backstop.OutcomeUnconfirmed }, longest, moment)
	stop()
	require.Equal(t, backstop.OutcomePending, outcome(silent.ID))
	muchLater := func() time.Time { return time.Now().Add(2 * time.Hour) }
	defer r.sweeping(sweeper(muchLater))()
	require.Eventually(t, func() bool { return outcome(silent.ID) == backstop.OutcomeUnconfirmed }, longest, moment)
}
