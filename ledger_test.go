package backstop_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// Short names of the statuses.
const (
	queued, submitted, sent = backstop.Queued, backstop.Submitted, backstop.Sent
	failed, delivered, read = backstop.Failed, backstop.Delivered, backstop.Read
)

// calm is the time between two steps of a test, unless the test sets the clock.
const calm = 100 * time.Millisecond

// desk is a ledger with a clock, and short methods for calls and receipts.
type desk struct {
	t      require.TestingT
	l      backstop.Ledger
	now    time.Time
	calls  int
	tokens map[int]string // of the newest call of each step
}

func newDesk(t require.TestingT, rules ...backstop.Rule) *desk {
	return &desk{t: t, l: newLedger(rules...), now: origin, tokens: map[int]string{}}
}

// newLedger is the ledger of a send that was accepted at origin. Each rule gets a name of its own.
func newLedger(rules ...backstop.Rule) backstop.Ledger {
	plan := backstop.Plan{Rules: slices.Clone(rules)}
	for i := range plan.Rules {
		plan.Rules[i].Name = ruleName(i)
	}
	return backstop.Ledger{Send: backstop.Send{
		ID: sendID, Plan: plan, AcceptedAt: origin, Status: backstop.Statuses{WhatsApp: queued}, Outcome: backstop.OutcomePending,
	}}
}

func ruleName(i int) string { return string(rune('A' + i)) }

// at sets the clock, counted from the moment of acceptance.
func (d *desk) at(after time.Duration) *desk { d.now = origin.Add(after); return d }

func (d *desk) tick() time.Time { d.now = d.now.Add(calm); return d.now }

func whatsApp() backstop.Call {
	return backstop.Call{Channel: backstop.WhatsApp, Candidates: []backstop.Candidate{{Account: "meta", Provider: "meta"}}}
}

// smsOf is the call of a rule whose wait has ended.
func smsOf(rule int) backstop.Call {
	return backstop.Call{Channel: backstop.SMS, Rule: rule, Candidates: []backstop.Candidate{{Account: "twilio", Provider: "twilio"}}}
}

// byFailure is the same call, fired by a permanent failure.
func byFailure(c backstop.Call) backstop.Call { c.ByFailure = true; return c }

func resend(c backstop.Call) backstop.Call { c.Resend = true; return c }

// begin proposes a call with a token of its own.
func (d *desk) begin(c backstop.Call) backstop.Ruling {
	d.calls++
	c.Token = fmt.Sprintf("token %d", d.calls)
	r, err := d.l.Begin(c, d.tick())
	require.NoError(d.t, err)
	if r.Answer == backstop.MayCall {
		d.tokens[c.Step()] = c.Token
	}
	return r
}

// answers proposes a call and requires an answer.
func (d *desk) answers(want backstop.Answer, c backstop.Call) *desk {
	require.Equal(d.t, want, d.begin(c).Answer)
	return d
}

// call makes a call. Without a failure it is accepted.
func (d *desk) call(c backstop.Call, f *backstop.Failure) *desk {
	d.answers(backstop.MayCall, c)
	return d.end(c, f)
}

func (d *desk) end(c backstop.Call, f *backstop.Failure) *desk {
	_, err := d.l.End(d.ending(c, f), d.tick())
	require.NoError(d.t, err)
	return d
}

// ending returns the end of the newest call of a step.
func (d *desk) ending(c backstop.Call, f *backstop.Failure) backstop.Ending {
	e := backstop.Ending{Step: c.Step(), Token: d.tokens[c.Step()], Failure: f}
	if f == nil {
		e.Submission = backstop.Submission{MessageID: fmt.Sprintf("message %d", c.Step())}
	}
	return e
}

func (d *desk) hear(c backstop.Call, s backstop.Status) bool {
	return d.l.Receive(receiptOf(c, s, ""), d.tick())
}

func (d *desk) receive(c backstop.Call, statuses ...backstop.Status) *desk {
	for _, s := range statuses {
		d.hear(c, s)
	}
	return d
}

func receiptOf(c backstop.Call, s backstop.Status, class backstop.RejectClass) backstop.Receipt {
	r := backstop.Receipt{
		Provider: c.Candidates[0].Provider, Account: c.Candidates[0].Account, Channel: c.Channel, Ref: backstop.Ref{Send: sendID, Step: c.Step()}, Status: s,
		MessageID: fmt.Sprintf("message %d", c.Step()),
	}
	if s == failed {
		r.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: class, Code: "1"}
	}
	return r
}

func (d *desk) kinds() []backstop.EventKind {
	kinds := make([]backstop.EventKind, 0, len(d.l.Events))
	for _, e := range d.l.Events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (d *desk) ended(want backstop.Outcome) *desk {
	require.Equal(d.t, want, d.l.Send.Outcome)
	require.NotNil(d.t, d.l.Send.FinishedAt, "the send has ended")
	require.Equal(d.t, want, d.l.View().Outcome)
	return d
}

func (d *desk) pending() *desk {
	require.Nil(d.t, d.l.Send.FinishedAt, "the send goes on")
	require.Equal(d.t, backstop.OutcomePending, d.l.Send.Outcome)
	return d
}

func kind(k backstop.FailureKind) *backstop.Failure { return &backstop.Failure{Kind: k, Code: "1"} }

func rejected(class backstop.RejectClass) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: class, Code: "1"}
}

var (
	errUnknown  = kind(backstop.Unknown)
	throttled   = kind(backstop.Throttled)
	unavailable = kind(backstop.Unavailable)
)

func TestLedger_Begin(t *testing.T) {
	t.Parallel()
	undelivered, unread, noWait := rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour), rule(backstop.SendFailed, 0)
	type history func(*desk)
	tests := map[string]struct {
		rules   []backstop.Rule
		history history
		call    backstop.Call
		want    backstop.Answer
	}{
		"the first call":           {call: whatsApp(), want: backstop.MayCall},
		"an SMS before its wait":   {call: smsOf(0), want: backstop.TooEarly},
		"an SMS after its wait":    {history: func(d *desk) { d.at(time.Minute) }, call: smsOf(0), want: backstop.MayCall},
		"a resend of nothing":      {call: resend(whatsApp()), want: backstop.AlreadyOut},
		"an SMS resend of nothing": {history: func(d *desk) { d.at(time.Hour) }, call: resend(smsOf(0)), want: backstop.AlreadyOut},

		"a call in flight":               {history: func(d *desk) { d.begin(whatsApp()) }, call: whatsApp(), want: backstop.UnderWay},
		"WhatsApp in flight, SMS due":    {history: func(d *desk) { d.at(time.Minute).begin(whatsApp()) }, call: smsOf(0), want: backstop.UnderWay},
		"SMS in flight, another due":     {rules: []backstop.Rule{undelivered, undelivered}, history: func(d *desk) { d.at(time.Minute).begin(smsOf(0)) }, call: smsOf(1), want: backstop.UnderWay},
		"SMS in flight, WhatsApp":        {history: func(d *desk) { d.at(time.Minute).begin(smsOf(0)) }, call: whatsApp(), want: backstop.UnderWay},
		"a call that was accepted":       {history: func(d *desk) { d.call(whatsApp(), nil) }, call: whatsApp(), want: backstop.MadeAlready},
		"a call that was rejected":       {history: func(d *desk) { d.call(whatsApp(), rejected("")) }, call: whatsApp(), want: backstop.MadeAlready},
		"a call of unknown end":          {history: func(d *desk) { d.call(whatsApp(), errUnknown) }, call: whatsApp(), want: backstop.MadeAlready},
		"a throttled call":               {history: func(d *desk) { d.call(whatsApp(), throttled) }, call: whatsApp(), want: backstop.MayCall},
		"a provider that was down":       {history: func(d *desk) { d.call(whatsApp(), unavailable) }, call: whatsApp(), want: backstop.MayCall},
		"down, but a receipt says sent":  {history: func(d *desk) { d.call(whatsApp(), unavailable).receive(whatsApp(), sent) }, call: whatsApp(), want: backstop.MadeAlready},
		"SMS down, a receipt says sent":  {history: func(d *desk) { d.at(time.Minute).call(smsOf(0), unavailable).receive(smsOf(0), sent) }, call: smsOf(0), want: backstop.MadeAlready},
		"a process that died":            {history: func(d *desk) { d.begin(whatsApp()); d.at(31 * time.Second) }, call: whatsApp(), want: backstop.MadeAlready},
		"it died, and the SMS is due":    {history: func(d *desk) { d.begin(whatsApp()); d.at(time.Minute) }, call: smsOf(0), want: backstop.MayCall},
		"a call that was given up":       {history: func(d *desk) { d.call(whatsApp(), throttled); d.l.GiveUp(whatsApp(), d.tick()) }, call: whatsApp(), want: backstop.MadeAlready},
		"given up before any call":       {history: func(d *desk) { d.l.GiveUp(whatsApp(), d.tick()) }, call: whatsApp(), want: backstop.AlreadyOut},
		"WhatsApp while an SMS is out":   {history: func(d *desk) { d.at(time.Minute).call(smsOf(0), nil) }, call: whatsApp(), want: backstop.AlreadyOut},
		"a second SMS while one is out":  {rules: []backstop.Rule{undelivered, undelivered}, history: func(d *desk) { d.at(time.Minute).call(smsOf(0), nil) }, call: smsOf(1), want: backstop.AlreadyOut},
		"a second SMS, the first unsure": {rules: []backstop.Rule{undelivered, undelivered}, history: func(d *desk) { d.at(time.Minute).call(smsOf(0), errUnknown) }, call: smsOf(1), want: backstop.AlreadyOut},
		"a second SMS, the first failed": {rules: []backstop.Rule{undelivered, undelivered}, history: func(d *desk) { d.at(time.Minute).call(smsOf(0), nil).receive(smsOf(0), failed) }, call: smsOf(1), want: backstop.MayCall},

		"a resend of an unknown end":         {history: func(d *desk) { d.call(whatsApp(), errUnknown) }, call: resend(whatsApp()), want: backstop.MayCall},
		"a resend of what was accepted":      {history: func(d *desk) { d.call(whatsApp(), nil) }, call: resend(whatsApp()), want: backstop.AlreadyOut},
		"a resend of what was rejected":      {history: func(d *desk) { d.call(whatsApp(), rejected("")) }, call: resend(whatsApp()), want: backstop.AlreadyOut},
		"a resend of what was reported":      {history: func(d *desk) { d.call(whatsApp(), errUnknown).receive(whatsApp(), sent) }, call: resend(whatsApp()), want: backstop.AlreadyOut},
		"a resend of what was delivered":     {rules: []backstop.Rule{unread}, history: func(d *desk) { d.call(whatsApp(), errUnknown).receive(whatsApp(), delivered) }, call: resend(whatsApp()), want: backstop.AlreadyOut},
		"a resend of what was accepted late": {history: func(d *desk) { d.begin(whatsApp()); d.at(time.Minute).begin(whatsApp()); d.end(whatsApp(), nil) }, call: resend(whatsApp()), want: backstop.AlreadyOut},
		"a resend while an SMS may be out":   {history: func(d *desk) { d.call(whatsApp(), errUnknown).at(time.Minute).call(smsOf(0), errUnknown) }, call: resend(whatsApp()), want: backstop.AlreadyOut},
		"an SMS resend of an unknown end":    {history: func(d *desk) { d.at(time.Minute).call(smsOf(0), errUnknown) }, call: resend(smsOf(0)), want: backstop.MayCall},
		"an SMS resend of what was reported": {history: func(d *desk) { d.at(time.Minute).call(smsOf(0), errUnknown).receive(smsOf(0), sent) }, call: resend(smsOf(0)), want: backstop.AlreadyOut},
		"an SMS resend, WhatsApp has it": {rules: []backstop.Rule{undelivered, unread}, history: func(d *desk) {
			d.call(whatsApp(), nil).at(time.Minute).call(smsOf(0), errUnknown).receive(whatsApp(), delivered)
		}, call: resend(smsOf(0)), want: backstop.Satisfied},
		"a throttled resend goes on": {history: func(d *desk) { d.call(whatsApp(), errUnknown).call(resend(whatsApp()), throttled) }, call: resend(whatsApp()), want: backstop.MayCall},
		"a throttled resend, the first is out": {history: func(d *desk) {
			d.call(whatsApp(), errUnknown).call(resend(whatsApp()), throttled).receive(whatsApp(), sent)
		}, call: resend(whatsApp()), want: backstop.AlreadyOut},

		"satisfied by the rule's goal":     {rules: []backstop.Rule{undelivered, unread}, history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), delivered).at(time.Minute) }, call: smsOf(0), want: backstop.Satisfied},
		"delivered, the goal is read":      {rules: []backstop.Rule{unread}, history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), delivered).at(time.Hour) }, call: smsOf(0), want: backstop.MayCall},
		"a failure undone by a delivery":   {rules: []backstop.Rule{unread}, history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), failed, delivered) }, call: byFailure(smsOf(0)), want: backstop.Satisfied},
		"sent, and then a failure":         {rules: []backstop.Rule{noWait}, history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), sent, failed) }, call: byFailure(smsOf(0)), want: backstop.MayCall},
		"a failure that the caller missed": {rules: []backstop.Rule{unread}, history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), failed) }, call: smsOf(0), want: backstop.MayCall},
		"an SMS resend, the failure undone": {rules: []backstop.Rule{unread}, history: func(d *desk) {
			d.call(whatsApp(), nil).receive(whatsApp(), failed).call(byFailure(smsOf(0)), errUnknown).receive(whatsApp(), delivered)
		}, call: resend(smsOf(0)), want: backstop.TooEarly},
		"no wait, and nothing failed": {rules: []backstop.Rule{noWait}, history: func(d *desk) { d.call(whatsApp(), nil).at(time.Hour) }, call: smsOf(0), want: backstop.TooEarly},
		"an SMS arrived after all":    {rules: []backstop.Rule{undelivered, undelivered}, history: func(d *desk) { d.at(time.Minute).call(smsOf(0), nil).receive(smsOf(0), failed, delivered) }, call: smsOf(1), want: backstop.SendFinished},
		"past the end":                {history: func(d *desk) { d.l.Finish(false, d.tick()) }, call: whatsApp(), want: backstop.SendFinished},
		"an SMS past the end":         {history: func(d *desk) { d.l.Finish(false, d.tick()); d.at(time.Minute) }, call: smsOf(0), want: backstop.SendFinished},
		"a retry past the end":        {history: func(d *desk) { d.call(whatsApp(), throttled); d.l.Finish(false, d.tick()) }, call: whatsApp(), want: backstop.SendFinished},
		"a resend past the end":       {history: func(d *desk) { d.call(whatsApp(), errUnknown); d.l.Finish(false, d.tick()) }, call: resend(whatsApp()), want: backstop.SendFinished},
		"past expires_at":             {history: func(d *desk) { d.expires(time.Hour).at(time.Hour) }, call: whatsApp(), want: backstop.SendExpired},
		"a retry past expires_at":     {history: func(d *desk) { d.expires(time.Hour).call(whatsApp(), throttled).at(time.Hour) }, call: whatsApp(), want: backstop.SendExpired},
		"a resend past expires_at":    {history: func(d *desk) { d.expires(time.Hour).call(whatsApp(), errUnknown).at(time.Hour) }, call: resend(whatsApp()), want: backstop.SendExpired},
		"an SMS past expires_at":      {history: func(d *desk) { d.expires(time.Hour).at(time.Hour) }, call: smsOf(0), want: backstop.SendExpired},
		"opted out":                   {history: func(d *desk) { d.call(whatsApp(), rejected(backstop.OptedOut)) }, call: byFailure(smsOf(0)), want: backstop.SendFinished},
		"opted out, but a login code": {history: func(d *desk) {
			d.l.Send.Category = backstop.Authentication
			d.call(whatsApp(), rejected(backstop.OptedOut))
		}, call: byFailure(smsOf(0)), want: backstop.MayCall},
		"opted out by a receipt, wait over": {history: func(d *desk) { d.call(whatsApp(), nil); d.optOut(whatsApp()).at(time.Minute) }, call: smsOf(0), want: backstop.SendFinished},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.rules == nil {
				tc.rules = []backstop.Rule{undelivered}
			}
			d := newDesk(t, tc.rules...)
			if tc.history != nil {
				tc.history(d)
			}
			d.answers(tc.want, tc.call)
		})
	}
}

func (d *desk) expires(after time.Duration) *desk {
	at := origin.Add(after)
	d.l.Send.ExpiresAt = &at
	return d
}

func (d *desk) optOut(c backstop.Call) *desk {
	d.l.Receive(receiptOf(c, failed, backstop.OptedOut), d.tick())
	return d
}

// Begin accepts an SMS up to 1 s before its wait ends by the store's clock.
func TestLedger_Begin_slack(t *testing.T) {
	t.Parallel()
	call := smsOf(0)
	for early, want := range map[time.Duration]backstop.Answer{
		0: backstop.MayCall, time.Second: backstop.MayCall, time.Second + 1: backstop.TooEarly, time.Hour: backstop.TooEarly,
	} {
		l := newLedger(rule(backstop.Unread, 2*time.Hour))
		r, err := l.Begin(call, origin.Add(2*time.Hour-early))
		require.NoError(t, err)
		require.Equal(t, want, r.Answer, early)
		if want == backstop.TooEarly {
			require.Equal(t, origin.Add(2*time.Hour), r.Until)
		}
	}
}

// A caller that repeats Begin with the same token may call. Another caller must wait for CallTimeout.
func TestLedger_Begin_token(t *testing.T) {
	t.Parallel()
	l := newLedger(rule(backstop.Undelivered, time.Minute))
	call := whatsApp()
	call.Token = "mine"
	first, err := l.Begin(call, origin)
	require.NoError(t, err)
	require.Equal(t, 1, first.Attempt.Number)

	again, err := l.Begin(call, origin.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, backstop.MayCall, again.Answer)
	require.Equal(t, first.Attempt, again.Attempt, "c. the answer was lost, the call was not made")

	call.Token = "another"
	other, err := l.Begin(call, origin.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, backstop.UnderWay, other.Answer)
	require.Equal(t, origin.Add(backstop.CallTimeout), other.Until)

	other, err = l.Begin(call, other.Until)
	require.NoError(t, err)
	require.Equal(t, backstop.MadeAlready, other.Answer)
	require.Equal(t, backstop.StateUnknown, other.Attempt.State)
}

func TestLedger_Begin_error(t *testing.T) {
	t.Parallel()
	l := newLedger(rule(backstop.Undelivered, time.Minute))
	for _, rule := range []int{-1, 1, 10} {
		_, err := l.Begin(smsOf(rule), origin.Add(time.Hour))
		require.ErrorContains(t, err, "the plan has no rule")
	}
	l.Attempts = []backstop.Attempt{{Ref: backstop.Ref{Send: sendID, Step: 3}, Channel: backstop.WhatsApp}}
	_, err := l.Begin(smsOf(0), origin.Add(time.Hour))
	require.ErrorContains(t, err, "step 3 is a whatsapp", "a stored attempt of another channel is refused loudly")
	l.Attempts = []backstop.Attempt{{Ref: backstop.Ref{Send: sendID, Step: 3}, Channel: backstop.SMS, Rule: "another"}}
	_, err = l.Begin(smsOf(0), origin.Add(time.Hour))
	require.ErrorContains(t, err, `of rule "another"`)
}

func TestCall_Step(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1, whatsApp().Step())
	require.Equal(t, 2, resend(whatsApp()).Step())
	require.Equal(t, 3, smsOf(0).Step())
	require.Equal(t, 4, resend(smsOf(0)).Step())
	require.Equal(t, 21, smsOf(9).Step())
	require.Equal(t, 22, resend(smsOf(9)).Step())
}

func TestLedger_End(t *testing.T) {
	t.Parallel()
	minute := rule(backstop.Undelivered, time.Minute)
	t.Run("an attempt that was not begun", func(t *testing.T) {
		t.Parallel()
		l := newLedger(minute)
		_, err := l.End(backstop.Ending{Step: 1}, origin)
		var e *backstop.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, backstop.NotFound, e.Code)
	})
	for f, want := range map[*backstop.Failure]backstop.Status{
		nil: submitted, rejected(""): failed, throttled: "", unavailable: "", errUnknown: "",
	} {
		t.Run(fmt.Sprint(f), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, minute, minute).call(whatsApp(), f)
			a := d.l.Attempt(1)
			require.Equal(t, want, a.Status)
			require.Equal(t, f, a.Failure)
			require.Equal(t, d.now, *a.EndedAt)
			if want == "" {
				want = queued
			}
			require.Equal(t, want, d.l.Send.Status.WhatsApp)
			require.Equal(t, []backstop.EventKind{backstop.EventAttempt}, d.kinds())
		})
	}
	t.Run("a receipt was faster", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Unread, time.Hour))
		d.begin(whatsApp())
		d.receive(whatsApp(), delivered).end(whatsApp(), nil)
		require.Equal(t, delivered, d.l.Send.Status.WhatsApp)
		require.Equal(t, delivered, d.l.Attempt(1).Status)
	})
	t.Run("a call in flight ends before the send does", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute)
		d.begin(whatsApp())
		d.receive(whatsApp(), read).pending().end(whatsApp(), nil).ended(backstop.OutcomeWhatsApp)
		require.Equal(t, []backstop.EventKind{backstop.EventReceipt, backstop.EventAttempt, backstop.EventFinished}, d.kinds())
	})
	t.Run("a call of a dead process is closed before the next", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute)
		d.begin(whatsApp())
		d.at(time.Minute).answers(backstop.MayCall, smsOf(0))
		require.Equal(t, backstop.StateUnknown, d.l.Attempt(1).State)
	})
	late := map[string]struct {
		f       *backstop.Failure
		receipt backstop.Status
		want    backstop.AttemptState
	}{
		"accepted":                       {want: backstop.Accepted},
		"rejected":                       {f: rejected(""), want: backstop.StateRejected},
		"rejected, but a receipt came":   {f: rejected(""), receipt: sent, want: backstop.StateUnknown},
		"throttled says nothing":         {f: throttled, want: backstop.StateUnknown},
		"unknown says nothing":           {f: errUnknown, want: backstop.StateUnknown},
		"accepted, and a receipt failed": {receipt: failed, want: backstop.Accepted},
	}
	for name, tc := range late {
		t.Run("of a call that was taken for dead: "+name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, minute, minute)
			d.begin(whatsApp())
			d.at(40*time.Second).answers(backstop.MadeAlready, whatsApp())
			if tc.receipt != "" {
				d.receive(whatsApp(), tc.receipt)
			}
			d.end(whatsApp(), tc.f)
			require.Equal(t, tc.want, d.l.Attempt(1).State)
		})
	}
	t.Run("another call's end changes nothing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute).call(whatsApp(), throttled)
		first := d.ending(whatsApp(), nil)
		d.begin(whatsApp())
		_, err := d.l.End(first, d.tick())
		require.NoError(t, err)
		require.Equal(t, backstop.Calling, d.l.Attempt(1).State)
	})
}

func TestLedger_GiveUp(t *testing.T) {
	t.Parallel()
	two := []backstop.Rule{rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour)}
	giveUp := func(d *desk, c backstop.Call) backstop.Answer { return d.l.GiveUp(c, d.tick()).Answer }

	d := newDesk(t, two...).call(whatsApp(), throttled)
	require.Equal(t, backstop.GivenUp, giveUp(d, whatsApp()))
	require.Equal(t, failed, d.l.Send.Status.WhatsApp)
	require.Equal(t, backstop.GivenUp, giveUp(d, whatsApp()), "repeated")
	d.answers(backstop.MayCall, byFailure(smsOf(0)))
	require.Equal(t, backstop.UnderWay, giveUp(d, smsOf(0)), "a call in flight counts")
	d.end(smsOf(0), nil)
	require.Equal(t, backstop.MadeAlready, giveUp(d, smsOf(0)))
	require.Equal(t, submitted, d.l.Send.Status.SMS)
	require.Equal(t, backstop.MadeAlready, giveUp(d, smsOf(1)), "an SMS that was not begun")

	d = newDesk(t, two...)
	require.Equal(t, backstop.GivenUp, giveUp(d, whatsApp()), "not even begun: the store was away")
	require.Equal(t, backstop.GivenUp, giveUp(d, whatsApp()), "repeated")
	d.call(byFailure(smsOf(0)), unavailable)
	require.Equal(t, backstop.GivenUp, giveUp(d, smsOf(0)))
	require.Equal(t, failed, d.l.Send.Status.SMS)
	d.pending().call(byFailure(smsOf(1)), throttled)
	require.Equal(t, backstop.GivenUp, giveUp(d, smsOf(1)))
	d.ended(backstop.OutcomeFailed)
	require.Equal(t, backstop.SendFinished, giveUp(d, smsOf(1)), "the end says it all")

	d = newDesk(t, two...)
	d.begin(whatsApp())
	require.Equal(t, backstop.MadeAlready, giveUp(d.at(31*time.Second), whatsApp()), "a dead process may have sent it")
	require.Equal(t, queued, d.l.Send.Status.WhatsApp)
}
