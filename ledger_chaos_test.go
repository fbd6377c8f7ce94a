package backstop_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// callMost is the longest time of a provider call. A process does not make a call that it began longer ago.
const callMost = 20 * time.Second

// chaos is a send that several concurrent processes work on, each by its own view. Their clocks differ, answers are lost, and
// processes die and others take over. Only the ledger is reliable.
type chaos struct {
	t     *rapid.T
	l     backstop.Ledger
	now   time.Time
	clock time.Time // the latest time that a process has used
	views []backstop.View
	calls []*call
	out   map[int]int // messages that a provider has, by step

	whatsApp string           // the WhatsApp account
	byCaller backstop.Outcome // that the caller has decided
	log      []string
	n        int
}

// call is a call that a process began.
type call struct {
	backstop.Call

	step    int // that the ledger gave it
	account string
	begun   time.Time // as stored in the ledger
	made    bool
	went    bool
	sentAt  time.Time // when the provider took it
	lost    bool      // its process is dead
	over    bool      // its end is stored
	end     backstop.Ending
}

// Step is the step that the ledger gave the call.
func (c *call) Step() int { return c.step }

// repeater is the account whose provider refuses repeated messages.
const repeater = "c"

func newChaos(t *rapid.T) *chaos {
	c := &chaos{t: t, now: origin, clock: origin, out: map[int]int{}}
	c.l = newLedger(rapid.SliceOfN(shortRule(), 1, 3).Draw(t, "rules")...)
	for i := range c.l.Send.Plan.Rules {
		names := rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}, {"b", "a"}, {"a", "b", repeater}, {repeater, "a"}}).Draw(t, "routes")
		c.l.Send.Plan.Rules[i].Routes = routesOf(names...)
	}
	c.whatsApp = rapid.SampledFrom([]string{"number", repeater}).Draw(t, "whatsapp")
	c.l.Send.Plan.Account = c.whatsApp
	c.l.Send.Category = rapid.SampledFrom([]backstop.Category{"", backstop.Utility}).Draw(t, "category")
	if rapid.IntRange(0, 2).Draw(t, "expires?") == 0 {
		at := origin.Add(rapid.SampledFrom([]time.Duration{3 * time.Second, time.Minute, time.Hour}).Draw(t, "expires"))
		c.l.Send.ExpiresAt = &at
	}
	if rapid.IntRange(0, 2).Draw(t, "exclusive?") == 0 {
		c.exclude()
	}
	c.views = []backstop.View{c.l.View()}
	return c
}

// exclude makes the send exclusive, as the accepting side does.
func (c *chaos) exclude() {
	p := &c.l.Send.Plan
	p.Override = &backstop.Override{Exclusive: true}
	ttl := rapid.SampledFrom([]int{5, 60, 3600}).Draw(c.t, "ttl")
	p.Template = &backstop.PlanTemplate{Category: backstop.Utility, TTLSeconds: ttl}
	for i := range p.Rules {
		rule := &p.Rules[i]
		if rule.Type == backstop.Unread {
			rule.Type = backstop.Undelivered
		}
		if rule.WaitSeconds > 0 {
			rule.WaitSeconds = max(rule.WaitSeconds, ttl)
		}
	}
	send, err := c.l.Send.ResolveExclusive(grace)
	require.NoError(c.t, err)
	c.l.Send = send
}

// mustBeDropped requires that WhatsApp has dropped the messages that may arrive, as far as the ledger knows, before an SMS.
func (c *chaos) mustBeDropped(l backstop.Ledger) {
	if !l.Send.Plan.IsExclusive() {
		return
	}
	ttl := time.Duration(l.Send.Plan.Template.TTLSeconds) * time.Second
	for _, call := range c.calls {
		if call.Channel != backstop.WhatsApp || !call.went {
			continue
		}
		if a := l.Attempt(call.step); a != nil && mayArrive(*a) {
			c.require(!c.now.Before(call.sentAt.Add(ttl)), "an exclusive SMS goes out before WhatsApp has dropped the message")
		}
	}
}

// theirs returns the time by the clock of the acting process.
func (c *chaos) theirs() time.Time {
	at := c.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, -20, 20, -3000, 3000}).Draw(c.t, "clock")) * time.Millisecond)
	if at.After(c.clock) {
		c.clock = at
	}
	return at
}

func (c *chaos) sayf(format string, args ...any) {
	c.log = append(c.log, c.now.Sub(origin).String()+" "+fmt.Sprintf(format, args...))
}

func (c *chaos) require(ok bool, law string) {
	if !ok {
		for _, line := range c.log {
			c.t.Log(line)
		}
		for _, a := range c.l.Attempts {
			c.t.Logf("%+v", a)
		}
		c.t.Fatal(law)
	}
}

// do applies a change twice. The second time must change nothing.
func (c *chaos) do(what string, change func(*backstop.Ledger) any) {
	before := c.l
	got := change(&c.l)
	c.sayf("%s: %v; WhatsApp %s, SMS %s, %s", what, got, c.l.Send.Status.WhatsApp, c.l.Send.Status.SMS, c.l.Send.Outcome)
	again := cloneLedger(c.l)
	events := len(again.Events)
	change(&again)
	c.require(reflect.DeepEqual(bare(c.l), bare(again)) && len(again.Events) == events, "repeating changes nothing: "+what)
	c.goesOn(before.Send, c.l.Send)
	c.l.Revision++
	c.views = append(c.views, c.l.View())
}

func cloneLedger(l backstop.Ledger) backstop.Ledger {
	l.Attempts, l.Averted, l.Events = slices.Clone(l.Attempts), slices.Clone(l.Averted), slices.Clone(l.Events)
	return l
}

func bare(l backstop.Ledger) backstop.Ledger {
	l.Events, l.Receipts = nil, nil
	return l
}

// better are the outcomes that may follow another after the end.
var better = map[backstop.Outcome][]backstop.Outcome{
	backstop.OutcomeUnconfirmed: {backstop.OutcomeFailed, backstop.OutcomeExpired, backstop.OutcomeWhatsApp, backstop.OutcomeSMS},
	backstop.OutcomeExpired:     {backstop.OutcomeUnconfirmed, backstop.OutcomeFailed, backstop.OutcomeWhatsApp, backstop.OutcomeSMS},
	backstop.OutcomeFailed:      {backstop.OutcomeWhatsApp, backstop.OutcomeSMS},
	backstop.OutcomeWhatsApp:    {backstop.OutcomeSMS},
	backstop.OutcomeCancelled:   {backstop.OutcomeSMS},
	backstop.OutcomeConfirmed:   {backstop.OutcomeSMS},
}

// goesOn requires that no part of the send goes back.
func (c *chaos) goesOn(from, to backstop.Send) {
	c.require(rank(to.Status.WhatsApp) >= rank(from.Status.WhatsApp), "the status of WhatsApp goes back")
	c.require(to.DuplicateDelivery || !from.DuplicateDelivery, "duplicate_delivery goes back")
	c.require(to.Expired || !from.Expired, "expired goes back")
	c.require(from.ConfirmedAt == nil || to.ConfirmedAt != nil && to.ConfirmedAt.Equal(*from.ConfirmedAt), "the confirmation moves")
	if from.FinishedAt != nil {
		c.require(to.FinishedAt != nil && to.FinishedAt.Equal(*from.FinishedAt), "the end moves")
		c.require(from.Outcome == to.Outcome || slices.Contains(better[from.Outcome], to.Outcome), fmt.Sprintf("the outcome goes from %s to %s", from.Outcome, to.Outcome))
	}
	c.require((to.FinishedAt == nil) == (to.Outcome == backstop.OutcomePending), "pending until the end")
}

// proposal returns a call that a process may propose, possibly by an old view.
func (c *chaos) proposal() backstop.Call {
	view := c.views[len(c.views)-1-rapid.IntRange(0, min(4, len(c.views)-1)).Draw(c.t, "old view")]
	p := whatsApp()
	p.Candidates = []backstop.Candidate{{Account: c.whatsApp, Provider: "meta", RefusesRepeats: c.whatsApp == repeater}}
	if rapid.IntRange(0, 2).Draw(c.t, "channel") > 0 {
		p = c.sms(rapid.IntRange(0, len(c.l.Send.Plan.Rules)-1).Draw(c.t, "rule"))
		p.ByFailure = view.WhatsApp == failed
	}
	p.Resend = rapid.IntRange(0, 2).Draw(c.t, "resend") == 0
	return p
}

// sms is the SMS of a rule. Some of its accounts are unhealthy, as the process sees them.
func (c *chaos) sms(rule int) backstop.Call {
	p := byRoutes(rapid.SampledFrom([][]string{nil, nil, {"a"}, {"b"}, {"a", "b", repeater}}).Draw(c.t, "unhealthy")...)
	p.Rule, p.ByFailure = rule, false
	for i := range p.Candidates {
		p.Candidates[i].RefusesRepeats = p.Candidates[i].Account == repeater
	}
	return p
}

func (c *chaos) begin() {
	p := c.proposal()
	c.n++
	p.Token = fmt.Sprint("token ", c.n)
	c.propose(p, nil, c.theirs())
}

// propose calls Begin: for the first time, or again after a lost answer.
func (c *chaos) propose(p backstop.Call, again *call, at time.Time) backstop.Ruling {
	before := cloneLedger(c.l)
	var r backstop.Ruling
	c.do(fmt.Sprintf("begin %+v", p), func(l *backstop.Ledger) any {
		again, err := l.Begin(p, at)
		require.NoError(c.t, err)
		if l == &c.l {
			r = again
		}
		return again.Answer
	})
	if r.Answer != backstop.MayCall {
		if again != nil {
			again.lost = true
		}
		return r
	}
	c.mayCall(before, p, r.Attempt, at)
	if again != nil {
		again.begun = r.Attempt.StartedAt
		return r
	}
	c.calls = append(c.calls, &call{Call: p, step: r.Attempt.Ref.Step, account: r.Attempt.Account, begun: r.Attempt.StartedAt})
	return r
}

// mayCall requires that a call was allowed by the ledger before it.
func (c *chaos) mayCall(l backstop.Ledger, p backstop.Call, begun backstop.Attempt, at time.Time) {
	s, step := l.Send, begun.Ref.Step
	c.require(s.FinishedAt == nil, "nothing is called after the end")
	c.require(s.ExpiresAt == nil || at.Before(*s.ExpiresAt), "nothing is called after expires_at")
	for _, a := range l.Attempts {
		for _, f := range []*backstop.Failure{a.Failure, a.Refusal} {
			c.require(f == nil || f.Class != backstop.OptedOut || s.Category.ChasesOptOut(), "who opted out is not chased")
		}
	}
	for _, other := range c.calls {
		if other.Token != p.Token && !other.lost && !other.over {
			inFlight := c.clock.Sub(other.begun) < callMost
			c.require(!inFlight, "two calls at once: "+fmt.Sprint(other.Call))
		}
	}
	for _, a := range c.l.Attempts {
		if before := l.Attempt(a.Ref.Step); a.Ref.Step == step {
			if before == nil {
				continue
			}
			a = *before
		}
		c.mayFollow(a, p, step, at)
	}
	if p.Channel == backstop.WhatsApp {
		c.require(s.Status.WhatsApp == queued, "WhatsApp has it")
		return
	}
	c.mustBeDropped(l)
	rule := s.Plan.Rules[p.Rule]
	goal := rule.Type.Goal()
	if s.Status.WhatsApp == failed {
		goal = delivered
	}
	c.require(!s.Status.WhatsApp.Reached(goal), "it arrived as the rule wants it")
	deadline, waits := rule.Deadline(origin)
	c.require(s.Status.WhatsApp == failed || waits && !c.clock.Add(time.Second).Before(deadline), "the rule has not fired")
}

// mayFollow requires that a call may follow an attempt of the send, as it was before the call.
func (c *chaos) mayFollow(a backstop.Attempt, p backstop.Call, step int, at time.Time) {
	own := a.Ref.Step == step
	isSMS := a.Channel == backstop.SMS && p.Channel == backstop.SMS
	refused := a.Reported == 0 && (a.State == backstop.StateThrottled || a.State == backstop.StateUnavailable)
	switch {
	case p.Resend && a.Ref.Step == step-1:
		c.require(a.State == backstop.StateUnknown && a.Status == "", "only an unknown end is resent")
	case own:
		isDead := a.State == backstop.Calling && !at.Before(a.StartedAt.Add(backstop.CallTimeout))
		repeats := (isDead || a.State == backstop.StateUnknown) && a.Account == repeater && a.Reported == 0
		c.require(repeats || refused || a.State == backstop.Calling && a.Token == p.Token, "only what was surely not sent is tried again")
	case isSMS && !p.Resend && (a.Ref.Step-3)%100/2 == p.Rule && (a.Ref.Step-3)%2 == 0:
		isOfAccount := a.State == backstop.StateRejected && a.Failure.Class == backstop.AccountFault && a.Reported == 0
		c.require(refused || isOfAccount, "another account follows only what an account surely did not take, for a reason of its own")
	case a.Channel == p.Channel, p.Channel == backstop.WhatsApp && a.Channel == backstop.SMS:
		c.require(!mayArrive(a), "a message is out that may arrive")
	}
}

func (c *chaos) pick(what string, is func(*call) bool) *call {
	var of []*call
	for _, call := range c.calls {
		if is(call) {
			of = append(of, call)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return rapid.SampledFrom(of).Draw(c.t, what)
}

func (c *chaos) live(call *call) bool {
	return !call.lost && !call.made && c.clock.Sub(call.begun) < callMost
}

// makeCall is the provider's side of a call.
func (c *chaos) makeCall() {
	call := c.pick("call", c.live)
	if call == nil {
		return
	}
	call.made = true
	step := call.Step()
	call.end = backstop.Ending{Step: step, Token: call.Token}
	end := rapid.SampledFrom([]string{"accepted", "accepted", "rejected", "account", "account", "opted out", "throttled", "unavailable", "unknown, went", "unknown"}).Draw(c.t, "end")
	switch end {
	case "accepted":
		call.went, call.end.Submission.MessageID = true, fmt.Sprint("message ", step)
		if rapid.Bool().Draw(c.t, "detach") {
			call.end.SMSReceiptWait = receiptWait
		}
	case "unknown, went":
		call.went, call.end.Failure = true, errUnknown
	default:
		call.end.Failure = map[string]*backstop.Failure{
			"rejected": rejected(""), "account": rejected(backstop.AccountFault), "opted out": rejected(backstop.OptedOut), "throttled": throttled, "unavailable": unavailable, "unknown": errUnknown,
		}[end]
	}
	c.sayf("step %d is called: %s", step, end)
	if call.went && call.account == repeater && c.out[step] > 0 {
		return // refused: the provider has it
	}
	if call.went {
		call.sentAt = c.now
		c.out[step]++
		c.require(c.out[step] == 1, "a step is sent twice")
	}
}

// endCall stores how a call ended: at once, late, or again.
func (c *chaos) endCall() {
	call := c.pick("ended", func(call *call) bool { return call.made && !call.lost })
	if call == nil {
		return
	}
	at := c.theirs()
	c.do(fmt.Sprintf("end %d", call.end.Step), func(l *backstop.Ledger) any {
		a, err := l.End(call.end, at)
		require.NoError(c.t, err)
		return a.State
	})
	call.over = true
}

func (c *chaos) receive() {
	call := c.pick("reported", func(call *call) bool { return call.went })
	if call == nil {
		return
	}
	status := rapid.SampledFrom([]backstop.Status{sent, failed, failed, delivered, read}).Draw(c.t, "status")
	class := rapid.SampledFrom([]backstop.RejectClass{"", "", "", backstop.OptedOut}).Draw(c.t, "class")
	at := c.theirs()
	c.do(fmt.Sprintf("receive %d %s", call.Step(), status), func(l *backstop.Ledger) any {
		r := receiptOf(call.Call, status, class)
		r.Ref.Step, r.Account, r.MessageID = call.step, call.account, fmt.Sprint("message ", call.step)
		r.Provider = c.l.Attempt(call.step).Provider
		return l.Receive(r, at)
	})
}

func (c *chaos) actions() map[string]func(*rapid.T) {
	act := func(f func()) func(*rapid.T) { return func(t *rapid.T) { c.t = t; f() } }
	return map[string]func(*rapid.T){
		"begin": act(c.begin), "begin 2": act(c.begin), "call": act(c.makeCall), "call 2": act(c.makeCall), "end": act(c.endCall), "end 2": act(c.endCall),
		"receive": act(c.receive), "receive 2": act(c.receive),
		"begin again": act(func() {
			if call := c.pick("again", func(call *call) bool { return !call.lost && !call.made }); call != nil {
				c.propose(call.Call, call, c.theirs())
			}
		}),
		"die": act(func() {
			if call := c.pick("dies", func(call *call) bool { return !call.lost && !call.over }); call != nil {
				call.lost = true
			}
		}),
		"give up": act(func() {
			p, at := c.proposal(), c.theirs()
			c.do(fmt.Sprintf("give up %d", p.Step()), func(l *backstop.Ledger) any { return l.GiveUp(p, at).Answer })
		}),
		"stop waiting": act(func() {
			step := c.proposal().Step()
			c.do("stop waiting", func(l *backstop.Ledger) any { l.StopWaiting(step); return "" })
		}),
		"finish": act(func() {
			if rapid.IntRange(0, 9).Draw(c.t, "really") > 0 {
				return
			}
			lapsed, at := c.l.Send.ExpiresAt != nil && !c.now.Before(*c.l.Send.ExpiresAt), c.theirs()
			c.do("finish", func(l *backstop.Ledger) any { l.Finish(lapsed, at); return lapsed })
		}),
		"abandon": act(func() {
			if rapid.IntRange(0, 19).Draw(c.t, "really") > 0 {
				return
			}
			at := c.theirs()
			c.do("abandon", func(l *backstop.Ledger) any { l.Abandon("lost", at); return "" })
		}),
		"cancel": act(func() {
			if rapid.IntRange(0, 9).Draw(c.t, "really") == 0 {
				c.cancel()
			}
		}),
		"confirm": act(func() {
			if rapid.IntRange(0, 9).Draw(c.t, "really") == 0 {
				c.confirm()
			}
		}),
		"wait": act(func() {
			c.now = c.now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 5 * time.Second, 31 * time.Second, time.Minute, time.Hour}).Draw(c.t, "long"))
			if c.now.After(c.clock) {
				c.clock = c.now
			}
		}),
		"": func(t *rapid.T) { c.t = t; c.check() },
	}
}

// cancel requires that the send ends, unless it has ended or an SMS may be out.
func (c *chaos) cancel() {
	at, before := c.theirs(), cloneLedger(c.l)
	isLate := before.Send.FinishedAt != nil && before.Send.Outcome != backstop.OutcomeCancelled || c.smsMayArrive() ||
		before.Send.Status.SMS.Reached(delivered)
	var err error
	c.do("cancel", func(l *backstop.Ledger) any { err = l.Cancel(at); return err })
	switch {
	case isLate:
		c.require(backstop.CodeOf(err) == backstop.Conflict, "it is too late to cancel")
		c.require(reflect.DeepEqual(before.Send, c.l.Send) && len(before.Events) == len(c.l.Events), "what is refused changes nothing")
	default:
		c.require(err == nil && c.l.Send.Outcome == backstop.OutcomeCancelled, "it is cancelled")
		c.byCaller = backstop.OutcomeCancelled
	}
}

// confirm requires that the send ends, and that an earlier end stays.
func (c *chaos) confirm() {
	at, before := c.theirs(), c.l.Send
	c.do("confirm", func(l *backstop.Ledger) any { l.Confirm(at); return "" })
	c.require(c.l.Send.ConfirmedAt != nil && c.l.Send.FinishedAt != nil, "it is confirmed, and has ended")
	if before.FinishedAt == nil {
		c.byCaller = backstop.OutcomeConfirmed
		return
	}
	c.require(before.Outcome == c.l.Send.Outcome, "the outcome stays")
}

// check requires the invariants of the timeline and of the attempts.
func (c *chaos) check() {
	ended := false
	for i, e := range c.l.Events {
		c.require(i == 0 || !e.At.Before(c.l.Events[i-1].At), "the times of a timeline go back")
		c.require(!ended || e.Kind == backstop.EventReceipt, "nothing but receipts follows the end")
		ended = ended || e.Kind == backstop.EventFinished
		c.hasCodes(e)
	}
	s := c.l.Send
	isNewest := func(a backstop.Attempt) bool {
		return a.Rule == s.Fired && a.Reason == s.FiredReason && a.Cause == s.FiredCause
	}
	c.require((s.FiredCause != "") == (s.Fired != "") && (s.Fired == "" || slices.ContainsFunc(c.l.Attempts, isNewest)), "the send has the cause of its newest SMS")
	c.require(ended == (c.l.Send.FinishedAt != nil), "the end is noted once")
	whatsApps, sms, by := c.out[1]+c.out[2], map[int]int{}, map[int]string{}
	for _, call := range c.calls {
		if rule := (call.step - 3) % 100 / 2; call.went && call.step > 2 {
			c.require(by[rule] == "" || by[rule] == call.account, "the SMS of a rule goes out by one account")
			by[rule] = call.account
		}
	}
	for step, n := range c.out {
		if step > 2 {
			sms[(step-3)%100/2] += n
		}
	}
	c.require(whatsApps <= 1 || whatsApps == 2 && c.whatsApp != repeater, "at most two WhatsApp messages, or one")
	for rule, n := range sms {
		c.require(n <= 1 || n == 2 && by[rule] != repeater, "at most two SMS of a rule, or one")
		isOfRule := func(a backstop.Attempt) bool { return a.Channel == backstop.SMS && (a.Ref.Step-3)%100/2 == rule }
		c.require(slices.ContainsFunc(c.l.Attempts, isOfRule), "it is recorded")
	}
}

// hasCodes checks that the codes and the text of an event agree.
func (c *chaos) hasCodes(e backstop.Event) {
	c.require((e.Cause != "") == (e.Kind == backstop.EventFired), "a cause for each rule that fired, and for nothing else")
	c.require(e.Failure == nil || e.Failure.Code == e.Code, "the code is the failure's")
	switch e.Kind {
	case backstop.EventAttempt, backstop.EventReceipt:
		text, _, _ := strings.Cut(e.Detail, "(call")
		c.require((e.Failure != nil) == (text != ""), "a failure has a text")
		c.require(e.Failure == nil || strings.HasPrefix(text, string(e.Failure.Kind)), "the text is about the failure")
	case backstop.EventFinished:
		c.require(slices.Contains(backstop.Outcomes(), e.Outcome()), "the end has an outcome")
	default:
		c.require(e.Outcome() == "", "nothing but the end has an outcome")
	}
}

// In any order of events, no forbidden message goes out and no stored state is lost. A process that takes over brings the send
// to its end.
func TestLedger_chaos(t *testing.T) {
	t.Parallel()
	checkOften(t, 20, func(t *rapid.T) {
		c := newChaos(t)
		t.Repeat(c.actions())
		c.t = t
		c.takeOver()
	})
}

// takeOver is a workflow that starts over, on a system without further faults. The providers reject every message, so that every
// rule fires.
func (c *chaos) takeOver() {
	c.now = c.clock
	bound := origin.Add(2 * backstop.MaxWait)
	if c.l.View().Outcome != "" {
		c.require(c.byCaller == "" || c.l.Send.Outcome == c.whereItEnded(), "the outcome is the caller's, unless an SMS arrived")
		return
	}
	for range 400 {
		view := c.l.View()
		if view.Outcome != "" {
			break
		}
		rule, due := c.l.Send.Plan.Due(view.WhatsApp, origin, c.now, view.Used.Has)
		c.require(c.now.Before(bound), "the send ends in time")
		switch {
		case c.l.Send.ExpiresAt != nil && !c.now.Before(*c.l.Send.ExpiresAt):
			c.do("take over: finish", func(l *backstop.Ledger) any { l.Finish(true, c.now); return "" })
		case due:
			p := c.sms(rule)
			p.ByFailure = view.WhatsApp == failed
			c.takeOverCall(p)
		case view.WhatsApp == queued && c.l.Attempt(1) == nil:
			c.takeOverCall(whatsApp())
		case c.l.Send.Plan.IsSatisfied(view.WhatsApp, view.Used.Has), !c.now.Before(origin.Add(backstop.MaxWait)):
			c.takeOverEnd(view)
		default:
			c.takeOverWait(view)
		}
		c.check()
	}
	if by := c.l.Send.ReceiptBy; by != nil {
		c.do("take over: finish", func(l *backstop.Ledger) any { l.Finish(false, *by); return "" })
	}
	c.require(c.l.Send.FinishedAt != nil, "a send ends")
	c.dropsNothing()
	c.require(c.l.Send.Outcome == c.whereItEnded() || c.l.Send.Outcome == backstop.OutcomeExpired && c.whereItEnded() == backstop.OutcomeFailed, "the outcome is where it ended: "+string(c.whereItEnded()))
}

// whereItEnded returns the outcome by the messages alone. An expired send counts as failed.
func (c *chaos) whereItEnded() backstop.Outcome {
	arrived := func(on backstop.Channel) bool {
		return slices.ContainsFunc(c.l.Attempts, func(a backstop.Attempt) bool { return a.Channel == on && a.Status.Reached(delivered) })
	}
	switch {
	case arrived(backstop.SMS):
		return backstop.OutcomeSMS
	case c.byCaller != "":
		return c.byCaller
	case arrived(backstop.WhatsApp):
		return backstop.OutcomeWhatsApp
	case slices.ContainsFunc(c.l.Attempts, mayArrive):
		return backstop.OutcomeUnconfirmed
	default:
		return backstop.OutcomeFailed
	}
}

// dropsNothing requires that no rule fires at the end of the send.
func (c *chaos) dropsNothing() {
	view, s := c.l.View(), c.l.Send
	_, due := s.Plan.Due(s.Status.WhatsApp, origin, c.now, view.Used.Has)
	c.require(!due || c.byCaller != "" || s.Status.SMS.Reached(delivered) || c.optedOut() || c.smsMayArrive() || s.Expired, "no rule that fires is dropped")
}

func (c *chaos) optedOut() bool {
	return !c.l.Send.Category.ChasesOptOut() && slices.ContainsFunc(c.l.Attempts, func(a backstop.Attempt) bool {
		return a.Failure != nil && a.Failure.Class == backstop.OptedOut || a.Refusal != nil && a.Refusal.Class == backstop.OptedOut
	})
}

func (c *chaos) takeOverCall(p backstop.Call) {
	c.n++
	p.Token = fmt.Sprint("token ", c.n)
	switch r := c.propose(p, nil, c.now); r.Answer {
	case backstop.MayCall:
		call := c.calls[len(c.calls)-1]
		call.made, call.end = true, backstop.Ending{Step: call.step, Token: p.Token, Failure: rejected("")}
		c.do("take over: end", func(l *backstop.Ledger) any { a, _ := l.End(call.end, c.now); return a.State })
		call.over = true
	case backstop.UnderWay, backstop.TooEarly:
		c.require(r.Until.After(c.now), "it says until when")
		c.now = r.Until
	case backstop.AlreadyOut:
		c.require(c.smsMayArrive(), "what bars the SMS of a rule that fires may still arrive")
		c.takeOverEnd(c.l.View())
	case backstop.MadeAlready:
		if !c.l.View().Used.Has(p.Rule) && p.Channel == backstop.SMS {
			c.require(false, "an SMS that was made is used")
		}
	case backstop.RecipientOptedOut, backstop.SendExpired, backstop.SendFinished:
		c.require(c.l.View().Outcome != "" || c.smsMayArrive(), "it ends: "+string(r.Answer))
		c.takeOverEnd(c.l.View())
	}
	if c.now.After(c.clock) {
		c.clock = c.now
	}
}

func (c *chaos) smsMayArrive() bool {
	return slices.ContainsFunc(c.l.Attempts, func(a backstop.Attempt) bool { return a.Channel == backstop.SMS && mayArrive(a) })
}

func mayArrive(a backstop.Attempt) bool {
	out := a.State == backstop.Accepted || a.State == backstop.StateUnknown || a.State == backstop.Calling || a.Reported != 0
	return out && a.Status != failed && !a.Status.Reached(delivered)
}

// takeOverEnd waits for the receipts of an SMS that may arrive, and ends the send.
func (c *chaos) takeOverEnd(view backstop.View) {
	if view.Outcome != "" {
		return
	}
	c.now = c.now.Add(receiptWait)
	c.clock = c.now
	c.do("take over: finish", func(l *backstop.Ledger) any { l.Finish(false, c.now); return "" })
}

// takeOverWait waits for the next end of a wait. If an SMS may arrive, it waits for the receipts of that SMS instead.
func (c *chaos) takeOverWait(view backstop.View) {
	if view.SMS != "" && view.SMS != failed && c.smsMayArrive() {
		c.takeOverEnd(view)
		return
	}
	next := origin.Add(backstop.MaxWait)
	for i, r := range c.l.Send.Plan.Rules {
		at, waits := r.Deadline(origin)
		if waits && !view.Used.Has(i) && at.After(c.now) && at.Before(next) {
			next = at
		}
	}
	if at := c.l.Send.ExpiresAt; at != nil && at.After(c.now) && at.Before(next) {
		next = *at
	}
	c.now, c.clock = next, next
}
