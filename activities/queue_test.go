package activities_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// onQueue makes the next activities run on this task queue.
type onQueue struct {
	interceptor.WorkerInterceptorBase

	queue string
}

func (q *onQueue) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	return &queueInbound{interceptor.ActivityInboundInterceptorBase{Next: next}, q.queue}
}

type queueInbound struct {
	interceptor.ActivityInboundInterceptorBase

	queue string
}

func (i *queueInbound) Init(next interceptor.ActivityOutboundInterceptor) error {
	return i.Next.Init(&queueOutbound{interceptor.ActivityOutboundInterceptorBase{Next: next}, i.queue})
}

type queueOutbound struct {
	interceptor.ActivityOutboundInterceptorBase

	queue string
}

func (o *queueOutbound) GetInfo(ctx context.Context) activity.Info {
	info := o.Next.GetInfo(ctx)
	info.TaskQueue = o.queue
	return info
}

// on sets the task queue of the next runs.
func (r *rig) on(queue string) {
	r.prepare = func(env *testsuite.TestActivityEnvironment) {
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&onQueue{queue: queue}}})
	}
}

const installationQueue = "backstop-1"

// limited gives an account limits, so its calls go to a task queue of its own.
func (r *rig) limited(account string) {
	r.accounts.change(account, func(a *activities.Account) { a.HasLimits = true })
}

// requireElsewhere asserts that a call must be made on the task queue of an account. The workflow acts on it, and not the engine.
func requireElsewhere(t *testing.T, account string, err error) {
	t.Helper()
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, activities.Elsewhere, failed.Type())
	require.True(t, failed.NonRetryable())
	var queue string
	require.NoError(t, failed.Details(&queue))
	require.Equal(t, account, queue)
}

// The call of an account with limits is made on the account's own task queue, and nowhere else. Its first try changes nothing.
func TestActivities_elsewhere(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		account := accountOf(channel)
		r := newRig(t)
		r.limited(account)
		begins := r.countBegins()
		before := r.ledger()
		_, err := r.try(r.sender(channel), r.stepOf(channel))
		requireElsewhere(t, account, err)
		for _, other := range []string{installationQueue, installationQueue + "/other", installationQueue + "-" + account, account} {
			r.on(other)
			_, err = r.runOn(channel)
			requireElsewhere(t, account, err)
		}
		r.on(installationQueue + activities.QueueSuffix(account))
		_, err = r.try(r.sender(channel), r.stepOf(channel))
		requireElsewhere(t, account, err) // a local activity runs in the workflow's task, without the limits of a queue
		require.Zero(t, *begins)
		require.Equal(t, before, r.ledger())

		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls())
	}
}

// The ledger answers without a call wherever the activity runs.
func TestActivities_elsewhere_noCall(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	r.limited(number)
	result, err = r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	r.finish()
	r.limited("first")
	result, err = r.runOn(backstop.SMS)
	r.requireVerdict(activities.NoMoreCalls, result, err)
}

// A retry is made on the account's queue too, also a repetition of a call of unknown end.
func TestActivities_elsewhere_retry(t *testing.T) {
	t.Parallel()
	for _, failure := range []*backstop.Failure{down, {Kind: backstop.Unknown}} {
		r := newRig(t)
		r.accounts.change("first", func(a *activities.Account) { a.RefusesRepeats = true })
		r.provider.answers(fails(failure))
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, string(failure.Kind), 0, err)
		r.limited("first")
		_, err = r.runOn(backstop.SMS)
		requireElsewhere(t, "first", err)
		require.Equal(t, 1, r.provider.calls())
	}
}

// An account without limits refuses, and the next one has limits: the call moves to its queue. From there it moves to the queue of
// a third one.
func TestActivities_elsewhere_nextAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second", "third")))
	r.accounts.change("third", func(a *activities.Account) {
		*a = activities.Account{Name: "third", Provider: "scripted", SMS: sms{r.provider}}
	})
	r.limited("second")
	r.limited("third")
	r.provider.answers(fails(locked), fails(locked))
	_, err := r.try(r.acts.SendSMS, r.fallback(0))
	requireElsewhere(t, "second", err)
	require.Equal(t, 1, r.provider.calls())
	r.on(installationQueue + activities.QueueSuffix("second"))
	_, err = r.runOn(backstop.SMS)
	requireElsewhere(t, "third", err)
	require.Equal(t, 2, r.provider.calls())
	r.on(installationQueue + activities.QueueSuffix("third"))
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "third", r.smsAttempts()[2].Account)
}

// An unhealthy account with limits does not fill its queue: the call waits where it is.
func TestActivities_elsewhere_unhealthy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.limited(number)
	h := r.refusing(backstop.WhatsApp)
	for range 3 {
		_, err := r.runOn(backstop.WhatsApp)
		requireRetry(t, "unavailable", 0, err)
	}
	h.set(number, false)
	_, err := r.runOn(backstop.WhatsApp)
	requireElsewhere(t, number, err)
}
