package temporaltest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop/internal/temporaltest"
)

// A worker that stops takes no task with it. A poll that it gave up without the server's knowledge could get a task, and then the
// engine would wait for the whole time of the activity before another worker runs it.
func TestServer_stoppedWorker(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t)
	c := server.Client(t, "default")
	const count, atMost = 300, 30 * time.Second
	call := func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: "calls", StartToCloseTimeout: 2 * atMost,
		}), "Call").Get(ctx, nil)
	}
	flows := worker.New(c, "flows", worker.Options{})
	flows.RegisterWorkflowWithOptions(call, workflow.RegisterOptions{Name: "OneCall"})
	require.NoError(t, flows.Start())
	defer flows.Stop()

	ctx, cancel := context.WithTimeout(t.Context(), 2*atMost)
	defer cancel()
	runs := make([]client.WorkflowRun, count)
	started := make(chan error, 1)
	go func() {
		for i := range runs {
			var err error
			options := client.StartWorkflowOptions{ID: fmt.Sprint("call/", i), TaskQueue: "flows"}
			if runs[i], err = c.ExecuteWorkflow(ctx, options, "OneCall"); err != nil {
				started <- err
				return
			}
		}
		close(started)
	}()
	newWorker := func() worker.Worker {
		w := worker.New(c, "calls", worker.Options{DisableWorkflowWorker: true, WorkerStopTimeout: atMost})
		w.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: "Call"})
		require.NoError(t, w.Start())
		return w
	}
	replaced := newWorker()
	for isStarting := true; isStarting; {
		next := newWorker()
		time.Sleep(50 * time.Millisecond)
		replaced.Stop()
		replaced = next
		select {
		case err := <-started:
			require.NoError(t, err)
			isStarting = false
		default:
		}
	}
	defer replaced.Stop()
	ended, cancelEnded := context.WithTimeout(ctx, atMost)
	defer cancelEnded()
	for _, run := range runs {
		require.NoError(t, run.Get(ended, nil), "the task of a worker that stopped is lost")
	}
}
