package handoff_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/workflows"
)

// silent is an engine without workers, until back is set.
type silent struct {
	*engine

	back atomic.Bool
}

func (s *silent) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	_ = s.note(s.updates, o.WorkflowID)
	if s.back.Load() {
		return nil, serviceerror.NewNotFound("it has ended, which is as good as an answer")
	}
	<-ctx.Done()
	return nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(ctx.Err())
}

// No worker answers the first update, so its receipt is signalled after updatePatience, and the next receipts are signalled at
// once. After noWorker one update is tried again. When a worker answers it, all are.
func TestHandoff_noWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	clock, workers := clocktest.New(time.Now()), &silent{engine: r.engine}
	h := r.handoffWith(r.store, workers, clock.Now)
	signalled := func(n int) time.Duration {
		var sends []backstop.Send
		for range n {
			sends = append(sends, accept(t, h))
		}
		began := time.Now()
		for _, send := range sends {
			require.NoError(t, h.Deliver(t.Context(), []backstop.Receipt{receipt(send.ID, backstop.Delivered)}))
		}
		h.Close()
		return time.Since(began)
	}
	requireSignals := func(want int) {
		require.Eventually(t, func() bool { _, signals := r.engine.calls(); return signals == want }, longest, moment)
	}
	signalled(1)
	requireSignals(1)
	require.Less(t, signalled(2), patience, "they are not awaited for")
	requireSignals(3)
	require.Equal(t, 1, r.engine.updated())

	clock.Advance(6 * time.Second)
	signalled(5)
	requireSignals(8)
	require.Equal(t, 2, r.engine.updated(), "one is tried")

	workers.back.Store(true)
	clock.Advance(6 * time.Second)
	signalled(1)
	signalled(3)
	require.Equal(t, 6, r.engine.updated())
	requireSignals(8)
	r.requireMarked()
}

// A receipt that does not end its send is signalled: the workflow may be about to call a provider, and would answer an update
// only after the call.
func TestHandoff_updateOnlyWhatEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	send := accept(t, h)
	deliver(t, h, receipt(send.ID, backstop.Failed))
	require.Zero(t, r.engine.updated())
	_, signals := r.engine.calls()
	require.Equal(t, 1, signals)
}

// A worker of a version without the update rejects it, so the receipt is signalled.
func TestHandoff_updateRejected(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	old := worker.New(c, workflows.QueueOf(installation), worker.Options{})
	old.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ workflows.SendInput) error {
		return workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: "Send"})
	require.NoError(t, old.Start())
	t.Cleanup(old.Stop)
	h := r.handoff(nil)
	send := accept(t, h)
	deliver(t, h, receipt(send.ID, backstop.Delivered))
	require.Equal(t, 1, r.engine.updated())
	require.Len(t, signals(t, c, send.ID), 1)
	r.requireMarked()
}
