package backstop

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Ending is how a call ended.
type Ending struct {
	Step  int    // 0 if the caller does not know it, because its Begin had no answer
	Token string // of the call that has ended

	Submission Submission // of a call that the provider accepted; its MessageID may be lost
	Failure    *Failure   // of any other call

	AwaitReceipts  time.Duration // how long the activity that made the call waits for receipts, see Attempt.AwaitsReceiptsUntil
	SMSReceiptWait time.Duration // how long the store waits for the receipt of the last SMS, before the send ends; 0: not at all
}

// state returns the attempt's new state.
func (e Ending) state() AttemptState {
	if e.Failure != nil {
		return AttemptState(e.Failure.Kind)
	}
	return Accepted
}

// End records how a call ended. A call that counts as dead may still end as accepted or rejected. If the workflow must be
// signalled then, End adds this late answer to Receipts. The ending of a call that is not the attempt's newest changes nothing.
// If the attempt was not begun, End returns an Error of code NotFound.
func (l *Ledger) End(e Ending, now time.Time) (Attempt, error) {
	now = l.monotonic(now)
	a := l.attemptOfEnding(e)
	if a == nil {
		return Attempt{}, &Error{Code: NotFound, Message: fmt.Sprintf("there is no attempt %d", e.Step)}
	}
	if e.Failure = a.failureOf(e.Failure); a.Token != e.Token || !a.mayEnd(e.state()) {
		return *a, nil
	}
	before := l.Clone()
	isLate := a.State != Calling // the workflow has an unknown end already, and waits
	l.closeAttempt(a, e, now)
	if !isLate && e.SMSReceiptWait > 0 {
		l.detach(a, now.Add(e.SMSReceiptWait))
	}
	l.settle(now)
	if isLate && before.mustSignal(l, a.Channel, now) {
		l.addLateAnswer(*a, now)
	}
	return *a, nil
}

// attemptOfEnding returns the attempt that an ending belongs to, or nil.
func (l *Ledger) attemptOfEnding(e Ending) *Attempt {
	if e.Step > 0 {
		return l.Attempt(e.Step)
	}
	return l.findAttempt(func(a Attempt) bool { return a.Token == e.Token })
}

// addLateAnswer adds a provider's late answer as a receipt that must be signalled.
func (l *Ledger) addLateAnswer(a Attempt, now time.Time) {
	r := Receipt{
		Provider: a.Provider, Account: a.Account, Channel: a.Channel, MessageID: cmp.Or(a.MessageID, a.Ref.String()), Ref: a.Ref,
		Status: Submitted, At: now,
	}
	if a.State == StateRejected {
		r.Status, r.Failure = Failed, a.Failure
	}
	l.Receipts = append(l.Receipts, Received{Receipt: r, NeedsSignal: true})
}

// mayEnd reports whether an ending changes the attempt. A call of unknown end may still turn out accepted, or rejected if no
// receipt came.
func (a Attempt) mayEnd(as AttemptState) bool {
	isLate := a.State == StateUnknown
	return a.State == Calling ||
		isLate && as == Accepted || isLate && as == StateRejected && a.Reported == 0
}

// closeAttempt writes an ending into its attempt.
func (l *Ledger) closeAttempt(a *Attempt, e Ending, now time.Time) {
	wasCalling := a.State == Calling
	a.State, a.Failure, a.EndedAt = e.state(), e.Failure, &now
	l.noteOptOut(a.Channel, a.Provider, a.Account, e.Failure, now)
	reached := Status("")
	switch a.State { //nolint:exhaustive // the other ends say nothing of how far the message has come
	case Accepted:
		reached = Submitted
		a.Segments = e.Submission.Segments
		if e.Submission.MessageID != "" {
			a.MessageID = e.Submission.MessageID
		}
		if until := now.Add(e.AwaitReceipts); wasCalling && e.AwaitReceipts > 0 {
			a.AwaitsReceiptsUntil = &until
		}
	case StateRejected:
		reached = Failed
	}
	isRetried := a.sentNothing() || a.MayRepeat()
	isLeft := a.sentNothing() && a.Number == triesOfRoute && a.Channel == SMS &&
		len(l.Send.Plan.Rules[ruleOf(a.Ref.Step)].Routes) > 1
	if !isRetried || isPowerOfTwo(a.Number) || isLeft {
		event := Event{
			Kind: EventAttempt, Channel: a.Channel, Status: reached, Rule: a.Rule, Account: a.Account,
			Detail: a.Failure.describe(),
		}
		if a.Number > 1 {
			event.Detail = strings.TrimSpace(fmt.Sprintf("%s (call %d)", event.Detail, a.Number))
		}
		l.addEvent(event.withFailure(a.Failure), now)
	}
	if reached != "" {
		l.advance(a.Channel, a.Ref.Step, reached, now)
	}
	l.mergeCurrentStatus(a.Channel, now)
	l.flagDuplicate(now)
	l.updateOutcome()
}

// isPowerOfTwo selects the calls that get an event, if they are made again: the 1st, 2nd, 4th, 8th and so on. A provider may
// be down for hours, and the attempt has the number of calls and the newest failure anyway.
func isPowerOfTwo(n int) bool { return n&(n-1) == 0 }

// updateOutcome computes the outcome again, because a late answer or receipt may change it after the end.
func (l *Ledger) updateOutcome() { l.Send.Outcome = l.outcome() }

// detach makes the store wait for the SMS's receipt if no other SMS can follow. The workflow can then end.
func (l *Ledger) detach(a *Attempt, by time.Time) {
	if a.Channel == SMS && a.State == Accepted && a.MayArrive() && l.Send.FinishedAt == nil && l.isPlanSatisfied() {
		l.Send.ReceiptBy = &by
	}
}

// StopWaiting records that the activity that made a call no longer waits for its receipts. A later receipt may need a signal.
func (l *Ledger) StopWaiting(step int) {
	if a := l.Attempt(step); a != nil {
		a.AwaitsReceiptsUntil = nil
	}
}

// GiveUp counts a channel as failed after the retries of its call ended without success. It answers GivenUp, also when
// repeated. While a call may be in flight it answers UnderWay, because the end of that call counts. After the send's end it
// answers SendFinished, and otherwise MadeAlready.
func (l *Ledger) GiveUp(c Call, now time.Time) Ruling {
	now = l.monotonic(now)
	step, account := l.StepOf(c, now)
	a := l.Attempt(step)
	if a == nil && c.Channel == SMS && !c.Resend && l.Send.FinishedAt == nil {
		a = l.attemptUncalled(step, account, c, now)
	}
	switch {
	case l.Send.FinishedAt != nil:
		return Ruling{Answer: SendFinished}
	case l.gaveUp(a, c):
		return Ruling{Answer: GivenUp}
	case a == nil && c.Channel == WhatsApp && l.Send.Status.WhatsApp == Queued && !l.hasAttempt(isWhatsApp):
	case a == nil:
		return Ruling{Answer: MadeAlready}
	case a.isInFlight(now):
		return Ruling{Answer: UnderWay, Until: a.StartedAt.Add(CallTimeout)}
	case !a.IsRetriable():
		l.endIfDead(a, now)
		return Ruling{Answer: MadeAlready, Attempt: *a}
	}
	event := Event{Kind: EventGaveUp, Channel: c.Channel, Status: Failed, Rule: l.ruleName(c), Account: account.Account}.
		withFailure(c.Failure)
	if a != nil {
		a.Status, step = Failed, a.Ref.Step
		event.Account = a.Account
		event = event.withFailure(a.Failure)
	}
	if c.Channel == SMS {
		l.attemptsOf(c.Rule, func(other *Attempt) {
			if other.IsRetriable() {
				other.Status = Failed
			}
		})
	}
	l.addEvent(event, now)
	l.advance(c.Channel, step, Failed, now)
	l.settle(now)
	return Ruling{Answer: GivenUp}
}

// attemptUncalled returns the attempt that fails if the account whose turn it is was not called in time: that of an account
// before it whose calls sent nothing. If each account before it refused, attemptUncalled adds an attempt for the uncalled
// account. It returns nil if the rule has no attempt.
func (l *Ledger) attemptUncalled(step int, account Candidate, c Call, now time.Time) *Attempt {
	var before *Attempt
	l.attemptsOf(c.Rule, func(o *Attempt) {
		if before == nil || o.IsRetriable() {
			before = o
		}
	})
	if before == nil || before.IsRetriable() {
		return before
	}
	a := l.addAttempt(step, c)
	a.Account, a.Provider, a.Number, a.StartedAt, a.EndedAt = account.Account, account.Provider, 1, l.startTime(now), &now
	a.State, a.Failure = StateUnavailable, &Failure{Kind: Unavailable, NotCalled: NotCalledLate, Reason: "not called in time"}
	return a
}

func isWhatsApp(a Attempt) bool { return a.Channel == WhatsApp }

// gaveUp reports whether GiveUp counted the channel as failed before: after calls that sent nothing, or before the first call.
func (l *Ledger) gaveUp(a *Attempt, c Call) bool {
	if a != nil {
		return a.sentNothing() && a.Status == Failed
	}
	return c.Channel == WhatsApp && l.Send.Status.WhatsApp == Failed && !l.hasAttempt(isWhatsApp)
}

// Finish ends the send. Lapsed means that ExpiresAt has come by the engine's clock. A repeated Finish changes nothing.
func (l *Ledger) Finish(lapsed bool, now time.Time) {
	now = l.monotonic(now)
	if l.Send.FinishedAt != nil {
		return
	}
	if lapsed && (!l.isPlanSatisfied() || !l.hasAttempt(Attempt.isSubmitted)) {
		l.recordExpiry(l.pendingRule(), now)
	}
	l.finish(now)
}

// Abandon ends a send that no workflow will finish, and records the reason. If the send only waits for the receipt of its SMS,
// Abandon changes nothing. A WhatsApp message that no provider can have counts as failed.
func (l *Ledger) Abandon(reason string, now time.Time) {
	now = l.monotonic(now)
	if l.Send.FinishedAt != nil || l.Send.ReceiptBy != nil {
		return
	}
	l.addEvent(Event{Kind: EventGaveUp, Detail: reason}, now)
	if !l.hasAttempt(func(a Attempt) bool { return isWhatsApp(a) && a.mayBeOut() }) {
		l.advance(WhatsApp, whatsAppStep, Failed, now)
	}
	l.finish(now)
}

// describe returns a text with the kind, class and reason of a failure, or nothing without one.
func (f *Failure) describe() string {
	if f == nil {
		return ""
	}
	detail := string(f.Kind)
	if f.Class != "" {
		detail += " (" + string(f.Class) + ")"
	}
	if f.Reason != "" {
		detail += ": " + f.Reason
	}
	return detail
}
