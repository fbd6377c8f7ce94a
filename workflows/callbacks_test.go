package workflows_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// callbackWorld is the environment of a workflow of callbacks, with a scripted activity.
type callbackWorld struct {
	*testsuite.TestWorkflowEnvironment

	t    *testing.T
	runs []time.Time // of the activity
}

// newCallbackWorld plays a script: the result of each run of the activity.
func newCallbackWorld(t *testing.T, script ...func() (activities.Posted, error)) *callbackWorld {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &callbackWorld{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	w.SetTestTimeout(20 * time.Second)
	w.RegisterWorkflow(workflows.Callbacks)
	var acts *activities.Callbacks
	w.RegisterActivity(acts)
	w.OnActivity(acts.PostCallbacks, mock.Anything, sendID).Return(
		func(context.Context, string) (activities.Posted, error) {
			n := len(w.runs)
			w.runs = append(w.runs, w.Now())
			if n >= len(script) {
				return activities.Posted{}, temporal.NewNonRetryableApplicationError("one run too many", "test", nil)
			}
			return script[n]()
		})
	return w
}

func (w *callbackWorld) signal(after time.Duration, wake workflows.CallbackWake) {
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(workflows.CallbackSignal, wake) }, after)
}

// run runs the workflow, as the signal of an event starts it.
func (w *callbackWorld) run(seq int) {
	w.t.Helper()
	w.signal(0, workflows.CallbackWake{Seq: seq})
	w.ExecuteWorkflow(workflows.Callbacks, workflows.CallbacksInput{Send: sendID})
	require.True(w.t, w.IsWorkflowCompleted())
	require.NoError(w.t, w.GetWorkflowError())
}

func posted(seq int) func() (activities.Posted, error) {
	return func() (activities.Posted, error) { return activities.Posted{Seq: seq}, nil }
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	w := newCallbackWorld(t, posted(1))
	w.run(1)
	require.Len(t, w.runs, 1)
}

// An event that was posted with an earlier one needs no further run. A later one does.
func TestCallbacks_during(t *testing.T) {
	t.Parallel()
	var w *callbackWorld
	during := func(seq int, wake workflows.CallbackWake) func() (activities.Posted, error) {
		return func() (activities.Posted, error) {
			w.SignalWorkflow(workflows.CallbackSignal, wake)
			return activities.Posted{Seq: seq}, nil
		}
	}
	w = newCallbackWorld(t, during(2, workflows.CallbackWake{Seq: 2}))
	w.run(1)
	require.Len(t, w.runs, 1, "the run has posted it")

	w = newCallbackWorld(t, during(2, workflows.CallbackWake{Seq: 3}), posted(3))
	w.run(1)
	require.Len(t, w.runs, 2)

	w = newCallbackWorld(t, during(2, workflows.CallbackWake{IsDue: true}), posted(2))
	w.run(1)
	require.Len(t, w.runs, 2, "it may be a replay")
}

// A signal may come after its callback was posted. The workflow that it starts finds nothing, and ends.
func TestCallbacks_nothing(t *testing.T) {
	t.Parallel()
	w := newCallbackWorld(t, posted(0))
	w.run(2)
	require.Len(t, w.runs, 1)
}

func TestCallbacks_more(t *testing.T) {
	t.Parallel()
	w := newCallbackWorld(t, func() (activities.Posted, error) { return activities.Posted{IsMore: true}, nil }, posted(5))
	w.run(5)
	require.Len(t, w.runs, 2)
}

// The activity decides when it runs again. The events that come meanwhile wait behind the one that is retried.
func TestCallbacks_retry(t *testing.T) {
	t.Parallel()
	w := newCallbackWorld(t, waits(10*time.Minute), waits(10*time.Minute), posted(3))
	w.signal(time.Minute, workflows.CallbackWake{Seq: 3})
	w.run(1)
	require.Len(t, w.runs, 3, "the first is local, and the engine repeats the second")
	require.Equal(t, 10*time.Minute, w.runs[2].Sub(w.runs[1]))
}
