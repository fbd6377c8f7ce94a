package activities_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

func TestNew(t *testing.T) {
	t.Parallel()
	full := activities.Options{Store: &store{}, Accounts: newAccounts(), Log: slog.New(slog.DiscardHandler)}
	_, err := activities.New(full)
	require.NoError(t, err)
	for name, without := range map[string]func(*activities.Options){
		"store":    func(o *activities.Options) { o.Store = nil },
		"accounts": func(o *activities.Options) { o.Accounts = nil },
		"log":      func(o *activities.Options) { o.Log = nil },
	} {
		o := full
		without(&o)
		_, err := activities.New(o)
		require.Error(t, err, name)
	}
}

// GiveUp fails a step whose provider accepted no call. A second GiveUp changes nothing.
func TestActivities_GiveUp(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.provider.answers(fails(down))
		_, err := r.runOn(channel)
		requireRetry(t, "unavailable", 0, err)
		first, err := r.acts.GiveUp(t.Context(), channel, r.stepOf(channel))
		require.NoError(t, err)
		again, err := r.acts.GiveUp(t.Context(), channel, r.stepOf(channel))
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, backstop.Failed, first.Of(channel))
	}
}

// GiveUp waits while a call is in flight. If the call's process has died, the step does not fail: the message may be out.
func TestActivities_GiveUp_callInFlight(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.otherBegins(channel)
		r.clock.Advance(10 * time.Second)
		_, err := r.acts.GiveUp(t.Context(), channel, r.stepOf(channel))
		requireRetry(t, activities.UnderWay, activities.CallTimeout-10*time.Second, err)
		require.Equal(t, backstop.Calling, r.attempt(channel).State)

		r.clock.Advance(activities.CallTimeout)
		view, err := r.acts.GiveUp(t.Context(), channel, r.stepOf(channel))
		require.NoError(t, err)
		require.Equal(t, backstop.Queued, view.Of(channel))
		require.Equal(t, backstop.StateUnknown, r.attempt(channel).State)
	}
}

func TestActivities_Finish(t *testing.T) {
	t.Parallel()
	for lapsed, outcome := range map[bool]backstop.Outcome{true: backstop.OutcomeExpired, false: backstop.OutcomeFailed} {
		r := newRig(t)
		first, err := r.acts.Finish(t.Context(), r.send.ID, lapsed)
		require.NoError(t, err)
		require.Equal(t, outcome, first.Outcome)
		again, err := r.acts.Finish(t.Context(), r.send.ID, !lapsed)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}
