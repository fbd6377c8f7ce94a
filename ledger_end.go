package backstop

import (
	"cmp"
	"fmt"
	"time"
)

// Ending is how a call ended.
type Ending struct {
	Step  int
	Token string // of the call that has ended

	Submission Submission // of a call that the provider accepted; its MessageID may be lost
	Failure    *Failure   // of another

	Linger      time.Duration // how long the activity that made the call waits for receipts of the message, see Attempt
	ReceiptWait time.Duration // how long the store waits for the receipt of the last SMS, before the send ends; 0: not at all
}

// state is what the attempt becomes.
func (e Ending) state() AttemptState {
	if e.Failure != nil {
		return AttemptState(e.Failure.Kind)
	}
	return Accepted
}

// End records how a call ended. A call that was given up for dead may still end: it turns out accepted or rejected, which is
// kept like a receipt, because its workflow may have to be signalled. An ending of another call than the attempt's newest
// changes nothing. An attempt that was not begun is an Error of code NotFound.
func (l *Ledger) End(e Ending, now time.Time) (Attempt, error) {
	now = l.clock(now)
	a := l.Attempt(e.Step)
	if a == nil {
		return Attempt{}, &Error{Code: NotFound, Message: fmt.Sprintf("there is no attempt %d", e.Step)}
	}
	if a.Token != e.Token || !a.mayEnd(e.state()) {
		return *a, nil
	}
	before := l.Clone()
	isLate := a.State != Calling // the workflow knows of an unknown end, and waits
	l.close(a, e, now)
	if !isLate && e.ReceiptWait > 0 {
		l.handBack(a, now.Add(e.ReceiptWait))
	}
	l.settle(now)
	if isLate && before.mustSignal(l, a.Channel, now) {
		l.announce(*a, now)
	}
	return *a, nil
}

// announce keeps a late answer of a provider like a receipt that is to be signalled.
func (l *Ledger) announce(a Attempt, now time.Time) {
	r := Receipt{
		Provider: a.Provider, Channel: a.Channel, MessageID: cmp.Or(a.MessageID, a.Ref.String()), Ref: a.Ref,
		Status: Submitted, At: now,
	}
	if a.State == AttemptState(Rejected) {
		r.Status, r.Failure = Failed, a.Failure
	}
	l.Receipts = append(l.Receipts, Received{Receipt: r, NeedsSignal: true})
}

// mayEnd reports whether an ending is news. Of a call of unknown end a late answer that is sure is.
func (a Attempt) mayEnd(as AttemptState) bool {
	isLate := a.State == AttemptState(Unknown)
	return a.State == Calling ||
		isLate && as == Accepted || isLate && as == AttemptState(Rejected) && a.Reported == 0
}

// close writes an ending into its attempt.
func (l *Ledger) close(a *Attempt, e Ending, now time.Time) {
	wasCalling := a.State == Calling
	a.State, a.Failure, a.EndedAt = e.state(), e.Failure, &now
	reached := Status("")
	switch a.State { //nolint:exhaustive // the other ends say nothing of how far the message has come
	case Accepted:
		reached = Submitted
		a.Segments = e.Submission.Segments
		if e.Submission.MessageID != "" {
			a.MessageID = e.Submission.MessageID
		}
		if until := now.Add(e.Linger); wasCalling && e.Linger > 0 {
			a.LingersUntil = &until
		}
	case AttemptState(Rejected):
		reached = Failed
	}
	event := Event{Kind: EventAttempt, Channel: a.Channel, Status: reached, Rule: a.Rule}
	event.Code, event.Detail = a.Failure.describe()
	l.note(event, now)
	if reached != "" {
		l.advance(a.Channel, a.Ref.Step, reached, now)
	}
	l.takeUp(a.Channel, now)
	l.flagDuplicate(now)
	l.reckon()
}

// reckon works the outcome out anew after the end: a late answer or receipt may better it.
func (l *Ledger) reckon() { l.Send.Outcome = l.outcome() }

// handBack lets the store wait for the receipt of an SMS after which no other can follow, so that the workflow may end.
func (l *Ledger) handBack(a *Attempt, by time.Time) {
	if a.Channel == SMS && a.State == Accepted && a.MayArrive() && l.Send.FinishedAt == nil && l.isSpent() {
		l.Send.ReceiptBy = &by
	}
}

// StopWaiting ends the wait of the activity that made a call, for receipts of its message. A receipt that is stored later is
// signalled.
func (l *Ledger) StopWaiting(step int) {
	if a := l.Attempt(step); a != nil {
		a.LingersUntil = nil
	}
}

// GiveUp counts a channel as failed because its provider took no call for as long as was tried. It answers HasGivenUp, also
// when repeated; UnderWay while a call may be in flight, whose end counts; else MadeAlready.
func (l *Ledger) GiveUp(c Call, now time.Time) Ruling {
	now = l.clock(now)
	a := l.Attempt(c.Step())
	switch {
	case l.Send.FinishedAt != nil:
		return Ruling{Answer: HasFinished}
	case l.gaveUp(a, c):
		return Ruling{Answer: HasGivenUp}
	case a == nil && c.Channel == WhatsApp && l.Send.WhatsAppStatus == Queued && !l.has(isWhatsApp):
	case a == nil:
		return Ruling{Answer: MadeAlready}
	case a.isInFlight(now):
		return Ruling{Answer: UnderWay, Until: a.StartedAt.Add(CallTimeout)}
	case !a.isRetriable():
		l.buryDead(a, now)
		return Ruling{Answer: MadeAlready, Attempt: *a}
	}
	if a != nil {
		a.Status = Failed
	}
	l.note(Event{Kind: EventGaveUp, Channel: c.Channel, Status: Failed, Rule: l.ruleName(c)}, now)
	l.advance(c.Channel, c.Step(), Failed, now)
	l.settle(now)
	return Ruling{Answer: HasGivenUp}
}

func isWhatsApp(a Attempt) bool { return a.Channel == WhatsApp }

// gaveUp reports whether the call was given up before: after some that surely sent nothing, or before the first.
func (l *Ledger) gaveUp(a *Attempt, c Call) bool {
	if a != nil {
		return a.sentNothing() && a.Status == Failed
	}
	return c.Channel == WhatsApp && l.Send.WhatsAppStatus == Failed && !l.has(isWhatsApp)
}

// Finish ends the send. Lapsed says that ExpiresAt came by the engine's clock. Repeated, it changes nothing.
func (l *Ledger) Finish(lapsed bool, now time.Time) {
	now = l.clock(now)
	if l.Send.FinishedAt != nil {
		return
	}
	if lapsed && (!l.isSpent() || !l.has(Attempt.isSubmitted)) {
		l.lapse(l.pendingRule(), now)
	}
	l.finish(now)
}

// Abandon ends a send that no workflow will decide about, and says why. A send that only waits for the receipt of its SMS
// stays as it is. If nothing was tried, its WhatsApp message has failed.
func (l *Ledger) Abandon(reason string, now time.Time) {
	now = l.clock(now)
	if l.Send.FinishedAt != nil || l.Send.ReceiptBy != nil {
		return
	}
	l.note(Event{Kind: EventGaveUp, Detail: reason}, now)
	if len(l.Attempts) == 0 {
		l.advance(WhatsApp, whatsAppStep, Failed, now)
	}
	l.finish(now)
}

// describe returns the code of a failure, and for people its kind, class and reason.
func (f *Failure) describe() (code, detail string) {
	if f == nil {
		return "", ""
	}
	detail = string(f.Kind)
	if f.Class != "" {
		detail += " (" + string(f.Class) + ")"
	}
	if f.Reason != "" {
		detail += ": " + f.Reason
	}
	return f.Code, detail
}
