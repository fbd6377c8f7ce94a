package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

var locked = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "20003"}

// smsAttempts returns the SMS attempts, in the order of steps.
func (r *rig) smsAttempts() (list []backstop.Attempt) {
	for _, a := range r.ledger().Attempts {
		if a.Channel == backstop.SMS {
			list = append(list, a)
		}
	}
	return list
}

// The plan names the account. The attempt stores its name and that of its driver, as receipts do.
func TestActivities_SendSMS_route(t *testing.T) {
	t.Parallel()
	for account, driver := range map[string]string{"first": "scripted", "second": "other"} {
		r := newRig(t, withRules(newRule("unread", backstop.Unread, account)))
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, account, r.attempt(backstop.SMS).Account)
		require.Equal(t, driver, r.attempt(backstop.SMS).Provider)
	}
}

// A send of the time before accounts had names goes by the default account of its channel, also after an upgrade in between.
func TestActivities_nameless(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		for name, names := range map[string][]string{"empty": {""}, "none": nil} {
			t.Run(string(channel)+", "+name, func(t *testing.T) {
				t.Parallel()
				rule := newRule("unread", backstop.Unread)
				rule.Routes = nil
				r := newRig(t, withRules(rule), func(s *backstop.Send) { s.Plan.Account = "" })
				r.provider.answers(fails(down))
				for _, accepted := range []bool{false, true} {
					result, err := r.run(r.sender(channel), activities.Step{Send: r.send.ID, Accounts: names})
					if !accepted {
						requireRetry(t, "unavailable", 0, err)
						continue
					}
					r.requireVerdict(activities.Accepted, result, err)
				}
				require.Equal(t, accountOf(channel), r.attempt(channel).Account)
			})
		}
	}
}

// triesOfMissing is how many calls are tried by an account that is not configured.
const triesOfMissing = 16

// miss runs an SMS by an account that is not configured, until the last try.
func (r *rig) miss() {
	r.t.Helper()
	for range triesOfMissing - 1 {
		_, err := r.runOn(backstop.SMS)
		requireRetry(r.t, "unavailable", 0, err)
	}
}

// Another process has stored an account a moment ago, and this worker has not noticed it. The message waits.
func TestActivities_newAccount(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		name := accountOf(channel)
		account, _ := r.accounts.Account(name)
		r.accounts.remove(name)
		_, err := r.runOn(channel)
		requireRetry(t, "unavailable", 0, err)
		require.Contains(t, r.log.String(), `"level":"ERROR","msg":"provider call failed"`)
		r.accounts.change(name, func(a *activities.Account) { *a = account })
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, "scripted", r.attempt(channel).Provider)
	}
}

// A route's account that is not configured counts as unhealthy: the next account sends at once.
func TestActivities_newAccount_next(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "gone", "second")))
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "second", r.attempt(backstop.SMS).Account)
}

// If the account is not configured for 10 minutes, the SMS is rejected. The rejection is stored, and logged as an error for the
// operator.
func TestActivities_SendSMS_routeGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "gone"), newRule("next", backstop.Unread)))
	r.miss()
	for range 2 { // the engine may have lost the first result
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Rejected, result, err)
		require.Equal(t, backstop.Failed, result.View.SMS)
		require.True(t, result.View.Used.Has(0))
	}
	require.Zero(t, r.provider.calls())
	attempt := r.attempt(backstop.SMS)
	require.Equal(t, &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: `account "gone" is not configured`,
		NotCalled: backstop.NotCalledMissing,
	}, attempt.Failure)
	require.Equal(t, "gone", attempt.Account)
	require.Equal(t, "gone", attempt.Provider)
	require.NotNil(t, attempt.EndedAt)
	require.Contains(t, r.log.String(), `"level":"ERROR","msg":"provider call failed"`)

	result, err := r.run(r.acts.SendSMS, r.fallback(1))
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Submitted, result.View.SMS)
}

// If the message has arrived, no SMS is due, so a missing account is no error.
func TestActivities_SendSMS_routeGone_lastLook(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("undelivered", backstop.Undelivered, "gone"), newRule("unread", backstop.Unread)))
	_, err := r.runOn(backstop.WhatsApp)
	require.NoError(t, err)
	r.receive(backstop.WhatsApp, backstop.Delivered)
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Averted, result, err)
	require.Len(t, r.ledger().Attempts, 1)
}

// An account that goes away between two tries.
func TestActivities_SendSMS_routeGone_throttled(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "second")))
	r.provider.answers(fails(throttled))
	_, err := r.runOn(backstop.SMS)
	requireRetry(t, "throttled", throttled.RetryAfter, err)
	require.Equal(t, "other", r.attempt(backstop.SMS).Provider)
	r.accounts.remove("second")
	_, err = r.runOn(backstop.SMS)
	requireRetry(t, "unavailable", 0, err)
	require.Equal(t, "second", r.attempt(backstop.SMS).Provider)
	require.Equal(t, 2, r.attempt(backstop.SMS).Number)
	require.Equal(t, 1, r.provider.calls())
}

// An account gets another provider, or other settings, between Begin and the call. The call is made by neither: it is begun anew.
func TestActivities_changedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.store.begun = func() {
			r.accounts.change(accountOf(channel), func(a *activities.Account) { a.Provider = "changed" })
		}
		_, err := r.runOn(channel)
		requireRetry(t, "unavailable", 0, err)
		require.Zero(t, r.provider.calls())
		r.store.begun = nil
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, "changed", r.attempt(channel).Provider)
	}
	t.Run("it repeats", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.accounts.change("first", func(a *activities.Account) { a.RefusesRepeats, a.HoldsUnknown = true, true })
		r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, "unknown", 0, err)
		r.store.begun = func() {
			r.accounts.change("first", func(a *activities.Account) { a.RefusesRepeats = false })
		}
		_, err = r.runOn(backstop.SMS)
		requireRetry(t, "unknown", 0, err)
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Unknown, result, err)
		require.Equal(t, 1, r.provider.calls())
	})
}

// An account that was made anew with another channel cannot send.
func TestActivities_otherChannel(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.accounts.change(accountOf(channel), func(a *activities.Account) { a.WhatsApp, a.SMS = nil, nil })
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Rejected, result, err)
		require.Equal(t, backstop.AccountFault, r.attempt(channel).Failure.Class)
		require.Zero(t, r.provider.calls())
	}
}

// An account refuses for a reason of its own. The next one sends in the same run, so the engine has no further task. Both attempts
// are stored, the first before the second call.
func TestActivities_nextAccount(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*rig, any, activities.Step) (activities.Result, error){
		"a first try": (*rig).try, "an ordinary activity": (*rig).run,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second"), newRule("next", backstop.Unread)))
			r.provider.answers(fails(locked), meanwhile(func() {
				first := r.smsAttempts()[0]
				require.Equal(t, backstop.StateRejected, first.State)
				require.Equal(t, locked, first.Failure)
				require.Equal(t, backstop.Calling, r.smsAttempts()[1].State)
				require.Equal(t, backstop.Queued, r.ledger().Send.Status.SMS)
			}))
			result, err := run(r, r.acts.SendSMS, r.fallback(0))
			r.requireVerdict(activities.Accepted, result, err)
			require.Equal(t, r.ledger().View(), result.View)
			require.Equal(t, backstop.Submitted, result.View.SMS)
			attempts := r.smsAttempts()
			require.Len(t, attempts, 2)
			require.Equal(t, []int{backstop.SMSStep(0, 0, false), backstop.SMSStep(0, 1, false)},
				[]int{attempts[0].Ref.Step, attempts[1].Ref.Step})
			require.Equal(t, "second", attempts[1].Account)
			require.Equal(t, "other", attempts[1].Provider)
			require.Len(t, r.provider.sms, 2)
			require.Equal(t, attempts[1].Ref, r.provider.sms[1].Ref)
			require.Contains(t, r.log.String(), `"level":"ERROR","msg":"provider call failed"`)
			require.Contains(t, r.log.String(), `"account":"first"`)

			result, err = run(r, r.acts.SendSMS, r.fallback(0)) // the engine may have lost the result
			r.requireVerdict(activities.Accepted, result, err)
			require.Equal(t, 2, r.provider.calls())
		})
	}
}

// Each account refuses. The SMS has failed then, and the next rule follows.
func TestActivities_nextAccount_allRefuse(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second"), newRule("next", backstop.Unread)))
	r.provider.answers(fails(locked), fails(locked))
	for range 2 {
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Rejected, result, err)
		require.Equal(t, backstop.Failed, result.View.SMS)
		require.True(t, result.View.Used.Has(0))
	}
	require.Equal(t, 2, r.provider.calls())
	result, err := r.run(r.acts.SendSMS, r.fallback(1))
	r.requireVerdict(activities.Accepted, result, err)
}

// No account follows one that refused for a reason of the message, nor one whose call may have sent the message.
func TestActivities_nextAccount_none(t *testing.T) {
	t.Parallel()
	for verdict, failure := range map[activities.Verdict]*backstop.Failure{
		activities.Rejected: {Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "21211"},
		activities.Unknown:  {Kind: backstop.Unknown},
	} {
		r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
		r.provider.answers(fails(failure))
		for range 2 {
			result, err := r.runOn(backstop.SMS)
			r.requireVerdict(verdict, result, err)
		}
		require.Equal(t, 1, r.provider.calls())
		require.Len(t, r.smsAttempts(), 1)
	}
}

// The process dies after the first account has refused, before or during the call by the second. The next run goes on with the
// second. It does not call the first again.
func TestActivities_nextAccount_crash(t *testing.T) {
	t.Parallel()
	twoAccounts := withRules(newRule("unread", backstop.Unread, "first", "second"))
	t.Run("before the second call", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, twoAccounts)
		r.otherEnds(r.otherBegins(backstop.SMS), locked)
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls())
		require.Equal(t, "second", r.smsAttempts()[1].Account)
	})
	t.Run("during the second call", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, twoAccounts)
		r.otherEnds(r.otherBegins(backstop.SMS), locked)
		r.clock.Advance(time.Second)
		require.Equal(t, "second", r.otherBegins(backstop.SMS).Account)
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, activities.UnderWay, activities.CallTimeout, err)
		r.clock.Advance(activities.CallTimeout)
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Unknown, result, err)
		require.Zero(t, r.provider.calls(), "the message may be out")
	})
	t.Run("the refusal is not stored", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, twoAccounts)
		r.provider.answers(fails(locked))
		r.store.endAway.left.Store(1)
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, activities.Unsaved, 0, err)
		require.Equal(t, 1, r.provider.calls(), "the second is called only when the first attempt has its end")
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 2, r.provider.calls())
		require.Equal(t, backstop.StateRejected, r.smsAttempts()[0].State)
	})
	t.Run("the end of the second call is not stored", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, twoAccounts)
		r.provider.answers(fails(locked), func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
			r.store.endAway.left.Store(1)
			return backstop.Submission{MessageID: ref.String()}, nil
		})
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, activities.Unsaved, 0, err)
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 2, r.provider.calls())
		require.Equal(t, backstop.Accepted, r.smsAttempts()[1].State)
	})
}

// otherEnds ends a call that another process began.
func (r *rig) otherEnds(a backstop.Attempt, failure *backstop.Failure) {
	r.t.Helper()
	_, _, err := r.store.Store.End(r.t.Context(), r.send.ID, backstop.Ending{Step: a.Ref.Step, Token: a.Token, Failure: failure})
	require.NoError(r.t, err)
}

// The first account took so long to refuse that too little time is left for a call by the second. The engine starts another run.
func TestActivities_nextAccount_slow(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
	r.provider.answers(func(context.Context, backstop.Ref) (backstop.Submission, error) {
		r.clock.Advance(10 * time.Second)
		return backstop.Submission{}, locked
	})
	_, err := r.runOn(backstop.SMS)
	requireRetry(t, activities.NextAccount, 0, err)
	require.Equal(t, 1, r.provider.calls())
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "second", r.smsAttempts()[1].Account)
}

// An account asks for a long pause. The next one sends in the same run, also if the end of the first call could not be stored. If
// all ask for a pause, the engine waits for the one that ends first.
func TestActivities_nextAccount_throttled(t *testing.T) {
	t.Parallel()
	hour := fails(&backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Hour})
	minute := fails(&backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Minute})
	twoAccounts := withRules(newRule("unread", backstop.Unread, "first", "second"))
	r := newRig(t, twoAccounts)
	r.provider.answers(hour)
	result, err := r.try(r.acts.SendSMS, r.fallback(0))
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "second", r.smsAttempts()[1].Account)

	r = newRig(t, twoAccounts)
	r.provider.answers(hour, minute)
	_, err = r.runOn(backstop.SMS)
	requireRetry(t, activities.TooEarly, time.Minute+time.Microsecond, err) // the second call is stored as later than the first
	r.clock.Advance(time.Minute + time.Microsecond)
	result, err = r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, 2, r.smsAttempts()[1].Number)

	r = newRig(t, twoAccounts)
	r.provider.answers(hour)
	r.store.endAway.left.Store(1)
	_, err = r.runOn(backstop.SMS)
	requireRetry(t, activities.Unsaved, 0, err)
	result, err = r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, "second", r.smsAttempts()[1].Account)

	r = newRig(t, twoAccounts)
	r.provider.answers(fails(throttled)) // a short pause
	_, err = r.runOn(backstop.SMS)
	requireRetry(t, "throttled", throttled.RetryAfter, err)
	r.clock.Advance(throttled.RetryAfter)
	result, err = r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Len(t, r.smsAttempts(), 1)
}

// The first account is down. After three calls the second takes its turn.
func TestActivities_nextAccount_down(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
	r.provider.answers(fails(down), fails(down), fails(down))
	for range 3 {
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, "unavailable", 0, err)
	}
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, 3, r.smsAttempts()[0].Number)
	require.Equal(t, "second", r.smsAttempts()[1].Account)
}

// The retries end after an account refused, and before the next one was called. The SMS has failed.
func TestActivities_nextAccount_givenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second"), newRule("next", backstop.Unread)))
	r.otherEnds(r.otherBegins(backstop.SMS), locked)
	first, err := r.acts.GiveUp(t.Context(), backstop.SMS, r.fallback(0))
	require.NoError(t, err)
	require.Equal(t, backstop.Failed, first.SMS)
	again, err := r.acts.GiveUp(t.Context(), backstop.SMS, r.fallback(0))
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Zero(t, r.provider.calls())
}

// The same after the turn of an account that was down.
func TestActivities_nextAccount_down_givenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second"), newRule("next", backstop.Unread)))
	r.provider.answers(fails(down), fails(down), fails(down))
	for range 3 {
		_, err := r.runOn(backstop.SMS)
		requireRetry(t, "unavailable", 0, err)
	}
	first, err := r.acts.GiveUp(t.Context(), backstop.SMS, r.fallback(0))
	require.NoError(t, err)
	require.Equal(t, backstop.Failed, first.SMS)
	again, err := r.acts.GiveUp(t.Context(), backstop.SMS, r.fallback(0))
	require.NoError(t, err)
	require.Equal(t, first, again)
	result, err := r.run(r.acts.SendSMS, r.fallback(1))
	r.requireVerdict(activities.Accepted, result, err)
}

// A provider that refuses a repeated message gets a call of unknown end again, with the same reference, until the end is known.
// The message is never sent as another step, by this account or another.
func TestActivities_refusesRepeats(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		for _, between := range []*backstop.Failure{{Kind: backstop.Unknown}, down, throttled, locked} {
			r := newRig(t, withRules(newRule("unread", backstop.Unread, "first", "second")))
			r.accounts.change(accountOf(channel), func(a *activities.Account) { a.RefusesRepeats = true })
			script := []answer{fails(&backstop.Failure{Kind: backstop.Unknown})}
			for range 4 {
				script = append(script, fails(between))
			}
			r.provider.answers(script...)
			for i := range script {
				_, err := r.runOn(channel)
				after := time.Duration(0)
				if i > 0 {
					after = between.RetryAfter
				}
				requireRetry(t, "unknown", after, err)
				require.Equal(t, backstop.StateUnknown, r.attempt(channel).State, "the first call may have sent the message")
				view, err := r.acts.GiveUp(t.Context(), channel, r.stepOf(channel))
				require.NoError(t, err)
				require.Equal(t, backstop.Queued, view.Of(channel))
			}
			resend := r.stepOf(channel)
			resend.Resend = true
			result, err := r.run(r.sender(channel), resend)
			r.requireVerdict(activities.Out, result, err)
			require.Equal(t, len(script), r.provider.calls(), "the resend has another reference")

			result, err = r.runOn(channel)
			r.requireVerdict(activities.Accepted, result, err)
			attempt := r.attempt(channel)
			require.Equal(t, len(script)+1, attempt.Number)
			require.Equal(t, accountOf(channel), attempt.Account)
			for _, m := range r.provider.sms {
				require.Equal(t, attempt.Ref, m.Ref)
			}
		}
	}
}

// A receipt ends the repetition: the message is out.
func TestActivities_refusesRepeats_receipt(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		r.accounts.change(accountOf(channel), func(a *activities.Account) { a.RefusesRepeats = true })
		r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
		_, err := r.runOn(channel)
		requireRetry(t, "unknown", 0, err)
		r.receive(channel, backstop.Sent)
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 1, r.provider.calls())
	}
}

// A process that dies during the call leaves an unknown end. The next run repeats the call.
func TestActivities_refusesRepeats_deadWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.accounts.change("first", func(a *activities.Account) { a.RefusesRepeats = true })
	r.store.begun = func() { r.store.begun = nil; panic("the process dies") }
	_, err := r.runOn(backstop.SMS)
	require.Error(t, err)
	require.Equal(t, backstop.Calling, r.attempt(backstop.SMS).State)
	r.clock.Advance(activities.CallTimeout)
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, 1, r.provider.calls())
	require.Len(t, r.smsAttempts(), 1)
}

// An account that holds messages of unknown end does not send them again, whatever the workflow proposes.
func TestActivities_holdsUnknown(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		for holds, verdict := range map[bool]activities.Verdict{true: activities.Out, false: activities.Accepted} {
			r := newRig(t)
			r.accounts.change(accountOf(channel), func(a *activities.Account) { a.HoldsUnknown = holds })
			r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
			result, err := r.runOn(channel)
			r.requireVerdict(activities.Unknown, result, err)
			resend := r.stepOf(channel)
			resend.Resend = true
			result, err = r.run(r.sender(channel), resend)
			r.requireVerdict(verdict, result, err)
		}
	}
}

// An account that another process has just stored is looked for before the call. Without an answer of the database the call is
// retried. An account that is still not known is refused.
func TestActivities_newAccount_refresh(t *testing.T) {
	t.Parallel()
	for _, channel := range channels {
		r := newRig(t)
		name := accountOf(channel)
		account, _ := r.accounts.Account(name)
		r.accounts.remove(name)
		refreshes, away := 0, errors.New("the database is away")
		r.refresh = func(context.Context) error {
			refreshes++
			if refreshes > 1 {
				r.accounts.add(account)
				return nil
			}
			return away
		}
		r.restart()
		_, err := r.runOn(channel)
		requireRetry(t, "unavailable", 0, err)
		require.Empty(t, r.ledger().Attempts, "nothing is decided")
		result, err := r.runOn(channel)
		r.requireVerdict(activities.Accepted, result, err)
		require.Equal(t, 2, refreshes)
	}
}
