package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

const (
	exclusiveWait  = 2 * time.Second
	exclusiveGrace = 3 * time.Second
)

// acceptExclusive accepts an exclusive send whose template lives for the wait of its rule.
func (r *rig) acceptExclusive() backstop.Send {
	r.t.Helper()
	send := planned(number, backstop.Undelivered, exclusiveWait, sender)
	send.Text, send.Template = "", &backstop.Template{Name: "code", Language: "en"}
	send.Plan.Override = &backstop.Override{Exclusive: true}
	send.Plan.Template = &backstop.PlanTemplate{Category: backstop.Utility, TTLSeconds: int(exclusiveWait / time.Second)}
	send, err := send.ResolveExclusive(exclusiveGrace)
	require.NoError(r.t, err)
	send, _, err = r.handoff.Accept(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	r.handoff.Close()
	return send
}

// requireSMSAt requires that the only SMS went out after a time since its send was accepted, within some seconds. The clock of the
// engine may be ahead by a second.
func (r *rig) requireSMSAt(send backstop.Send, after time.Duration) {
	r.t.Helper()
	attempts, _, err := r.db.Timeline(r.t.Context(), send.ID)
	require.NoError(r.t, err)
	require.Len(r.t, attempts, 2)
	require.Equal(r.t, backstop.SMS, attempts[1].Channel)
	began := attempts[1].StartedAt.Sub(send.AcceptedAt)
	require.GreaterOrEqual(r.t, began, after-time.Second)
	require.Less(r.t, began, after+10*time.Second)
}

// The SMS of an exclusive send goes out after its wait and the grace, and not before.
func TestWorker_exclusive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	send := r.acceptExclusive()
	r.submitted(send.ID, backstop.WhatsApp)
	time.Sleep(exclusiveWait + time.Second - r.db.Now().Sub(send.AcceptedAt))
	_, sms := r.provider.calls()
	require.Zero(t, sms, "in the grace")
	r.submitted(send.ID, backstop.SMS)
	r.requireSMSAt(send, exclusiveWait+exclusiveGrace)
	r.deliver(send.ID, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send.ID).Outcome)
}

// A receipt that comes in the grace averts the SMS.
func TestWorker_exclusive_receiptInGrace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	send := r.acceptExclusive()
	r.submitted(send.ID, backstop.WhatsApp)
	time.Sleep(exclusiveWait + time.Second - r.db.Now().Sub(send.AcceptedAt))
	r.deliver(send.ID, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send.ID).Outcome)
	require.Less(t, r.db.Now().Sub(send.AcceptedAt), exclusiveWait+exclusiveGrace, "else the machine is too slow for this test")
	r.requireCalls(1, 0)
}

// WhatsApp takes the message late. The SMS waits until WhatsApp has dropped it.
func TestWorker_exclusive_lateCall(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := &backstop.Failure{Kind: backstop.Throttled, RetryAfter: 3 * time.Second}
	r.provider.script = map[backstop.Channel][]error{backstop.WhatsApp: {slow}}
	r.work(limits)
	send := r.acceptExclusive()
	r.submitted(send.ID, backstop.SMS)
	attempts, _, err := r.db.Timeline(t.Context(), send.ID)
	require.NoError(t, err)
	late := attempts[0].EndedAt.Sub(send.AcceptedAt)
	require.Greater(t, late, 2*time.Second)
	r.requireSMSAt(send, late+exclusiveWait+exclusiveGrace)
	r.deliver(send.ID, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send.ID).Outcome)
	r.requireCalls(2, 1)
}

// The grace is part of the send: a process with another setting does not change it.
func TestWorker_exclusive_graceIsStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.acceptExclusive() // no worker yet
	stored, err := r.db.Send(t.Context(), send.ID)
	require.NoError(t, err)
	require.Equal(t, int(exclusiveGrace/time.Second), stored.Plan.GraceSeconds)
	require.Equal(t, int(exclusiveGrace/time.Second), stored.Plan.Rules[0].GraceSeconds)
}
