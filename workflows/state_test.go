package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// TestSend_state asks a running send what it waits for, as an operator does in the Temporal UI.
func TestSend_state(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ur", backstop.Unread, 10*time.Minute), rule("ud", backstop.Undelivered, 5*time.Minute))
	w.receive(arrival{after: 7 * time.Minute, receipt: sms(1, backstop.Delivered)})
	ask := func() workflows.State {
		answer, err := w.env.QueryWorkflow(workflows.StateQuery)
		require.NoError(t, err)
		var state workflows.State
		require.NoError(t, answer.Get(&state))
		return state
	}
	var waiting, fallen workflows.State
	w.after(time.Minute, func() { waiting = ask() })
	w.after(6*time.Minute, func() { fallen = ask() })
	w.run(settings)

	require.Equal(t, backstop.Submitted, waiting.WhatsApp)
	require.Empty(t, waiting.SMS)
	until := w.send.AcceptedAt.Add(5 * time.Minute).UTC().Format("15:04:05")
	require.Contains(t, waiting.WaitingFor, "undelivered, rule ud, until ")
	require.Contains(t, waiting.WaitingFor, until)
	require.Len(t, waiting.Rules, 2)
	require.False(t, waiting.Rules[1].Used)

	require.Equal(t, backstop.Submitted, fallen.SMS)
	require.Contains(t, fallen.WaitingFor, "the SMS's receipt, until ")
	require.Equal(t, "ud", fallen.Rule)
	require.Equal(t, backstop.NotDelivered, fallen.Reason)
	require.True(t, fallen.Rules[1].Used)
}

// TestSend_cancelled: an operator who cancels the run ends the send too, and nothing falls back any more.
func TestSend_cancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ur", backstop.Unread, 10*time.Minute))
	w.after(time.Minute, w.env.CancelWorkflow)
	w.env.ExecuteWorkflow(workflows.Send, w.input(settings))

	require.True(t, temporal.IsCanceledError(w.env.GetWorkflowError()), "%v", w.env.GetWorkflowError())
	require.Empty(t, w.calls[backstop.SMS])
	require.Equal(t, backstop.OutcomeUnconfirmed, w.ledger().Send.Outcome)
	require.NotNil(t, w.ledger().Send.FinishedAt)
}
