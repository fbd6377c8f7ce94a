package handoff_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// The receipts of a send are not signalled before the send is handed over. Temporal would answer that there is no such workflow,
// as it does for a workflow that has ended.
func TestHandoff_Sweep_receiptAfterSend(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	dead := r.handoffWith(r.db, newEngineThat(func(string) error { return errDied }), nil)
	for range 5 {
		deliver(t, dead, receipt(r.insert().ID, backstop.Sent))
	}
	e := &recovering{started: map[string]bool{}}
	r.sweep(5+5, r.handoffWith(r.store, e, later))
	r.requireMarked()
	require.Zero(t, e.early, "signals to workflows that were not there yet")
	require.Equal(t, 5, e.signalled)
}

// recovering is a Temporal that does not answer its first call. It records the workflows that it starts.
type recovering struct {
	handoff.Engine

	mu        sync.Mutex
	asked     bool
	started   map[string]bool
	early     int
	signalled int
}

func (e *recovering) ExecuteWorkflow(
	_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any,
) (client.WorkflowRun, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.asked {
		e.asked = true
		return nil, serviceerror.NewUnavailable("starting")
	}
	e.started[o.ID] = true
	return nil, nil //nolint:nilnil // nobody looks at the run
}

func (e *recovering) SignalWorkflow(_ context.Context, workflowID, _, _ string, _ any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.started[workflowID] {
		e.early++
		return serviceerror.NewNotFound("no such workflow")
	}
	e.signalled++
	return nil
}

func (*recovering) UpdateWorkflow(context.Context, client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	return nil, errSilent
}
