package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/temporaltest"
	"github.com/backstophq/backstop/workflows"
)

// outage is a send with receipts that come while Temporal is down.
type outage struct {
	name     string
	part     part // the receipts of the channel come while Temporal is down
	rule     backstop.RuleType
	settings workflows.Settings
	wait     time.Duration
	step     int
	channel  backstop.Channel

	whatsapp, sms int // calls in all
	outcome       backstop.Outcome
}

// unreadWait is longer than pastDue, so the workflow decides about a resend before the rule fires.
const unreadWait = 14 * time.Second

// pastDue is the age of the sends when Temporal is back. Then shortWait is over, and retries and resends are due.
const pastDue = 7 * time.Second

func outages() []outage {
	held := func(channel backstop.Channel, replies []reply, receipts ...backstop.Receipt) part {
		p := plays(channel, replies, nil)
		p.receipts[channel] = receipts
		p.held = channel
		return p
	}
	arrives := reported(backstop.Sent, backstop.Delivered)
	failed := backstop.Receipt{Status: backstop.Failed, Failure: &backstop.Failure{Kind: backstop.Rejected, Code: "131026"}}
	optOut := backstop.Receipt{Status: backstop.Failed, Failure: &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050",
	}}
	later := reply{failure: &backstop.Failure{Kind: backstop.Unavailable, Code: "503", RetryAfter: shortWait}}
	plain := workflows.Settings{UnknownWait: shortWait, SMSReceiptWait: time.Hour}
	w, s := backstop.WhatsApp, backstop.SMS
	retriedSMS := held(s, []reply{later}, arrives...)
	retriedSMS.replies[w] = []reply{rejection}
	unknownSMS := held(s, []reply{unknownEnd}, arrives...)
	unknownSMS.replies[w] = []reply{rejection}
	unread := held(w, []reply{unknownEnd}, arrives...)
	unread.goal = backstop.Read
	u := backstop.Undelivered
	return []outage{
		// Regression: the timer was faster than the sweeper in one of three restarts, and WhatsApp was sent again.
		{"unknown end, delivered", resending(held(w, []reply{unknownEnd}, arrives...)), u, plain, time.Hour, 1, w, 1, 0, "whatsapp"},
		{"unknown end, delivered, wait over", resending(held(w, []reply{unknownEnd}, arrives...)), u, plain, shortWait, 1, w, 1, 0, "whatsapp"},
		{"unknown end, delivered, not read", resending(unread), backstop.Unread, plain, unreadWait, 1, w, 1, 1, "sms"},
		{"unavailable, delivered all the same", held(w, []reply{later}, arrives...), u, plain, time.Hour, 1, w, 1, 0, "whatsapp"},
		{"SMS unavailable, sent all the same", retriedSMS, u, plain, time.Hour, 3, s, 1, 1, "sms"},
		{"SMS of unknown end, delivered", resending(unknownSMS), u, plain, time.Hour, 3, s, 1, 1, "sms"},
		{"accepted, delivered, wait over", held(w, nil, arrives...), u, plain, shortWait, 1, w, 1, 0, "whatsapp"},
		// Regression: the SMS went out in one of two outages.
		{"accepted, opted out, wait over", held(w, nil, optOut), u, plain, shortWait, 1, w, 1, 0, "failed"},
		{"accepted, failed, wait over", held(w, nil, failed), u, plain, shortWait, 1, w, 1, 1, "sms"},
		{"accepted, silent, wait over", held(w, nil), u, plain, shortWait, 1, w, 1, 1, "sms"},
		{"accepted, failed", held(w, nil, failed), u, plain, time.Hour, 1, w, 1, 1, "sms"}, // the sweeper signals it
	}
}

// Receipts are stored while Temporal is down. When it is back, they decide about the calls that are due, even without a signal:
// the sweeper starts only for the last case.
func TestCrash_temporalRestarted(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t)
	f := fleetOn(newRigOn(t, server.Client(t, server.Namespace(t))))
	f.here()
	cases := outages()
	for _, c := range cases {
		c.part.diesAt = parked
		f.send(c.part, c.settings, ruleOf(c.rule, c.wait))
	}
	due := time.Now().Add(pastDue)
	f.gather()
	server.Stop(t)
	for i, c := range cases {
		f.carrier.report(backstop.Ref{Send: f.accepted[i], Step: c.step}, c.channel, f.keep)
	}
	time.Sleep(time.Until(due))
	server.Restart(t)

	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if i == len(cases)-1 {
				f.sweep()
			}
			send := f.accepted[i]
			require.Equal(t, c.outcome, f.finished(t, send).Outcome)
			whatsapp, sms := f.carrier.calls(send)
			require.Equal(t, c.whatsapp, whatsapp, "WhatsApp calls")
			require.Equal(t, c.sms, sms, "SMS calls")
			f.carrier.requireSane(t, send, false)
		})
	}
}

// sweep runs the sweeper until the test ends.
func (f *fleet) sweep() {
	f.t.Helper()
	ctx, stop := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.door(workflows.Settings{}).Sweep(ctx) }()
	f.t.Cleanup(func() { stop(); <-done })
}
