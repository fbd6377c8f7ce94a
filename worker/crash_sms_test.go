package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// WhatsApp rejects the message, so the same workflow task sends the SMS. The worker is killed at each point of the SMS call. The
// task runs again and begins with WhatsApp, whose result then contains the status of the SMS. The workflow must not wait for a
// receipt of the SMS while the SMS may still be retried. Regression: an SMS whose provider was down at its first call never went
// out.
func TestCrash_sms(t *testing.T) {
	t.Parallel()
	server := temporal.Server(t)
	namespace := server.Namespace(t)
	f := newFleet(t, server, server.Client(t, namespace), namespace)
	f.carrier.arm(true)
	kill := f.process()
	type crash struct {
		name    string
		at      point
		sms     int
		outcome backstop.Outcome
	}
	var crashes []crash
	down := reply{failure: &backstop.Failure{Kind: backstop.Unavailable, Code: "503"}}
	for name, first := range map[string]reply{"accepted": {}, "down": down, "throttled": tooFast} {
		for _, at := range []point{beforeBegin, afterBegin, beforeEnd, afterEnd, beforeCompletion} {
			c := crash{fmt.Sprintf("%s, dies %s", name, at), at, 1, backstop.OutcomeSMS}
			if at == afterBegin || at == beforeEnd && first.failure != nil {
				c.sms, c.outcome = 0, backstop.OutcomeUnconfirmed // of unknown end, and not resent
			}
			p := plays(backstop.SMS, []reply{first}, nil)
			p.replies[backstop.WhatsApp] = []reply{rejection}
			p.diesAt, p.step = at, backstop.SMSStep(0, 0, false)
			rule := undelivered(0)
			f.send(p, workflows.Settings{UnknownWait: time.Second, SMSReceiptWait: 3 * time.Second}, rule)
			crashes = append(crashes, c)
		}
	}
	f.gather()
	kill()
	f.carrier.arm(false)
	f.process()
	for i, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			stored := f.finished(t, f.accepted[i])
			f.carrier.requireSane(t, f.accepted[i], false)
			_, sms := f.carrier.accepted(f.accepted[i])
			require.Equal(t, c.sms, sms)
			require.Equal(t, c.outcome, stored.Outcome)
		})
	}
}
