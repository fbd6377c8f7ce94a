package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// Postgres is away after the call. The engine keeps the end of the call until a later run can store it.
func TestActivities_endNotStored(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.store.endAway.left.Store(2)
		for range 2 {
			_, err := r.runOn(channel)
			requireRetry(t, activities.Unsaved, 0, err)
			require.Equal(t, backstop.Calling, r.attempt(channel).State)
		}
		for range 2 {
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Accepted, result, err)
			require.Equal(t, channel == backstop.SMS, result.View.Outcome == backstop.OutcomePending, "the store waits for the SMS's receipt")
		}
		require.Equal(t, backstop.Accepted, r.attempt(channel).State)
		require.Equal(t, 1, r.provider.calls())

		r.receive(channel, backstop.Delivered)
		require.NotEmpty(t, r.attempt(channel).MessageID, "a receipt brings the id that the engine must not keep")
	}
}

// A first try has no heartbeat. The workflow passes the details of its error to the next run.
func TestActivities_endNotStored_local(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.endAway.left.Store(1)
	result, err := r.run(r.acts.SendWhatsApp, r.afterUnsaved(r.step()))
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Accepted, r.attempt(backstop.WhatsApp).State)
	require.Equal(t, 1, r.provider.calls())
}

// The workflow task is lost, and with it the end that the engine kept. The process that made the call still has the end, and
// stores it when Postgres is back.
func TestActivities_endNotStored_taskLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.endAway.left.Store(2)
	_, err := r.try(r.acts.SendWhatsApp, r.step())
	requireRetry(t, activities.Unsaved, 0, err)
	require.Eventually(t, func() bool { return r.attempt(backstop.WhatsApp).State == backstop.Accepted }, 30*time.Second, 10*time.Millisecond)
	require.NotEmpty(t, r.attempt(backstop.WhatsApp).MessageID)
	result, err := r.try(r.acts.SendWhatsApp, r.step())
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, 1, r.provider.calls())
}

// afterUnsaved makes a first try whose end cannot be stored, and returns the step of the next run.
func (r *rig) afterUnsaved(step activities.Step) activities.Step {
	r.t.Helper()
	_, err := r.try(r.acts.SendWhatsApp, step)
	failed := requireRetry(r.t, activities.Unsaved, 0, err)
	var ended activities.Ended
	require.NoError(r.t, failed.Details(&ended))
	step.Ended, step.AwaitReceipts = &ended, 0
	return step
}

// A rejection that could not be stored keeps its class, so no SMS follows an opt-out.
func TestActivities_endNotStored_optedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"}))
	r.store.endAway.left.Store(1)
	_, err := r.runOn(backstop.WhatsApp)
	requireRetry(t, activities.Unsaved, 0, err)
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Rejected, result, err)
	r.heartbeat = nil // the SMS activity has none
	result, err = r.runOn(backstop.SMS)
	r.requireVerdict(activities.NoMoreCalls, result, err)
	require.Equal(t, 1, r.provider.calls())
}

// The end of a throttled call could not be stored. The retry keeps the provider's delay. The end that the engine keeps does
// not apply to the later calls.
func TestActivities_endNotStored_throttled(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.provider.answers(fails(throttled), fails(&backstop.Failure{Kind: backstop.Throttled}))
		r.store.endAway.left.Store(1)
		_, err := r.runOn(channel)
		requireRetry(t, activities.Unsaved, 0, err)
		_, err = r.runOn(channel)
		requireRetry(t, "throttled", throttled.RetryAfter, err)
		require.Equal(t, 1, r.provider.calls())
		r.clock.Advance(throttled.RetryAfter)
		_, err = r.runOn(channel)
		requireRetry(t, "throttled", 0, err)
		for range 2 {
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Accepted, result, err)
		}
		require.Equal(t, 3, r.provider.calls())
	}
}

// The same after a local activity: the workflow passes the same end to all retries.
func TestActivities_endNotStored_unavailable_local(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.answers(fails(down), fails(down))
	r.store.endAway.left.Store(1)
	next := r.afterUnsaved(r.step())
	_, err := r.run(r.acts.SendWhatsApp, next)
	requireRetry(t, "unavailable", 0, err)
	for range 2 {
		result, err := r.run(r.acts.SendWhatsApp, next)
		r.requireVerdict(activities.Accepted, result, err)
	}
	require.Equal(t, 3, r.provider.calls())
	require.Equal(t, 3, r.attempt(backstop.WhatsApp).Number)
}

// The engine keeps the end of an earlier call. That end does not end a later call that may be under way.
func TestActivities_endNotStored_laterCallUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.answers(fails(down))
	r.store.endAway.left.Store(1)
	next := r.afterUnsaved(r.step())
	r.store.beginLost = 1
	r.clock.Advance(time.Second)
	_, err := r.run(r.acts.SendWhatsApp, next) // stores the end, and begins a second call, whose answer is lost
	requireRetry(t, activities.Unsaved, 0, err)
	require.Equal(t, 2, r.attempt(backstop.WhatsApp).Number)
	r.heartbeat = nil // the process died before its heartbeat reached the engine
	_, err = r.run(r.acts.SendWhatsApp, next)
	requireRetry(t, activities.UnderWay, activities.CallTimeout, err)
	r.clock.Advance(activities.CallTimeout)
	result, err := r.run(r.acts.SendWhatsApp, next)
	r.requireVerdict(activities.Unknown, result, err)
	require.Equal(t, 1, r.provider.calls())
}

// The provider was down at the only call of an SMS, and that end is not stored when the workflow gives the SMS up. GiveUp
// stores the end first. No SMS was sent, so the other rule may fire.
func TestActivities_endNotStored_givenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("one", backstop.Undelivered), newRule("two", backstop.Undelivered)))
	r.provider.answers(fails(down))
	r.store.endAway.left.Store(1)
	_, err := r.try(r.acts.SendSMS, r.fallback(0))
	var ended activities.Ended
	require.NoError(t, requireRetry(t, activities.Unsaved, 0, err).Details(&ended))
	r.clock.Advance(time.Minute)
	step := r.fallback(0)
	step.Ended = &ended
	value, err := r.environment().ExecuteLocalActivity(r.acts.GiveUp, backstop.SMS, step)
	require.NoError(t, err)
	var view backstop.View
	require.NoError(t, value.Get(&view))
	require.Equal(t, backstop.Failed, view.SMS)
	result, err := r.run(r.acts.SendSMS, r.fallback(1))
	r.requireVerdict(activities.Accepted, result, err)
}

// The end is stored, and the store's answer is lost.
func TestActivities_endAnswerLost(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.store.endLost.left.Store(1)
		_, err := r.runOn(channel)
		requireRetry(t, activities.Unsaved, 0, err)
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.NotEmpty(t, r.attempt(channel).MessageID)
		require.Equal(t, 1, r.provider.calls())
	}
}

// The same for an attempt whose receipts are awaited. The next run does not wait, and receipts are signalled from then on.
func TestActivities_endAnswerLost_awaitingReceipts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.endLost.left.Store(1)
	step := r.step()
	step.AwaitReceipts = long
	next := r.afterUnsaved(step)
	require.NotNil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
	require.False(t, r.receive(backstop.WhatsApp, backstop.Sent))
	result, err := r.run(r.acts.SendWhatsApp, next)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Sent, result.View.WhatsApp)
	require.Nil(t, r.attempt(backstop.WhatsApp).AwaitsReceiptsUntil)
	require.True(t, r.receive(backstop.WhatsApp, backstop.Failed))
	require.Equal(t, 1, r.provider.calls())
}

// Postgres has lost the attempt, so no run can store its end. The error is not retried.
func TestActivities_endNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	step := r.step()
	step.Ended = &activities.Ended{Token: "lost"}
	_, err := r.run(r.acts.SendWhatsApp, step)
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.True(t, failed.NonRetryable())
	require.Equal(t, string(backstop.NotFound), failed.Type())
}
