package backstop

import (
	"cmp"
	"slices"
	"time"
)

// Ledger is all that is known of one send, and the law of what may happen to it. Every change of a send is one of its
// methods: Begin, End, Receive, StopWaiting, GiveUp, Finish. Each may be repeated, by any process and at any later time; what
// was done before is recognised and changes nothing.
//
// A Ledger is a value: its store loads it, lets one method change it, and saves the change only if nobody saved another one
// meanwhile. The times that the methods take are all by one clock, the store's.
type Ledger struct {
	Revision int // of the newest change that is stored
	Send     Send
	Attempts []Attempt // by step
	Averted  []Event   // the timeline's events of this kind, so that none is repeated
	At       time.Time // of the newest event

	Events   []Event    // that were added since the ledger was loaded, to be stored
	Receipts []Received // the same
}

// Received is a receipt that is news.
type Received struct {
	Receipt

	NeedsSignal bool // the workflow must be told
}

// Clone returns a ledger of its own, as it is stored: without what is still to be stored.
func (l *Ledger) Clone() *Ledger {
	c := *l
	c.Attempts, c.Averted, c.Events, c.Receipts = slices.Clone(l.Attempts), slices.Clone(l.Averted), nil, nil
	return &c
}

// View is what a workflow has to know of its send. The newer one, by Revision, replaces the other.
type View struct {
	Revision int     `json:"revision"`
	WhatsApp Status  `json:"whatsapp,omitempty"`
	SMS      Status  `json:"sms,omitempty"`
	SMSRule  int     `json:"sms_rule,omitempty"` // the place of the rule that SMS is of, if it is set
	Spent    RuleSet `json:"spent,omitempty"`    // the rules whose SMS went out, or may have, or failed for good

	Why FallbackReason `json:"why,omitempty"` // the first rule fired

	// Outcome is set when nothing is left to do for the workflow. It is Pending while only an SMS's receipt is waited for,
	// which ends the send in the store.
	Outcome Outcome `json:"outcome,omitempty"`
}

// RuleSet is a set of a plan's rules, by their places.
type RuleSet uint16

// Has reports whether a rule is in the set.
func (s RuleSet) Has(rule int) bool { return s&(1<<rule) != 0 }

// With returns the set with a rule added.
func (s RuleSet) With(rule int) RuleSet { return s | 1<<rule }

// View returns what the workflow of the send has to know, as of the ledger's stored revision.
func (l *Ledger) View() View {
	v := View{
		Revision: l.Revision, WhatsApp: l.Send.WhatsAppStatus, SMS: l.Send.SMSStatus, Spent: l.spent(), Why: l.Send.FallbackReason,
	}
	isFired := func(r Rule) bool { return r.Name == l.Send.Fired }
	v.SMSRule = max(slices.IndexFunc(l.Send.Plan.Rules, isFired), 0)
	if l.Send.FinishedAt != nil || l.Send.ReceiptBy != nil {
		v.Outcome = l.Send.Outcome
	}
	return v
}

// Attempt returns the attempt of a step, or nil.
func (l *Ledger) Attempt(step int) *Attempt {
	return l.find(func(a Attempt) bool { return a.Ref.Step == step })
}

// spent are the rules that were used. A rule fires at most once.
func (l *Ledger) spent() RuleSet {
	var s RuleSet
	for _, a := range l.Attempts {
		if a.Channel == SMS && a.wasTried() {
			s = s.With(ruleOf(a.Ref.Step))
		}
	}
	return s
}

// isSpent reports whether no SMS may follow by any rule of the plan.
func (l *Ledger) isSpent() bool { return l.Send.Plan.Over(l.Send.WhatsAppStatus, l.spent().Has) }

func (l *Ledger) find(wanted func(Attempt) bool) *Attempt {
	if i := slices.IndexFunc(l.Attempts, wanted); i >= 0 {
		return &l.Attempts[i]
	}
	return nil
}

func (l *Ledger) has(wanted func(Attempt) bool) bool { return slices.ContainsFunc(l.Attempts, wanted) }

// newest returns the attempt of a channel whose message is the channel's current one, or nil: the last that may be out or
// that failed for good.
func (l *Ledger) newest(channel Channel) *Attempt {
	var best *Attempt
	for i := range l.Attempts {
		a := &l.Attempts[i]
		if a.Channel != channel || !a.wasTried() {
			continue
		}
		if best == nil || !a.StartedAt.Before(best.StartedAt) {
			best = a
		}
	}
	return best
}

// status is how far the channel's current message has come.
func (l *Ledger) status(channel Channel) *Status {
	if channel == SMS {
		return &l.Send.SMSStatus
	}
	return &l.Send.WhatsAppStatus
}

// advance merges a status into the attempt of a step and into its channel.
func (l *Ledger) advance(channel Channel, step int, status Status, now time.Time) {
	a := l.find(func(a Attempt) bool { return a.Ref.Step == step && a.Channel == channel })
	if a != nil {
		a.Status = a.Status.Advance(status)
	}
	if !l.isOfChannel(channel, a, status) {
		return
	}
	s := l.status(channel)
	*s = s.Advance(status)
	if status.Reached(Delivered) && l.Send.DeliveredAt == nil {
		l.Send.DeliveredAt, l.Send.DeliveredBy = &now, channel
	}
}

// isOfChannel reports whether the status of a message is its channel's too. A message that a newer one of the channel has
// replaced may still arrive; otherwise it says nothing of the newer one. SMS has failed when none may arrive any more: that
// is what the next rule waits for.
func (l *Ledger) isOfChannel(channel Channel, a *Attempt, status Status) bool {
	pending := l.pendingSMS()
	switch current := l.newest(channel); {
	case status.Reached(Delivered), a == nil:
		return true
	case channel == SMS && pending != nil && pending.Rule != a.Rule:
		return false
	case channel == SMS && status == Failed:
		return !l.smsMayArrive()
	default:
		return current == nil || current == a
	}
}

// takeUp merges what was reported of the channel's current message while a call was in flight that turned out to replace
// nothing.
func (l *Ledger) takeUp(channel Channel, now time.Time) {
	if a := l.newest(channel); a != nil && a.Status != "" {
		l.advance(channel, a.Ref.Step, a.Status, now)
	}
}

// flagDuplicate notes, once and for good, that the message arrived by WhatsApp after an SMS went out that has not failed.
func (l *Ledger) flagDuplicate(now time.Time) {
	s := &l.Send
	if s.DuplicateDelivery || !s.WhatsAppStatus.Reached(Delivered) {
		return
	}
	paid := func(a Attempt) bool {
		afterIt := s.DeliveredBy != WhatsApp || !s.DeliveredAt.Before(a.StartedAt)
		return a.Channel == SMS && a.isSubmitted() && a.Status != Failed && afterIt
	}
	if l.has(paid) {
		s.DuplicateDelivery = true
		l.note(Event{Kind: EventDuplicate, Channel: WhatsApp, Status: s.WhatsAppStatus}, now)
	}
}

// note adds an event to the timeline. Its times never go back, though the clocks of two processes may differ a little. After
// the end only receipts follow.
func (l *Ledger) note(e Event, now time.Time) {
	if l.Send.FinishedAt != nil && e.Kind != EventReceipt && e.Kind != EventFinished {
		return
	}
	e.Send, e.At = l.Send.ID, l.clock(now)
	l.At = e.At
	l.Events = append(l.Events, e)
}

// clock returns now, or the time of the newest event or call if that is later.
func (l *Ledger) clock(now time.Time) time.Time {
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

// startTime returns when a call begins: later than every call and delivery before it, because their order is told by time.
func (l *Ledger) startTime(now time.Time) time.Time {
	isTaken := func(a Attempt) bool { return a.StartedAt.Equal(now) }
	if l.has(isTaken) || l.Send.DeliveredAt != nil && l.Send.DeliveredAt.Equal(now) {
		return now.Add(time.Microsecond) // the store's resolution
	}
	return now
}

// optOut returns the attempt that says that the recipient wants no more such messages, or nil.
func (l *Ledger) optOut() *Attempt {
	if l.Send.Category.ChasesOptOut() {
		return nil
	}
	return l.find(func(a Attempt) bool {
		f := a.failure()
		return f != nil && f.Class == OptedOut
	})
}

// expired reports whether nothing may go out any more.
func (l *Ledger) expired(now time.Time) bool {
	return l.Send.Expired || l.Send.ExpiresAt != nil && !now.Before(*l.Send.ExpiresAt)
}

// settle ends the send when nothing is left to decide, whatever is reported from now on. A call in flight has to end first.
func (l *Ledger) settle(now time.Time) {
	s := &l.Send
	switch {
	case s.FinishedAt != nil, l.has(func(a Attempt) bool { return a.isInFlight(now) }):
		return
	case s.SMSStatus.Reached(Delivered):
	case l.smsMayArrive():
		return
	case l.optOut() != nil && !(l.isSpent() && s.WhatsAppStatus.Reached(Delivered)):
		by := l.optOut()
		l.note(Event{Kind: EventOptedOut, Channel: by.Channel, Rule: by.Rule, Code: by.failure().Code}, now)
	case l.isSpent() && !l.isLapsed(now):
	case l.expired(now):
		l.lapse(l.pendingRule(), now)
	default:
		return
	}
	l.finish(now)
}

// isLapsed reports whether the message expired before any provider had it: nothing that was tried failed for another reason.
func (l *Ledger) isLapsed(now time.Time) bool {
	return l.expired(now) && !l.has(Attempt.isSubmitted)
}

func (l *Ledger) smsMayArrive() bool {
	return l.has(func(a Attempt) bool { return a.Channel == SMS && a.MayArrive() })
}

// lapse notes that the message expired before everything was tried: the SMS of a rule, if one is named.
func (l *Ledger) lapse(rule string, now time.Time) {
	if !l.Send.Expired {
		l.Send.Expired = true
		l.note(Event{Kind: EventExpired, Rule: rule}, now)
	}
}

func (l *Ledger) finish(now time.Time) {
	l.withdraw(now)
	at := l.clock(now)
	l.Send.FinishedAt, l.Send.ReceiptBy = &at, nil
	l.Send.Outcome = l.outcome()
	l.note(Event{Kind: EventFinished, Detail: string(l.Send.Outcome)}, now)
}

// pendingSMS returns the SMS that is being tried and surely was not sent so far, or nil.
func (l *Ledger) pendingSMS() *Attempt {
	if l.Send.SMSStatus != Queued {
		return nil
	}
	return l.find(func(a Attempt) bool { return a.Channel == SMS && a.isRetriable() && a.Rule == l.Send.Fired })
}

func (l *Ledger) pendingRule() string {
	if a := l.pendingSMS(); a != nil {
		return a.Rule
	}
	return ""
}

// withdraw takes back an SMS that is being tried and will not be sent after all. What was sent before it stays.
func (l *Ledger) withdraw(now time.Time) {
	pending := l.pendingSMS()
	if pending == nil {
		return
	}
	rule := ruleOf(pending.Ref.Step)
	if l.Send.WhatsAppStatus.Reached(l.Send.Plan.Rules[rule].Type.Goal()) {
		l.avert(rule, now)
	}
	s := &l.Send
	before := l.newest(SMS)
	if before == nil {
		s.SMSStatus, s.Fired, s.FiredReason, s.FallbackReason = "", "", "", ""
		return
	}
	s.SMSStatus, s.Fired, s.FiredReason = cmp.Or(before.Status, Queued), before.Rule, before.Reason
}

// avert notes that the last look found the message arrived: the rule sends no SMS now. It may fire later.
func (l *Ledger) avert(rule int, now time.Time) {
	e := Event{Kind: EventAverted, Channel: WhatsApp, Rule: l.Send.Plan.Rules[rule].Name, Status: l.Send.WhatsAppStatus}
	known := func(o Event) bool { return o.Rule == e.Rule && o.Status == e.Status }
	if !slices.ContainsFunc(l.Averted, known) {
		l.note(e, now)
		l.Averted = append(l.Averted, e)
	}
}

// outcome works out where the send ended, as far as is known.
func (l *Ledger) outcome() Outcome {
	s := l.Send
	switch {
	case s.FinishedAt == nil:
		return OutcomePending
	case s.SMSStatus.Reached(Delivered):
		return OutcomeSMS
	case s.WhatsAppStatus.Reached(Delivered):
		return OutcomeWhatsApp
	case l.has(Attempt.MayArrive):
		return OutcomeUnconfirmed
	case s.Expired && !l.has(Attempt.isSubmitted):
		return OutcomeExpired
	default:
		return OutcomeFailed
	}
}
