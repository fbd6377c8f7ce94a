package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// frozenWait ends after another run has taken the call for dead, and after it would have sent again.
const frozenWait = 42 * time.Second

// freeze holds up the calls of a worker after the provider has accepted the messages, until another run has taken them for
// dead. Then they go on and store that they were accepted. The second half of letter b of the issue: before, no one told the workflow, and
// WhatsApp was sent again.
func (f *fleet) freeze() {
	f.t.Helper()
	f.carrier.arm(true)
	f.process()
	p := plays(backstop.WhatsApp, nil, nil)
	p.diesAt, p.step = beforeEnd, whatsAppStep
	for _, isQueued := range []bool{false, true} {
		f.send(p, workflows.Settings{
			UnknownWait: 6 * time.Second, ResendWhatsApp: true, SMSReceiptWait: time.Hour, QueuedCalls: isQueued,
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

// areTakenForDead reports whether all calls are of unknown end.
func (f *fleet) areTakenForDead() bool {
	for _, send := range f.accepted {
		attempts, _, err := f.db.Timeline(f.t.Context(), send)
		if err != nil || attempts[0].State != backstop.AttemptState(backstop.Unknown) {
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
