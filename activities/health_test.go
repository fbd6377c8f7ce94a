package activities_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/ledgertest"
)

// health is the circuit breakers of the accounts, by name.
type health struct {
	mu    sync.Mutex
	open  map[string]bool // no call is allowed
	busy  map[string]bool // another call is the probe: IsUnhealthy has not noticed it
	limit map[string]string
	calls map[string][]*backstop.Failure
}

func newHealth() *health {
	return &health{open: map[string]bool{}, busy: map[string]bool{}, calls: map[string][]*backstop.Failure{}}
}

func (h *health) IsUnhealthy(account string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open[account]
}

func (h *health) Limit(account string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.limit[account]
}

func (h *health) Allow(_ context.Context, account string) (func(*backstop.Failure), bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[account] || h.busy[account] {
		return nil, false
	}
	return func(f *backstop.Failure) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.calls[account] = append(h.calls[account], f)
	}, true
}

func (h *health) set(account string, isOpen bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open[account] = isOpen
}

// withHealth gives a rig circuit breakers.
func (r *rig) withHealth() *health {
	r.t.Helper()
	h := newHealth()
	r.health = h
	r.restart()
	return h
}

// refusing returns circuit breakers that allow no call of a channel's first account.
func (r *rig) refusing(channel backstop.Channel) *health {
	r.t.Helper()
	h := r.withHealth()
	h.set(accountOf(channel), true)
	return h
}

// countBegins counts the runs that reach Begin, which writes to Postgres.
func (r *rig) countBegins() *int {
	begins := 0
	r.store.begun = func() { begins++ }
	return &begins
}

// Each call is reported once to the circuit breaker of its account, as the driver's answer has it. A call that panics may have sent
// the message.
func TestActivities_health(t *testing.T) {
	t.Parallel()
	narrow := &backstop.Failure{Kind: backstop.Unavailable, IsNarrow: true, MaxTries: 1}
	unknown := &backstop.Failure{Kind: backstop.Unknown, Reason: "cut off"}
	for _, channel := range channels {
		for _, want := range []*backstop.Failure{nil, down, throttled, locked, narrow, unknown} {
			r := newRig(t)
			h := r.withHealth()
			if want != nil {
				r.provider.answers(fails(want))
			}
			_, _ = r.runOn(channel)
			require.Equal(t, map[string][]*backstop.Failure{accountOf(channel): {want}}, h.calls)
		}
		r := newRig(t)
		h := r.withHealth()
		r.provider.answers(func(context.Context, backstop.Ref) (backstop.Submission, error) { panic("a bug") })
		_, err := r.runOn(channel)
		require.Error(t, err)
		require.Len(t, h.calls[accountOf(channel)], 1)
		require.Equal(t, backstop.Unknown, h.calls[accountOf(channel)][0].Kind)
	}
}

// Calls by two accounts in one run are reported to the breaker of each.
func TestActivities_health_nextAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
	h := r.withHealth()
	r.provider.answers(fails(locked))
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, map[string][]*backstop.Failure{"first": {locked}, "second": {nil}}, h.calls)
}

// While the circuit allows no call, a step whose attempt sent nothing waits without a change of the ledger. A step without an
// attempt gets one, because GiveUp of an SMS needs an attempt. The call is made when the circuit allows it.
func TestActivities_unhealthy(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		h, begins := r.refusing(channel), r.countBegins()
		for range 5 {
			_, err := r.runOn(channel)
			requireRetry(t, "unavailable", 0, err)
		}
		require.Zero(t, r.provider.calls())
		require.Equal(t, 1, *begins)
		require.Equal(t, backstop.StateUnavailable, r.attempt(channel).State, "it was surely not sent")
		require.Equal(t, backstop.NotCalledUnhealthy, r.attempt(channel).Failure.NotCalled)
		require.Empty(t, h.calls, "a call that was not made says nothing of the account")
		h.set(accountOf(channel), false)
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls())
	}
}

// The circuit may refuse a call that it seemed to allow a moment before: another call is the probe.
func TestActivities_unhealthy_probed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.withHealth()
	h.busy[number] = true
	_, err := r.runOn(backstop.WhatsApp)
	requireRetry(t, "unavailable", 0, err)
	require.Zero(t, r.provider.calls())
	require.Equal(t, backstop.StateUnavailable, r.attempt(backstop.WhatsApp).State)
}

// The ledger decides about a step if its message may be out, or if nothing may be sent.
func TestActivities_unhealthy_ledgerDecides(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(*rig)
		spares bool // the ledger is not asked
	}{
		"no attempt":  {func(*rig) {}, false},
		"unavailable": {func(r *rig) { r.otherEnds(r.otherBegins(backstop.WhatsApp), down) }, true},
		"throttled":   {func(r *rig) { r.otherEnds(r.otherBegins(backstop.WhatsApp), throttled) }, true},
		"a dead call": {func(r *rig) { r.otherBegins(backstop.WhatsApp); r.clock.Advance(activities.CallTimeout) }, false},
		"a receipt": {func(r *rig) {
			r.otherEnds(r.otherBegins(backstop.WhatsApp), down)
			r.receive(backstop.WhatsApp, backstop.Sent)
		}, false},
		"finished": {func(r *rig) { r.otherEnds(r.otherBegins(backstop.WhatsApp), down); r.finish() }, false},
		"unknown, and repeated without risk": {func(r *rig) {
			r.accounts.change(number, func(a *activities.Account) { a.RefusesRepeats = true })
			r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
			_, err := r.runOn(backstop.WhatsApp)
			requireRetry(r.t, "unknown", 0, err)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			tc.before(r)
			r.refusing(backstop.WhatsApp)
			calls, begins := r.provider.calls(), r.countBegins()
			before := r.ledger()
			_, err := r.runOn(backstop.WhatsApp)
			require.Equal(t, tc.spares, *begins == 0)
			if tc.spares {
				requireRetry(t, "unavailable", 0, err)
				require.Equal(t, before, r.ledger())
			}
			require.Equal(t, calls, r.provider.calls())
		})
	}
}

// An unhealthy account of a rule is passed over. If all are unhealthy, the first waits.
func TestActivities_unhealthy_nextAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
	h := r.refusing(backstop.SMS)
	h.set("second", true)
	for range 3 {
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, "unavailable", 0, err)
	}
	require.Equal(t, "first", r.attempt(backstop.SMS).Account)
	h.set("second", false)
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "second", r.smsAttempts()[1].Account)
	require.Equal(t, 1, r.provider.calls())
}

// A WhatsApp account that falls back gives up at once while it is unhealthy, without a call.
func TestActivities_unhealthy_fallsBack(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*rig){
		"no call was made": func(*rig) {},
		"no call was taken": func(r *rig) {
			r.provider.answers(fails(down))
			_, err := r.runOn(backstop.WhatsApp)
			requireRetry(r.t, "unavailable", 0, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.accounts.change(number, func(a *activities.Account) { a.FallsBack = true })
			before(r)
			h, calls, begins := r.refusing(backstop.WhatsApp), r.provider.calls(), r.countBegins()
			first, err := r.runOn(backstop.WhatsApp)
			r.requireVerdict(activities.Rejected, first, err)
			require.Equal(t, r.ledger().View(), first.View)
			require.Equal(t, backstop.Failed, first.View.WhatsApp)
			require.Zero(t, *begins)
			again, err := r.runOn(backstop.WhatsApp) // the engine may have lost the first result
			require.NoError(t, err)
			require.Equal(t, first, again)
			require.Equal(t, calls, r.provider.calls())
			require.Empty(t, h.calls)

			step := r.fallback(0)
			step.ByFailure = true
			result, err := r.run(r.acts.SendSMS, step)
			r.requireVerdict(activities.Accepted, result, err)
			require.Equal(t, backstop.ByFailure, r.attempt(backstop.SMS).Cause)
			h.set(number, false)
			result, err = r.runOn(backstop.WhatsApp)
			require.NoError(t, err)
			require.NotEqual(t, activities.Accepted, result.Verdict, "WhatsApp does not follow the SMS")
		})
	}
}

// At the messaging limit a send falls back without a call, and its timeline says why. An account that holds waits without a call,
// until the limit is not reached any more.
func TestActivities_limit(t *testing.T) {
	t.Parallel()
	const limit = "the messaging limit of 250 recipients in 24 hours is reached"
	t.Run("falls back", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.accounts.change(number, func(a *activities.Account) { a.FallsBack = true })
		h := r.refusing(backstop.WhatsApp)
		h.limit = map[string]string{number: limit}
		result, err := r.runOn(backstop.WhatsApp)
		r.requireVerdict(activities.Rejected, result, err)
		var reasons []string
		memory, isMemory := r.store.Store.(*ledgertest.Store)
		require.True(t, isMemory)
		_, events := memory.Snapshot()
		for _, e := range events {
			if e.Kind == backstop.EventGaveUp {
				reasons = append(reasons, e.Failure.Reason)
			}
		}
		require.Equal(t, []string{"not called: " + limit}, reasons)
		step := r.fallback(0)
		step.ByFailure = true
		result, err = r.run(r.acts.SendSMS, step)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls(), "the SMS")
		require.Empty(t, h.calls[number])
	})
	t.Run("holds", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		h := r.refusing(backstop.WhatsApp)
		h.limit = map[string]string{number: limit}
		for range 3 {
			_, err := r.runOn(backstop.WhatsApp)
			requireRetry(t, "unavailable", 0, err)
		}
		require.Zero(t, r.provider.calls())
		require.Equal(t, "not called: "+limit, r.attempt(backstop.WhatsApp).Failure.Reason)
		require.Equal(t, backstop.NotCalledLimit, r.attempt(backstop.WhatsApp).Failure.NotCalled)
		h.set(number, false)
		result, err := r.runOn(backstop.WhatsApp)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls())
	})
}

// It does not give up a message that may be out: a call in flight, of unknown end, or with a receipt.
func TestActivities_unhealthy_fallsBack_mayBeOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accounts.change(number, func(a *activities.Account) { a.FallsBack = true })
	r.refusing(backstop.WhatsApp)
	r.otherBegins(backstop.WhatsApp)
	_, err := r.runOn(backstop.WhatsApp)
	requireRetry(t, activities.UnderWay, activities.CallTimeout, err)
	r.clock.Advance(activities.CallTimeout)
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Unknown, result, err)
	require.Equal(t, backstop.Queued, result.View.WhatsApp)
	r.receive(backstop.WhatsApp, backstop.Sent)
	result, err = r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	require.Zero(t, r.provider.calls())
}

// A fallback at once is for WhatsApp alone: an SMS waits for its account.
func TestActivities_unhealthy_fallsBack_notSMS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accounts.change("first", func(a *activities.Account) { a.FallsBack = true })
	r.refusing(backstop.SMS)
	_, err := r.runOn(backstop.SMS)
	requireRetry(t, "unavailable", 0, err)
}

// The messages of an account that is disabled, or that this process cannot open, are not rejected: they wait until it is well.
// If a rule has another account, that one sends at once.
func TestActivities_fault(t *testing.T) {
	t.Parallel()
	const why = "the account is disabled"
	for _, channel := range channels {
		r := newRig(t)
		begins := r.countBegins()
		r.accounts.change(accountOf(channel), func(a *activities.Account) { a.Fault, a.FallsBack = why, true })
		for range 5 {
			_, err := r.runOn(channel)
			requireRetry(t, "unavailable", 0, err)
		}
		require.Equal(t, 1, *begins)
		require.Equal(t, "not called: "+why, r.attempt(channel).Failure.Reason)
		require.Zero(t, r.provider.calls())
		r.accounts.change(accountOf(channel), func(a *activities.Account) { a.Fault = "" })
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
	}

	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
	r.accounts.change("first", func(a *activities.Account) { a.Fault = why })
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "second", r.attempt(backstop.SMS).Account)
}

// A WhatsApp call of unknown end may be out. While its account is unhealthy the resend waits, and WhatsApp does not count as failed:
// the SMS would be a second message.
func TestActivities_unhealthy_mayBeOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.withHealth()
	r.accounts.change(number, func(a *activities.Account) { a.FallsBack = true })
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Unknown, result, err)
	again := r.step()
	again.Resend = true
	h.set(number, true)
	for range 3 {
		_, err = r.run(r.acts.SendWhatsApp, again)
		requireRetry(t, "unavailable", 0, err)
		require.Equal(t, backstop.Queued, r.ledger().Send.Status.WhatsApp)
	}
	h.set(number, false)
	result, err = r.run(r.acts.SendWhatsApp, again)
	r.requireVerdict(activities.Accepted, result, err)
}
