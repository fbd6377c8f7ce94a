package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// The send keeps the reason of the first rule that fired, even if a later rule sends. An averted rule does not count.
func TestSend_fallbackReason(t *testing.T) {
	t.Parallel()
	rejected := failure(backstop.Rejected, backstop.RecipientFault)
	undelivered := rule("ud", backstop.Undelivered, time.Minute)
	unread := rule("ur", backstop.Unread, 2*time.Minute)
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		whatsapp error
		sms      error
		arrivals []arrival
		late     bool
		want     backstop.FallbackReason
	}{
		"rejected at once": {rules: []backstop.Rule{unread}, whatsapp: rejected, want: backstop.ByFailure},
		"failed by receipt": {
			rules: []backstop.Rule{undelivered}, arrivals: []arrival{{after: time.Second, receipt: whatsapp(1, backstop.Failed)}},
			want: backstop.ByFailure,
		},
		"not sent": {
			rules: []backstop.Rule{rule("sf", backstop.SendFailed, time.Minute)},
			want:  backstop.NotSent,
		},
		"not delivered": {rules: []backstop.Rule{undelivered}, want: backstop.NotDelivered},
		"not read": {
			rules: []backstop.Rule{undelivered, unread}, arrivals: []arrival{{after: time.Second, receipt: whatsapp(1, backstop.Delivered)}},
			want: backstop.NotRead,
		},
		"too late": {rules: []backstop.Rule{unread}, late: true, want: backstop.TooLate},
		"the SMS failed": {
			rules: []backstop.Rule{undelivered, unread}, sms: rejected,
			want: backstop.NotDelivered,
		},
		"the first was averted": {
			rules:    []backstop.Rule{undelivered, unread},
			arrivals: []arrival{{after: time.Second, receipt: whatsapp(1, backstop.Delivered), mute: true}},
			want:     backstop.NotRead,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.answers(backstop.WhatsApp, tc.whatsapp)
			w.answers(backstop.SMS, tc.sms)
			for _, h := range tc.arrivals {
				w.receive(h)
			}
			if tc.late {
				w.send.AcceptedAt = w.send.AcceptedAt.Add(-time.Hour)
			}
			require.Equal(t, tc.want, w.run(settings).Reason)
			require.Equal(t, tc.want, w.ledger().Send.FallbackReason)
		})
	}
}
