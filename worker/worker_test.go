package worker_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

var limits = worker.Options{Calls: 10, StopTimeout: time.Second}

func TestWorker_read(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	send := r.accept(backstop.Unread, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	for _, status := range []backstop.Status{backstop.Sent, backstop.Delivered, backstop.Read} {
		r.deliver(send, whatsAppStep, backstop.WhatsApp, status)
	}
	result := r.ended(send)
	require.Equal(t, backstop.OutcomeWhatsApp, result.Outcome)
	require.Equal(t, backstop.Read, result.WhatsApp)
	require.Empty(t, result.Rule)
	r.requireCalls(1, 0)
	require.Empty(t, r.events(send, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED))
	require.Len(t, r.events(send, enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED), 1)
	require.Len(t, r.events(send), 12)
}

func TestWorker_rejected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.fails(backstop.WhatsApp, &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026"})
	r.work(limits)
	send := r.accept(backstop.Unread, time.Hour)
	r.submitted(send, backstop.SMS)
	r.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	result := r.ended(send)
	require.Equal(t, backstop.OutcomeSMS, result.Outcome)
	require.Equal(t, "rule", result.Rule)
	require.Equal(t, backstop.ByFailure, result.Reason)
	r.requireCalls(1, 1)
	require.Len(t, r.events(send), 7, "start, a task of three, two calls, the end: the engine gets no receipt")
}

func (r *rig) requireCalls(whatsapp, sms int) {
	r.t.Helper()
	w, s := r.provider.calls()
	require.Equal(r.t, whatsapp, w, "WhatsApp messages")
	require.Equal(r.t, sms, s, "SMS")
}

// The worker stops between the call and the receipts, and another one takes over.
func TestWorker_restarted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stop := r.work(limits)
	read, silent := r.accept(backstop.Unread, time.Hour), r.accept(backstop.Undelivered, time.Hour)
	r.submitted(read, backstop.WhatsApp)
	r.submitted(silent, backstop.WhatsApp)
	stop()
	r.deliver(read, whatsAppStep, backstop.WhatsApp, backstop.Read)
	r.deliver(silent, whatsAppStep, backstop.WhatsApp, backstop.Failed)
	r.work(limits)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(read).Outcome)
	r.submitted(silent, backstop.SMS)
	r.deliver(silent, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(silent).Outcome)
	r.requireCalls(2, 1)
}

// The worker is stopped during the call of a provider that does not answer in time. The worker stores that the message may have
// gone out, and the message is not sent again.
func TestWorker_stoppedDuringCall(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	calling := make(chan struct{}, 1)
	r.provider.during = func(ctx context.Context) error {
		calling <- struct{}{}
		<-ctx.Done()
		return &backstop.Failure{Kind: backstop.Unknown, Reason: "cut off"}
	}
	stop := r.work(worker.Options{StopTimeout: 100 * time.Millisecond})
	send := r.accept(backstop.Unread, time.Hour)
	<-calling
	stop()
	require.Eventually(t, func() bool {
		attempts, _, err := r.db.Timeline(t.Context(), send)
		require.NoError(t, err)
		return attempts[0].State == backstop.StateUnknown
	}, patience, moment)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Read)
	r.provider.during = nil
	r.work(limits)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send).Outcome)
	r.requireCalls(1, 0)
}

// A timer fires and a receipt comes while no worker runs, so that both reach the workflow in one task. The receipt outranks the
// timer: the workflow proposes no SMS, so the last look of the ledger is not needed.
func TestWorker_receiptAndTimerInOneTask(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var send string
	parked := false
	for wait := time.Second; !parked; wait *= 2 { // on a busy machine the timer may fire before the worker stops
		require.Less(t, wait, patience)
		stop := r.work(limits)
		send = r.accept(backstop.Unread, wait)
		r.submitted(send, backstop.WhatsApp)
		stop()
		parked = len(r.events(send, enums.EVENT_TYPE_TIMER_FIRED)) == 0
	}
	require.Eventually(t, func() bool { return len(r.events(send, enums.EVENT_TYPE_TIMER_FIRED)) == 1 }, patience, moment)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Read)
	require.Eventually(t, func() bool { // there was no worker to answer an update
		return len(r.events(send, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)) == 1
	}, patience, moment)
	_, before := r.provider.calls()
	r.work(limits)
	result := r.ended(send)
	require.Equal(t, backstop.OutcomeWhatsApp, result.Outcome)
	require.Empty(t, result.Rule)
	_, after := r.provider.calls()
	require.Equal(t, before, after)

	between := false // the timer and the receipt
	for _, event := range r.events(send) {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_TIMER_FIRED:
			between = true
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			between = false
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			require.False(t, between, "they came in two tasks: the test has proven nothing")
		}
	}
}

// Postgres is away when a call ends. The engine keeps the details of the heartbeat, although no heartbeat timeout is set.
func TestWorker_endNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.away = 2
	r.work(limits)
	send := r.accept(backstop.Unread, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	attempts, _, err := r.db.Timeline(t.Context(), send)
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.Equal(t, backstop.Accepted, attempts[0].State)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Read)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send).Outcome)
	r.requireCalls(1, 0)
}

// The same if the first try is an ordinary activity, as with a rate limit. The end of the call is in its heartbeat alone.
func TestWorker_endNotStored_queued(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.set(func(s *workflows.Settings) { s.QueuedCalls = true })
	r.store.away = 1
	r.work(limits)
	send := r.accept(backstop.Unread, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Read)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send).Outcome)
	r.requireCalls(1, 0)
}

// The same if the provider throttles the first call. The second call is made, and its end is stored.
func TestWorker_endNotStored_throttled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.fails(backstop.WhatsApp, &backstop.Failure{Kind: backstop.Throttled, RetryAfter: 100 * time.Millisecond})
	r.store.away = 1
	r.work(limits)
	send := r.accept(backstop.Unread, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	attempts, _, err := r.db.Timeline(t.Context(), send)
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.Equal(t, 2, attempts[0].Number)
	require.Equal(t, backstop.Accepted, attempts[0].State)
	r.requireCalls(2, 0)
}

// A process died between signal and mark, so the workflow gets the signal of a receipt twice. The second signal changes nothing.
func TestWorker_receiptTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dying, err := handoff.New(handoff.Options{
		Store: r.store, Engine: r.client, Installation: r.install, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	sweeper, err := handoff.New(handoff.Options{
		Store: clocked{r.db, func() time.Time { return time.Now().Add(time.Minute) }}, Engine: r.client,
		Installation: r.install, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	stopWorker := r.work(limits)
	send := r.accept(backstop.Undelivered, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	stopWorker()
	require.NoError(t, dying.Deliver(t.Context(), []backstop.Receipt{receipt(send, whatsAppStep, backstop.WhatsApp, backstop.Failed)}))
	ctx, stop := context.WithCancel(t.Context())
	swept := make(chan struct{})
	go func() { defer close(swept); sweeper.Sweep(ctx) }()
	require.Eventually(t, func() bool {
		return len(r.events(send, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)) == 2
	}, patience, moment)
	stop()
	<-swept

	r.work(limits)
	r.submitted(send, backstop.SMS)
	r.deliver(send, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(send).Outcome)
	r.requireCalls(1, 1)
}

// clocked is a store with another clock.
type clocked struct {
	*postgres.DB

	now func() time.Time
}

func (c clocked) Now() time.Time { return c.now() }

// Two installations share a namespace. Each completes its own sends.
func TestWorker_twoInstallations(t *testing.T) {
	t.Parallel()
	const n = 10
	a := newRig(t)
	b := newRigOn(t, a.client)
	require.NotEqual(t, a.install, b.install)
	a.work(limits)
	b.work(limits)
	var sends [2][]string
	for range n {
		sends[0] = append(sends[0], a.accept(backstop.Undelivered, time.Hour))
		sends[1] = append(sends[1], b.accept(backstop.Undelivered, time.Hour))
	}
	for i, r := range []*rig{a, b} {
		for _, send := range sends[i] {
			r.submitted(send, backstop.WhatsApp)
			r.deliver(send, whatsAppStep, backstop.WhatsApp, backstop.Delivered)
			require.Equal(t, backstop.OutcomeWhatsApp, r.ended(send).Outcome)
			require.Empty(t, r.events(send, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED, enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT))
		}
		r.requireCalls(n, 0)
	}
}

// The sweeper restarts a workflow that was terminated, or that Temporal has lost with its data. The fallback of the parked send
// goes out once.
func TestWorker_lostWorkflow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	sweeper, err := handoff.New(handoff.Options{
		Store: clocked{r.db, func() time.Time { return time.Now().Add(time.Hour) }}, Engine: r.client,
		Installation: r.install, Log: slog.New(slog.DiscardHandler),
		Settings: workflows.Settings{UnknownWait: time.Minute, SMSReceiptWait: time.Hour},
	})
	require.NoError(t, err)
	vanished := r.vanished()
	const wait = 15 * time.Second // enough for a busy machine
	terminated := r.accept(backstop.Undelivered, wait)
	r.submitted(terminated, backstop.WhatsApp)
	require.NoError(t, r.client.TerminateWorkflow(t.Context(), workflows.ID(terminated), "", "by an operator"))
	ctx, stop := context.WithCancel(t.Context())
	swept := make(chan struct{})
	go func() { defer close(swept); sweeper.Sweep(ctx) }()
	r.submitted(terminated, backstop.SMS)
	r.submitted(vanished, backstop.WhatsApp)
	stop()
	<-swept
	sweeper.Close()
	r.deliver(terminated, smsStep, backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, r.ended(terminated).Outcome)
	r.deliver(vanished, 1, backstop.WhatsApp, backstop.Delivered)
	require.Equal(t, backstop.OutcomeWhatsApp, r.ended(vanished).Outcome)
	r.requireCalls(2, 1)
}

// vanished stores a send that is marked as handed over, but has no workflow in Temporal.
func (r *rig) vanished() string {
	r.t.Helper()
	id, err := uuid.NewV7()
	require.NoError(r.t, err)
	_, _, err = r.db.InsertSend(r.t.Context(), backstop.Send{
		ID: id.String(), To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hello", AcceptedAt: time.Now(),
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
		Plan: backstop.Plan{PolicyID: policyID, PolicyName: "p", Account: number, Rules: []backstop.Rule{{
			ID: policyID, Name: "rule", Type: backstop.SendFailed, SendID: "Acme", Routes: []backstop.Route{{Account: sender}},
		}}},
	}, nil)
	require.NoError(r.t, err)
	require.NoError(r.t, r.db.MarkSent(r.t.Context(), []string{id.String()}))
	return id.String()
}

// A worker makes at most Options.Calls calls at once.
func TestNew_calls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var now, most atomic.Int32
	r.provider.during = func(context.Context) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(50 * time.Millisecond)
		now.Add(-1)
		return nil
	}
	r.work(worker.Options{Calls: 1})
	sends := make([]string, 4)
	for i := range sends {
		sends[i] = r.accept(backstop.Unread, time.Hour)
	}
	for _, send := range sends {
		r.submitted(send, backstop.WhatsApp)
	}
	require.Equal(t, int32(1), most.Load())
}
