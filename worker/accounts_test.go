package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

// The accounts of a test. The sends of a test name the one that they need.
const (
	number, resendingNumber = "number", "resending-number" // of WhatsApp
	sender, resendingSender = "sender", "resending-sender" // of SMS

	refusingSender               = "refusing-sender" // refuses each message for a reason of its own
	limitedNumber, limitedSender = "limited-number", "limited-sender"
)

// simulated are the accounts of a simulated provider. A call of unknown end is sent again by those whose name says so.
type simulated struct {
	whatsApp activities.WhatsApp
	sms      activities.SMS
}

func (s simulated) DefaultAccount(backstop.Channel, string) string { return "" }

func (s simulated) Account(name string) (activities.Account, bool) {
	account := activities.Account{
		Name: name, Provider: "scripted", HoldsUnknown: name == number || name == sender,
		HasLimits: name == limitedNumber || name == limitedSender,
	}
	switch name {
	case number, resendingNumber, limitedNumber:
		account.WhatsApp = s.whatsApp
	case sender, resendingSender, limitedSender:
		account.SMS = s.sms
	case refusingSender:
		account.SMS = refusing{}
	default:
		return activities.Account{}, false
	}
	return account, true
}

// refusing is an account whose credentials are wrong.
type refusing struct{}

func (refusing) SendSMS(context.Context, backstop.SMSMessage) (backstop.Submission, error) {
	return backstop.Submission{}, &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "20003"}
}

// acceptBy accepts a send by a WhatsApp account, with one undelivered rule and the accounts of its SMS.
func (r *rig) acceptBy(whatsApp string, wait time.Duration, senders ...string) string {
	r.t.Helper()
	return r.acceptPlan(whatsApp, backstop.Undelivered, wait, senders...)
}

// workOn starts the worker of an account with limits.
func (r *rig) workOn(account string, o worker.AccountOptions) {
	r.t.Helper()
	o.Installation, o.Account = r.install, account
	w := worker.NewOfAccount(r.client, r.activities(0), o)
	require.NoError(r.t, w.Start())
	r.t.Cleanup(w.Stop)
}

// The first account of a rule refuses, and the second sends in the same workflow task. That costs the engine no event.
func TestWorker_nextAccount(t *testing.T) {
	t.Parallel()
	for step, senders := range map[int][]string{smsStep: {sender}, backstop.SMSStep(0, 1, false): {refusingSender, sender}} {
		r := newRig(t)
		r.provider.fails(backstop.WhatsApp, &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault})
		r.work(limits)
		send := r.acceptBy(number, time.Hour, senders...)
		r.submitted(send, backstop.SMS)
		r.deliver(send, step, backstop.SMS, backstop.Delivered)
		require.Equal(t, backstop.OutcomeSMS, r.ended(send).Outcome)
		r.requireCalls(1, 1)
		require.Len(t, r.events(send), 7, "start, a task of three, two activities, the end")
	}
}

// The calls of accounts with limits are made from the task queues of these accounts.
func TestWorker_accountQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	r.workOn(limitedNumber, worker.AccountOptions{})
	r.workOn(limitedSender, worker.AccountOptions{CallsAtOnce: 1})
	send := r.acceptBy(limitedNumber, time.Hour, limitedSender)
	r.submitted(send, backstop.WhatsApp)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Failed)
	r.submitted(send, backstop.SMS)
	r.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send).Outcome)
	r.requireCalls(1, 1)
	var queues []string
	for _, event := range r.events(send, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
		queues = append(queues, event.GetActivityTaskScheduledEventAttributes().GetTaskQueue().GetName())
	}
	own := workflows.QueueOf(r.install)
	require.Equal(t, []string{own + "/" + limitedNumber, own + "/" + limitedSender}, queues)
}

// No worker serves the queue of a WhatsApp account. The rule's wait ends, the call is cancelled before it was made, and the SMS
// goes out.
func TestWorker_accountQueue_unserved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	send := r.acceptBy(limitedNumber, 3*time.Second, sender)
	r.submitted(send, backstop.SMS)
	r.workOn(limitedNumber, worker.AccountOptions{})
	r.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send).Outcome)
	r.requireCalls(0, 1)
}

// The engine bounds the calls per second of an account over all workers.
func TestWorker_accountQueue_callsPerSecond(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	const perSecond, sends = 2, 12
	for range 2 { // each worker knows the limit, which is not per worker
		r.workOn(limitedNumber, worker.AccountOptions{CallsPerSec: perSecond})
	}
	start := time.Now()
	ids := make([]string, sends)
	for i := range ids {
		ids[i] = r.acceptBy(limitedNumber, time.Hour, sender)
	}
	for _, id := range ids {
		r.submitted(id, backstop.WhatsApp)
	}
	require.Greater(t, time.Since(start), (sends/perSecond-2)*time.Second, "the first ones may come at once")
}
