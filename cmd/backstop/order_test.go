package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
)

// TestOrder_confirm: one confirmation ends all sends of an order whose fallback waits, and no SMS follows. The send of another order
// falls back.
func TestOrder_confirm(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Read soon", demo.Rule{
		Name: "Read soon", Type: client.RuleTypeUnread, Wait: 8 * time.Second, SendID: "ACME",
	})
	require.NoError(t, err)
	text := "Your code is 1234."
	start := func(n int, order string) (id, to string) {
		to = fmt.Sprintf("+4474009%03d03", n) // delivered, never read
		accepted, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, client.SendInput{
			To: to, Whatsapp: client.WhatsAppInput{Text: &text}, CorrelationID: &order,
			Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
		})
		require.NoError(t, err)
		require.NotNil(t, accepted.JSON202, string(accepted.Body))
		return accepted.JSON202.ID, to
	}
	numbers := map[string]string{}
	for n := range 3 {
		id, to := start(n, "order-1")
		numbers[id] = to
	}
	_, other := start(3, "order-2")
	for range 2 { // a repetition changes nothing
		ended, err := r.caller.API.ConfirmSendsWithResponse(t.Context(), client.EndSendsInput{CorrelationID: "order-1"})
		require.NoError(t, err)
		require.NotNil(t, ended.JSON200, string(ended.Body))
		require.Len(t, ended.JSON200.Items, len(numbers))
		for _, item := range ended.JSON200.Items {
			require.Contains(t, numbers, item.Send.ID)
			require.Equal(t, client.EndedSendResultDone, item.Result)
			require.Equal(t, client.OutcomeConfirmed, item.Send.Outcome)
		}
	}
	count := func(to string) map[string]int {
		asked, err := demo.CountMessages(t.Context(), r.sandboxURL, to)
		require.NoError(t, err)
		return asked
	}
	require.Eventually(t, func() bool { return count(other)["sms"] == 1 }, 30*time.Second, 100*time.Millisecond)
	for id, to := range numbers {
		require.Zero(t, count(to)["sms"], to)
		send, err := r.caller.Send(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, client.OutcomeConfirmed, send.Outcome)
	}
	none, err := r.caller.API.CancelSendsWithResponse(t.Context(), client.EndSendsInput{CorrelationID: "order-3"})
	require.NoError(t, err)
	require.Equal(t, 404, none.StatusCode(), string(none.Body))
}
