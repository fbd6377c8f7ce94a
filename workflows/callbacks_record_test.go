package workflows_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// callbackScript is the activity of a recorded workflow of callbacks, and the signals that come meanwhile.
type callbackScript struct {
	runs   []func() (activities.Posted, error)
	during map[int]workflows.CallbackWake // a signal that comes in a run, by its number from 0
	later  *workflows.CallbackWake        // a signal that comes after a second

	mu     sync.Mutex
	n      int
	signal func(workflows.CallbackWake)
}

// PostCallbacks plays the next run.
func (s *callbackScript) PostCallbacks(context.Context, string) (activities.Posted, error) {
	s.mu.Lock()
	n := s.n
	s.n++
	s.mu.Unlock()
	if wake, found := s.during[n]; found {
		s.signal(wake)
	}
	return s.runs[n]()
}

func waits(pause time.Duration) func() (activities.Posted, error) {
	return func() (activities.Posted, error) {
		return activities.Posted{}, temporal.NewApplicationErrorWithOptions("later", "callback_waits",
			temporal.ApplicationErrorOptions{NextRetryDelay: pause})
	}
}

// callbackRecordings are the workflows of callbacks whose histories are kept in testdata.
func callbackRecordings() map[string]*callbackScript {
	type runs = []func() (activities.Posted, error)
	return map[string]*callbackScript{
		"callbacks_posted":  {runs: runs{posted(1)}},
		"callbacks_retried": {runs: runs{waits(time.Second), waits(time.Second), posted(1)}},
		"callbacks_later_event": { // its signal comes in the workflow task of the first try, which the engine then repeats
			runs: runs{posted(1), posted(2)}, during: map[int]workflows.CallbackWake{0: {Seq: 2}},
		},
		"callbacks_replayed": {
			runs: runs{waits(time.Hour), waits(time.Hour), posted(1)}, later: &workflows.CallbackWake{IsDue: true},
		},
		"callbacks_behind": {
			runs: runs{waits(2 * time.Second), waits(2 * time.Second), posted(3)}, later: &workflows.CallbackWake{Seq: 3},
		},
	}
}

// recordCallbacks runs one workflow of callbacks on a real server and returns its history.
func recordCallbacks(t *testing.T, temporal client.Client, script *callbackScript) *history.History {
	t.Helper()
	queue := workflows.CallbackQueueOf(t.Name())
	id := workflows.CallbacksID(uuid.NewString())
	script.signal = func(w workflows.CallbackWake) {
		require.NoError(t, temporal.SignalWorkflow(t.Context(), id, "", workflows.CallbackSignal, w))
	}
	w := worker.New(temporal, queue, worker.Options{Identity: "recorder"})
	w.RegisterWorkflow(workflows.Callbacks)
	w.RegisterActivity(script)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	run, err := temporal.SignalWithStartWorkflow(t.Context(), id, workflows.CallbackSignal, workflows.CallbackWake{Seq: 1},
		client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflows.Callbacks, workflows.CallbacksInput{Send: sendID})
	require.NoError(t, err)
	if script.later != nil {
		time.AfterFunc(time.Second, func() { script.signal(*script.later) })
	}
	require.NoError(t, run.Get(t.Context(), nil))
	require.Len(t, script.runs, script.n)
	recorded := &history.History{}
	events := temporal.GetWorkflowHistory(t.Context(), id, run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		recorded.Events = append(recorded.Events, event)
	}
	return recorded
}
