package activities_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

const (
	long  = 20 * time.Second // what a busy machine may take
	short = 300 * time.Millisecond
)

// first runs an activity as a first try.
func (r *rig) first(run any, step activities.Step) (activities.Result, error) {
	r.t.Helper()
	return local(r.t, r.acts, run, step)
}

func local(t *testing.T, acts *activities.Activities, run any, step activities.Step) (activities.Result, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(2 * long)
	env.RegisterActivity(acts)
	value, err := env.ExecuteLocalActivity(run, step)
	if err != nil {
		return activities.Result{}, err
	}
	var result activities.Result
	return result, value.Get(&result)
}

// patient is a step whose first try may wait for receipts.
func patient(send string, linger time.Duration) activities.Step {
	s := step(send, 1)
	s.Linger = linger
	return s
}

// await waits until the activity of a send lingers.
func (r *rig) await(send string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		attempts := r.attempts(send)
		return len(attempts) == 1 && attempts[0].LingersUntil != nil
	}, long, time.Millisecond)
}

// The activity waits for what ends the send, or for a failure, and tells the workflow all of it.
func TestActivities_SendWhatsApp_lingers(t *testing.T) {
	t.Parallel()
	optedOut := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"} // told without the reason
	for status, failure := range map[backstop.Status]*backstop.Failure{backstop.Read: nil, backstop.Failed: optedOut} {
		r := newRig(t)
		send := r.insert()
		var (
			result  activities.Result
			err     error
			running sync.WaitGroup
		)
		running.Go(func() { result, err = r.first(r.acts.SendWhatsApp, patient(send.ID, long)) })
		r.await(send.ID)
		r.receive(send.ID, backstop.Sent)
		r.refuse(send.ID, status, failure)
		running.Wait()
		require.NoError(t, err)
		require.Equal(t, activities.Accepted, result.Verdict)
		require.Equal(t, status, result.WhatsApp)
		require.Equal(t, failure, result.Failure)
		require.Equal(t, r.get(send.ID).FinishedAt != nil, result.Outcome != "")
		require.Equal(t, 1, r.provider.calls())
	}
}

// refuse stores a WhatsApp receipt with a failure.
func (r *rig) refuse(send string, status backstop.Status, failure *backstop.Failure) {
	r.t.Helper()
	ref := backstop.Ref{Send: send, Step: 1}
	waited, err := r.db.InsertReceipts(r.t.Context(), []backstop.Receipt{{
		Provider: "scripted", Channel: backstop.WhatsApp, MessageID: ref.String(), Ref: ref, Status: status, At: time.Now(),
		Failure: withReason(failure),
	}})
	if err != nil || len(waited) > 0 {
		r.t.Errorf("%v; %d receipts need a signal", err, len(waited))
	}
}

func withReason(f *backstop.Failure) *backstop.Failure {
	if f == nil {
		return nil
	}
	because := *f
	because.Reason = "User has stopped receiving marketing messages"
	return &because
}

// A failure that is reported while the call is under way is told with its class, as one that comes later is: it may be an
// opt-out, after which no SMS goes out. So it is if the activity is cancelled meanwhile.
func TestActivities_SendWhatsApp_failureFirst(t *testing.T) {
	t.Parallel()
	optedOut := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"}
	for _, linger := range []time.Duration{0, long} {
		r := newRig(t)
		send := r.insert()
		r.provider.answers(func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
			r.refuse(ref.Send, backstop.Failed, optedOut)
			return backstop.Submission{MessageID: ref.String()}, nil
		})
		result, err := r.first(r.acts.SendWhatsApp, patient(send.ID, linger))
		require.NoError(t, err)
		require.Equal(t, backstop.Failed, result.WhatsApp)
		require.Equal(t, optedOut, result.Failure)
		require.Nil(t, r.attempts(send.ID)[0].LingersUntil)

		send = r.insert()
		ctx, cancel := context.WithCancel(t.Context())
		r.with(&provider{script: []func(context.Context, backstop.Ref) (backstop.Submission, error){
			func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
				r.refuse(ref.Send, backstop.Failed, optedOut)
				cancel()
				return backstop.Submission{MessageID: ref.String()}, nil
			},
		}})
		result, err = r.acts.SendWhatsApp(ctx, step(send.ID, 1))
		require.NoError(t, err)
		require.Equal(t, optedOut, result.Failure)
	}
}

// Nothing comes in time: from then on receipts are signalled.
func TestActivities_SendWhatsApp_lingersInVain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	began := time.Now()
	result, err := r.first(r.acts.SendWhatsApp, patient(send.ID, short))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), short)
	require.Equal(t, activities.Accepted, result.Verdict)
	require.Equal(t, backstop.Submitted, result.WhatsApp)
	require.Empty(t, result.Outcome)
	require.Nil(t, r.attempts(send.ID)[0].LingersUntil)
}

// Whatever is not the first try of an accepted call, made in time, does not wait.
func TestActivities_SendWhatsApp_lingersNot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	_, err := r.run(r.acts.SendWhatsApp, patient(send.ID, long))
	require.NoError(t, err)
	require.Nil(t, r.attempts(send.ID)[0].LingersUntil, "an ordinary activity")

	send = r.insert()
	r.with(&provider{script: []func(context.Context, backstop.Ref) (backstop.Submission, error){
		fails(&backstop.Failure{Kind: backstop.Rejected}),
	}})
	_, err = r.first(r.acts.SendWhatsApp, patient(send.ID, long))
	require.NoError(t, err)
	require.Nil(t, r.attempts(send.ID)[0].LingersUntil, "a call that was refused")

	send = r.insert()
	r.with(&provider{script: []func(context.Context, backstop.Ref) (backstop.Submission, error){
		func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
			time.Sleep(short)
			return backstop.Submission{MessageID: ref.String()}, nil
		},
	}})
	_, err = r.first(r.acts.SendWhatsApp, patient(send.ID, short))
	require.NoError(t, err)
	require.Nil(t, r.attempts(send.ID)[0].LingersUntil, "a call that took as long as that")
}

// The worker died while it waited: the next run does not wait, and tells what has come.
func TestActivities_deadWorker_lingering(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, status := range []backstop.Status{backstop.Sent, backstop.Failed, backstop.Read} {
		send := r.insert()
		dead, err := r.db.Begin(t.Context(), backstop.Attempt{
			Ref: step(send.ID, 1).Ref, Channel: backstop.WhatsApp, Provider: "scripted", StartedAt: time.Now(),
		}, func(backstop.Send, *backstop.Attempt) bool { return true })
		require.NoError(t, err)
		dead = dead.End(backstop.Submission{MessageID: dead.Ref.String()}, nil, time.Now())
		dead.LingersUntil = new(time.Now().Add(time.Minute))
		_, err = r.db.End(t.Context(), dead, 0)
		require.NoError(t, err)
		r.receive(send.ID, status)
		result, err := r.first(r.acts.SendWhatsApp, patient(send.ID, long))
		require.NoError(t, err)
		require.Equal(t, activities.Accepted, result.Verdict)
		require.Equal(t, status, result.WhatsApp)
		require.Nil(t, r.attempts(send.ID)[0].LingersUntil)
		require.Zero(t, r.provider.calls())
	}
}

// The end of the call was stored, and Postgres did not say so: the next run, an ordinary activity, leaves.
func TestActivities_endUnanswered_lingering(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.store.mute = 1
	_, err := r.first(r.acts.SendWhatsApp, patient(send.ID, long))
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, err)
	var ended backstop.Attempt
	require.NoError(t, failed.Details(&ended))
	second := patient(send.ID, long)
	second.Ended = &ended
	require.NotNil(t, r.attempts(send.ID)[0].LingersUntil)
	r.receive(send.ID, backstop.Delivered)
	result, err := r.run(r.acts.SendWhatsApp, second)
	require.NoError(t, err)
	require.Equal(t, activities.Accepted, result.Verdict)
	require.Equal(t, backstop.Delivered, result.WhatsApp)
	require.Nil(t, r.attempts(send.ID)[0].LingersUntil)
	require.Equal(t, 1, r.provider.calls())
}

// Postgres is away when the wait is over: the next run, an ordinary activity, ends it.
func TestActivities_leaveNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.store.held = 1
	_, err := r.first(r.acts.SendWhatsApp, patient(send.ID, short))
	require.ErrorContains(t, err, errAway.Error())
	r.receive(send.ID, backstop.Delivered)
	result, err := r.run(r.acts.SendWhatsApp, patient(send.ID, short))
	require.NoError(t, err)
	require.Equal(t, backstop.Delivered, result.WhatsApp)
	require.Nil(t, r.attempts(send.ID)[0].LingersUntil)
	require.Equal(t, 1, r.provider.calls())
}

// Who waits for receipts makes no call, and takes no other's place.
func TestActivities_lingersOutsideOfCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acts, err := activities.New(activities.Options{
		Store: r.store, WhatsApp: whatsapp{r.provider}, SMS: routes(sms{r.provider, "scripted"}), Log: r.logger(), Calls: 1,
	})
	require.NoError(t, err)
	waiting, other := r.insert(), r.insert()
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := local(t, acts, acts.SendWhatsApp, patient(waiting.ID, long)); err != nil {
			t.Error(err)
		}
	})
	r.await(waiting.ID)
	_, err = local(t, acts, acts.SendWhatsApp, patient(other.ID, 0))
	require.NoError(t, err)
	require.NotNil(t, r.attempts(waiting.ID)[0].LingersUntil)
	r.receive(waiting.ID, backstop.Read)
	group.Wait()
}

// Only so many wait at once; who comes later does not.
func TestActivities_MaxLingering(t *testing.T) {
	t.Parallel()
	s := &waitingRoom{full: make(chan struct{}), leave: make(chan struct{})}
	acts, err := activities.New(activities.Options{
		Store: s, WhatsApp: whatsapp{&provider{}}, SMS: routes(sms{&provider{}, "scripted"}), Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	var group sync.WaitGroup
	for range activities.MaxLingering {
		group.Go(func() {
			if _, err := local(t, acts, acts.SendWhatsApp, patient(policyID, long)); err != nil {
				t.Error(err)
			}
		})
	}
	<-s.full
	result, err := local(t, acts, acts.SendWhatsApp, patient(policyID, long))
	require.NoError(t, err)
	require.Equal(t, activities.Accepted, result.Verdict)
	close(s.leave)
	group.Wait()
	require.Equal(t, activities.MaxLingering, s.waited)
}

// waitingRoom is a store in which all who linger stay until they may leave.
type waitingRoom struct {
	activities.Store

	mu     sync.Mutex
	waited int
	full   chan struct{}
	leave  chan struct{}
}

func (w *waitingRoom) Begin(
	_ context.Context, a backstop.Attempt, _ func(backstop.Send, *backstop.Attempt) bool,
) (backstop.Attempt, error) {
	a.Number, a.State = 1, backstop.Calling
	return a, nil
}

func (w *waitingRoom) End(context.Context, backstop.Attempt, time.Duration) (backstop.Send, error) {
	return backstop.Send{}, nil
}

func (w *waitingRoom) Await(context.Context, string) (backstop.Send, bool) {
	w.mu.Lock()
	if w.waited++; w.waited == activities.MaxLingering {
		close(w.full)
	}
	w.mu.Unlock()
	<-w.leave
	return backstop.Send{}, false
}

func (w *waitingRoom) Leave(context.Context, backstop.Attempt) (backstop.Send, error) {
	return backstop.Send{}, nil
}

func (s *store) Leave(ctx context.Context, attempt backstop.Attempt) (backstop.Send, error) {
	if s.held > 0 {
		s.held--
		return backstop.Send{}, errAway
	}
	return s.Store.Leave(ctx, attempt)
}
