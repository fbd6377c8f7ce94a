package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/workflows"
)

// TestSend_route: each rule's SMS goes by the rule's own account, at the end of its own wait. An account that is no longer configured
// fails at once, and the next rule still waits for the end of its wait.
func TestSend_route(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("other", backstop.Unread, time.Minute, second), rule("gone", backstop.Unread, 2*time.Minute, "gone"),
		rule("last", backstop.Unread, 3*time.Minute))
	w.receive(arrival{after: 90 * time.Second, receipt: sms(0, backstop.Failed)})
	w.receive(arrival{after: 4 * time.Minute, receipt: sms(2, backstop.Delivered)})
	result := w.run(settings)
	w.afterwards()

	require.Equal(t, backstop.OutcomeSMS, w.ledger().Send.Outcome)
	require.Equal(t, "last", result.Rule)
	require.Equal(t, []time.Duration{time.Minute, 3 * time.Minute}, w.smsAfter(), "no call by the account that is gone")
	attempts := w.ledger().Attempts
	providers := make([]string, len(attempts))
	for i, a := range attempts {
		providers[i] = a.Provider
	}
	require.Equal(t, []string{"scripted", "other", "gone", "scripted"}, providers)
	require.Equal(t, backstop.AccountFault, attempts[2].Failure.Class)
}

// TestSend_routeGone: when no other rule is left, only the WhatsApp message may still arrive.
func TestSend_routeGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("gone", backstop.Unread, time.Minute, "gone"))
	result := w.run(settings)
	require.Equal(t, backstop.OutcomeUnconfirmed, result.Outcome)
	require.Equal(t, backstop.Failed, result.SMS)
	require.Empty(t, w.calls[backstop.SMS])
}

// smsBy returns the accounts of the SMS attempts, in the order of steps.
func (w *world) smsBy() (accounts []string) {
	for _, a := range w.ledger().Attempts {
		if a.Channel == backstop.SMS {
			accounts = append(accounts, a.Account)
		}
	}
	return accounts
}

// TestSend_nextAccount: the first account of a rule refuses, and the second sends in the same local activity. The engine has no
// further command, so no further event and no further workflow task.
func TestSend_nextAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, second))
	c := w.recordCommands()
	w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
	w.down[first] = failure(backstop.Rejected, backstop.AccountFault)
	w.receive(arrival{after: time.Minute, receipt: receipt(backstop.SMS, backstop.SMSStep(0, 1, false), backstop.Delivered)})
	result := w.run(settings)
	require.Equal(t, backstop.Submitted, result.SMS)
	require.Equal(t, "ud", result.Rule)
	w.afterwards()
	require.Equal(t, backstop.OutcomeSMS, w.ledger().Send.Outcome)
	require.Equal(t, []time.Duration{0, 0}, w.smsAfter())
	require.Equal(t, []string{first, second}, w.smsBy())
	require.Equal(t, []string{
		`local SendWhatsApp, "WhatsApp", rule 0`,
		`local SendSMS, "SMS from ACME, rule ud", rule 0, by failure`,
	}, c.given)
}

// TestSend_nextAccount_allRefuse: the next rule follows when each account of a rule has refused.
func TestSend_nextAccount_allRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, "gone"), rule("ur", backstop.Unread, time.Hour, second))
	w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
	w.down[first] = failure(backstop.Rejected, backstop.AccountFault)
	result := w.run(settings)
	require.Equal(t, "ur", result.Rule)
	require.Equal(t, []string{first, second, "gone"}, w.smsBy())
	require.Equal(t, []string{number, first, second}, w.calledBy)
}

// TestSend_firstAccountDown: the first account of a rule is down for hours. The second sends after 3 calls by the first.
func TestSend_firstAccountDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, second))
	w.down[first] = failure(backstop.Unavailable, "")
	require.Equal(t, backstop.Submitted, w.run(settings).SMS)
	require.Equal(t, []string{number, first, first, first, second}, w.calledBy)
	require.Equal(t, []time.Duration{60 * time.Second, 61 * time.Second, 62 * time.Second, 64 * time.Second}, w.smsAfter())
}

// TestSend_firstAccountThrottles: the first account asks for a long pause. The second sends at once.
func TestSend_firstAccountThrottles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, second))
	w.down[first] = &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Hour}
	require.Equal(t, backstop.Submitted, w.run(settings).SMS)
	require.Equal(t, []string{number, first, second}, w.calledBy)
	require.Equal(t, []time.Duration{time.Minute, time.Minute}, w.smsAfter(), "not after the pause of the first account")
}

// TestSend_firstAccountUnhealthy: an account whose circuit is open gets no call.
func TestSend_firstAccountUnhealthy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, second))
	w.unhealthy[first] = true
	require.Equal(t, backstop.Submitted, w.run(settings).SMS)
	require.Equal(t, []string{number, second}, w.calledBy)
	require.Equal(t, []time.Duration{time.Minute}, w.smsAfter())
}

// TestSend_whatsAppUnhealthy: an unhealthy WhatsApp account falls back at once, or waits until it is well, as configured. A wait
// that ends meanwhile fires its rule.
func TestSend_whatsAppUnhealthy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fallsBack bool
		well      time.Duration // when the account is well again; 0: never
		calledBy  []string
		smsAfter  []time.Duration
		reason    backstop.FallbackReason
	}{
		"falls back":                  {fallsBack: true, calledBy: []string{first}, smsAfter: []time.Duration{0}, reason: backstop.ByFailure},
		"holds":                       {well: 10 * time.Second, calledBy: []string{number, first}, smsAfter: []time.Duration{time.Minute}, reason: backstop.NotDelivered},
		"holds, until the wait's end": {calledBy: []string{first}, smsAfter: []time.Duration{time.Minute}, reason: backstop.NotDelivered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute))
			w.change(number, func(a *activities.Account) { a.FallsBack = tc.fallsBack })
			w.unhealthy[number] = true
			if tc.well > 0 {
				w.after(tc.well, func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					w.unhealthy[number] = false
				})
			}
			result := w.run(settings)
			require.Equal(t, backstop.Submitted, result.SMS)
			require.Equal(t, tc.reason, result.Reason)
			require.Equal(t, tc.calledBy, w.calledBy)
			require.Equal(t, tc.smsAfter, w.smsAfter())
		})
	}
}

// TestSend_refusesRepeats: the call by an account whose provider refuses repeated messages is made again until its end is known.
// No other account and no resend follows, also if the retries end.
func TestSend_refusesRepeats(t *testing.T) {
	t.Parallel()
	unknown := failure(backstop.Unknown, "")
	for name, tc := range map[string]struct {
		sms      []error
		calls    int
		isKnown  bool
		outcome  backstop.Outcome
		attempts []string
	}{
		"known at the third call": {sms: []error{unknown, unknown, nil}, calls: 3, isKnown: true},
		"never known":             {sms: []error{unknown}, calls: 11}, // 10 retries in the test environment
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first, second))
			w.change(first, func(a *activities.Account) { a.RefusesRepeats, a.HoldsUnknown = true, false })
			w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
			w.answers(backstop.SMS, tc.sms...)
			result := w.run(settings)
			require.Len(t, w.calls[backstop.SMS], tc.calls)
			require.Equal(t, []string{first}, w.smsBy(), "one attempt: one reference")
			if tc.isKnown {
				require.Equal(t, backstop.Submitted, result.SMS)
			} else {
				require.Equal(t, backstop.OutcomeUnconfirmed, result.Outcome)
			}
		})
	}
	t.Run("WhatsApp, never known", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, rule("reported", backstop.Undelivered, 0))
		w.change(number, func(a *activities.Account) { a.RefusesRepeats = true })
		w.answers(backstop.WhatsApp, unknown)
		require.Equal(t, backstop.OutcomeUnconfirmed, w.run(settings).Outcome)
		require.Len(t, w.calls[backstop.WhatsApp], 11)
		require.Len(t, w.ledger().Attempts, 1)
	})
}

// TestSend_cutShort: the wait of another rule ends the retries of an SMS. If a call had an unknown end, that rule cannot fire, so the
// SMS is not left alone: it is sent again if the provider refuses repeats, or if the account resends such messages.
func TestSend_cutShort(t *testing.T) {
	t.Parallel()
	unknown, down := failure(backstop.Unknown, ""), failure(backstop.Unavailable, "")
	for name, tc := range map[string]struct {
		change   func(*activities.Account)
		sms      []error
		smsAfter []time.Duration
		attempts []string
	}{
		"the provider refuses repeats": {
			change:   func(a *activities.Account) { a.RefusesRepeats = true },
			sms:      []error{unknown, unknown, unknown, unknown, unknown, nil},
			smsAfter: []time.Duration{0, 1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 12 * time.Second},
			attempts: []string{first},
		},
		"it was down": {
			change:   func(*activities.Account) {},
			sms:      []error{down, down, down, down, down, nil},
			smsAfter: []time.Duration{0, 1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 12 * time.Second},
			attempts: []string{first, second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute, first), rule("next", backstop.Undelivered, 12*time.Second, second))
			w.change(first, tc.change)
			w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
			w.answers(backstop.SMS, tc.sms...)
			result := w.run(settings)
			require.Equal(t, tc.smsAfter, w.smsAfter())
			require.Equal(t, tc.attempts, w.smsBy())
			require.Equal(t, backstop.Submitted, result.SMS)
		})
	}
}

// untaken is a task queue of which nobody takes the next activities in time.
type untaken struct {
	interceptor.WorkerInterceptorBase
	interceptor.WorkflowInboundInterceptorBase
	interceptor.WorkflowOutboundInterceptorBase

	queue  string
	left   int
	queues []string // of all activities
	limits []time.Duration
}

func (u *untaken) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	u.WorkflowInboundInterceptorBase.Next = next
	return u
}

func (u *untaken) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	u.WorkflowOutboundInterceptorBase.Next = outbound
	return u.WorkflowInboundInterceptorBase.Next.Init(u)
}

func (u *untaken) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	o := workflow.GetActivityOptions(ctx)
	u.queues, u.limits = append(u.queues, o.TaskQueue), append(u.limits, o.ScheduleToStartTimeout)
	if o.TaskQueue != u.queue || u.left == 0 {
		return u.WorkflowOutboundInterceptorBase.Next.ExecuteActivity(ctx, name, args...)
	}
	u.left--
	future, set := workflow.NewFuture(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		err := workflow.Sleep(ctx, o.ScheduleToStartTimeout)
		if err == nil {
			err = temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
		}
		set.SetError(err)
	})
	return future
}

// TestSend_elsewhere: the call of an account with limits moves to the account's task queue. If nobody takes it from there, the
// workflow asks again, and goes where the account's calls are made now.
func TestSend_elsewhere(t *testing.T) {
	t.Parallel()
	const (
		own, theirs = "backstop-i/first", "default-test-taskqueue" // of the account, and of the test environment
		untakenFor  = 10 * time.Minute
	)
	for name, tc := range map[string]struct {
		untaken   int
		unlimited bool     // when the workflow asks again, the account has no limits any more
		queued    bool     // calls go through the task queue from the first try
		down      int      // how many calls the account does not take
		queues    []string // of the activities
		smsAfter  []time.Duration
	}{
		"taken":         {queues: []string{own}, smsAfter: []time.Duration{0}},
		"taken, queued": {queued: true, queues: []string{theirs, theirs, own}, smsAfter: []time.Duration{0}},
		"taken, and retried there": {
			down: 3, queues: []string{own}, smsAfter: []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second},
		},
		"not taken for a while": {
			untaken: 2, queues: []string{own, theirs, own, theirs, own}, smsAfter: []time.Duration{2 * untakenFor},
		},
		"without limits any more": {
			untaken: 1, unlimited: true, queues: []string{own, theirs}, smsAfter: []time.Duration{untakenFor},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rule("ud", backstop.Undelivered, time.Hour))
			w.installation = "i"
			u := &untaken{queue: own, left: tc.untaken}
			w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{u}})
			w.change(first, func(a *activities.Account) { a.HasLimits = true })
			w.answers(backstop.WhatsApp, failure(backstop.Rejected, backstop.RecipientFault))
			for range tc.down {
				w.script[backstop.SMS] = append(w.script[backstop.SMS], failure(backstop.Unavailable, ""))
			}
			w.script[backstop.SMS] = append(w.script[backstop.SMS], nil)
			if tc.unlimited {
				w.after(time.Second, func() { w.change(first, func(a *activities.Account) { a.HasLimits = false }) })
			}
			set := settings
			set.QueuedCalls = tc.queued
			require.Equal(t, backstop.Submitted, w.run(set).SMS)
			require.Equal(t, tc.queues, u.queues)
			for i, queue := range u.queues {
				require.Equal(t, queue == own, u.limits[i] == untakenFor, "only the queue of an account may have no worker")
			}
			require.Equal(t, tc.smsAfter, w.smsAfter())
			require.Len(t, w.smsBy(), 1)
		})
	}
}

// TestSend_elsewhere_ruleFires: a WhatsApp call waits on its account's queue. A rule's wait ends, the call is cancelled, and the SMS
// goes out.
func TestSend_elsewhere_ruleFires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute))
	w.installation = "i"
	u := &untaken{queue: workflows.QueueOf("i") + activities.QueueSuffix(number), left: 100}
	w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{u}})
	w.change(number, func(a *activities.Account) { a.HasLimits = true })
	result := w.run(settings)
	require.Equal(t, backstop.Submitted, result.SMS)
	require.Empty(t, w.calls[backstop.WhatsApp])
	require.Equal(t, []time.Duration{time.Minute}, w.smsAfter())
}

// TestSend_elsewhere_givenUp: the call is on the queue of its account until the retries end. Then WhatsApp counts as failed.
func TestSend_elsewhere_givenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("reported", backstop.Undelivered, 0))
	w.installation = "i"
	u := &untaken{queue: workflows.QueueOf("i") + activities.QueueSuffix(number), left: 1000}
	w.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{u}})
	w.change(number, func(a *activities.Account) { a.HasLimits = true })
	result := w.run(settings)
	require.Empty(t, w.calls[backstop.WhatsApp])
	require.Equal(t, backstop.Failed, result.WhatsApp)
	require.Equal(t, backstop.Submitted, result.SMS)
	require.Equal(t, []time.Duration{24 * time.Hour}, w.smsAfter())
}
