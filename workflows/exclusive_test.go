package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// The SMS of an exclusive send waits for receipts in flight, and for the time-to-live of a message that was sent late.
func TestSend_exclusive(t *testing.T) {
	t.Parallel()
	const minute, second, grace = time.Minute, time.Second, 15 * time.Second
	var (
		slow      = &backstop.Failure{Kind: backstop.Throttled, RetryAfter: 4 * minute}
		unknown   = failure(backstop.Unknown, "")
		rejected  = failure(backstop.Rejected, backstop.RecipientFault)
		first     = rule("first", backstop.Undelivered, 5*minute)
		second5   = rule("second", backstop.SendFailed, 5*minute)
		next      = rule("next", backstop.Undelivered, 8*minute)
		onFailure = rule("on failure", backstop.Undelivered, 0)
	)
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		whatsapp []error
		arrivals []arrival
		accounts func(*world)
		outcome  backstop.Outcome
		smsAfter []time.Duration
	}{
		"after the grace": {
			rules: []backstop.Rule{first}, arrivals: []arrival{{after: 6 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome: backstop.OutcomeSMS, smsAfter: []time.Duration{5*minute + grace},
		},
		"a delivery in the grace": {
			rules: []backstop.Rule{first}, arrivals: []arrival{{after: 5*minute + 14*second, receipt: whatsapp(1, backstop.Delivered)}},
			outcome: backstop.OutcomeWhatsApp, smsAfter: []time.Duration{},
		},
		"sent in the grace, then lost": {
			rules: []backstop.Rule{second5}, arrivals: []arrival{
				{after: 5*minute + 14*second, receipt: whatsapp(1, backstop.Sent)},
				{after: time.Hour, receipt: whatsapp(1, backstop.Failed)}, {after: 2 * time.Hour, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, smsAfter: []time.Duration{time.Hour},
		},
		"a failure in the grace": {
			rules: []backstop.Rule{first}, arrivals: []arrival{
				{after: 5*minute + 2*second, receipt: whatsapp(1, backstop.Failed)}, {after: 6 * minute, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, smsAfter: []time.Duration{5*minute + 2*second},
		},
		"sent late": {
			rules: []backstop.Rule{first}, whatsapp: []error{slow, nil},
			arrivals: []arrival{{after: 20 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, smsAfter: []time.Duration{9*minute + grace},
		},
		"sent late, and arrives while the SMS is held": {
			rules: []backstop.Rule{first}, whatsapp: []error{slow, nil},
			arrivals: []arrival{{after: 9 * minute, receipt: whatsapp(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeWhatsApp, smsAfter: []time.Duration{},
		},
		"sent late, and fails while the SMS is held": {
			rules: []backstop.Rule{first}, whatsapp: []error{slow, nil}, arrivals: []arrival{
				{after: 6 * minute, receipt: whatsapp(1, backstop.Failed)}, {after: 20 * minute, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, smsAfter: []time.Duration{6 * minute},
		},
		"sent late, and another rule is due while the SMS is held": {
			rules: []backstop.Rule{first, next}, whatsapp: []error{slow, nil},
			arrivals: []arrival{{after: 20 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, smsAfter: []time.Duration{9*minute + grace},
		},
		"a failure after a call of unknown end": {
			rules: []backstop.Rule{onFailure}, whatsapp: []error{unknown, rejected}, accounts: func(w *world) { w.change(number, func(a *activities.Account) { a.HoldsUnknown = false }) },
			arrivals: []arrival{{after: 20 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, smsAfter: []time.Duration{5*minute + grace},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.send.Plan.Override = &backstop.Override{Exclusive: true}
			w.send.Plan.Template = &backstop.PlanTemplate{Category: backstop.Utility, TTLSeconds: int(5 * minute / second)}
			var err error
			w.send, err = w.send.ResolveExclusive(grace)
			require.NoError(t, err)
			if tc.accounts != nil {
				tc.accounts(w)
			}
			w.answers(backstop.WhatsApp, tc.whatsapp...)
			for _, a := range tc.arrivals {
				w.receive(a)
			}
			w.run(settings)
			w.afterwards()
			require.Equal(t, tc.outcome, w.ledger().Send.Outcome)
			require.Equal(t, tc.smsAfter, w.smsAfter())
		})
	}
}
