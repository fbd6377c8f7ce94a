package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

// The schedule is made once, however many processes start, and its run goes on when the worker has died.
func TestWorker_retention(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := make([]string, 3)
	for i := range old {
		old[i] = r.oldSend(time.Now().Add(-10 * 24 * time.Hour))
	}
	for range 2 {
		require.NoError(t, handoff.ScheduleRetention(t.Context(), r.client.ScheduleClient(), r.install))
	}
	keep := backstop.Retention{Records: backstop.Keep{"": 5 * 24 * time.Hour}}
	acts, err := activities.NewRetention(&dyingStore{store: r.store}, keep, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	r.work(worker.Options{StopTimeout: time.Second, Retention: acts})
	require.Eventually(t, func() bool {
		_, _, err := r.db.Timeline(t.Context(), old[2])
		return backstop.CodeOf(err) == backstop.NotFound
	}, patience, moment)
	schedule := r.client.ScheduleClient().GetHandle(t.Context(), workflows.RetentionID(r.install))
	description, err := schedule.Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, description.Info.NumActions)
	run := description.Info.RecentActions[0].StartWorkflowResult
	require.NoError(t, r.client.GetWorkflow(t.Context(), run.WorkflowID, run.FirstExecutionRunID).Get(t.Context(), nil))
	require.NoError(t, schedule.Trigger(t.Context(), client.ScheduleTriggerOptions{}))
}

// oldSend stores a send that has ended.
func (r *rig) oldSend(at time.Time) string {
	r.t.Helper()
	id, err := r.db.NewID(at)
	require.NoError(r.t, err)
	_, _, err = r.db.InsertSend(r.t.Context(), backstop.Send{
		ID: id, To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hello", AcceptedAt: at,
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
		Plan: backstop.Plan{PolicyID: uuid.Nil.String(), Rules: []backstop.Rule{{Name: "rule", Type: backstop.SendFailed}}},
	}, nil)
	require.NoError(r.t, err)
	_, err = r.db.Finish(r.t.Context(), id, false)
	require.NoError(r.t, err)
	return id
}

// dyingStore loses its process after the first batch.
type dyingStore struct {
	*store

	batches int
}

func (d *dyingStore) RemoveOld(ctx context.Context, r backstop.Removal, _ int) (int, error) {
	if d.batches++; d.batches == 2 {
		return 0, errors.New("the process died")
	}
	return d.store.RemoveOld(ctx, r, 1)
}
