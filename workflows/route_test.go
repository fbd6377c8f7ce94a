package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestSend_route: each rule's SMS goes by the rule's own account, at the end of its own wait. An account that is no longer configured
// fails at once, and the next rule still waits for the end of its wait.
func TestSend_route(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("other", backstop.Unread, time.Minute, second), rule("gone", backstop.Unread, 2*time.Minute, "gone"),
		rule("last", backstop.Unread, 3*time.Minute))
	w.receive(arrival{after: 90 * time.Second, receipt: sms(0, backstop.Failed)})
	w.receive(arrival{after: 4 * time.Minute, receipt: sms(2, backstop.Delivered)})
	result := w.run(settings)
	w.afterwards()

	require.Equal(t, backstop.OutcomeSMS, w.ledger().Send.Outcome)
	require.Equal(t, "last", result.Rule)
	require.Equal(t, []time.Duration{time.Minute, 3 * time.Minute}, w.smsAfter(), "no call by the account that is gone")
	attempts := w.ledger().Attempts
	providers := make([]string, len(attempts))
	for i, a := range attempts {
		providers[i] = a.Provider
	}
	require.Equal(t, []string{"scripted", "other", "gone", "scripted"}, providers)
	require.Equal(t, backstop.AccountFault, attempts[2].Failure.Class)
}

// TestSend_routeGone: when no other rule is left, only the WhatsApp message may still arrive.
func TestSend_routeGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("gone", backstop.Unread, time.Minute, "gone"))
	result := w.run(settings)
	require.Equal(t, backstop.OutcomeUnconfirmed, result.Outcome)
	require.Equal(t, backstop.Failed, result.SMS)
	require.Empty(t, w.calls[backstop.SMS])
}
