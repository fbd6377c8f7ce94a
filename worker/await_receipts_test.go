package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// awaitReceipts sets how long a call waits for receipts. It applies to sends that are accepted later.
func (r *rig) awaitReceipts(d time.Duration) {
	r.t.Helper()
	r.set(func(s *workflows.Settings) { s.AwaitReceipts = d })
}

// startReceiptWait starts a worker and a send, and waits until the call of the send waits for its receipts.
func (r *rig) startReceiptWait() (send string, stop func()) {
	r.t.Helper()
	r.awaitReceipts(long)
	stop = r.work(limits)
	send = r.accept(backstop.Undelivered, time.Hour)
	require.Eventually(r.t, func() bool {
		attempts, _, err := r.db.Timeline(r.t.Context(), send)
		require.NoError(r.t, err)
		return len(attempts) == 1 && attempts[0].AwaitsReceiptsUntil != nil
	}, patience, moment)
	return send, stop
}

// long is a receipt wait that is enough for a busy machine, and less than 8 s: then the SDK asks for another workflow task.
const long = 7 * time.Second

// A delivery is reported during the receipt wait of the call. The workflow ends in its first task, without a signal or an update.
func TestWorker_awaitsReceipts_delivered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send, _ := r.startReceiptWait()
	for _, status := range []backstop.Status{backstop.Sent, backstop.Delivered, backstop.Read} {
		r.deliver(send, whatsAppStep, backstop.WhatsApp, status)
	}
	result := r.ended(send)
	require.Equal(t, backstop.OutcomeWhatsApp, result.Outcome)
	r.requireCalls(1, 0)
	require.Len(t, r.events(send), 6, "start, a task of three, the call, the end")
}

// A failure is reported during the receipt wait. The SMS follows in the same task.
func TestWorker_awaitsReceipts_failed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send, _ := r.startReceiptWait()
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Failed)
	r.submitted(send, backstop.SMS)
	r.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send).Outcome)
	r.requireCalls(1, 1)
	require.Len(t, r.events(send), 7)
}

// No receipt comes during the receipt wait. The workflow goes on as if the call had not waited.
func TestWorker_awaitsReceipts_inVain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.awaitReceipts(300 * time.Millisecond)
	r.work(limits)
	send := r.accept(backstop.Undelivered, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send).Outcome)
	require.Len(t, r.events(send, enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED), 1)
}

// The worker is stopped during a receipt wait. It ends the wait and its task, and another worker gets the receipts.
func TestWorker_awaitsReceipts_stopped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send, stop := r.startReceiptWait()
	stop()
	attempts, _, err := r.db.Timeline(t.Context(), send)
	require.NoError(t, err)
	require.Nil(t, attempts[0].AwaitsReceiptsUntil)
	require.Empty(t, r.events(send, enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED))
	require.Len(t, r.events(send, enums.EVENT_TYPE_TIMER_STARTED), 1)
	r.work(limits)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send).Outcome)
	r.requireCalls(1, 0)
}

// The worker died during a receipt wait, and a receipt was stored without a signal. The next worker finds the receipt in the
// ledger.
func TestWorker_awaitsReceipts_died(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.awaitReceipts(long)
	ended, failed := r.accept(backstop.Undelivered, time.Hour), r.accept(backstop.Undelivered, time.Hour)
	for _, send := range []string{ended, failed} {
		c := backstop.Call{
			Channel: backstop.WhatsApp, Token: send, Candidates: []backstop.Candidate{{Account: number, Provider: "scripted"}},
		}
		ruling, _, err := r.db.Begin(t.Context(), send, c)
		require.NoError(t, err)
		_, _, err = r.db.End(t.Context(), send, backstop.Ending{
			Step: c.Step(), Token: c.Token, Submission: backstop.Submission{MessageID: ruling.Attempt.Ref.String()}, AwaitReceipts: time.Minute,
		})
		require.NoError(t, err)
	}
	r.deliver(ended, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
	r.deliver(failed, whatsAppStep, backstop.WhatsApp, backstop.Failed)
	r.work(limits)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(ended).Outcome)
	r.submitted(failed, backstop.SMS)
	r.requireCalls(0, 1)
}
