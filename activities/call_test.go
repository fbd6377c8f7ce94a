package activities_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// A failed call leads to a verdict or to a retry.
func TestActivities_failure(t *testing.T) {
	t.Parallel()
	var none *backstop.Failure
	for name, tc := range map[string]struct {
		err     error
		verdict activities.Verdict // empty: the call is retried
		status  backstop.Status    // of the channel
		state   backstop.AttemptState
		again   time.Duration // the provider's delay before the retry, if it gives one
	}{
		"rejected": {
			err:     &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026"},
			verdict: activities.Rejected, status: backstop.Failed, state: "rejected",
		},
		"throttled": {err: throttled, state: "throttled", status: backstop.Queued, again: 7 * time.Second},
		"throttled, no word of when": {
			err: &backstop.Failure{Kind: backstop.Throttled}, state: "throttled", status: backstop.Queued,
		},
		"unavailable": {err: down, state: "unavailable", status: backstop.Queued},
		"wrapped":     {err: fmt.Errorf("post: %w", down), state: "unavailable", status: backstop.Queued},
		"unknown": {
			err:     &backstop.Failure{Kind: backstop.Unknown, Reason: "cut off"},
			verdict: activities.Unknown, status: backstop.Queued, state: "unknown",
		},
		"not a failure":     {err: errors.New("eh"), verdict: activities.Unknown, status: backstop.Queued, state: "unknown"},
		"no failure at all": {err: none, verdict: activities.Unknown, status: backstop.Queued, state: "unknown"},
		"of no known kind": {
			err:     &backstop.Failure{Kind: "odd"},
			verdict: activities.Unknown, status: backstop.Queued, state: "unknown",
		},
		"no message id": {err: nil, verdict: activities.Unknown, status: backstop.Queued, state: "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, channel := range channels {
				r := newRig(t)
				r.provider.answers(fails(tc.err))
				result, err := r.runOn(channel)
				attempt := r.attempt(channel)
				require.Equal(t, tc.state, attempt.State)
				require.NotNil(t, attempt.EndedAt)
				require.NotNil(t, attempt.Failure)
				require.Equal(t, tc.status, r.ledger().Send.Status.Of(channel))
				if tc.verdict == "" {
					requireRetry(t, string(tc.state), tc.again, err)
					r.requireAccepted(channel)
					continue
				}
				r.requireVerdict(tc.verdict, result, err)
				again, err := r.runOn(channel)
				require.NoError(t, err)
				require.Equal(t, result, again)
				require.Equal(t, 1, r.provider.calls())
			}
		})
	}
}

// requireAccepted runs the step again, and requires that the provider accepts this second call.
func (r *rig) requireAccepted(channel backstop.Channel) {
	r.t.Helper()
	result, err := r.runOn(channel)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(r.t, backstop.Accepted, r.attempt(channel).State)
	require.Equal(r.t, 2, r.attempt(channel).Number)
	require.Equal(r.t, 2, r.provider.calls())
}

// The attempt is stored before the provider is called. The call's deadline is before the time when another run may take over.
func TestActivities_attemptFirst(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.provider.answers(func(ctx context.Context, ref backstop.Ref) (backstop.Submission, error) {
			require.Equal(t, backstop.Calling, r.attempt(channel).State)
			require.Equal(t, 1, r.attempt(channel).Number)
			require.NotEmpty(t, r.attempt(channel).Token)
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Less(t, time.Until(deadline), activities.CallTimeout)
			return backstop.Submission{MessageID: ref.String()}, nil
		})
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
	}
}

// A retry is skipped if a receipt shows that the earlier call has sent the message, or if nothing may go out any more.
func TestActivities_retry_lastLook(t *testing.T) {
	t.Parallel()
	receipt := func(c backstop.Channel, s backstop.Status) func(*rig) { return func(r *rig) { r.receive(c, s) } }
	for name, tc := range map[string]struct {
		channel   backstop.Channel
		meanwhile func(*rig)
		verdict   activities.Verdict
	}{
		"WhatsApp sent":            {backstop.WhatsApp, receipt(backstop.WhatsApp, backstop.Sent), activities.Accepted},
		"WhatsApp delivered":       {backstop.WhatsApp, receipt(backstop.WhatsApp, backstop.Delivered), activities.Accepted},
		"WhatsApp failed":          {backstop.WhatsApp, receipt(backstop.WhatsApp, backstop.Failed), activities.Accepted},
		"WhatsApp finished":        {backstop.WhatsApp, func(r *rig) { r.finish() }, activities.NoMoreCalls},
		"WhatsApp, an SMS went":    {backstop.WhatsApp, func(r *rig) { r.otherBegins(backstop.SMS); r.clock.Advance(time.Minute) }, activities.Rejected},
		"SMS sent":                 {backstop.SMS, receipt(backstop.SMS, backstop.Sent), activities.Accepted},
		"SMS delivered":            {backstop.SMS, receipt(backstop.SMS, backstop.Delivered), activities.Accepted},
		"SMS, it came by WhatsApp": {backstop.SMS, receipt(backstop.WhatsApp, backstop.Delivered), activities.Averted},
		"SMS finished":             {backstop.SMS, func(r *rig) { r.finish() }, activities.NoMoreCalls},
		"SMS, WhatsApp gave out":   {backstop.SMS, receipt(backstop.WhatsApp, backstop.Failed), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withRules(newRule("undelivered", backstop.Undelivered), newRule("unread", backstop.Unread)))
			r.provider.answers(fails(down))
			_, err := r.runOn(tc.channel)
			requireRetry(t, "unavailable", 0, err)
			tc.meanwhile(r)
			if tc.verdict == "" {
				r.requireAccepted(tc.channel)
				return
			}
			for range 2 {
				result, err := r.runOn(tc.channel)
				r.requireVerdict(tc.verdict, result, err)
			}
			require.Equal(t, 1, r.provider.calls())
		})
	}
}

func (r *rig) finish() {
	r.t.Helper()
	_, err := r.acts.Finish(r.t.Context(), r.send.ID, false)
	require.NoError(r.t, err)
}

// The answer to Begin is lost. The store retries Begin with the same token, and the call is made once.
func TestActivities_beginAnswerLost(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.store.beginAgain = true
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.attempt(channel).Number)
		require.Equal(t, 1, r.provider.calls())
	}
}

// Begin fails, before or after it has stored the call. The engine keeps the token with the fact that the provider was not
// called, so the next run makes the call.
func TestActivities_beginAnswerLost_nextRun(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		for _, isBegun := range []bool{true, false} {
			r := newRig(t)
			if r.store.beginAway = !isBegun; isBegun {
				r.store.beginLost = 1
			}
			_, err := r.runOn(channel)
			requireRetry(t, activities.Unsaved, 0, err)
			require.Zero(t, r.provider.calls())
			r.store.beginAway = false
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Accepted, result, err)
			require.Equal(t, 1, r.provider.calls())
			result, err = r.runOn(channel)
			r.requireVerdict(activities.Accepted, result, err)
			require.Equal(t, 1, r.provider.calls())
		}
	}
}

// The same after a first try, which is a local activity: the details of its error bring the token to the next run.
func TestActivities_beginAnswerLost_afterTry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.store.beginLost = 1
	step := r.fallback(0)
	_, err := r.try(r.acts.SendSMS, step)
	failed := requireRetry(t, activities.Unsaved, 0, err)
	var ended activities.Ended
	require.NoError(t, failed.Details(&ended))
	step.Ended = &ended
	result, err := r.run(r.acts.SendSMS, step)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, 1, r.provider.calls())
}

// The answer to Begin is lost, and the process dies. The next run has another token. It waits until the call has timed out,
// and does not repeat the call.
func TestActivities_beginAnswerLost_otherRun(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.otherBegins(channel)
		r.clock.Advance(10 * time.Second)
		_, err := r.runOn(channel)
		requireRetry(t, activities.UnderWay, activities.CallTimeout-10*time.Second, err)
		require.Equal(t, backstop.Calling, r.attempt(channel).State)
		r.clock.Advance(activities.CallTimeout - 10*time.Second)
		for range 2 {
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Unknown, result, err)
		}
		require.Zero(t, r.provider.calls())
	}
}

// A process is held up between Begin and the provider call. It skips the call, because another run may have taken over.
func TestActivities_heldUp(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.store.begun = func() { r.clock.Advance(activities.CallTimeout - 5*time.Second); r.store.begun = nil }
		_, err := r.runOn(channel)
		requireRetry(t, "unavailable", 0, err)
		require.Zero(t, r.provider.calls())
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls())
	}
}

// The message expires while Postgres holds back its answer to Begin.
func TestActivities_heldUp_expired(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t, func(s *backstop.Send) { s.ExpiresAt = new(s.AcceptedAt.Add(wait + time.Second)) })
		r.store.begun = func() { r.clock.Advance(time.Second); r.store.begun = nil }
		_, err := r.runOn(channel)
		requireRetry(t, "unavailable", 0, err)
		result, err := r.runOn(channel)
		r.requireVerdict(activities.NoMoreCalls, result, err)
		require.Zero(t, r.provider.calls())
		require.Equal(t, backstop.OutcomeExpired, result.View.Outcome)
	}
}

// The same when another run has taken over.
func TestActivities_heldUp_replaced(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.store.begun = func() {
			r.store.begun = nil
			r.clock.Advance(activities.CallTimeout)
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Unknown, result, err)
		}
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Unknown, result, err)
		require.Zero(t, r.provider.calls())
	}
}

// A slow process ends its call after CallTimeout and before the next run. The end counts, and the store waits for the receipt.
func TestActivities_deadWorker_wasSlow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := r.otherBegins(backstop.SMS)
	r.clock.Advance(activities.CallTimeout)
	_, _, err := r.store.End(t.Context(), r.send.ID, backstop.Ending{
		Step: slow.Ref.Step, Token: slow.Token, Submission: backstop.Submission{MessageID: "slow"}, SMSReceiptWait: time.Hour,
	})
	require.NoError(t, err)
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.OutcomePending, result.View.Outcome)
	require.Zero(t, r.provider.calls())
}

// A run is retried when the call of another step has timed out, or when the rule's wait has ended. The ledger gives the delay.
func TestActivities_notYet(t *testing.T) {
	t.Parallel()
	t.Run("under way", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.otherBegins(backstop.WhatsApp)
		r.clock.Advance(time.Second)
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, activities.UnderWay, activities.CallTimeout-time.Second, err)
	})
	t.Run("too early", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, func(s *backstop.Send) { s.AcceptedAt = s.AcceptedAt.Add(20 * time.Second) })
		early := r.send.AcceptedAt.Add(wait).Sub(r.clock.Now())
		require.Greater(t, early, 10*time.Second)
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, activities.TooEarly, early, err)
		r.clock.Advance(early)
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
	})
	t.Run("a rule without a wait", func(t *testing.T) {
		t.Parallel()
		onFailure := newRule("failed", backstop.Undelivered)
		onFailure.WaitSeconds = 0
		r := newRig(t, withRules(onFailure))
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, activities.TooEarly, 0, err)
		require.Zero(t, r.provider.calls())
	})
}

// An activity that is cancelled during the call still stores the end of the call.
func TestActivities_canceled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.under(ctx)
	r.provider.answers(meanwhile(cancel))
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Accepted, r.attempt(backstop.WhatsApp).State)
}

// Concurrent calls are bounded. If there is no free slot, a first try fails at once. An ordinary activity waits, but not so
// long that its call would have less than CallTimeout.
func TestActivities_busy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.maxCalls = 1
	r.restart()
	r.provider.answers(meanwhile(func() {
		_, err := r.try(r.acts.SendSMS, r.fallback(0))
		requireRetry(t, activities.Busy, 0, err)
		start := time.Now()
		_, err = r.runOn(backstop.SMS)
		requireRetry(t, activities.Busy, 0, err)
		require.InDelta(t, activities.AdmitTimeout.Seconds(), time.Since(start).Seconds(), 3)
	}))
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, 1, r.provider.calls())
	result, err = r.try(r.acts.SendSMS, r.fallback(0))
	r.requireVerdict(activities.Accepted, result, err)
}

// Numbers, texts, message ids and credentials appear in no result, error, error detail, heartbeat or log, even if a driver's
// error quotes them.
func TestActivities_secrets(t *testing.T) {
	t.Parallel()
	const secret, id = "EAAG-bearer-token", "wamid.HBgMNDQ3NDAwMTIzNDU2"
	accepted := func(context.Context, backstop.Ref) (backstop.Submission, error) {
		return backstop.Submission{MessageID: id}, nil
	}
	none := []string{to, to[1:], text, smsText, secret, id}
	var logs strings.Builder
	for _, answers := range []answer{
		accepted,
		fails(fmt.Errorf("post %s to %s with %s", text, to, secret)),
		fails(&backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "190", Reason: "the token expired"}),
		fails(throttled),
	} {
		for _, channel := range channels {
			for _, away := range []int64{0, 1} {
				r := newRig(t)
				r.provider.answers(answers)
				r.store.endAway.left.Store(away)
				result, err := r.runOn(channel)
				out := fmt.Sprintf("%+v %+v", result, err)
				if away > 0 {
					var details, heartbeat map[string]any
					require.NoError(t, requireRetry(t, activities.Unsaved, 0, err).Details(&details))
					require.NoError(t, r.heartbeat.Get(&heartbeat))
					require.Equal(t, details, heartbeat)
					out += fmt.Sprint(details)
				}
				requireNone(t, out, append(none, "the token expired")...)
				requireNone(t, fmt.Sprint(r.attempt(channel).Failure), none...)
				logs.WriteString(r.log.String())
			}
		}
	}
	requireNone(t, logs.String(), none...)
	require.Contains(t, logs.String(), `"level":"ERROR","msg":"provider call failed"`, "an operator must act")
	require.Contains(t, logs.String(), `"level":"INFO","msg":"provider call failed"`)
}

func requireNone(t *testing.T, s string, of ...string) {
	t.Helper()
	for _, secret := range of {
		require.NotContains(t, s, secret)
	}
}
