package workflows_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// A caller ends a send while its workflow waits or calls. A workflow that is signalled ends at once. One that is not signalled
// ends when it proposes its next call, because the ledger refuses that. Neither sends an SMS.
func TestSend_endedByCaller(t *testing.T) {
	t.Parallel()
	unavailable := failure(backstop.Unavailable, "")
	undelivered := rule("ud", backstop.Undelivered, 5*time.Minute)
	for name, c := range map[string]struct {
		whatsapp, sms []error
		rules         []backstop.Rule
		at            time.Duration
		end           time.Duration // of the workflow that is not signalled
		calls         bool          // the SMS is called before the end
	}{
		"during the watch":          {at: 2 * time.Minute, end: 5 * time.Minute},
		"while WhatsApp is retried": {whatsapp: []error{unavailable}, at: 2 * time.Minute, end: 3 * time.Minute},
		"after an unknown end":      {whatsapp: []error{failure(backstop.Unknown, "")}, at: 2 * time.Minute, end: 5 * time.Minute},
		"while the SMS is retried":  {sms: []error{unavailable}, at: 6 * time.Minute, end: 7 * time.Minute, calls: true},
		"between two rules": {
			sms: []error{failure(backstop.Rejected, backstop.RecipientFault)}, at: 6 * time.Minute, end: 10 * time.Minute, calls: true,
			rules: []backstop.Rule{undelivered, rule("later", backstop.Undelivered, 10*time.Minute, second)},
		},
	} {
		for _, confirms := range []bool{false, true} {
			for _, isSignalled := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, signalled %t", name, wantedEnd(confirms), isSignalled), func(t *testing.T) {
					t.Parallel()
					rules := c.rules
					if rules == nil {
						rules = []backstop.Rule{undelivered}
					}
					w := newWorld(t, rules...)
					w.answers(backstop.WhatsApp, c.whatsapp...)
					w.answers(backstop.SMS, c.sms...)
					w.endAt(c.at, confirms, isSignalled)
					result := w.run(settings)
					require.Equal(t, wantedEnd(confirms), result.Outcome)
					ended := w.now().Sub(w.send.AcceptedAt)
					if isSignalled {
						require.Equal(t, c.at, ended.Round(time.Second))
					} else {
						require.LessOrEqual(t, ended, c.end)
					}
					require.Equal(t, c.calls, len(w.calls[backstop.SMS]) > 0)
					for _, at := range append(w.calls[backstop.SMS], w.calls[backstop.WhatsApp]...) {
						require.LessOrEqual(t, at.Sub(w.send.AcceptedAt), c.at)
					}
				})
			}
		}
	}
}

// A send that ends before its workflow runs makes no call.
func TestSend_endedBeforeStart(t *testing.T) {
	t.Parallel()
	for _, confirms := range []bool{false, true} {
		w := newWorld(t, rule("ud", backstop.Undelivered, 5*time.Minute))
		w.start()
		w.endNow(confirms)
		require.Equal(t, wantedEnd(confirms), w.run(settings).Outcome)
		require.Empty(t, w.calls)
		require.Less(t, w.now().Sub(w.send.AcceptedAt), time.Second)
	}
}

// A confirmed send does not wait for the receipt of its SMS. A cancellation comes too late for it.
func TestSend_endedAfterSMS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, 5*time.Minute), rule("later", backstop.Undelivered, 10*time.Minute))
	w.after(6*time.Minute, func() {
		_, err := w.Cancel(w.t.Context(), w.send.ID)
		require.Equal(w.t, backstop.Conflict, backstop.CodeOf(err))
	})
	w.endAt(7*time.Minute, true, true)
	result := w.run(settings)
	require.Equal(t, backstop.OutcomeConfirmed, result.Outcome)
	require.Equal(t, "ud", result.Rule)
	require.Equal(t, 7*time.Minute, w.now().Sub(w.send.AcceptedAt).Round(time.Second))
	require.Equal(t, []time.Duration{5 * time.Minute}, w.smsAfter(), "the second rule fires no more")
}

func wantedEnd(confirms bool) backstop.Outcome {
	if confirms {
		return backstop.OutcomeConfirmed
	}
	return backstop.OutcomeCancelled
}

// endAt makes the caller end the send at a moment after it was accepted.
func (w *world) endAt(after time.Duration, confirms, isSignalled bool) {
	w.after(after, func() {
		if view := w.endNow(confirms); isSignalled {
			w.signal(view)
		}
	})
}

func (w *world) endNow(confirms bool) backstop.View {
	w.t.Helper()
	end := w.Cancel
	if confirms {
		end = w.Confirm
	}
	view, err := end(w.t.Context(), w.send.ID)
	require.NoError(w.t, err)
	return view
}

// A send that ends during the receipt wait of its first call ends with that call.
func TestSend_endedInReceiptWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, 5*time.Minute))
	w.change(number, func(a *activities.Account) { a.WhatsApp = endingProvider{provider{w, backstop.WhatsApp, number}} })
	waiting := settings
	waiting.AwaitReceipts = 4 * time.Second
	require.Equal(t, backstop.OutcomeCancelled, w.run(waiting).Outcome)
	require.Empty(t, w.calls[backstop.SMS])
	require.Less(t, w.now().Sub(w.send.AcceptedAt), time.Second)
	require.Equal(t, backstop.Submitted, w.ledger().Send.Status.WhatsApp, "the call in flight counts")
}

// endingProvider is a provider during whose call the send is cancelled.
type endingProvider struct{ provider }

func (p endingProvider) SendWhatsApp(context.Context, backstop.WhatsAppMessage) (backstop.Submission, error) {
	p.w.endNow(false)
	return p.answer()
}
