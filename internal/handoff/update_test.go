package handoff_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// silent is an engine whose workers do not answer.
type silent struct{ *engine }

func (s silent) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	_ = s.note(s.updates, o.WorkflowID)
	<-ctx.Done()
	return nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(ctx.Err())
}

// No worker answers: the receipt is signalled after all, the next ones at once, and after a while one is tried again.
func TestHandoff_noWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	clock := &clock{now: time.Now()}
	h := r.handoffWith(r.store, silent{r.engine}, clock.Now)
	told := func() time.Duration {
		send := accept(t, h)
		began := time.Now()
		deliver(t, h, receipt(send.ID, backstop.Delivered))
		return time.Since(began)
	}
	told()
	require.Eventually(t, func() bool { _, signals := r.engine.calls(); return signals == 1 }, longest, moment)
	require.Less(t, told(), time.Second)
	require.Less(t, told(), time.Second)
	require.Equal(t, 1, r.engine.updated())
	clock.advance(6 * time.Second)
	told()
	require.Equal(t, 2, r.engine.updated())
	require.Eventually(t, func() bool { _, signals := r.engine.calls(); return signals == 4 }, longest, moment)
	r.requireMarked()
}

// What does not end a send is signalled: its workflow may be about to call a provider, and would answer after that.
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

// A worker of a version that knows no such update rejects it: the receipt is signalled.
func TestHandoff_updateRejected(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	c := server.Client(t, server.Namespace(t))
	r := newRig(t, c)
	old := worker.New(c, workflows.TaskQueue, worker.Options{})
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
