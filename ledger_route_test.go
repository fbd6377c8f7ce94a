package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// routed is a rule without a wait, with these accounts.
func routed(accounts ...string) backstop.Rule {
	return backstop.Rule{Type: backstop.SendFailed, SendID: "ACME", Routes: routesOf(accounts...)}
}

// byRoutes is the SMS of the first rule, by whichever account the ledger picks. The unhealthy ones are named.
func byRoutes(unhealthy ...string) backstop.Call {
	c := backstop.Call{Channel: backstop.SMS, ByFailure: true}
	for _, name := range []string{"a", "b", "c"} {
		candidate := backstop.Candidate{Account: name, Provider: "p-" + name}
		for _, other := range unhealthy {
			candidate.IsUnhealthy = candidate.IsUnhealthy || other == name
		}
		c.Candidates = append(c.Candidates, candidate)
	}
	return c
}

// failedDesk is a ledger whose WhatsApp message has failed.
func failedDesk(t *testing.T, rules ...backstop.Rule) *desk {
	t.Helper()
	return newDesk(t, rules...).call(whatsApp(), rejected(backstop.RecipientFault))
}

// goesTo begins a call, requires that it goes to an account, and ends it.
func (d *desk) goesTo(account string, c backstop.Call, f *backstop.Failure) *desk {
	r := d.begin(c)
	require.Equal(d.t, backstop.MayCall, r.Answer)
	require.Equal(d.t, account, r.Attempt.Account)
	require.Equal(d.t, "p-"+account, r.Attempt.Provider)
	e := backstop.Ending{Step: r.Attempt.Ref.Step, Token: r.Attempt.Token, Failure: f}
	if f == nil {
		e.Submission.MessageID = "message of " + account
	}
	_, err := d.l.End(e, d.tick())
	require.NoError(d.t, err)
	return d
}

func (d *desk) routedEvents() []string {
	var reasons []string
	for i, e := range d.l.Events {
		if e.Kind == backstop.EventRouted {
			from := d.l.Send.Plan.RoutedFrom(e, d.l.Events[:i])
			reasons = append(reasons, from+" to "+e.Account+": "+e.Detail)
		}
	}
	return reasons
}

func TestLedger_routes(t *testing.T) {
	t.Parallel()
	account := rejected(backstop.AccountFault)
	t.Run("the next one follows a fault of the account", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b", "c")).goesTo("a", byRoutes(), account)
		require.Equal(t, queued, d.l.Send.Status.SMS, "the SMS has not failed: an account is left")
		require.False(t, d.l.View().Used.Has(0))
		require.Nil(t, d.l.Send.FinishedAt)
		d.goesTo("b", byRoutes(), account).goesTo("c", byRoutes(), nil)
		require.Equal(t, submitted, d.l.Send.Status.SMS)
		require.True(t, d.l.View().Used.Has(0))
		require.Equal(t, []string{"a to b: refused", "b to c: refused"}, d.routedEvents())
		require.Equal(t, 1, d.firedEvents(), "the rule fires once")
		require.Equal(t, []int{1, 3, 103, 203}, d.steps())
		require.Equal(t, backstop.MadeAlready, d.begin(byRoutes()).Answer)
	})
	t.Run("all refuse", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), account).goesTo("b", byRoutes(), account)
		require.Equal(t, failed, d.l.Send.Status.SMS)
		require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome)
	})
	t.Run("the next rule follows when all refuse", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b"), routed("c")).goesTo("a", byRoutes(), account).goesTo("b", byRoutes(), account)
		require.Nil(t, d.l.Send.FinishedAt)
		second := byRoutes()
		second.Rule = 1
		d.goesTo("c", second, nil)
	})
	t.Run("none follows a fault of the recipient", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), rejected(backstop.RecipientFault))
		require.Equal(t, backstop.MadeAlready, d.begin(byRoutes()).Answer)
		require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome)
	})
	t.Run("none follows an opt-out", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), rejected(backstop.OptedOut))
		require.NotEqual(t, backstop.MayCall, d.begin(byRoutes()).Answer)
	})
	t.Run("none follows an unknown end", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes("b"), errUnknown)
		require.Equal(t, backstop.MadeAlready, d.begin(byRoutes("a")).Answer)
		again := resend(byRoutes("a"))
		d.goesTo("a", again, nil) // the resend goes by the same account
		require.Equal(t, []int{1, 3, 4}, d.steps())
	})
	t.Run("one that holds what is unknown is not sent again", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), errUnknown)
		again := resend(byRoutes())
		again.Candidates[0].HoldsUnknown = true
		require.Equal(t, backstop.AlreadyOut, d.begin(again).Answer)
	})
	t.Run("one that refused late is announced, and the next one follows", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b"))
		begun := d.begin(byRoutes()).Attempt
		d.now = d.now.Add(time.Minute) // its process counts as dead
		require.Equal(t, backstop.MadeAlready, d.begin(byRoutes()).Answer)
		require.True(t, d.l.View().Used.Has(0))
		_, err := d.l.End(backstop.Ending{Step: begun.Ref.Step, Token: begun.Token, Failure: account}, d.tick())
		require.NoError(t, err)
		require.Len(t, d.l.Receipts, 1)
		require.True(t, d.l.Receipts[0].NeedsSignal)
		require.False(t, d.l.View().Used.Has(0))
		d.goesTo("b", byRoutes(), nil)
	})
	t.Run("they take turns while they are down", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b"))
		for _, name := range []string{"a", "a", "a", "b", "b", "b", "a", "a", "a", "b"} {
			d.goesTo(name, byRoutes(), unavailable)
		}
		require.Equal(t, []string{"a to b: down"}, d.routedEvents(), "a turn is told once")
		var before int // the calls in the timeline before the account was left
		for _, e := range d.l.Events {
			if e.Kind == backstop.EventRouted {
				break
			}
			if e.Kind == backstop.EventAttempt && e.Account == "a" {
				before++
			}
		}
		require.Equal(t, 3, before, "each call that led to the next account")
		require.Equal(t, 1, d.firedEvents())
		require.Equal(t, backstop.GivenUp, d.l.GiveUp(byRoutes(), d.tick()).Answer)
		require.Equal(t, backstop.SendFinished, d.l.GiveUp(byRoutes(), d.tick()).Answer)
		require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome)
	})
	t.Run("one that asks for a long pause is left, and its pause is kept", func(t *testing.T) {
		t.Parallel()
		pause := &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Minute}
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), pause).goesTo("b", byRoutes(), pause)
		r := d.begin(byRoutes())
		require.Equal(t, backstop.TooEarly, r.Answer)
		require.WithinDuration(t, d.now.Add(time.Minute), r.Until, time.Second)
		d.now = r.Until
		d.goesTo("a", byRoutes(), nil)
	})
	t.Run("a short outage of one is not waited for in a long pause of the other", func(t *testing.T) {
		t.Parallel()
		pause := &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Hour}
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), pause)
		for range 4 {
			d.goesTo("b", byRoutes(), unavailable)
		}
		d.now = d.now.Add(time.Hour)
		d.goesTo("a", byRoutes(), pause)
		short := &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Minute}
		d.goesTo("b", byRoutes(), short)
		r := d.begin(byRoutes())
		require.Equal(t, backstop.TooEarly, r.Answer)
		require.WithinDuration(t, d.now.Add(time.Minute), r.Until, time.Second, "the pause that ends first")
		d.now = r.Until
		d.goesTo("b", byRoutes(), nil)
	})
	t.Run("an unhealthy one is passed over", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("b", byRoutes("a"), nil)
		require.Equal(t, []string{"a to b: unhealthy"}, d.routedEvents())
	})
	t.Run("all are unhealthy", func(t *testing.T) {
		t.Parallel()
		failedDesk(t, routed("a", "b")).goesTo("a", byRoutes("a", "b"), nil)
	})
	t.Run("each has its sender ID", func(t *testing.T) {
		t.Parallel()
		rule := routed("a", "b")
		rule.Routes[1].SendID = "4711"
		d := failedDesk(t, rule).goesTo("a", byRoutes(), account).goesTo("b", byRoutes(), nil)
		require.Equal(t, "ACME", d.l.Attempt(3).SendID)
		require.Equal(t, "4711", d.l.Attempt(103).SendID)
	})
	t.Run("a message of an earlier account that arrives counts", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), unavailable).goesTo("b", byRoutes("a"), nil)
		d.l.Receive(receiptOfFirst(failed), d.tick())
		require.Equal(t, submitted, d.l.Send.Status.SMS, "the message of the second account may arrive")
		d.l.Receive(receiptOfFirst(delivered), d.tick())
		require.Equal(t, backstop.OutcomeSMS, d.l.Send.Outcome)
	})
	t.Run("the retries end before the next one was called", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b")).goesTo("a", byRoutes(), account)
		require.Equal(t, backstop.GivenUp, d.l.GiveUp(byRoutes(), d.tick()).Answer)
		require.Equal(t, backstop.SendFinished, d.l.GiveUp(byRoutes(), d.tick()).Answer)
		require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome)
	})
	t.Run("the retries end at the turn of one that was not called", func(t *testing.T) {
		t.Parallel()
		d := failedDesk(t, routed("a", "b"), routed("c"))
		for range 3 {
			d.goesTo("a", byRoutes(), unavailable)
		}
		require.Equal(t, backstop.GivenUp, d.l.GiveUp(byRoutes(), d.tick()).Answer)
		require.Equal(t, backstop.GivenUp, d.l.GiveUp(byRoutes(), d.tick()).Answer)
		require.Equal(t, failed, d.l.Send.Status.SMS)
		require.Equal(t, []int{1, 3}, d.steps())
		second := byRoutes()
		second.Rule = 1
		d.goesTo("c", second, nil)
	})
	t.Run("it is averted between two accounts", func(t *testing.T) {
		t.Parallel()
		late := backstop.Rule{Type: backstop.Undelivered, WaitSeconds: 60, SendID: "ACME", Routes: routesOf("a", "b")}
		c := byRoutes()
		c.ByFailure = false
		d := newDesk(t, late).call(whatsApp(), nil).at(time.Minute).goesTo("a", c, account)
		d.receive(whatsApp(), delivered)
		require.Equal(t, backstop.SendFinished, d.begin(c).Answer)
		require.Equal(t, backstop.OutcomeWhatsApp, d.l.Send.Outcome)
		require.Empty(t, d.l.Send.Fired, "nothing fell back")
	})
}

// A provider that refuses a repeated message gets an unknown call again, at once and at the same step.
func TestLedger_refusesRepeats(t *testing.T) {
	t.Parallel()
	c := byRoutes()
	c.Candidates[0].RefusesRepeats = true
	d := failedDesk(t, routed("a", "b")).goesTo("a", c, errUnknown)
	require.True(t, d.l.Attempt(3).MayRepeat())
	d.goesTo("a", c, errUnknown)
	require.Equal(t, backstop.MadeAlready, d.l.GiveUp(c, d.tick()).Answer, "the message may be out")
	require.Nil(t, d.l.Send.FinishedAt)
	d.goesTo("a", c, nil)
	require.Equal(t, 3, d.l.Attempt(3).Number)
	require.Equal(t, 1, d.firedEvents())
	require.Equal(t, []int{1, 3}, d.steps())

	d = failedDesk(t, routed("a", "b")).goesTo("a", c, errUnknown)
	d.l.Receive(receiptOfFirst(sent), d.tick())
	require.Equal(t, backstop.MadeAlready, d.begin(c).Answer, "a receipt says that it is out")
}

// The first call may have sent the message. A repetition that the provider did not judge says nothing of it, so neither another
// account nor another reference may follow.
func TestLedger_refusesRepeats_staysUnknown(t *testing.T) {
	t.Parallel()
	c := byRoutes()
	c.Candidates[0].RefusesRepeats = true
	unhealthy := byRoutes("a")
	unhealthy.Candidates[0].RefusesRepeats = true
	for _, f := range []*backstop.Failure{unavailable, throttled, rejected(backstop.AccountFault), rejected("")} {
		d := failedDesk(t, routed("a", "b"), routed("c")).goesTo("a", c, errUnknown)
		for range 8 {
			d.goesTo("a", unhealthy, f)
			a := d.l.Attempt(3)
			require.Equal(t, backstop.StateUnknown, a.State)
			require.Equal(t, f.RetryAfter, a.Failure.RetryAfter)
			require.Equal(t, backstop.AlreadyOut, d.begin(resend(c)).Answer)
			require.Equal(t, backstop.MadeAlready, d.l.GiveUp(c, d.tick()).Answer)
			require.Equal(t, queued, d.l.Send.Status.SMS)
		}
		require.Equal(t, 4, d.attemptEvents(3), "of the calls 1, 2, 4 and 8")
		d.l.Receive(receiptOfFirst(delivered), d.tick())
		require.Equal(t, backstop.OutcomeSMS, d.l.Send.Outcome)
	}

	d := failedDesk(t, routed("a", "b")).goesTo("a", c, errUnknown).goesTo("a", c, rejected(backstop.RecipientFault))
	require.Equal(t, backstop.OutcomeFailed, d.l.Send.Outcome, "the provider has judged the message")
}

// The same if the repetition is begun, and then not made.
func TestLedger_refusesRepeats_notCalled(t *testing.T) {
	t.Parallel()
	c := byRoutes()
	c.Candidates[0].RefusesRepeats = true
	late := backstop.Rule{Type: backstop.Undelivered, WaitSeconds: 60, SendID: "ACME", Routes: routesOf("a", "b")}
	d := newDesk(t, late).call(whatsApp(), nil).at(time.Minute)
	c.ByFailure = false
	d.goesTo("a", c, errUnknown)
	c.Token = "begun"
	r, err := d.l.Begin(c, d.tick())
	require.NoError(t, err)
	require.Equal(t, backstop.MayCall, r.Answer)
	d.receive(whatsApp(), delivered)
	r, err = d.l.Begin(c, d.tick())
	require.NoError(t, err)
	require.Equal(t, backstop.Satisfied, r.Answer)
	require.Equal(t, backstop.StateUnknown, d.l.Attempt(3).State, "the first call may have sent it")
	require.Equal(t, queued, d.l.Send.Status.SMS)
}

// attemptEvents counts the events of calls by SMS.
func (d *desk) attemptEvents(step int) int {
	count := 0
	for _, e := range d.l.Events {
		if e.Kind == backstop.EventAttempt && e.Account == d.l.Attempt(step).Account {
			count++
		}
	}
	return count
}

func (d *desk) firedEvents() int {
	count := 0
	for _, e := range d.l.Events {
		if e.Kind == backstop.EventFired {
			count++
		}
	}
	return count
}

func (d *desk) steps() []int {
	var steps []int
	for _, a := range d.l.Attempts {
		steps = append(steps, a.Ref.Step)
	}
	return steps
}

func receiptOfFirst(s backstop.Status) backstop.Receipt {
	r := receiptOf(smsOf(0), s, "")
	r.Provider, r.Ref.Step, r.MessageID = "p-a", 3, "message of another account"
	return r
}
