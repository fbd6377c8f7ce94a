package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// What each kind of failure leads to, on both channels.
func TestActivities_failure(t *testing.T) {
	t.Parallel()
	var none *backstop.Failure
	tests := map[string]struct {
		err     error
		verdict activities.Verdict
		status  backstop.Status // of the channel
		state   backstop.AttemptState
		again   time.Duration // the delay until the next try; for what is tried again
		retried bool
	}{
		"rejected": {
			err:     &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "131026"},
			verdict: activities.Rejected, status: backstop.Failed, state: "rejected",
		},
		"throttled": {
			err:   &backstop.Failure{Kind: backstop.Throttled, RetryAfter: 7 * time.Second},
			state: "throttled", status: backstop.Queued, retried: true, again: 7 * time.Second,
		},
		"throttled, no word of when": {
			err: &backstop.Failure{Kind: backstop.Throttled}, state: "throttled", status: backstop.Queued, retried: true,
		},
		"unavailable": {
			err: &backstop.Failure{Kind: backstop.Unavailable}, state: "unavailable", status: backstop.Queued, retried: true,
		},
		"wrapped": {
			err:   fmt.Errorf("post: %w", &backstop.Failure{Kind: backstop.Unavailable}),
			state: "unavailable", status: backstop.Queued, retried: true,
		},
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
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
				send := r.insert()
				p := &provider{}
				p.answers(fails(tc.err))
				r.with(p)
				result, err := r.runOn(channel, send.ID)
				attempts := r.attempts(send.ID)
				require.Len(t, attempts, 1)
				require.Equal(t, tc.state, attempts[0].State)
				require.NotNil(t, attempts[0].EndedAt)
				require.NotNil(t, attempts[0].Failure)
				require.Equal(t, tc.status, statusOf(r.get(send.ID), channel))
				if tc.retried {
					failed, ok := errors.AsType[*temporal.ApplicationError](err)
					require.True(t, ok, err)
					require.False(t, failed.NonRetryable())
					require.Equal(t, string(tc.state), failed.Type())
					require.Equal(t, tc.again, failed.NextRetryDelay())
					r.requireAccepted(channel, send.ID) // the next run calls again
					require.Equal(t, 2, p.calls())
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tc.verdict, result.Verdict)
				require.Equal(t, attempts[0].Failure, result.Failure)
				again, err := r.runOn(channel, send.ID)
				require.NoError(t, err)
				require.Equal(t, result, again)
				require.Equal(t, 1, p.calls())
			}
		})
	}
}

func (r *rig) runOn(channel backstop.Channel, send string) (activities.Result, error) {
	r.t.Helper()
	if channel == backstop.SMS {
		return r.run(r.acts.SendSMS, fallback(send))
	}
	return r.run(r.acts.SendWhatsApp, step(send, 1))
}

// requireAccepted runs the step once more, which the provider accepts as the second attempt.
func (r *rig) requireAccepted(channel backstop.Channel, send string) {
	r.t.Helper()
	result, err := r.runOn(channel, send)
	require.NoError(r.t, err)
	require.Equal(r.t, activities.Accepted, result.Verdict)
	attempts := r.attempts(send)
	require.Len(r.t, attempts, 2)
	require.Equal(r.t, backstop.Accepted, attempts[1].State)
	require.Equal(r.t, 2, attempts[1].Number)
}

func statusOf(s backstop.Send, channel backstop.Channel) backstop.Status {
	if channel == backstop.SMS {
		return s.SMSStatus
	}
	return s.WhatsAppStatus
}

// When the provider is called the attempt is committed, with all that tells whose it is.
func TestActivities_attemptFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
		send := r.insert()
		var seen []backstop.Attempt
		r.with(&provider{script: []func(context.Context, backstop.Ref) (backstop.Submission, error){
			func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
				seen = r.attempts(ref.Send)
				return backstop.Submission{MessageID: ref.String()}, nil
			},
		}})
		_, err := r.runOn(channel, send.ID)
		require.NoError(t, err)
		require.Len(t, seen, 1)
		require.Equal(t, backstop.Calling, seen[0].State)
		require.Equal(t, channel, seen[0].Channel)
		require.Equal(t, 1, seen[0].Number)
		require.Nil(t, seen[0].EndedAt)
	}
}

// The worker completed the call, and the engine does not know: the answer is the same, without another call.
func TestActivities_secondRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
		send, p := r.insert(), &provider{}
		r.with(p)
		first, err := r.runOn(channel, send.ID)
		require.NoError(t, err)
		second, err := r.runOn(channel, send.ID)
		require.NoError(t, err)
		require.Equal(t, activities.Accepted, first.Verdict)
		require.Equal(t, channel == backstop.SMS, first.Outcome == backstop.OutcomePending)
		require.Equal(t, first, second)
		require.Equal(t, 1, p.calls())
		require.Len(t, r.attempts(send.ID), 1)
	}
}

// The worker died during the call: it may have gone out, so it is not made again. But for as long as a call can take,
// the worker may only have lost the engine.
func TestActivities_deadWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
		send, p := r.insert(), &provider{}
		r.with(p)
		dead := backstop.Attempt{
			Ref: step(send.ID, 1).Ref, Channel: channel, Provider: "scripted", StartedAt: time.Now(),
		}
		if channel == backstop.SMS {
			dead.Ref, dead.Rule, dead.SendID = step(send.ID, 2).Ref, "unread", "Acme"
		}
		dead, err := r.db.Begin(t.Context(), dead, func(backstop.Send, *backstop.Attempt) bool { return true })
		require.NoError(t, err)
		r.now = dead.StartedAt.Add(activities.CallTimeout - time.Second)
		_, err = r.runOn(channel, send.ID)
		early, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok, err)
		require.Equal(t, activities.UnderWay, early.Type())
		require.Equal(t, time.Second, early.NextRetryDelay())
		require.Equal(t, backstop.Calling, r.attempts(send.ID)[len(r.attempts(send.ID))-1].State)
		r.now = dead.StartedAt.Add(activities.CallTimeout)
		for range 2 {
			result, err := r.runOn(channel, send.ID)
			require.NoError(t, err)
			require.Equal(t, activities.Unknown, result.Verdict)
			require.Equal(t, backstop.Unknown, result.Failure.Kind)
		}
		require.Zero(t, p.calls())

		// It was not dead but slow.
		_, err = r.db.End(t.Context(), dead.End(backstop.Submission{MessageID: "late"}, nil, time.Now()), time.Hour)
		require.NoError(t, err)
		result, err := r.runOn(channel, send.ID)
		require.NoError(t, err)
		require.Equal(t, activities.Accepted, result.Verdict)
		require.Empty(t, result.Outcome, "the workflow may have heard of the unknown end, and wait")
	}
}

// The worker took for dead was faster: it has handed the send back, so whoever believes that the end is unknown need
// not wait for a receipt.
func TestActivities_deadWorker_handedBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	slow := backstop.Attempt{
		Ref: step(send.ID, 2).Ref, Channel: backstop.SMS, Provider: "scripted", Rule: "unread", SendID: "Acme", StartedAt: time.Now(),
	}
	slow, err := r.db.Begin(t.Context(), slow, func(backstop.Send, *backstop.Attempt) bool { return true })
	require.NoError(t, err)
	r.now = slow.StartedAt.Add(activities.CallTimeout)
	r.store.ending = func() {
		_, err := r.db.End(t.Context(), slow.End(backstop.Submission{MessageID: "slow"}, nil, time.Now()), time.Hour)
		require.NoError(t, err)
	}
	result, err := r.run(r.acts.SendSMS, fallback(send.ID))
	require.NoError(t, err)
	require.Equal(t, backstop.OutcomePending, result.Outcome)
	require.Equal(t, backstop.Submitted, result.SMS)
	require.Zero(t, r.provider.calls())
}

// Postgres is away after the call: the engine keeps what came of it until it is stored.
func TestActivities_endNotStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.store.away = 2
	for range 2 {
		_, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
		failed, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok, err)
		require.False(t, failed.NonRetryable())
		require.Equal(t, backstop.Calling, r.attempts(send.ID)[0].State)
	}
	result, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	require.NoError(t, err)
	require.Equal(t, activities.Accepted, result.Verdict)
	require.Equal(t, 1, r.provider.calls())
	attempts := r.attempts(send.ID)
	require.Len(t, attempts, 1)
	require.Equal(t, backstop.Accepted, attempts[0].State)
	require.Equal(t, step(send.ID, 1).Ref.String(), attempts[0].MessageID)
}

// A first try leaves it with the workflow, which gives it to the second.
func TestActivities_endNotStored_local(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.store.away = 1
	_, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, err)
	require.Equal(t, activities.Unsaved, failed.Type())
	second := step(send.ID, 1)
	require.NoError(t, failed.Details(&second.Ended))
	r.heartbeat = nil // the engine keeps none of a local activity
	result, err := r.run(r.acts.SendWhatsApp, second)
	require.NoError(t, err)
	require.Equal(t, activities.Accepted, result.Verdict)
	require.Equal(t, 1, r.provider.calls())
}

// The same for a call that is to be made again: what the engine kept must not stand for the calls that follow.
func TestActivities_endNotStored_throttled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Second}))
	r.store.away = 1
	_, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	require.ErrorContains(t, err, errAway.Error())
	_, err = r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, err)
	require.Equal(t, time.Second, failed.NextRetryDelay())
	require.Equal(t, 1, r.provider.calls())
	r.requireAccepted(backstop.WhatsApp, send.ID)
	require.Equal(t, 2, r.provider.calls())
}

// An activity that is cancelled during the call still stores what came of it.
func TestActivities_canceled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	ctx, cancel := context.WithCancel(t.Context())
	r.provider.answers(func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
		cancel()
		return backstop.Submission{MessageID: ref.String()}, nil
	})
	result, err := r.acts.SendWhatsApp(ctx, step(send.ID, 1))
	require.NoError(t, err)
	require.Equal(t, activities.Accepted, result.Verdict)
	require.Equal(t, backstop.Accepted, r.attempts(send.ID)[0].State)
}

// A send that does not exist will not exist on the next try either.
func TestActivities_notFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := uuid.NewString()
	runs := map[string]func() error{
		"whatsapp": func() error { _, err := r.run(r.acts.SendWhatsApp, step(id, 1)); return err },
		"sms":      func() error { _, err := r.run(r.acts.SendSMS, fallback(id)); return err },
		"record": func() error {
			return r.acts.Record(t.Context(), backstop.Event{Send: id, Kind: backstop.EventAverted})
		},
		"finish": func() error { _, err := r.acts.Finish(t.Context(), id, time.Now()); return err },
	}
	for name, run := range runs {
		failed, ok := errors.AsType[*temporal.ApplicationError](run())
		require.True(t, ok, name)
		require.True(t, failed.NonRetryable(), name)
		require.Equal(t, string(backstop.NotFound), failed.Type(), name)
	}
	require.Zero(t, r.provider.calls())
}

// Nothing that a recipient or a provider account must keep to itself gets out, even if a driver quotes it.
func TestActivities_secrets(t *testing.T) {
	t.Parallel()
	const secret = "EAAG-bearer-token"
	r := newRig(t)
	for _, err := range []error{
		fmt.Errorf("post %s to %s with %s", text, to, secret),
		&backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "190", Reason: "the token expired"},
		&backstop.Failure{Kind: backstop.Throttled},
	} {
		for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
			for _, away := range []int{0, 1} {
				send := r.insert()
				r.with(&provider{script: []func(context.Context, backstop.Ref) (backstop.Submission, error){fails(err)}})
				r.heartbeat, r.store.away = nil, away
				result, err := r.runOn(channel, send.ID)
				requireNone(t, fmt.Sprintf("%+v %+v %v", result, result.Failure, err), to, text, smsText, secret)
				for _, a := range r.attempts(send.ID) {
					requireNone(t, fmt.Sprintf("%+v %+v", a, a.Failure), to, text, smsText, secret)
				}
			}
		}
	}
	requireNone(t, r.log.String(), to, to[1:], text, smsText, secret)
	require.Contains(t, r.log.String(), `"level":"ERROR","msg":"provider call failed"`, "an operator must act")
	require.Contains(t, r.log.String(), `"level":"INFO","msg":"provider call failed"`)
}

func requireNone(t *testing.T, s string, of ...string) {
	t.Helper()
	for _, secret := range of {
		require.NotContains(t, s, secret)
	}
}
