package backstop

import (
	"cmp"
	"fmt"
	"time"
)

// Call is a call to a provider that a process proposes.
type Call struct {
	Channel   Channel
	Rule      int    // of an SMS: the index in the plan of the rule that fired
	Resend    bool   // it repeats a call of unknown end
	ByFailure bool   // of an SMS: a permanent failure of the WhatsApp message fired the rule, and not the end of its wait
	Token     string // made for this call, see Attempt

	// Failure is why GiveUp counts a channel as failed before its first call; nil: a call was made, or its failure is not known.
	Failure *Failure

	// Candidates are the accounts that the call may go to: those of the plan, in any order.
	Candidates []Candidate
}

// Step returns the call's step if the call goes by the rule's first account, see Ledger.StepOf.
func (c Call) Step() int {
	if c.Channel == SMS {
		return SMSStep(c.Rule, 0, c.Resend)
	}
	return WhatsAppStep(c.Resend)
}

// Answer is the ledger's decision on a proposed call.
type Answer string

// The answers. Only on MayCall may the provider be called.
const (
	MayCall           Answer = "call"
	MadeAlready       Answer = "made_already" // by an earlier run; Ruling.Attempt says how it ended
	UnderWay          Answer = "under_way"    // another process may be calling, until Ruling.Until at the latest
	TooEarly          Answer = "too_early"    // before Ruling.Until, by the store's clock: the wait's end (zero: none) or SendAt
	Satisfied         Answer = "satisfied"    // the message has reached the status that the rule wants
	AlreadyOut        Answer = "already_out"  // another message is out, or may be, and may still arrive
	SendFinished      Answer = "finished"     // the send has ended
	SendExpired       Answer = "expired"      // it is past ExpiresAt
	RecipientOptedOut Answer = "opted_out"    // the recipient has opted out
	GivenUp           Answer = "given_up"     // the call counts as failed: GiveUp ended it, or its template cannot be sent
)

// clockSlack is how much earlier than the end of a wait an SMS may go out, by the store's clock. The engine's timer and that
// clock may differ by the time that a request takes.
const clockSlack = time.Second

// Ruling is an Answer with its details.
type Ruling struct {
	Answer  Answer
	Attempt Attempt   // of MayCall and MadeAlready
	Send    Send      // of MayCall: what to send
	Before  *Failure  // of MayCall: how the call before this one failed; nil if there was none, or if Begin is repeated
	Until   time.Time // of UnderWay and TooEarly
}

// Begin decides whether a provider may be called now, for a first call, a retry or a resend. If it answers MayCall, it records
// the attempt as Calling. Begin returns an error if the step belongs to another rule or channel, or if the plan lacks the rule.
// Such an error is a bug of the program. It returns an error too if the content cannot be read, because a key is missing.
func (l *Ledger) Begin(c Call, now time.Time) (Ruling, error) {
	now = l.monotonic(now)
	if c.Channel == SMS && (c.Rule < 0 || c.Rule >= len(l.Send.Plan.Rules)) {
		return Ruling{}, fmt.Errorf("begin attempt of send %s: the plan has no rule %d", l.Send.ID, c.Rule)
	}
	step, account := l.StepOf(c, now)
	a := l.Attempt(step)
	if a != nil && (a.Channel != c.Channel || a.Rule != l.ruleName(c)) {
		return Ruling{}, fmt.Errorf(
			"begin attempt of send %s: step %d is a %s of rule %q", l.Send.ID, step, a.Channel, a.Rule)
	}
	if a != nil && account.hasForgotten(*a) {
		a.RefusesRepeats = false
	}
	if r, isFinal := l.answerForAttempt(a, c, now); isFinal {
		return r, nil
	}
	if r, isRefused := l.refuseCall(c, now); isRefused {
		l.settle(now)
		return r, nil
	}
	if c.Resend && (account.HoldsUnknown || l.mayRepeatFirst(step)) {
		return Ruling{Answer: AlreadyOut}, nil
	}
	if until, pauses := l.mustPause(a, c, now); pauses {
		return Ruling{Answer: TooEarly, Until: until}, nil
	}
	if l.Send.Unreadable != "" {
		return Ruling{}, fmt.Errorf("begin attempt of send %s: its content cannot be read: %s", l.Send.ID, l.Send.Unreadable)
	}
	var before *Failure
	if a != nil {
		before = a.Failure
	}
	return Ruling{Answer: MayCall, Attempt: l.beginAttempt(step, account, c, now), Send: l.Send, Before: before}, nil
}

// mayRepeatFirst reports whether the call before a resend may be repeated with its own reference. A resend has another reference,
// so its provider would not refuse it.
func (l *Ledger) mayRepeatFirst(resend int) bool {
	first := l.Attempt(resend - 1)
	return first != nil && first.RefusesRepeats
}

func (l *Ledger) ruleName(c Call) string {
	if c.Channel == SMS {
		return l.Send.Plan.Rules[c.Rule].Name
	}
	return ""
}

// answerForAttempt answers for a step that has an attempt. It returns false if the call may be made, again or anew.
func (l *Ledger) answerForAttempt(a *Attempt, c Call, now time.Time) (Ruling, bool) {
	switch {
	case a == nil || a.IsRetriable():
		return Ruling{}, false
	case a.State == Calling && a.Token == c.Token:
		return l.lookAgain(a, c, now)
	case a.isInFlight(now):
		return Ruling{Answer: UnderWay, Until: a.StartedAt.Add(CallTimeout)}, true
	}
	l.endIfDead(a, now)
	if a.MayRepeat() {
		return Ruling{}, false
	}
	a.AwaitsReceiptsUntil = nil // receipts need a signal: the caller does not wait for the activity that made the call
	return Ruling{Answer: MadeAlready, Attempt: *a}, true
}

// lookAgain answers a caller that began the call and has not made it. It first ends the attempt as not called, so that
// refuseCall does not count it as in flight, and restores the attempt if the call may still be made. After CallTimeout other
// processes count the call as dead, so it begins anew.
func (l *Ledger) lookAgain(a *Attempt, c Call, now time.Time) (Ruling, bool) {
	begun := *a
	f := a.failureOf(&Failure{Kind: Unavailable, Reason: "not called"})
	a.State, a.EndedAt, a.Failure = AttemptState(f.Kind), &now, f
	if r, isRefused := l.refuseCall(c, now); isRefused {
		l.mergeCurrentStatus(c.Channel, now)
		l.settle(now)
		return r, true
	}
	if !begun.isInFlight(now) {
		return Ruling{}, false
	}
	*a = begun
	return Ruling{Answer: MayCall, Attempt: begun, Send: l.Send}, true
}

// endIfDead ends a call as Unknown if CallTimeout has passed: its process counts as dead, and may have sent the message.
func (l *Ledger) endIfDead(a *Attempt, now time.Time) {
	if a.State == Calling && !a.isInFlight(now) {
		l.closeAttempt(a, Ending{Failure: &Failure{Kind: Unknown, Reason: "the process stopped during the call"}}, now)
		l.settle(now)
	}
}

// refuseCall answers a call that must not be made, and records why. It also ends the calls of dead processes.
func (l *Ledger) refuseCall(c Call, now time.Time) (Ruling, bool) {
	if l.Send.FinishedAt != nil {
		return Ruling{Answer: SendFinished}, true
	}
	for i := range l.Attempts { // of all steps; the attempt of this call is not in flight
		if a := &l.Attempts[i]; a.isInFlight(now) {
			return Ruling{Answer: UnderWay, Until: a.StartedAt.Add(CallTimeout)}, true
		}
		l.endIfDead(&l.Attempts[i], now)
	}
	switch {
	case l.Send.FinishedAt != nil:
		return Ruling{Answer: SendFinished}, true
	case c.Channel == SMS && l.isSatisfied(c):
		l.withdraw(now)
		l.recordAverted(c.Rule, now)
		return Ruling{Answer: Satisfied}, true
	case l.optOut() != nil:
		return Ruling{Answer: RecipientOptedOut}, true
	case l.Send.isBeforeStart():
		return Ruling{Answer: TooEarly, Until: *l.Send.SendAt}, true
	case l.isListed():
		l.endListed(c, now)
		return Ruling{Answer: RecipientOptedOut}, true
	case l.hasExpired(now):
		l.recordExpiry(l.ruleName(c), now)
		l.withdraw(now)
		return Ruling{Answer: SendExpired}, true
	case c.Channel == WhatsApp && l.isUnsendable():
		l.failUnsendable(c, now)
		return Ruling{Answer: GivenUp}, true
	case l.wouldDuplicate(c, now):
		return Ruling{Answer: AlreadyOut}, true
	case c.Channel == SMS && !l.isDue(c, now):
		return Ruling{Answer: TooEarly, Until: l.deadline(c)}, true
	case c.Channel == SMS && l.isHeld(now):
		return Ruling{Answer: TooEarly, Until: l.heldUntil()}, true
	}
	return Ruling{}, false
}

// isUnsendable reports whether the send was accepted with a template that cannot be sent.
func (l *Ledger) isUnsendable() bool {
	return l.Send.Plan.Template != nil && l.Send.Plan.Template.Fault != ""
}

// failUnsendable counts WhatsApp as failed, because the send's template cannot be sent.
func (l *Ledger) failUnsendable(c Call, now time.Time) {
	if l.Send.Status.WhatsApp != Queued {
		return // it did before
	}
	step, account := l.StepOf(c, now)
	failure := &Failure{Kind: Rejected, Class: TemplateFault, Reason: l.Send.Plan.Template.Fault}
	l.addEvent(Event{Kind: EventGaveUp, Channel: WhatsApp, Status: Failed, Account: account.Account}.withFailure(failure), now)
	l.advance(WhatsApp, step, Failed, now)
}

// isSatisfied reports whether the message has reached the status that the SMS's rule wants. After a failure it wants a delivery.
func (l *Ledger) isSatisfied(c Call) bool {
	goal := l.Send.Plan.Rules[c.Rule].Type.Goal()
	if c.ByFailure || l.Send.Status.WhatsApp == Failed {
		goal = Delivered
	}
	return l.Send.Status.WhatsApp.Reached(goal) || l.Send.Status.SMS.Reached(Delivered)
}

// wouldDuplicate reports whether a call would duplicate a message that is out, or may be. A resend needs a first call of unknown
// end without receipts. WhatsApp is sent only while its status is Queued, and never follows an SMS that may arrive.
func (l *Ledger) wouldDuplicate(c Call, now time.Time) bool {
	step, _ := l.StepOf(c, now)
	first := step
	if c.Resend {
		first--
	}
	isPastQueued := c.Channel == WhatsApp && l.Send.Status.WhatsApp != Queued
	lacksFirst := c.Resend && l.Attempt(first) == nil
	return isPastQueued || lacksFirst || l.hasAttempt(func(a Attempt) bool {
		switch {
		case a.Ref.Step == step && a.MayRepeat():
			return false
		case c.Resend && a.Ref.Step == first:
			return a.State != StateUnknown || a.Status != "" || a.Reported != 0
		case a.Channel == c.Channel:
			return a.MayArrive() || c.Channel == WhatsApp && a.wasTried()
		default:
			return c.Channel == WhatsApp && a.MayArrive()
		}
	})
}

// isDue reports whether the SMS's rule fires, by a clock that is ahead by clockSlack.
func (l *Ledger) isDue(c Call, now time.Time) bool {
	status := l.Send.Status.WhatsApp
	if c.ByFailure {
		status = Failed
	}
	return l.Send.Plan.Rules[c.Rule].IsDue(status, l.Send.Origin(), now.Add(clockSlack))
}

// deadline returns when the wait of the SMS's rule ends, or zero if the rule has no wait.
func (l *Ledger) deadline(c Call) time.Time {
	deadline, waits := l.Send.Plan.Rules[c.Rule].Deadline(l.Send.Origin())
	if !waits {
		return time.Time{}
	}
	return deadline
}

// beginAttempt records a call that may be made.
func (l *Ledger) beginAttempt(step int, account Candidate, c Call, now time.Time) Attempt {
	pending, isPending := l.pendingSMS()
	a := l.Attempt(step)
	if a == nil {
		a = l.addAttempt(step, c)
	}
	a.Account, a.WasUnknown = account.Account, a.MayRepeat()
	if isRetry := isPending && pending == c.Rule || a.MayRepeat(); c.Channel == SMS && !isRetry {
		l.fire(a, c, now)
	}
	if c.Channel == SMS {
		l.recordRoute(a, now)
		if a.Reason == "" { // another account's call fired the rule
			a.Reason, a.Cause = l.Send.FiredReason, l.Send.FiredCause
		}
	}
	a.Number++
	a.StartedAt = l.startTime(now)
	a.State, a.Token, a.EndedAt, a.Failure = Calling, c.Token, nil, nil
	if !a.WasUnknown { // else the provider and the account are those of the call before, or cannot be asked now
		a.Provider, a.RefusesRepeats = cmp.Or(account.Provider, account.Account), account.RefusesRepeats
	}
	return *a
}

// addAttempt adds an attempt, in the order of steps.
func (l *Ledger) addAttempt(step int, c Call) *Attempt {
	a := Attempt{Ref: Ref{Send: l.Send.ID, Step: step}, Channel: c.Channel}
	if c.Channel == SMS {
		rule := l.Send.Plan.Rules[c.Rule]
		a.Rule, a.SendID = rule.Name, rule.sendIDOf(routeOf(step))
	}
	at := 0
	for at < len(l.Attempts) && l.Attempts[at].Ref.Step < a.Ref.Step {
		at++
	}
	l.Attempts = append(l.Attempts[:at:at], append([]Attempt{a}, l.Attempts[at:]...)...)
	return &l.Attempts[at]
}

// fire marks the send as falling back by a rule.
func (l *Ledger) fire(a *Attempt, c Call, now time.Time) {
	s := &l.Send
	a.Reason, a.Cause = l.whyFired(c)
	if s.Status.SMS == "" || s.Status.SMS == Failed {
		s.Status.SMS = Queued
	}
	s.Fired, s.FiredReason, s.FiredCause = a.Rule, a.Reason, a.Cause
	if s.FallbackReason == "" {
		s.FallbackReason = a.Cause
	}
	if !c.Resend {
		l.addEvent(Event{Kind: EventFired, Channel: SMS, Rule: a.Rule, Detail: a.Reason, Cause: a.Cause}, now)
	}
	l.forgoWhatsApp(now)
}

// forgoWhatsApp counts WhatsApp as failed if no provider took it before the SMS: after an SMS it is not sent any more. So a rule
// without a wait can follow if the SMS fails.
func (l *Ledger) forgoWhatsApp(now time.Time) {
	mayBeOut := func(a Attempt) bool { return a.Channel == WhatsApp && a.mayBeOut() }
	if l.Send.Status.WhatsApp != Queued || l.hasAttempt(mayBeOut) {
		return
	}
	l.Send.Status.WhatsApp = Failed
	for i := range l.Attempts {
		if a := &l.Attempts[i]; a.Channel == WhatsApp && a.IsRetriable() {
			a.Status = Failed
			l.addEvent(Event{Kind: EventGaveUp, Channel: WhatsApp, Status: Failed}.withFailure(a.Failure), now)
		}
	}
}

// whyFired returns why a rule fired: as a text, and as a code.
func (l *Ledger) whyFired(c Call) (string, FallbackReason) {
	rule := l.Send.Plan.Rules[c.Rule]
	failed := l.newestAttempt(WhatsApp)
	switch {
	case !c.ByFailure && l.Send.Status.WhatsApp != Failed && !l.hasAttempt(isWhatsApp):
		return "handed over after the wait had ended, too late for WhatsApp", TooLate
	case !c.ByFailure && l.Send.Status.WhatsApp != Failed:
		return fmt.Sprintf("not %s within %s", rule.Type.Goal(), rule.Wait()), rule.Type.Missed()
	case failed == nil || failed.Why() == nil:
		return "the WhatsApp message failed", ByFailure
	default:
		return "the WhatsApp message failed: " + failed.Why().Error(), ByFailure
	}
}
