package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// The first try waits for receipts. Its result brings the receipts of that time to the workflow, in the task that started the
// call.
func TestSend_awaitsReceipts(t *testing.T) {
	t.Parallel()
	undelivered, unread := rule("ud", backstop.Undelivered, time.Minute), rule("ur", backstop.Unread, time.Hour)
	failed := whatsapp(1, backstop.Failed)
	failed.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026"}
	optedOut := whatsapp(1, backstop.Failed)
	optedOut.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"}
	const awaitReceipts = 4 * time.Second
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		atOnce   []backstop.Receipt
		arrivals []arrival
		send     func(*backstop.Send)
		outcome  backstop.Outcome
		reason   backstop.FallbackReason
		sms      int
		timers   int
		maxWait  time.Duration
	}{
		"delivered": {
			rules: []backstop.Rule{undelivered}, atOnce: []backstop.Receipt{whatsapp(1, backstop.Sent), whatsapp(1, backstop.Delivered)},
			outcome: backstop.OutcomeWhatsApp, maxWait: awaitReceipts,
		},
		"failed": {
			rules: []backstop.Rule{undelivered}, atOnce: []backstop.Receipt{failed}, outcome: backstop.OutcomePending, sms: 1,
			reason: backstop.ByFailure, maxWait: awaitReceipts,
		},
		"opted out": {
			rules: []backstop.Rule{undelivered}, atOnce: []backstop.Receipt{optedOut}, outcome: backstop.OutcomeFailed, maxWait: awaitReceipts,
		},
		"delivered later": {
			rules: []backstop.Rule{undelivered}, atOnce: []backstop.Receipt{whatsapp(1, backstop.Sent)},
			arrivals: []arrival{{after: 30 * time.Second, receipt: whatsapp(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeWhatsApp, timers: 1, maxWait: awaitReceipts,
		},
		"never delivered": {
			rules: []backstop.Rule{undelivered}, outcome: backstop.OutcomePending, sms: 1, timers: 1,
			reason: backstop.NotDelivered, maxWait: awaitReceipts,
		},
		"not past the first wait": {
			rules:   []backstop.Rule{rule("ur", backstop.Undelivered, time.Minute), rule("sf", backstop.SendFailed, 2*time.Second)},
			atOnce:  []backstop.Receipt{whatsapp(1, backstop.Delivered)},
			outcome: backstop.OutcomeWhatsApp, maxWait: 2 * time.Second,
		},
		"not past the end of the message": {
			rules: []backstop.Rule{undelivered}, atOnce: []backstop.Receipt{whatsapp(1, backstop.Delivered)},
			send:    func(s *backstop.Send) { s.ExpiresAt = new(s.AcceptedAt.Add(3 * time.Second)) },
			outcome: backstop.OutcomeWhatsApp, maxWait: 3 * time.Second,
		},
		"not where a delivery decides nothing": {
			rules: []backstop.Rule{undelivered, unread}, arrivals: []arrival{{after: time.Second, receipt: whatsapp(1, backstop.Read)}},
			outcome: backstop.OutcomeWhatsApp, timers: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.atOnce = tc.atOnce
			for _, h := range tc.arrivals {
				w.receive(h)
			}
			if tc.send != nil {
				tc.send(&w.send)
			}
			timers := 0
			w.env.SetOnTimerScheduledListener(func(string, time.Duration) { timers++ })
			set := settings
			set.AwaitReceipts = awaitReceipts
			result := w.run(set)
			require.Equal(t, tc.outcome, result.Outcome)
			require.Equal(t, tc.reason, result.Reason)
			require.Len(t, w.calls[backstop.SMS], tc.sms)
			require.Equal(t, tc.timers, timers)
			require.InDelta(t, tc.maxWait, w.waited, float64(time.Second/2))
		})
	}
}

// An ordinary activity does not wait for receipts, because it would hold a slot among the calls.
func TestSend_awaitsReceipts_notInTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute))
	w.receive(arrival{after: time.Second, receipt: whatsapp(1, backstop.Delivered)})
	set := settings
	set.QueuedCalls, set.AwaitReceipts = true, 5*time.Second
	require.Equal(t, backstop.OutcomeWhatsApp, w.run(set).Outcome)
	require.Zero(t, w.waited)
}
