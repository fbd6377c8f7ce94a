package backstop

import "time"

// Receive merges a receipt that names its step. It reports whether the workflow must be signalled: because the workflow waits for
// this status, or because the receipt ended the send. A repeated receipt changes nothing, and neither does a foreign one.
func (l *Ledger) Receive(r Receipt, now time.Time) (mustSignal bool) {
	now = l.monotonic(now)
	if !l.Send.HasNumber() {
		r = r.withoutPerson()
	}
	a := l.Attempt(r.Ref.Step)
	if !r.Status.Valid() || l.isForeign(a, r) || !l.isNews(a, r) {
		return false
	}
	before := l.Clone()
	event := Event{Kind: EventReceipt, Channel: r.Channel, Status: r.Status, Detail: r.Failure.describe()}.withFailure(r.Failure)
	if a != nil {
		event.Rule = a.Rule
		a.Reported = a.Reported.With(r.Status)
		if a.lacksID() {
			a.MessageID = r.MessageID
		}
		if r.Status == Failed && a.Refusal == nil {
			a.Refusal = r.Failure
		}
	}
	if r.Status == Failed {
		l.noteOptOut(r.Channel, r.Provider, r.Account, r.Failure, r.At)
	}
	l.addEvent(event, now)
	l.advance(r.Channel, r.Ref.Step, r.Status, now)
	l.flagDuplicate(now)
	l.updateOutcome()
	l.settle(now)
	mustSignal = before.mustSignal(l, r.Channel, now)
	l.Receipts = append(l.Receipts, Received{Receipt: r, NeedsSignal: mustSignal})
	return mustSignal
}

// isForeign reports whether a receipt names a message that its provider cannot have had. Each provider that had a call of the
// send can make the references of its other messages. Without an attempt, the plan must have the step.
func (l *Ledger) isForeign(a *Attempt, r Receipt) bool {
	if a != nil {
		return a.Channel != r.Channel || a.Provider != r.Provider
	}
	rule, rules := ruleOf(r.Ref.Step), l.Send.Plan.Rules
	if r.Channel == WhatsApp || rule < 0 {
		return r.Channel != WhatsApp || rule >= 0
	}
	return rule >= len(rules) || routeOf(r.Ref.Step) >= max(len(rules[rule].Routes), 1)
}

// isNews reports whether no earlier receipt of the attempt had this status. Without an attempt, the receipt is news if it
// advances the channel's status.
func (l *Ledger) isNews(a *Attempt, r Receipt) bool {
	if a == nil {
		s := l.Send.Status.Of(r.Channel)
		return s.Advance(r.Status) != s
	}
	return !a.Reported.Has(r.Status)
}

// mustSignal reports whether the change from l to after needs a signal to the workflow. It needs none while an activity is at
// work on the send, because the activity's result brings the change. While an SMS may arrive, no WhatsApp receipt changes what
// follows.
func (l *Ledger) mustSignal(after *Ledger, channel Channel, now time.Time) bool {
	from, to := l.Send.Status.Of(channel), after.Send.Status.Of(channel)
	switch {
	case l.Send.FinishedAt != nil, l.Send.ReceiptBy != nil, l.hasAttempt(func(a Attempt) bool { return a.Attended(now) }):
		return false
	case after.Send.FinishedAt != nil:
		return true
	case l.usedRules()&^after.usedRules() != 0:
		return true // an account refused the SMS late, and the workflow waits for a receipt: another account may send it
	case from == to:
		return false
	case from == Queued:
		return true // the workflow may wait for the first receipt after a call of unknown end
	case channel == SMS:
		return to == Failed || crossesMark(from, to, Delivered)
	default:
		return (l.Send.Status.SMS == "" || l.Send.Status.SMS == Failed) && l.Send.Plan.MustSignal(from, to)
	}
}
