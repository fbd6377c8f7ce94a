package backstop

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// DefaultExclusiveGrace is how much later than its wait a rule of an exclusive send fires, so that receipts in flight arrive.
const DefaultExclusiveGrace = 15 * time.Second

// ExclusiveLevel says how sure it is that the WhatsApp message does not arrive after the SMS.
type ExclusiveLevel string

// The levels.
const (
	ExclusiveGuaranteed ExclusiveLevel = "guaranteed" // it cannot, as Meta describes its service
	ExclusiveLikely     ExclusiveLevel = "likely"     // it should not
	ExclusiveNo         ExclusiveLevel = "no"         // it may
)

// ExclusiveReason says why a send has its level.
type ExclusiveReason string

// The reasons, the worst first: the worst reason of its rules is the send's.
const (
	ExclusiveUnread   ExclusiveReason = "unread"         // a rule fires after a delivery, on purpose
	ExclusiveNoTTL    ExclusiveReason = "ttl_unknown"    // nothing is known of how long WhatsApp tries to deliver
	ExclusiveTooShort ExclusiveReason = "wait_too_short" // a rule fires while WhatsApp still tries
	ExclusiveGuess    ExclusiveReason = "default_ttl"    // the time-to-live is a default, which old templates do not have
	ExclusiveUnheld   ExclusiveReason = "not_exclusive"  // nothing holds the SMS back if WhatsApp was called late
	ExclusiveDropped  ExclusiveReason = "dropped_before" // WhatsApp drops the message before the SMS goes out
	ExclusiveFailure  ExclusiveReason = "failures_only"  // only a reported failure fires the rules
	ExclusiveUnsent   ExclusiveReason = "no_whatsapp"    // the message is not sent by WhatsApp
)

// ExclusiveReasons returns all reasons, the worst first.
func ExclusiveReasons() []ExclusiveReason {
	return []ExclusiveReason{
		ExclusiveUnread, ExclusiveNoTTL, ExclusiveTooShort, ExclusiveGuess, ExclusiveUnheld, ExclusiveDropped, ExclusiveFailure,
		ExclusiveUnsent,
	}
}

// Level returns the level that the reason stands for.
func (r ExclusiveReason) Level() ExclusiveLevel {
	switch r {
	case ExclusiveUnread, ExclusiveNoTTL, ExclusiveTooShort:
		return ExclusiveNo
	case ExclusiveGuess, ExclusiveUnheld:
		return ExclusiveLikely
	case ExclusiveDropped, ExclusiveFailure, ExclusiveUnsent:
		return ExclusiveGuaranteed
	default:
		return ""
	}
}

// Exclusivity says whether the WhatsApp message of a send may arrive after its SMS, and why.
type Exclusivity struct {
	Reason ExclusiveReason
	Rule   Rule          // the first rule that has the reason
	TTL    time.Duration // how long WhatsApp tries to deliver; 0: unknown
	Grace  time.Duration // 0 if the send is not exclusive
}

// IsExclusive reports whether the WhatsApp message must not arrive after the SMS.
func (p Plan) IsExclusive() bool { return p.Override != nil && p.Override.Exclusive }

// ttl returns how long WhatsApp tries to deliver the message, or false if that is unknown. The category that the caller gave
// says nothing of it.
func (p Plan) ttl() (time.Duration, bool) {
	if p.Template == nil || p.Template.TTLSeconds == 0 {
		return 0, false
	}
	return time.Duration(p.Template.TTLSeconds) * time.Second, true
}

// Exclusivity returns the exclusivity of the plan: that of its worst rule.
func (p Plan) Exclusivity() Exclusivity {
	e := Exclusivity{Reason: p.exclusiveReason(Rule{})}
	e.TTL, _ = p.ttl()
	if p.IsExclusive() {
		e.Grace = time.Duration(p.GraceSeconds) * time.Second
	}
	order := ExclusiveReasons()
	for i, rule := range p.Rules {
		reason := p.exclusiveReason(rule)
		if i == 0 || slices.Index(order, reason) < slices.Index(order, e.Reason) {
			e.Reason, e.Rule = reason, rule
		}
	}
	return e
}

func (p Plan) exclusiveReason(rule Rule) ExclusiveReason {
	ttl, isKnown := p.ttl()
	switch {
	case p.Template != nil && p.Template.Fault != "":
		return ExclusiveUnsent
	case rule.Type == Unread:
		return ExclusiveUnread
	case rule.WaitSeconds > 0 && !isKnown:
		return ExclusiveNoTTL
	case rule.WaitSeconds > 0 && rule.Wait() < ttl:
		return ExclusiveTooShort
	case rule.WaitSeconds > 0 && p.Template.IsTTLAssumed:
		return ExclusiveGuess
	case !p.IsExclusive():
		return ExclusiveUnheld
	case rule.WaitSeconds > 0:
		return ExclusiveDropped
	default:
		return ExclusiveFailure
	}
}

// ResolveExclusive returns the send with the grace that its rules wait in addition, if the send is exclusive. It returns an Error
// of code Invalid for each rule that may fire while the WhatsApp message can still arrive. The plan has the template already.
func (s Send) ResolveExclusive(grace time.Duration) (Send, error) {
	p := &s.Plan
	p.Rules, p.GraceSeconds = slices.Clone(p.Rules), 0
	if p.IsExclusive() {
		p.GraceSeconds = int((grace + time.Second - 1) / time.Second)
	}
	var f fields
	for i := range p.Rules {
		rule := &p.Rules[i]
		rule.GraceSeconds = 0 // the rules of a repeated send had one
		if !p.IsExclusive() {
			continue
		}
		if rule.WaitSeconds > 0 {
			const watch = int(MaxWait / time.Second) // heldUntil holds the SMS if the grace ends after the watch
			rule.GraceSeconds = min(p.GraceSeconds, watch-rule.WaitSeconds)
		}
		p.refuseExclusive(&f, *rule)
	}
	return s, f.err("the send cannot be exclusive")
}

// refuseExclusive adds why a rule may fire while the WhatsApp message can still arrive.
func (p Plan) refuseExclusive(f *fields, rule Rule) {
	const field = "fallback.exclusive"
	wait := strconv.Itoa(rule.WaitSeconds)
	switch reason := p.exclusiveReason(rule); reason { //nolint:exhaustive // the others are accepted
	case ExclusiveUnread:
		f.add(field, FieldExclusiveUnread, fmt.Sprintf(
			"rule %q is of type unread: its SMS follows a delivered message", rule.Name), "rule", rule.Name)
	case ExclusiveNoTTL:
		f.add(field, FieldExclusiveTTL, fmt.Sprintf(
			"rule %q waits %s s, and WhatsApp may deliver a text, or a template of unknown time-to-live, for up to 30 days: "+
				"leave out the wait, or name a template that is read from Meta", rule.Name, wait),
			"rule", rule.Name, "wait_seconds", wait)
	case ExclusiveTooShort:
		ttl := strconv.Itoa(p.Template.TTLSeconds)
		f.add(field, FieldExclusiveWait, fmt.Sprintf(
			"rule %q waits %s s, which is less than the template's time-to-live of %s s", rule.Name, wait, ttl),
			"rule", rule.Name, "wait_seconds", wait, "ttl_seconds", ttl)
	}
}

// heldUntil returns before when no SMS of an exclusive send goes out: until WhatsApp has dropped each message that may still
// arrive, and the grace has passed. Meta counts the time-to-live from its own acceptance of the message, which the end of the
// call is not before. It is zero if nothing holds the SMS.
func (l *Ledger) heldUntil() time.Time {
	p := l.Send.Plan
	if !p.IsExclusive() {
		return time.Time{}
	}
	ttl, isKnown := p.ttl()
	if !isKnown {
		ttl = DefaultTemplateTTL
	}
	var until time.Time
	for _, a := range l.Attempts {
		if a.Channel != WhatsApp || !a.MayArrive() {
			continue
		}
		end := a.StartedAt.Add(CallTimeout)
		if a.EndedAt != nil {
			end = *a.EndedAt
		}
		if held := end.Add(ttl + time.Duration(p.GraceSeconds)*time.Second); held.After(until) {
			until = held
		}
	}
	return until
}

// isHeld reports whether the SMS has to wait for heldUntil, by a clock that is ahead by clockSlack.
func (l *Ledger) isHeld(now time.Time) bool { return now.Add(clockSlack).Before(l.heldUntil()) }
