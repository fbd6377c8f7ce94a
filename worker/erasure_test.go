package worker_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

// A person is erased while a send is under way and an SMS may arrive. The worker dies meanwhile, and the request comes twice. No
// history of the engine has the number or the text.
func TestWorker_erasure(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acts, err := activities.NewErasures(r.db, r.handoff.Cancel)
	require.NoError(t, err)
	erasures, err := handoff.NewErasures(r.db, r.client, r.install, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	options := worker.Options{StopTimeout: time.Second, Erasures: acts}
	stop := r.work(options)
	waiting := r.accept(backstop.Unread, time.Hour)
	r.submitted(waiting, backstop.WhatsApp)
	fallen := r.accept(backstop.Undelivered, time.Second)
	r.submitted(fallen, backstop.SMS)
	to := r.send(fallen).To

	first, err := erasures.Create(t.Context(), to, true)
	require.NoError(t, err)
	again, err := erasures.Create(t.Context(), to, true)
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	require.Eventually(t, func() bool { return !r.send(waiting).HasNumber() }, patience, moment)
	require.Equal(t, backstop.OutcomeCancelled, r.send(waiting).Outcome)
	require.Equal(t, to, r.send(fallen).To, "its receipt is awaited")
	var report backstop.Erasure
	require.Eventually(t, func() bool { // the batch before it is stored first
		report, err = erasures.Get(t.Context(), first.ID)
		return err == nil && report.Pending == 1
	}, patience, moment)
	stop()
	r.deliver(fallen, smsStep, backstop.SMS, backstop.Delivered)
	r.work(options)
	require.NoError(t, r.client.GetWorkflow(t.Context(), workflows.ErasureID(first.ID), "").Get(t.Context(), nil))

	report, err = erasures.Get(t.Context(), first.ID)
	require.NoError(t, err)
	require.NotNil(t, report.FinishedAt)
	require.Equal(t, 2, report.Changed["sends"])
	require.Equal(t, 1, report.Cancelled)
	require.False(t, r.send(fallen).HasNumber())
	require.Equal(t, backstop.OutcomeSMS, r.send(fallen).Outcome)
	for _, id := range []string{workflows.ErasureID(first.ID), workflows.ID(waiting), workflows.ID(fallen)} {
		events := r.client.GetWorkflowHistory(t.Context(), id, "", false, 0)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(t, err)
			text := event.String() // with the payloads as text
			require.NotContains(t, text, to[1:])
			require.NotContains(t, text, "hello")
		}
	}
}

func (r *rig) send(id string) backstop.Send {
	r.t.Helper()
	send, err := r.db.Send(r.t.Context(), id)
	require.NoError(r.t, err)
	return send
}
