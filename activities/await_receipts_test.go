package activities_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

const (
	long  = 20 * time.Second // enough for a busy machine
	short = 300 * time.Millisecond
)

// patient is a step whose first try may wait for receipts.
func (r *rig) patient(wait time.Duration) activities.Step {
	step := r.step()
	step.AwaitReceipts = wait
	return step
}

// startWaiting starts a first try and waits until it waits for receipts. The function end waits for its result.
func (r *rig) startWaiting() (end func() activities.Result) {
	r.t.Helper()
	var (
		result  activities.Result
		err     error
		running sync.WaitGroup
	)
	running.Go(func() { result, err = r.try(r.acts.SendWhatsApp, r.patient(long)) })
	require.Eventually(r.t, func() bool {
		a := r.ledger().Attempt(backstop.WhatsAppStep(false))
		return a != nil && a.AwaitsReceiptsUntil != nil
	}, long, time.Millisecond)
	return func() activities.Result {
		r.t.Helper()
		running.Wait()
		r.requireVerdict(activities.Accepted, result, err)
		require.Len(r.t, r.provider.whatsapp, 1)
		return result
	}
}

// The activity waits until a receipt ends the send or reports a failure. Its result has the receipt, so no signal is needed.
func TestActivities_SendWhatsApp_awaitsReceipts(t *testing.T) {
	t.Parallel()
	for _, status := range []backstop.Status{backstop.Read, backstop.Failed} {
		r := newRig(t)
		end := r.startWaiting()
		require.False(t, r.receive(backstop.WhatsApp, backstop.Sent))
		require.False(t, r.receive(backstop.WhatsApp, status))
		result := end()
		require.Equal(t, status, result.View.WhatsApp)
		require.Equal(t, r.ledger().Send.FinishedAt != nil, result.View.Outcome != "")
		if status == backstop.Failed {
			require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
			require.True(t, r.receive(backstop.WhatsApp, backstop.Delivered), "from now on receipts are signalled")
		}
	}
}

// A failure that is reported during the call is in the result, whether the activity may wait or not.
func TestActivities_SendWhatsApp_failureFirst(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, long} {
		r := newRig(t)
		r.provider.answers(meanwhile(func() { require.False(t, r.receive(backstop.WhatsApp, backstop.Failed)) }))
		result, err := r.try(r.acts.SendWhatsApp, r.patient(wait))
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, backstop.Failed, result.View.WhatsApp)
		require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
	}
}

// No receipt comes in time. After that, receipts are signalled.
func TestActivities_SendWhatsApp_awaitsReceipts_inVain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began := time.Now()
	result, err := r.try(r.acts.SendWhatsApp, r.patient(short))
	r.requireVerdict(activities.Accepted, result, err)
	require.GreaterOrEqual(t, time.Since(began), short)
	require.Equal(t, backstop.Submitted, result.View.WhatsApp)
	require.Empty(t, result.View.Outcome)
	require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
	require.True(t, r.receive(backstop.WhatsApp, backstop.Failed))
}

// The activity stops waiting when the worker stops.
func TestActivities_SendWhatsApp_awaitsReceipts_workerStops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	end := r.startWaiting()
	began := time.Now()
	close(r.stopping)
	require.Equal(t, backstop.Submitted, end().View.WhatsApp)
	require.Less(t, time.Since(began), long/2)
	require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
}

// Only a first try with an accepted call waits. The duration of the call counts towards AwaitReceipts.
func TestActivities_SendWhatsApp_awaitsNoReceipts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  answer
		isRetry bool
	}{
		"an ordinary activity":     {answer: meanwhile(func() {}), isRetry: true},
		"a call that was refused":  {answer: fails(&backstop.Failure{Kind: backstop.Rejected})},
		"a call of unknown end":    {answer: fails(&backstop.Failure{Kind: backstop.Unknown})},
		"a call that took so long": {},
	} {
		r := newRig(t)
		if tc.answer == nil {
			tc.answer = meanwhile(func() { r.clock.Advance(long) })
		}
		r.provider.answers(tc.answer)
		run, began := r.try, time.Now()
		if tc.isRetry {
			run = r.run
		}
		_, err := run(r.acts.SendWhatsApp, r.patient(long))
		require.NoError(t, err, name)
		require.Less(t, time.Since(began), long/2, name)
		require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil, name)
	}
}

// The worker died while the activity waited. The next run does not wait, and returns the receipts that came meanwhile.
func TestActivities_deadWorker_awaitingReceipts(t *testing.T) {
	t.Parallel()
	for _, status := range []backstop.Status{backstop.Sent, backstop.Failed, backstop.Read} {
		r := newRig(t)
		dead := r.otherBegins(backstop.WhatsApp)
		_, _, err := r.store.End(t.Context(), r.send.ID, backstop.Ending{
			Step: dead.Ref.Step, Token: dead.Token, Submission: backstop.Submission{MessageID: "m"}, AwaitReceipts: time.Minute,
		})
		require.NoError(t, err)
		require.False(t, r.receive(backstop.WhatsApp, status))
		result, err := r.try(r.acts.SendWhatsApp, r.patient(long))
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, status, result.View.WhatsApp)
		require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
		require.Zero(t, r.provider.calls())
	}
}

// Postgres is away at the end of the wait. The next run, an ordinary activity, stores that the wait is over.
func TestActivities_stopWaitingNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.stopAway = 1
	_, err := r.try(r.acts.SendWhatsApp, r.patient(short))
	require.ErrorContains(t, err, errAway.Error())
	require.False(t, r.receive(backstop.WhatsApp, backstop.Delivered))
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Delivered, result.View.WhatsApp)
	require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
	require.Equal(t, 1, r.provider.calls())
}

// An activity that waits for receipts does not count as a concurrent call.
func TestActivities_awaitsReceipts_outsideOfCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.maxCalls = 1
	r.restart()
	end := r.startWaiting()
	result, err := r.try(r.acts.SendSMS, r.fallback(0))
	r.requireVerdict(activities.Accepted, result, err)
	require.NotNil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
	r.receive(backstop.SMS, backstop.Delivered)
	require.Equal(t, backstop.OutcomeSMS, end().View.Outcome)
}

// At most MaxReceiptWaits activities wait at once. Further ones do not wait.
func TestActivities_MaxReceiptWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	waits := &waitStore{Store: r.store, full: make(chan struct{}), release: make(chan struct{})}
	acts, err := activities.New(activities.Options{
		Store: waits, Accounts: r.accounts, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	r.acts = acts
	var group sync.WaitGroup
	for range activities.MaxReceiptWaits {
		group.Go(func() {
			if _, err := r.try(acts.SendWhatsApp, r.patient(long)); err != nil {
				t.Error(err)
			}
		})
	}
	<-waits.full
	result, err := r.try(acts.SendWhatsApp, r.patient(long))
	r.requireVerdict(activities.Accepted, result, err)
	close(waits.release)
	group.Wait()
	require.Equal(t, activities.MaxReceiptWaits, waits.waited)
}

// waitStore is a store of new sends. Activities wait for receipts in it until release is closed.
type waitStore struct {
	activities.Store

	mu      sync.Mutex
	waited  int
	full    chan struct{}
	release chan struct{}
}

func (w *waitStore) Begin(_ context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	attempt := backstop.Attempt{
		Ref: backstop.Ref{Send: send, Step: c.Step()}, Provider: "scripted", Account: number, Number: 1, State: backstop.Calling,
	}
	return backstop.Ruling{Answer: backstop.MayCall, Attempt: attempt}, backstop.View{}, nil
}

func (w *waitStore) End(_ context.Context, _ string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	attempt := backstop.Attempt{State: backstop.Accepted}
	if e.AwaitReceipts > 0 {
		attempt.AwaitsReceiptsUntil = new(time.Now().Add(e.AwaitReceipts))
	}
	return attempt, backstop.View{}, nil
}

func (w *waitStore) Await(context.Context, string) (backstop.View, bool) {
	w.mu.Lock()
	if w.waited++; w.waited == activities.MaxReceiptWaits {
		close(w.full)
	}
	w.mu.Unlock()
	<-w.release
	return backstop.View{}, false
}

func (w *waitStore) StopWaiting(context.Context, string, int) (backstop.View, error) {
	return backstop.View{}, nil
}
