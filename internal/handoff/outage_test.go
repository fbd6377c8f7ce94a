package handoff_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/internal/temporaltest"
)

// patience is the constant of the same name in package handoff.
const patience = 2 * time.Second

// Temporal stops. Sends are accepted and receipts are stored all the same. When Temporal is back, each receipt is signalled:
// once, or twice if the call of a request was still in flight.
func TestHandoff_outage(t *testing.T) {
	t.Parallel()
	const n = 20
	server := temporaltest.Start(t)
	c := server.Client(t, "default")
	r := newRig(t, c)
	h := r.handoff(nil)
	var before, during []backstop.Send
	for range n {
		before = append(before, accept(t, h))
	}
	r.requireMarked()
	server.Stop(t)

	began := time.Now()
	for i := range n {
		send, _, err := h.Accept(t.Context(), newSend(), nil)
		require.NoError(t, err)
		during = append(during, send)
		require.NoError(t, h.Deliver(t.Context(), []backstop.Receipt{
			receipt(before[i].ID, backstop.Sent), receipt(during[i].ID, backstop.Sent),
		}))
	}
	require.Less(t, time.Since(began), 3*patience, "requests may not wait for Temporal")
	sends, receipts := r.unmarked()
	require.Equal(t, n, sends)
	require.Equal(t, 2*n, receipts)

	server.Restart(t)
	r.handOverAll(h)
	for i, send := range append(before, during...) {
		runID(t, c, send.ID)
		signalled := signals(t, c, send.ID)
		if i < n { // a workflow that starts after its receipt learns of it from Postgres
			require.NotEmpty(t, signalled)
		}
		for _, view := range signalled {
			require.Equal(t, backstop.Sent, view.WhatsApp)
		}
	}
	accept(t, h)
	r.requireMarked()

	// Temporal hangs: every call in flight times out, and may still reach Temporal.
	server.Freeze(t)
	hung := make([]backstop.Send, n)
	began = time.Now()
	var group sync.WaitGroup
	for i := range hung {
		group.Go(func() { hung[i], _, _ = h.Accept(t.Context(), newSend(), nil) })
	}
	group.Wait()
	require.NoError(t, h.Deliver(t.Context(), []backstop.Receipt{receipt(before[0].ID, backstop.Delivered)}))
	require.Less(t, time.Since(began), patience)
	server.Thaw(t)
	r.handOverAll(h)
	for _, send := range hung {
		runID(t, c, send.ID)
	}
	signalled := signals(t, c, before[0].ID)
	require.Equal(t, backstop.Delivered, signalled[len(signalled)-1].WhatsApp)
}

// A missing namespace is an outage: nothing is marked as handed over.
func TestHandoff_namespaceMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t, temporal.Server(t).Client(t, "not-there"))
	h := r.handoff(nil)
	send := accept(t, h)
	deliver(t, r.handoff(nil), receipt(send.ID, backstop.Sent))
	sends, receipts := r.unmarked()
	require.Equal(t, 1, sends)
	require.Equal(t, 1, receipts)
	accept(t, h)
	starts, signals := r.engine.calls()
	require.Equal(t, 1, starts)
	require.Equal(t, 1, signals)
}

// An error that means an outage prevents calls for a while, and any other does not.
func TestHandoff_away(t *testing.T) {
	t.Parallel()
	away := map[string]error{
		"unavailable": serviceerror.NewUnavailable("gone"),
		"deadline":    serviceerror.NewDeadlineExceeded("too slow"),
		"wrapped":     errors.Join(errors.New("failed reaching server"), serviceerror.NewUnavailable("gone")),
		"busy":        &serviceerror.ResourceExhausted{Message: "busy"},
		"forbidden":   serviceerror.NewPermissionDenied("no", ""),
		"namespace":   serviceerror.NewNamespaceNotFound("n"),
	}
	present := map[string]error{
		"nothing": nil,
		"invalid": serviceerror.NewInvalidArgument("no"),
		"other":   errors.New("cannot encode"),
		"started": serviceerror.NewWorkflowExecutionAlreadyStarted("started", "", ""),
		"stopped": serviceerror.NewCanceled("we gave up"),
	}
	r := newRig(t, nil)
	check := func(name string, err error, starts int) {
		e := newEngineThat(func(string) error { return err })
		h := r.handoffWith(r.db, e, nil)
		for range 3 {
			accept(t, h)
		}
		asked, _ := e.calls()
		require.Equal(t, starts, asked, name)
	}
	for name, err := range away {
		check(name, err, 1)
	}
	for name, err := range present {
		check(name, err, 3)
	}
}

// If Temporal answers other calls in time, a timeout is no outage: a pause would only make the backlog longer.
func TestHandoff_slow(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	asked := 0
	e := newEngineThat(func(string) error {
		if asked++; asked%2 == 0 {
			return serviceerror.NewDeadlineExceeded("too slow")
		}
		return nil
	})
	clock := clocktest.New(time.Now())
	h := r.handoffWith(r.db, e, clock.Now)
	for range 4 {
		accept(t, h)
	}
	starts, _ := e.calls()
	require.Equal(t, 4, starts)

	accept(t, h) // it answers
	clock.Advance(patience)
	accept(t, h) // too slow, and no other answer meanwhile
	accept(t, h)
	starts, _ = e.calls()
	require.Equal(t, 6, starts)
}

// A failed mark in the database is no outage of Temporal.
func TestHandoff_away_markFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.store.mark = errDied
	h := r.handoff(nil)
	var all []backstop.Receipt
	for range 3 {
		all = append(all, receipt(accept(t, h).ID, backstop.Sent))
	}
	deliver(t, h, all...)
	starts, signals := r.engine.calls()
	require.Equal(t, 3, starts)
	require.Equal(t, 3, signals)
}

// During an outage one request per respite calls Temporal, of any number of requests. The first answer ends the outage.
func TestHandoff_respite(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	clock := clocktest.New(time.Now())
	h := r.handoff(clock.Now)
	gone := serviceerror.NewUnavailable("gone")
	burst := func(answer error) int { // of ten requests at once, how many ask
		var through atomic.Int32
		r.engine.fails(func(string) error { // no answer before the others are through
			for began := time.Now(); answer != nil && through.Load() < 9 && time.Since(began) < patience; {
				time.Sleep(time.Millisecond)
			}
			return answer
		})
		before, _ := r.engine.calls()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				_, _, _ = h.Accept(t.Context(), newSend(), nil)
				through.Add(1)
			})
		}
		group.Wait()
		h.Close()
		after, _ := r.engine.calls()
		return after - before
	}
	r.engine.fails(func(string) error { return gone })
	accept(t, h)
	require.Zero(t, burst(gone))
	clock.Advance(1100 * time.Millisecond)
	require.Equal(t, 1, burst(gone))
	require.Zero(t, burst(nil), "nobody has asked yet")
	clock.Advance(1100 * time.Millisecond)
	accept(t, h)
	require.Equal(t, 10, burst(nil), "it is back")
}

// A slow signal delays no request, and is not cancelled: it would be sent a second time to an engine that is busy already.
func TestHandoff_slowSignal(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	send := accept(t, h)
	r.requireMarked()
	r.engine.fails(func(string) error { time.Sleep(4 * patience); return nil })
	began := time.Now()
	require.NoError(t, h.Deliver(t.Context(), []backstop.Receipt{receipt(send.ID, backstop.Sent)}))
	require.Less(t, time.Since(began), 3*patience)
	require.Eventually(t, func() bool {
		_, receipts := r.unmarked()
		return receipts == 0
	}, longest, moment)
	_, signals := r.engine.calls()
	require.Equal(t, 1, signals)
}

// While few hand-overs are in flight, no request waits. While many are, a request waits for its own, and if Temporal hangs not
// longer than patience.
func TestHandoff_manyUnderWay(t *testing.T) {
	t.Parallel()
	const few = 32
	r := newRig(t, nil)
	h := r.handoff(nil)
	answer := make(chan struct{})
	r.engine.fails(func(string) error { <-answer; return nil })
	acceptOne := func() time.Duration {
		began := time.Now()
		_, _, err := h.Accept(t.Context(), newSend(), nil)
		require.NoError(t, err)
		return time.Since(began)
	}
	for range few {
		require.Less(t, acceptOne(), patience)
	}
	require.GreaterOrEqual(t, acceptOne(), patience, "it is one too many")
	close(answer)
	h.Close()
	starts, _ := r.engine.calls()
	require.Equal(t, few+1, starts)
	r.requireMarked()

	r.engine.fails(nil)
	require.Less(t, acceptOne(), patience)
	r.requireMarked()
}
