package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// frozenWait ends after the call has timed out, and after a resend would have gone out.
const frozenWait = 42 * time.Second

// freeze stops the calls of a worker after the provider has accepted the messages. When another run has stored an unknown end,
// the calls go on, and store that they were accepted. Regression: that was not signalled to the workflow, and WhatsApp was
// sent again.
func (f *fleet) freeze() {
	f.t.Helper()
	f.carrier.arm(true)
	f.process()
	p := resending(plays(backstop.WhatsApp, nil, nil))
	p.diesAt, p.step = beforeEnd, whatsAppStep
	for _, isQueued := range []bool{false, true} {
		f.send(p, workflows.Settings{
			UnknownWait: 6 * time.Second, SMSReceiptWait: time.Hour, QueuedCalls: isQueued,
		}, undelivered(frozenWait))
	}
	f.gather()
	f.carrier.arm(false)
	ctx := f.t.Context()
	go func() {
		for ctx.Err() == nil && !f.areTakenForDead() {
			time.Sleep(moment)
		}
		close(f.carrier.thawed)
	}()
}

// areTakenForDead reports whether all calls are stored with an unknown end.
func (f *fleet) areTakenForDead() bool {
	for _, send := range f.accepted {
		attempts, _, err := f.db.Timeline(f.t.Context(), send)
		if err != nil || attempts[0].State != backstop.StateUnknown {
			return false
		}
	}
	return true
}

func (f *fleet) checkFrozen(t *testing.T) {
	t.Helper()
	for _, send := range f.accepted {
		require.Equal(t, backstop.OutcomeSMS, f.finished(t, send).Outcome)
		f.carrier.requireSane(t, send, false)
		whatsapp, sms := f.carrier.calls(send)
		require.Equal(t, 1, whatsapp, "WhatsApp calls")
		require.Equal(t, 1, sms, "SMS calls")
		attempts, _, err := f.db.Timeline(t.Context(), send)
		require.NoError(t, err)
		require.Equal(t, backstop.Accepted, attempts[0].State, "the end that came late")
	}
}
