package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// slowCall is a send with a call that takes longer than a rule's wait.
type slowCall struct {
	name          string
	part          part
	rules         []backstop.Rule
	whatsapp, sms int // messages that the provider has in the end
	outcome       backstop.Outcome
}

// callTime is how long the slow calls take. The waits of the rules end meanwhile.
const callTime = 5 * time.Second

// slowly returns a reply that takes callTime.
func slowly(r reply) reply {
	r.takes = callTime
	return r
}

// plays returns a script with the replies to the calls of a channel, and the receipts of accepted messages.
func plays(channel backstop.Channel, replies []reply, whatsapp []backstop.Receipt) part {
	return part{
		replies: map[backstop.Channel][]reply{channel: replies},
		receipts: map[backstop.Channel][]backstop.Receipt{
			backstop.WhatsApp: whatsapp, backstop.SMS: reported(backstop.Sent, backstop.Delivered),
		},
	}
}

func slowCalls() []slowCall {
	arrives := reported(backstop.Sent, backstop.Delivered)
	rules := []backstop.Rule{undelivered(2 * time.Second)}
	two := []backstop.Rule{undelivered(time.Second), undelivered(4 * time.Second)}
	two[1].Name = "spare"
	lapses := func(p part) part { p.expires = 4 * time.Second; return p }
	w, s := backstop.WhatsApp, backstop.SMS
	down := reply{failure: &backstop.Failure{Kind: backstop.Unavailable, Code: "503"}}
	return []slowCall{
		{"a first try, delivered during the call", plays(w, []reply{slowly(reply{})}, arrives), rules, 1, 0, "whatsapp"},
		{"a first try, silent", plays(w, []reply{slowly(reply{})}, nil), rules, 1, 1, "sms"},
		{"a first try, rejected", plays(w, []reply{slowly(rejection)}, nil), rules, 0, 1, "sms"},
		{"a retry, delivered during the call", plays(w, []reply{tooFast, slowly(reply{})}, arrives), rules, 1, 0, "whatsapp"},
		{"a retry, silent", plays(w, []reply{tooFast, slowly(reply{})}, nil), rules, 1, 1, "sms"},
		{"a retry, of unknown end", plays(w, []reply{tooFast, slowly(unknownEnd)}, nil), rules, 1, 1, "sms"},
		{"a retry, unavailable", plays(w, []reply{tooFast, slowly(down)}, nil), rules, 0, 1, "sms"},
		{"a retry, expired meanwhile", lapses(plays(w, []reply{tooFast, slowly(reply{})}, arrives)), rules, 1, 0, "whatsapp"},
		{"an SMS", plays(s, []reply{slowly(reply{})}, nil), two, 1, 1, "sms"},
		{"an SMS, retried", plays(s, []reply{tooFast, slowly(reply{})}, nil), two, 1, 1, "sms"},
		{"an SMS, retried, of unknown end", plays(s, []reply{tooFast, slowly(unknownEnd)}, nil), two, 1, 1, "sms"},
		{"an SMS, retried, rejected", plays(s, []reply{tooFast, slowly(rejection)}, nil), two, 1, 1, "sms"},
		{"an SMS, retried, unavailable", plays(s, []reply{tooFast, slowly(down)}, nil), two, 1, 1, "sms"},
		{"an SMS, retried, expired meanwhile", lapses(plays(s, []reply{tooFast, slowly(reply{})}, nil)), two, 1, 1, "sms"},
	}
}

// A call is under way when a rule's wait ends, or when the time for its retries ends. The end of the call counts. Regression: the
// engine's activity timeout ended the wait for the call and not the call itself. So both a WhatsApp message and an SMS were
// accepted, or two SMS of one send.
func TestCrash_slowCall(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	namespace := server.Namespace(t)
	f := newFleet(t, server, server.Client(t, namespace), namespace)
	f.process()
	cases := slowCalls()
	for _, c := range cases {
		f.send(c.part, workflows.Settings{UnknownWait: time.Second, SMSReceiptWait: time.Hour}, c.rules...)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			send := f.accepted[i]
			stored := f.finished(t, send)
			f.carrier.requireSane(t, send, false)
			whatsapp, sms := f.carrier.accepted(send)
			require.Equal(t, c.whatsapp, whatsapp, "WhatsApp messages")
			require.Equal(t, c.sms, sms, "SMS")
			require.Equal(t, c.outcome, stored.Outcome)
			_, events, err := f.db.Timeline(t.Context(), send)
			require.NoError(t, err)
			for _, e := range events {
				require.False(t, e.Kind == backstop.EventGaveUp && whatsapp > 0 && e.Channel == backstop.WhatsApp, "given up")
			}
		})
	}
}
