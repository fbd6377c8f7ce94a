package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestCallback_Wants(t *testing.T) {
	t.Parallel()
	all := &backstop.Callback{URL: "https://example.com"}
	tests := []struct {
		event backstop.Event
		want  backstop.CallbackEvent
	}{
		{backstop.Event{Kind: backstop.EventAccepted}, "accepted"},
		{backstop.Event{Kind: backstop.EventAttempt, Channel: backstop.WhatsApp, Status: backstop.Submitted}, "submitted"},
		{backstop.Event{Kind: backstop.EventAttempt, Channel: backstop.WhatsApp, Status: backstop.Failed}, "failed"},
		{backstop.Event{Kind: backstop.EventAttempt, Channel: backstop.WhatsApp}, ""}, // it is retried
		{backstop.Event{Kind: backstop.EventReceipt, Channel: backstop.WhatsApp, Status: backstop.Read}, "read"},
		{backstop.Event{Kind: backstop.EventReceipt, Channel: backstop.SMS, Status: backstop.Delivered}, "sms_delivered"},
		{backstop.Event{Kind: backstop.EventAttempt, Channel: backstop.SMS, Status: backstop.Failed}, "sms_failed"},
		{backstop.Event{Kind: backstop.EventGaveUp, Channel: backstop.WhatsApp, Status: backstop.Failed}, "failed"},
		{backstop.Event{Kind: backstop.EventGaveUp}, ""},
		{backstop.Event{Kind: backstop.EventRouted, Channel: backstop.SMS}, ""},
		{backstop.Event{Kind: backstop.EventFired, Channel: backstop.SMS}, "rule_fired"},
		{backstop.Event{Kind: backstop.EventAverted, Channel: backstop.WhatsApp, Status: backstop.Read}, "averted"},
		{backstop.Event{Kind: "cancelled"}, "cancelled"},
		{backstop.Event{Kind: backstop.EventFinished}, "finished"},
	}
	for _, test := range tests {
		require.Equal(t, test.want, all.Wants(test.event), "%+v", test.event)
		require.Empty(t, (*backstop.Callback)(nil).Wants(test.event))
	}
	some := &backstop.Callback{URL: "https://example.com", Events: []backstop.CallbackEvent{"read"}}
	require.Empty(t, some.Wants(backstop.Event{Kind: backstop.EventAccepted}))
	require.Equal(t, backstop.CallbackEvent("read"), some.Wants(tests[4].event))
}

func TestCallback_Validate(t *testing.T) {
	t.Parallel()
	good := []string{"https://example.com/a?b=c", "http://127.0.0.1:8080", "https://[2001:db8::1]/x"}
	for _, url := range good {
		require.NoError(t, (&backstop.Callback{URL: url, Events: backstop.CallbackEvents()}).Validate(""), url)
	}
	bad := []string{
		"", "example.com", "ftp://example.com", "https://", "https://user:pass@example.com", "https://example.com/#x",
		"https://exämple.com", "https://example.com/a b", "https://example.com/" + string(make([]byte, 2048)),
	}
	for _, url := range bad {
		require.Equal(t, backstop.Invalid, backstop.CodeOf((&backstop.Callback{URL: url}).Validate("")), url)
	}
	for _, events := range [][]backstop.CallbackEvent{{"reading"}, {"read", "read"}} {
		err := (&backstop.Callback{URL: good[0], Events: events}).Validate("callback.")
		require.ErrorContains(t, err, "callback.events")
	}
	err := (&backstop.Callback{URL: good[0], Events: []backstop.CallbackEvent{"reading"}}).Validate("")
	require.ErrorContains(t, err, "must be some of accepted submitted", "the names are not guessed")
}

// An endpoint is paused after hours of failures, and not after a few. A failed probe makes the pause longer.
func TestCallbackEndpoint_Fail(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := backstop.CallbackEndpoint{URL: "https://example.com"}
	for range 20 {
		e = e.Fail(backstop.CallbackTry{Status: 500}, now)
	}
	require.Nil(t, e.PausedAt, "it fails for no hour yet")
	require.Equal(t, 20, e.Failures)
	now = now.Add(2 * time.Hour)
	e = e.Fail(backstop.CallbackTry{Error: "refused"}, now)
	require.Equal(t, now, *e.PausedAt)
	require.Equal(t, now.Add(2*time.Minute), *e.RetryAt)
	require.Equal(t, "refused", e.Error)
	var pauses []time.Duration
	for range 6 {
		now = *e.RetryAt
		e = e.Fail(backstop.CallbackTry{Status: 503}, now)
		pauses = append(pauses, e.RetryAt.Sub(now)/time.Minute)
	}
	require.Equal(t, []time.Duration{2, 4, 8, 16, 30, 30}, pauses)

	quiet := backstop.CallbackEndpoint{}.Fail(backstop.CallbackTry{}, now).Fail(backstop.CallbackTry{}, now.Add(24*time.Hour))
	require.Nil(t, quiet.PausedAt, "two failures in a day are no outage")
}

func TestRetryPause(t *testing.T) {
	t.Parallel()
	require.Equal(t, 5*time.Second, backstop.RetryPause(1, 0, 0.5))
	require.Equal(t, 40*time.Second, backstop.RetryPause(4, 0, 0.5))
	require.Equal(t, time.Hour, backstop.RetryPause(1000, 0, 0.5))
	require.Equal(t, 45*time.Minute, backstop.RetryPause(1000, 0, 0))
	require.Equal(t, 75*time.Minute, backstop.RetryPause(1000, 0, 1))
	require.Equal(t, 7*time.Minute, backstop.RetryPause(1, 7*time.Minute, 0.5), "the receiver asks for it")
	require.Equal(t, time.Hour, backstop.RetryPause(1000, time.Second, 0.5))
	require.Equal(t, backstop.CallbackLife, backstop.RetryPause(1, 1000*time.Hour, 0.5))
}

func TestCallbackEnding_Decide(t *testing.T) {
	t.Parallel()
	queued := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	q := backstop.CallbackQueue{Next: &backstop.QueuedCallback{QueuedAt: queued}}
	for status, want := range map[int]backstop.CallbackState{
		200: backstop.CallbackDelivered, 204: backstop.CallbackDelivered, 302: backstop.CallbackPending,
		400: backstop.CallbackPending, 410: backstop.CallbackGone, 500: backstop.CallbackPending, 0: backstop.CallbackPending,
	} {
		e := backstop.CallbackEnding{Try: backstop.CallbackTry{At: queued, Status: status}, RetryIn: time.Hour}
		e.Decide(q)
		require.Equal(t, want, e.State, status)
		e.Try.At = queued.Add(71 * time.Hour) // the next try would be too late
		e.Decide(q)
		if want == backstop.CallbackPending {
			want = backstop.CallbackFailed
		}
		require.Equal(t, want, e.State, status)
	}
}
