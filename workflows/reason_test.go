package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// Each SMS carries why the first rule fired, also that of a later rule, so that whoever stores it need not know which is
// the first. An averted one does not count.
func TestSend_fallbackReason(t *testing.T) {
	t.Parallel()
	rejected := failure(backstop.Rejected, backstop.RecipientFault)
	undelivered := rule("ud", backstop.Undelivered, time.Minute)
	unread := rule("ur", backstop.Unread, 2*time.Minute)
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		whatsapp error
		sms      error
		heard    []heard
		late     bool
		want     []backstop.FallbackReason // of each SMS
	}{
		"rejected at once": {rules: []backstop.Rule{unread}, whatsapp: rejected, want: []backstop.FallbackReason{backstop.ByFailure}},
		"failed by receipt": {
			rules: []backstop.Rule{undelivered}, heard: []heard{{after: time.Second, receipt: whatsapp(1, backstop.Failed)}},
			want: []backstop.FallbackReason{backstop.ByFailure},
		},
		"not sent": {
			rules: []backstop.Rule{rule("sf", backstop.SendFailed, time.Minute)},
			want:  []backstop.FallbackReason{backstop.NotSent},
		},
		"not delivered": {rules: []backstop.Rule{undelivered}, want: []backstop.FallbackReason{backstop.NotDelivered}},
		"not read": {
			rules: []backstop.Rule{undelivered, unread}, heard: []heard{{after: time.Second, receipt: whatsapp(1, backstop.Delivered)}},
			want: []backstop.FallbackReason{backstop.NotRead},
		},
		"too late": {rules: []backstop.Rule{unread}, late: true, want: []backstop.FallbackReason{backstop.TooLate}},
		"the SMS failed": {
			rules: []backstop.Rule{undelivered, unread}, sms: rejected,
			want: []backstop.FallbackReason{backstop.NotDelivered, backstop.NotDelivered},
		},
		"the first was averted": {
			rules: []backstop.Rule{undelivered, unread},
			heard: []heard{{after: time.Second, receipt: whatsapp(1, backstop.Delivered), mute: true}},
			want:  []backstop.FallbackReason{backstop.NotRead},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.answers(backstop.WhatsApp, tc.whatsapp)
			w.answers(backstop.SMS, tc.sms)
			for _, h := range tc.heard {
				w.receive(h)
			}
			if tc.late {
				w.send.AcceptedAt = w.send.AcceptedAt.Add(-time.Hour)
			}
			w.run(settings)
			var got []backstop.FallbackReason
			for _, a := range w.attempts {
				if a.Channel == backstop.SMS {
					got = append(got, a.FallbackReason)
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}
