package backstop

import (
	"cmp"
	"slices"
	"time"
)

// Ledger is the state of one send, and decides what may happen to the send. Only its methods change a send: Begin, End, Receive,
// StopWaiting, GiveUp, Finish, Abandon, Cancel and Confirm. Each is idempotent: any process may repeat it at any later time, and
// the repetition changes nothing.
//
// A Ledger is a value. Its store loads it, calls one method, and saves the change by compare-and-swap on Revision. All times that
// the methods take are by the store's clock.
type Ledger struct {
	Revision int // of the newest stored change
	Send     Send
	Attempts []Attempt // by step
	Averted  []Event   // the timeline's events of this kind, so that none is repeated
	At       time.Time // of the newest event

	Events   []Event    // added since the ledger was loaded, still to be stored
	Receipts []Received // the same
	OptOuts  []OptOut   // the same; without a category, see OptOutRules.CategoriesOf

	OptedOutOf []OptOutCategory // of the recipient, when the ledger was loaded; empty in a cached ledger
}

// Received is a receipt that is new to the ledger.
type Received struct {
	Receipt

	NeedsSignal bool // the workflow must be signalled
}

// NewLedger returns the ledger of a send that was stored with its first event.
func NewLedger(s Send) *Ledger { return &Ledger{Revision: 1, Send: s, At: s.AcceptedAt} }

// NextRevision returns the revision after the change is stored: the number of its newest event, or one more if it has no event.
func (l *Ledger) NextRevision() int { return l.Revision + max(len(l.Events), 1) }

// Clone returns a copy of the ledger, without the Events, Receipts and OptOuts that are still to be stored.
func (l *Ledger) Clone() *Ledger {
	c := *l
	c.Attempts, c.Averted, c.Events, c.Receipts = slices.Clone(l.Attempts), slices.Clone(l.Averted), nil, nil
	c.OptOuts = nil
	return &c
}

// View is the part of a ledger that the send's workflow needs. A view with a higher Revision replaces an older view.
type View struct {
	Revision int     `json:"revision"`
	Statuses         //nolint:embeddedstructfieldcheck // histories have its fields at this place
	SMSRule  int     `json:"sms_rule,omitempty"` // the index of the rule that SMS belongs to, if SMS is set
	Used     RuleSet `json:"spent,omitempty"`    // the rules whose SMS went out, or may have, or failed for good

	Why FallbackReason `json:"why,omitempty"` // why the first rule fired

	// Outcome is set when the workflow has nothing left to do. It is Pending while the store waits for the SMS's receipt, which
	// ends the send.
	Outcome Outcome `json:"outcome,omitempty"`
}

// EndsReceiptWait reports whether an activity that waits for the receipts of a WhatsApp message has its answer: the send has
// ended, or the message has failed.
func (v View) EndsReceiptWait() bool {
	return v.WhatsApp == Failed || v.Outcome != "" && v.Outcome != OutcomePending
}

// RuleSet is a set of a plan's rules, by their indexes in the plan.
type RuleSet uint16

// Has reports whether a rule is in the set.
func (s RuleSet) Has(rule int) bool { return s&(1<<rule) != 0 }

// With returns the set with a rule added.
func (s RuleSet) With(rule int) RuleSet { return s | 1<<rule }

// View returns the view for the send's workflow, as of the ledger's stored revision.
func (l *Ledger) View() View {
	s := l.Send
	v := View{Revision: l.Revision, Statuses: s.Status, Used: l.usedRules(), Why: s.FallbackReason}
	isFired := func(r Rule) bool { return r.Name == s.Fired }
	v.SMSRule = max(slices.IndexFunc(s.Plan.Rules, isFired), 0)
	if l.Send.FinishedAt != nil || l.Send.ReceiptBy != nil {
		v.Outcome = l.Send.Outcome
	}
	return v
}

// Attempt returns the attempt of a step, or nil.
func (l *Ledger) Attempt(step int) *Attempt {
	return l.findAttempt(func(a Attempt) bool { return a.Ref.Step == step })
}

// usedRules returns the rules that are used up. A used rule does not fire again.
func (l *Ledger) usedRules() RuleSet {
	var s RuleSet
	for _, a := range l.Attempts {
		if a.Channel == SMS && a.wasTried() && !l.isPassedOver(a) {
			s = s.With(ruleOf(a.Ref.Step))
		}
	}
	return s
}

// isPlanSatisfied reports whether no rule of the plan can fire any more.
func (l *Ledger) isPlanSatisfied() bool {
	return l.Send.Plan.IsSatisfied(l.Send.Status.WhatsApp, l.usedRules().Has)
}

func (l *Ledger) findAttempt(wanted func(Attempt) bool) *Attempt {
	if i := slices.IndexFunc(l.Attempts, wanted); i >= 0 {
		return &l.Attempts[i]
	}
	return nil
}

func (l *Ledger) hasAttempt(wanted func(Attempt) bool) bool {
	return slices.ContainsFunc(l.Attempts, wanted)
}

// newestAttempt returns the attempt with the channel's current message, or nil: the last message that is out, may be out or
// failed for good.
func (l *Ledger) newestAttempt(channel Channel) *Attempt {
	var best *Attempt
	for i := range l.Attempts {
		a := &l.Attempts[i]
		if a.Channel != channel || !a.wasTried() || l.isPassedOver(*a) {
			continue
		}
		if best == nil || !a.StartedAt.Before(best.StartedAt) {
			best = a
		}
	}
	return best
}

// advance merges a status into the attempt of a step and into its channel.
func (l *Ledger) advance(channel Channel, step int, status Status, now time.Time) {
	a := l.findAttempt(func(a Attempt) bool { return a.Ref.Step == step && a.Channel == channel })
	if a != nil {
		a.Status = a.Status.Advance(status)
	}
	if !l.isOfChannel(channel, a, status) {
		return
	}
	current := statusOn(&l.Send.Status, channel) // of the channel's current message
	*current = current.Advance(status)
	if status.Reached(Delivered) && l.Send.DeliveredAt == nil {
		l.Send.DeliveredAt, l.Send.DeliveredBy = &now, channel
	}
}

// isOfChannel reports whether the status of a message is its channel's too. A delivery always is, and so is a status without an
// attempt. Any other status counts only for the channel's current message. SMS fails only when no SMS may arrive any more,
// because the next rule fires then.
func (l *Ledger) isOfChannel(channel Channel, a *Attempt, status Status) bool {
	pending, isPending := l.pendingSMS()
	switch current := l.newestAttempt(channel); {
	case status.Reached(Delivered), a == nil:
		return true
	case channel == SMS && isPending && pending != ruleOf(a.Ref.Step):
		return false
	case channel == SMS && status == Failed:
		return !l.smsMayArrive() && !l.isPassedOver(*a)
	default:
		return current == nil || current == a
	}
}

// mergeCurrentStatus merges the status of the channel's current message into the channel. The channel ignored that status while a
// newer call was in flight. A newer call that sent nothing replaces no message.
func (l *Ledger) mergeCurrentStatus(channel Channel, now time.Time) {
	if a := l.newestAttempt(channel); a != nil && a.Status != "" {
		l.advance(channel, a.Ref.Step, a.Status, now)
	}
}

// flagDuplicate sets DuplicateDelivery if the message arrived by WhatsApp after an SMS went out, and that SMS has not failed.
// The flag is never reset.
func (l *Ledger) flagDuplicate(now time.Time) {
	s := &l.Send
	if s.DuplicateDelivery || !s.Status.WhatsApp.Reached(Delivered) {
		return
	}
	paid := func(a Attempt) bool {
		afterIt := s.DeliveredBy != WhatsApp || !s.DeliveredAt.Before(a.StartedAt)
		return a.Channel == SMS && a.isSubmitted() && a.Status != Failed && afterIt
	}
	if l.hasAttempt(paid) {
		s.DuplicateDelivery = true
		l.addEvent(Event{Kind: EventDuplicate, Channel: WhatsApp, Status: s.Status.WhatsApp}, now)
	}
}

// addEvent adds an event to the timeline. The times of a timeline never go back, even if the clocks of two processes differ.
// After the end of the send only receipts are added.
func (l *Ledger) addEvent(e Event, now time.Time) {
	if l.Send.FinishedAt != nil && e.Kind != EventReceipt && e.Kind != EventFinished {
		return
	}
	e.Send, e.At = l.Send.ID, l.monotonic(now)
	l.At = e.At
	l.Events = append(l.Events, e)
}

// monotonic returns now, or the time of the newest event or call if that is later.
func (l *Ledger) monotonic(now time.Time) time.Time {
	if now.Before(l.At) {
		now = l.At
	}
	for _, a := range l.Attempts {
		if now.Before(a.StartedAt) {
			now = a.StartedAt
		}
	}
	return now
}

// startTime returns when a call begins. It is later than every earlier call and delivery, because their times give their order.
func (l *Ledger) startTime(now time.Time) time.Time {
	isTaken := func(a Attempt) bool { return a.StartedAt.Equal(now) }
	if l.hasAttempt(isTaken) || l.Send.DeliveredAt != nil && l.Send.DeliveredAt.Equal(now) {
		return now.Add(time.Microsecond) // the store's resolution
	}
	return now
}

// optOut returns the attempt that failed because the recipient has opted out, or nil. It is nil too if the send's category allows
// an SMS after an opt-out.
func (l *Ledger) optOut() *Attempt {
	if l.Send.Category.ChasesOptOut() {
		return nil
	}
	return l.findAttempt(func(a Attempt) bool {
		f := a.Why()
		return f != nil && f.Class == OptedOut
	})
}

// hasExpired reports whether the message has expired, so nothing may go out any more.
func (l *Ledger) hasExpired(now time.Time) bool {
	return l.Send.Expired || l.Send.ExpiresAt != nil && !now.Before(*l.Send.ExpiresAt)
}

// settle ends the send if no later receipt can lead to another message. A call in flight has to end first.
func (l *Ledger) settle(now time.Time) {
	s := &l.Send
	switch {
	case s.FinishedAt != nil, l.hasAttempt(func(a Attempt) bool { return a.isInFlight(now) }):
		return
	case s.Status.SMS.Reached(Delivered):
	case l.smsMayArrive():
		return
	case l.optOut() != nil && (!l.isPlanSatisfied() || !s.Status.WhatsApp.Reached(Delivered)):
		by := l.optOut()
		l.addEvent(Event{Kind: EventOptedOut, Channel: by.Channel, Rule: by.Rule, Code: by.Why().Code}, now)
	case l.isPlanSatisfied():
	case l.hasExpired(now):
		l.recordExpiry(l.pendingRule(), now)
	default:
		return
	}
	l.finish(now)
}

// isLapsed reports whether the message expired before any provider had it, or was dropped because it expired at the provider.
func (l *Ledger) isLapsed(now time.Time) bool {
	return (l.hasExpired(now) || l.hasAttempt(Attempt.wasDropped)) && !l.hasAttempt(Attempt.isSubmitted)
}

func (l *Ledger) smsMayArrive() bool {
	return l.hasAttempt(func(a Attempt) bool { return a.Channel == SMS && a.MayArrive() })
}

// recordExpiry records that the message expired before everything was tried. The rule, if any, is the one whose SMS was being
// tried.
func (l *Ledger) recordExpiry(rule string, now time.Time) {
	if !l.Send.Expired {
		l.Send.Expired = true
		l.addEvent(Event{Kind: EventExpired, Rule: rule}, now)
	}
}

func (l *Ledger) finish(now time.Time) {
	if l.isLapsed(now) && l.optOut() == nil {
		l.recordExpiry(l.pendingRule(), now)
	}
	l.end(now)
}

func (l *Ledger) end(now time.Time) {
	l.withdraw(now)
	at := l.monotonic(now)
	l.Send.FinishedAt, l.Send.ReceiptBy = &at, nil
	l.Send.Outcome = l.outcome()
	l.addEvent(Event{Kind: EventFinished, Detail: string(l.Send.Outcome)}, now)
}

// pendingSMS returns the rule whose SMS is being retried and that no provider took so far, by its index in the plan; false if
// there is none.
func (l *Ledger) pendingSMS() (rule int, isPending bool) {
	if l.Send.Status.SMS != Queued {
		return 0, false
	}
	a := l.findAttempt(func(a Attempt) bool {
		return a.Channel == SMS && (a.IsRetriable() || l.isPassedOver(a)) && a.Rule == l.Send.Fired
	})
	if a == nil || !l.hasRouteLeft(ruleOf(a.Ref.Step)) {
		return 0, false
	}
	return ruleOf(a.Ref.Step), true
}

func (l *Ledger) pendingRule() string {
	if rule, isPending := l.pendingSMS(); isPending {
		return l.Send.Plan.Rules[rule].Name
	}
	return ""
}

// withdraw removes the pending SMS, because it will not be sent. The send gets back the state of the SMS before it.
func (l *Ledger) withdraw(now time.Time) {
	rule, isPending := l.pendingSMS()
	if !isPending {
		return
	}
	if l.Send.Status.WhatsApp.Reached(l.Send.Plan.Rules[rule].Type.Goal()) {
		l.recordAverted(rule, now)
	}
	s := &l.Send
	before := l.newestAttempt(SMS)
	if before == nil {
		s.Status.SMS, s.Fired, s.FiredReason, s.FiredCause, s.FallbackReason = "", "", "", "", ""
		return
	}
	s.Status.SMS = cmp.Or(before.Status, Queued)
	s.Fired, s.FiredReason, s.FiredCause = before.Rule, before.Reason, before.Cause
}

// recordAverted records that the rule sends no SMS now, because the check before the call found that the message had arrived. The
// rule may fire later.
func (l *Ledger) recordAverted(rule int, now time.Time) {
	e := Event{Kind: EventAverted, Channel: WhatsApp, Rule: l.Send.Plan.Rules[rule].Name, Status: l.Send.Status.WhatsApp}
	known := func(o Event) bool { return o.Rule == e.Rule && o.Status == e.Status }
	if !slices.ContainsFunc(l.Averted, known) {
		l.addEvent(e, now)
		l.Averted = append(l.Averted, e)
	}
}

// outcome returns the send's outcome by its current state.
func (l *Ledger) outcome() Outcome {
	s := l.Send
	switch {
	case s.FinishedAt == nil:
		return OutcomePending
	case s.Status.SMS.Reached(Delivered):
		return OutcomeSMS
	case s.Outcome.IsOfCaller():
		return s.Outcome
	case s.Status.WhatsApp.Reached(Delivered):
		return OutcomeWhatsApp
	case l.hasAttempt(Attempt.MayArrive):
		return OutcomeUnconfirmed
	case s.Expired && !l.hasAttempt(Attempt.isSubmitted):
		return OutcomeExpired
	default:
		return OutcomeFailed
	}
}
