package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestSend_route: each rule's SMS goes by the rule's own route. One that is not configured any more costs no time: the
// next rule is tried at once.
func TestSend_route(t *testing.T) {
	t.Parallel()
	other, gone, last := rule("other", backstop.Unread, time.Minute), rule("gone", backstop.Unread, 2*time.Minute), rule("last", backstop.Unread, 3*time.Minute)
	other.Route, gone.Route = "second", "gone"
	w := newWorld(t, other, gone, last)
	w.receive(heard{after: 90 * time.Second, receipt: sms(2, backstop.Failed)})
	w.receive(heard{after: 100 * time.Second, receipt: sms(4, backstop.Delivered)})
	result := w.run(settings)

	require.Equal(t, backstop.OutcomeSMS, result.Outcome)
	require.Equal(t, "last", result.Rule)
	require.Equal(t, []time.Duration{time.Minute, 90 * time.Second}, w.smsAfter(), "no call for the one that is gone")
	providers := make([]string, len(w.attempts))
	for i, a := range w.attempts {
		providers[i] = a.Provider
	}
	require.Equal(t, []string{"scripted", "other", "gone", "scripted"}, providers)
	require.Equal(t, backstop.AccountFault, w.attempts[2].Failure.Class)
}

// TestSend_routeGone: when no other rule is left, the send has failed.
func TestSend_routeGone(t *testing.T) {
	t.Parallel()
	gone := rule("gone", backstop.Unread, time.Minute)
	gone.Route = "gone"
	w := newWorld(t, gone)
	result := w.run(settings)
	require.Equal(t, backstop.OutcomeFailed, result.Outcome)
	require.Equal(t, backstop.Failed, result.SMS)
	require.Empty(t, w.calls[backstop.SMS])
}
