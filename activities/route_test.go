package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// The route selects the driver. The attempt stores the driver's name, as receipts do.
func TestActivities_SendSMS_route(t *testing.T) {
	t.Parallel()
	for route, driver := range map[string]string{"": "scripted", "first": "scripted", "second": "other"} {
		r := newRig(t)
		step := r.fallback(0)
		step.Route = route
		result, err := r.run(r.acts.SendSMS, step)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, driver, r.attempt(backstop.SMS).Provider, route)
	}
}

// If the route is no longer configured, the SMS is rejected. The rejection is stored, and logged as an error for the operator.
func TestActivities_SendSMS_routeGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread), newRule("next", backstop.Unread)))
	step := r.fallback(0)
	step.Route = "gone"
	for range 2 { // the engine may have lost the first result
		result, err := r.run(r.acts.SendSMS, step)
		r.requireVerdict(activities.Rejected, result, err)
		require.Equal(t, backstop.Failed, result.View.SMS)
		require.True(t, result.View.Used.Has(0))
	}
	require.Zero(t, r.provider.calls())
	attempt := r.attempt(backstop.SMS)
	require.Equal(t, &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: `route "gone" is not configured`,
	}, attempt.Failure)
	require.Equal(t, "gone", attempt.Provider)
	require.NotNil(t, attempt.EndedAt)
	require.Contains(t, r.log.String(), `"level":"ERROR","msg":"provider call failed"`)

	result, err := r.run(r.acts.SendSMS, r.fallback(1))
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Submitted, result.View.SMS)
}

// If the message has arrived, no SMS is due, so a missing route is no error.
func TestActivities_SendSMS_routeGone_lastLook(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("undelivered", backstop.Undelivered), newRule("unread", backstop.Unread)))
	_, err := r.runOn(backstop.WhatsApp)
	require.NoError(t, err)
	r.receive(backstop.WhatsApp, backstop.Delivered)
	step := r.fallback(0)
	step.Route = "gone"
	result, err := r.run(r.acts.SendSMS, step)
	r.requireVerdict(activities.Averted, result, err)
	require.Len(t, r.ledger().Attempts, 1)
}

// A route that goes away between two tries.
func TestActivities_SendSMS_routeGone_throttled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.answers(fails(throttled))
	step := r.fallback(0)
	step.Route = "second"
	_, err := r.run(r.acts.SendSMS, step)
	requireRetry(t, "throttled", throttled.RetryAfter, err)
	require.Equal(t, "other", r.attempt(backstop.SMS).Provider)
	r.sms = r.sms[:1]
	r.restart()
	result, err := r.run(r.acts.SendSMS, step)
	r.requireVerdict(activities.Rejected, result, err)
	require.Equal(t, "second", r.attempt(backstop.SMS).Provider)
	require.Equal(t, 2, r.attempt(backstop.SMS).Number)
	require.Equal(t, 1, r.provider.calls())
}
