package worker_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// frozenWait ends after the next worker has taken the call for dead, and after it would have sent again.
const frozenWait = 42 * time.Second

// freeze stops a worker whose provider has accepted the messages, until the next worker has taken its calls for dead. Then it
// goes on and stores that they were accepted. The second half of letter b of the issue: before, no one told the workflow, and
// WhatsApp was sent again.
func (f *fleet) freeze() {
	f.t.Helper()
	f.carrier.arm(true)
	process, _ := f.process()
	p := plays(backstop.WhatsApp, nil, nil)
	p.diesAt, p.step = beforeEnd, whatsAppStep
	for _, isQueued := range []bool{false, true} {
		f.send(p, workflows.Settings{
			UnknownWait: 6 * time.Second, ResendWhatsApp: true, SMSReceiptWait: time.Hour, QueuedCalls: isQueued,
		}, undelivered(frozenWait))
	}
	f.gather()
	require.NoError(f.t, process.Signal(syscall.SIGSTOP))
	f.carrier.arm(false)
	f.process()
	ctx := f.t.Context()
	go func() {
		for ctx.Err() == nil && !f.areTakenForDead() {
			time.Sleep(moment)
		}
		close(f.carrier.thawed)
		_ = process.Signal(syscall.SIGCONT) // a test that has ended has killed it
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
