package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// earlier makes a call of an earlier run that was terminated, or whose workflow task was lost. The call is in the ledger, and not
// in the workflow. Without an end, the process died during the call.
func (w *world) earlier(c backstop.Call, end *backstop.Ending) {
	w.t.Helper()
	w.start()
	c.Candidates, c.Token = w.candidates(), "an earlier run's"
	ruling, _, err := w.Begin(w.t.Context(), sendID, c)
	require.NoError(w.t, err)
	require.Equal(w.t, backstop.MayCall, ruling.Answer)
	if end != nil {
		end.Step, end.Token = ruling.Attempt.Ref.Step, c.Token
		_, _, err = w.End(w.t.Context(), sendID, *end)
		require.NoError(w.t, err)
	}
}

func ended(kind backstop.FailureKind) *backstop.Ending {
	return &backstop.Ending{Failure: &backstop.Failure{Kind: kind}}
}

// A new run finds an SMS call of an earlier run that the provider did not take, or whose process died. The new run goes on with
// that SMS. If it waited for the receipt of a message that is not out, the fallback would be lost.
func TestSend_earlierSMS(t *testing.T) {
	t.Parallel()
	whatsApp, firstSMS := backstop.Call{Channel: backstop.WhatsApp}, backstop.Call{Channel: backstop.SMS, ByFailure: true}
	secondSMS := firstSMS
	secondSMS.Rule = 1
	one := []backstop.Rule{rule("one", backstop.Undelivered, 0)}
	two := []backstop.Rule{one[0], rule("two", backstop.Undelivered, 0)}
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		earlier  func(w *world)
		smsAfter []time.Duration
	}{
		"the provider was down": {
			rules: one, earlier: func(w *world) { w.earlier(firstSMS, ended(backstop.Unavailable)) },
			smsAfter: []time.Duration{0},
		},
		"the spare sender's provider was down": {
			rules: two, earlier: func(w *world) {
				w.earlier(firstSMS, ended(backstop.Rejected))
				w.earlier(secondSMS, ended(backstop.Unavailable))
			},
			smsAfter: []time.Duration{0},
		},
		"the process died during the call": {
			rules: one, earlier: func(w *world) { w.earlier(firstSMS, nil) },
			smsAfter: []time.Duration{time.Minute}, // CallTimeout, and UnknownWait
		},
		"the call is in flight, and the provider is down": {
			rules: one, earlier: func(w *world) {
				w.earlier(firstSMS, nil)
				w.after(5*time.Second, func() {
					e := ended(backstop.Unavailable)
					e.Step, e.Token = firstSMS.Step(), "an earlier run's"
					_, _, err := w.End(t.Context(), sendID, *e)
					require.NoError(t, err)
				})
			},
			smsAfter: []time.Duration{30 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.earlier(whatsApp, ended(backstop.Rejected))
			tc.earlier(w)
			resendsUnknown()(w)
			w.run(workflows.Settings{UnknownWait: 30 * time.Second, SMSReceiptWait: time.Hour})
			require.Equal(t, tc.smsAfter, w.smsAfter())
		})
	}
}

// A workflow task is lost in which the SMS of a rule failed and that of the next rule was called. The next task gets the receipt and
// that call at once, while it waits for the receipt of the first SMS. It goes on with the second SMS.
func TestSend_earlierSMS_ofNextRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("one", backstop.Undelivered, 0), rule("two", backstop.Undelivered, 0))
	resendsUnknown()(w)
	w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
	w.after(10*time.Second, func() {
		w.Receive(sms(0, backstop.Failed))
		w.earlier(backstop.Call{Channel: backstop.SMS, Rule: 1, ByFailure: true}, nil)
		l := w.ledger()
		w.signal(l.View())
	})
	result := w.run(workflows.Settings{UnknownWait: 30 * time.Second, SMSReceiptWait: 2 * time.Minute})
	require.Equal(t, []time.Duration{0, 70 * time.Second}, w.smsAfter(), "after CallTimeout and UnknownWait")
	require.Equal(t, "two", result.Rule)
}
